"""Questions to the roll-ups: sums by day or hour, and histograms, of what a page is about.

Everything that dashboards, commands and `SessionManager` say of many messages comes from here; the
messages themselves are not read. What the tables hold stands in sql/sqlite/rollups.sql.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connections

from conversations import databases
from conversations.models.sessions import NANO

from . import rollups
from .filters import Where

EPOCH = date(1970, 1, 1)
KEYS = ("day", "model_id", "project_id", "source", "role", "basis_id", "tag")
HOUR_KEYS = ("hour", "model_id", "project_id", "source", "tag")
SESSION_KEYS = ("day", "model_id", "project_id", "source", "tag")
NO_ROLE = "Hours are counted over all roles."
MOST_TAGS = 1_000


@dataclass(frozen=True, slots=True)
class Sums:
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
        return Sums(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = tuple(field.name for field in fields(Sums))
HOUR_NAMES = ("messages", "input_tokens", "output_tokens", "cost_nanos", "unpriced", "errors",
              "latencies", "latency_ms")  # fmt: skip


def _percent(part: int, whole: int) -> float | None:
    return part / whole * 100 if whole else None


def day_number(day: date) -> int:
    """Return the number under which the roll-ups keep a day."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=number)


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

    Keys are those of `KEYS`; a day is its number since 1970. By "tag", a message counts once for
    each tag of its session, and where it has none not at all.
    """
    condition, params = _condition(where, by, "day", day_number(first), day_number(last), using)
    if where.role is not None:
        condition, params = f"{condition} AND role = %s", [*params, where.role]
    for role in not_roles:
        condition, params = f"{condition} AND role <> %s", [*params, role]
    rows = _sums("rollup_days", NAMES, by, condition, params, using)
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
    condition, params = _condition(where, by, "hour", first, last, using)
    rows = _sums("rollup_hours", HOUR_NAMES, by, condition, params, using)
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
    condition, params = _condition(where, by, "day", day_number(first), day_number(last), using)
    rows = _sums("rollup_sessions", ("sessions", "failed"), by, condition, params, using)
    return {key: Started(*sums) for key, sums in rows}


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
    rows = _ask(
        "SELECT (SELECT MIN(day) FROM rollup_days WHERE tag = ''),"
        " (SELECT MAX(day) FROM rollup_days WHERE tag = '')",
        [],
        using,
    )
    [(first, last)] = rows
    return None if first is None else (day_of(first), day_of(last))


# -- histograms ---------------------------------------------------------------------------------

SPAN = 32  # days that a row of rollup_histogram_spans covers


def histogram(
    metric: str,
    where: Where,
    first: date,
    last: date,
    by: Sequence[str] = (),
    *,
    models: Sequence[int] | None = None,
    using: str = "default",
) -> dict[tuple, dict[int, int]]:
    """Return how many values fell into each bucket, by "model_id", "project_id", "day" or "span".

    Metrics: latency_ms of messages; tokens, cost_nanos and seconds (of completed ones) of sessions.
    A bucket is named by its lowest value. Tags, sources and roles are not told apart. A span is the
    number of a day / SPAN: long ranges are read many times as fast by it as by day. `models` are
    those to ask for.
    """
    begin, end = day_number(first), day_number(last)
    is_whole = where.project_id is None and not where.no_project
    is_whole = is_whole and not set(by) - {"model_id", "span"}
    spans = range(-(-begin // SPAN), (end + 1) // SPAN) if is_whole else range(0)
    parts = []
    if spans:
        parts.append(("rollup_histogram_spans", "span", spans[0], spans[-1]))
        parts.append(("rollup_histograms", "day", begin, spans[0] * SPAN - 1))
        parts.append(("rollup_histograms", "day", (spans[-1] + 1) * SPAN, end))
    else:
        parts.append(("rollup_histograms", "day", begin, end))
    found: dict[tuple, dict[int, int]] = {}
    for table, column, low, high in parts:
        if low > high:
            continue
        condition, params = f"metric = %s AND {column} BETWEEN %s AND %s", [metric, low, high]
        if table == "rollup_histograms":
            # By each project, which is how the table lies; so the days are a range in it.
            condition = f"project_id IN ({projects_of(where)}) AND {condition}"
        if where.model_id is not None:
            condition, params = f"{condition} AND model_id = %s", [*params, where.model_id]
        if models is not None:
            listed = ", ".join(str(int(model)) for model in models)
            condition = f"{condition} AND model_id IN ({listed})"
        columns = ", ".join((*by, "low"))
        if column == "day":
            columns = columns.replace("span", f"day / {SPAN}")
        for *key, bucket, count in _ask(
            f"SELECT {columns}, SUM(count) FROM {table} WHERE {condition} GROUP BY {columns}",
            params,
            using,
        ):
            buckets = found.setdefault(tuple(key), {})
            buckets[bucket] = buckets.get(bucket, 0) + count
    return {key: {b: n for b, n in buckets.items() if n} for key, buckets in found.items()}


def projects_of(where: Where) -> str:
    """Return, as SQL, the ids of the projects that are asked for."""
    if where.no_project:
        return "0"
    if where.project_id is not None:
        return str(int(where.project_id))
    return "SELECT 0 UNION ALL SELECT id FROM projects"


def percentile(buckets: dict[int, int], share: float) -> float | None:
    """Return the value below which `share` (0 to 1) of the counted values lie, to one per cent.

    By nearest rank, as `numpy.percentile(..., method="inverted_cdf")`; None of nothing.
    """
    total = sum(buckets.values())
    if not total:
        return None
    wanted, seen = max(share * total, 1e-9), 0
    for low in sorted(buckets):
        seen += buckets[low]
        if seen >= wanted - 1e-9:
            return rollups.middle(low)
    return None


# -- the SQL ------------------------------------------------------------------------------------


def _condition(
    where: Where, by: Sequence[str], time: str, first: int, last: int, using: str
) -> tuple[str, list[Any]]:
    parts, params = [f"{time} BETWEEN %s AND %s"], [first, last]
    if where.tag is None and "tag" in by:
        # A list, so that the days of each tag are a range in the table.
        names = [name for [name] in _ask(TAG_NAMES, [MOST_TAGS], using)]
        listed, values = databases.of(connections[using]).with_list("tag IN {listed}", names)
        parts, params = [listed, *parts], [*values, *params]
    else:
        parts, params = ["tag = %s", *parts], [where.tag or "", *params]
    for column, value in (
        ("project_id", 0 if where.no_project else where.project_id),
        ("model_id", where.model_id),
        ("source", where.source),
    ):
        if value is not None:
            parts.append(f"{column} = %s")
            params.append(value)
    return " AND ".join(parts), params


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
    parts, params = ["day BETWEEN %s AND %s"], [day_number(first), day_number(last)]
    for column, value in (
        ("project_id", 0 if where.no_project else where.project_id),
        ("model_id", where.model_id),
    ):
        if value is not None:
            parts.append(f"{column} = %s")
            params.append(value)
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
        for row in _ask(sql, params, using)
        if row[width] is not None and any(row[width:])
    ]


def _ask(sql: str, params: Iterable[Any], using: str) -> list[tuple]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, list(params))
        return cursor.fetchall()
