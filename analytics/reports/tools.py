"""What tools were called, how often, and how many of their results are failures."""

from __future__ import annotations

from bisect import bisect_right
from urllib.parse import urlencode

from django.urls import reverse

from analytics import cube
from analytics.charts import Cell, Chart, Series
from analytics.cube import Sums
from analytics.filters import AnalyticsFilter
from analytics.tables import Line, Table
from conversations.models.choices import Role

from .series import REST, STACKED
from .spread import not_told_apart

NO_NAME = "No name"
CALLS_OF = "Calls are of messages of"
Calls = dict[str, list[int]]  # by tool, the calls of each period


def calls(filters: AnalyticsFilter) -> Calls:
    """Return how often each tool was called in each period, the one called most first."""
    days = filters.range
    periods = days.periods()
    starts = [cube.day_number(period.first) for period in periods]
    found: Calls = {}
    asked = cube.tools(filters.where, days.first, days.last, ("day", "tool"))
    for (day, tool), count in asked.items():
        found.setdefault(tool, [0] * len(periods))[bisect_right(starts, day) - 1] += count
    return dict(sorted(found.items(), key=lambda item: (-sum(item[1]), item[0])))


def over_time(filters: AnalyticsFilter, found: Calls) -> Chart:
    """Return the calls of the tools called most, stacked, the rest in one."""
    periods = filters.range.periods()
    names = list(found)
    shown, rest = names, []
    if len(names) > STACKED:
        shown, rest = names[: STACKED - 1], names[STACKED - 1 :]
    series = [
        Series(
            tool or NO_NAME,
            found[tool],
            links=[filters.sessions_url(period, q=mentioning(tool)) for period in periods],
        )
        for tool in shown
    ]
    if rest:
        columns = zip(*(found[tool] for tool in rest), strict=True)
        series.append(Series(REST, [sum(column) for column in columns], is_rest=True))
    return Chart(
        "calls",
        "Calls by tool",
        "stacked",
        [period.label for period in periods],
        series,
        "count",
        links=[filters.sessions_url(period, q="has:tool") for period in periods],
        note=not_told_apart(filters.where, CALLS_OF),
        label_name=filters.range.grain.capitalize(),
    )


def results(filters: AnalyticsFilter) -> Chart:
    """Return how many results of tools came back, and how many of them say that it failed."""
    days = filters.range
    periods = days.periods()
    starts = [cube.day_number(period.first) for period in periods]
    held = [Sums()] * len(periods)
    asked = cube.by_day(filters.where, days.first, days.last, ("day", "role"))
    for (day, role), sums in asked.items():
        if role == Role.TOOL:
            held[bisect_right(starts, day) - 1] += sums
    worked = [sums.messages - sums.errors for sums in held]
    failed = [sums.errors for sums in held]
    links = [
        [filters.sessions_url(period, q=f"role:tool{more}") for period in periods]
        for more in ("", " has:error")
    ]
    is_empty = not any(sums.messages for sums in held)
    return Chart(
        "results",
        "Results of tools",
        "stacked",
        [period.label for period in periods],
        []
        if is_empty
        else [
            Series("Worked", worked, links=links[0]),
            Series("Failed", failed, links=links[1]),
        ],
        "count",
        summary=_share_in_words(sum(failed), sum(worked) + sum(failed)),
        links=links[0],
        note="A result is a message of the role tool; many programs keep it in the answer instead.",
        label_name=days.grain.capitalize(),
    )


def _share_in_words(failed: int, count: int) -> str:
    share = failed / count * 100 if count else 0
    return f"{failed:,} of {count:,} results are failures, {share:.1f} %."


def table(filters: AnalyticsFilter, found: Calls) -> Table:
    """Return a line for each tool: its calls, their share, and how they went."""
    whole = sum(map(sum, found.values()))
    lines = []
    for tool, counts in found.items():
        count = sum(counts)
        link = filters.sessions_url(q=mentioning(tool))
        cells = [
            Cell(count, "count", link),
            Cell(count / whole * 100, "percent", link),
        ]
        lines.append(Line(tool or NO_NAME, search_url(filters, tool), cells, trend=counts))
    return Table(
        "tools",
        "Tools",
        "Tool",
        [("Calls", "count"), ("Share", "percent")],
        lines,
        note=not_told_apart(filters.where, CALLS_OF),
        trend_name="Calls over time",
    )


def mentioning(tool: str) -> str:
    """Return the search for messages in whose tool calls or results a name stands."""
    words = tool.replace('"', " ").strip()
    return f'in:tools "{words}"' if words else "has:tool"


def search_url(filters: AnalyticsFilter, tool: str) -> str:
    """Return the address of the search for the calls of a tool, in the days of the range."""
    days = filters.range
    after, before = days.first.isoformat(), cube.day_of(cube.day_number(days.last) + 1).isoformat()
    typed = f"{mentioning(tool)} after:{after} before:{before}"
    return f"{reverse('search')}?{urlencode({'q': typed})}"
