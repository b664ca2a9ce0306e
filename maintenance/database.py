"""The database file itself: its facts, its sizes, and what keeps it quick and tidy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.models import Session as SignIn
from django.db import OperationalError, connections
from django.utils import timezone

from conversations.errors import SessionsError
from conversations.search import index

from . import runs, space
from .models import Backup, MaintenanceRun, RunKind, RunStatus

TABLES_OF_INTEREST = ("sessions", "messages", "models", "projects")
TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND rootpage > 0
        AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '*_fts_*'
"""
SIZES = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
KINDS = "SELECT name, type, tbl_name FROM sqlite_master WHERE rootpage > 0"
INNER = "_fts_"  # in the names of the tables of which a search index consists
# Bytes of text, as they lie in the file: a message's own, and its session's.
LARGEST = """
    SELECT session.session_uuid, session.title, said.bytes, said.messages
    FROM (
        SELECT session_id,
               COUNT(*) AS messages,
               SUM(length(CAST(content AS BLOB))
                   + COALESCE(length(CAST(tool_calls AS BLOB)), 0)
                   + COALESCE(length(CAST(function_call AS BLOB)), 0)
                   + length(CAST(metadata AS BLOB))) AS bytes
        FROM messages GROUP BY session_id
        ORDER BY bytes DESC, session_id LIMIT %s
    ) AS said
    JOIN sessions AS session ON session.id = said.session_id
    ORDER BY said.bytes DESC, session.id
"""
SEEN = 10  # largest sessions


@dataclass(frozen=True)
class Size:
    """What a table, an index or a search index takes on disk, in bytes, and a table's rows."""

    name: str
    bytes: int
    rows: int | None
    kind: str = "table"  # table, index, search index
    table: str = ""  # that an index is of


@dataclass(frozen=True)
class LargeSession:
    """A session with the bytes of text that its messages hold."""

    session_uuid: str
    title: str
    bytes: int
    messages: int


@dataclass(frozen=True)
class Sizes:
    """Where the bytes of the database are."""

    parts: list[Size]  # the largest first
    space: space.Space
    shm: int
    largest: list[LargeSession]

    def total(self, kind: str) -> int:
        """Return the bytes of all tables, all indexes or all search indexes."""
        return sum(part.bytes for part in self.parts if part.kind == kind)


def info(*, using: str = "default") -> dict[str, Any]:
    """Return path, sizes (bytes), schema version, journal mode, counts, and when it was cared for.

    Times are UTC in ISO form, None for what has never been done.
    """
    connection = connections[using]
    path = Path(connection.settings_dict["NAME"])
    measured = space.measure(using=using)
    checks = MaintenanceRun.objects.using(using).filter(status=RunStatus.DONE)
    backups = Backup.objects.using(using).exclude(manifest={})  # mere copies have none
    with connection.cursor() as cursor:

        def one(sql: str) -> Any:
            cursor.execute(sql)
            found = cursor.fetchone()
            return found and found[0]

        return {
            "path": str(path),
            "size": measured.file,
            "schema_version": one(
                "SELECT name FROM django_migrations WHERE app = 'conversations'"
                " ORDER BY id DESC LIMIT 1"
            ),
            "journal_mode": one("PRAGMA journal_mode"),
            "page_size": measured.page_size,
            "tables": {name: one(f"SELECT COUNT(*) FROM {name}") for name in TABLES_OF_INTEREST},
            "pages": measured.pages,
            "free_pages": measured.free_pages,
            "free": measured.free,
            "wal": measured.wal,
            "last_backup": _latest(backups, "made_at"),
            "last_proven_backup": _latest(backups, "proven_at"),
            "last_check": _latest(checks.filter(kind=RunKind.CHECK), "finished_at"),
            "last_vacuum": _latest(checks.filter(kind=RunKind.VACUUM), "finished_at"),
        }


def _latest(rows, name: str) -> str | None:
    times = rows.filter(**{f"{name}__isnull": False}).order_by(f"-{name}")
    time = times.values_list(name, flat=True).first()
    return time and time.isoformat(timespec="seconds")


def analyze(
    *,
    merge: bool = False,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> None:
    """Renew the statistics by which SQLite chooses its indexes.

    With `merge` the search indexes are merged as well; each is written anew for that.
    """
    options = {"merge": merge}
    with runs.recorded(
        RunKind.ANALYZE, user=user, options=options, entry=entry, using=using
    ) as run:
        run.at("Renewing the statistics")
        renew_statistics(using=using)
        run.summary = "Statistics updated"
        if merge:
            run.at("Merging the search indexes")
            index.optimize(using=using)
            run.summary += ", search indexes merged"


def renew_statistics(*, using: str = "default") -> None:
    """Do what `analyze` does, without a record of it: for a file that is just being made."""
    with connections[using].cursor() as cursor:
        cursor.execute(TABLES)
        # Not the inner tables of the search index. Once SQLite believes them small, FTS5's own
        # deletes scan all of them: every sixteenth message then took 370 ms instead of 1.
        # (For the same reason not PRAGMA optimize, which would choose them too.)
        for [name] in cursor.fetchall():
            cursor.execute(f'ANALYZE "{name}"')
        cursor.execute("ANALYZE sqlite_schema")  # makes sure that there is a sqlite_stat1
        cursor.execute("DELETE FROM sqlite_stat1 WHERE tbl GLOB '*_fts_*'")
        cursor.execute("ANALYZE sqlite_schema")  # has all connections read it again


def sizes(*, largest: int = SEEN, using: str = "default") -> Sizes:
    """Return what tables, indexes, search indexes, WAL and the largest sessions take.

    It reads the whole file; raises `SessionsError` where SQLite was built without dbstat.
    """
    path = Path(connections[using].settings_dict["NAME"])
    with connections[using].cursor() as cursor:
        cursor.execute(KINDS)
        kinds = {name: (kind, table) for name, kind, table in cursor.fetchall()}
        try:
            cursor.execute(SIZES)
        except OperationalError as error:
            raise SessionsError(
                "This SQLite was built without dbstat, which sizes need."
            ) from error
        parts: dict[str, Size] = {}
        for name, size in cursor.fetchall():
            part = _part(name, size, *kinds.get(name, ("table", name)), cursor)
            before = parts.get(part.name)
            if before:  # another inner table of the same search index
                part = Size(part.name, before.bytes + size, None, part.kind)
            parts[part.name] = part
        cursor.execute(LARGEST, [largest])
        sessions = [LargeSession(*row) for row in cursor.fetchall()]
    ordered = sorted(parts.values(), key=lambda part: (-part.bytes, part.name))
    shm = space.size_of(Path(f"{path}-shm"))
    return Sizes(ordered, space.measure(using=using), shm, sessions)


def _part(name: str, size: int, kind: str, table: str, cursor) -> Size:
    if INNER in table:
        return Size(f"{table.partition(INNER)[0]}_fts", size, None, "search index")
    if kind == "index":
        return Size(name, size, None, "index", table)
    cursor.execute(f'SELECT COUNT(*) FROM "{name}"')
    return Size(name, size, cursor.fetchone()[0])


def cleanup(
    *,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> int:
    """Delete expired sign-ins of the web pages and return how many there were."""
    with runs.recorded(RunKind.CLEANUP, user=user, entry=entry, using=using) as run:
        expired = SignIn.objects.using(using).filter(expire_date__lt=timezone.now())
        count, _ = expired.delete()
        run.summary = f"Expired sign-ins deleted: {count}"
        run.report = {"sign_ins": count}
    return count
