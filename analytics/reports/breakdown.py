"""What models, projects, tags or sources add up to, with a small line each."""

from __future__ import annotations

from analytics import cube
from analytics.charts import Cell
from analytics.cube import Started
from analytics.figures import Unit
from analytics.filters import AnalyticsFilter
from analytics.tables import Line, Table

from .names import namer
from .series import Keyed, link_more, over_time, total

HEADS: list[tuple[str, Unit | None]] = [
    ("Cost", "usd"),
    ("Share", "percent"),
    ("Tokens in", "tokens"),
    ("Tokens out", "tokens"),
    ("Messages", "count"),
    ("Sessions", "count"),
    ("Errors", "count"),
    ("Unpriced", "count"),
]


def breakdown(
    filters: AnalyticsFilter,
    key: str,
    *,
    table: str,
    title: str,
    label_name: str,
    keyed: Keyed | None = None,
) -> Table:
    """Return what each value of `key` (of `series.STACKS`) adds up to, the dearest first.

    `keyed` is the range by the same key, if it is at hand; `table` names the table in addresses.
    """
    keyed = over_time(filters, key) if keyed is None else keyed
    days = filters.range
    started: dict[tuple, Started] = {}
    if key in cube.SESSION_KEYS:
        started = cube.sessions(filters.where, days.first, days.last, (key,))
    values = {*keyed, *(value for [value] in started)}
    name_of = namer(key, values)
    sums = {value: total(keyed.get(value, ())) for value in values}
    whole = sum(one.cost_nanos for one in sums.values())

    def line(value: object) -> Line:
        one, link = sums[value], filters.sessions_url(**link_more(key, value))
        numbers = (
            one.cost,
            one.cost_nanos / whole * 100 if whole else None,
            one.input_tokens,
            one.output_tokens,
            one.messages,
            started.get((value,), Started()).sessions,
            one.errors,
            one.unpriced,
        )
        cells = [Cell(number, unit, link) for number, (_, unit) in zip(numbers, HEADS, strict=True)]
        trend = [each.cost for each in keyed.get(value, ())]
        return Line(name_of(value), link, cells, trend=trend)

    order = sorted(values, key=lambda v: (-sums[v].cost_nanos, -sums[v].messages, str(name_of(v))))
    return Table(
        table,
        title,
        label_name,
        HEADS,
        [line(value) for value in order],
        trend_name="Cost over time",
        trend_unit="usd",
    )
