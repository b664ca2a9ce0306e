"""One metric of one pair: effect, interval, evidence, details and verdict."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from analytics.comparisons.data import ERRORS, VOTES, Kind, Metric
from analytics.comparisons.stats import means, ratios
from analytics.comparisons.verdicts import Evidence

from .pairs import Measured, Pair, add_clusters, add_means, detail, new_row, of_means, sequence
from .rates import of_pass_fail, of_votes

TOO_MANY_FAILURES = 0.05
MANY_PROMPTS = 1_000_000


def measure(pair: Pair, name: str) -> Measured | None:
    """Return what a metric says of a pair; None if neither side has any value of it."""
    if name == VOTES:
        return of_votes(pair)
    metric = pair.frame.metrics.get(name)
    if metric is None:
        return None
    a, b, prompts = _values(pair, name)
    if not a and not b:
        return None
    row = new_row(name, metric, pair.frame.comparison.settings.alpha)
    row["paired"] = pair.is_paired
    row["points"] = {"describe_a": ratios.describe(a), "describe_b": ratios.describe(b)}
    add_means(pair, row, a, b)
    if not a or not b:
        row["excluded"] = f"{pair.label_a if not a else pair.label_b} has no value of it"
        return Measured(row, None)
    if name != ERRORS and pair.failure_share() > TOO_MANY_FAILURES:
        row["caption"] = "among answered requests"
    of = {Kind.PASS_FAIL: of_pass_fail, Kind.POSITIVE: _positive}.get(metric.kind, _score)
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
        clusters = add_clusters(pair, row, prompts)
        row["effect"] = math.fsum(differences) / len(differences)
        evidence = replace(
            evidence, effect=row["effect"], needed=_more_prompts(differences, margin)
        )
        _add_paired_details(row, differences)
        return of_means(pair, row, evidence, differences, clusters)
    return _unpaired_means(pair, row, evidence, a, b)


def _scale(metric: Metric, a, b) -> float:
    if metric.low is not None and metric.high is not None:
        return metric.high - metric.low
    return max(*a, *b) - min(*a, *b)


def _add_paired_details(row: dict, differences: list[float]) -> None:
    n = len(differences)
    shares = [sum(d > 0 for d in differences), sum(d == 0 for d in differences)]
    row["details"] += [
        detail("B higher", shares[0] / n, note="share of prompts"),
        detail("equal", shares[1] / n, note="share of prompts"),
        detail("B lower", (n - sum(shares)) / n, note="share of prompts"),
        detail("median difference", statistics.median(differences)),
    ]  # fmt: skip
    found = means.paired(differences)
    if found.t is not None:
        row["details"].append(detail("paired t", found.t, note=f"p {found.p:.4g}"))
    if test := means.wilcoxon(differences):
        row["details"].append(
            detail("Wilcoxon W", test[0], note=f"p {test[1]:.4g}, zeros dropped; for comparison")
        )


def _more_prompts(differences: list[float], margin: float) -> str:
    from analytics.comparisons.stats.planning import prompts_for_mean

    found = means.paired(differences)
    if not found.sd or not margin:
        return ""
    more = prompts_for_mean(found.sd, margin) - len(differences)
    if more > MANY_PROMPTS:
        return f"More than {MANY_PROMPTS:,} prompts would be needed to show the least that matters."
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
    return Measured(
        row, *sequence(row, evidence, found, row["n"], pair.frame.comparison.settings), row["p"]
    )


def _add_rank_details(row: dict, a, b) -> None:
    if test := means.mann_whitney(a, b):
        row["details"].append(
            detail("P(B greater)", test[0], note=f"Mann-Whitney p {max(test[1], 1e-300):.4g}")
        )
    shift = means.hodges_lehmann(a, b)
    if shift is not None:
        row["details"].append(detail("Hodges-Lehmann shift", shift, note=row["unit"]))


# -- ratios -------------------------------------------------------------------------------------


def _positive(pair: Pair, metric: Metric, row, a, b, prompts) -> Measured:
    settings = pair.frame.comparison.settings
    row["effect_kind"] = "ratio"
    clusters = add_clusters(pair, row, prompts)
    found = ratios.geometric_ratio(
        a, b, is_paired=prompts is not None, clusters=clusters, alpha=settings.alpha
    )
    row["effect"] = found.mean
    options = {"is_paired": prompts is not None, "seed": pair.seed, "alpha": settings.alpha}
    for statistic, note in (
        ("median", "felt by most"), ("mean", "the bill, approximate"), ("p95", "the tail"),
    ):  # fmt: skip
        if ratio := ratios.bootstrap_ratio(a, b, statistic, **options):
            row["details"].append(detail(f"ratio of {statistic}s", ratio[0], ratio[1:], note))
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
        measured = of_means(pair, row, evidence, differences, clusters, logs)
    else:
        logs = means.welch([math.log(x) for x in a], [math.log(y) for y in b], settings.alpha)
        row["n"] = len(a) + len(b)
        row["p"], row["p_kind"] = (5e-324 if logs.p == 0 else logs.p), "Welch t of logarithms"
        evidence = replace(evidence, n=min(len(a), len(b)), noun="answer")
        measured = Measured(row, *sequence(row, evidence, logs, row["n"], settings), row["p"])
    row["low"], row["high"] = found.low, found.high
    measured.evidence = replace(measured.evidence, low=found.low, high=found.high)
    return measured
