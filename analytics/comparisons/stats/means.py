"""Means and their differences: intervals, tests by permutation and rank, confidence sequences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

TUNING = 100  # N* of a confidence sequence: where it is tightest, in prompts
MOST_E = 1e300
EXACT_UP_TO = 12  # differences whose signs are all tried
AT_ONCE = 1_000  # sign flips that are drawn at once
MOST_KEPT = 12_000_000  # signs that are kept for another metric of the same prompts, 96 MB


@dataclass(frozen=True, slots=True)
class MeanEffect:
    """A mean or difference of means with its t interval; None where nothing can be said."""

    n: int
    mean: float
    sd: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    df: float | None = None
    t: float | None = None
    p: float | None = None
    clusters: int | None = None


def paired(
    differences: Sequence[float], clusters: Sequence[str] | None = None, alpha: float = 0.05
) -> MeanEffect | None:
    """Return the mean of paired differences; with clusters, by their cluster-robust error.

    se = sqrt(G / (G - 1) * sum over clusters of (sum of deviations)^2) / n, t with G - 1 degrees.
    """
    values = np.asarray(differences, dtype=float)
    n = len(values)
    if n == 0:
        return None
    mean = math.fsum(values) / n
    if n == 1:
        return MeanEffect(1, mean)
    deviations = values - mean
    sd = math.sqrt(math.fsum(deviations**2) / (n - 1))
    groups = None
    se, df = sd / math.sqrt(n), float(n - 1)
    if clusters is not None:
        _, places = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
        groups = int(places.max()) + 1
        if groups < 2:
            return MeanEffect(n, mean, sd, clusters=groups)
        sums = np.bincount(places, weights=deviations)
        se = math.sqrt(groups / (groups - 1) * math.fsum(sums**2)) / n
        df = float(groups - 1)
    return _with_t(n, mean, sd, se, df, groups, alpha)


def _with_t(n, mean, sd, se, df, clusters, alpha) -> MeanEffect:
    from scipy.special import stdtr, stdtrit

    if se <= 1e-12 * max(abs(mean), 1e-300):
        return MeanEffect(n, mean, sd, 0.0, mean, mean, df, clusters=clusters)
    half = float(stdtrit(df, 1 - alpha / 2)) * se
    t = mean / se
    p = float(2 * stdtr(df, -abs(t)))
    return MeanEffect(n, mean, sd, se, mean - half, mean + half, df, t, p, clusters)


def welch(a: Sequence[float], b: Sequence[float], alpha: float = 0.05) -> MeanEffect | None:
    """Return the mean of b less that of a, unpaired (Welch 1947)."""
    sides = []
    for values in (np.asarray(a, dtype=float), np.asarray(b, dtype=float)):
        n = len(values)
        if n == 0:
            return None
        mean = math.fsum(values) / n
        sides.append((n, mean, math.fsum((values - mean) ** 2) / (n - 1) if n > 1 else None))
    (n_a, mean_a, var_a), (n_b, mean_b, var_b) = sides
    if var_a is None or var_b is None:
        return MeanEffect(n_a + n_b, mean_b - mean_a)
    return welch_of_moments(n_a, mean_a, var_a, n_b, mean_b, var_b, alpha=alpha)


def welch_of_moments(
    n_a, mean_a, var_a, n_b, mean_b, var_b, *, relative: bool = False, alpha: float = 0.05
) -> MeanEffect:
    """Return Welch's interval from counts, means and variances; `relative` to the mean of a.

    The relative difference has its variance by the delta method, as GrowthBook has it.
    """
    part_a, part_b = var_a / n_a, var_b / n_b
    effect, variance = mean_b - mean_a, part_a + part_b
    if relative:
        effect = effect / mean_a
        variance = part_b / mean_a**2 + part_a * mean_b**2 / mean_a**4
    total = part_a + part_b
    df = 1.0
    if total > 0:
        df = total**2 / sum(
            part**2 / (n - 1) for part, n in ((part_a, n_a), (part_b, n_b)) if n > 1
        )
    n, se = n_a + n_b, math.sqrt(variance)
    return _with_t(n, effect, se * math.sqrt(n), se, df, None, alpha)


def sign_flip_p(
    differences: Sequence[float],
    clusters: Sequence[str] | None = None,
    *,
    seed: int = 0,
    flips: int = 9_999,
) -> float | None:
    """Return two-sided p of the mean difference by flipping signs; all of them for up to twelve.

    With clusters, those flip as one. The draws do not depend on which side is called a.
    """
    values = np.asarray(differences, dtype=float)
    if clusters is not None:
        _, places = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
        values = np.bincount(places, weights=values)
    values = values[values != 0]
    n = len(values)
    if n == 0:
        return None
    observed = abs(values.sum()) * (1 - 1e-12)
    if n <= EXACT_UP_TO:
        codes = np.arange(2**n)[:, None] >> np.arange(n) & 1
        return float(np.mean(np.abs((2 * codes - 1) @ values) >= observed))
    beyond = sum(
        int(np.sum(np.abs(signs @ values) >= observed)) for signs in _signs(n, seed, flips)
    )
    return (beyond + 1) / (flips + 1)


def _signs(n: int, seed: int, flips: int) -> Iterable[np.ndarray]:
    """Return rows of random signs, some at a time; kept for the next metric if they are few."""
    return _kept_signs(n, seed, flips) if n * flips <= MOST_KEPT else _drawn_signs(n, seed, flips)


@lru_cache(maxsize=2)
def _kept_signs(n: int, seed: int, flips: int) -> list[np.ndarray]:
    return list(_drawn_signs(n, seed, flips))


def _drawn_signs(n: int, seed: int, flips: int) -> Iterator[np.ndarray]:
    draw = np.random.default_rng(seed)
    for start in range(0, flips, AT_ONCE):
        count = min(AT_ONCE, flips - start)
        yield draw.integers(0, 2, size=(count, n), dtype=np.int8).astype(float) * 2 - 1


@lru_cache(maxsize=64)
def _rho(alpha: float, tuning: float) -> float:
    log = -2 * math.log(alpha)
    return math.sqrt((log + math.log(log + 1)) / tuning)


def confidence_sequence(
    n: float, mean: float, sd: float, alpha: float = 0.05, tuning: float = TUNING
) -> tuple[float, float]:
    """Return an interval that holds at every n at once, asymptotically.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021 (arXiv 2103.06476), equation 9.
    """
    rho2 = _rho(alpha, tuning) ** 2
    inner = n * rho2 + 1
    half = sd * math.sqrt(2 * inner / (n * n * rho2) * math.log(math.sqrt(inner) / alpha))
    return mean - half, mean + half


def mean_e_value(
    n: float, mean: float, se: float, alpha: float = 0.05, tuning: float = TUNING
) -> float:
    """Return the e-value of a mean against 0 (the same paper, equation 155); at most 1e300."""
    rho2 = _rho(alpha, tuning) ** 2
    inner = n * rho2 + 1
    log = rho2 * (mean / se) ** 2 * n / (2 * inner) - 0.5 * math.log(inner)
    return math.exp(min(log, math.log(MOST_E)))


def wilcoxon(
    differences: Sequence[float], zero_method: str = "wilcox", method: str = "approx", **options
) -> tuple[float, float] | None:
    """Return statistic and p of Wilcoxon's signed-rank test; None if it is not defined."""
    from scipy.stats import wilcoxon as test

    values = np.asarray(differences, dtype=float)
    if not np.any(values != 0):
        return None
    found = test(values, zero_method=zero_method, method=method, **options)
    return float(found.statistic), float(found.pvalue)


