"""Making a backup: copied in one step, checked, and named only when it is whole and on the disk."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connections
from django.utils import timezone

from conversations.errors import SessionsError
from maintenance import runs
from maintenance.models import Backup, MaintenanceRun, RunKind

from . import manifest, packing
from .manifest import Manifest

DRAFT = re.compile(r"\..+\.(?P<pid>\d+)\.part\d?(-journal|-wal|-shm)?")
SPARE = 1_000_000  # bytes that a backup leaves on the disk


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup: its file, the file's size in bytes, and what it says of itself."""

    path: Path
    size: int
    manifest: Manifest


def default_path(using: str = "default") -> Path:
    """Return `<name>_backup_<local time>.db` beside the database."""
    file = Path(connections[using].settings_dict["NAME"])
    return file.with_name(f"{file.stem}_backup_{timezone.localtime():%Y%m%d_%H%M%S}.db")


def backup(
    output: Path | None = None,
    *,
    compress: bool = False,
    passphrase: str | None = None,
    recipients: Sequence[str] = (),
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    is_recorded: bool = True,
    using: str = "default",
) -> Copy:
    """Write a consistent copy of the database to `output`, which is replaced, and return it.

    Without `output` it lies beside the database. Other connections go on reading and writing. The
    file appears under its name only when it was checked, is whole and on disk. Raises
    `SessionsError` for a name that cannot be, a disk that is full, or a database that is damaged.
    """
    database = Path(connections[using].settings_dict["NAME"])
    if passphrase == "":
        raise SessionsError("The passphrase is empty.")
    ending = _ending(compress, passphrase, recipients)
    if output is None:
        output = default_path(using)
        output = output.with_name(output.name + ending)
    output = Path(output).expanduser().absolute()
    _refuse(output, database, copies=1 + bool(ending))
    options = {"output": str(output), "compress": compress, "encrypt": bool(ending.strip(".zst"))}
    with runs.recorded(
        RunKind.BACKUP, user=user, options=options, entry=entry, is_recorded=is_recorded,
        using=using,
    ) as run:  # fmt: skip
        _remove_drafts(output.parent)
        drafts = [output.with_name(f".{output.name}.{os.getpid()}.part{n}") for n in range(3)]
        try:
            run.at("Copying the database")
            made, digest = _copied(drafts[0], database, using, run)
            last = drafts[0]
            if compress:
                run.at("Compressing")
                packing.compress(last, drafts[1])
                last.unlink()
                last = drafts[1]
            if passphrase is not None or recipients:
                run.at("Encrypting")
                packing.encrypt(last, drafts[2], passphrase=passphrase, recipients=recipients)
                last = drafts[2]
            run.at("Flushing it to the disk")
            with last.open("rb") as stream:
                os.fsync(stream.fileno())
            if last != drafts[0]:
                digest = manifest.hashed(last).hexdigest()
            last.replace(output)
            _sync_folder(output.parent)
        except (OSError, sqlite3.Error) as error:
            raise SessionsError(f"There is no backup in {output}: {_reason(error)}.") from error
        finally:
            for draft in drafts:
                for path in (draft, Path(f"{draft}-journal"), Path(f"{draft}-wal")):
                    path.unlink(missing_ok=True)
        copy = Copy(output, output.stat().st_size, made)
        run.summary = f"{output.name}: {made.counts.get('messages', 0):,} messages of"
        run.summary += f" {made.counts.get('sessions', 0):,} sessions, {copy.size / 1e6:,.1f} MB."
        if made.problems:
            run.summary += f" It holds what was wrong in the database: {made.problems[0]}."
        run.report = {"path": str(output), "bytes": copy.size, "manifest": made.as_dict()}
        if is_recorded:
            _record(copy, digest, is_encrypted=bool(passphrase is not None or recipients), run=run)
    return copy


def _ending(compress: bool, passphrase: str | None, recipients: Sequence[str]) -> str:
    if passphrase is not None and recipients:
        raise SessionsError("Encrypt for recipients or by a passphrase, not both.")
    ending = packing.ENDINGS["zstd"] if compress else ""
    if recipients:
        ending += packing.ENDINGS["recipients"]
    if passphrase is not None:
        ending += packing.ENDINGS["passphrase"]
    return ending


def _refuse(output: Path, database: Path, *, copies: int) -> None:
    """Raise `SessionsError` for an output that would do harm or cannot hold it."""
    sides = {Path(f"{database}{side}").absolute() for side in ("", "-wal", "-shm", "-journal")}
    if output in sides or (output.exists() and database.exists() and output.samefile(database)):
        raise SessionsError(f"{output} is the database itself; give another name.")
    if output.is_dir():
        raise SessionsError(f"{output} is a folder; give the name of a file in it.")
    if output.exists() and not output.is_file():
        raise SessionsError(f"{output} is no file; `--output -` writes to standard output.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SessionsError(f"{output.parent} cannot be made: {error.strerror}.") from error
    # What is wrapped is there twice for a moment.
    needed = copies * (database.stat().st_size if database.exists() else 0)
    free = shutil.disk_usage(output.parent).free
    if free < needed + SPARE:
        raise SessionsError(
            f"There is no backup in {output}: it takes {needed / 1e6:,.1f} MB, and"
            f" {output.parent} has {free / 1e6:,.1f} MB free."
        )


def _copied(draft: Path, database: Path, using: str, run: runs.Recorder) -> tuple[Manifest, str]:
    """Copy the database into a draft, check it and write its manifest behind it."""
    connection = connections[using]
    connection.ensure_connection()
    draft.touch(mode=0o600)  # what people said is nobody else's business
    with closing(sqlite3.connect(draft)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # it is flushed once, at the end
        # In one step: stepwise, the copying starts over whenever another connection writes.
        # Not a copy of the file: one taken while the WAL holds pages is torn.
        connection.connection.backup(copy, pages=-1)
        made_at = timezone.now().isoformat(timespec="seconds")
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a WAL beside it
        manifest.mark(copy, is_backup=True)
    run.at("Checking the copy")
    # It is hashed meanwhile, which takes less long.
    with ThreadPoolExecutor(1) as beside, closing(sqlite3.connect(draft)) as copy:
        digest = beside.submit(manifest.hashed, draft)
        _refuse_damaged(copy, database)
        about = manifest.of_database(copy, made_at=made_at, source=database.name)
    return manifest.append(draft, about, digest.result())


def _refuse_damaged(copy: sqlite3.Connection, database: Path) -> None:
    [[result]] = copy.execute("PRAGMA integrity_check(1)").fetchall()
    if result != "ok":
        raise SessionsError(f"{database} is damaged, so this is no backup of it: {result}.")


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows has no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_drafts(folder: Path) -> None:
    """Remove what processes that are gone have left half done."""
    for file in folder.iterdir():
        found = DRAFT.fullmatch(file.name)
        if found and not _is_alive(int(found["pid"])):
            file.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # its drafts are of a run that has ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OSError):
        return True
    return True


def _record(copy: Copy, digest: str, *, is_encrypted: bool, run: runs.Recorder) -> None:
    if not run.is_kept:
        return
    with suppress(DatabaseError):  # the copy is there; that the disk is full is said elsewhere
        Backup.objects.using(run.using).update_or_create(
            path=str(copy.path),
            defaults={
                "bytes": copy.size, "sha256": digest, "manifest": copy.manifest.as_dict(),
                "is_encrypted": is_encrypted, "made_at": copy.manifest.made_at,
                "proven_at": None, "gone_at": None,
            },
        )  # fmt: skip


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
