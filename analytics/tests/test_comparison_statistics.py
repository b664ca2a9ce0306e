"""Intervals and tests of comparisons: cases worked by hand, and figures that others published."""

from __future__ import annotations

import json
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.comparisons.stats import (
    agreement,
    means,
    multiple,
    planning,
    ranking,
    ratios,
    strata,
    votes,
)


@pytest.fixture
def truth(shared):
    def read(name: str, file: str = "truth.json"):
        path = shared / "truth" / name / file
        if not path.exists():
            pytest.skip("the published figures are not here")
        if file.endswith("l"):
            return [json.loads(line) for line in path.read_text().splitlines()]
        return json.loads(path.read_text())

    return read


def cases(truth, test: str) -> list[dict]:
    return [case for case in truth("reference_tests")["cases"] if case["test"].startswith(test)]


# -- by hand ------------------------------------------------------------------------------------


def test_e_is_what_the_formula_says_for_a_few_votes():
    # 2^n W! L! / (n + 1)!
    assert votes.e_value(0, 0) == pytest.approx(1)
    assert votes.e_value(1, 0) == pytest.approx(1)
    assert votes.e_value(2, 0) == pytest.approx(4 * 2 / 6)
    assert votes.e_value(8, 0) == pytest.approx(256 * math.factorial(8) / math.factorial(9))
    assert votes.e_value(10_000, 0) == pytest.approx(1e300)


@pytest.mark.parametrize(
    ("decisive", "wins"),
    [(8, 8), (10, 10), (15, 14), (20, 17), (30, 24), (50, 36), (100, 66), (200, 124), (500, 289)],
)
def test_the_wins_that_decide_are_the_fewest_with_enough_evidence(decisive, wins):
    assert votes.wins_needed(decisive) == wins
    assert votes.e_value(wins, decisive - wins) >= 20 > votes.e_value(wins - 1, decisive - wins + 1)


def test_seven_straight_wins_decide_nothing():
    assert votes.wins_needed(7) is None


@pytest.mark.parametrize(
    ("share", "needed"), [(0.55, 783), (0.6, 194), (0.65, 85), (0.7, 47), (0.75, 29), (0.8, 20)]
)
def test_the_votes_that_tell_a_share_from_a_half_are_those_of_the_textbook(share, needed):
    assert planning.decisive_votes(share) == pytest.approx(needed, abs=1)


def test_what_so_many_votes_can_see_is_the_reverse_of_what_is_needed():
    for n in (20, 50, 100):
        share = planning.detectable_share(n)
        assert planning.decisive_votes(share) <= n
        assert planning.decisive_votes(share - 0.005) > n


def test_a_constant_difference_has_no_p_and_an_interval_of_one_point():
    found = means.paired([1.0] * 10)
    assert (found.low, found.high, found.p, found.t) == (1.0, 1.0, None, None)


def test_clusters_widen_the_interval_of_what_is_alike_within_them():
    values = [1.0, 1.1, 0.9, 1.0, -1.0, -1.1, -0.9, -1.0, 3.0, 3.1, 2.9, 3.0]
    clusters = list("aaaabbbbcccc")
    alone, robust = means.paired(values), means.paired(values, clusters)
    assert robust.clusters == 3
    assert robust.df == 2
    # Three cluster sums of deviations: 0, -8, 8, in that order.
    assert robust.se == pytest.approx(math.sqrt(3 / 2 * 128) / 12)
    assert robust.high - robust.low > alone.high - alone.low


def test_all_signs_of_a_few_differences_are_tried():
    # Of the eight ways to sign 1, 2 and 3, two are as far from zero as they are.
    assert means.sign_flip_p([1, 2, 3]) == pytest.approx(2 / 8)
    assert means.sign_flip_p([]) is None
    assert means.sign_flip_p([0, 0]) is None


def test_many_signs_are_drawn_the_same_way_each_time():
    values = np.random.default_rng(1).normal(0.2, 1, 200)
    found = {means.sign_flip_p(sign * values, seed=3) for sign in (1, -1, 1)}
    assert len(found) == 1
    assert 0 < found.pop() < 0.2


def test_the_ratio_of_swapped_sides_is_the_inverse_with_its_interval():
    draw = np.random.default_rng(2)
    a, b = draw.lognormal(0, 1, 60), draw.lognormal(0.3, 1, 60)
    for is_paired in (True, False):
        one = ratios.geometric_ratio(a, b, is_paired=is_paired)
        other = ratios.geometric_ratio(b, a, is_paired=is_paired)
        assert (1 / one.mean, 1 / one.high, 1 / one.low) == pytest.approx(
            (other.mean, other.low, other.high)
        )
        for statistic in ("mean", *ratios.PLACES):
            options = {"is_paired": is_paired, "seed": 5}
            ratio, low, high = ratios.bootstrap_ratio(a, b, statistic, **options)
            back = ratios.bootstrap_ratio(b, a, statistic, **options)
            assert (1 / ratio, 1 / high, 1 / low) == pytest.approx(back)
            assert low < ratio < high


