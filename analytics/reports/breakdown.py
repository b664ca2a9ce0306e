"""Tables of what models, projects, tags or sources add up to, with a small line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from analytics import cube
from analytics.cube import Started, Sums
from analytics.filters import AnalyticsFilter

from .names import namer
from .series import Keyed, link_more, over_time, total

COLUMNS = ("cost_usd", "input_tokens", "output_tokens", "messages", "sessions", "errors",
           "unpriced_messages")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a model, project, tag or source, and what its messages add up to."""

    name: str
    link: str  # to the sessions behind it
    sums: Sums
    started: Started
    share: float | None  # of the whole cost, in percent
    trend: list[Decimal]  # the cost of each period


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A table of lines, the dearest first."""

    key: str  # names the table in addresses and files
    title: str
    label_name: str
    lines: list[Line]

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns of a download."""
        return [self.label_name, *COLUMNS]

    def csv(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of a download."""
        for line in self.lines:
            sums = line.sums
            values = (line.name, sums.cost, sums.input_tokens, sums.output_tokens, sums.messages,
                      line.started.sessions, sums.errors, sums.unpriced)  # fmt: skip
            yield dict(zip(self.columns, values, strict=True))


def breakdown(
    filters: AnalyticsFilter,
    key: str,
    *,
    table: str,
    title: str,
    label_name: str,
    keyed: Keyed | None = None,
) -> Breakdown:
    """Return what each value of `key` (of `series.STACKS`) adds up to over the range."""
    keyed = over_time(filters, key) if keyed is None else keyed
    days = filters.range
    started: dict[tuple, Started] = {}
    if key in cube.SESSION_KEYS:
        started = cube.sessions(filters.where, days.first, days.last, (key,))
    names = {*keyed, *(value for [value] in started)}
    name_of = namer(key, names)
    sums = {value: total(keyed.get(value, ())) for value in names}
    whole = sum(one.cost_nanos for one in sums.values())
    lines = [
        Line(
            name_of(value),
            filters.sessions_url(**link_more(key, value)),
            sums[value],
            started.get((value,), Started()),
            sums[value].cost_nanos / whole * 100 if whole else None,
            [one.cost for one in keyed.get(value, ())],
        )
        for value in names
    ]
    lines.sort(key=lambda line: (-line.sums.cost_nanos, -line.sums.messages, line.name))
    return Breakdown(table, title, label_name, lines)
