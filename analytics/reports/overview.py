"""The page that one opens first: the leading figures, the trend, who and when."""

from __future__ import annotations

from bisect import bisect_right

from django.utils import timezone

from analytics import cube, rollups
from analytics.charts import Chart, Series
from analytics.cube import Started, Sums
from analytics.figures import Figure
from analytics.filters import AnalyticsFilter

from .series import Keyed, total

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday
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
    """Return how many messages fell into each hour of the week, in the site's time zone.

    An hour counts where it begins: in zones that are off by half an hour, 10:30 to 11:30 is 10.
    """
    days = filters.range
    offsets = list(rollups.offsets(timezone.get_default_timezone()))
    starts = [start for start, _ in offsets]
    counts = [[0] * 24 for _ in WEEKDAYS]
    for (hour,), sums in cube.by_hour(filters.where, days.begins_at, days.ends_at).items():
        second = hour * 3600
        local = (second + offsets[bisect_right(starts, second) - 1][1]) // 3600
        counts[(local // 24 + EPOCH_WEEKDAY) % 7][local % 24] += sums.messages
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
        note=f"Hours of {days.time_zone}.",
        label_name="Hour",
    )
