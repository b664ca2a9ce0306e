"""Rows of CSV files, as services export their tables: nested values stand in them as JSON text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from ..chat.turns import decoded
from ..values.fields import Unusable
from ..values.text import clean_text
from .json_values import MAX_LINE_BYTES, TOO_LONG, Refused
from .shape import BOM

# A limit of the whole process, which is 128 kB otherwise: less than many a request.
csv.field_size_limit(MAX_LINE_BYTES)

LONGEST_HEADER = 16 * 1024


class CsvRow(NamedTuple):
    """A row by the names of its columns, without the empty ones.

    `content` is the header and the row as the file has them, so that it can be read alone.
    """

    line: int
    value: dict[str, Any] | Refused
    content: bytes


def header_of(sample: bytes) -> frozenset[str]:
    """Return the names of the columns of a CSV file from its first bytes; empty if it is none."""
    line, newline, _ = sample[:LONGEST_HEADER].removeprefix(BOM).partition(b"\n")
    if not newline or line.lstrip()[:1] in (b"{", b"[", b"<", b""):
        return frozenset()
    try:
        names = next(csv.reader([line.decode("utf-8", "replace")]), [])
    except csv.Error:
        return frozenset()
    return frozenset(name.strip() for name in names) if len(names) > 1 else frozenset()


def csv_rows(stream: IO[bytes]) -> Iterator[CsvRow]:
    """Yield the rows of a CSV file whose first line names the columns."""
    lines = _Lines(stream)
    reader = csv.reader(lines, strict=True)
    header = next(_rows(reader), [])
    if isinstance(header, Refused):
        yield CsvRow(1, header, lines.take())
        return
    names = [name.strip() for name in header]
    head = lines.take()
    line = reader.line_num + 1
    for row in _rows(reader):
        content = lines.take()
        if isinstance(row, list) and len(row) != len(names):
            row = Refused(f"{len(row)} values for {len(names)} columns") if row else row
        if isinstance(row, Refused):
            yield CsvRow(line, row, head + content)
        elif row:
            yield CsvRow(line, _by_name(names, row), head + content)
        line = reader.line_num + 1


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str] | Refused]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refused(f"not CSV: {error}")
        except Unusable as error:
            yield Refused(str(error))
            return


def _by_name(names: list[str], row: list[str]) -> dict[str, Any] | Refused:
    try:
        return {name: _value(text) for name, text in zip(names, row, strict=True) if text}
    except Unusable as error:
        return Refused(str(error))


def _value(text: str) -> Any:
    """Return the list, object or quoted text that stands in a field as JSON, else the text."""
    value = decoded(text)
    # An exporter that doubles the quotes of objects twice leaves them doubled in the file.
    if isinstance(value, str) and text.startswith(('{""', '[{""', '[""')):
        value = decoded(text.replace('""', '"'))
        value = text if isinstance(value, str) else value
    return clean_text(value) if isinstance(value, str) else value


class _Lines:
    """The lines of a stream as text, with the bytes of those not taken yet."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self._size = 0
        self._is_first = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_LINE_BYTES)
        if not line:
            raise StopIteration
        self._size += len(line)
        if self._size > MAX_LINE_BYTES:
            # Most likely a quote that is never closed, which would swallow the whole file.
            raise Unusable(f"a row {TOO_LONG}; the rest is not read")
        if self._is_first:
            line = line.removeprefix(BOM)
            self._is_first = False
        self._lines.append(line)
        return line.decode("utf-8", "replace")

    def take(self) -> bytes:
        """Return the bytes read since the last time."""
        content = b"".join(self._lines)
        self._lines, self._size = [], 0
        return content
