"""Everything about sessions as a table of Parquet, for analysis and for importing again.

A row is a record of our own format (own.py): `data` is the whole of it, as its line, and the other
columns repeat what analysis asks for. Writing needs pyarrow, which is not installed with the rest.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson

from conversations.errors import SessionsError
from conversations.models.choices import Role
from conversations.reading import Row

from .chats import Chat
from .own import FORMAT, as_own

NOT_INSTALLED = "Parquet needs pyarrow: pip install -r requirements-parquet.txt"
MOST_ROWS = 5_000  # of a row group, which is held until it is written
MOST_CHARACTERS = 32 * 1024**2  # of the records in it
TIMES = ("timestamp", "started_at", "created_at")


class MissingPackage(SessionsError):
    """A format needs a package that is not installed; the message says how to install it."""


def as_parquet(chats: Iterable[Chat], **options: Any) -> Iterator[bytes]:
    """Return the pieces of a file; `options` are those of `as_own`. Raises MissingPackage."""
    try:
        import pyarrow  # noqa: F401 - so that it fails before the first piece
    except ImportError:
        raise MissingPackage(NOT_INSTALLED) from None
    return _pieces(as_own(chats, **options))


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    import pyarrow
    from pyarrow import parquet

    schema = _schema()
    sink = _Sink()
    # The first column stays as it is, so that the first bytes of the file name the format.
    compression = dict.fromkeys(schema.names, "zstd") | {"format": "none"}
    with parquet.ParquetWriter(sink, schema, compression=compression) as writer:
        for rows in _groups(lines):
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))
            yield sink.take()
    yield sink.take()


def _schema():
    import pyarrow

    text, count = pyarrow.string(), pyarrow.int64()
    return pyarrow.schema(
        {
            "format": text,
            "record": text,
            "session_uuid": text,
            "message_uuid": text,
            "role": text,
            "content": text,
            "timestamp": pyarrow.timestamp("us", tz="UTC"),
            "model": text,
            "provider": text,
            "project": text,
            "input_tokens": count,
            "output_tokens": count,
            "cost": pyarrow.float64(),
            "latency_ms": count,
            "data": text,
        }
    )


def _groups(lines: Iterable[bytes]) -> Iterator[list[Row]]:
    """Yield the rows of a row group at a time."""
    rows, size, session = [], 0, {}
    for line in lines:
        data = line.decode("utf-8", "replace").rstrip("\n")
        record = orjson.loads(data)
        if record["record"] == "session":
            session = record
        rows.append({"format": FORMAT, **_columns(record, session), "data": data})
        size += len(data)
        if len(rows) == MOST_ROWS or size >= MOST_CHARACTERS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _columns(record: Row, session: Row) -> Row:
    """Return the columns of a record, which stands behind the `session` that it belongs to.

    A message has the project of its session, and an answer without a model has its model.
    """
    kind = record["record"]
    is_inside = "session" in record
    model = record.get("model")
    if model is None and record.get("role") == Role.ASSISTANT:
        model = session.get("model")
    provider, name = model[:2] if model else (record.get("provider"), record.get("model_name"))
    time = next((record[name] for name in TIMES if name in record), None)
    project = record.get("name") if kind == "project" else record.get("project")
    return {
        "record": kind,
        "session_uuid": record["session"] if is_inside else record.get("session_uuid"),
        "message_uuid": record.get("message_uuid", record.get("message")),
        "role": record.get("role"),
        "content": record.get("content", "" if kind == "message" else None),
        "timestamp": time and datetime.fromisoformat(time),
        "provider": provider,
        "model": name,
        "project": session.get("project") if is_inside else project,
        "input_tokens": record.get("input_tokens"),
        "output_tokens": record.get("output_tokens"),
        "cost": record.get("cost"),
        "latency_ms": record.get("latency_ms"),
    }


class _Sink(io.RawIOBase):
    """A file whose bytes are taken away as they come."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
