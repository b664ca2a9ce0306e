"""Putting a backup back: verified first, brought up to this version aside, then swapped at once."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connections
from django.utils import timezone

from conversations import locks
from conversations.databases import files
from conversations.databases.sqlite import time_text
from conversations.errors import SessionsError, explained
from conversations.writing import new_id

from . import backups, histories, preparing, previews, runs, swapping
from .models import Backup, MaintenanceRun, RunKind, RunStatus
from .previews import Preview
from .swapping import Condition

__all__ = ["Preview", "Restored", "preview", "restore"]

LOCK = "restore"


@dataclass(frozen=True)
class Restored:
    """What a restore has done."""

    file: Path
    kept: Path | None  # what was there before; None if nothing was
    is_kept_sound: bool  # whether that is a backup which can be restored, not a damaged file
    sessions: int
    messages: int
    migrated: list[str] = field(default_factory=list)  # migrations that the backup lacked
    erased_again: list[str] = field(default_factory=list)  # sessions that did not come back


def preview(
    file: Path,
    *,
    passphrase: str | None = None,
    identities: Sequence[str] = (),
    using: str = "default",
) -> Preview:
    """Verify a backup and return what restoring it would change; nothing is touched.

    Raises `UnusableBackup` as `restore` does.
    """
    database = _path(using)
    with (
        preparing.room(database) as room,
        backups.opened(file, passphrase=passphrase, identities=identities, scratch=room) as (
            plain,
            manifest,
        ),
    ):
        return previews.compare(file, plain, database, preparing.waiting(plain, file), manifest)


def restore(
    file: Path,
    *,
    passphrase: str | None = None,
    identities: Sequence[str] = (),
    keep_erased: bool = False,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> Restored:
    """Replace the database by the backup in `file`, keeping what was there beside it.

    Others may read and write meanwhile: they see the old data or the new. Raises
    `UnusableBackup`, having changed nothing, if the file is not a sound backup of this version or
    an older one. Sessions that were erased with a receipt are erased again unless `keep_erased`.
    Runs, backups and receipts made since are kept. A database that cannot be opened is moved
    aside; no server may be running then.
    """
    database = _path(using)
    options = {"file": str(file), "keep_erased": keep_erased}
    with (
        _recorded(user, options, entry, using) as run,
        locks.alone(LOCK),
        explained(using),
        ExitStack() as stack,
    ):
        if file.exists() and database.exists() and file.samefile(database):
            raise backups.UnusableBackup(f"{file} is the database itself.")
        run.at("Verifying the backup")
        room = stack.enter_context(preparing.room(database))
        plain, _ = stack.enter_context(
            backups.opened(file, passphrase=passphrase, identities=identities, scratch=room)
        )
        waiting = preparing.waiting(plain, file)
        state = swapping.condition(database)
        preparing.refuse_full_disk(plain, database)
        run.at("Copying the backup")
        scratch, alias = stack.enter_context(preparing.copied(plain, database, state))
        if waiting:
            run.at("Migrating the copy")
        preparing.migrate(alias, file)
        again = {} if keep_erased else preparing.returning(database, scratch, state)
        if again:
            run.at("Erasing again what was erased")
            preparing.erase(alias, again)
        connections[alias].close()
        with closing(swapping.opened(scratch)) as new:
            figures = previews.figures(new)
        restored = Restored(
            file, None, True, figures.sessions, figures.messages, waiting, list(again)
        )
        if state is Condition.SOUND:
            restored = _exchange(restored, scratch, database, run, using, keep_erased=keep_erased)
        else:
            restored = _put_in_place(restored, scratch, database, run, using)
        _settle(run, using)
        return restored


# -- putting it in place -------------------------------------------------------------------------


def _exchange(
    restored: Restored,
    scratch: Path,
    database: Path,
    run: runs.Recorder,
    using: str,
    *,
    keep_erased: bool,
) -> Restored:
    """Exchange the content of a database that others may have open."""
    run.at("Keeping what is there")
    aside = _free_name(database)
    with closing(swapping.opened(database)) as old:
        before = _version(old)
        kept = _keep(aside, using)

        def once_locked(new: sqlite3.Connection) -> None:
            nonlocal kept
            if _version(old) != before:
                # What others have stored meanwhile is kept as well. They are waiting: so without
                # the checks, which what it differs from by a few rows has just passed.
                kept = _keep_pages(database, aside, is_sound=kept.is_sound)
                if not keep_erased and histories.erased(old, new):
                    raise SessionsError(
                        "Sessions were erased while the backup was made ready. Nothing was"
                        " restored; try again."
                    )
            histories.carry_over(old, new)
            histories.take_over(old, new)
            histories.put(new, Backup._meta.db_table, kept.row)
            _tell(new, run, replace(restored, kept=aside, is_kept_sound=kept.is_sound))
            new.commit()

        try:
            swapping.exchange(scratch, using=using, once_locked=once_locked)
        except BaseException:
            aside.unlink(missing_ok=True)  # it is a copy of what is still there
            raise
    return replace(restored, kept=aside, is_kept_sound=kept.is_sound)


def _put_in_place(
    restored: Restored, scratch: Path, database: Path, run: runs.Recorder, using: str
) -> Restored:
    """Put the file where there is none, or one that cannot be opened."""
    aside = _free_name(database)
    is_there = swapping.condition(database) is Condition.UNREADABLE
    restored = replace(restored, kept=aside if is_there else None, is_kept_sound=False)
    with closing(sqlite3.connect(scratch)) as new:
        histories.take_over(None, new)
        _tell(new, run, restored)
        new.commit()
    connections[using].close()
    swapping.put_in_place(scratch, database, aside)
    return restored


@dataclass(frozen=True)
class _Kept:
    """What was there, under another name: its row among the backups, and whether it is whole."""

    row: dict[str, Any]
    is_sound: bool


def _keep(aside: Path, using: str) -> _Kept:
    """Keep the database under another name: as a backup, or page by page if it is damaged."""
    try:
        copy = backups.backup(aside, is_recorded=False, using=using)
    except (SessionsError, DatabaseError, sqlite3.DatabaseError):
        return _keep_pages(_path(using), aside)
    return _Kept(_row(aside, copy.manifest.as_dict()), True)


def _keep_pages(database: Path, aside: Path, *, is_sound: bool | None = None) -> _Kept:
    """Keep the database page by page, whatever it is; it is checked unless `is_sound` says."""
    draft = aside.with_name(f".{aside.name}.{os.getpid()}.part")
    try:
        draft.touch(mode=0o600)
        with closing(swapping.opened(database)) as source, closing(sqlite3.connect(draft)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # it is flushed once, at the end
            source.backup(copy, pages=-1)
            with suppress(sqlite3.DatabaseError):  # damaged as it is
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a WAL beside it
        if is_sound is None:
            is_sound = _is_whole(draft)
        swapping.flush(draft)
        draft.replace(aside)
        swapping.flush(aside.parent)
    except (OSError, sqlite3.Error) as error:
        raise SessionsError(
            f"Nothing was restored: what is there cannot be kept in {aside}: {error}."
        ) from error
    finally:
        swapping.remove(draft)
    return _Kept(_row(aside, {}), is_sound)


def _row(aside: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    with aside.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "path": str(aside.absolute()), "bytes": aside.stat().st_size, "sha256": digest,
        "manifest": manifest, "is_encrypted": False, "made_at": time_text(timezone.now()),
    }  # fmt: skip


def _is_whole(file: Path) -> bool:
    try:
        with closing(swapping.opened(file)) as database:
            return database.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def _tell(new: sqlite3.Connection, run: runs.Recorder, restored: Restored) -> None:
    """Write into the new content that it was restored: who has one, has the other."""
    run.summary = f"{restored.file.name} restored: {restored.sessions:,} sessions, "
    run.summary += f"{restored.messages:,} messages."
    if restored.kept:
        run.summary += f" What was there before is in {restored.kept.name}."
    run.report = {
        "file": str(restored.file),
        "kept": restored.kept and str(restored.kept),
        "is_kept_sound": restored.is_kept_sound,
        "migrated": restored.migrated,
        "erased_again": restored.erased_again,
        "sessions": restored.sessions,
        "messages": restored.messages,
    }
    entry = run.entry
    row = {
        "run_uuid": entry.run_uuid,
        "kind": str(RunKind.RESTORE),
        "status": str(RunStatus.DONE),
        "options": entry.options,
        "step": "",
        "done": 0,
        "total": 0,
        "summary": run.summary,
        "report": run.report,
        "error": "",
        "made_at": time_text(entry.made_at),
        "started_at": time_text(entry.started_at or entry.made_at),
        "finished_at": time_text(timezone.now()),
    }
    histories.put(new, MaintenanceRun._meta.db_table, row)


@contextmanager
def _recorded(
    user: AbstractBaseUser | None,
    options: dict[str, Any],
    entry: MaintenanceRun | None,
    using: str,
) -> Iterator[runs.Recorder]:
    """Record a run where the database can hold one; `_tell` writes it into the new one anyway."""
    if entry is None and not _is_current(using):
        yield runs.Recorder(_unsaved(options))
        return
    with runs.recorded(
        RunKind.RESTORE, user=user, options=options, entry=entry, using=using
    ) as run:
        if not run.is_kept:  # the database took no note; the restored one will
            run.entry = _unsaved(options)
        yield run


def _is_current(using: str) -> bool:
    try:
        is_sound = swapping.condition(_path(using)) is Condition.SOUND
        return is_sound and files.pending(using) is None
    except sqlite3.DatabaseError:
        return False


def _unsaved(options: dict[str, Any]) -> MaintenanceRun:
    now = timezone.now()
    return MaintenanceRun(
        run_uuid=new_id(), kind=RunKind.RESTORE, options=options, made_at=now, started_at=now
    )


def _settle(run: runs.Recorder, using: str) -> None:
    """Let go of the user of a run whom the restored database may not have, or have renumbered."""
    rows = MaintenanceRun.objects.using(using).filter(run_uuid=run.entry.run_uuid)
    run.entry.user_id = rows.values_list("user_id", flat=True).first()
    connections[using].close()


def _version(database: sqlite3.Connection) -> int:
    """Return what is another number when others have committed."""
    [[version]] = database.execute("PRAGMA data_version").fetchall()
    return version


def _free_name(database: Path) -> Path:
    """Return `<name>.before-restore-<local time>`, which nothing has yet."""
    name = f"{database.name}.before-restore-{timezone.localtime():%Y%m%d_%H%M%S}"
    names = [name, *(f"{name}-{number}" for number in range(2, 1000))]
    return next(path for name in names if not (path := database.with_name(name)).exists())


def _path(using: str) -> Path:
    return Path(connections[using].settings_dict["NAME"])
