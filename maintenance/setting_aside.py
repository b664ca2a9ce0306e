"""Rows and values that cannot stay where they are: moved into a table, each with its reason.

The table `set_aside` is made when something is first put there. A value is kept as JSON: bytes as
`{"base64": ...}`, and of text that is not UTF-8 each wrong byte as the half character that Python
calls `surrogateescape`, so that nothing of it is lost.
"""

from __future__ import annotations

import base64
import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TABLE = "set_aside"
CREATE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        id INTEGER PRIMARY KEY,
        table_name TEXT NOT NULL,
        row_id INTEGER,
        column_name TEXT, -- NULL: the whole row, as an object
        session_id INTEGER, -- the session that it belongs or belonged to
        reason TEXT NOT NULL,
        value TEXT NOT NULL,
        set_aside_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
    )
"""
INSERT = f"""
    INSERT INTO {TABLE} (table_name, row_id, column_name, session_id, reason, value)
    VALUES (?, ?, ?, ?, ?, ?)
"""
# Annotations name what they are about without a foreign key.
STRAY_ANNOTATIONS = """
    SELECT id, entity_type, entity_id FROM annotations
    WHERE CASE entity_type
        WHEN 'session' THEN entity_id NOT IN (SELECT id FROM sessions)
        WHEN 'message' THEN entity_id NOT IN (SELECT id FROM messages)
        WHEN 'comparison' THEN entity_id NOT IN (SELECT id FROM comparison_groups)
    END
"""


@dataclass
class Aside:
    """Puts rows and values aside and counts them, by (table, column or None, reason)."""

    database: sqlite3.Connection

    def __post_init__(self) -> None:
        self.counts: Counter[tuple[str, str | None, str]] = Counter()
        self.database.execute(CREATE)

    def keep(
        self, table: str, row_id: Any, column: str | None, reason: str, value: Any,
        session_id: Any = None,
    ) -> None:  # fmt: skip
        """Keep a value, or with `column` None a whole row as a dictionary."""
        self.counts[table, column, reason] += 1
        if column is None and session_id is None:
            session_id = row_id if table == "sessions" else value.get("session_id")
        numbers = (item if isinstance(item, int) else None for item in (row_id, session_id))
        row_id, session_id = numbers
        self.database.execute(INSERT, [table, row_id, column, session_id, reason, as_json(value)])

    def rows(self, table: str | None = None) -> int:
        """Return how many whole rows were put aside, of one table or all."""
        return sum(
            count
            for (name, column, _), count in self.counts.items()
            if column is None and table in (None, name)
        )

    def report(self) -> list[dict[str, Any]]:
        """Return what was put aside, as counts that JSON can hold."""
        return [
            {"table": table, "column": column, "reason": reason, "count": count}
            for (table, column, reason), count in sorted(
                self.counts.items(), key=lambda item: (item[0][0], item[0][1] or "", item[0][2])
            )
        ]


def clear_references(aside: Aside, leave: Iterable[str] = ()) -> None:
    """Put aside whatever refers to a row that is not there, until nothing does.

    Tables in `leave` are left as they are.

    Where the schema lets go of a reference (SET NULL), only the reference is put aside; otherwise
    the row, and what then refers to it. Foreign keys and triggers must be switched off: they would
    delete without a word what hangs on a row.
    """
    database = aside.database
    while broken := [
        row
        for row in database.execute("PRAGMA main.foreign_key_check").fetchall()
        if row[0] not in leave
    ]:
        seen: set[tuple[str, int]] = set()
        for table, rowid, parent, number in broken:
            _, _, _, column, _, _, on_delete, _ = next(
                key for key in database.execute(f"PRAGMA foreign_key_list({_quoted(table)})")
                if key[0] == number
            )  # fmt: skip
            if on_delete == "SET NULL":
                _let_go(aside, table, rowid, column, parent)
            elif (table, rowid) not in seen:
                seen.add((table, rowid))
                _move(aside, table, rowid, f"{column} names a row of {parent} that is not there")
    strays = database.execute(STRAY_ANNOTATIONS).fetchall()
    for rowid, entity, _ in strays:
        _move(aside, "annotations", rowid, f"it is about a {entity} that is not there")


def forget(cursor, session_ids: Iterable[int]) -> int:
    """Delete what was put aside of these sessions, for their erasure; return how many entries."""
    cursor.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = %s", [TABLE])
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(
        f"DELETE FROM {TABLE} WHERE session_id IN (SELECT value FROM json_each(%s))",
        [json.dumps(list(session_ids))],
    )
    return cursor.rowcount


def as_json(value: Any) -> str:
    """Return any value or row of SQLite as JSON that holds all of it."""
    return json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _let_go(aside: Aside, table: str, rowid: int, column: str, parent: str) -> None:
    name, key = _quoted(table), _quoted(column)
    [was, *_] = aside.database.execute(
        f"SELECT +{key} FROM {name} WHERE rowid = ?", [rowid]
    ).fetchone()
    if was is None:
        return  # two keys on one column
    reason = f"it names a row of {parent} that is not there"
    aside.keep(table, rowid, column, reason, was, rowid if table == "sessions" else None)
    aside.database.execute(f"UPDATE {name} SET {key} = NULL WHERE rowid = ?", [rowid])


def _move(aside: Aside, table: str, rowid: int, reason: str) -> None:
    columns = [row[1] for row in aside.database.execute(f"PRAGMA table_info({_quoted(table)})")]
    # As expressions: a column would be turned into what Django says its type is.
    taken = ", ".join(f"+{_quoted(column)}" for column in columns)
    before = aside.database.text_factory
    aside.database.text_factory = lossless
    try:
        row = aside.database.execute(
            f"SELECT {taken} FROM {_quoted(table)} WHERE rowid = ?", [rowid]
        ).fetchone()
    finally:
        aside.database.text_factory = before
    aside.keep(table, rowid, None, reason, dict(zip(columns, row, strict=True)))
    aside.database.execute(f"DELETE FROM {_quoted(table)} WHERE rowid = ?", [rowid])


def lossless(text: bytes) -> str:
    """Return text as SQLite holds it, each byte that is not UTF-8 as half a character."""
    return text.decode("utf-8", "surrogateescape")


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
