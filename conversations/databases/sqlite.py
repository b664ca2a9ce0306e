"""What only SQLite needs: its catalogue, its bulk load, its words for trouble."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conversations.search.sqlite import indexing

# While large transactions follow each other: pages of the WAL, and KiB of pages held in memory.
STEPS = {"wal_autocheckpoint": 30_000, "cache_size": -64_000}
DROP = {"trigger": "DROP TRIGGER IF EXISTS", "view": "DROP VIEW IF EXISTS"}

# Each is exact and may run at any time; together they cost a pass over all messages.
COUNTED = """
    SELECT session.id,
           COUNT(message.id) AS messages,
           COALESCE(SUM(message.input_tokens), 0) AS input_tokens,
           COALESCE(SUM(message.output_tokens), 0) AS output_tokens,
           COALESCE(SUM(message.cost_nanos), 0) AS cost_nanos,
           COALESCE(SUM(message.cost IS NULL AND (
               COALESCE(message.input_tokens, 0) > 0 OR COALESCE(message.output_tokens, 0) > 0
               OR COALESCE(message.cost_basis_id, 0) = 3
           )), 0) AS unpriced
    FROM sessions AS session
    LEFT JOIN messages AS message ON message.session_id = session.id
    GROUP BY session.id
"""
RECOUNT_TOTALS = f"""
    UPDATE sessions
    SET total_messages = counted.messages,
        total_input_tokens = counted.input_tokens,
        total_output_tokens = counted.output_tokens,
        total_cost_nanos = counted.cost_nanos,
        total_cost = counted.cost_nanos / 1e9,
        total_unpriced = counted.unpriced
    FROM ({COUNTED}) AS counted
    WHERE counted.id = sessions.id
"""
WRONG_TOTALS = f"""
    SELECT session.session_uuid, session.total_messages, counted.messages
    FROM sessions AS session JOIN ({COUNTED}) AS counted ON counted.id = session.id
    WHERE (
        session.total_messages, session.total_input_tokens, session.total_output_tokens,
        session.total_cost_nanos, session.total_unpriced, session.total_cost
    ) IS NOT (
        counted.messages, counted.input_tokens, counted.output_tokens,
        counted.cost_nanos, counted.unpriced, counted.cost_nanos / 1e9
    )
"""
# Of jobs that have items: a script may count what it never stores as items.
COUNTED_ITEMS = """
    SELECT batch_job_id AS id,
           SUM(status = 'completed') AS completed,
           SUM(status = 'failed') AS failed
    FROM batch_items GROUP BY batch_job_id
"""
RECOUNT_ITEMS = f"""
    UPDATE batch_jobs
    SET completed_items = counted.completed, failed_items = counted.failed
    FROM ({COUNTED_ITEMS}) AS counted
    WHERE counted.id = batch_jobs.id
        AND (completed_items, failed_items) IS NOT (counted.completed, counted.failed)
"""
WRONG_ITEMS = f"""
    SELECT COUNT(*)
    FROM batch_jobs AS job JOIN ({COUNTED_ITEMS}) AS counted ON counted.id = job.id
    WHERE (completed_items, failed_items) IS NOT (counted.completed, counted.failed)
"""
REFILL_TAGS = """
    INSERT OR IGNORE INTO session_tags (session_id, name)
    SELECT session.id, tag.value
    FROM sessions AS session,
        json_each(CASE json_type(session.tags) WHEN 'array' THEN session.tags ELSE '[]' END) AS tag
    WHERE session.tags <> '[]' AND tag.type = 'text'
        AND tag.value NOT GLOB '*' || char(65533) || '*'
"""
SAID_TAGS = REFILL_TAGS.replace("INSERT OR IGNORE INTO session_tags (session_id, name)", "")
WRONG_TAGS = f"""
    SELECT COUNT(*) FROM (
        SELECT * FROM (SELECT * FROM ({SAID_TAGS})
            EXCEPT SELECT session_id, name FROM session_tags)
        UNION ALL
        SELECT * FROM (SELECT session_id, name FROM session_tags EXCEPT {SAID_TAGS})
    )
