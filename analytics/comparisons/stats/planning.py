"""How much is needed to see a difference, and what can be seen with what is there."""

from __future__ import annotations

import math
from collections.abc import Sequence

MOST_PROMPTS = 10**9


def _z(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def decisive_votes(share: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return the decisive votes that tell `share` from one half, at a fixed number of them.

    The usual normal approximation, with the variance of each hypothesis.
    """
    gap = abs(share - 0.5)
    needed = (_z(1 - alpha / 2) * 0.5 + _z(power) * math.sqrt(share * (1 - share))) / gap
    return math.ceil(needed**2 - 1e-9)


def detectable_share(n: int, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the smallest share above one half that so many decisive votes tell from it."""
    if n < 4:
        return None
    low, high = 0.5 + 1e-6, 1 - 1e-9
    if decisive_votes(high, power, alpha) > n:
        return None
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if decisive_votes(middle, power, alpha) > n else (low, middle)
    return high


def prompts_for_mean(sd: float, difference: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return the prompts that show a mean difference: (z + z)^2 (sd / difference)^2, or 1e9."""
    needed = (_z(1 - alpha / 2) + _z(power)) * sd / difference
    return math.ceil(min(needed, math.sqrt(MOST_PROMPTS)) ** 2 - 1e-9)


def t_power(effect_size: float, n: int, alpha: float = 0.05) -> float:
    """Return the power of a two-sided paired t test at this effect in standard deviations."""
    from scipy.stats import nct, t

    df, shift = n - 1, effect_size * math.sqrt(n)
    edge = t.ppf(1 - alpha / 2, df)
    return float(nct.sf(edge, df, shift) + nct.cdf(-edge, df, shift))


def srm(counts: Sequence[int], shares: Sequence[float]) -> float | None:
    """Return p of counts against the planned split (sample ratio mismatch); None of nothing."""
    from scipy.stats import chisquare

    total, whole = sum(counts), math.fsum(shares)
    if not total or len(counts) < 2:
        return None
    return float(chisquare(counts, [total * share / whole for share in shares]).pvalue)
