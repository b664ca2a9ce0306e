"""Files of a data set: rows as JSON Lines, as one JSON list, in a wrapping object, or just one.

However the file is written, the same rows make the same sessions.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import IO, Any, NamedTuple

import orjson

from ..records import Item, Rejected, SessionRecord, Skipped
from ..structure.transcripts import KEY_LENGTH
from ..values.fields import TOO_DEEP, Unusable, kind
from .files import SourceFile, UnreadableFile, sample_of
from .json_values import MAX_LINE_BYTES, TOO_LONG, Elements, Refused, line_value, lines
from .shape import BOM, Shape, shape_of

# Where the fields of a row stand in the outline of a file, and the name that its list has there.
PLACES = {
    "": "",
    "[].": "",
    "rows[].row.": "rows",  # as the Hugging Face viewer gives them
    "rows[].": "rows",
    "data[].": "data",
    "conversations[].": "conversations",
}
NO_MESSAGES = "a conversation without messages"
REPEATED = "the same conversation stands in the file before"
# The parsers of lines and of lists read longer numbers differently, as a float and as text.
LONGEST_INTEGER = 19
LONGEST_FLOAT = 300
LONGEST_ID = 200


class Row(NamedTuple):
    """A row and where it stands; `verbatim` gives it as the file has it, until the next one."""

    place: str
    value: Any
    verbatim: Callable[[], bytes]


IsRow = Callable[[Shape, str], bool]
ReadRow = Callable[[Any, str], Iterator[Item]]


def place_of(shape: Shape, is_row: IsRow) -> str | None:
    """Return under which of PLACES the fields of a row stand, None if nowhere."""
    return next((place for place in PLACES if is_row(shape, place)), None)


def read_rows(rows: Iterable[Row | Rejected], read_row: ReadRow) -> Iterator[Item]:
    """Yield what `read_row` makes of every row of a file, the same conversation once.

    `read_row` takes a row and its place, and may raise Unusable.
    """
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            for item in read_row(row.value, row.place):
                yield _once(item, seen) if isinstance(item, SessionRecord) else item
        except (Unusable, RecursionError) as error:
            yield Rejected(row.place, reason_for(error), row.verbatim())


def reason_for(error: Unusable | RecursionError) -> str:
    """Return why a row cannot be used."""
    return str(error) if isinstance(error, Unusable) else TOO_DEEP


def rows(file: SourceFile, is_row: IsRow, *, counted: bool = True) -> Iterator[Row | Rejected]:
    """Yield the rows of a file, one held at a time, and those that cannot be read.

    `is_row` says whether the fields of a row stand at a place in the outline of the file. A list
    of messages that is the whole file is one row. Bytes read are reported unless not `counted`.
    """
    try:
        sample = sample_of(file)
        shape = shape_of(sample)
        wrapper = PLACES[place_of(shape, is_row) or ""]
        with file.open(counted=counted) as stream:
            if _is_list_of_messages(shape):
                yield from _only_row(stream, file.name)
            elif not wrapper and _is_lines(sample):
                yield from _line_rows(stream, file.name)
            else:
                yield from _element_rows(stream, file.name, wrapper)
    except UnreadableFile as error:
        yield Rejected(error.name, error.reason)


def a_row(value: Any) -> dict[str, Any]:
    """Return a row if it is an object, out of what the viewer wraps around it; raises Unusable."""
    if not isinstance(value, dict):
        raise Unusable(f"the row is {kind(value)}, not an object")
    inner = value.get("row")
    return inner if "row_idx" in value and isinstance(inner, dict) else value


def field_of(row: dict[str, Any], names: Sequence[str]) -> str:
    """Return the first of these names under which something stands in a row, "" if none does."""
    return next((name for name in names if row.get(name) not in (None, "")), "")


def external_id(row: Any, id: Any, *parts: str) -> str:
    """Return the identity of a conversation, which follows from its id, or else from all of it.

    Ids of data sets are often numbers, which another file counts too: so `parts`, which stay the
    same when the conversation goes on, belong to it. Raises Unusable.
    """
    if isinstance(id, str | int) and not isinstance(id, bool) and id != "":
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
        return f"{str(id)[:LONGEST_ID]}/{digest[:16]}"
    return content_id(row)


def content_id(row: Any) -> str:
    """Return the SHA-256 of a row, however its file writes it down. Raises Unusable."""
    try:
        canonical = orjson.dumps(_canonical(row), option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError):
        raise Unusable(TOO_DEEP) from None
    return hashlib.sha256(canonical).hexdigest()


def _canonical(value: Any) -> Any:
    match value:
        case dict():
            return {key: _canonical(item) for key, item in value.items()}
        case list():
            return [_canonical(item) for item in value]
        case int() | str() if _is_long_number(value):
            return float(value)
    return value


def _is_long_number(value: int | str) -> bool:
    if isinstance(value, int):
        return abs(value) >= 10**LONGEST_INTEGER
    digits = value.removeprefix("-")
    return LONGEST_INTEGER < len(digits) < LONGEST_FLOAT and digits.isascii() and digits.isdigit()


def _once(session: SessionRecord, seen: set[str]) -> SessionRecord | Skipped:
    if not session.messages:
        return Skipped(session.place, NO_MESSAGES)
    digest = session.messages[-1].key[-KEY_LENGTH:]  # follows from all messages before it
    if digest in seen:
        return Skipped(session.place, REPEATED)
    seen.add(digest)
    return session


def _is_list_of_messages(shape: Shape) -> bool:
    is_message = shape.has("[].role", "[].content") or shape.has("[].from", "[].value")
    return is_message and not shape.is_lines


def _is_lines(sample: bytes) -> bool:
    """Say whether a file is one value a line, rather than a value that goes over many lines."""
    text = sample.removeprefix(BOM).lstrip()
    if text.startswith(b"["):
        return shape_of(sample).is_lines
    first, newline, _ = text.partition(b"\n")
    # A line that is longer than the sample is one of lines, too.
    return not (newline and first.rstrip().endswith((b"{", b"[", b",", b":")))


def _line_rows(stream: IO[bytes], name: str) -> Iterator[Row | Rejected]:
    for line in lines(stream):
        place = f"{name}, line {line.number}"
        try:
            value = line_value(line)
        except Unusable as error:
            if not line.is_whole and line.number > 1 and not line.is_too_long:
                return  # still being written
            yield Rejected(place, str(error), line.content)
        else:
            yield Row(place, value, partial(bytes, line.content))


def _element_rows(stream: IO[bytes], name: str, wrapper: str) -> Iterator[Row | Rejected]:
    number = 0
    elements = Elements(stream, wrapper)
    try:
        for number, value in enumerate(elements, start=1):
            place = f"{name}, record {number}"
            if isinstance(value, Refused):
                yield Rejected(place, value.reason, elements.verbatim())
            else:
                yield Row(place, value, elements.verbatim)
    except Unusable as error:
        yield Rejected(f"{name}, record {number + 1}", str(error))


def _only_row(stream: IO[bytes], name: str) -> Iterator[Row | Rejected]:
    """Yield all elements of a file as one list, which is held whole."""
    place = f"{name}, record 1"
    content = stream.read(MAX_LINE_BYTES + 1)
    if len(content) > MAX_LINE_BYTES:
        yield Rejected(place, TOO_LONG)
        return
    messages: list[Any] = []
    for row in _element_rows(io.BytesIO(content), name, ""):
        if isinstance(row, Rejected):
            yield Rejected(place, row.reason, content)
            return
        messages.append(row.value)
    yield Row(place, messages, lambda: content)
