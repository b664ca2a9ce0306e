"""One metric of one pair: effect, interval, evidence, details and verdict."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analytics.comparisons.data import ERRORS, VOTES, Kind, Metric
from analytics.comparisons.stats import means, ratios, votes
from analytics.comparisons.verdicts import Evidence

from .frame import Frame, seed_of

FEWEST_ALWAYS_VALID = 20  # prompts; below, a confidence sequence of means is no guarantee
FEWEST_DIFFERENT = 5  # differences; below, means are judged by their signs
FEWEST_CLUSTERS, WIDE_CLUSTERS = 10, 20
TOO_MANY_FAILURES = 0.05
LABELS = {
    VOTES: "Votes", ERRORS: "Errors", "latency_ms": "Latency", "cost": "Cost", "stars": "Stars",
    "input_tokens": "Input tokens", "output_tokens": "Output tokens",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Baseline a and another variant b, as keys, with the frame they are in."""

    frame: Frame
    a: str
    b: str
    is_paired: bool
    seed: int

    @property
    def label_a(self) -> str:
        return self.frame.labels[self.a]

    @property
    def label_b(self) -> str:
        return self.frame.labels[self.b]

    def failure_share(self) -> float:
        """Return the greater of the two shares of failed answers."""
        counts = [self.frame.failures.get(key, (0, 0)) for key in (self.a, self.b)]
        return max((failed / count for failed, count in counts if count), default=0.0)


@dataclass(slots=True)
class Measured:
    """A metric of a pair, before several variants are taken into account."""

    row: dict[str, Any]
    evidence: Evidence | None
    e: float | None = None
    p: float | None = None


def pair_of(frame: Frame, a: str, b: str, is_paired: bool) -> Pair:
    """Return a pair with the seed of its shared prompts."""
    shared = frame.prompts_of[a] & frame.prompts_of[b]
    return Pair(frame, a, b, is_paired, seed_of(shared))


def measure(pair: Pair, name: str) -> Measured | None:
    """Return what a metric says of a pair; None if neither side has any value of it."""
    if name == VOTES:
        return _votes(pair)
    metric = pair.frame.metrics.get(name)
    if metric is None:
        return None
    a, b, prompts = _values(pair, name)
    if not a and not b:
        return None
    row = _row(name, metric)
    row["paired"] = pair.is_paired
    row["points"] = {"describe_a": ratios.describe(a), "describe_b": ratios.describe(b)}
    _add_means(pair, row, a, b)
    if not a or not b:
        row["excluded"] = f"{pair.label_a if not a else pair.label_b} has no value of it"
        return Measured(row, None)
    if name != ERRORS and pair.failure_share() > TOO_MANY_FAILURES:
        row["caption"] = "among answered requests"
    of = {Kind.PASS_FAIL: _pass_fail, Kind.POSITIVE: _positive}.get(metric.kind, _score)
    if metric.kind == Kind.PASS_FAIL and not _is_binary([*a, *b]):
        of = _score  # repetitions: a share of each prompt
    if metric.kind == Kind.POSITIVE and min(min(a), min(b)) <= 0:
        row["note"] = (
            "Some values are 0 and have no logarithm: the means are compared, not their ratio."
        )
        of = _score
    return of(pair, metric, row, a, b, prompts)


def _values(pair: Pair, name: str) -> tuple[list[float], list[float], list[str] | None]:
    if not pair.is_paired:
        loose = pair.frame.loose.get(name, {})
        return loose.get(pair.a, []), loose.get(pair.b, []), None
    values = pair.frame.values.get(name, {})
    of_a, of_b = values.get(pair.a, {}), values.get(pair.b, {})
    shared = sorted(of_a.keys() & of_b.keys())
    return [of_a[key] for key in shared], [of_b[key] for key in shared], shared


def _is_binary(values: Sequence[float]) -> bool:
    return set(values) <= {0.0, 1.0}


