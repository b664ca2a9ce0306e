"""Our own export (conversations/exporters/own.py): everything, a record a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isfinite
from typing import Any

import orjson

from .reading.files import SourceFile, UnreadableFile
from .reading.json_values import Line, lines
from .reading.parquet import SIGNATURE, parquet_rows
from .reading.shape import shape_of
from .records import (
    CatalogRecord,
    Item,
    MessageRecord,
    OwnColumns,
    Rejected,
    SessionRecord,
    Skipped,
)
from .values.fields import TOO_DEEP, Unusable, kind, list_in, object_in, text_in
from .values.text import read_time

LABEL = "Own export"
FORMAT, NEWEST = "llm-sessions", 1

HEAD_BYTES = 1024  # in which the first line names the format, or the first column of a table
LONG_NUMBER = re.compile(rb"\d{19}")
TIMES = ("created_at", "updated_at", "started_at", "completed_at", "timestamp")
# What a message record has a field for; its other columns are in `OwnColumns`.
FIELDS = (
    "role", "content", "content_type", "timestamp", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "reasoning_tokens",
    "cost", "latency_ms", "finish_reason", "tool_calls", "error_message", "metadata",
    "is_active_path", "is_hidden", "is_sidechain",
)  # fmt: skip
OTHERS = ("sequence_number", "external_id", "function_call", "cost_basis")
HEAD = (
    "session_type", "description", "temperature", "max_tokens", "top_p", "status", "source",
    "external_id",
)  # fmt: skip
# What columns hold, beside null; those that are not here hold any value.
KINDS = {
    "text": (
        "session_uuid", "title", "session_type", "description", "system_prompt", "status", "source",
        "external_id", "parent_external_id", "project", "parent", "message_uuid", "content",
        "content_type", "finish_reason", "error_message", "session", "annotation_uuid", "message",
        "annotation_type", "annotator", "snapshot_type", "cost_basis",
    ),
    "a number": ("temperature", "top_p", "cost"),
    "a whole number": (
        "max_tokens", "sequence_number", "input_tokens", "output_tokens", "cache_read_tokens",
        "cache_write_5m_tokens", "cache_write_1h_tokens", "reasoning_tokens", "latency_ms",
        "rating",
    ),
    "true or false": ("is_active_path", "is_hidden", "is_sidechain"),
    "a list or an object": ("tool_calls",),
    "an object": ("metadata",),
}  # fmt: skip
TYPES = {
    "text": (str,), "a number": (int, float), "a whole number": (int,), "true or false": (bool,),
    "a list or an object": (list, dict), "an object": (dict,),
}  # fmt: skip
COLUMNS = {name: (wanted, TYPES[wanted]) for wanted, names in KINDS.items() for name in names}
ROLES = ("system", "user", "assistant", "function", "tool")


class Newer(Unusable):
    """The file is of a version that this program does not know yet."""


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of our own export, in either form."""
    if FORMAT.encode() not in sample[:HEAD_BYTES]:
        return False
    if sample.startswith(SIGNATURE):
        return True
    shape = shape_of(sample)
    return shape.says("record", "export") and shape.says("format", FORMAT)


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield projects, models and sessions, and what could not be read, a session at a time."""
    for file in files:
        says_something = False
        try:
            for item in _read_file(file):
                says_something = says_something or not isinstance(item, CatalogRecord)
                yield item
        except UnreadableFile as error:
            yield Rejected(error.name, error.reason)
        else:
            if not says_something:
                yield Skipped(file.name, "holds no session")


def _read_file(file: SourceFile) -> Iterator[Item]:
    session: SessionRecord | None = None
    for line in _lines(file):
        if isinstance(line, Rejected):
            yield line
            continue
        place = f"{file.name}, line {line.number}"
        try:
            record = _value(line)
            name = text_in(record, "record")
            if name == "export":
                _check(record)
                continue
            if name in ("project", "model", "cost_basis"):
                yield CatalogRecord(place, name, _columns(record))
                continue
            _check_types(record)
            if name == "session":
                if session:
                    yield session
                session = _session(record, place)
            else:
                uuid = text_in(record, "session")
                if session is None or session.external_id != uuid:
                    # Out of its place, as a record that is tried again by itself.
                    if session:
                        yield session
                    session = SessionRecord(uuid, place, own=OwnColumns(is_part=True))
                _add(session, name, record)
        except Newer as error:
            yield Rejected(place, str(error))
            return
        except Unusable as error:
            if line.is_whole:
                yield Rejected(place, str(error), line.content)
    if session:
        yield session


def _lines(file: SourceFile) -> Iterator[Line | Rejected]:
    """Yield the lines of a file, those too that stand in the rows of a Parquet file."""
    with file.open() as stream:
        if not stream.peek(len(SIGNATURE)).startswith(SIGNATURE):
            yield from lines(stream)
            return
    for number, row in enumerate(parquet_rows(file), start=1):
        if isinstance(row, Rejected):
            yield row
        elif isinstance(data := row.value.get("data"), str):
            yield Line(number, data.encode())


def _value(line: Line) -> dict[str, Any]:
    """Return the object of a line as it was written: not cleaned, since it came from here."""
    if line.is_too_long:
        raise Unusable("the line is too long")
    try:
        # orjson makes a float of a whole number beyond 64 bits, and refuses half characters.
        is_long = LONG_NUMBER.search(line.content)
        value = (_exactly if is_long else orjson.loads)(line.content)
    except ValueError:
        try:
            value = _exactly(line.content)
        except (ValueError, RecursionError) as error:
            raise Unusable(f"not JSON: {error}") from None
    except RecursionError:
        raise Unusable(TOO_DEEP) from None
    if not isinstance(value, dict):
        raise Unusable(f"the line is {kind(value)}, not an object")
    return value


def _exactly(content: bytes) -> Any:
    value = json.loads(content, parse_float=_finite, parse_constant=_finite)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("half a character stands alone") from None
    return value


def _finite(digits: str) -> float:
    if not isfinite(number := float(digits)):
        raise ValueError(f"{digits[:50]} is no number")
    return number


def _check_types(record: dict[str, Any]) -> None:
    for name, value in record.items():
        if value is not None and name in COLUMNS:
            wanted, types = COLUMNS[name]
            if type(value) not in types:  # exactly: True is an int, too
                raise Unusable(f"{name} is {kind(value)}, not {wanted}")


def _check(record: dict[str, Any]) -> None:
    version = record.get("version")
    if record.get("format") != FORMAT or not isinstance(version, int):
        raise Unusable("the first line names another format")
    if version > NEWEST:
        raise Newer(f"written by a newer version of this program (format {version})")


def _columns(record: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a record, times read; raises Unusable for what is no time."""
    columns = {name: value for name, value in record.items() if name != "record"}
    for name in TIMES:
        if columns.get(name) is not None:
            columns[name] = _time(columns, name)
    return columns


