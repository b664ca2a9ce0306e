"""Giving space back: when it is worth it, when the disk can hold it, and how much it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections

from conversations.errors import SessionsError, explained

from . import runs
from .models import MaintenanceRun, RunKind

WORTH_SHARE = 0.1  # of the file that is free pages; below, a vacuum writes a lot to gain little
WORTH_BYTES = 1_000_000
SPARE = 1.02  # each page in the WAL has a frame header, and folders grow
INCREMENTAL = 2  # of PRAGMA auto_vacuum
PAGES_AT_ONCE = 2_000  # between two looks of others at the write lock


class NoRoom(SessionsError):
    """The disk cannot hold what a vacuum writes; nothing was touched."""


@dataclass(frozen=True)
class Space:
    """What a database file takes and what of it is free, in bytes."""

    file: int
    wal: int
    page_size: int
    pages: int
    free_pages: int
    is_incremental: bool

    @property
    def free(self) -> int:
        return self.free_pages * self.page_size

    @property
    def share(self) -> float:
        return self.free_pages / self.pages if self.pages else 0.0

    @property
    def needed(self) -> int:
        """What a full vacuum writes for a while beside the file: a copy, and the same as WAL."""
        return int(2 * SPARE * (self.pages - self.free_pages) * self.page_size)


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum did: sizes of the file and its free pages in bytes; why not, if it did not."""

    before: int
    after: int
    free_before: int
    free_after: int
    method: str  # full, incremental, or none
    reason: str = ""
    dry_run: bool = False

    @property
    def gained(self) -> int:
        return self.before - self.after

    def __str__(self) -> str:
        verb = "Not vacuumed"
        if self.method != "none":
            verb = "Would be vacuumed" if self.dry_run else "Vacuumed"
        sizes = f"{verb}: {self.before / 1e6:.2f} MB before, {self.after / 1e6:.2f} MB after"
        return f"{sizes}. {self.reason}" if self.reason else sizes


def measure(*, using: str = "default") -> Space:
    """Return the sizes of the file of `using`, its WAL and its free pages."""
    path = Path(connections[using].settings_dict["NAME"])
    with connections[using].cursor() as cursor:

        def one(name: str) -> int:
            cursor.execute(f"PRAGMA {name}")
            return cursor.fetchone()[0]

        return Space(
            file=path.stat().st_size,
            wal=size_of(Path(f"{path}-wal")),
            page_size=one("page_size"),
            pages=one("page_count"),
            free_pages=one("freelist_count"),
            is_incremental=one("auto_vacuum") == INCREMENTAL,
        )


def vacuum(
    *,
    force: bool = False,
    dry_run: bool = False,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> Vacuumed:
    """Give free pages back to the disk if that is worth it, or anyhow and wholly with `force`.

    Raises `NoRoom` if the disk cannot hold what it writes, and `DatabaseTrouble` if another
    process keeps the lock. Others read meanwhile, and wait with what they write.
    """
    if connections[using].in_atomic_block:
        raise SessionsError("A vacuum cannot run inside a transaction.")
    with explained(using):
        if dry_run:
            return _plan(_after_checkpoint(using), force=force, using=using)
        options = {"force": force}
        with runs.recorded(
            RunKind.VACUUM, user=user, options=options, entry=entry, using=using
        ) as run:
            run.at("Measuring")
            before = _after_checkpoint(using)
            result = _plan(before, force=force, using=using)
            if result.method != "none":
                run.at("Giving space back", 0, before.free_pages)
                result = _vacuum(before, result.method, run, using)
            run.summary = str(result)
            run.report = vars(result)
        return result


def _after_checkpoint(using: str) -> Space:
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return measure(using=using)


def _plan(space: Space, *, force: bool, using: str) -> Vacuumed:
    """Return what a vacuum would do; raise `NoRoom` if the disk cannot hold it."""

    def planned(method: str, reason: str = "") -> Vacuumed:
        gain = 0 if method == "none" else space.free
        after = space.file - gain
        return Vacuumed(
            space.file, after, space.free, space.free - gain, method, reason, dry_run=True
        )

    if not force and (space.free < WORTH_BYTES or space.share < WORTH_SHARE):
        return planned(
            "none",
            f"{space.free / 1e6:.2f} MB of it are free ({space.share:.0%}); it is worth it from"
            f" {WORTH_BYTES / 1e6:.0f} MB and {WORTH_SHARE:.0%} on. --force does it all the same.",
        )
    if space.is_incremental and not force:
        return planned("incremental")
    folder = Path(connections[using].settings_dict["NAME"]).parent
    left = shutil.disk_usage(folder).free
    if left < space.needed:
        raise NoRoom(
            f"A vacuum needs {space.needed:,} bytes of free disk in {folder} for a while;"
            f" {left:,} are free. Nothing was changed."
        )
    return planned("full")


def _vacuum(before: Space, method: str, run: runs.Recorder, using: str) -> Vacuumed:
    if method == "incremental":
        _give_back_step_by_step(before, run, using)
    else:
        write_anew(using)
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy = cursor.fetchone()[0]
    after = measure(using=using)
    reason = "The file shrinks as soon as nobody reads its old state any more." if is_busy else ""
    return Vacuumed(before.file, after.file, before.free, after.free, method, reason)


def write_anew(using: str) -> None:
    """Have SQLite write the whole file anew, whatever it costs and gains."""
    with _scratch_beside(using), connections[using].cursor() as cursor:
        cursor.execute("VACUUM")


def _give_back_step_by_step(before: Space, run: runs.Recorder, using: str) -> None:
    # In portions: a writer waits for one of them, not for all.
    left = before.free_pages
    with connections[using].cursor() as cursor:
        while left:
            cursor.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
            cursor.fetchall()  # it frees one page for each step of the query
            cursor.execute("PRAGMA freelist_count")
            now = cursor.fetchone()[0]
            if now >= left:
                break
            left = now
            run.at("Giving space back", before.free_pages - left, before.free_pages)


@contextmanager
def _scratch_beside(using: str) -> Iterator[None]:
    """Have SQLite make the copy that a vacuum writes as a nameless file beside the database.

    Our connections keep what is temporary in memory, and the whole database is too much for that.
    """
    folder = str(Path(connections[using].settings_dict["NAME"]).parent)
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA temp_store")
        before = cursor.fetchone()[0]
        cursor.execute("PRAGMA temp_store = FILE")
        try:
            # Where SQLite was built without it, it is the system's folder for such files.
            cursor.execute("PRAGMA temp_store_directory = '{}'".format(folder.replace("'", "''")))
            yield
        finally:
            cursor.execute("PRAGMA temp_store_directory = ''")
            cursor.execute(f"PRAGMA temp_store = {before}")


def size_of(path: Path) -> int:
    """Return the bytes of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