def _row(name: str, metric: Metric | None) -> dict[str, Any]:
    return {
        "name": name, "label": LABELS.get(name, name), "kind": metric.kind if metric else "votes",
        "unit": metric.unit if metric else "", "better": metric.better if metric else 1, "n": 0,
        "clusters": None, "cluster_warning": "", "effect": None, "effect_kind": "", "low": None,
        "high": None, "p": None, "p_kind": "", "p_holm": None, "q": None,
        "always_valid": {"low": None, "high": None, "e": None, "decided": False}, "paired": True,
        "favours": None, "text": "", "verdict": None, "points": {}, "details": [],
        "excluded": None, "caption": "", "note": "",
    }  # fmt: skip


def _detail(label: str, value, interval=None, note: str = "") -> dict[str, Any]:
    low, high = interval if interval else (None, None)
    return {"label": label, "value": value, "low": low, "high": high, "note": note}


def _add_means(pair: Pair, row: dict, a: list[float], b: list[float]) -> None:
    for side, values in (("a", a), ("b", b)):
        row["points"][f"mean_{side}"] = row["points"][f"describe_{side}"].get("mean")
        row["points"][f"interval_{side}"] = ratios.mean_interval(values, seed=pair.seed)


def _add_clusters(pair: Pair, row: dict, prompts: list[str] | None) -> list[str] | None:
    clusters = pair.frame.clusters(prompts) if prompts else None
    if clusters:
        row["clusters"] = len(set(clusters))
        if row["clusters"] < WIDE_CLUSTERS:
            row["cluster_warning"] = (
                f"Only {row['clusters']} groups of prompts: this speaks about these, not about"
                f" prompts in general."
            )
    return clusters


# -- votes --------------------------------------------------------------------------------------


def _votes(pair: Pair) -> Measured | None:
    ballots = pair.frame.ballots(pair.a, pair.b)
    if not ballots.by_prompt:
        return None
    row = _row(VOTES, None)
    means_of = ballots.means
    signs = list(means_of.values())
    prompts = list(means_of)
    wins, losses = sum(s > 0 for s in signs), sum(s < 0 for s in signs)
    n = row["n"] = len(signs)
    is_plain = set(signs) <= {-1.0, 0.0, 1.0}
    settings = pair.frame.comparison.settings
    row["effect_kind"], row["effect"] = "net win rate", math.fsum(signs) / n
    clusters = _add_clusters(pair, row, prompts)
    _add_vote_details(row, ballots, wins, losses, n, settings.alpha)
    e, share = votes.e_value(wins, losses), votes.always_valid_share(wins, losses, settings.alpha)
    row["always_valid"] |= {"low": share[0], "high": share[1], "e": e}
    evidence = Evidence(
        "votes", pair.label_a, pair.label_b, n, row["effect"], None, None,
        (-settings.vote_margin, settings.vote_margin), alpha=settings.alpha,
        decisive=wins + losses, wins=wins, losses=losses, share=share,
        straight=_straight(settings.alpha), needed=_more_votes(wins, losses, n),
    )  # fmt: skip
    if is_plain and not clusters:
        row["low"], row["high"] = votes.tango(wins, losses, n, settings.alpha)
        row["p"], row["p_kind"] = votes.sign_test(wins, losses)[1], "sign test, mid-p"
        return Measured(row, replace(evidence, low=row["low"], high=row["high"]), e, row["p"])
    # Several votes on a prompt are one observation of their mean, groups of prompts one cluster.
    return _of_means(pair, row, replace(evidence, share=share), signs, clusters)