def test_a_zero_has_no_logarithm_and_no_geometric_mean():
    assert ratios.geometric_ratio([0, 1], [1, 2], is_paired=True) is None


def test_a_tail_of_few_values_has_no_interval():
    ratio, low, high = ratios.bootstrap_ratio([1] * 8, [2] * 8, "p95", is_paired=True, seed=1)
    assert (ratio, low, high) == (2, None, None)


def test_holm_and_its_mirror_for_evidence():
    assert multiple.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert multiple.holm_e([100, 25, 100 / 3]) == pytest.approx([100 / 3, 100 / 6, 100 / 6])
    assert multiple.holm([]) == []


def test_a_variant_without_a_loss_has_no_strength_and_is_named():
    wins = np.array([[0, 3, 2], [0, 0, 2], [0, 1, 0]], dtype=float)
    assert ranking.fault(wins, "ABC") == "A has not lost once, so its strength has no upper limit."
    assert ranking.ranked(wins[None], "ABC", seed=1).worths is None


def test_a_ranking_of_two_who_win_alike_is_half_and_half():
    wins = np.array([[0, 5], [5, 0]], dtype=float)
    assert ranking.bradley_terry(wins) == pytest.approx([0.5, 0.5])


def test_raters_who_say_the_same_agree_wholly():
    assert agreement.icc_2([[1, 1], [2, 2], [5, 5]]) == pytest.approx((1, 1))
    assert agreement.weighted_kappa([1, 2, 5], [1, 2, 5]) == 1
    assert agreement.icc_2([[1, 1]]) is None
    assert agreement.weighted_kappa([3, 3], [3, 3]) is None


def test_a_split_far_from_the_planned_one_rings():
    assert planning.srm([500, 500], [0.5, 0.5]) == pytest.approx(1)
    assert planning.srm([600, 400], [0.5, 0.5]) < 0.001
    assert planning.srm([0, 0], [0.5, 0.5]) is None


def test_odds_over_strata_are_those_of_each_where_they_are_the_same():
    found = strata.mantel_haenszel([(10, 5, 5, 10), (20, 10, 10, 20)])
    assert found[0] == pytest.approx(4)
    assert found[1] < 4 < found[2]
    assert strata.mantel_haenszel([(1, 0, 0, 0)]) is None


# -- whatever comes -----------------------------------------------------------------------------

COUNTS = st.integers(0, 60)
NUMBERS = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), max_size=40)


@given(COUNTS, COUNTS, COUNTS)
def test_intervals_of_votes_hold_the_estimate_and_mirror(wins, losses, ties):
    n = wins + losses + ties
    low, high = votes.tango(wins, losses, n)
    assert -1 <= low <= high <= 1
    if n:
        assert low - 1e-9 <= (wins - losses) / n <= high + 1e-9
    assert votes.tango(losses, wins, n) == pytest.approx((-high, -low), abs=1e-7)
    share = votes.always_valid_share(wins, losses)
    assert 0 <= share[0] <= share[1] <= 1
    back = votes.always_valid_share(losses, wins)
    assert (1 - back[1], 1 - back[0]) == pytest.approx(share, abs=1e-9)
    exact, mid = votes.sign_test(wins, losses)
    assert 0 < mid <= exact <= 1
    assert votes.e_value(wins, losses) == votes.e_value(losses, wins) > 0


@given(NUMBERS)
def test_nothing_that_is_said_of_differences_is_not_a_number(values):
    found = means.paired(values)
    assert (found is None) == (not values)
    for value in [getattr(found, name) for name in found.__slots__] if found else []:
        assert value is None or math.isfinite(value)
    p = means.sign_flip_p(values, flips=99)
    assert p is None or 0 < p <= 1
    test = means.wilcoxon(values)
    assert test is None or all(math.isfinite(value) for value in test)
    assert all(v is None or math.isfinite(v) for v in ratios.describe(values).values())


# -- as published -------------------------------------------------------------------------------


def test_proportions_are_those_of_r(truth):
    found = cases(truth, "binomial interval")
    assert found
    for case in found:
        of = votes.wilson if case["method"] == "wilson" else votes.exact_share
        interval = of(case["successes"], case["n"], 1 - case["level"])
        assert interval == pytest.approx((case["low"], case["high"]), abs=case["tolerance"]), case


