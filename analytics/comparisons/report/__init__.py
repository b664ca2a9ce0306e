"""A comparison computed: may these be compared, how big is the difference, is it decided.

`compute` makes the report, a dict that JSON can hold. The same rows in any order give the same
bytes; with the sides swapped every figure is mirrored.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from analytics.comparisons import verdicts
from analytics.comparisons.data import ERRORS, VOTES, Comparison, Kind
from analytics.comparisons.stats import means, multiple, planning, ratios
from analytics.comparisons.stats.votes import wins_needed

from . import checks, parts
from .frame import Frame
from .metrics import measure
from .pairs import LABELS, Measured, Pair, pair_of

VERSION = 1
RULES = (
    "The unit is the prompt: repetitions, raters and turns of one prompt are averaged first.",
    "Votes: net win rate with the Tango score interval; sign test with mid-p; e-value of a uniform"
    " mixture over the share of wins, decided at 1/alpha.",
    "Ratings: mean difference with the t interval; sign-flip permutation; asymptotic confidence"
    " sequence (N* = 100) from 20 prompts on.",
    "Latency, cost, tokens: ratio of geometric means by t on logarithms; ratios of medians, means"
    " and p95 by percentile bootstrap of prompts.",
    "Groups of prompts are clusters: cluster-robust standard error, t with groups - 1 degrees.",
    "More than two variants: Holm over the pairs, on p and on 1/e.",
)


def compute(comparison: Comparison) -> dict[str, Any]:
    """Return the report of a comparison."""
    frame = Frame(_planned(comparison))
    findings = checks.comparable(frame)
    is_stopped = any(row["level"] == "stop" for row in findings)
    pairs = _pairs(frame)
    measured = [_measured(pair) for pair in pairs]
    _adjust(frame, measured)
    rows = [
        _pair_row(frame, pair, found, findings) for pair, found in zip(pairs, measured, strict=True)
    ]
    level = "stop" if is_stopped else "warning" if findings else "ok"
    report = {
        "version": VERSION,
        "name": comparison.name,
        "type": comparison.kind,
        "method": _method(comparison),
        "variants": parts.variants(frame),
        "primary": _primary(frame),
        "plan": _plan(frame),
        "comparable": {"level": level, "findings": findings},
        "pairs": rows,
        "overview": parts.overview(frame),
        "ranking": parts.ranking_of(frame),
        "checks": checks.all_of(frame, pairs, rows),
        "raters": checks.raters(pairs[0]) if pairs else {"rows": [], "count": 0},
        "forest": parts.forest(rows),
        "prompts": parts.prompts(frame),
    }
    means.forget()
    ratios.forget()
    return _clean(report)


def _planned(comparison: Comparison) -> Comparison:
    """Return what a fixed plan judges: the first prompts by key, as many as were planned."""
    settings = comparison.settings
    if settings.mode != "fixed" or not settings.planned:
        return comparison
    rows = (*comparison.observations, *comparison.votes)
    first = set(sorted({row.prompt for row in rows if row.prompt})[: settings.planned])
    return replace(
        comparison,
        observations=tuple(row for row in comparison.observations if row.prompt in first),
        votes=tuple(vote for vote in comparison.votes if vote.prompt in first),
    )


def _pairs(frame: Frame) -> list[Pair]:
    keys = [variant.key for variant in frame.variants]
    settings = frame.comparison.settings
    return [
        pair_of(
            frame, keys[0], key,
            settings.is_paired and not checks.is_disjoint(frame, keys[0], key),
        )
        for key in keys[1:]
    ]  # fmt: skip


def _measured(pair: Pair) -> dict[str, Measured]:
    primary = pair.frame.primary
    names = sorted({VOTES, *pair.frame.metrics}, key=lambda name: (name != primary, name))
    found = {name: measure(pair, name) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def _adjust(frame: Frame, measured: list[dict[str, Measured]]) -> None:
    """Adjust for the number of variants (Holm), and the other metrics for their number (BH)."""
    settings = frame.comparison.settings
    for name in {name for found in measured for name in found}:
        ones = [found[name] for found in measured if name in found]
        with_e = [one for one in ones if one.e is not None]
        for one, e in zip(with_e, multiple.holm_e([one.e for one in with_e]), strict=True):
            # With one pair nothing is adjusted, and nothing rounded on the way.
            one.evidence = replace(one.evidence, e=one.e if len(with_e) == 1 else e)
            one.row["always_valid"]["e_holm"] = one.evidence.e
            one.row["always_valid"]["decided"] = one.evidence.e >= 1 / settings.alpha
        with_p = [one for one in ones if one.p is not None]
        for one, p in zip(with_p, multiple.holm([one.p for one in with_p]), strict=True):
            one.row["p_holm"] = p
    others = [
        one for found in measured for name, one in found.items()
        if name != frame.primary and one.p is not None
    ]  # fmt: skip
    for one, q in zip(others, multiple.benjamini_hochberg([one.p for one in others]), strict=True):
        one.row["q"] = q


def _pair_row(frame: Frame, pair: Pair, found: dict[str, Measured], findings) -> dict[str, Any]:
    settings = frame.comparison.settings
    for name, one in found.items():
        if one.evidence is None:
            one.row["verdict"] = verdicts.cannot(f"{one.row['excluded']}.")
            continue
        evidence = one.evidence
        if settings.mode == "fixed" and name == frame.primary:
            evidence = _settled(frame, one)
        one.row["verdict"] = _keyed(verdicts.judge(evidence), pair)
        one.row["favours"] = verdicts.favoured(evidence)
        one.row["text"] = f"{evidence.b} against {evidence.a}: {verdicts.spoken(evidence)}"
    strata = parts.strata(pair)
    row = {
        "a": pair.a, "b": pair.b, "a_label": pair.label_a, "b_label": pair.label_b,
        "prompts": parts.coverage(pair), "seed": pair.seed,
        "metrics": [one.row for one in found.values()],
        "guardrails": [name for name in found if _is_guardrail(frame, name)],
        "strata": strata, "planning": _planning(frame, found.get(frame.primary)),
        "position": checks.position(pair), "length": checks.length(pair),
    }  # fmt: skip
    row["verdict"] = _verdict(frame, pair, found.get(frame.primary), findings, strata)
    return row


def _is_guardrail(frame: Frame, name: str) -> bool:
    if name in (frame.primary, VOTES):
        return False
    return name == ERRORS or frame.metrics[name].kind == Kind.POSITIVE


def _settled(frame: Frame, one: Measured):
    """Judge once, when the planned prompts are in, instead of at any time."""
    planned, n = frame.comparison.settings.planned, one.evidence.n
    p = one.row["p_holm"]
    is_in = planned is not None and n >= planned
    return replace(
        one.evidence, e=None,
        is_settled=bool(is_in and p is not None and p < frame.comparison.settings.alpha),
    )  # fmt: skip


def _keyed(verdict: dict[str, Any], pair: Pair) -> dict[str, Any]:
    verdict["winner"] = {"a": pair.a, "b": pair.b, None: None}[verdict["winner"]]
    return verdict


def _verdict(frame: Frame, pair: Pair, one: Measured | None, findings, strata) -> dict[str, Any]:
    for finding in findings:
        if finding["level"] == "stop":
            return verdicts.cannot(finding["text"])
    if frame.primary == VOTES and not checks.was_order_varied(pair):
        return verdicts.cannot("the same variant was shown first every time.")
    if frame.comparison.settings.is_paired and not pair.is_paired:
        return verdicts.cannot(
            f"{pair.label_a} and {pair.label_b} answered no prompt in common. The estimate below"
            " takes them as unpaired, and the prompts may explain it.",
            verdicts.AS_A_PAIR,
        )
    if one is None:
        return verdicts.cannot(
            f"there is no {LABELS.get(frame.primary, frame.primary)} of both yet."
        )
    if strata["withheld"]:
        better = frame.metrics[frame.primary].better if frame.primary in frame.metrics else 1
        is_b = (strata["stratified"]["estimate"] > 0) == ((better or 1) > 0)
        return verdicts.by_strata(pair.label_b if is_b else pair.label_a, strata["by"])
    verdict = dict(one.row["verdict"])
    if one.row["caption"] and verdict["state"] == verdicts.DECIDED:
        verdict["text"] += " Only among answered requests: no overall winner."
    return verdict


def _planning(frame: Frame, one: Measured | None) -> dict[str, Any]:
    alpha = frame.comparison.settings.alpha
    straight = next(n for n in range(1, 200) if wins_needed(n, alpha) == n)
    found: dict[str, Any] = {
        "least_straight_wins": straight, "sentences": [], "decisive_needed": None,
        "prompts_needed": None,
        "table": [
            {
                "percent": percent, "rest": 100 - percent,
                "votes": planning.decisive_votes(percent / 100, alpha=alpha),
            }
            for percent in (55, 60, 65, 70, 75, 80)
        ],
    }  # fmt: skip
    if one is None or one.evidence is None:
        return found
    evidence = one.evidence
    if evidence.needed:
        found["sentences"].append(evidence.needed)
    if evidence.decisive is not None:
        found["decisive_needed"] = planning.decisive_votes(0.6, alpha=alpha)
        if share := planning.detectable_share(evidence.decisive, alpha=alpha):
            found["sentences"].append(
                f"{evidence.decisive:,} decisive votes can see a preference of"
                f" {share * 100:.0f}:{100 - share * 100:.0f} and stronger."
            )
    return found


def _primary(frame: Frame) -> dict[str, Any]:
    name, settings = frame.primary, frame.comparison.settings
    metric = frame.metrics.get(name)
    return {
        "name": name, "label": LABELS.get(name, name),
        "kind": metric.kind if metric else "votes", "unit": metric.unit if metric else "",
        "set_at": settings.primary_set_at, "is_chosen": bool(settings.primary),
        "changed_late": checks.changed_late(frame),
    }  # fmt: skip


def _plan(frame: Frame) -> dict[str, Any]:
    settings = frame.comparison.settings
    have = len(set().union(*frame.prompts_of.values())) if frame.prompts_of else 0
    return {"planned_prompts": settings.planned, "planned_at": settings.planned_at, "have": have}


def _method(comparison: Comparison) -> dict[str, Any]:
    python = ".".join(map(str, sys.version_info[:3]))
    libraries = {name: version(name) for name in ("numpy", "scipy", "choix")}
    return {
        "alpha": comparison.settings.alpha, "mode": comparison.settings.mode,
        "input_hash": comparison.input_hash(), "libraries": {"python": python, **libraries},
        "seed": "of each pair: from the SHA-256 of its shared prompts", "rules": list(RULES),
    }  # fmt: skip


def _clean(value: Any) -> Any:
    """Return what JSON can say of it: numbers of numpy as Python's, what is no number as None."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {str(key): _clean(one) for key, one in value.items()}
    if kind is list or kind is tuple:
        return [_clean(one) for one in value]
    if isinstance(value, str):
        return str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