def _add_vote_details(row: dict, ballots, wins: int, losses: int, n: int, alpha: float) -> None:
    said = [vote for votes_of in ballots.by_prompt.values() for vote in votes_of]
    each = [sum(vote > 0 for vote in said), sum(vote < 0 for vote in said)]
    ties = len(said) - sum(each)
    exact, mid = votes.sign_test(wins, losses)
    decisive = wins + losses
    row["points"] = {
        "wins": wins, "losses": losses, "ties": n - decisive, "votes": len(said),
        "vote_wins": each[0], "vote_losses": each[1], "vote_ties": ties, "failed": ballots.failed,
    }  # fmt: skip
    details = row["details"]
    details.append(_detail("win score, ties half", (wins + (n - decisive) / 2) / n))
    details.append(_detail("tie rate", (n - decisive) / n))
    details.append(
        _detail(
            "decisive share", wins / decisive if decisive else None,
            votes.exact_share(wins, decisive, alpha), "Clopper-Pearson",
        )
    )  # fmt: skip
    details.append(_detail("sign test, exact p", exact))
    details.append(_detail("sign test, mid-p", mid))
    details.append(
        _detail("discrete win rate", (each[0] + ties / 2) / len(said), note="of all votes")
    )
    if ballots.scores:
        graded = means.paired(ballots.scores)
        details.append(
            _detail(
                "weighted win rate", graded.mean, (graded.low, graded.high), "graded preferences"
            )
        )
        details.append(_detail("weighted standard error", graded.se))


def _straight(alpha: float) -> int:
    return next(n for n in range(1, 200) if votes.wins_needed(n, alpha) == n)


def _more_votes(wins: int, losses: int, n: int) -> str:
    from analytics.comparisons.stats.planning import decisive_votes

    share_of_decisive = (wins + losses) / n if n else 1.0
    needed = decisive_votes(0.6) / max(share_of_decisive, 0.05) - n
    if needed <= 0:
        return ""
    return f"About {math.ceil(needed):,} more prompts would separate a 60:40 preference."


# -- means --------------------------------------------------------------------------------------


def _of_means(pair, row, evidence, differences, clusters, found=None) -> Measured:
    """Judge by the mean of differences, or by their signs where they hardly differ."""
    settings = pair.frame.comparison.settings
    found = found or means.paired(differences, clusters, settings.alpha)
    row["n"] = n = len(differences)
    row["low"], row["high"] = found.low, found.high
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    evidence = replace(evidence, n=n, low=found.low, high=found.high, wins=wins, losses=losses)
    is_coarse = not found.sd or len(set(differences)) < FEWEST_DIFFERENT
    if is_coarse and not clusters:
        share = votes.always_valid_share(wins, losses, settings.alpha)
        e = votes.e_value(wins, losses)
        row["p"], row["p_kind"] = votes.sign_test(wins, losses)[1], "sign test, mid-p"
        row["always_valid"] |= {"low": share[0], "high": share[1], "e": e, "by_sign": True}
        row["p_note"] = "sign rule: there are fewer than five different differences"
        return Measured(row, replace(evidence, by_sign=True, share=share), e, row["p"])
    p = means.sign_flip_p(differences, clusters, seed=pair.seed)
    row["p"], row["p_kind"] = p, "sign-flip permutation"
    return Measured(row, *_sequence(row, evidence, found, n, settings), p)


def _sequence(row, evidence, found, n, settings):
    e = None
    if n >= FEWEST_ALWAYS_VALID and found.se:
        # With clusters the doubt of their error, not of the prompts as if each were alone.
        spread = found.se * math.sqrt(n)
        low, high = means.confidence_sequence(n, found.mean, spread, settings.alpha)
        e = means.mean_e_value(n, found.mean, found.se, settings.alpha)
        if evidence.kind == "ratio":
            low, high = math.exp(low), math.exp(high)
        evidence = replace(evidence, sequence=(low, high))
        row["always_valid"] |= {"low": low, "high": high, "e": e}
    return evidence, e


def _score(pair: Pair, metric: Metric, row, a, b, prompts) -> Measured:
    settings = pair.frame.comparison.settings
    scale = _scale(metric, a, b)
    margin = settings.score_margin * scale
    row["effect_kind"] = "difference"
    evidence = Evidence(
        "difference", pair.label_a, pair.label_b, 0, None, None, None, (-margin, margin),
        better=metric.better, alpha=settings.alpha, unit=metric.unit,
    )  # fmt: skip
    if prompts is not None:
        differences = [y - x for x, y in zip(a, b, strict=True)]
        clusters = _add_clusters(pair, row, prompts)
        row["effect"] = math.fsum(differences) / len(differences)
        evidence = replace(
            evidence, effect=row["effect"], needed=_more_prompts(differences, margin)
        )
        _add_paired_details(row, differences)
        return _of_means(pair, row, evidence, differences, clusters)
    return _unpaired_means(pair, row, evidence, a, b)


