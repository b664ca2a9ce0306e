"""Questions to the roll-ups: sums by day or hour of what a page is about.

Everything that dashboards, commands and `SessionManager` say of many messages comes from here; the
messages themselves are not read. What the tables hold stands in sql/sqlite/rollups.sql.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import add
from typing import Any, NamedTuple

from django.db import connections
from django.utils import timezone

from conversations import databases
from conversations.models.sessions import NANO

from . import rollups
from .filters import Where

EPOCH = date(1970, 1, 1)
KEYS = ("day", "model_id", "project_id", "source", "role", "basis_id", "tag")
SESSION_KEYS = ("day", "model_id", "project_id", "source", "tag")
MOST_TAGS = 1_000


class Sums(NamedTuple):
    """What messages add up to: tokens, nano-dollars, milliseconds and counts of messages."""

    messages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nanos: int = 0
    unpriced: int = 0  # messages with tokens at an unknown price: their cost is not in the sum
    errors: int = 0
    latencies: int = 0  # messages that say how long they took
    latency_ms: int = 0
    timed_tokens: int = 0  # output tokens of those that say both
    timed_ms: int = 0

    @property
    def cost(self) -> Decimal:
        """USD, exact."""
        return Decimal(self.cost_nanos) / NANO

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def cache_hit_rate(self) -> float | None:
        """Percent of the input that was read from a cache."""
        return _percent(self.cache_read_tokens, self.input_tokens)

    @property
    def error_rate(self) -> float | None:
        """Percent of the messages that failed."""
        return _percent(self.errors, self.messages)

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens a second, over the messages that say both."""
        return self.timed_tokens / self.timed_ms * 1000 if self.timed_ms else None

    @property
    def cost_per_1k_output(self) -> Decimal | None:
        """USD per thousand output tokens."""
        return self.cost / self.output_tokens * 1000 if self.output_tokens else None

    def __add__(self, other: Sums) -> Sums:
        return Sums(*map(add, self, other))


NAMES = Sums._fields
HOUR_NAMES = rollups.HOUR_NAMES


def _percent(part: int, whole: int) -> float | None:
    return part / whole * 100 if whole else None


def day_number(day: date) -> int:
    """Return the number under which the roll-ups keep a day."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=number)


WEEK = 7


def week_number(day: date) -> int:
    """Return the number under which the roll-ups keep the week, from Monday, of a day."""
    return (day_number(day) + 3) // WEEK  # 1 January 1970 was a Thursday


def monday_of(week: int) -> date:
    return day_of(week * WEEK - 3)


def by_day(
    where: Where,
    first: date,
    last: date,
    by: Sequence[str] = (),
    *,
    not_roles: Sequence[str] = (),
    using: str = "default",
) -> dict[tuple, Sums]:
    """Return what the messages of these days add up to, by their values of the keys `by`.

    Keys are those of `KEYS`, "week" and "month"; each time is a number. By "tag", a message counts
    once for each tag of its session, and where it has none not at all.
    """
    conditions = [*_equal(where), *(("role", "<>", role) for role in not_roles)]
    if where.role is not None:
        conditions.append(("role", "=", where.role))
    span = (day_number(first), day_number(last))
    rows = _ask_cube("day", DAYS, by, conditions, where.tag, span, using)
    return {key: Sums(*sums) for key, sums in rows}


def by_hour(
    where: Where,
    begin: datetime,
    end: datetime,
    by: Sequence[str] = ("hour",),
    *,
    using: str = "default",
) -> dict[tuple, Sums]:
    """Return the same of whole hours from `begin` on and before `end`; an hour is its number.

    Roles are not told apart, nor are parts of the tokens.
    """
    first, last = int(begin.timestamp()) // 3600, (int(end.timestamp()) - 1) // 3600
    rows = _ask_cube("hour", HOURS, by, _equal(where), where.tag, (first, last), using)
    return {key: Sums(**dict(zip(HOUR_NAMES, sums, strict=True))) for key, sums in rows}


@dataclass(frozen=True, slots=True)
class Started:
    """How many sessions started, and how many of these have failed."""

    sessions: int = 0
    failed: int = 0


def sessions(
    where: Where, first: date, last: date, by: Sequence[str] = (), *, using: str = "default"
) -> dict[tuple, Started]:
    """Return how many sessions started on these days; a model is the session's own."""
    span = (day_number(first), day_number(last))
    rows = _ask_cube("day", SESSIONS, by, _equal(where), where.tag, span, using)
    return {key: Started(*counts) for key, counts in rows}


