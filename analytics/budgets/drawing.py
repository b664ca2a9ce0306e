"""How the period of a budget went, as a chart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from analytics import cube
from analytics.charts import Chart, Level, Series
from analytics.cube import Sums
from analytics.figures import in_words
from analytics.models import BudgetPeriod
from conversations.organising import counted

from .spending import BudgetState, where_of

DAYS_SHOWN = 30  # of a budget that is for each day


def chart(state: BudgetState, *, using: str = "default") -> Chart:
    """Return what was spent by the end of each day, its lines, and what is likely.

    A budget of a day has the days before it beside it instead.
    """
    if state.budget.period == BudgetPeriod.DAY:
        return _by_day(state, using)
    return _added_up(state)


def _added_up(state: BudgetState) -> Chart:
    gone, periods = state.days_gone, state.range.periods()
    after = len(periods) - gone - 1
    series = [Series("Spent so far", [*state.added_up[: gone + 1], *[None] * after])]
    words = f"{in_words(state.spent, 'usd')} of {in_words(state.budget.hard_limit, 'usd')} spent"
    if state.expected:
        # From where the last whole day has come to.
        likely = [*[None] * (gone - 1), state.added_up[gone - 1], *state.expected]
        series.append(Series("Likely", likely, is_forecast=True))
        words += f"; {in_words(state.forecast, 'usd')} likely by {state.last}"
    return Chart(
        "budget",
        "Spent in this period",
        "line",
        [period.label for period in periods],
        series,
        "usd",
        summary=f"{words}.",
        links=[state.filters.sessions_url(period) for period in periods],
        note=_unpriced(state.unpriced),
        levels=_levels(state),
    )


def _by_day(state: BudgetState, using: str) -> Chart:
    shown = replace(state.range, first=state.last - timedelta(days=DAYS_SHOWN - 1), grain="day")
    where = where_of(state.budget)
    found = cube.by_day(where, shown.first, shown.last, by=("day",), using=using)
    periods = shown.periods()
    sums = [found.get((cube.day_number(period.first),), Sums()) for period in periods]
    return Chart(
        "budget",
        f"Spent on each of {DAYS_SHOWN} days",
        "bar",
        [period.label for period in periods],
        [Series("Spent", [one.cost for one in sums])],
        "usd",
        links=[state.filters.sessions_url(period) for period in periods],
        note=_unpriced(sum(one.unpriced for one in sums)),
        levels=_levels(state),
    )


def _levels(state: BudgetState) -> list[Level]:
    lines: dict[str, Decimal | None] = {
        "Soft line": state.budget.soft_limit,
        "Hard line": state.budget.hard_limit,
    }
    return [Level(name, value) for name, value in lines.items() if value is not None]


def _unpriced(count: int) -> str:
    if not count:
        return ""
    return f"{counted(count, 'message')} {'is' if count == 1 else 'are'} unpriced and not in it."