def _scale(metric: Metric, a, b) -> float:
    if metric.low is not None and metric.high is not None:
        return metric.high - metric.low
    return max(*a, *b) - min(*a, *b)


def _add_paired_details(row: dict, differences: list[float]) -> None:
    n = len(differences)
    shares = [sum(d > 0 for d in differences), sum(d == 0 for d in differences)]
    row["details"] += [
        _detail("B higher", shares[0] / n, note="share of prompts"),
        _detail("equal", shares[1] / n, note="share of prompts"),
        _detail("B lower", (n - sum(shares)) / n, note="share of prompts"),
        _detail("median difference", statistics.median(differences)),
    ]  # fmt: skip
    found = means.paired(differences)
    if found.t is not None:
        row["details"].append(_detail("paired t", found.t, note=f"p {found.p:.4g}"))
    if test := means.wilcoxon(differences):
        row["details"].append(
            _detail("Wilcoxon W", test[0], note=f"p {test[1]:.4g}, zeros dropped; for comparison")
        )


def _more_prompts(differences: list[float], margin: float) -> str:
    from analytics.comparisons.stats.planning import prompts_for_mean

    found = means.paired(differences)
    if not found.sd or not margin:
        return ""
    more = prompts_for_mean(found.sd, margin) - len(differences)
    return f"About {more:,} more prompts would show the least that matters." if more > 0 else ""


def _unpaired_means(pair, row, evidence, a, b) -> Measured:
    found = means.welch(a, b, evidence.alpha)
    row["n"] = len(a) + len(b)
    row["effect"], row["low"], row["high"], row["p"] = found.mean, found.low, found.high, found.p
    row["p_kind"] = "Welch t"
    if found.p == 0:
        row["p"] = 5e-324
    _add_rank_details(row, a, b)
    evidence = replace(
        evidence,
        n=min(len(a), len(b)),
        effect=found.mean,
        low=found.low,
        high=found.high,
        noun="answer",
    )
    return Measured(row, *_sequence(row, evidence, found, row["n"], _settings(pair)), row["p"])


def _settings(pair: Pair):
    return pair.frame.comparison.settings


def _add_rank_details(row: dict, a, b) -> None:
    if test := means.mann_whitney(a, b):
        row["details"].append(
            _detail("P(B greater)", test[0], note=f"Mann-Whitney p {max(test[1], 1e-300):.4g}")
        )
    shift = means.hodges_lehmann(a, b)
    if shift is not None:
        row["details"].append(_detail("Hodges-Lehmann shift", shift, note=row["unit"]))


# -- ratios -------------------------------------------------------------------------------------


def _positive(pair: Pair, metric: Metric, row, a, b, prompts) -> Measured:
    settings = pair.frame.comparison.settings
    row["effect_kind"] = "ratio"
    clusters = _add_clusters(pair, row, prompts)
    found = ratios.geometric_ratio(
        a, b, is_paired=prompts is not None, clusters=clusters, alpha=settings.alpha
    )
    row["effect"] = found.mean
    options = {"is_paired": prompts is not None, "seed": pair.seed, "alpha": settings.alpha}
    for statistic, note in (
        ("median", "felt by most"), ("mean", "the bill, approximate"), ("p95", "the tail"),
    ):  # fmt: skip
        if ratio := ratios.bootstrap_ratio(a, b, statistic, **options):
            row["details"].append(_detail(f"ratio of {statistic}s", ratio[0], ratio[1:], note))
    if prompts is None:
        _add_rank_details(row, a, b)
    edge = 1 + settings.ratio_margin
    evidence = Evidence(
        "ratio", pair.label_a, pair.label_b, 0, found.mean, found.low, found.high,
        (1 / edge, edge), null=1.0, better=metric.better, alpha=settings.alpha,
    )  # fmt: skip
    if prompts is not None:
        differences = [math.log(y / x) for x, y in zip(a, b, strict=True)]
        logs = means.paired(differences, clusters, settings.alpha)
        measured = _of_means(pair, row, evidence, differences, clusters, logs)
    else:
        logs = means.welch([math.log(x) for x in a], [math.log(y) for y in b], settings.alpha)
        row["n"] = len(a) + len(b)
        row["p"], row["p_kind"] = (5e-324 if logs.p == 0 else logs.p), "Welch t of logarithms"
        evidence = replace(evidence, n=min(len(a), len(b)), noun="answer")
        measured = Measured(row, *_sequence(row, evidence, logs, row["n"], settings), row["p"])
    row["low"], row["high"] = found.low, found.high
    measured.evidence = replace(measured.evidence, low=found.low, high=found.high)
    return measured


