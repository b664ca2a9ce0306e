"""What else is in the old database: tables that people added are kept as they are."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from conversations import schema
from maintenance.repairing import kept_apps

from .copying import TABLES

# Of which virtual tables consist: FTS5, FTS4, R*Tree.
INNER = (
    *("data", "idx", "content", "docsize", "config"),
    *("segments", "segdir", "stat"),
    *("node", "parent", "rowid"),
)
INDEX = "messages_fts"  # the original system's own, made anew
EVERYTHING = """
    SELECT type, name, tbl_name, sql FROM sqlite_master
    WHERE name NOT GLOB 'sqlite_*'
    ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, name
"""


@dataclass
class Kept:
    """A table that was copied as it is: its name now, and its rows."""

    name: str
    rows: int


@dataclass
class LeftOut:
    """A definition that did not come along, as SQL, and why."""

    kind: str
    name: str
    reason: str
    sql: str


def copy(
    source: sqlite3.Connection, connection: BaseDatabaseWrapper
) -> tuple[dict[str, Kept], list[LeftOut]]:
    """Copy tables, their indexes, views and triggers that are not the original system's own.

    The old database is attached to `connection` as `original`. A table whose name is taken here
    is called `original_<name>`.
    """
    database = connection.connection
    kept: dict[str, Kept] = {}
    left_out: list[LeftOut] = []
    everything = source.execute(EVERYTHING).fetchall()
    virtual = [
        name for kind, name, _, sql in everything
        if kind == "table" and sql.upper().startswith("CREATE VIRTUAL")
    ]  # fmt: skip
    inner = {f"{name}_{part}" for name in virtual for part in INNER}
    ours = {
        definition.name for app in kept_apps() for definition in schema.definitions(app, connection)
    }
    for kind, name, table, sql in everything:
        if (kind == "table" and name in TABLES) or sql is None or table in inner:
            continue
        if name in virtual:
            if name != INDEX:
                reason = "virtual tables do not come along; the copy of the old database has it"
                left_out.append(LeftOut(kind, name, reason, sql))
        elif kind == "table":
            if copied := _copy_table(name, sql, database):
                kept[name] = copied
            else:
                left_out.append(LeftOut(kind, name, "it is empty, and its name is taken", sql))
        elif name in ours:
            left_out.append(LeftOut(kind, name, f"there is a {kind} of this name here", sql))
        elif kind == "index" and kept.get(table, Kept("", 0)).name != table:
            reason = "the tables here have indexes of their own"
            left_out.append(LeftOut(kind, name, reason, sql))
        elif kind == "trigger" and table not in kept:
            reason = "the tables here have triggers of their own"
            left_out.append(LeftOut(kind, name, reason, sql))
        else:
            _create(kind, name, sql, database, left_out)
    return kept, left_out


def _copy_table(name: str, sql: str, database: sqlite3.Connection) -> Kept | None:
    taken = database.execute(
        "SELECT 1 FROM main.sqlite_master WHERE name = ? COLLATE NOCASE", [name]
    ).fetchone()
    new = f"original_{name}" if taken else name
    columns = ", ".join(
        _quoted(row[1])
        for row in database.execute(f"PRAGMA original.table_xinfo({_quoted(name)})")
        if row[6] == 0  # not computed from others
    )
    old = f"original.{_quoted(name)}"
    if taken and not database.execute(f"SELECT EXISTS (SELECT 1 FROM {old})").fetchone()[0]:
        return None
    if taken:
        database.execute(f"CREATE TABLE main.{_quoted(new)} ({columns})")
    else:
        database.execute(sql)
    rows = database.execute(
        f"INSERT INTO main.{_quoted(new)} ({columns}) SELECT {columns} FROM {old} NOT INDEXED"
    ).rowcount
    return Kept(new, rows)


def _create(
    kind: str, name: str, sql: str, database: sqlite3.Connection, left_out: list[LeftOut]
) -> None:
    try:
        database.execute(sql)
        if kind == "view":
            database.execute(f"SELECT * FROM main.{_quoted(name)} LIMIT 0")
    except sqlite3.DatabaseError as error:
        database.execute(f"DROP {kind.upper()} IF EXISTS main.{_quoted(name)}")
        left_out.append(LeftOut(kind, name, f"it does not work here: {error}", sql))


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
