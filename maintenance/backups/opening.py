"""Opening a backup: whatever its wrapping, as a plain database that was found sound."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from . import manifest, packing
from .manifest import Manifest, UnusableBackup

NEEDED = {"sessions", "messages", "django_migrations"}


@contextmanager
def opened(
    file: Path,
    *,
    passphrase: str | None = None,
    identities: Sequence[str] = (),
    scratch: Path | None = None,
) -> Iterator[tuple[Path, Manifest | None]]:
    """Yield the path of the plain database in a backup, to be read, and its manifest.

    A plain copy of a database that was not made by `backup` has none. What is wrapped is unpacked
    into `scratch`, or beside the file. Raises `UnusableBackup` for anything that is not sound.
    """
    file = Path(file)
    if not file.is_file():
        raise UnusableBackup(f"{file}: there is no such file.")
    try:
        with tempfile.TemporaryDirectory(dir=scratch or _folder_for(file)) as folder:
            options = {"passphrase": passphrase, "identities": identities}
            with packing.unpacked(file, Path(folder), **options) as plain:
                found = manifest.read(plain)
                _check(plain, file, found)
                yield plain, found
    except OSError as error:
        raise UnusableBackup(f"{file} cannot be read: {error.strerror or error}.") from error


def verify(
    file: Path, *, passphrase: str | None = None, identities: Sequence[str] = ()
) -> Manifest | None:
    """Return the manifest of a sound backup; raises `UnusableBackup` as `opened` does."""
    with opened(file, passphrase=passphrase, identities=identities) as (_, found):
        return found


def _folder_for(file: Path) -> Path | None:
    """Return a folder that holds files as large as the backup: its own, if it can be written."""
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            return file.parent
    except OSError:
        return None


def _check(plain: Path, file: Path, found: Manifest | None) -> None:
    try:
        with closing(sqlite3.connect(f"{plain.resolve().as_uri()}?mode=ro", uri=True)) as database:
            tables = {name for [name] in database.execute("SELECT name FROM sqlite_master")}
            if missing := NEEDED - tables:
                raise UnusableBackup(
                    f"{file} is not a backup of this program: it has no table {min(missing)}."
                )
            # With a manifest every byte is known to be as it was when it was checked.
            check = "integrity_check(1)" if found is None else "quick_check(1)"
            [[result]] = database.execute(f"PRAGMA {check}").fetchall()
    except sqlite3.DatabaseError as error:
        raise UnusableBackup(f"{file} cannot be restored: {error}.") from error
    if result != "ok":
        raise UnusableBackup(f"{file} is damaged: {result}.")
