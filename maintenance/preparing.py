"""A copy of a backup, beside the database that it is to replace, brought up to this version."""

from __future__ import annotations

import glob
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from conversations import schema
from conversations.databases import files
from conversations.errors import SessionsError
from conversations.models import Session

from . import backups, erasing, histories, swapping
from .swapping import Condition


def waiting(plain: Path, file: Path) -> list[str]:
    """Return the migrations that a backup lacks; raises `UnusableBackup` if it has more than we."""
    with closing(swapping.opened(plain)) as database:
        applied = set(database.execute("SELECT app, name FROM django_migrations"))
    loader = MigrationLoader(None)
    ours = set(loader.disk_migrations)
    known = {app for app, _ in ours}
    newer = sorted(f"{app}.{name}" for app, name in applied - ours if app in known)
    if newer:
        raise backups.UnusableBackup(
            f"{file} was made by a newer version of this program, whose changes this one does not"
            f" know: {', '.join(newer)}. Update first."
        )
    return sorted(f"{app}.{name}" for app, name in set(loader.graph.nodes) - applied)


@contextmanager
def room(database: Path) -> Iterator[Path]:
    """Make a folder beside the database for what is unpacked, which nobody else may read.

    It goes in the end, and those of processes that were killed go now: plain text may be in them.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    for left in database.parent.glob(f".{glob.escape(database.name)}.*.unpacked"):
        if not _is_alive(left.suffixes[-2].lstrip(".")):
            shutil.rmtree(left, ignore_errors=True)
    folder = database.with_name(f".{database.name}.{os.getpid()}.unpacked")
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            yield Path(name)
    finally:
        with suppress(OSError):  # another thread is at work in it
            folder.rmdir()


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True


@contextmanager
def copied(plain: Path, database: Path, state: Condition) -> Iterator[tuple[Path, str]]:
    """Copy a database into a file beside the one to be replaced; yield path and alias.

    It lies there since it may be renamed, and goes in the end.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    scratch = database.with_name(f".{database.name}.restore")
    swapping.remove(scratch)  # of one that was killed: this process has the lock
    scratch.touch(mode=0o600)
    alias = files.connect(scratch)
    try:
        with closing(swapping.opened(plain)) as source, closing(sqlite3.connect(scratch)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # after a crash it is thrown away
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode = DELETE")
            backups.manifest.mark(copy, is_backup=False)
            if state is Condition.SOUND:
                _fit_pages(copy, database)
        yield scratch, alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]
        swapping.remove(scratch)


def _fit_pages(copy: sqlite3.Connection, database: Path) -> None:
    """Give the copy the page size of the database, which SQLite cannot change in exchanging."""
    with closing(swapping.opened(database)) as old:
        [[wanted]] = old.execute("PRAGMA page_size").fetchall()
    [[size]] = copy.execute("PRAGMA page_size").fetchall()
    if size != wanted:
        copy.execute(f"PRAGMA page_size = {int(wanted)}")
        copy.execute("VACUUM")


def migrate(alias: str, file: Path) -> None:
    """Bring a copy of `file` up to this version, and put up triggers that it lacks."""
    connection = connections[alias]
    try:
        if not files.pending(alias) and not schema.missing(connection):
            return
        call_command("migrate", database=alias, verbosity=0, interactive=False, skip_checks=True)
    except (DatabaseError, SessionsError) as error:
        raise backups.UnusableBackup(
            f"{file} is of an older version and cannot be brought up to this one: {error}."
            " Nothing was changed."
        ) from error


def returning(database: Path, scratch: Path, state: Condition) -> dict[str, bool]:
    """Return the erased sessions that would come back, with whether their figures were kept."""
    if state is not Condition.SOUND:
        return {}
    with closing(swapping.opened(database)) as old, closing(swapping.opened(scratch)) as new:
        return histories.erased(old, new)


def erase(alias: str, again: dict[str, bool]) -> None:
    """Erase sessions from a copy, so that nothing of them comes along, with receipts of their own.

    Where their figures were kept, they are kept again.
    """
    for keeps_figures in (False, True):
        uuids = [uuid for uuid, keeps in again.items() if keeps is keeps_figures]
        sessions = Session.with_trash.using(alias).filter(session_uuid__in=uuids)
        if uuids:
            sessions.update(deleted_at=timezone.now())  # what is not in the trash is not erased
            ids = list(sessions.values_list("pk", flat=True))
            erasing.erase(ids, keeps_figures=keeps_figures, using=alias)


def refuse_full_disk(plain: Path, database: Path) -> None:
    """Raise `SessionsError` if the disk cannot hold what a restore writes before it is done."""
    there = database.stat().st_size if database.exists() else 0
    # The copy that is migrated, the transaction in the WAL, the file as it grows; what is kept.
    needed = 3 * plain.stat().st_size + there
    folder = next(parent for parent in database.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SessionsError(
            f"Nothing was restored: it takes {needed / 1e6:,.1f} MB of free disk in {folder},"
            f" and there are {free / 1e6:,.1f} MB."
        )
