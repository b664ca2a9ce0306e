"""The page that one opens first: the leading figures, the trend, who and when."""

from __future__ import annotations

from analytics import cube
from analytics.charts import Chart, Series
from analytics.cube import Started, Sums
from analytics.figures import Figure
from analytics.filters import AnalyticsFilter

from .series import Keyed, total

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TOOL = "tool"  # a tool that fails is no failed answer


def figures(filters: AnalyticsFilter, keyed: Keyed, unpriced_link: str) -> list[Figure]:
    """Return cost, tokens, sessions, messages and errors, beside the period before.

    `keyed` is the range by model.
    """
    days = filters.range
    columns = [total(column) for column in zip(*keyed.values(), strict=True)]
    now = total(columns)
    before, sessions_before, errors_before = Sums(), None, None
    if earlier := days.previous:
        before = _one(cube.by_day(filters.where, earlier.first, earlier.last))
        sessions_before = _started(filters, earlier).sessions
        errors_before = _failed(filters, earlier)
    has_before = earlier is not None
    here = filters.sessions_url()
    return [
        Figure(
            "Cost", now.cost, "usd", before.cost if has_before else None, here,
            [one.cost for one in columns], now.unpriced, unpriced_link,
        ),
        Figure(
            "Tokens", now.tokens, "tokens", before.tokens if has_before else None, here,
            [one.tokens for one in columns],
        ),
        Figure(
            "Sessions started", _started(filters, days).sessions, "count", sessions_before, here,
        ),
        Figure(
            "Messages", now.messages, "count", before.messages if has_before else None, here,
            [one.messages for one in columns],
        ),
        Figure(
            "Errors", _failed(filters, days), "count", errors_before,
            filters.sessions_url(q="has:error"), is_good="less",
        ),
    ]  # fmt: skip


def _one(found: dict[tuple, Sums]) -> Sums:
    return found.get((), Sums())


def _started(filters: AnalyticsFilter, days) -> Started:
    return cube.sessions(filters.where, days.first, days.last).get((), Started())


def _failed(filters: AnalyticsFilter, days) -> int:
    found = cube.by_day(filters.where, days.first, days.last, not_roles=(TOOL,))
    return _one(found).errors


def heat_map(filters: AnalyticsFilter) -> Chart:
    """Return how many messages fell into each hour of the week, in the site's time zone."""
    days = filters.range
    hours = cube.by_hour_of_week(filters.where, days.begins_at, days.ends_at)
    counts = [hours[day * 24 : day * 24 + 24] for day in range(len(WEEKDAYS))]
    search = filters.sessions_url()
    rows = [
        Series(name, [count or None for count in hours], links=[search] * 24)
        for name, hours in zip(WEEKDAYS, counts, strict=True)
    ]
    return Chart(
        "hours",
        "Messages by hour and weekday",
        "heatmap",
        [f"{hour:02}" for hour in range(24)],
        rows,
        "count",
        note=f"Hours of {days.time_zone}{', of all roles' if filters.where.role else ''}.",
        label_name="Hour",
    )