def test_paired_binaries_are_those_of_the_books(truth):
    found = cases(truth, "paired binary")
    assert found
    for case in found:
        wins, losses = case["b"], case["c"]
        n = wins + losses + case["a"] + case["d"]
        exact, mid = votes.sign_test(wins, losses)
        tolerance = case["tolerance"]
        if "exact_p" in case:
            assert exact == pytest.approx(case["exact_p"], abs=tolerance["p"])
        if "midp_p" in case:
            assert mid == pytest.approx(case["midp_p"], abs=tolerance["p"])
        if "tango_ci" in case:
            assert votes.tango(wins, losses, n) == pytest.approx(
                case["tango_ci"], abs=tolerance["ci"]
            )


def test_means_are_those_of_r(truth):
    for case in cases(truth, "paired t"):
        found = means.paired(np.subtract(case["x"], case["y"]))
        assert found.t == pytest.approx(case["t"], abs=case["tolerance"]["t"])
        assert found.p == pytest.approx(case["p"], abs=case["tolerance"]["p"])
        assert (found.low, found.high) == pytest.approx(case["ci"], abs=case["tolerance"]["ci"])
    for case in cases(truth, "Welch t"):
        found = means.welch(case["y"], case["x"])
        assert found.t == pytest.approx(case["t"], abs=case["tolerance"]["t"])
        assert found.df == pytest.approx(case["df"], abs=case["tolerance"]["df"])
        assert (found.low, found.high) == pytest.approx(case["ci"], abs=case["tolerance"]["ci"])


def test_ranks_are_those_of_r_and_sas(truth):
    for case in cases(truth, "Wilcoxon"):
        values = case.get("differences") or np.subtract(case["x"], case["y"])
        options = {name: case[name] for name in ("correction", "alternative") if name in case}
        statistic, p = means.wilcoxon(
            values, case.get("zero_method", "wilcox"), case["method"], **options
        )
        assert statistic == pytest.approx(case["statistic"])
        assert p == pytest.approx(case["p"], abs=case["tolerance"])
    for case in cases(truth, "Mann-Whitney"):
        share, p = means.mann_whitney(case["y"], case["x"], case["method"])
        assert share * len(case["x"]) * len(case["y"]) == pytest.approx(case["statistic"])
        assert p == pytest.approx(case["p"], abs=case["tolerance"])


def test_bootstraps_adjustments_strata_and_power_are_as_published(truth):
    for case in cases(truth, "bootstrap"):
        found = ratios.mean_interval(case["x"], seed=1, method=case["method"], resamples=100_000)
        assert found == pytest.approx((case["low"], case["high"]), rel=0.02), case["method"]
    for case in cases(truth, "p-value"):
        assert multiple.holm(case["sorted_p"]) == pytest.approx(case["holm_of_sorted"], abs=1e-10)
        found = multiple.benjamini_hochberg(case["sorted_p"])
        assert found == pytest.approx(case["bh_of_sorted"], abs=1e-10)
    for case in cases(truth, "stratified"):
        tables = [tuple(part.values()) for part in case["strata"].values()]
        found = strata.mantel_haenszel(tables)
        if "mantel_haenszel_or" in case:
            assert found[0] == pytest.approx(case["mantel_haenszel_or"], abs=1e-6)
            assert found[1:3] == pytest.approx(case["mh_ci"], abs=1e-5)
            assert found[3:] == pytest.approx((case["cmh_chi2"], case["cmh_p"]), abs=5e-5)
    for case in cases(truth, "power"):
        found = planning.t_power(case["effect_size"], case["n"], case["alpha"])
        assert found == pytest.approx(case["power"], abs=case["tolerance"])


def moments(side: dict) -> tuple[int, float, float]:
    n = side["n"]
    if "successes" in side:
        rate = side["successes"] / n
        return n, rate, rate * (1 - rate)
    mean = side["sum"] / n
    return n, mean, (side["sum_squares"] - n * mean * mean) / (n - 1)


def test_sequential_figures_are_those_of_growthbook(truth):
    for case in truth("growthbook_sequential")["cases"]:
        found = means.welch_of_moments(
            *moments(case["a"]), *moments(case["b"]), relative=case["difference"] == "relative"
        )
        assert found.mean == pytest.approx(case["expected"], abs=1.01e-5)
        assert found.se == pytest.approx(case["stddev"], abs=1.01e-5)
        interval, p = (found.low, found.high), found.p
        if tuning := case.get("tuning"):
            interval = means.confidence_sequence(found.n, found.mean, found.sd, tuning=tuning)
            p = min(1, 1 / means.mean_e_value(found.n, found.mean, found.se, tuning=tuning))
        assert interval == pytest.approx(case["ci"], abs=1.01e-5), case["id"]
        assert p == pytest.approx(case["p"], abs=1.01e-5), case["id"]