# -- pass and fail ------------------------------------------------------------------------------


def _pass_fail(pair: Pair, metric: Metric, row, a, b, prompts) -> Measured:
    settings = pair.frame.comparison.settings
    row["effect_kind"] = "difference of rates"
    margin = (-settings.vote_margin, settings.vote_margin)
    evidence = Evidence(
        "votes", pair.label_a, pair.label_b, 0, None, None, None, margin, better=metric.better,
        alpha=settings.alpha, straight=_straight(settings.alpha),
    )  # fmt: skip
    passed_a, passed_b = int(sum(a)), int(sum(b))
    for label, passed, n in (("rate of A", passed_a, len(a)), ("rate of B", passed_b, len(b))):
        row["details"].append(
            _detail(label, passed / n, votes.wilson(passed, n, settings.alpha), "Wilson")
        )
    if prompts is not None:
        wins = sum(y > x for x, y in zip(a, b, strict=True))
        losses = sum(y < x for x, y in zip(a, b, strict=True))
        row["n"] = n = len(a)
        clusters = _add_clusters(pair, row, prompts)
        share = votes.always_valid_share(wins, losses, settings.alpha)
        e = votes.e_value(wins, losses)
        row["effect"] = (wins - losses) / n
        evidence = replace(
            evidence, n=n, effect=row["effect"], decisive=wins + losses, wins=wins, losses=losses,
            share=share if metric.better >= 0 else None, needed=_more_votes(wins, losses, n),
        )  # fmt: skip
        if clusters:
            differences = [y - x for x, y in zip(a, b, strict=True)]
            return _of_means(pair, row, replace(evidence, decisive=None), differences, clusters)
        row["low"], row["high"] = votes.tango(wins, losses, n, settings.alpha)
        row["p"], row["p_kind"] = votes.sign_test(wins, losses)[1], "McNemar, mid-p"
        row["always_valid"] |= {"low": share[0], "high": share[1], "e": e}
        return Measured(row, replace(evidence, low=row["low"], high=row["high"]), e, row["p"])
    row["n"] = len(a) + len(b)
    row["effect"] = passed_b / len(b) - passed_a / len(a)
    row["low"], row["high"] = votes.newcombe(passed_a, len(a), passed_b, len(b), settings.alpha)
    row["p"], row["p_kind"] = votes.fisher(passed_a, len(a), passed_b, len(b)), "Fisher"
    evidence = replace(
        evidence,
        n=min(len(a), len(b)),
        effect=row["effect"],
        low=row["low"],
        high=row["high"],
        noun="answer",
    )
    moments = [(len(side), sum(side) / len(side)) for side in (a, b)]
    spread = [rate * (1 - rate) for _, rate in moments]
    found = means.welch_of_moments(
        moments[0][0], moments[0][1], spread[0], moments[1][0], moments[1][1], spread[1],
        alpha=settings.alpha,
    )  # fmt: skip
    return Measured(row, *_sequence(row, evidence, found, row["n"], settings), row["p"])
