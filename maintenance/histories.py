"""What a restore must not take back: what was done to the file, what was erased, who is there."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as SignIn
from django_tasks_db.models import DBTaskResult

from .models import Backup, Erasure, MaintenanceRun

KEYS = {
    MaintenanceRun._meta.db_table: "run_uuid",
    Backup._meta.db_table: "path",
    Erasure._meta.db_table: "receipt_uuid",
}


def carry_over(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Copy runs, backups and receipts of erasure from one database into another.

    Those that both have are as the old one has them, which knows more: a backup may have been
    proven, or be gone. A user is found by name and let go of where there is none.
    """
    users = _users(old, new)
    for table, key in KEYS.items():
        rows = _rows(old, new, table)
        if rows and key not in rows[0]:
            continue  # an older version's, which kept no history
        new.executemany(f"DELETE FROM {table} WHERE {key} = :{key}", rows)
        # A process that is at work knows its run by its id, which others make room for.
        ids = {row["id"] for row in rows}
        moved = [row for row in _rows(new, new, table) if row["id"] in ids]
        new.executemany(f"DELETE FROM {table} WHERE id = :id", moved)
        for row in rows:
            if "user_id" in row:
                row["user_id"] = users.get(row["user_id"])
        _insert(new, table, rows)
        _insert(new, table, [{**row, "id": None} for row in moved])


def take_over(old: sqlite3.Connection | None, new: sqlite3.Connection) -> None:
    """Put who is signed in now, and the tasks that wait now, in the place of those of then.

    Else tasks that were done long ago would run once more, and who signed out be signed in.
    """
    queue, sign_ins = DBTaskResult._meta.db_table, SignIn._meta.db_table
    new.execute(f"DELETE FROM {queue}")
    if old is None:
        return
    _insert(new, queue, _rows(old, new, queue))
    if rows := _rows(old, new, sign_ins):
        new.execute(f"DELETE FROM {sign_ins}")
        _insert(new, sign_ins, rows)


def _rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table, with the columns that both databases have."""
    here = columns_of(new, table)
    columns = [name for name in columns_of(old, table) if name in here]
    if not columns:
        return []
    listed = ", ".join(f'"{name}"' for name in columns)
    found = old.execute(f"SELECT {listed} FROM {table} ORDER BY rowid")
    return [dict(zip(columns, row, strict=True)) for row in found]


def _insert(new: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        listed = ", ".join(f'"{name}"' for name in rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        new.executemany(f"INSERT INTO {table} ({listed}) VALUES ({values})", rows)


def put(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    """Write a row of the history, in place of one with the same key; columns not given stay."""
    key = KEYS[table]
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    news = ", ".join(f"{name} = excluded.{name}" for name in row)
    database.execute(
        f"INSERT INTO {table} ({names}) VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {news}",
        {name: json.dumps(value) if isinstance(value, dict | list) else value
         for name, value in row.items()},
    )  # fmt: skip


def erased(old: sqlite3.Connection | None, new: sqlite3.Connection) -> dict[str, bool]:
    """Return the sessions of `new` that a receipt of `old` names, with whether figures were kept.

    One that `old` has again, imported since, is not among them.
    """
    if old is None or not columns_of(old, Erasure._meta.db_table):
        return {}
    found = {}
    rows = old.execute("SELECT session_uuids, keeps_figures FROM erasures ORDER BY id")
    for uuids, keeps_figures in rows.fetchall():
        for uuid in json.loads(uuids):
            if _has(new, uuid) and not _has(old, uuid):
                found[uuid] = bool(keeps_figures)
    return found


def columns_of(database: sqlite3.Connection, table: str) -> list[str]:
    """Return the names of a table's columns; none if it is not there."""
    return [name for [name] in database.execute("SELECT name FROM pragma_table_info(?)", [table])]


def _has(database: sqlite3.Connection, uuid: str) -> bool:
    return bool(
        database.execute("SELECT 1 FROM sessions WHERE session_uuid = ?", [uuid]).fetchone()
    )


def _users(old: sqlite3.Connection, new: sqlite3.Connection) -> dict[int, int]:
    """Return the ids that the users of `old` have in `new`, by their names."""
    user = get_user_model()
    table, name = user._meta.db_table, user.USERNAME_FIELD
    if not (columns_of(old, table) and columns_of(new, table)):
        return {}
    ids = dict(new.execute(f'SELECT "{name}", id FROM {table}').fetchall())
    return {
        id: ids[named]
        for id, named in old.execute(f'SELECT id, "{name}" FROM {table}')
        if named in ids
    }
