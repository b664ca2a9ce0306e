"""Proving a backup: restored into a scratch file and compared with what it says of itself."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections
from django.utils import timezone

from conversations import schema
from conversations.databases import files
from conversations.search import index
from maintenance import runs
from maintenance.models import Backup, MaintenanceRun, RunKind

from . import manifest, packing
from .manifest import Manifest, UnusableBackup
from .opening import opened


@dataclass(frozen=True, slots=True)
class Proof:
    """That a backup holds what it says: sessions, messages and their cost in nano-dollars."""

    path: str
    sessions: int
    messages: int
    cost_nanos: int
    proven_at: datetime


def prove(
    file: Path,
    *,
    passphrase: str | None = None,
    identities: Sequence[str] = (),
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    is_recorded: bool = True,
    using: str = "default",
) -> Proof:
    """Restore a backup into a scratch file, compare it, and note that it was proven.

    Raises `UnusableBackup` with the first thing that is not as it should be.
    """
    file = Path(file).expanduser().absolute()
    with runs.recorded(
        RunKind.PROOF, user=user, options={"file": str(file)}, entry=entry,
        is_recorded=is_recorded, using=using,
    ) as run:  # fmt: skip
        run.at("Reading every byte of the backup")
        options = {"passphrase": passphrase, "identities": identities}
        with (
            opened(file, **options) as (plain, found),
            tempfile.TemporaryDirectory(dir=plain.parent) as folder,
        ):
            scratch = Path(folder, "proof.db")
            run.at("Restoring it into a scratch file")
            about = _restored(plain, scratch)
            run.at("Comparing")
            if found is not None:
                _compare(file, found, about)
            if not about["problems"]:
                _compare_indexes(file, scratch)
        now = timezone.now()
        rows = about["counts"]
        proof = Proof(str(file), rows["sessions"], rows["messages"], about["cost_nanos"], now)
        run.summary = f"{file.name} is proven: {proof.sessions:,} sessions, {proof.messages:,}"
        run.summary += " messages."
        run.report = {**asdict(proof), "proven_at": now.isoformat()}
        if run.is_kept:
            Backup.objects.using(using).update_or_create(
                path=str(file),
                defaults={
                    "proven_at": now, "gone_at": None, "bytes": file.stat().st_size,
                    "sha256": manifest.hashed(file).hexdigest(),
                    "manifest": found.as_dict() if found else {},
                    "is_encrypted": packing.is_encrypted(file),
                    "made_at": found.made_at if found else _written_at(file),
                },
            )  # fmt: skip
    return proof


def known(using: str = "default") -> list[Backup]:
    """Return the backups whose files are there, newest first; others are noted as gone."""
    found = []
    for row in Backup.objects.using(using).filter(gone_at=None):
        if Path(row.path).is_file():
            found.append(row)
        else:
            row.gone_at = timezone.now()
            row.save(update_fields=["gone_at"])
    return found


def last_proven(using: str = "default") -> Backup | None:
    """Return the backup that was proven last and is still there."""
    rows = Backup.objects.using(using).filter(gone_at=None, proven_at__isnull=False)
    return next(
        (row for row in rows.order_by("-proven_at", "-id") if Path(row.path).is_file()), None
    )


def _restored(plain: Path, scratch: Path) -> dict:
    scratch.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"{plain.resolve().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(scratch)) as copy,
    ):
        copy.execute("PRAGMA synchronous = OFF")
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")
        [[result]] = copy.execute("PRAGMA integrity_check(1)").fetchall()
        if result != "ok":
            raise UnusableBackup(f"What was restored is damaged: {result}.")
        return manifest.of_database(copy, made_at="", source="")


def _compare(file: Path, said: Manifest, found: dict) -> None:
    for table in said.counts.keys() | found["counts"].keys():
        one, other = said.counts.get(table), found["counts"].get(table)
        if one != other:
            raise UnusableBackup(f"{file}: {table} has {other} rows and should have {one}.")
    if said.cost_nanos != found["cost_nanos"]:
        raise UnusableBackup(f"{file}: its messages cost another sum than it says.")
    if said.schema != found["schema"]:
        raise UnusableBackup(f"{file}: its schema is another than it says.")
    if new := set(found["problems"]) - set(said.problems):
        raise UnusableBackup(f"{file}: {min(new)}.")


def _compare_indexes(file: Path, scratch: Path) -> None:
    """Compare the search index with the texts, and look that triggers and views are there."""
    alias = files.connect(scratch)
    try:
        if files.pending(alias):
            return  # of an older version: restoring makes them anew
        if problems := index.check(using=alias) + schema.missing(connections[alias]):
            raise UnusableBackup(f"{file}: {problems[0]}.")
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]


def _written_at(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, tz=timezone.get_default_timezone())
