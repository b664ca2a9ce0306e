"""The roll-ups: filling them anew, proving them right, keeping them through changes in bulk.

What they are stands in sql/sqlite/rollups.sql; triggers keep them (rollup_triggers.sql). Here is
what the program does itself: `note` and `apply` for thousands of rows at once (see
conversations/bulk.py), `rebuild`, and `check`, which asks the messages the same questions in
another way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from conversations.bulk import NOTHING, Selection

AT_ONCE = 50_000  # messages that are counted by one statement
FIRST_YEAR, LAST_YEAR = 1970, 2100
GREATEST = 10**16  # a value beyond stands in the last bucket
STEP = 1.02
ALL_PROJECTS = -1

NOTE_MESSAGES = """
    INSERT INTO rollup_message_changes
    SELECT
        {sign}, '', tags, project_id, model_id, source, role, basis_id, seconds, day,
        input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens,
        cache_write_1h_tokens, reasoning_tokens, cost_nanos, unpriced, is_error, latency_ms,
        finish_reason, tools
    FROM rollup_messages WHERE message_id IN ({ids}) AND NOT in_trash
"""
NOTE_SESSIONS = """
    INSERT INTO rollup_session_changes
    SELECT
        {sign}, '', tags, project_id, model_id, source, day, failed, tokens, cost_nanos, seconds
    FROM rollup_whole_sessions WHERE session_id IN ({ids}) AND NOT in_trash
"""

# What each roll-up must hold, asked of messages and sessions themselves.
TAGGED = """
    WITH names AS (
        SELECT id AS session_id, '' AS tag FROM sessions
        UNION ALL SELECT session_id, name FROM session_tags WHERE name <> ''
    )
    SELECT {columns}
    FROM {facts} AS fact JOIN names ON names.session_id = fact.session_id
    WHERE NOT in_trash GROUP BY {count}
