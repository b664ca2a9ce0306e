"""Ranking from votes on pairs: Bradley and Terry 1952, with ties (Davidson 1970) and order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

RESAMPLES = 500
FARTHEST = 30.0  # of a logarithm of strengths: beyond, one side never lost


@dataclass(frozen=True, slots=True)
class Fit:
    """A maximum-likelihood fit: log strengths (the first is 0), their errors, and two more."""

    strengths: np.ndarray  # logarithms, less that of the first
    errors: np.ndarray  # of each against the first
    log_tie: float | None = None  # logarithm of Davidson's nu
    log_tie_error: float | None = None
    order: float | None = None  # logarithm of what being shown first multiplies the odds by
    log_likelihood: float = 0.0

    @property
    def worths(self) -> np.ndarray:
        """Strengths that add up to 1."""
        odds = np.exp(self.strengths - self.strengths.max())
        return odds / odds.sum()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Worths of variants that add up to 1; None with the reason where there are none."""

    worths: list[float] | None
    reason: str = ""
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)


def fault(wins: np.ndarray, names: Sequence[str]) -> str:
    """Return why a matrix of wins has no strengths, "" if it has: one never lost, or never won."""
    from scipy.sparse.csgraph import connected_components

    parts, _ = connected_components(wins > 0, directed=True, connection="strong")
    if parts == 1:
        return ""
    for name, won, lost in zip(names, wins.sum(axis=1), wins.sum(axis=0), strict=True):
        if won + lost == 0:
            return f"{name} has no votes."
        if lost == 0:
            return f"{name} has not lost once, so its strength has no upper limit."
        if won == 0:
            return f"{name} has not won once, so its strength has no lower limit."
    return "Some variants were never beaten by the others, so their strengths cannot be compared."


def bradley_terry(wins: np.ndarray) -> np.ndarray:
    """Return worths that add up to 1; `wins[i, j]` are those of i over j, ties half to each."""
    import choix

    log = choix.ilsr_pairwise_dense(wins, alpha=0, tol=1e-12, max_iter=10_000)
    odds = np.exp(log - log.max())
    return odds / odds.sum()


def ranked(
    by_prompt: np.ndarray,
    names: Sequence[str],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    alpha: float = 0.05,
) -> Ranking:
    """Return the ranking of wins (prompts x variants x variants); prompts are resampled."""
    total = by_prompt.sum(axis=0)
    if reason := fault(total, names):
        return Ranking(None, reason)
    worths = bradley_terry(total)
    draw, found = np.random.default_rng(seed), []
    n = len(by_prompt)
    for _ in range(resamples):
        weights = np.bincount(draw.integers(0, n, n), minlength=n).astype(float)
        wins = np.tensordot(weights, by_prompt, axes=1)
        if not fault(wins, names):
            found.append(bradley_terry(wins))
    if len(found) < resamples // 2:
        return Ranking([float(worth) for worth in worths])
    lows, highs = np.percentile(found, [50 * alpha, 100 - 50 * alpha], axis=0)
    return Ranking(
        *([float(v) for v in worths], "", [float(v) for v in lows], [float(v) for v in highs])
    )


def fit(
    rows: Sequence[tuple[int, int, float, float, float]],
    count: int,
    *,
    ties: bool = False,
    order: bool = False,
) -> Fit:
    """Fit log strengths to rows (i, j, wins of i, wins of j, ties), i being the one shown first.

    With `ties` by Davidson's model, with `order` with an effect of being first. Newton's method to
    1e-12 on the exact likelihood, which is concave. Raises LinAlgError where it has no maximum.
    """
    extra = int(ties) + int(order)
    theta = np.zeros(count - 1 + extra)
    table = np.asarray(rows, dtype=float)
    for _ in range(200):
        gradient, hessian, likelihood = _derivatives(theta, table, count, ties, order)
        step = np.linalg.solve(hessian, gradient)
        theta = theta - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-12:
            break
        if np.abs(theta).max() > FARTHEST:
            raise np.linalg.LinAlgError("The likelihood has no finite maximum.")
    gradient, hessian, likelihood = _derivatives(theta, table, count, ties, order)
    np.linalg.cholesky(-hessian)  # what votes do not tell apart has no error
    spread = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    at = count - 1
    log_tie = log_tie_error = effect = None
    if ties:
        log_tie, log_tie_error, at = float(theta[at]), float(spread[at]), at + 1
    if order:
        effect = float(theta[at])
    return Fit(
        np.concatenate([[0.0], theta[: count - 1]]), np.concatenate([[0.0], spread[: count - 1]]),
        log_tie, log_tie_error, effect, float(likelihood),
    )  # fmt: skip


def _derivatives(theta, table, count, ties, order):
    size = len(theta)
    gradient, hessian, likelihood = np.zeros(size), np.zeros((size, size)), 0.0
    for i, j, won, lost, tied in table:
        i, j = int(i), int(j)
        # What each outcome's logarithm changes by with each parameter.
        vectors, scores = np.zeros((3, size)), np.array([won, lost, tied])
        for place, at in ((0, i), (1, j)):
            if at:
                vectors[place, at - 1] = 1
                vectors[2, at - 1] += 0.5
        at = count - 1
        if ties:
            vectors[2, at] = 1
            at += 1
        if order:
            vectors[0, at] = 1
            vectors[2, at] = 0.5
        used = 3 if ties else 2
        logs = vectors[:used] @ theta
        top = logs.max()
        odds = np.exp(logs - top)
        shares = odds / odds.sum()
        n = scores[:used].sum()
        mean = shares @ vectors[:used]
        gradient += scores[:used] @ vectors[:used] - n * mean
        hessian -= n * ((vectors[:used].T * shares) @ vectors[:used] - np.outer(mean, mean))
        likelihood += scores[:used] @ (logs - top - np.log(odds.sum()))
    return gradient, hessian, likelihood


def win_rates(wins: np.ndarray) -> list[float | None]:
    """Return for each variant the share of its votes it won, ties half."""
    played = wins.sum(axis=1) + wins.sum(axis=0)
    return [float(won / n) if n else None for won, n in zip(wins.sum(axis=1), played, strict=True)]
