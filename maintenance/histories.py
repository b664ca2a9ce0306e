"""What a restore must not take back: what was done to the file since, and what was erased."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from django.contrib.auth import get_user_model

from .models import Backup, Erasure, MaintenanceRun

KEYS = {
    MaintenanceRun._meta.db_table: "run_uuid",
    Backup._meta.db_table: "path",
    Erasure._meta.db_table: "receipt_uuid",
}


def carry_over(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Copy runs, backups and receipts of erasure from one database into another; return how many.

    Those that both have are as the old one has them, which knows more: a backup may have been
    proven, or be gone. A user is found by name and let go of where there is none.
    """
    users = _users(old, new)
    count = 0
    for table, key in KEYS.items():
        columns = [name for name in columns_of(new, table) if name in columns_of(old, table)]
        if key not in columns:
            continue  # an older version's, which kept no history
        columns.remove("id")  # may be another row's there
        listed = ", ".join(f'"{name}"' for name in columns)
        rows = [
            dict(zip(columns, row, strict=True))
            for row in old.execute(f"SELECT {listed} FROM {table} ORDER BY id")
        ]
        for row in rows:
            if "user_id" in row:
                row["user_id"] = users.get(row["user_id"])
        new.executemany(f"DELETE FROM {table} WHERE {key} = :{key}", rows)
        values = ", ".join(f":{name}" for name in columns)
        new.executemany(f"INSERT INTO {table} ({listed}) VALUES ({values})", rows)
        count += len(rows)
    return count


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
