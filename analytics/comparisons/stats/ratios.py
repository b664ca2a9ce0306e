"""Positive, heavy-tailed values: ratios b / a of geometric means, medians, means and tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from .means import MeanEffect, paired, welch

RESAMPLES = 2_000
LARGEST_LOG = 700.0  # of a ratio
SHORTEST_TAIL = 30  # values below which the tail has no interval
CELLS = 4_000_000  # values that are resampled at once


def geometric_ratio(
    a: Sequence[float],
    b: Sequence[float],
    *,
    is_paired: bool,
    clusters: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> MeanEffect | None:
    """Return the ratio of geometric means b / a by a t interval of logarithms; all must be > 0."""
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(first) or not len(second) or first.min() <= 0 or second.min() <= 0:
        return None
    logs_a, logs_b = np.log(first), np.log(second)
    differences = logs_b - logs_a if is_paired else None
    found = paired(differences, clusters, alpha) if is_paired else welch(logs_a, logs_b, alpha)
    if found is None:
        return None
    low, high = (None if end is None else ratio_of(end) for end in (found.low, found.high))
    return replace(found, mean=ratio_of(found.mean), low=low, high=high)


def ratio_of(log: float) -> float:
    """Return the ratio that has this logarithm, as far as it is one that a float holds."""
    return math.exp(max(-LARGEST_LOG, min(log, LARGEST_LOG)))


@lru_cache(maxsize=8)
def _draws(n: int, seed: int, resamples: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, n, size=(resamples, n), dtype=np.int32)


PLACES = {"median": 0.5, "p95": 0.95}


def _of(values: np.ndarray, statistic: str) -> float:
    if statistic == "mean":
        return float(values.mean())
    return float(np.quantile(values, PLACES[statistic]))


@lru_cache(maxsize=256)
def _resampled(values: bytes, statistic: str, seed: int, resamples: int) -> np.ndarray:
    """Return a statistic of each resample; kept, since a baseline is in as many pairs as others."""
    sample = np.frombuffer(values)
    drawn = sample[_draws(len(sample), seed, resamples)]
    if statistic == "mean":
        return drawn.mean(axis=1)
    at = PLACES[statistic] * (len(sample) - 1)
    low = int(at)
    high = min(low + 1, len(sample) - 1)
    drawn.partition((low, high), axis=1)
    return drawn[:, low] + (drawn[:, high] - drawn[:, low]) * (at - low)


def bootstrap_ratio(
    a: Sequence[float],
    b: Sequence[float],
    statistic: str,
    *,
    is_paired: bool,
    seed: int,
    resamples: int = RESAMPLES,
    alpha: float = 0.05,
) -> tuple[float, float | None, float | None] | None:
    """Return a ratio b / a of medians, means or p95 with its percentile bootstrap interval.

    Prompts are resampled, both sides of a pair at once. Not BCa: it covers less where tails are
    heavy. Sampling does not depend on which side is called a: swapped, the interval is inverted.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(first) or not len(second):
        return None
    base = _of(first, statistic)
    if base <= 0:
        return None
    ratio = _of(second, statistic) / base
    if min(len(first), len(second)) < (SHORTEST_TAIL if statistic == "p95" else 2):
        return ratio, None, None
    if len(first) * resamples > CELLS:
        resamples = max(CELLS // len(first), 200)
    # A pair's prompts are drawn for both sides at once; without pairs each side has draws of its
    # own, which go with the values and not with the side.
    above, below = (
        _resampled(side.tobytes(), statistic, seed if is_paired else seed + _salt(side), resamples)
        for side in (second, first)
    )
    ratios = _divided(above, below)
    if ratios is None:
        return ratio, None, None
    # Of logarithms, so that the ends invert when the sides are swapped.
    low, high = np.exp(np.percentile(np.log(ratios), [50 * alpha, 100 - 50 * alpha]))
    return ratio, float(low), float(high)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray | None:
    if below.min() <= 0 or above.min() <= 0:
        return None
    with np.errstate(over="ignore"):  # infinity is no figure, and none is shown
        return above / below


def _salt(values: np.ndarray) -> int:
    import zlib

    return zlib.crc32(np.sort(values).tobytes())


def mean_interval(
    values: Sequence[float],
    *,
    seed: int,
    method: str = "percentile",
    resamples: int = RESAMPLES,
    alpha: float = 0.05,
) -> tuple[float, float] | None:
    """Return the bootstrap interval of a mean: percentile, basic or BCa."""
    sample = np.asarray(values, dtype=float)
    if len(sample) < 2 or sample.min() == sample.max():
        return None
    if method != "percentile":
        from scipy.stats import bootstrap

        found = bootstrap(
            (sample,), np.mean, confidence_level=1 - alpha, n_resamples=resamples, method=method,
            rng=np.random.default_rng(seed), batch=1_000,
        ).confidence_interval  # fmt: skip
        return float(found.low), float(found.high)
    if resamples <= RESAMPLES and len(sample) * resamples > CELLS:
        resamples = max(CELLS // len(sample), 200)
    if resamples <= RESAMPLES:
        found = [_resampled(sample.tobytes(), "mean", seed, resamples)]
    else:  # in parts, for memory
        found = [
            sample[_draws(len(sample), seed + at, RESAMPLES)].mean(axis=1)
            for at in range(resamples // RESAMPLES)
        ]
    low, high = np.percentile(np.concatenate(found), [50 * alpha, 100 - 50 * alpha])
    return float(low), float(high)


def describe(values: Sequence[float]) -> dict[str, float | int | None]:
    """Return n, mean, stddev (n - 1), min, max and linear percentiles of values."""
    sample = np.asarray(values, dtype=float)
    n = len(sample)
    if n == 0:
        return {"n": 0}
    mean = math.fsum(sample) / n
    spread = math.sqrt(math.fsum((sample - mean) ** 2) / (n - 1)) if n > 1 else None
    places = (25, 50, 75, 90, 95, 99)
    marks = dict(zip((f"p{place}" for place in places), np.percentile(sample, places), strict=True))
    return {
        "n": n, "mean": mean, "stddev": spread, "min": float(sample.min()),
        "max": float(sample.max()), **{name: float(value) for name, value in marks.items()},
    }  # fmt: skip


def forget() -> None:
    """Free the random draws that were kept, and what was made of them."""
    _draws.cache_clear()
    _resampled.cache_clear()