def tools(
    where: Where, first: date, last: date, by: Sequence[str] = ("tool",), *, using: str = "default"
) -> dict[tuple, int]:
    """Return how often tools were called on these days; tags and sources are not told apart."""
    return _counts("rollup_tools", "calls", where, first, last, by, using)


def finish_reasons(
    where: Where, first: date, last: date, by: Sequence[str], *, using: str = "default"
) -> dict[tuple, int]:
    """Return how many messages ended for which reason; tags and sources are not told apart."""
    return _counts("rollup_finishes", "messages", where, first, last, by, using)


def bounds(*, using: str = "default") -> tuple[date, date] | None:
    """Return the first and the last day that have anything, None if no day has."""
    rows = ask(
        "SELECT (SELECT MIN(day) FROM rollup_day_facets WHERE tag = '' AND facet = 'source'),"
        " (SELECT MAX(day) FROM rollup_day_facets WHERE tag = '' AND facet = 'source')",
        [],
        using,
    )
    [(first, last)] = rows
    return None if first is None else (day_of(first), day_of(last))


def by_hour_of_week(
    where: Where, begin: datetime, end: datetime, *, using: str = "default"
) -> list[int]:
    """Return how many messages fell into each of the 168 hours of the week, in the site's zone.

    The first is Monday's first. An hour counts where it begins: in zones that are off by half an
    hour, 10:30 to 11:30 is 10.
    """
    counts = [0] * 168
    first, last = int(begin.timestamp()) // 3600, (int(end.timestamp()) - 1) // 3600
    offsets = rollups.offsets(timezone.get_default_timezone())
    ends = [start for start, _ in offsets[1:]] + [2**40]
    for (start, offset), after in zip(offsets, ends, strict=True):
        span = (max(first, -(-start // 3600)), min(last, -(-after // 3600) - 1))
        if span[0] > span[1]:
            continue
        # 1 January 1970 was a Thursday.
        key = f"((hour * 3600 + {offset}) / 3600 + 72) %% 168"
        for (hour,), [messages, *_] in _ask_cube(
            "hour", HOURS, (key,), _equal(where), where.tag, span, using, computed={key}
        ):
            counts[hour] += messages
    return counts


# -- the SQL ------------------------------------------------------------------------------------

Condition = tuple[str, str, Any]  # column, operator, value


@dataclass(frozen=True, slots=True)
class _Tables:
    """Where the same sums lie: by all keys, and by few (facets, with their columns)."""

    whole: str
    facets: str
    keys: dict[str, dict[str, str]]  # of each facet: key -> column
    names: tuple[str, ...]


def _columns(facets: dict[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    return {
        facet: {
            key: column
            for key, column in zip(keys, ("one", "other"), strict=False)
            if key != rollups.NOTHING_ELSE
        }
        for facet, keys in facets.items()
    }


DAYS = _Tables("rollup_days", "rollup_day_facets", _columns(rollups.DAY_FACETS), NAMES)
SESSIONS = _Tables(
    "rollup_sessions",
    "rollup_session_facets",
    _columns(rollups.SESSION_FACETS),
    ("sessions", "failed"),
)
HOURS = _Tables("rollup_hours", "rollup_hour_facets", _columns(rollups.HOUR_FACETS), HOUR_NAMES)


def _equal(where: Where) -> list[Condition]:
    """Return what project, model and source must be."""
    asked = (
        ("project_id", 0 if where.no_project else where.project_id),
        ("model_id", where.model_id),
        ("source", where.source),
    )
    return [(column, "=", value) for column, value in asked if value is not None]


# Periods of more than a day, as numbers: a week as in the roll-ups, a month of all since year 0.
LONGER = {
    "week": "(day + 3) / 7",
    "month": "strftime('%%Y', day * 86400, 'unixepoch') * 12"
    " + strftime('%%m', day * 86400, 'unixepoch')",
}


def month_number(day: date) -> int:
    """Return the number under which "month" knows the month of a day."""
    return day.year * 12 + day.month


def _ask_cube(
    time: str,
    tables: _Tables,
    by: Sequence[str],
    conditions: Sequence[Condition],
    tag: str | None,
    span: tuple[int, int],
    using: str,
    computed: Collection[str] = LONGER,
) -> list[tuple[tuple, tuple[int, ...]]]:
    """Ask the smallest of the tables that tells all of these keys apart.

    `computed` are expressions among the keys, or names of such.
    """
    needed = {*by, *(column for column, _, _ in conditions)} - {time, "tag", *computed}
    parts, params = _tags(by, tag, using)
    table, columns = tables.whole, {}
    for facet, held in tables.keys.items():
        if needed <= held.keys():
            table, columns = tables.facets, held
            parts.append("facet = %s")
            params.append(facet)
            break
    parts.append(f"{time} BETWEEN %s AND %s")
    params += span
    for column, operator, value in conditions:
        parts.append(f"{columns.get(column, column)} {operator} %s")
        params.append(value)
    keys = [LONGER.get(key) or columns.get(key, key) for key in by]
    return _sums(table, tables.names, keys, " AND ".join(parts), params, using)


def _tags(by: Sequence[str], tag: str | None, using: str) -> tuple[list[str], list[Any]]:
    if tag is not None or "tag" not in by:
        return ["tag = %s"], [tag or ""]
    # A list, so that the days of each tag are a range in the table.
    names = [name for [name] in ask(TAG_NAMES, [MOST_TAGS], using)]
    listed, params = databases.of(connections[using]).with_list("tag IN {listed}", names)
    return [listed], list(params)


# Jumps from one name to the next: a tag of many sessions costs no more than one of few.
TAG_NAMES = """
    WITH RECURSIVE names(name) AS (
        SELECT MIN(name) FROM session_tags WHERE name > ''
        UNION ALL
        SELECT (SELECT MIN(name) FROM session_tags WHERE name > names.name)
        FROM names WHERE names.name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL LIMIT %s
"""


def _counts(
    table: str, count: str, where: Where, first: date, last: date, by: Sequence[str], using: str
) -> dict[tuple, int]:
    project = 0 if where.no_project else where.project_id
    parts = ["project_id <> %s" if project is None and "project_id" in by else "project_id = %s"]
    params = [rollups.ALL_PROJECTS if project is None else project]
    parts.append("day BETWEEN %s AND %s")
    params += [day_number(first), day_number(last)]
    if where.model_id is not None:
        parts.append("model_id = %s")
        params.append(where.model_id)
    rows = _sums(table, (count,), by, " AND ".join(parts), params, using)
    return {key: total for key, [total] in rows if total}


def _sums(
    table: str,
    names: Sequence[str],
    by: Sequence[str],
    condition: str,
    params: list[Any],
    using: str,
) -> list[tuple[tuple, tuple[int, ...]]]:
    columns = ", ".join((*by, *(f"SUM({name})" for name in names)))
    sql = f"SELECT {columns} FROM {table} WHERE {condition}"
    if by:
        sql += f" GROUP BY {', '.join(by)}"
    width = len(by)
    return [
        (row[:width], row[width:])
        for row in ask(sql, params, using)
        if row[width] is not None and any(row[width:])
    ]


def ask(sql: str, params: Iterable[Any], using: str) -> list[tuple]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, list(params))
        return cursor.fetchall()
