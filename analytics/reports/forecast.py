"""What a month will have cost by its end, and how far off that may be."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import NormalDist, mean, stdev

from analytics import cube
from analytics.filters import Where

BASIS_DAYS = 28  # whole weeks: as many Sundays as Mondays
FEWEST_DAYS = 7
COVERAGE = 0.8


@dataclass(frozen=True, slots=True)
class Forecast:
    """A month's cost in USD: so far by day, and at the end, with an interval of 80 per cent.

    `likely`, `low` and `high` are None where too few days are known to say anything.
    """

    month: date  # its first day
    today: date
    days: int
    spent: list[Decimal]  # for each day up to today
    likely: list[Decimal] | None = None  # summed up to each day from today on
    low: list[Decimal] | None = None
    high: list[Decimal] | None = None

    @property
    def total(self) -> Decimal:
        return sum(self.spent, Decimal(0))


def forecast(where: Where, today: date, *, using: str = "default") -> Forecast:
    """Return what the month of `today` has cost and will have cost by its end.

    Each day to come is taken to be like the last 28 whole days, fewer if there are fewer: for the
    sum of n such days after m known ones the interval is n·mean ± t·s·sqrt(n + n²/m), the
    prediction interval of a sum (Hahn and Meeker, Statistical Intervals, 2nd ed., section 4.8).
    Days are taken as independent, so a steady trend is not followed.
    """
    first = today.replace(day=1)
    days = monthrange(today.year, today.month)[1]
    begin = min(first, today - timedelta(days=BASIS_DAYS))
    found = cube.by_day(where, begin, today, ("day",), using=using)
    costs = {cube.day_of(day): sums.cost for (day,), sums in found.items()}
    spent = [costs.get(first + timedelta(days=n), Decimal(0)) for n in range(today.day)]
    known = _known_days(costs, today)
    if known is None:
        return Forecast(first, today, days, spent)
    average, spread, count = mean(known), stdev(known), len(known)
    so_far = float(sum(spent))
    # Of today only a part is over: the rest of it is not foreseen, but from tomorrow on.
    likely, low, high = [so_far], [so_far], [so_far]
    for ahead in range(1, days - today.day + 1):
        middle = so_far + ahead * average
        room = _student(count - 1) * spread * (ahead + ahead**2 / count) ** 0.5
        likely.append(middle)
        low.append(max(so_far, middle - room))
        high.append(middle + room)
    return Forecast(first, today, days, spent, *map(_dollars, (likely, low, high)))


def _known_days(costs: dict[date, Decimal], today: date) -> list[float] | None:
    """Return the costs of the last whole days, from the first that has any; None of too few."""
    days = [today - timedelta(days=ago) for ago in range(BASIS_DAYS, 0, -1)]
    used = [day for day in days if costs.get(day)]
    if not used:
        return None
    known = [float(costs.get(day, 0)) for day in days if day >= used[0]]
    return known if len(known) >= FEWEST_DAYS else None


def _student(freedom: int) -> float:
    """Return the quantile of Student's t for the interval, to three digits from 6 degrees on.

    By the expansion around the normal quantile (Abramowitz and Stegun, 26.7.5).
    """
    z = NormalDist().inv_cdf((1 + COVERAGE) / 2)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def _dollars(values: Sequence[float]) -> list[Decimal]:
    return [round(Decimal(value), 9) for value in values]
