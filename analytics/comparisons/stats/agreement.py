"""How far raters agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def icc_2(rows: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Return ICC(2,1) and ICC(2,k): two-way random, absolute agreement (Shrout and Fleiss 1979).

    A row for each item, a column for each rater; None where they are not defined.
    """
    table = np.asarray(rows, dtype=float)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 2:
        return None
    n, k = table.shape
    grand = table.mean()
    between = k * float(((table.mean(axis=1) - grand) ** 2).sum()) / (n - 1)
    raters = n * float(((table.mean(axis=0) - grand) ** 2).sum()) / (k - 1)
    rest = float(((table - grand) ** 2).sum()) - between * (n - 1) - raters * (k - 1)
    rest /= (n - 1) * (k - 1)
    one = between + (k - 1) * rest + k * (raters - rest) / n
    mean = between + (raters - rest) / n
    if min(abs(one), abs(mean)) < 1e-12:
        return None
    return (between - rest) / one, (between - rest) / mean


def weighted_kappa(a: Sequence[float], b: Sequence[float], power: int = 2) -> float | None:
    """Return Cohen's kappa of two raters, disagreement weighted by its distance to a power.

    Distances are those of the places of the levels that occur, in order: power 1 is linear, 2
    quadratic. None if undefined.
    """
    if len(a) != len(b) or not len(a):
        return None
    levels = np.unique([*a, *b])
    first, second = np.searchsorted(levels, a), np.searchsorted(levels, b)
    seen = float((np.abs(first - second) ** power).mean())
    # Of all pairs of answers, by how often each level occurs: few levels, many answers.
    counts = [np.bincount(side, minlength=len(levels)) for side in (first, second)]
    distances = np.abs(np.subtract.outer(np.arange(len(levels)), np.arange(len(levels)))) ** power
    by_chance = float(counts[0] @ distances @ counts[1]) / (len(a) * len(b))
    return 1 - seen / by_chance if by_chance else None
