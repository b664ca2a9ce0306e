"""Reading an SQLite database that another program owns, without leaving a trace beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..reading.files import PlainFile, SourceFile, UnreadableFile, spool
from ..reading.json_values import MAX_LINE_BYTES, Line, line_value
from ..records import Rejected
from ..values.fields import Unusable, text_in
from ..values.text import clean_text

SIGNATURE = b"SQLite format 3\0"
WRITE_VERSION = 18  # where the header says how the database is written
WAL = 2

Row = dict[str, Any]
# What reading a damaged database raises; SQLite may quote the damage in words that are no UTF-8.
DAMAGES = (sqlite3.Error, UnicodeDecodeError)


class Database:
    """The tables of a database and what is in them; DAMAGES are left to the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.damages: list[str] = []  # of tables
        self._holds_rows: dict[str, bool] = {}
        self._connection = connection
        # Tables alone: a view may be a query that never ends.
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self.columns: dict[str, list[str]] = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({quoted(name)})")]
            for (name,) in tables.fetchall()
            if isinstance(name, str)
        }

    def has(self, table: str, *columns: str) -> bool:
        """Say whether there is such a table with these columns."""
        return table in self.columns and set(columns) <= set(self.columns[table])

    def holds_rows(self, table: str) -> bool:
        """Say whether a table has rows; looked up once, so that most need not be asked again."""
        if table not in self._holds_rows:
            row = self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
            self._holds_rows[table] = row is not None
        return self._holds_rows[table]

    def select(
        self, table: str, columns: Sequence[str], rest: str = "", *parameters: Any
    ) -> Iterator[Row]:
        """Yield rows with those of `columns` that the table has; none if there is no table.

        Bytes come as text: columns have no fixed type, and those that hold files are not read.
        """
        names = [name for name in columns if name in self.columns.get(table, ())]
        if names:
            listed = ", ".join(map(quoted, names))
            rows = self._connection.execute(f"SELECT {listed} FROM {table} {rest}", parameters)
            for row in rows:
                values = (_text(value) if isinstance(value, bytes) else value for value in row)
                yield dict(zip(names, values, strict=True))

    def one(self, table: str, columns: Sequence[str], rest: str, *values: Any) -> Row | None:
        """Return the first of the rows that `select` yields."""
        return next(self.select(table, columns, rest, *values), None)

    def length(self, table: str, column: str, id: Any) -> int | None:
        """Return how many bytes a value has, which is not read for that; None if it is null."""
        if not self.has(table, column):
            return None
        query = f"SELECT length({quoted(column)}) FROM {table} WHERE id = ?"
        found = self._connection.execute(query, (id,)).fetchone()
        return found[0] if found else None

    def grouped(self, table: str, column: str, order: str = "rowid") -> dict[str, list[int]]:
        """Return the rowids of a table by the text in `column`, a row without that by its id.

        One pass over a table that has no index on the column; numbers are all that is held. Of a
        damaged table come the rows before and after the damage, which is noted in `damages`.
        """
        if not self.has(table, column):
            return {}
        try:
            return self._grouped(table, column, (order,))
        except DAMAGES as error:
            self.damages.append(f"the table {table} is damaged, rows are missing: {error}")
        return self._grouped(table, column, ("rowid", "rowid DESC"), stop=DAMAGES)

    def _grouped(
        self,
        table: str,
        column: str,
        orders: Sequence[str],
        stop: tuple[type[Exception], ...] = (),
    ) -> dict[str, list[int]]:
        other = quoted("id") if self.has(table, "id") else "rowid"
        query = f"SELECT rowid, coalesce({quoted(column)}, {other}) FROM {table} ORDER BY "
        groups: dict[str, dict[int, None]] = defaultdict(dict)
        for order in orders:
            with suppress(*stop):
                for rowid, group in self._connection.execute(query + order):
                    groups[clean_text(str(group))][rowid] = None
        if stop:
            return {group: sorted(rowids) for group, rowids in groups.items()}
        return {group: list(rowids) for group, rowids in groups.items()}


@contextmanager
def opened(file: SourceFile) -> Iterator[Database]:
    """Open a database for reading; raises UnreadableFile, DAMAGES."""
    on_disk = _on_disk(file)  # a temporary file lives as long as something refers to it
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        address = _address(on_disk, Path(folder))
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.text_factory = _text
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_LINE_BYTES)
            connection.execute("PRAGMA trusted_schema = OFF")
            yield Database(connection)


def verbatim(row: Row | None) -> bytes:
    """Return a row as JSON, for people who look into what could not be read."""
    return json.dumps(row, ensure_ascii=False, default=repr).encode() if row else b""


def quoted(name: str) -> str:
    """Return a name as SQL text."""
    return '"{}"'.format(name.replace('"', '""'))


def json_in(row: Row, column: str) -> Any:
    """Return the JSON value in a column, None if it is empty; text that is no JSON stays text."""
    text = text_in(row, column)
    if not text:
        return None
    try:
        return line_value(Line(0, text.encode()))
    except Unusable:
        return text


def object_in_json(row: Row, column: str) -> dict[str, Any]:
    """Return the JSON object in a column, {} if there is none."""
    value = json_in(row, column)
    return value if isinstance(value, dict) else {}


def _on_disk(file: SourceFile) -> PlainFile:
    if isinstance(file, PlainFile):
        return file
    with file.open() as stream:
        copy = spool(stream)
    if isinstance(copy, Rejected):
        raise UnreadableFile(file.name, copy.reason)
    return copy


def _address(file: PlainFile, folder: Path) -> str:
    """Return the URI that reads a database as its writer left it and writes nothing beside it."""
    path = Path(file.path).resolve()
    log = path.with_name(f"{path.name}-wal")
    if log.is_file() and log.stat().st_size:
        if path.with_name(f"{path.name}-shm").exists():
            return f"{path.as_uri()}?mode=ro"  # somebody has it open
        # SQLite needs an index of the log, which it would make beside it: it works on a copy.
        path = Path(shutil.copyfile(path, folder / "copy.db"))
        shutil.copyfile(log, folder / "copy.db-wal")
        return f"{path.as_uri()}?mode=rw"
    with file.open(counted=False) as stream:
        header = stream.read(len(SIGNATURE) + 4)
    is_logged = header[WRITE_VERSION : WRITE_VERSION + 1] == bytes([WAL])
    return f"{path.as_uri()}?mode=ro" + ("&immutable=1" if is_logged else "")


def _text(content: bytes) -> str:
    return clean_text(content.decode("utf-8", errors="replace"))
