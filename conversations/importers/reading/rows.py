"""Rows of tables as services export them: JSON Lines, one JSON value, or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, NamedTuple

from ..records import Rejected, Skipped
from ..values.fields import Unusable, kind
from .csv_rows import csv_rows
from .files import SourceFile, UnreadableFile
from .json_values import CHUNK_BYTES, MAX_LINE_BYTES, Elements, Line, Refused, line_value, lines
from .shape import BOM

NO_ROWS = "holds no whole record"

# Takes a row; returns what in it could not be read; raises Unusable if that is all of it.
Take = Callable[[dict[str, Any], str], Iterable[Rejected]]


class _Row(NamedTuple):
    name: str  # "line 3"
    value: Any
    content: Callable[[], bytes]


def each_row(file: SourceFile, wrapper: str, take: Take) -> Iterator[Rejected | Skipped]:
    """Give every row of a file to `take`; yield what could not be read, or that there is none.

    `wrapper` is the name under which an object holds the list of rows, as answers of APIs do.
    """
    name = ""
    try:
        with file.open() as stream:
            for row in _rows(file, stream, wrapper):
                name = row.name
                for rejected in _taken(row, f"{file.name}, {name}", take):
                    yield Rejected(rejected.place, rejected.reason, row.content())
        if not name:
            yield Skipped(file.name, NO_ROWS)
    except UnreadableFile as error:
        yield Rejected(error.name, error.reason)
    except Unusable as error:
        yield Rejected(f"{file.name}, after {name or 'record 1'}", str(error))


def _taken(row: _Row, place: str, take: Take) -> Iterator[Rejected]:
    try:
        if isinstance(row.value, Refused):
            raise Unusable(row.value.reason)
        if not isinstance(row.value, dict):
            raise Unusable(f"the record is {kind(row.value)}, not an object")
        yield from take(row.value, place)
    except Unusable as error:
        yield Rejected(place, str(error))


def _rows(file: SourceFile, stream: IO[bytes], wrapper: str) -> Iterator[_Row]:
    with file.open(counted=False) as beginning:
        start = beginning.readline(MAX_LINE_BYTES)
        while start.isspace():
            start = beginning.readline(MAX_LINE_BYTES)
        is_json = start.removeprefix(BOM).lstrip()[:1] in (b"{", b"[", b"")
        is_lines = is_json and _is_line(start, beginning.readline(CHUNK_BYTES))
    if not is_json:
        for row in csv_rows(stream):
            yield _Row(f"line {row.line}", row.value, lambda content=row.content: content)
    elif is_lines:
        for line in lines(stream):
            yield from _in_line(line, wrapper)
    else:
        elements = Elements(stream, wrapper, trailing_comma=True)  # as Helicone's tool writes it
        for number, element in enumerate(elements, start=1):
            yield _Row(f"record {number}", element, elements.verbatim)


def _is_line(first: bytes, second: bytes) -> bool:
    """Say by the first two lines of a file whether each is a value of its own."""
    if not first.lstrip(BOM + b" \t").startswith(b"{"):
        return False
    if second.startswith(b"{"):
        return True
    try:
        return isinstance(line_value(Line(1, first)), dict)
    except Unusable:
        return False


def _in_line(line: Line, wrapper: str) -> Iterator[_Row]:
    name = f"line {line.number}"
    try:
        value = line_value(line)
    except Unusable as error:
        if line.is_whole or line.is_too_long:
            yield _Row(name, Refused(str(error)), lambda: line.content)
        return  # a last line that is still being written
    rows = value.get(wrapper) if isinstance(value, dict) else None
    for row in rows if isinstance(rows, list) else [value]:
        yield _Row(name, row, lambda: line.content)
