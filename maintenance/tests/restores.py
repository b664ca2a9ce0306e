"""What tests of restoring share."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connections

from maintenance import backups


def titles(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [title for [title] in plain.execute("SELECT title FROM sessions ORDER BY id")]


def titles_in(backup: Path) -> list[str]:
    with backups.opened(backup) as (plain, _):
        return titles(plain)


@contextmanager
def changed(file: Path):
    """A connection to change a database in a way that this program does not."""
    with closing(sqlite3.connect(file)) as plain:
        yield plain
        plain.commit()


def beside(file: Path) -> set[str]:
    return {path.name for path in file.parent.iterdir() if path.is_file()} - {file.name}


def plain_copy(manager, tmp_path, name: str = "plain.db") -> Path:
    """The database as a file without a manifest, as another tool would copy it."""
    with closing(sqlite3.connect(tmp_path / name)) as copy:
        connections[manager.alias].ensure_connection()
        connections[manager.alias].connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    return tmp_path / name