def _time(record: dict[str, Any], name: str) -> datetime | None:
    value = record.get(name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        if found := read_time(value):
            return found
        raise Unusable(f"{name} is no time") from None


def _session(record: dict[str, Any], place: str) -> SessionRecord:
    uuid = _required(record, "session_uuid")
    provider, model, version = _model(record)
    return SessionRecord(
        external_id=uuid,
        place=place,
        title=text_in(record, "title"),
        project=text_in(record, "project"),
        started_at=_time(record, "started_at"),
        completed_at=_time(record, "completed_at"),
        provider=provider,
        model=model,
        system_prompt=text_in(record, "system_prompt"),
        parent_external_id=record.get("parent_external_id"),
        tags=record.get("tags", []),
        metadata=object_in(record, "metadata"),
        own=OwnColumns(
            {name: record[name] for name in HEAD if name in record},
            model_version=version,
            parent=text_in(record, "parent") or None,
        ),
    )


def _add(session: SessionRecord, name: str, record: dict[str, Any]) -> None:
    own = session.own
    assert own is not None
    if name == "message":
        session.messages.append(_message(record))
    elif name == "annotation":
        _required(record, "annotation_uuid")
        own.annotations.append(_columns(record))
    elif name == "snapshot":
        if type(record.get("sequence_number")) is not int:
            raise Unusable("sequence_number is no number")
        own.snapshots.append(_columns(record))
    else:
        raise Unusable(f"record is {name[:50]!r}, which this version does not know")


def _message(record: dict[str, Any]) -> MessageRecord:
    uuid = _required(record, "message_uuid")
    if record.get("role") not in ROLES:
        raise Unusable("role is none of " + ", ".join(ROLES))
    text_in(record, "content")
    object_in(record, "metadata")
    values = {name: record[name] for name in FIELDS if record.get(name) is not None}
    values["timestamp"] = _time(record, "timestamp")
    provider, model, version = _model(record)
    return MessageRecord(
        key=uuid,
        parent_key=text_in(record, "parent") or None,
        provider=provider,
        model=model,
        own=OwnColumns(
            {name: record[name] for name in OTHERS if name in record}, model_version=version
        ),
        **values,
    )


def _model(record: dict[str, Any]) -> tuple[str, str, str]:
    found = list_in(record, "model") or ["", "", ""]
    if len(found) != 3 or not all(isinstance(part, str) for part in found):
        raise Unusable("model is not its provider, name and version")
    return found[0], found[1], found[2]


def _required(record: dict[str, Any], name: str) -> str:
    if not (value := text_in(record, name)):
        raise Unusable(f"{name} is missing")
    return value
