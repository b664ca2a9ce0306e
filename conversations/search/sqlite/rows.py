"""Reading texts that may not be UTF-8."""

from __future__ import annotations

from collections.abc import Iterable


def readable_rows(cursor, sql: str, values: Iterable) -> list[tuple]:
    """Return the rows of a question. JSON can say half a character, which is no UTF-8: it reads as
    U+FFFD."""
    connection = cursor.db.connection
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    try:
        cursor.execute(sql, values)
        return cursor.fetchall()
    finally:
        connection.text_factory = str