"""

ADD_TOTALS = """
    UPDATE sessions
    SET total_messages = total_messages + added.messages,
        total_input_tokens = total_input_tokens + added.input_tokens,
        total_output_tokens = total_output_tokens + added.output_tokens,
        total_cost_nanos = total_cost_nanos + added.cost_nanos,
        total_cost = (total_cost_nanos + added.cost_nanos) / 1e9,
        total_unpriced = total_unpriced + added.unpriced
    FROM (
        SELECT session_id,
               {sign} * COUNT(*) AS messages,
               {sign} * COALESCE(SUM(input_tokens), 0) AS input_tokens,
               {sign} * COALESCE(SUM(output_tokens), 0) AS output_tokens,
               {sign} * COALESCE(SUM(cost_nanos), 0) AS cost_nanos,
               {sign} * COALESCE(SUM(cost IS NULL AND (
                   COALESCE(input_tokens, 0) > 0 OR COALESCE(output_tokens, 0) > 0
                   OR COALESCE(cost_basis_id, 0) = 3
               )), 0) AS unpriced
        FROM messages
        WHERE id IN ({ids})
        GROUP BY session_id
    ) AS added
    WHERE added.session_id = sessions.id
"""


def split(sql: str) -> Iterator[str]:
    """Yield the statements of a script, without their closing semicolon.

    A trigger's body holds semicolons of its own, so the splitting is left to SQLite.
    """
    statement = ""
    for line in sql.splitlines(keepends=True):
        if statement or (line.strip() and not line.startswith("--")):
            statement += line
        if statement and sqlite3.complete_statement(statement):
            yield statement.strip().rstrip(";")
            statement = ""
    if statement.strip():
        raise ValueError(f"unfinished statement: {statement[:100]!r}")


def installed(cursor) -> dict[str, str]:
    """Return the definitions of all tables, views and triggers in the file, by name."""
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return dict(cursor.fetchall())


def drop(cursor, kind: str, name: str) -> None:
    """Drop a trigger, view or table if it is there."""
    cursor.execute(f"{DROP.get(kind, 'DROP TABLE IF EXISTS')} {name}")


def rebuild(cursor) -> None:
    """Bring session totals, tags and the search index in line with sessions and messages."""
    cursor.execute(RECOUNT_TOTALS)
    cursor.execute("DELETE FROM session_tags")
    cursor.execute(REFILL_TAGS)
    indexing.rebuild(cursor)


def recount(cursor) -> None:
    """Bring session totals, tags and the counters of batch jobs in line with what they count."""
    cursor.execute(RECOUNT_TOTALS)
    cursor.execute("DELETE FROM session_tags")
    cursor.execute(REFILL_TAGS)
    cursor.execute(RECOUNT_ITEMS)


def differences(cursor) -> list[str]:
    """Return which totals, tags and counters differ from what they count, in words."""
    found = []
    cursor.execute(WRONG_TOTALS)
    if wrong := cursor.fetchall():
        session, kept, counted = wrong[0]
        found.append(
            f"the totals of {len(wrong)} sessions differ from their messages, the first that of"
            f" {session}: {kept} messages are noted, there are {counted}"
        )
    for sql, what in (
        (WRONG_TAGS, "rows of session_tags differ from the tags of sessions"),
        (WRONG_ITEMS, "batch jobs differ from their items in what is completed or failed"),
    ):
        cursor.execute(sql)
        [count] = cursor.fetchone()
        if count:
            found.append(f"{count} {what}")
    return found


def state(connection) -> tuple[int, int] | None:
    """Return what changes with every change in the database that this connection can see.

    That is what others have committed, and what it has written itself. None while it is in a
    transaction, which may be rolled back to what was before.
    """
    return None if connection.in_atomic_block else version(connection)


def version(connection) -> tuple[int, int]:
    """Return the same within a transaction: what is equal to one before it began is unchanged."""
    return written_by_others(connection), connection.connection.total_changes


def written_by_others(connection) -> int:
    """Return a number that changes with what other connections commit."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return cursor.fetchone()[0]


