"""The spans of an import that tell of calls, waiting in a temporary file."""

from __future__ import annotations

import tempfile
from typing import Any

import orjson

from .envelope import Event, Log, Span

HELD_BYTES = 16 * 1024**2  # more than this goes to disk


class Spool:
    """Keeps spans and log records, in memory while they are few; gives each back by its place."""

    def __init__(self) -> None:
        # It goes when nothing refers to it any more.
        self._file = tempfile.SpooledTemporaryFile(HELD_BYTES, prefix="import-")  # noqa: SIM115
        self._size = 0

    def put(self, entry: Span | Log) -> int:
        """Keep a span or log record and return its place."""
        place = self._size
        self._file.seek(place)
        self._size += self._file.write(orjson.dumps(entry) + b"\n")
        return place

    def span(self, place: int) -> Span:
        """Return the span at a place."""
        values = self._values(place)
        values["events"] = [Event(**event) for event in values["events"]]
        return Span(**values)

    def log(self, place: int) -> Log:
        """Return the log record at a place."""
        return Log(**self._values(place))

    def _values(self, place: int) -> dict[str, Any]:
        self._file.seek(place)
        return orjson.loads(self._file.readline())
