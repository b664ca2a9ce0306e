"""Putting another content into the database, or another file in its place, all at once."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from enum import Enum
from pathlib import Path

from django.db import connections

from conversations.errors import DatabaseTrouble, SessionsError

try:
    import fcntl
except ImportError:  # Windows, which lets no file be renamed that is open
    fcntl = None  # type: ignore[assignment]

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
STEP_PAGES = 4_000  # copied at once: what nobody can interrupt
CHECKPOINT_MILLISECONDS = 1_000  # that readers are waited for; later ones do it otherwise
SIDES = ("-wal", "-shm", "-journal")
# Where SQLite locks a file that is open, see "File Locking And Concurrency In SQLite Version 3".
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510


class Condition(Enum):
    """What there is under the name of the database."""

    MISSING = "missing"
    SOUND = "sound"  # as far as opening it tells
    UNREADABLE = "unreadable"


def condition(database: Path) -> Condition:
    """Say what there is under the name of the database, without making or changing anything."""
    if not database.exists() or database.stat().st_size == 0:
        return Condition.MISSING
    try:
        with closing(opened(database)) as plain:
            plain.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT}:
            return Condition.UNREADABLE
        raise DatabaseTrouble(f"{database} cannot be opened: {error}.") from error
    return Condition.SOUND


def opened(file: Path) -> sqlite3.Connection:
    """Return a connection of its own that reads `file`, and with it what lies in its WAL."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def exchange(
    source: Path,
    *,
    using: str,
    once_locked: Callable[[sqlite3.Connection], None],
) -> None:
    """Make the database's content that of `source`, in one transaction.

    Others see the old content or the new, and may read all the while; writers wait. `once_locked`
    is called when nobody can write any more, with the connection to `source`: what it writes there
    comes along. If it raises, nothing has changed; if the process is killed, all or nothing. Raises
    `DatabaseTrouble` if another program does not let go of the write lock in time.
    """
    connection = connections[using]
    connection.close()
    connection.ensure_connection()
    timeout = connection.settings_dict["OPTIONS"].get("timeout", 5)
    started, is_locked = time.monotonic(), False

    with closing(sqlite3.connect(source)) as scratch:
        [[pages]] = scratch.execute("PRAGMA page_count").fetchall()

        def step(status: int, remaining: int, total: int) -> None:
            nonlocal is_locked
            if status in BUSY:
                # Python would try for ever; SQLite has waited for its timeout already.
                if time.monotonic() - started >= timeout:
                    raise DatabaseTrouble(
                        f"Nothing was restored: another program has been writing to"
                        f" {connection.settings_dict['NAME']} for {timeout:g} seconds."
                        " Try again in a moment."
                    )
            elif not is_locked:
                is_locked = True
                once_locked(scratch)

        try:
            # The first step takes the write lock and must not be the last one, which commits.
            scratch.backup(
                connection.connection, pages=max(1, min(STEP_PAGES, pages - 1)), progress=step
            )
        finally:
            connection.close()  # with what it remembers of the old schema
    fold_wal(using)


def fold_wal(using: str) -> None:
    """Move what was written into the database file and cut its WAL to nothing, if readers let it.

    If one does not within a second, the WAL is cut at a later checkpoint.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {CHECKPOINT_MILLISECONDS}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()  # the next one has the usual timeout


def put_in_place(source: Path, database: Path, aside: Path) -> Path | None:
    """Rename `source` to `database`, keeping what was there whole under `aside`; return that.

    For a database that is missing or cannot be opened. No other program may have it open: it would
    go on with the old file. One that has is told by its lock and named in `SessionsError`.
    """
    refuse_open(database)
    kept = None
    if database.exists() and database.stat().st_size:
        # Linked, not moved: a kill between two steps leaves the old file under the old name.
        os.link(database, aside)
        kept = aside
    for side in SIDES:
        with suppress(FileNotFoundError):  # a WAL of the old file would be played into the new one
            Path(f"{database}{side}").rename(f"{aside}{side}")
    flush(source)
    source.replace(database)
    flush(database.parent)
    return kept


def refuse_open(database: Path) -> None:
    """Raise `SessionsError` if another process has the file open through SQLite."""
    if fcntl is None or not database.exists():
        return
    with database.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EAGAIN}:
                raise
            raise SessionsError(
                f"{database} cannot be read, and another program has it open."
                " Stop the server first."
            ) from error


def remove(file: Path) -> None:
    """Delete a database file and what SQLite has put beside it, as far as they are there."""
    for path in (file, *(Path(f"{file}{side}") for side in SIDES)):
        path.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
