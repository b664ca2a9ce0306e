"""Several tests at once: Holm's and Benjamini and Hochberg's adjustments."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p adjusted so that any false finding among all is as rare as one alone (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found, worst = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - rank) * p_values[place]))
        found[place] = worst
    return found


def holm_e(e_values: Sequence[float]) -> list[float]:
    """Return e-values adjusted by Holm's steps on 1 / e, which is an always-valid p."""
    adjusted = holm([min(1.0, 1 / e) if e > 0 else 1.0 for e in e_values])
    return [1 / p if p > 0 else float("1e300") for p in adjusted]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p adjusted for the share of false findings (Benjamini and Hochberg 1995)."""
    from scipy.stats import false_discovery_control

    return [float(q) for q in false_discovery_control(p_values)] if len(p_values) else []
