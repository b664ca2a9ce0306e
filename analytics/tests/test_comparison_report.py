"""What a report says of a comparison: its words, its figures, and that both sides get the same."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.comparisons.data import (
    VOTES,
    Answer,
    Comparison,
    Kind,
    Metric,
    Observation,
    Prompt,
    Settings,
    Variant,
    Vote,
)
from analytics.comparisons.drawing import shown
from analytics.comparisons.report import compute
from analytics.comparisons.telling import effect, told

MIRRORED = {"decided", "leading", "practically equal", "cannot compare", "too little data"}


def comparison(variants="AB", *, votes=(), values=(), prompts=None, metrics=None, **options):
    observations = tuple(values)
    keys = {row.prompt for row in [*observations, *votes] if row.prompt}
    names = {row.metric for row in observations if row.metric != "errors"}
    return Comparison(
        name="Tea", kind="model", variants=tuple(Variant(key, key) for key in variants),
        prompts=prompts or {key: Prompt(key, f"Say {key}") for key in sorted(keys)},
        metrics=metrics or {name: Metric(name, Kind.SCORE, "", 0) for name in sorted(names)},
        observations=tuple(sorted(observations, key=repr)), votes=tuple(sorted(votes, key=repr)),
        settings=Settings(**options),
    )  # fmt: skip


def votes(wins: int, losses: int, ties: int = 0, a: str = "A", b: str = "B") -> list[Vote]:
    """Return votes of which b wins so many."""
    said = ["b"] * wins + ["a"] * losses + ["tie"] * ties
    return [Vote(f"p{place:04}", a, b, outcome) for place, outcome in enumerate(said)]


def values(variant: str, numbers, metric: str = "speed", **options) -> list[Observation]:
    return [
        Observation(variant, f"p{place:04}", metric, number, **options)
        for place, number in enumerate(numbers)
    ]


def the(report: dict, name: str) -> dict:
    return next(row for row in report["pairs"][0]["metrics"] if row["name"] == name)


def detail(row: dict, label: str) -> dict:
    return next(one for one in row["details"] if one["label"] == label)


def verdict(*args, **options) -> dict:
    return compute(comparison(*args, **options))["pairs"][0]["verdict"]


# -- words --------------------------------------------------------------------------------------


def test_a_decided_comparison_says_who_wins_how_often_and_that_it_stays_true():
    found = verdict(votes=votes(66, 34))
    assert found["short"] == "decided: B"
    assert found["winner"] == "B"
    assert found["text"] == (
        "B is better. B wins 66 of 100 decided prompts (always-valid 95 %: 50.1 to 79.8 %)."
        " This stays true however often you look."
    )


def test_a_lead_is_no_win_while_one_looks_again_and_again():
    found = verdict(votes=votes(60, 40))
    assert found["short"] == "leading: B"
    assert found["text"].startswith("B is ahead: +20 points (95 %: 0.4 to 38) on these 100 prompts")
    assert "far more often than 1 time in 20" in found["text"]


def test_three_votes_are_too_early_and_eight_straight_wins_would_do():
    found = verdict(votes=votes(3, 0))
    assert found["short"] == "too little data"
    assert found["text"] == (
        "Too early: 3 votes. 8 straight wins would be the least that can settle it."
    )


def test_what_is_needed_is_said_before_there_is_anything():
    planned = compute(comparison())["pairs"][0]["planning"]
    assert planned["least_straight_wins"] == 8
    needed = {row["percent"]: row["votes"] for row in planned["table"]}
    assert needed == {55: 783, 60: 194, 65: 85, 70: 47, 75: 29, 80: 20}


def test_equal_is_only_said_of_an_interval_within_the_margin():
    assert verdict(votes=votes(0, 0, 50))["text"] == (
        "No difference that matters: within 7.1 points either way, on these 50 prompts."
    )
    found = verdict(votes=votes(20, 18, 10))
    assert found["state"] == "can't tell yet"
    assert "more prompts would separate a 60:40 preference" in found["text"]
    assert "equal" not in found["text"]


def test_a_difference_that_is_sure_and_tiny_is_called_so():
    found = verdict(votes=votes(60, 10, 3000))
    assert found["state"] == "decided"
    assert "by too little to matter" in found["text"]


def test_a_variant_without_results_is_named():
    found = compute(comparison("AB", values=values("A", [1.0] * 12)))
    assert found["comparable"]["level"] == "stop"
    assert found["pairs"][0]["verdict"]["text"] == "Cannot compare: B has no results yet."


def test_an_order_that_was_never_varied_stops_a_verdict():
    rows = [replace(vote, first="a") for vote in votes(30, 2)]
    assert verdict(votes=rows)["text"] == (
        "Cannot compare: the same variant was shown first every time."
    )
    rows[0] = replace(rows[0], first="b")
    assert verdict(votes=rows)["short"] == "decided: B"


def test_a_split_that_is_not_the_planned_one_stops_a_verdict():
    rows = [Observation("A", "", "speed", 1.0 + n % 7, unit=f"a{n}") for n in range(300)]
    rows += [Observation("B", "", "speed", 2.0 + n % 7, unit=f"b{n}") for n in range(180)]
    planned = comparison("AB", values=rows, is_paired=False)
    planned = replace(
        planned, variants=tuple(replace(variant, share=0.5) for variant in planned.variants)
    )
    found = compute(planned)
    assert found["pairs"][0]["verdict"]["short"] == "cannot compare"
    assert "did not get the shares that were planned" in found["pairs"][0]["verdict"]["text"]


def test_two_variants_of_one_name_are_told_apart_by_their_letters():
    same = comparison("AB", votes=votes(9, 0))
    same = replace(same, variants=tuple(replace(v, label="GPT") for v in same.variants))
    assert compute(same)["pairs"][0]["verdict"]["short"] == "decided: GPT [B]"


def test_fixed_mode_judges_once_when_the_planned_prompts_are_in():
    early = verdict(votes=votes(40, 20), mode="fixed", planned=100)
    assert early["state"] == "leading"
    in_time = verdict(votes=votes(61, 39), mode="fixed", planned=100)
    assert in_time["state"] == "decided"
    assert "Looked at once" in in_time["text"]
    more = [Vote(f"q{n}", "A", "B", "a") for n in range(100)]  # asked for after the plan
    assert verdict(votes=votes(61, 39) + more, mode="fixed", planned=100) == in_time


def in_groups(count: int, each: int, draw: random.Random) -> tuple[dict, list[Observation]]:
    """Return prompts in groups that differ from one another, and scores without a difference."""
    prompts, rows = {}, []
    for group in range(count):
        shift = draw.gauss(0, 1)
        for place in range(each):
            key = f"{group:02}-{place:02}"
            prompts[key] = Prompt(key, f"Say {key}", group=f"group {group}")
            rows.append(Observation("A", key, "speed", draw.gauss(0, 0.3)))
            rows.append(Observation("B", key, "speed", shift + draw.gauss(0, 0.3)))
    return prompts, rows


def test_a_few_groups_of_prompts_settle_nothing_however_many_prompts_are_in_them():
    draw = random.Random(7)
    for count in (3, 5, 8):
        prompts, rows = in_groups(count, 20, draw)
        found = the(compute(comparison(values=rows, prompts=prompts)), "speed")
        assert found["clusters"] == count
        assert found["always_valid"]["e"] is None
        assert found["verdict"]["state"] in {"leading", "can't tell yet", "practically equal"}
    prompts, rows = in_groups(5, 20, draw)
    rows = [replace(row, value=row.value + 9 * (row.variant == "B")) for row in rows]
    found = the(compute(comparison(values=rows, prompts=prompts)), "speed")
    assert found["verdict"]["short"] == "leading: B"


def test_groups_of_prompts_are_the_observations_of_a_confidence_sequence():
    draw = random.Random(7)
    decided = 0
    for _ in range(200):
        prompts, rows = in_groups(25, 4, draw)
        found = the(compute(comparison(values=rows, prompts=prompts)), "speed")
        decided += found["verdict"]["state"] == "decided"
    assert decided <= 10
    rows = [replace(row, value=row.value + 2 * (row.variant == "B")) for row in rows]
    found = the(compute(comparison(values=rows, prompts=prompts)), "speed")
    assert found["verdict"]["short"] == "decided: B higher"


def test_groups_and_projects_are_both_shown_those_that_the_whole_contradicts_first():
    prompts = {
        key: Prompt(key, key, "even" if n % 2 == 0 else "odd", "easy" if n < 40 else "hard")
        for n, key in enumerate(f"p{n:04}" for n in range(80))
    }
    fast = {"A": range(34), "B": range(34, 40)}
    slow = {"A": range(40, 46), "B": range(46, 80)}
    rows = [
        Observation(variant, f"p{n:04}", "speed", {"A": 2.0, "B": 1.0}[variant] + more + n % 3 / 9)
        for sides, more in ((fast, 0), (slow, 9))
        for variant, places in sides.items()
        for n in places
    ]
    report = compute(comparison(values=rows, prompts=prompts, is_paired=False, primary="speed"))
    [pair] = report["pairs"]
    [more] = pair["strata"]["more"]
    assert (pair["strata"]["by"], pair["strata"]["withheld"]) == ("project", True)
    assert pair["strata"]["text"].startswith("The projects say one thing")
    assert (more["by"], more["withheld"]) == ("prompt group", False)
    assert [row["name"] for row in more["rows"]] == ["even", "odd"]
    assert more["text"] == "The groups of prompts and the whole point the same way."
    assert more["text"] in "\n".join(told(report)).replace("\n  ", " ")
    [drawn] = shown(report)["pairs"]
    assert [(one["by"], len(one["rows"])) for one in drawn["strata"]] == [
        ("project", 3), ("prompt group", 4),
    ]  # fmt: skip


def test_an_interval_is_named_by_what_it_covers():
    found = compute(comparison(votes=votes(60, 40), alpha=0.01))
    assert effect(the(found, VOTES)).startswith("+20 points (99 %: -5.7 to +43")


def test_guardrails_stand_beside_the_verdict_and_failures_leave_no_overall_winner():
    rows = values("A", [100 + n for n in range(40)], "latency_ms")
    rows += values("B", [180 + n for n in range(34)], "latency_ms")
    rows += [Observation("B", f"p{n:04}", "latency_ms", None, "timeout") for n in range(34, 40)]
    metrics = {"latency_ms": Metric("latency_ms", Kind.POSITIVE, "ms", -1)}
    report = compute(comparison(votes=votes(40, 0), values=rows, metrics=metrics))
    [pair] = report["pairs"]
    assert pair["guardrails"] == ["errors", "latency_ms"]
    assert the(report, "latency_ms")["caption"] == "among answered requests"
    assert the(report, "latency_ms")["favours"] == "a"
    assert pair["prompts"]["text"] == "40 of 40 prompts"
    assert report["variants"][1]["failures"] == 6
    assert any(row["code"] == "failures" and row["level"] == "warning" for row in report["checks"])


def test_a_primary_metric_set_after_the_answers_is_pointed_out():
    rows = values("A", [1.0] * 12, time="2026-01-02T00:00:00+00:00")
    rows += values("B", [2.0] * 12, time="2026-01-02T00:00:00+00:00")
    late = compute(comparison(values=rows, primary="speed", primary_set_at="2026-01-03T00:00:00"))
    assert late["primary"]["changed_late"]
    early = compute(comparison(values=rows, primary="speed", primary_set_at="2026-01-01T00:00:00"))
    assert not early["primary"]["changed_late"]


def test_a_position_that_is_preferred_is_reported_with_the_rate_of_each_order():
    rows = [
        replace(vote, first="a" if n % 2 else "b", outcome="a" if n % 2 else "b")
        for n, vote in enumerate(votes(40, 0))
    ]
    found = compute(comparison(votes=rows))["pairs"][0]["position"]
    assert found["level"] == "warning"
    assert found["rates"] == {"a": -1.0, "b": 1.0}
    assert found["balanced"] == 0


def test_raters_that_agree_are_said_to():
    rows = [replace(vote, rater=rater) for vote in votes(9, 9) for rater in ("ada", "bob")]
    [row] = compute(comparison(votes=rows))["raters"]["rows"]
    assert (row["a"], row["b"], row["n"], row["kappa"]) == ("ada", "bob", 18, 1)


def test_more_variants_take_more_evidence_for_each():
    alone = compute(comparison("AB", votes=votes(8, 0)))
    with_third = compute(comparison("ABC", votes=votes(8, 0) + votes(3, 3, a="A", b="C")))
    assert alone["pairs"][0]["verdict"]["state"] == "decided"
    assert with_third["pairs"][0]["verdict"]["state"] == "leading"
    one, other = the(alone, VOTES), the(with_third, VOTES)
    changed = {"p_holm", "always_valid", "verdict"}
    assert {k: v for k, v in one.items() if k not in changed} == {
        k: v for k, v in other.items() if k not in changed
    }


def test_a_ranking_of_three_has_intervals_and_says_who_never_lost():
    chance = random.Random(1)
    rows = [
        Vote(f"p{n}", a, b, chance.choice("aab" if a < b else "bba"))
        for n in range(40) for a, b in (("A", "B"), ("B", "C"), ("A", "C"))
    ]  # fmt: skip
    found = compute(comparison("ABC", votes=rows))["ranking"]
    assert found["shown"]
    assert [row["key"] for row in found["rows"]] == ["A", "B", "C"]
    assert all(row["low"] <= row["strength"] <= row["high"] for row in found["rows"])
    unbeaten = [vote for vote in rows if "A" not in (vote.a, vote.b)]
    unbeaten += [Vote(f"q{n}", "A", "B", "a") for n in range(5)]
    found = compute(comparison("ABC", votes=unbeaten))["ranking"]
    assert not found["shown"]
    assert found["reason"].startswith("A has not lost once")


def test_longer_answers_that_win_are_counted():
    rows = votes(30, 3)
    answers = tuple(
        Answer(variant, vote.prompt, 100 if variant == "A" else 300)
        for vote in rows for variant in "AB"
    )  # fmt: skip
    found = compute(replace(comparison(votes=rows), answers=answers))["pairs"][0]["length"]
    assert (found["decisive"], found["share"], found["level"]) == (33, 30 / 33, "warning")


# -- both sides alike -----------------------------------------------------------------------------


def swapped(given: Comparison) -> Comparison:
    return replace(given, variants=given.variants[::-1])


def big() -> Comparison:
    chance = random.Random(5)
    rows = []
    for variant, shift in (("A", 0.0), ("B", 0.25)):
        rows += values(variant, [chance.gauss(5 + shift, 1) for _ in range(60)], "quality")
        rows += values(variant, [chance.lognormvariate(shift, 1) for _ in range(60)], "cost")
        rows += values(variant, [float(chance.random() < 0.6 + shift) for _ in range(60)], "pass")
    metrics = {
        "quality": Metric("quality", Kind.SCORE, "", 1, 0, 10),
        "cost": Metric("cost", Kind.POSITIVE, "USD", -1),
        "pass": Metric("pass", Kind.PASS_FAIL, "", 1),
    }
    return comparison(votes=votes(35, 20, 5), values=rows, metrics=metrics, primary="quality")


@pytest.mark.parametrize("is_paired", [True, False])
def test_swapping_the_sides_mirrors_every_figure(is_paired):
    given = replace(big(), settings=Settings(primary="quality", is_paired=is_paired))
    one, other = compute(given)["pairs"][0], compute(swapped(given))["pairs"][0]
    assert one["verdict"]["short"] == other["verdict"]["short"]
    for row in one["metrics"]:
        back = next(each for each in other["metrics"] if each["name"] == row["name"])
        assert row["p"] == pytest.approx(back["p"]), row["name"]
        assert row["always_valid"]["e"] == pytest.approx(back["always_valid"]["e"])
        ends = (row["effect"], row["low"], row["high"])
        is_ratio = row["effect_kind"] == "ratio"
        turn = (lambda x: 1 / x) if is_ratio else (lambda x: -x)
        assert ends == pytest.approx(
            (turn(back["effect"]), turn(back["high"]), turn(back["low"])), abs=1e-7
        )
        assert {row["favours"], back["favours"]} in ({"a", "b"}, {None})
        assert row["verdict"]["state"] == back["verdict"]["state"]


def test_rows_in_another_order_give_the_same_bytes():
    given = big()
    chance, bytes_of = random.Random(2), set()
    for _ in range(3):
        rows, said = list(given.observations), list(given.votes)
        chance.shuffle(rows)
        chance.shuffle(said)
        ordered = replace(
            given, observations=tuple(sorted(rows, key=repr)), votes=tuple(sorted(said, key=repr))
        )
        bytes_of.add(json.dumps(compute(ordered)))
    assert len(bytes_of) == 1


# -- whatever comes -----------------------------------------------------------------------------


def walk(value, path=""):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from walk(one, f"{path}.{key}")
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from walk(one, f"{path}[{place}]")
    else:
        yield path, value


NUMBER = st.sampled_from([0.0, 1.0, 2.0, -3.0, 1e9, 0.1, 1e18, -1e18, 1e-300])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(0, 24), st.none() | NUMBER), max_size=60
    ),
    st.lists(
        st.tuples(
            st.integers(0, 24), st.sampled_from(["AB", "AC", "BC"]),
            st.sampled_from(["a", "b", "tie", "failed"]), st.sampled_from(["", "a", "b"]),
            st.none() | st.floats(0, 1),
        ),
        max_size=40,
    ),
    st.sampled_from(list(Kind)[1:]), st.booleans(), st.sampled_from(["", "x", "votes", "errors"]),
    st.sampled_from([(None, None), (0, 10), (0, 0), (1e-310, 1e-300)]),
)  # fmt: skip
def test_no_rows_end_in_an_exception_no_number_or_a_p_of_zero(
    rows, said, kind, is_paired, primary, scale
):
    given = comparison(
        "ABC",
        values=[
            Observation(v, f"p{n}", "x", value, "" if value is not None else "failed")
            for v, n, value in rows
        ],
        votes=[Vote(f"p{n}", *ab, outcome, score, first) for n, ab, outcome, first, score in said],
        metrics={"x": Metric("x", kind, "", -1, *scale)},
        is_paired=is_paired, primary=primary,
    )  # fmt: skip
    report = compute(given)
    for path, value in walk(json.loads(json.dumps(report, allow_nan=False))):
        name = path.rpartition(".")[2]
        assert not (name in ("p", "p_holm", "q") and value == 0), path
    for pair in report["pairs"]:
        assert pair["verdict"]["text"].endswith((".", "!"))


# -- as published -------------------------------------------------------------------------------


def of_edge_case(case: dict) -> Comparison:
    kind = case["kind"]
    if kind.startswith("votes"):
        if case["id"] == "empty_variant":
            return comparison("AB")
        # The cases count the wins of A: here b is what is measured, so A comes second.
        return comparison("BA", votes=votes(case["wins"], case["losses"], case["ties"], "B", "A"))
    if kind == "paired metric":
        return comparison("yx", values=[*values("x", case["x"]), *values("y", case["y"])])
    if kind.startswith("paired request"):
        rows = [Observation("A", f"a{n}", "speed", 1.0 + n) for n in range(20)]
        return comparison("AB", values=[*rows, *values("B", [1.0 + n for n in range(20)])])
    rows, prompts = [], {}
    for group, sides in case["strata"].items():
        for variant, (passed, count) in sides.items():
            for n in range(count):
                key = f"{group}-{variant}-{n}"
                prompts[key] = Prompt(key, "", group)
                rows.append(Observation(variant, key, "pass", float(n < passed)))
    metrics = {"pass": Metric("pass", Kind.PASS_FAIL, "", 1)}
    return comparison("ab", values=rows, prompts=prompts, metrics=metrics, is_paired=False)


def test_every_edge_case_has_its_verdict_in_its_exact_words(shared):
    path = shared / "truth" / "edge_cases" / "truth.json"
    if not path.exists():
        pytest.skip("the published figures are not here")
    for case in json.loads(path.read_text())["cases"]:
        report = compute(of_edge_case(case))
        [pair] = report["pairs"]
        assert pair["verdict"]["short"] == case["verdict"], case["id"]
        if expected := case.get("expect"):
            row = the(report, VOTES)
            assert row["effect"] == pytest.approx(expected["net_win_rate"], abs=1e-6)
            assert (row["low"], row["high"]) == pytest.approx(
                expected["net_win_rate_tango_95"], abs=1e-6
            )
            assert row["always_valid"]["e"] == pytest.approx(expected["e_value_uniform"], rel=1e-6)
            assert (row["always_valid"]["low"], row["always_valid"]["high"]) == pytest.approx(
                expected["decisive_share_always_valid_95"], abs=1e-6
            )
            assert detail(row, "win score, ties half")["value"] == pytest.approx(
                expected["win_score_ties_half"]
            )
            assert row["p"] == pytest.approx(expected["sign_test_p_mid"], abs=1e-6)
            assert detail(row, "sign test, exact p")["value"] == pytest.approx(
                expected["sign_test_p_exact"], abs=1e-6
            )
        if "e_value" in case:
            found = the(report, "speed")["always_valid"]["e"]
            assert found == pytest.approx(case["e_value"], abs=1e-6)
        assert not any(
            isinstance(value, float) and not math.isfinite(value) for _, value in walk(report)
        )
