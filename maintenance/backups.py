"""Copies of the database: making one, and putting one back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.db import connections
from django.utils import timezone

from conversations.errors import SessionsError

NEEDED = {"sessions", "messages", "django_migrations"}


class UnusableBackup(SessionsError):
    """A file cannot be restored; the message says why. The database was not touched."""


@dataclass(frozen=True)
class Copy:
    """A database file and its size in bytes."""

    path: Path
    size: int


def default_path(using: str = "default") -> Path:
    """Return `<name>_backup_<local time>.db` beside the database."""
    file = Path(connections[using].settings_dict["NAME"])
    return file.with_name(f"{file.stem}_backup_{timezone.localtime():%Y%m%d_%H%M%S}.db")


def backup(output: Path | None = None, *, using: str = "default") -> Copy:
    """Write a consistent copy of the database to `output` and return it.

    Other connections go on reading and writing. The file appears under its name only when it is
    whole and on disk; a file that is there already is replaced.
    """
    output = (output or default_path(using)).expanduser()
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists() and _same_file(output, using):
        raise SessionsError(f"{output} is the database itself; give another name.")
    draft = output.with_name(f".{output.name}.{os.getpid()}.part")
    connection = connections[using]
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(draft)) as copy:
            # In one step: stepwise, the copying starts over whenever another connection writes.
            # Not a copy of the file: one taken while the WAL holds pages is torn.
            connection.connection.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a WAL beside it
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
    return Copy(output, output.stat().st_size)


def restore(file: Path, *, using: str = "default") -> Copy | None:
    """Replace the database by the copy in `file`; return what was there, kept beside it, if any.

    Raises `UnusableBackup`, having changed nothing, if the file is not a sound copy of such a
    database. The change is one transaction: other connections see the old data or the new.
    """
    verify(file)
    path = Path(connections[using].settings_dict["NAME"])
    if _same_file(file, using):
        raise UnusableBackup(f"{file} is the database itself.")
    kept = None
    if path.exists():
        aside = f"{path.name}.before-restore-{timezone.localtime():%Y%m%d_%H%M%S}"
        kept = backup(path.with_name(aside), using=using)
    connection = connections[using]
    connection.ensure_connection()
    with closing(_open_read_only(file)) as source:
        source.backup(connection.connection, pages=-1)
    connection.close()  # what it has cached of the old schema is gone
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
    return kept


def verify(file: Path) -> None:
    """Raise `UnusableBackup` if `file` is not a sound database of this program."""
    if not file.is_file():
        raise UnusableBackup(f"{file}: there is no such file.")
    try:
        with closing(_open_read_only(file)) as database:
            [[result]] = database.execute("PRAGMA quick_check(1)").fetchall()
            tables = {name for [name] in database.execute("SELECT name FROM sqlite_master")}
    except sqlite3.DatabaseError as error:
        raise UnusableBackup(f"{file} cannot be restored: {error}.") from error
    if result != "ok":
        raise UnusableBackup(f"{file} is damaged: {result}.")
    if missing := NEEDED - tables:
        raise UnusableBackup(
            f"{file} is not a backup of this program: it has no table {sorted(missing)[0]}."
        )


def _open_read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def _same_file(file: Path, using: str) -> bool:
    database = Path(connections[using].settings_dict["NAME"])
    return file.exists() and database.exists() and file.samefile(database)
