"""How far budgets are spent, from the roll-ups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import Literal

from django.http import QueryDict

from analytics import cube
from analytics.cube import Sums
from analytics.filters import AnalyticsFilter, Where
from analytics.models import Budget, BudgetPeriod
from analytics.ranges import Range

Level = Literal["ok", "soft", "hard"]
LEVELS: dict[Level, str] = {
    "ok": "Below its lines",
    "soft": "Soft line reached",
    "hard": "Hard line reached",
}
THIS = {BudgetPeriod.DAY: "now/d", BudgetPeriod.WEEK: "now/w", BudgetPeriod.MONTH: "now/M"}


@dataclass(frozen=True)
class BudgetState:
    """How far a budget is spent in the period that a day is in.

    Days are those of the site's time zone. A line is reached as soon as what was spent is equal to
    it.
    """

    budget: Budget
    range: Range  # the whole period
    costs: tuple[Decimal, ...]  # USD, of each day of the period
    unpriced: int  # messages of the period whose cost is not known and not in it
    before: Decimal | None  # USD, what the period before cost; None before the year 2000

    @property
    def first(self) -> date:
        return self.range.first

    @property
    def last(self) -> date:
        return self.range.last

    @cached_property
    def spent(self) -> Decimal:
        """USD, exact."""
        return sum(self.costs, Decimal(0))

    @property
    def share(self) -> float:
        """Percent of the hard line that is spent: more than 100 beyond it."""
        return float(self.spent / self.budget.hard_limit * 100)

    @property
    def soft_share(self) -> float:
        """Percent of the hard line at which the soft line is; 100 if there is none."""
        soft = self.budget.soft_limit
        return 100.0 if soft is None else float(soft / self.budget.hard_limit * 100)

    @property
    def level(self) -> Level:
        """The line that is reached."""
        if self.spent >= self.budget.hard_limit:
            return "hard"
        soft = self.budget.soft_limit
        return "soft" if soft is not None and self.spent >= soft else "ok"

    @property
    def level_in_words(self) -> str:
        return LEVELS[self.level]

    @property
    def line(self) -> Decimal | None:
        """The line that is reached in USD, None if none is."""
        return {
            "ok": None,
            "soft": self.budget.soft_limit,
            "hard": self.budget.hard_limit,
        }[self.level]

    @property
    def days_gone(self) -> int:
        """Whole days of the period that are over."""
        return (self.range.today - self.first).days

    @cached_property
    def added_up(self) -> list[Decimal]:
        """USD that were spent from the first day to the end of each."""
        return list(accumulate(self.costs))

    @cached_property
    def expected(self) -> list[Decimal] | None:
        """USD that are likely spent by the end of each day from today on, the last of the period.

        Every day to come, and today if it is not above it yet, is taken for the mean of the days
        that are over. None before the first is.
        """
        if not self.days_gone:
            return None
        gone = sum(self.costs[: self.days_gone], Decimal(0))
        mean = gone / self.days_gone
        likely = [max(cost, mean) for cost in self.costs[self.days_gone :]]
        ends = accumulate(likely, initial=gone)
        return [round(end, 9) for end in ends][1:]

    @property
    def forecast(self) -> Decimal | None:
        """USD that are likely spent by the end of the period."""
        return self.expected[-1] if self.expected else None

    @cached_property
    def filters(self) -> AnalyticsFilter:
        """What leads to the sessions that started in the period and that it is about."""
        budget, query = self.budget, QueryDict(mutable=True)
        names = {"project": budget.project_id, "model": budget.model_id, "tag": budget.tag}
        query.update({name: str(value) for name, value in names.items() if value})
        return AnalyticsFilter(query, self.range)


def states(today: date | None = None, *, using: str = "default") -> list[BudgetState]:
    """Return how far each active budget is spent, by name; today is that of the site's zone."""
    budgets = Budget.objects.using(using).filter(is_active=True)
    return [
        state_of(budget, today, using=using)
        for budget in budgets.select_related("project", "model")
    ]


def state_of(budget: Budget, today: date | None = None, *, using: str = "default") -> BudgetState:
    """Return how far a budget is spent in the period that `today` is in."""
    period = _period(budget, today)
    earlier = period.previous
    days = cube.by_day(
        where_of(budget), (earlier or period).first, period.last, by=("day",), using=using
    )
    sums = {cube.day_of(number): found for (number,), found in days.items()}
    within = [sums.get(day, Sums()) for day in _days(period)]
    return BudgetState(
        budget,
        period,
        costs=tuple(one.cost for one in within),
        unpriced=sum(one.unpriced for one in within),
        before=earlier
        and sum((sums[day].cost for day in _days(earlier) if day in sums), Decimal(0)),
    )


def where_of(budget: Budget) -> Where:
    """Return which messages a budget counts."""
    return Where(project_id=budget.project_id, model_id=budget.model_id, tag=budget.tag or None)


def _period(budget: Budget, today: date | None) -> Range:
    whole = QueryDict(mutable=True)
    whole["from"] = whole["to"] = THIS[BudgetPeriod(budget.period)]
    return Range.of(whole, today=today)


def _days(period: Range) -> Iterator[date]:
    return (period.first + timedelta(days=number) for number in range(period.days))
