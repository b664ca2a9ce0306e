"""A pair of variants, what a metric says of it, and the judgement by means that many share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from analytics.comparisons.data import ERRORS, VOTES, Metric, Settings
from analytics.comparisons.stats import means, ratios, votes
from analytics.comparisons.verdicts import Evidence

from .frame import Frame, seed_of

FEWEST_ALWAYS_VALID = 20  # prompts or groups; below, a confidence sequence is no guarantee
FEWEST_DIFFERENT = 5  # differences; below, means are judged by their signs
WIDE_CLUSTERS = 20
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


def new_row(name: str, metric: Metric | None, alpha: float) -> dict[str, Any]:
    """Return the row of a metric in the report, with nothing measured yet."""
    return {
        "name": name, "label": LABELS.get(name, name), "kind": metric.kind if metric else "votes",
        "unit": metric.unit if metric else "", "better": metric.better if metric else 1, "n": 0,
        "clusters": None, "cluster_warning": "", "effect": None, "effect_kind": "", "low": None,
        "high": None, "alpha": alpha, "p": None, "p_kind": "", "p_holm": None, "q": None,
        "always_valid": {"of": "effect", "low": None, "high": None, "e": None, "decided": False},
        "paired": True, "favours": None, "text": "", "verdict": None, "points": {}, "details": [],
        "excluded": None, "caption": "", "note": "",
    }  # fmt: skip


def detail(label: str, value, interval=None, note: str = "") -> dict[str, Any]:
    """Return a further figure of a metric, with its interval if it has one."""
    low, high = interval if interval else (None, None)
    return {"label": label, "value": value, "low": low, "high": high, "note": note}


def add_means(pair: Pair, row: dict, a: list[float], b: list[float]) -> None:
    """Add the mean of each side and its interval to a row."""
    for side, values in (("a", a), ("b", b)):
        row["points"][f"mean_{side}"] = row["points"][f"describe_{side}"].get("mean")
        row["points"][f"interval_{side}"] = ratios.mean_interval(values, seed=pair.seed)


def add_clusters(pair: Pair, row: dict, prompts: list[str] | None) -> list[str] | None:
    """Return the group of each prompt, None without groups; the row gets their number."""
    clusters = pair.frame.clusters(prompts) if prompts else None
    if clusters:
        row["clusters"] = len(set(clusters))
        if row["clusters"] < WIDE_CLUSTERS:
            row["cluster_warning"] = (
                f"Only {row['clusters']} groups of prompts: this speaks about these, not about"
                f" prompts in general."
            )
    return clusters


def of_means(
    pair: Pair,
    row: dict,
    evidence: Evidence,
    differences: list[float],
    clusters: list[str] | None,
    found: means.MeanEffect | None = None,
) -> Measured:
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
        row["always_valid"] |= {"of": "share", "low": share[0], "high": share[1], "e": e}
        row["p_note"] = "sign rule: there are fewer than five different differences"
        return Measured(row, replace(evidence, by_sign=True, share=share), e, row["p"])
    p = means.sign_flip_p(differences, clusters, seed=pair.seed)
    row["p"], row["p_kind"] = p, "sign-flip permutation"
    # Groups are the observations: their error is as uncertain as they are few.
    groups = row["clusters"] if clusters else None
    if groups is not None and groups < FEWEST_ALWAYS_VALID:
        needed = f"{FEWEST_ALWAYS_VALID} groups of prompts are the least that can settle it."
        evidence = replace(evidence, needed=needed)
    return Measured(row, *sequence(row, evidence, found, groups or n, settings), p)


def sequence(
    row: dict, evidence: Evidence, found: means.MeanEffect, n: int, settings: Settings
) -> tuple[Evidence, float | None]:
    """Return the evidence with its confidence sequence, and its e-value; none below 20."""
    e = None
    if n >= FEWEST_ALWAYS_VALID and found.se:
        spread = found.se * math.sqrt(n)
        low, high = means.confidence_sequence(n, found.mean, spread, settings.alpha)
        e = means.mean_e_value(n, found.mean, found.se, settings.alpha)
        if evidence.kind == "ratio":
            low, high = ratios.ratio_of(low), ratios.ratio_of(high)
        evidence = replace(evidence, sequence=(low, high))
        row["always_valid"] |= {"low": low, "high": high, "e": e}
    return evidence, e
