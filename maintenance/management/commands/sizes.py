"""`manage.py sizes`: where the bytes of the database are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from conversations import commands
from maintenance import database as database_file


class Command(commands.Command):
    help = "Show what tables, indexes, search indexes and the largest sessions take."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--largest", type=int, default=database_file.SEEN, metavar="N", help="sessions to show"
        )
        commands.add_format(parser)

    def handle(self, *, largest, format, database="default", **_):
        found = database_file.sizes(largest=max(0, largest), using=database)
        if format == "json":
            self.print_json({"schema": 1, **as_dict(found)})
        else:
            for line in lines(found):
                self.print(line)


def as_dict(found: database_file.Sizes) -> dict[str, Any]:
    """Return sizes as JSON has them, in bytes."""
    return {
        "file": found.space.file,
        "wal": found.space.wal,
        "shm": found.shm,
        "free": found.space.free,
        "free_pages": found.space.free_pages,
        "tables": found.total("table"),
        "indexes": found.total("index"),
        "search_indexes": found.total("search index"),
        "parts": [asdict(part) for part in found.parts],
        "largest_sessions": [asdict(session) for session in found.largest],
    }


def lines(found: database_file.Sizes) -> list[str]:
    """Return sizes as a table for people."""

    def row(name: str, rows: object, size: int) -> str:
        return f"{name:<50} {rows:>12} {size / 1e6:>10.2f}"

    result = [f"{'Table or index':<50} {'Rows':>12} {'MB':>10}"]
    for part in found.parts:
        name = f"{part.name} ({part.kind})" if part.kind == "search index" else part.name
        result.append(row(name, "" if part.rows is None else f"{part.rows:,}", part.bytes))
    result += ["", f"{'Together':<50} {'':>12} {'MB':>10}"]
    for name, size in (
        ("tables", found.total("table")),
        ("indexes", found.total("index")),
        ("search indexes", found.total("search index")),
        ("free pages", found.space.free),
        ("file", found.space.file),
        ("WAL beside it", found.space.wal),
        ("shared memory of the WAL", found.shm),
    ):
        result.append(row(name, "", size))
    if found.largest:
        result += ["", f"{'Largest sessions':<50} {'Messages':>12} {'MB':>10}"]
        for session in found.largest:
            title = " ".join(session.title.split()) or "(no title)"
            result.append(row(title[:50], f"{session.messages:,}", session.bytes)
                          + f"  {session.session_uuid}")  # fmt: skip
    return result
