"""Search through the FTS5 index `messages_fts`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError

from conversations.errors import TooSlow
from conversations.reading import Row

from .query import literal

HITS = """
    SELECT session.session_uuid,
           session.title,
           message.message_uuid,
           message.sequence_number,
           message.role,
           message.timestamp,
           snippet(messages_fts, 2, %s, %s, '...', 32) AS snippet,
           -bm25(messages_fts) AS score
    FROM messages_fts
    JOIN messages AS message ON message.id = messages_fts.rowid
    JOIN sessions AS session ON session.id = message.session_id
    WHERE messages_fts MATCH %s AND session.deleted_at IS NULL
    ORDER BY {order}
    LIMIT %s OFFSET %s
"""
ORDER = {"relevance": "rank", "newest": "messages_fts.rowid DESC"}
# FTS5 reports what it cannot parse as one of these, and nothing else this way.
NOT_A_QUERY = ("fts5:", "no such column", "unterminated string", "unknown special query")


STEPS = 20_000  # of SQLite's machine between two looks at the clock, a millisecond or so

IDS = """
    SELECT rowid FROM messages_fts WHERE messages_fts MATCH %s ORDER BY rowid DESC LIMIT %s
"""


@contextmanager
def at_most(connection, seconds: float | None) -> Iterator[None]:
    """Interrupt what the connection does inside after so many seconds, with `TooSlow`."""
    if seconds is None:
        yield
        return
    connection.ensure_connection()
    end = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    except OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise TooSlow(f"The search took longer than {seconds:g} seconds.") from error
    finally:
        connection.connection.set_progress_handler(None, 0)


def message_ids(connection, typed: str, *, limit: int) -> list[int]:
    """Return the keys of matching messages; see `conversations.search.message_ids`."""
    query = literal(typed)
    if not query:
        return []
    with connection.cursor() as cursor:
        cursor.execute(IDS, [query, limit])
        return [key for (key,) in cursor.fetchall()]


def search(connection, typed: str, *, limit, offset, order, marks) -> list[Row]:
    """Return hits as rows; see `conversations.search.search_messages`."""
    try:
        return _hits(connection, typed, limit, offset, order, marks)
    except OperationalError as error:
        if not any(reason in str(error) for reason in NOT_A_QUERY):
            raise
        return _hits(connection, literal(typed), limit, offset, order, marks)


def _hits(connection, query: str, limit, offset, order, marks) -> list[Row]:
    if not query.strip():
        return []
    with connection.cursor() as cursor:
        cursor.execute(HITS.format(order=ORDER[order]), [*marks, query, limit, offset])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
