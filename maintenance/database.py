"""The database file itself: its facts, its sizes, and what keeps it small, quick and sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.sessions.models import Session as SignIn
from django.db import OperationalError, connections
from django.utils import timezone

from conversations.errors import SessionsError
from conversations.search import index

TABLES_OF_INTEREST = ("sessions", "messages", "models", "projects")
TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND rootpage > 0
        AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '*_fts_*'
"""
SIZES = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"


@dataclass(frozen=True)
class Size:
    """What a table or index takes on disk, in bytes, and its rows (None for an index)."""

    name: str
    bytes: int
    rows: int | None


def info(*, using: str = "default") -> dict[str, Any]:
    """Return path, size (bytes), schema version, journal mode, page size and counts."""
    connection = connections[using]
    path = Path(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:

        def one(sql: str) -> Any:
            cursor.execute(sql)
            found = cursor.fetchone()
            return found and found[0]

        return {
            "path": str(path),
            "size": path.stat().st_size,
            "schema_version": one(
                "SELECT name FROM django_migrations WHERE app = 'conversations'"
                " ORDER BY id DESC LIMIT 1"
            ),
            "journal_mode": one("PRAGMA journal_mode"),
            "page_size": one("PRAGMA page_size"),
            "tables": {name: one(f"SELECT COUNT(*) FROM {name}") for name in TABLES_OF_INTEREST},
        }


def vacuum(*, dry_run: bool = False, using: str = "default") -> tuple[int, int]:
    """Give free pages back to the disk; return the file's size before and after, in bytes.

    Needs as much free disk again as the file takes, and the write lock while it runs. `dry_run`
    only counts the free pages.
    """
    path = Path(connections[using].settings_dict["NAME"])
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        if dry_run:
            cursor.execute(
                "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"
            )
            return before, before - cursor.fetchone()[0]
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, path.stat().st_size


def analyze(*, using: str = "default") -> None:
    """Renew the statistics by which SQLite chooses its indexes."""
    with connections[using].cursor() as cursor:
        cursor.execute(TABLES)
        # Not the inner tables of the search index. Once SQLite believes them small, FTS5's own
        # deletes scan all of them: every sixteenth message then took 370 ms instead of 1.
        for [name] in cursor.fetchall():
            cursor.execute(f'ANALYZE "{name}"')
        cursor.execute("ANALYZE sqlite_schema")  # makes sure that there is a sqlite_stat1
        cursor.execute("DELETE FROM sqlite_stat1 WHERE tbl GLOB '*_fts_*'")
        cursor.execute("ANALYZE sqlite_schema")  # has all connections read it again


def check(*, using: str = "default") -> list[str]:
    """Return what is wrong with the file, its references or its search indexes, if anything."""
    problems = []
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        problems += [text for [text] in cursor.fetchall() if text != "ok"]
        cursor.execute("PRAGMA foreign_key_check")
        problems += [
            f"{table} row {rowid} refers to a row of {parent} that is not there"
            for table, rowid, parent, _ in cursor.fetchall()
        ]
    problems += index.check(using=using)
    return problems


def sizes(*, using: str = "default") -> list[Size]:
    """Return what each table and index takes on disk, the largest first."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
        tables = {name for [name] in cursor.fetchall()}
        try:
            cursor.execute(SIZES)
        except OperationalError as error:
            raise SessionsError(
                "This SQLite was built without dbstat, which sizes need."
            ) from error
        found = cursor.fetchall()
        result = []
        for name, size in found:
            rows = None
            if name in tables:
                cursor.execute(f'SELECT COUNT(*) FROM "{name}"')
                rows = cursor.fetchone()[0]
            result.append(Size(name, size, rows))
    return result


def cleanup(*, using: str = "default") -> int:
    """Delete expired sign-ins of the web pages and return how many there were."""
    count, _ = SignIn.objects.using(using).filter(expire_date__lt=timezone.now()).delete()
    return count