def mann_whitney(
    a: Sequence[float], b: Sequence[float], method: str = "asymptotic"
) -> tuple[float, float] | None:
    """Return P(b > a), ties counted half, and p of the Mann-Whitney test."""
    from scipy.stats import mannwhitneyu

    if not len(a) or not len(b) or len({*map(float, a), *map(float, b)}) < 2:
        return None
    found = mannwhitneyu(b, a, method=method)
    return float(found.statistic) / (len(a) * len(b)), float(found.pvalue)


def hodges_lehmann(a: Sequence[float], b: Sequence[float], most: int = 4_000_000) -> float | None:
    """Return the median of all differences b - a; None beyond `most` of them."""
    if not len(a) or not len(b) or len(a) * len(b) > most:
        return None
    return float(np.median(np.subtract.outer(np.asarray(b, float), np.asarray(a, float))))


def friedman(rows: Sequence[Sequence[float]]) -> tuple[float, float, float] | None:
    """Return chi-square, p and Kendall's W of three or more variants (columns)."""
    from scipy.stats import friedmanchisquare

    table = np.asarray(rows, dtype=float)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 3:
        return None
    if np.all(table == table[:, :1]):
        return None
    found = friedmanchisquare(*table.T)
    n, k = table.shape
    return float(found.statistic), float(found.pvalue), float(found.statistic) / (n * (k - 1))


def forget() -> None:
    """Free the random signs that were kept."""
    _kept_signs.cache_clear()
