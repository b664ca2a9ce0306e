"""Sums over time: the periods of a range, and stacks of the greatest with the rest in grey."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import accumulate
from typing import Any

from analytics import cube
from analytics.charts import Chart, Series
from analytics.cube import Sums
from analytics.filters import AnalyticsFilter
from analytics.ranges import Period

from .names import namer

STACKED = 7  # series that have a colour of their own; more cannot be told apart
REST = "All others"
MEASURES: dict[str, tuple[str, str, Callable[[Sums], Any]]] = {
    "cost": ("Cost", "usd", lambda sums: sums.cost),
    "tokens": ("Tokens", "tokens", lambda sums: sums.tokens),
    "messages": ("Messages", "count", lambda sums: sums.messages),
}
# What can be stacked by, and the filter of the list of sessions that shows what is behind it.
STACKS = {
    "model": ("Model", "model_id"),
    "project": ("Project", "project_id"),
    "tag": ("Tag", "tag"),
    "source": ("Source", "source"),
    "role": ("Role", "role"),
    "basis": ("How the cost is known", "basis_id"),
}

# What is stacked only where failures are the subject.
COUNTED = {**MEASURES, "errors": ("Errors", "count", lambda sums: sums.errors)}

# By which time sums of a grain are asked for, and its number of a day.
TIMES: dict[str, tuple[str, Callable[[date], int]]] = {
    "day": ("day", cube.day_number),
    "week": ("week", cube.week_number),
    "month": ("month", cube.month_number),
}
Keyed = dict[Any, list[Sums]]  # by key, a Sums for each period


def over_time(filters: AnalyticsFilter, key: str | None = None) -> Keyed:
    """Return what each period of the range adds up to, by the values of `key` (or by None).

    By hour no role and no basis is told apart.
    """
    days = filters.range
    periods = days.periods()
    by = (key,) if key else ()
    if days.grain == "hour":
        found = cube.by_hour(filters.where, days.begins_at, days.ends_at, ("hour", *by))
        starts = [int(period.begins_at.timestamp()) // 3600 for period in periods]
    else:
        time, number = TIMES[days.grain]
        found = cube.by_day(filters.where, days.first, days.last, (time, *by))
        starts = [number(period.first) for period in periods]
    keyed: Keyed = {}
    for (at, *rest), sums in found.items():
        held = keyed.setdefault(rest[0] if rest else None, [Sums()] * len(periods))
        held[bisect_right(starts, at) - 1] += sums
    return keyed


def total(held: Iterable[Sums]) -> Sums:
    """Return what these add up to."""
    return Sums(*map(sum, zip(Sums(), *held, strict=True)))


def link_more(key: str, value: Any) -> dict[str, str | int]:
    """Return the filter of the list of sessions that a value of a key stands for."""
    match key:
        case "model_id":
            return {"model": value} if value else {}
        case "project_id":
            return {"project": value or "none"}
        case "source":
            return {"source": value or "here"}
        case "tag":
            return {"tag": value}
        case "role":
            return {"q": f"role:{value}"}
    return {}


def stacked(
    filters: AnalyticsFilter,
    key: str,
    measure: str,
    *,
    title: str,
    chart_key: str = "over-time",
    is_cumulative: bool = False,
    keyed: Keyed | None = None,
    searched: str = "",
    note: str = "",
) -> Chart:
    """Return a chart of the range: the greatest values of `key` stacked, the rest in one.

    `searched` is what the list of sessions behind a number is searched for.
    """
    _, unit, value_of = COUNTED[measure]
    more = {"q": searched} if searched else {}
    keyed = over_time(filters, key) if keyed is None else keyed
    sizes = {value: value_of(total(held)) for value, held in keyed.items()}
    order = sorted(sizes, key=lambda value: (-sizes[value], str(value)))
    shown, rest = order, []
    if len(order) > STACKED:
        shown, rest = order[: STACKED - 1], order[STACKED - 1 :]
    name_of = namer(key, shown)
    periods = filters.range.periods()

    def values(held: list[Sums]) -> list[Any]:
        each = [value_of(sums) for sums in held]
        return list(accumulate(each)) if is_cumulative else each

    series = [
        Series(
            name_of(value),
            values(keyed[value]),
            links=[
                filters.sessions_url(period, **{**more, **link_more(key, value)})
                for period in periods
            ],
        )
        for value in shown
    ]
    if rest:
        series.append(Series(REST, values(_added(keyed, rest)), is_rest=True))
    everything = total(total(held) for held in keyed.values())
    unpriced = unpriced_note(everything) if measure == "cost" else ""
    return Chart(
        chart_key,
        title,
        "area" if is_cumulative else "stacked",
        [period.label for period in periods],
        series,
        unit,
        links=[filters.sessions_url(period, **more) for period in periods],
        note=" ".join(filter(None, (note, unpriced))),
        label_name=filters.range.grain.capitalize(),
    )


def _added(keyed: Keyed, values: Iterable[Any]) -> list[Sums]:
    columns = zip(*(keyed[value] for value in values), strict=True)
    return [total(column) for column in columns]


def links_of(filters: AnalyticsFilter, periods: Sequence[Period]) -> list[str]:
    """Return the addresses of the sessions behind each period."""
    return [filters.sessions_url(period) for period in periods]


def unpriced_note(sums: Sums) -> str:
    """Return how many messages are not in a cost, "" if all are."""
    if not sums.unpriced:
        return ""
    return f"{sums.unpriced:,} message{'s are' if sums.unpriced > 1 else ' is'} unpriced."
