"""Wins, losses and ties of pairs: intervals, tests, and the evidence that stays true however often
one looks."""

from __future__ import annotations

import math
from functools import lru_cache

Interval = tuple[float, float]
STEPS = 1e-12  # of root finding


def _z(alpha: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2))


def tango(wins: float, losses: float, n: int, alpha: float = 0.05) -> Interval:
    """Return the score interval of the net win rate (wins - losses) / n of pairs.

    Tango 1998, as recommended for paired proportions by Fagerland, Lydersen and Laake 2014.
    """
    from scipy.optimize import brentq

    if n <= 0:
        return -1.0, 1.0
    z = _z(alpha)
    if wins == losses == 0:
        half = z * z / (n + z * z)
        return -half, half
    estimate = (wins - losses) / n

    def beyond(delta: float, sign: int) -> float:
        # The most likely rate of losses if the difference were delta.
        b = -wins - losses + (2 * n - wins + losses) * delta
        c = -losses * delta * (1 - delta)
        q = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        if variance <= 0:
            return sign * math.inf if wins - losses - n * delta else 0.0
        return (wins - losses - n * delta) / math.sqrt(variance) - sign * z

    def root(sign: int) -> float:
        end, inner = (-1.0, estimate) if sign > 0 else (1.0, estimate)
        end, inner = end * (1 - 1e-12), inner - sign * 1e-12
        at_end, at_inner = beyond(end, sign), beyond(inner, sign)
        if not (math.isfinite(at_end) and at_end * at_inner < 0):
            return math.copysign(1.0, end)
        return float(brentq(beyond, end, inner, args=(sign,), xtol=STEPS))

    low = -1.0 if estimate <= -1 else root(1)
    high = 1.0 if estimate >= 1 else root(-1)
    return max(low, -1.0), min(high, 1.0)


def sign_test(wins: int, losses: int) -> tuple[float, float]:
    """Return two-sided p of the sign test without ties: exact, and mid-p (Fagerland 2013)."""
    from scipy.stats import binom, binomtest

    n = wins + losses
    if n == 0:
        return 1.0, 1.0
    exact = float(binomtest(wins, n).pvalue)
    return exact, min(1.0, exact - float(binom.pmf(wins, n, 0.5)))


def log_e_value(wins: int, losses: int) -> float:
    """Return the logarithm of the e-value against "both win alike", uniform mixture of shares.

    e = 2^n W! L! / (n + 1)!: however often one looks, it passes 1 / alpha in a share of at most
    alpha of comparisons without a difference (Ville's inequality).
    """
    few, many = sorted((wins, losses))  # the same number, whichever side is called a
    said = math.lgamma(few + 1) + math.lgamma(many + 1) - math.lgamma(few + many + 2)
    return (few + many) * math.log(2) + said


def e_value(wins: int, losses: int) -> float:
    """Return the e-value of `log_e_value`; at most 1e300."""
    return math.exp(min(log_e_value(wins, losses), math.log(1e300)))


def always_valid_share(wins: int, losses: int, alpha: float = 0.05) -> Interval:
    """Return the always-valid interval of the share of decisive votes that are wins.

    All shares that a uniform mixture does not refute at 1 / alpha.
    """
    from scipy.optimize import brentq

    n = wins + losses
    if n == 0:
        return 0.0, 1.0
    evidence = math.lgamma(wins + 1) + math.lgamma(losses + 1) - math.lgamma(n + 2)
    least = evidence + math.log(alpha)

    def over(share: float) -> float:
        said = wins * math.log(share) if wins else 0.0
        said += losses * math.log1p(-share) if losses else 0.0
        return said - least

    best = wins / n
    inner = min(max(best, 1e-15), 1 - 1e-15)
    low = 0.0 if wins == 0 else float(brentq(over, 1e-300, inner, xtol=1e-15))
    high = 1.0 if losses == 0 else float(brentq(over, inner, 1 - 1e-16, xtol=1e-15))
    return low, high


def exact_share(successes: int, n: int, alpha: float = 0.05) -> Interval | None:
    """Return the Clopper-Pearson interval of a proportion; None of nothing."""
    return _proportion(successes, n, alpha, "exact")


def wilson(successes: int, n: int, alpha: float = 0.05) -> Interval | None:
    """Return the Wilson score interval of a proportion; None of nothing."""
    return _proportion(successes, n, alpha, "wilson")


def _proportion(successes: int, n: int, alpha: float, method: str) -> Interval | None:
    from scipy.stats import binomtest

    if n <= 0:
        return None
    found = binomtest(successes, n).proportion_ci(confidence_level=1 - alpha, method=method)
    return float(found.low), float(found.high)


def newcombe(
    successes_a: int, n_a: int, successes_b: int, n_b: int, alpha: float = 0.05
) -> Interval | None:
    """Return the interval of the rate of b less that of a, unpaired (Newcombe 1998, method 10)."""
    a, b = wilson(successes_a, n_a, alpha), wilson(successes_b, n_b, alpha)
    if a is None or b is None:
        return None
    rate_a, rate_b = successes_a / n_a, successes_b / n_b
    difference = rate_b - rate_a
    return (
        difference - math.hypot(rate_b - b[0], a[1] - rate_a),
        difference + math.hypot(b[1] - rate_b, rate_a - a[0]),
    )


def fisher(successes_a: int, n_a: int, successes_b: int, n_b: int) -> float:
    """Return two-sided p of Fisher's exact test of two rates."""
    from scipy.stats import fisher_exact

    table = [[successes_a, n_a - successes_a], [successes_b, n_b - successes_b]]
    return min(1.0, float(fisher_exact(table).pvalue))


@lru_cache(maxsize=1024)
def wins_needed(decisive: int, alpha: float = 0.05) -> int | None:
    """Return the fewest wins of so many decisive votes that decide; None if not even all do."""
    limit = math.log(1 / alpha)
    for wins in range((decisive + 1) // 2, decisive + 1):
        if log_e_value(wins, decisive - wins) >= limit:
            return wins
    return None
