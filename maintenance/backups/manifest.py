"""What a backup says of itself: a trailer behind the pages of the database, in the same file.

SQLite reads as many pages as its header counts, so `sqlite3` opens a backup as any database. Behind
them stand a manifest as JSON, its length, the SHA-256 of every byte before, and a mark. One file
has one name: it is there whole, or not at all. The header's application id says that there must be
a trailer, so that a file which lost it is not taken for a plain copy.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from conversations.errors import SessionsError

FORMAT = 1
PROGRAM = "llm-sessions"
MARK = b"LLM-SESSIONS-BK1"
APPLICATION_ID = 0x4C4C4D42  # "LLMB"
LENGTH = 8  # bytes in which the length of the manifest is written
DIGEST = hashlib.sha256().digest_size
END = LENGTH + DIGEST + len(MARK)
MOST = 10_000_000  # bytes of a manifest
AT_ONCE = 1 << 20
TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND rootpage > 0 AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '*_fts_*'
    ORDER BY name
"""
INDEXES = "SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5(%' ORDER BY 1"
LISTED = 20  # problems of a kind


class UnusableBackup(SessionsError):
    """A file cannot be restored; the message says why. The database was not touched."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was copied, when, and by which it is known again."""

    made_at: str  # ISO 8601, UTC
    source: str  # name of the database file
    bytes: int  # of the database
    sha256: str  # of the database, without the trailer
    schema: dict[str, list[str]]  # migrations by app
    counts: dict[str, int]  # rows of each table
    cost_nanos: int  # of all messages, nano-dollars
    newest_message: str = ""  # its time
    problems: list[str] = field(default_factory=list)  # that the database had, and the copy has
    program: str = PROGRAM
    format: int = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)  # of a later version

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def of_database(database: sqlite3.Connection, *, made_at: str, source: str) -> dict[str, Any]:
    """Return what a manifest says of the content of a database."""
    schema = defaultdict(list)
    for app, name in database.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2"):
        schema[app].append(name)
    [[nanos, newest]] = database.execute(
        "SELECT COALESCE(SUM(cost_nanos), 0), COALESCE(MAX(timestamp), '') FROM messages"
    )
    return {
        "made_at": made_at,
        "source": source,
        "schema": dict(schema),
        "counts": counts(database),
        "cost_nanos": nanos,
        "newest_message": newest,
        "problems": problems(database),
    }


def problems(database: sqlite3.Connection) -> list[str]:
    """Return rows without what they refer to, and search indexes that are damaged, in words.

    Of an index in itself: comparing it with all texts takes minutes.
    """
    found = [
        f"{table} row {row} refers to a row of {parent} that is not there"
        for table, row, parent, _ in database.execute("PRAGMA foreign_key_check").fetchmany(LISTED)
    ]
    for [name] in database.execute(INDEXES).fetchall():
        try:
            database.execute(f'INSERT INTO "{name}" ("{name}") VALUES (?)', ["integrity-check"])
        except sqlite3.DatabaseError as error:
            found.append(f"the search index {name} is damaged ({error})")
    database.rollback()
    return found


def counts(database: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    names = [name for [name] in database.execute(TABLES)]
    return {
        name: database.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names
    }


def mark(database: sqlite3.Connection, *, is_backup: bool) -> None:
    """Say in the header that the file is a backup, or that it is none any more."""
    database.execute(f"PRAGMA application_id = {APPLICATION_ID if is_backup else 0}")


def hashed(file: Path) -> hashlib._Hash:
    """Return the SHA-256 of a file, to be gone on with."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for block in _blocks(stream, file.stat().st_size):
            digest.update(block)
    return digest


def append(file: Path, about: dict[str, Any], digest: hashlib._Hash) -> tuple[Manifest, str]:
    """Write the trailer behind a database that nobody has open, whose hash is `digest`.

    Returns the manifest, and the SHA-256 of the file with it.
    """
    manifest = Manifest(bytes=file.stat().st_size, sha256=digest.hexdigest(), **about)
    said = json.dumps(manifest.as_dict(), sort_keys=True).encode()
    said += len(said).to_bytes(LENGTH, "big")
    digest.update(said)
    end = digest.digest() + MARK
    digest.update(end)
    with file.open("ab") as stream:
        stream.write(said + end)
    return manifest, digest.hexdigest()


def read(file: Path) -> Manifest | None:
    """Return the manifest of a plain backup whose every byte is right; None for a plain database.

    Raises `UnusableBackup` for a file that lost its trailer, or is not as it was written.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        header = stream.read(100)
        if header[:16] != b"SQLite format 3\0":
            raise UnusableBackup(f"{file} cannot be restored: it is not an SQLite database.")
        is_marked = int.from_bytes(header[68:72], "big") == APPLICATION_ID
        end = b""
        if size >= END:
            stream.seek(size - END)
            end = stream.read(END)
        if not end.endswith(MARK):
            if is_marked or _has_more_than_pages(header, size):
                raise UnusableBackup(f"{file} is damaged: its end is missing or changed.")
            return None
        length = int.from_bytes(end[:LENGTH], "big")
        stream.seek(0)
        digest = hashlib.sha256()
        for block in _blocks(stream, size - DIGEST - len(MARK)):
            digest.update(block)
        if digest.digest() != end[LENGTH : LENGTH + DIGEST] or length > min(MOST, size - END):
            raise UnusableBackup(f"{file} is damaged: it is not as it was written (SHA-256).")
        stream.seek(size - END - length)
        return _parsed(stream.read(length), file)


def _parsed(text: bytes, file: Path) -> Manifest:
    try:
        said = json.loads(text)
        if said.pop("program") != PROGRAM:
            raise ValueError("another program")
        if (version := said.pop("format")) > FORMAT:
            raise UnusableBackup(
                f"{file} was made by a newer version of this program (backup format {version})."
                " Update first."
            )
        return Manifest(**said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnusableBackup(f"{file} has a manifest that cannot be read: {error}.") from error


def _has_more_than_pages(header: bytes, size: int) -> bool:
    page = int.from_bytes(header[16:18], "big")
    page = 65_536 if page == 1 else page
    counted = int.from_bytes(header[28:32], "big")
    # The count holds if the last writer kept it, which every SQLite since 3.7 does.
    is_kept = header[24:28] == header[92:96]
    return bool(page and counted and is_kept and size > counted * page)


def _blocks(stream: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (block := stream.read(min(AT_ONCE, length))):
        length -= len(block)
        yield block
