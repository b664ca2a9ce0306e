"""OTLP in protobuf: a request, or a sequence of requests with the length before each."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from enum import Enum
from io import BytesIO
from itertools import count
from math import isfinite
from typing import IO, Any

from ..reading.files import SAMPLE_BYTES, SourceFile, sample_of
from ..reading.json_values import CHUNK_BYTES
from ..records import Rejected
from ..values.fields import TOO_DEEP, Unusable
from ..values.text import clean_text
from .envelope import (
    ERROR,
    MAX_VALUE_DEPTH,
    Attributes,
    Entry,
    Event,
    Log,
    Span,
    described,
    nanoseconds,
    scope_label,
)
from .wire import FIXED32, FIXED64, LENGTH, VARINT, Malformed, fields, read_varint, written_varint

MAX_MESSAGE_BYTES = 64 * 1024**2
TOO_LONG = f"longer than {MAX_MESSAGE_BYTES // 1024**2} MB"
# A request is a sequence of this one field, a resource with all it wrote.
RESOURCE_TAG = b"\x0a"
SCOPES, RECORDS = 2, 2  # the numbers of the fields that lead to spans and log records
TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8
LOG_FIELDS = {
    1: FIXED64, 2: VARINT, 3: LENGTH, 5: LENGTH, 6: LENGTH, 7: VARINT, 8: FIXED32, 9: LENGTH,
    10: LENGTH, 11: FIXED64, 12: LENGTH,
}  # fmt: skip
LOG_TIMES = (1, 11)
FIXED_LENGTH_BYTES = 4


class Framing(Enum):
    """How requests follow one another in a file."""

    NONE = "a request, or several joined, which is one to protobuf"
    VARINT = "the length of each as a number of protobuf"
    FIXED = "the length of each in four bytes, as the collector writes it"


# -- recognising -----------------------------------------------------------------------------------


def framing_of(sample: bytes) -> Framing | None:
    """Return how requests stand in a file that starts like this; None if it holds none.

    The sample may end anywhere, but must reach into the first span or log record.
    """
    if _is_request(sample):
        return Framing.NONE
    size = int.from_bytes(sample[:FIXED_LENGTH_BYTES], "big")
    if size and _is_request(sample[FIXED_LENGTH_BYTES:][:size]):
        return Framing.FIXED
    stream = BytesIO(sample)
    try:
        size = read_varint(stream) or 0
    except (Malformed, EOFError):
        return None
    return Framing.VARINT if _is_request(stream.read(min(size, SAMPLE_BYTES))) else None


def _is_request(sample: bytes) -> bool:
    if not sample.startswith(RESOURCE_TAG):
        return False
    try:
        for field in fields(sample):
            if field.number != 1 or field.type != LENGTH:
                return False
            if _signal(field.content):
                return True
    except Malformed:
        pass
    return False


def _signal(resource: bytes) -> str:
    """Return whether a resource wrote "spans" or "logs", "" if that is not to be seen.

    Raises Malformed.
    """
    for scope in _nested(resource, SCOPES):
        for record in _nested(scope, RECORDS):
            return "spans" if _is_span(record) else "logs" if _is_log(record) else ""
    return ""


def _nested(message: bytes, number: int) -> Iterator[bytes]:
    for field in fields(message):
        if field.type != LENGTH:
            raise Malformed("no OTLP")
        if field.number == number:
            yield field.content


def _is_span(record: bytes) -> bool:
    ids = {field.number: field.size for field in fields(record) if field.type == LENGTH}
    return ids.get(1) == TRACE_ID_BYTES and ids.get(2) == SPAN_ID_BYTES


def _is_log(record: bytes) -> bool:
    found = list(fields(record))
    are_known = all(LOG_FIELDS.get(field.number) == field.type for field in found)
    return are_known and any(field.number in LOG_TIMES for field in found)


# -- reading ---------------------------------------------------------------------------------------


def read_protobuf(file: SourceFile) -> Iterator[Entry]:
    """Yield the spans and log records of a file; raises UnreadableFile."""
    framing = framing_of(sample_of(file)) or Framing.NONE
    number = 0
    with file.open() as stream:
        try:
            for number, message in enumerate(_resources(stream, framing), start=1):
                yield from _read_resource(message, f"{file.name}, record {number}")
        except Malformed as error:
            yield Rejected(f"{file.name}, record {number + 1}", f"not protobuf: {error}")
        except EOFError:
            # Where lengths stand before requests, the last one is still being written.
            if framing is Framing.NONE:
                place = f"{file.name}, record {number + 1}"
                yield Rejected(place, "the file ends in the middle of it")


def _resources(stream: IO[bytes], framing: Framing) -> Iterator[bytes | None]:
    """Yield the resources of a stream, None for one too long; raises Malformed, EOFError."""
    if framing is Framing.NONE:
        yield from _resources_of_request(stream)
        return
    while (size := _read_length(stream, framing)) is not None:
        request = _read(stream, size)
        if request is None:
            yield None
        else:
            yield from _resources_of_request(BytesIO(request))


def _read_length(stream: IO[bytes], framing: Framing) -> int | None:
    if framing is Framing.VARINT:
        return read_varint(stream)
    length = stream.read(FIXED_LENGTH_BYTES)
    if length and len(length) < FIXED_LENGTH_BYTES:
        raise EOFError
    return int.from_bytes(length, "big") if length else None


def _resources_of_request(stream: IO[bytes]) -> Iterator[bytes | None]:
    while (tag := stream.read(1)) != b"":
        size = read_varint(stream)
        if size is None:
            raise EOFError
        if tag != RESOURCE_TAG:
            raise Malformed(f"a field {tag.hex()} that a request has not")
        yield _read(stream, size)


def _read(stream: IO[bytes], size: int) -> bytes | None:
    """Return so many bytes, None instead of too many; raises EOFError if there are fewer."""
    if size <= MAX_MESSAGE_BYTES:
        content = stream.read(size)
        if len(content) < size:
            raise EOFError
        return content
    while size:
        passed = len(stream.read(min(size, CHUNK_BYTES)))
        if not passed:
            raise EOFError
        size -= passed
    return None


def _read_resource(message: bytes | None, place: str) -> Iterator[Entry]:
    # Only here: it takes long to load, and most imports hold no protobuf.
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

    if message is None:
        yield Rejected(place, TOO_LONG)
        return
    try:
        match _signal(message[:SAMPLE_BYTES]):
            case "spans":
                yield from _read_spans(ResourceSpans.FromString(message), place)
            case "logs":
                yield from _read_logs(ResourceLogs.FromString(message), place)
    except (DecodeError, Malformed, Unusable) as error:
        content = RESOURCE_TAG + written_varint(len(message)) + message
        yield Rejected(place, f"not protobuf: {error}", content)


def _read_spans(message: Any, place: str) -> Iterator[Entry]:
    resource = _attributes(message.resource)
    numbers = count(1)
    for scope in message.scope_spans:
        label = scope_label(clean_text(scope.scope.name), clean_text(scope.scope.version))
        for span, number in zip(scope.spans, numbers, strict=False):
            where = f"{place}, span {number}"
            try:
                entry = _read_span(span, where)
            except Unusable as error:
                alone = type(message)(resource=message.resource)
                alone.scope_spans.add(scope=scope.scope).spans.append(span)
                yield Rejected(where, str(error), _as_request(alone))
            else:
                entry.resource, entry.scope = resource, label
                yield entry


def _read_logs(message: Any, place: str) -> Iterator[Entry]:
    resource = _attributes(message.resource)
    numbers = count(1)
    for scope in message.scope_logs:
        label = scope_label(clean_text(scope.scope.name), clean_text(scope.scope.version))
        for log, number in zip(scope.log_records, numbers, strict=False):
            where = f"{place}, log record {number}"
            try:
                entry = _read_log(log, where)
            except Unusable as error:
                alone = type(message)(resource=message.resource)
                alone.scope_logs.add(scope=scope.scope).log_records.append(log)
                yield Rejected(where, str(error), _as_request(alone))
            else:
                entry.resource, entry.scope = resource, label
                yield entry


def _as_request(resource: Any) -> bytes:
    """Return a request that holds one resource."""
    message = resource.SerializeToString()
    return RESOURCE_TAG + written_varint(len(message)) + message


def _read_span(span: Any, place: str) -> Span:
    return Span(
        _id(span.trace_id),
        _id(span.span_id),
        place,
        _id(span.parent_span_id),
        clean_text(span.name),
        nanoseconds(span.start_time_unix_nano),
        nanoseconds(span.end_time_unix_nano),
        _attributes(span),
        [_read_event(event) for event in span.events],
        ERROR if span.status.code == ERROR else 0,
        clean_text(span.status.message),
    )


def _read_event(event: Any) -> Event:
    return Event(clean_text(event.name), nanoseconds(event.time_unix_nano), _attributes(event))


def _read_log(log: Any, place: str) -> Log:
    return Log(
        _id(log.trace_id),
        _id(log.span_id),
        place,
        clean_text(log.event_name),
        nanoseconds(log.time_unix_nano or log.observed_time_unix_nano),
        _value(log.body, MAX_VALUE_DEPTH) if log.HasField("body") else None,
        _attributes(log),
    )


def _attributes(message: Any) -> Attributes:
    return _pairs(message.attributes, MAX_VALUE_DEPTH)


def _pairs(pairs: Any, room: int) -> Attributes:
    return {clean_text(pair.key): _value(pair.value, room) for pair in pairs}


def _value(value: Any, room: int) -> Any:
    """Return what a typed value holds; None if it is empty or of a type not known here."""
    if not room:
        raise Unusable(TOO_DEEP)
    match value.WhichOneof("value"):
        case "string_value":
            return clean_text(value.string_value)
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return _number(value.double_value)
        case "array_value":
            return [_value(item, room - 1) for item in value.array_value.values]
        case "kvlist_value":
            return _pairs(value.kvlist_value.values, room - 1)
        case "bytes_value":
            return described(base64.b64encode(value.bytes_value).decode())
    return None


def _number(number: float) -> float | str:
    """Return a number; what JSON has no number for, as OTLP writes it there."""
    if isfinite(number):
        return number
    return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"


def _id(content: bytes) -> str:
    return content.hex() if any(content) else ""