def reserve_ids(cursor, table: str, count: int) -> range:
    """Return `count` ids that no row of `table` has had; the write lock must be held."""
    cursor.execute(
        f"SELECT MAX(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0),"
        f" COALESCE((SELECT MAX(id) FROM {table}), 0))"
    )
    first = cursor.fetchone()[0] + 1
    return range(first, first + count)


@contextmanager
def bulk_load(cursor) -> Iterator[None]:
    """Switch the triggers of single rows off, inside the caller's transaction (see bulk.py).

    No other connection ever sees them off, and a crash rolls the switch back with the rows. The
    caller brings what they keep up to date.
    """
    cursor.execute("INSERT INTO bulk_load (id) VALUES (1)")
    yield
    cursor.execute("DELETE FROM bulk_load")


@contextmanager
def in_large_steps(connection) -> Iterator[None]:
    """Let the WAL grow to 120 MB while one large transaction after the other is written.

    They change the same pages of roll-ups and indexes again and again. These are held in memory,
    64 MB of them, and copied into the file once for several transactions: a tenth less time.
    """
    with connection.cursor() as cursor:
        usual = {}
        for name, value in STEPS.items():
            cursor.execute(f"PRAGMA {name}")
            [usual[name]] = cursor.fetchone()
            cursor.execute(f"PRAGMA {name} = {value}")
    try:
        yield
    finally:
        if connection.connection is not None:  # past Django, which allows nothing after an error
            for name, value in usual.items():
                connection.connection.execute(f"PRAGMA {name} = {value}")


def index(cursor, sessions: range, messages: range) -> None:
    """Bring the search indexes up to date with inserted sessions and messages.

    A few statements for thousands of rows cost less than half of what triggers for each row cost.
    """
    for table, ids in (("sessions", sessions), ("messages", messages)):
        if ids:
            indexing.index(cursor, table, ids[0], ids[-1])


def add_totals(cursor, messages, sign: int) -> None:
    """Add the messages of a `bulk.Selection` to the totals of their sessions, or take them off."""
    cursor.execute(ADD_TOTALS.format(sign=int(sign), ids=messages.sql), messages.params)


def time_text(time: datetime) -> str:
    """Return an aware time as Django writes it into a column; ten times as quick for UTC."""
    text = str(time)
    if text.endswith("+00:00"):
        return text[:-6]
    return str(time.astimezone(UTC).replace(tzinfo=None))


def with_list(sql: str, values: Iterable[Any]) -> tuple[str, list[str]]:
    """Return `sql`, whose `{listed}` stands behind an IN, and its parameters.

    One JSON parameter: SQLite limits how many parameters a statement may have.
    """
    return sql.format(listed="(SELECT value FROM json_each(%s))"), [json.dumps(list(values))]


def explain(error: Exception, path: str) -> str | None:
    """Return in plain words what a database error means for the file at `path`, or None."""
    text = str(error)
    folder = Path(path).parent
    if "locked" in text or "busy" in text:
        return f"{path} is locked: another program is writing to it. Try again in a moment."
    if "readonly" in text or "read-only" in text:
        return f"{path} cannot be written: the file or its folder is read-only."
    if "unable to open" in text:
        if not folder.is_dir():
            return f"{path} cannot be opened: there is no folder {folder}."
        return f"{path} cannot be opened: check that you may read and write it and {folder}."
    if "not a database" in text or "file is encrypted" in text:
        return f"{path} is not a SQLite database."
    if "decode to UTF-8" in text:
        return f"{path} holds text of another program that is not UTF-8: {text[:200]}"
    if "disk image is malformed" in text:
        return f"{path} is damaged: {text}. Restore a backup: manage.py restore FILE."
    if "disk is full" in text:
        return f"The disk that holds {path} is full. Nothing of this change was stored."
    if missing := re.search(r"no such (?:table|column): (\S+)", text):
        return (
            f"{path} has no {missing[1]}: it is not a database of this program, or an older one."
            " Run: python session_db_setup.py migrate"
        )
    return None