def test_classic_rankings_are_those_of_the_books(truth):
    published = truth("bradley_terry_classics")["published"]
    sets = defaultdict(list)
    for row in truth("bradley_terry_classics", "pairs.jsonl"):
        sets[row["set"]].append(row)

    def fitted(name: str, **options):
        names = sorted({row[side] for row in sets[name] for side in "ab"})
        place = {one: index for index, one in enumerate(names)}
        rows = [
            (place[row["a"]], place[row["b"]], row["wins_a"], row["wins_b"], row["ties"])
            for row in sets[name]
        ]
        return place, ranking.fit(rows, len(names), **options)

    place, fit = fitted("citations")
    for name, ability in published["citations"]["log_ability"].items():
        found = fit.strengths[place[name]] - fit.strengths[place["Biometrika"]]
        assert found == pytest.approx(ability, abs=5e-5)
    place, fit = fitted("baseball")
    base = fit.strengths[place["Baltimore"]]
    abilities = sorted(fit.strengths - base)[1:]
    assert abilities == pytest.approx(published["baseball"]["log_ability_sorted_2dp"], abs=0.00501)
    _, fit = fitted("baseball", order=True)
    assert fit.order == pytest.approx(published["baseball"]["order_effect_3dp"], abs=0.000501)
    assert sorted(fit.worths) == pytest.approx(published["baseball"]["worth_sorted_3dp"], abs=6e-4)
    place, fit = fitted("pudding", ties=True)
    known = published["pudding"]
    assert np.exp(fit.log_tie) == pytest.approx(known["tie_parameter_nu"], abs=1e-4)
    assert fit.log_tie_error == pytest.approx(known["se_log_nu"], abs=2e-4)
    assert fit.strengths == pytest.approx(known["log_worth_vs_1"], abs=3e-4)
    assert fit.errors[1:] == pytest.approx(known["se_vs_1"][1:], abs=2e-4)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 1, 5, 0, 0)],  # one that never lost
        [(0, 1, 3, 2, 0), (0, 2, 1, 4, 0)],  # shown first whenever it was shown
        [(0, 2, 1, 1, 0), (1, 0, 0, 0, 1), (2, 0, 1, 0, 0)],
    ],
)
def test_votes_without_a_finite_fit_are_refused(rows):
    with pytest.raises(np.linalg.LinAlgError):
        ranking.fit(rows, 3, ties=True, order=True)


def test_the_food_votes_rank_as_in_the_golden_file(truth):
    golden = truth("bradley_terry_classics")["published"]["food_golden"]
    rows = truth("bradley_terry_classics", "food_votes.jsonl")
    names = sorted({row[side] for row in rows for side in ("left", "right")})
    wins = np.zeros((len(names), len(names)))
    for row in rows:
        left, right = names.index(row["left"]), names.index(row["right"])
        share = {"left": 1.0, "right": 0.0, "tie": 0.5}[row["winner"]]
        wins[left, right] += share
        wins[right, left] += 1 - share
    found = dict(zip(names, ranking.bradley_terry(wins), strict=True))
    assert found == pytest.approx(golden["bradley_terry"], abs=1e-9)
    assert dict(zip(names, wins.sum(axis=1), strict=True)) == pytest.approx(golden["counting"])


def test_experts_tables_are_as_printed(truth):
    published = truth("chattogovar_ratings")["published"]
    rows = truth("chattogovar_ratings", "ratings_human.jsonl")
    totals = defaultdict(dict)
    for row in rows:
        totals[row["item"], row["variant"]][row["rater"]] = row["total"]
    for line in published["s4_agreement"]:
        pairs = [
            (both["primary"], both["secondary"])
            for (_, variant), both in totals.items()
            if line["Group"] in ("Pooled (all models)", variant)
        ]
        assert len(pairs) == int(line["n"])
        one, mean = agreement.icc_2(pairs)
        assert round(one, 3) == float(line["ICC(2,1)"])
        assert round(mean, 3) == float(line["ICC(2,2)"])
        [kappa] = [value for name, value in line.items() if "quadratic" in name]
        assert round(agreement.weighted_kappa(*zip(*pairs, strict=True)), 3) == float(kappa)
