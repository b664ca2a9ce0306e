"""Estimates within strata, beside the one that throws all together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stratum:
    """What two variants did in one stratum: counts, means and variances."""

    name: str
    n_a: int
    mean_a: float
    var_a: float
    n_b: int
    mean_b: float
    var_b: float


def stratified_difference(
    strata: Sequence[Stratum], alpha: float = 0.05
) -> tuple[float, float, float] | None:
    """Return b - a within strata and its interval, weighted by n_a n_b / (n_a + n_b)."""
    from scipy.special import ndtri

    weights = [
        part.n_a * part.n_b / (part.n_a + part.n_b) for part in strata if part.n_a + part.n_b
    ]
    total = math.fsum(weights)
    if not total:
        return None
    parts = [part for part in strata if part.n_a + part.n_b]
    effect = (
        math.fsum(w * (s.mean_b - s.mean_a) for w, s in zip(weights, parts, strict=True)) / total
    )
    variance = math.fsum(
        (w / total) ** 2 * (s.var_a / s.n_a + s.var_b / s.n_b)
        for w, s in zip(weights, parts, strict=True)
        if w
    )
    half = float(ndtri(1 - alpha / 2)) * math.sqrt(variance)
    return effect, effect - half, effect + half


def disagrees(pooled: float, stratified: float) -> bool:
    """Return whether the pooled estimate points the other way (Simpson's paradox)."""
    return pooled * stratified < 0


def mantel_haenszel(
    tables: Sequence[tuple[int, int, int, int]], alpha: float = 0.05
) -> tuple[float, float, float, float, float] | None:
    """Return the odds ratio of a to b over strata, its interval, chi-square and p.

    A table is (a succeeds, a fails, b succeeds, b fails). Interval by Robins, Breslow and
    Greenland 1986; the test with continuity correction, as R's mantelhaen.test.
    """
    from scipy.special import chdtrc, ndtri

    above = below = p_r = q_s = mixed = 0.0
    seen = expected = variance = 0.0
    for a, b, c, d in tables:
        n = a + b + c + d
        if n < 2:
            continue
        r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
        above, below = above + r, below + s
        p_r, q_s, mixed = p_r + p * r, q_s + q * s, mixed + p * s + q * r
        seen, expected = seen + a, expected + (a + b) * (a + c) / n
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (n * n * (n - 1))
    if not above or not below or not variance:
        return None
    ratio = above / below
    spread = math.sqrt(p_r / (2 * above**2) + mixed / (2 * above * below) + q_s / (2 * below**2))
    half = float(ndtri(1 - alpha / 2)) * spread
    chi2 = max(abs(seen - expected) - 0.5, 0) ** 2 / variance
    return ratio, ratio * math.exp(-half), ratio * math.exp(half), chi2, float(chdtrc(1, chi2))