"""
PLAIN = "SELECT {columns} FROM {facts} AS fact WHERE NOT in_trash AND {condition} GROUP BY {count}"
BUCKET = "(SELECT MAX(low) FROM rollup_lows WHERE low <= {value})"
SHARED_SUMS = (
    "COUNT(*)",
    "COALESCE(SUM(input_tokens), 0)",
    "COALESCE(SUM(output_tokens), 0)",
)
HOUR_SUMS = (
    "COALESCE(SUM(cost_nanos), 0)",
    "SUM(unpriced)",
    "SUM(is_error)",
    "COUNT(latency_ms)",
    "COALESCE(SUM(latency_ms), 0)",
)
DAY_SUMS = (
    "COALESCE(SUM(cache_read_tokens), 0)",
    "COALESCE(SUM(cache_write_5m_tokens), 0)",
    "COALESCE(SUM(cache_write_1h_tokens), 0)",
    "COALESCE(SUM(reasoning_tokens), 0)",
    *HOUR_SUMS,
    "COALESCE(SUM(CASE WHEN latency_ms > 0 THEN output_tokens END), 0)",
    "COALESCE(SUM(CASE WHEN output_tokens IS NOT NULL THEN latency_ms END), 0)",
)


@dataclass(frozen=True, slots=True)
class Rollup:
    """A roll-up: its table, its key, its sums, and the query for what they must be."""

    table: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    truth: str


def _facets(
    facts: str, facets: dict[str, tuple[str, ...]], time: str, sums: tuple[str, ...]
) -> str:
    truths = (
        _tagged(facts, ("tag", f"'{facet}'", time, *keys), sums) for facet, keys in facets.items()
    )
    return " UNION ALL ".join(f"SELECT * FROM ({truth})" for truth in truths)


def _tagged(facts: str, keys: tuple[str, ...], sums: tuple[str, ...]) -> str:
    columns = ", ".join((*keys, *sums))
    places = ", ".join(str(number) for number in range(1, len(keys) + 1))
    return TAGGED.format(columns=columns, facts=facts, count=places)


def _plain(facts: str, keys: tuple[str, ...], condition: str = "1") -> str:
    columns = ", ".join((*keys, "COUNT(*)"))
    places = ", ".join(str(number) for number in range(1, len(keys) + 1))
    return PLAIN.format(columns=columns, facts=facts, condition=condition, count=places)


def _with_all_projects(facts: str, keys: tuple[str, ...], condition: str = "1") -> str:
    return " UNION ALL ".join(
        _plain(facts, (project, *keys), condition) for project in ("project_id", str(ALL_PROJECTS))
    )


def _histogram(keys: tuple[str, ...]) -> str:
    sources = (
        ("'latency_ms'", "rollup_messages", "latency_ms", "latency_ms IS NOT NULL"),
        ("'tokens'", "rollup_whole_sessions", "tokens", "tokens > 0"),
        ("'cost_nanos'", "rollup_whole_sessions", "cost_nanos", "cost_nanos > 0"),
        ("'seconds'", "rollup_whole_sessions", "seconds", "seconds >= 0"),
    )
    return " UNION ALL ".join(
        _plain(facts, (metric, *keys, BUCKET.format(value=value)), condition)
        for metric, facts, value, condition in sources
    )


NOTHING_ELSE = "0"
# What each facet is by, beside day or hour. The first that has the keys of a question answers it.
DAY_FACETS = {
    "source": ("source", NOTHING_ELSE),
    "project_id": ("project_id", NOTHING_ELSE),
    "model_id, role": ("model_id", "role"),
    "model_id, basis_id": ("model_id", "basis_id"),
    "project_id, model_id": ("project_id", "model_id"),
}
HOUR_FACETS = {"": (NOTHING_ELSE,), "model_id": ("model_id",), "project_id": ("project_id",)}
SESSION_FACETS = {key: (key,) for key in ("source", "model_id", "project_id")}
DAY_NAMES = (
    *("messages", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("cache_write_5m_tokens", "cache_write_1h_tokens", "reasoning_tokens", "cost_nanos"),
    *("unpriced", "errors", "latencies", "latency_ms", "timed_tokens", "timed_ms"),
)
HOUR_NAMES = (
    *("messages", "input_tokens", "output_tokens", "cost_nanos", "unpriced", "errors"),
    *("latencies", "latency_ms"),
)
TOOLS = "(SELECT fact.*, tool.value AS tool FROM rollup_messages AS fact, json_each(tools) AS tool)"
ROLLUPS = (
    Rollup(
        "rollup_days",
        ("tag", "day", "model_id", "project_id", "source", "role", "basis_id"),
        DAY_NAMES,
        _tagged(
            "rollup_messages",
            ("tag", "day", "model_id", "project_id", "source", "role", "basis_id"),
            SHARED_SUMS + DAY_SUMS,
        ),
    ),
    Rollup(
        "rollup_day_facets",
        ("tag", "facet", "day", "one", "other"),
        DAY_NAMES,
        _facets("rollup_messages", DAY_FACETS, "day", SHARED_SUMS + DAY_SUMS),
    ),
    Rollup(
        "rollup_hours",
        ("tag", "hour", "model_id", "project_id", "source"),
        HOUR_NAMES,
        _tagged(
            "rollup_messages",
            ("tag", "seconds / 3600", "model_id", "project_id", "source"),
            SHARED_SUMS + HOUR_SUMS,
        ),
    ),
    Rollup(
        "rollup_hour_facets",
        ("tag", "facet", "hour", "one"),
        HOUR_NAMES,
        _facets("rollup_messages", HOUR_FACETS, "seconds / 3600", SHARED_SUMS + HOUR_SUMS),
    ),
    Rollup(
        "rollup_sessions",
        ("tag", "day", "model_id", "project_id", "source"),
        ("sessions", "failed"),
        _tagged(
            "rollup_whole_sessions",
            ("tag", "day", "model_id", "project_id", "source"),
            ("COUNT(*)", "SUM(failed)"),
        ),
    ),
    Rollup(
        "rollup_session_facets",
        ("tag", "facet", "day", "one"),
        ("sessions", "failed"),
        _facets("rollup_whole_sessions", SESSION_FACETS, "day", ("COUNT(*)", "SUM(failed)")),
    ),
    Rollup(
        "rollup_histograms",
        ("metric", "day", "model_id", "low"),
        ("count",),
        _histogram(("day", "model_id")),
    ),
    Rollup(
        "rollup_histogram_weeks",
        ("metric", "week", "model_id", "low"),
        ("count",),
        _histogram(("(day + 3) / 7", "model_id")),
    ),
    Rollup(
        "rollup_project_histograms",
        ("metric", "project_id", "day", "model_id", "low"),
        ("count",),
        _histogram(("project_id", "day", "model_id")),
    ),
    Rollup(
        "rollup_tools",
        ("project_id", "day", "model_id", "tool"),
        ("calls",),
        _with_all_projects(TOOLS, ("day", "model_id", "tool")),
    ),
    Rollup(
        "rollup_finishes",
        ("project_id", "day", "model_id", "finish_reason"),
        ("messages",),
        _with_all_projects(
            "rollup_messages", ("day", "model_id", "finish_reason"), "finish_reason <> ''"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of a roll-up that is not what the messages say; None where there is none."""

    table: str
    key: dict[str, object]
    kept: tuple[int, ...] | None
    counted: tuple[int, ...] | None


def note(cursor, sign: int, messages: Selection, sessions: Selection) -> None:
    """Note these messages and sessions to be added to the roll-ups, or taken off with sign -1."""
    for selection, sql in ((messages, NOTE_MESSAGES), (sessions, NOTE_SESSIONS)):
        if selection is not NOTHING:
            cursor.execute(sql.format(sign=int(sign), ids=selection.sql), selection.params)


def apply(cursor) -> None:
    """Bring the roll-ups up to date with what was noted: what is taken off and added is nothing."""
    for what in ("messages", "sessions"):
        cursor.execute(f"INSERT INTO rollup_apply_{what} VALUES (1)")


