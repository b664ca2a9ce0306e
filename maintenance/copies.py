"""Copies of the database as it is, sound or not, before something is done to it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils import timezone

from conversations import locks
from conversations.errors import SessionsError

from .models import Backup


def keep(label: str, *, using: str = "default") -> Path:
    """Write a copy of the file of `using` beside it and return where; see `write`."""
    path = Path(connections[using].settings_dict["NAME"])
    connections[using].ensure_connection()
    return write(connections[using].connection, path, label)


def write(source: sqlite3.Connection, path: Path, label: str) -> Path:
    """Write what `source` holds to `<path>.<label>-<local time>` and return where; on disk.

    It is no backup, which would have to be sound: it is what there was, page by page.
    """
    with locks.alone(f"copying-{path.name}"):
        for leftover in path.parent.glob(f".{path.name}.before-*.copying*"):
            leftover.unlink(missing_ok=True)  # of one that was killed: the lock says so
        copy = free_name(path, label)
        draft = copy.with_name(f".{copy.name}.{os.getpid()}.copying")
        try:
            draft.touch(mode=0o600)
            with closing(sqlite3.connect(draft)) as written:
                source.backup(written, pages=-1)
                written.execute("PRAGMA journal_mode = DELETE")  # one file, no WAL beside it
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            draft.replace(copy)
        except sqlite3.OperationalError as error:
            raise SessionsError(
                f"{copy} cannot be written: {error}. Nothing was changed."
            ) from error
        finally:
            draft.unlink(missing_ok=True)
    return copy


def free_name(path: Path, label: str) -> Path:
    """Return `<path>.<label>-<local time>`, with a number behind it if there is such a file."""
    first = path.with_name(f"{path.name}.{label}-{timezone.localtime():%Y%m%d_%H%M%S}")
    number, found = 1, first
    while found.exists():
        number += 1
        found = first.with_name(f"{first.name}-{number}")
    return found


def record(copy: Path, *, manifest: dict[str, Any] | None = None, using: str = "default") -> None:
    """List a copy among the backups, so that an erasure names it: it holds what was said."""
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    Backup.objects.using(using).create(
        path=str(copy), bytes=copy.stat().st_size, sha256=digest, manifest=manifest or {}
    )
