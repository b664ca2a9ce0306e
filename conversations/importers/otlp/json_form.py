"""OTLP in JSON: a request, a list of them, or one a line."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from ..reading.files import BUFFER_BYTES, SourceFile
from ..reading.json_values import Elements, Line, Refused, line_value, lines
from ..records import Rejected
from ..values.fields import TOO_DEEP, Unusable, kind, list_in, object_in, text_in
from .envelope import (
    ERROR,
    MAX_VALUE_DEPTH,
    Attributes,
    Entry,
    Event,
    Log,
    Span,
    described,
    integer,
    nanoseconds,
    scope_label,
)

BOM = b"\xef\xbb\xbf"
REQUESTS = ("resourceSpans", "resourceLogs")
# Under these names a value may stand, as one of these types.
TYPES = {
    "stringValue": str,
    "boolValue": bool,
    "intValue": int | float | str,
    "doubleValue": int | float | str,
    "arrayValue": dict,
    "kvlistValue": dict,
    "bytesValue": str,
}
HEXADECIMAL = frozenset("0123456789abcdef")
# Protobuf's own JSON, which some write instead, has names of enumerated values and ids in base64.
ERROR_CODES = (ERROR, "STATUS_CODE_ERROR")


def read_json(file: SourceFile) -> Iterator[Entry]:
    """Yield the spans and log records of a file; raises UnreadableFile."""
    first, second = _first_lines(file)
    if first.startswith(b"["):
        yield from _read_elements(file, REQUESTS[0])
    elif second and (_is_whole(first) or _begins_value(first, second)):
        yield from _read_lines(file)
    else:
        for number, key in enumerate(_keys_in(file)):
            yield from _read_elements(file, key, counted=not number)


def _first_lines(file: SourceFile) -> tuple[bytes, bytes]:
    with file.open(counted=False) as stream:
        found = lines(stream)
        first, second = (next(found, Line(0, b"")).content.strip() for _ in range(2))
    return first.removeprefix(BOM), second


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(line_value(Line(1, line)), dict)
    except Unusable:
        return False


def _begins_value(first: bytes, second: bytes) -> bool:
    """Say whether the second line begins a value of its own, though the first is broken."""
    return second.startswith(b"{") and not first.endswith((b"[", b"{", b",", b":"))


def _keys_in(file: SourceFile) -> list[str]:
    """Return the names of lists of requests in a file; a text that quotes one has it escaped."""
    wanted = {f'"{name}"'.encode(): name for name in REQUESTS}
    found: set[str] = set()
    with file.open(counted=False) as stream:
        before = b""
        while chunk := stream.read(BUFFER_BYTES):
            chunk = before + chunk
            found.update(name for quoted, name in wanted.items() if quoted in chunk)
            before = chunk[-max(map(len, wanted)) :]
    return [name for name in REQUESTS if name in found]


def _read_lines(file: SourceFile) -> Iterator[Entry]:
    with file.open() as stream:
        for line in lines(stream):
            place = f"{file.name}, line {line.number}"
            try:
                value = line_value(line)
            except Unusable as error:
                # A last line without newline is still being written.
                if line.is_whole:
                    yield Rejected(place, str(error), line.content)
                continue
            yield from _rejecting(value, place, partial(bytes, line.content))


def _read_elements(file: SourceFile, key: str, *, counted: bool = True) -> Iterator[Entry]:
    number = 0
    try:
        with file.open(counted=counted) as stream:
            elements = Elements(stream, key)
            for number, value in enumerate(elements, start=1):
                yield from _rejecting(value, f"{file.name}, record {number}", elements.verbatim)
    except Unusable as error:
        yield Rejected(f"{file.name}, record {number + 1}", str(error))


def _rejecting(value: Any, place: str, verbatim: Callable[[], bytes]) -> Iterator[Entry]:
    """Yield what a value holds; Rejected if it is no request, as the file has it."""
    try:
        if isinstance(value, Refused):
            raise Unusable(value.reason)
        yield from _read_request(value, place)
    except Unusable as error:
        yield Rejected(place, str(error), verbatim())


def _read_request(value: Any, place: str) -> Iterator[Entry]:
    """Yield what a request holds, or an element of its list. Raises Unusable."""
    if not isinstance(value, dict):
        raise Unusable(f"a request is {kind(value)}, not an object")
    number = 0
    for request in REQUESTS:
        signal = request.removeprefix("resource")
        elements = [value] if f"scope{signal}" in value else list_in(value, request)
        for element in elements:
            for entry in _read_resource(element, signal, place, number):
                number += 1
                yield entry


def _read_resource(value: Any, signal: str, place: str, number: int) -> Iterator[Entry]:
    element = _object(value, f"resource{signal}")
    name = "spans" if signal == "Spans" else "logRecords"
    raw_resource = object_in(element, "resource")
    resource = _attributes(raw_resource)
    for scope in list_in(element, f"scope{signal}"):
        raw_scope = object_in(_object(scope, f"scope{signal}"), "scope")
        label = scope_label(text_in(raw_scope, "name"), text_in(raw_scope, "version"))
        for record in list_in(scope, name):
            number += 1
            where = f"{place}, {'span' if signal == 'Spans' else 'log record'} {number}"
            try:
                read = _read_span if signal == "Spans" else _read_log
                entry = read(_object(record, name), where)
            except Unusable as error:
                alone = {"scope": raw_scope, name: [record]}
                wrapped = {"resource": raw_resource, f"scope{signal}": [alone]}
                yield Rejected(where, str(error), _dumped({f"resource{signal}": [wrapped]}))
            else:
                entry.resource, entry.scope = resource, label
                yield entry


def _read_span(record: dict[str, Any], place: str) -> Span:
    status = object_in(record, "status")
    return Span(
        _id_in(record, "traceId", 16),
        _id_in(record, "spanId", 8),
        place,
        _id_in(record, "parentSpanId", 8),
        text_in(record, "name"),
        nanoseconds(record.get("startTimeUnixNano")),
        nanoseconds(record.get("endTimeUnixNano")),
        _attributes(record),
        [_read_event(_object(event, "an event")) for event in list_in(record, "events")],
        ERROR if status.get("code") in ERROR_CODES else 0,
        text_in(status, "message"),
    )


def _read_event(record: dict[str, Any]) -> Event:
    time = nanoseconds(record.get("timeUnixNano"))
    return Event(text_in(record, "name"), time, _attributes(record))


def _read_log(record: dict[str, Any], place: str) -> Log:
    body = record.get("body")
    return Log(
        _id_in(record, "traceId", 16),
        _id_in(record, "spanId", 8),
        place,
        text_in(record, "eventName"),
        nanoseconds(record.get("timeUnixNano")) or nanoseconds(record.get("observedTimeUnixNano")),
        None if body is None else _value(body, MAX_VALUE_DEPTH),
        _attributes(record),
    )


def _attributes(record: dict[str, Any]) -> Attributes:
    return _pairs(list_in(record, "attributes"), MAX_VALUE_DEPTH)


def _pairs(pairs: list[Any], room: int) -> Attributes:
    found = {}
    for pair in pairs:
        pair = _object(pair, "an attribute")
        value = pair.get("value")
        found[text_in(pair, "key")] = None if value is None else _value(value, room)
    return found


def _value(value: Any, room: int) -> Any:
    """Return what a typed value holds; None if it is empty or of a type not known here."""
    value = _object(value, "a value")
    if not room:
        raise Unusable(TOO_DEEP)
    for name, type in TYPES.items():
        held = value.get(name)
        if held is None:
            continue
        if not isinstance(held, type):
            raise Unusable(f"{name} is {kind(held)}")
        if name == "arrayValue":
            return [None if v is None else _value(v, room - 1) for v in list_in(held, "values")]
        if name == "kvlistValue":
            return _pairs(list_in(held, "values"), room - 1)
        if name == "intValue":
            return integer(held)
        if name == "doubleValue":
            return float(held) if isinstance(held, int) else held
        return described(held) if name == "bytesValue" else held
    return None


def _id_in(record: dict[str, Any], key: str, size: int) -> str:
    """Return an id in lower-case hex; "" if it is missing or all zero, which is no id."""
    id = text_in(record, key)
    lowered = id.lower()
    if not HEXADECIMAL.issuperset(lowered):
        try:
            content = base64.b64decode(id, validate=True)
        except (binascii.Error, ValueError):
            return id
        lowered = content.hex() if len(content) == size else id
    return lowered if lowered.strip("0") else ""


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(f"{name} is {kind(value)}, not an object")
    return value


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # nested too deep
        return b""


# -- writing ---------------------------------------------------------------------------------------


def as_request(entry: Span | Log) -> bytes:
    """Return a request with this one span or log record, for another try."""
    if isinstance(entry, Span):
        signal, name, record = "Spans", "spans", _span_record(entry)
    else:
        signal, name, record = "Logs", "logRecords", _log_record(entry)
    scope = {"scope": {"name": entry.scope}, name: [record]}
    resource = {"resource": {"attributes": _typed_pairs(entry.resource)}, f"scope{signal}": [scope]}
    return _dumped({f"resource{signal}": [resource]})


def _span_record(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _typed_pairs(span.attributes),
        "events": [
            {
                "name": event.name,
                "timeUnixNano": str(event.time),
                "attributes": _typed_pairs(event.attributes),
            }
            for event in span.events
        ],
        "status": {"code": span.status_code, "message": span.status_message},
    }


def _log_record(log: Log) -> dict[str, Any]:
    return {
        "traceId": log.trace_id,
        "spanId": log.span_id,
        "eventName": log.name,
        "timeUnixNano": str(log.time),
        "body": _typed(log.body),
        "attributes": _typed_pairs(log.attributes),
    }


def _typed_pairs(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _typed(value)} for key, value in attributes.items()]


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_typed(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": _typed_pairs(value)}}
    return {}