def rebuild(cursor, progress: Callable[[int], None] = lambda done: None) -> None:
    """Make all roll-ups anew, in the caller's transaction; `progress` is told messages so far."""
    for rollup in ROLLUPS:
        cursor.execute(f"DELETE FROM {rollup.table}")
    _describe_zone(cursor)
    cursor.execute("DELETE FROM rollup_lows")
    cursor.executemany("INSERT INTO rollup_lows VALUES (%s)", [(low,) for low in LOWS])
    for table in ("messages", "sessions"):
        cursor.execute(f"SELECT COALESCE(MIN(id), 0), COALESCE(MAX(id), -1) FROM {table}")
        first, last = cursor.fetchone()
        for start in range(first, last + 1, AT_ONCE):
            some = Selection(
                f"SELECT id FROM {table} WHERE id BETWEEN %s AND %s", (start, start + AT_ONCE - 1)
            )
            is_messages = table == "messages"
            note(cursor, 1, some if is_messages else NOTHING, NOTHING if is_messages else some)
            apply(cursor)
            if is_messages:
                progress(min(start + AT_ONCE, last + 1) - first)


def drop_empty(cursor) -> None:
    """Delete rows that add up to nothing: names of tags and tools would outlive these in them."""
    for rollup in ROLLUPS:
        nothing = " AND ".join(f"{name} = 0" for name in rollup.sums)
        cursor.execute(f"DELETE FROM {rollup.table} WHERE {nothing}")


def check(cursor, limit: int = 20) -> Iterator[Difference]:
    """Yield where roll-ups differ from the messages, at most `limit` rows of each table.

    Nothing is written. It takes a few passes over all messages.
    """
    for rollup in ROLLUPS:
        width = len(rollup.keys)
        any_sum = " OR ".join(f"{name} <> 0" for name in rollup.sums)
        kept = f"SELECT {', '.join(rollup.keys + rollup.sums)} FROM {rollup.table} WHERE {any_sum}"
        found: dict[tuple, list[tuple | None]] = {}
        # What is the same on both sides is there twice. So each side is counted once, not in
        # both directions as by EXCEPT.
        places = ", ".join(str(number + 1) for number in range(width + len(rollup.sums)))
        cursor.execute(f"""
            SELECT *, COUNT(*) FROM (
                SELECT *, 0 FROM ({kept}) UNION ALL SELECT *, 1 FROM ({rollup.truth})
            ) GROUP BY {places} HAVING COUNT(*) = 1 LIMIT {2 * limit}
        """)
        for *row, place, _ in cursor.fetchall():
            found.setdefault(tuple(row[:width]), [None, None])[place] = tuple(row[width:])
        for key, (here, there) in list(found.items())[:limit]:
            yield Difference(rollup.table, dict(zip(rollup.keys, key, strict=True)), here, there)


def sizes(cursor) -> dict[str, int]:
    """Return how many rows each roll-up has, by the name of its table."""
    found = {}
    for rollup in ROLLUPS:
        cursor.execute(f"SELECT COUNT(*) FROM {rollup.table}")
        [found[rollup.table]] = cursor.fetchone()
    return found


def zone_in_settings() -> str:
    """Return the name of the time zone whose days are counted."""
    return settings.TIME_ZONE


def zone_of(cursor) -> str | None:
    """Return the name of the time zone for which the roll-ups were made."""
    cursor.execute("SELECT name FROM rollup_zone LIMIT 1")
    row = cursor.fetchone()
    return row and row[0]


def _describe_zone(cursor) -> None:
    name = zone_in_settings()
    cursor.execute("DELETE FROM rollup_zone")
    cursor.executemany(
        "INSERT INTO rollup_zone (starts_at, seconds, name) VALUES (%s, %s, %s)",
        [(starts_at, seconds, name) for starts_at, seconds in offsets(ZoneInfo(name))],
    )


@lru_cache(maxsize=4)
def offsets(zone: ZoneInfo) -> tuple[tuple[int, int], ...]:
    """Return since when (seconds since 1970) a zone is how many seconds east of UTC."""
    return tuple(_offsets(zone))


def _offsets(zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    def seconds_at(moment: datetime) -> int:
        return int(moment.astimezone(zone).utcoffset().total_seconds())

    before = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    offset = seconds_at(before)
    yield -(2**40), offset  # ever since
    while before.year < LAST_YEAR:
        after = before + timedelta(days=1)
        if (changed := seconds_at(after)) != offset:
            minutes = range(24 * 60 + 1)
            start = before
            at = bisect_right(
                minutes,
                False,
                key=lambda minute: seconds_at(start + timedelta(minutes=minute)) != offset,
            )
            yield int((before + timedelta(minutes=at)).timestamp()), changed
            offset = changed
        before = after


def _lows() -> Iterator[int]:
    low = 0
    while low <= GREATEST:
        yield low
        low = max(low + 1, int(low * STEP))


LOWS = tuple(_lows())


def middle(low: int) -> float:
    """Return the value that stands for a bucket: within one per cent of all that are in it."""
    place = bisect_right(LOWS, low)
    end = LOWS[place] if place < len(LOWS) else low + 1
    return (low + end - 1) / 2
