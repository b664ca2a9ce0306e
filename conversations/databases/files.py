"""Database files: connecting to another than that of DATABASE_URL, making new ones."""

from __future__ import annotations

import copy
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from conversations.errors import DatabaseTrouble, explained

# What tells a database of the original system from that of another program.
TELLING = {
    "sessions": {"id", "session_uuid", "title"},
    "messages": {"id", "message_uuid", "session_id", "sequence_number", "role", "content"},
}
OUR_APPS = {"conversations", "analytics", "maintenance", "sessionsite"}


def connect(path: str | os.PathLike[str]) -> str:
    """Return the alias of the Django connection to the file at `path`, adding one if need be."""
    file = Path(path).expanduser().resolve()
    for alias, config in connections.databases.items():
        if Path(config["NAME"]).resolve() == file:
            return alias
    alias = f"file:{file}"
    connections.databases[alias] = {
        **copy.deepcopy(connections.databases["default"]),
        "NAME": str(file),
    }
    return alias


def close(alias: str) -> None:
    """Close this thread's connection; the next query opens it again."""
    connections[alias].close()


def create_or_check(alias: str) -> None:
    """Make the file of `alias` if there is none; raise `DatabaseTrouble` if it cannot be used."""
    file = Path(connections[alias].settings_dict["NAME"])
    with explained(alias):
        if not file.exists() or file.stat().st_size == 0:
            _create(file)
        elif waiting := pending(alias):
            raise DatabaseTrouble(waiting)


def require(alias: str) -> None:
    """Raise `DatabaseTrouble` unless the file of `alias` is there and of this version."""
    file = Path(connections[alias].settings_dict["NAME"])
    if not file.exists():
        raise DatabaseTrouble(f"There is no {file}. Make it: python session_db_setup.py init")
    create_or_check(alias)


def pending(alias: str) -> str | None:
    """Return what keeps this version from using the file, or None if nothing does."""
    name = connections[alias].settings_dict["NAME"]
    applied = _applied_migrations(Path(name))
    if not any(app == "conversations" for app, _ in applied):
        if is_original(Path(name)):
            return (
                f"{name} is a database of the original system."
                f" Adopt it: python session_db_setup.py --db {name} migrate"
            )
        return (
            f"{name} is not a database of this program, and is left as it is."
            " Give the name of a file that does not exist yet, or of one made by this program."
        )
    loader = MigrationLoader(None)
    ours = {key for key in applied if key[0] in OUR_APPS}
    if newer := sorted(ours - set(loader.disk_migrations)):
        return f"{name} was made by a newer version of this program ({newer[0][1]}). Update first."
    if set(loader.graph.leaf_nodes()) - applied:
        return f"{name} is of an older version. Run: python session_db_setup.py --db {name} migrate"
    return None


def is_older(alias: str) -> bool:
    """Say whether the file of `alias` is one of ours, and all that it lacks are migrations."""
    applied = _applied_migrations(Path(connections[alias].settings_dict["NAME"]))
    loader = MigrationLoader(None)
    return (
        any(app == "conversations" for app, _ in applied)
        and not {key for key in applied if key[0] in OUR_APPS} - set(loader.disk_migrations)
        and bool(set(loader.graph.leaf_nodes()) - applied)
    )


def is_original(file: Path) -> bool:
    """Say whether a file is of the system this grew out of: our tables, made without migrations."""
    if any(app == "conversations" for app, _ in _applied_migrations(file)):
        return False
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        return all(
            columns <= {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
            for table, columns in TELLING.items()
        )


def _applied_migrations(file: Path) -> set[tuple[str, str]]:
    """Return (app, name) of the migrations in a file, which is opened for reading alone.

    Django's own connection would switch it to WAL, whoever's it is.
    """
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for [name] in database.execute("SELECT name FROM sqlite_master")}
        if "django_migrations" not in tables:
            return set()
        return set(database.execute("SELECT app, name FROM django_migrations"))


def _create(file: Path) -> None:
    """Make the file aside and put it in place whole, so that nobody ever meets half of it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    with suppress(OSError):  # which opening it explains
        draft.touch(mode=0o600)  # what people said is nobody else's business
    alias = connect(draft)
    try:
        call_command("migrate", database=alias, verbosity=0, interactive=False, skip_checks=True)
        connections[alias].close()
        if file.exists() and file.stat().st_size == 0:
            draft.replace(file)
        else:
            with suppress(FileExistsError):  # another process was first: its file is as good
                os.link(draft, file)
    finally:
        connections[alias].close()
        del connections.databases[alias]
        for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
            leftover.unlink(missing_ok=True)
