"""Requests of OTLP for tests, written short."""

from __future__ import annotations

import json
from typing import Any

from conversations.importers import otlp
from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import SessionRecord

START = 1_760_000_000_000_000_000
SECOND = 1_000_000_000
TRACE = "5b8efff798038103d269b633813fc60c"


def typed(value: Any) -> dict[str, Any]:
    """A value as OTLP wraps it; an object is what is wrapped already."""
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
            return {"arrayValue": {"values": [typed(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": pairs(value)}}
    return {}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": typed(value)} for key, value in attributes.items()]


def span(
    number: int, attributes: dict[str, Any], *, parent: int = 0, **more: Any
) -> dict[str, Any]:
    """A span of one second that begins `number` seconds after START; `parent` is one's number."""
    return {
        "traceId": TRACE,
        "spanId": span_id(number),
        **({"parentSpanId": span_id(parent)} if parent else {}),
        "name": "work",
        "startTimeUnixNano": str(START + number * SECOND),
        "endTimeUnixNano": str(START + (number + 1) * SECOND),
        "attributes": pairs(attributes),
    } | more


def span_id(number: int) -> str:
    return f"{number:016x}"


def event(name: str, attributes: dict[str, Any] | None = None, *, after_ms: int = 0) -> Any:
    """An event of span 1."""
    time = START + SECOND + after_ms * 1_000_000
    return {"name": name, "timeUnixNano": str(time), "attributes": pairs(attributes or {})}


def log(name: str, body: Any = None, *, on: int = 1, **attributes: Any) -> dict[str, Any]:
    """A log record of the span of this number."""
    return {
        "traceId": TRACE,
        "spanId": span_id(on),
        "observedTimeUnixNano": str(START + on * SECOND),
        "eventName": name,
        "body": typed(body),
        "attributes": pairs(attributes),
    }


def chat(said: Any = "hello", answered: Any = "hi", **more: Any) -> dict[str, Any]:
    """The attributes of a call in the names of today; `said` may be a list of messages."""
    said = [message("user", said)] if isinstance(said, str) else said
    answered = [message("assistant", answered)] if isinstance(answered, str) else answered
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.input.messages": json.dumps(said),
        "gen_ai.output.messages": json.dumps(answered),
    } | more


def usage(sent: int, generated: int) -> dict[str, Any]:
    return {"gen_ai.usage.input_tokens": sent, "gen_ai.usage.output_tokens": generated}


def message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def request(*spans: Any, **resource: Any) -> dict[str, Any]:
    scope = {"scope": {"name": "lib", "version": "1"}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": {"attributes": pairs(resource)}, "scopeSpans": [scope]}]}


def logs_request(*records: Any) -> dict[str, Any]:
    scope = {"scope": {}, "logRecords": list(records)}
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [scope]}]}


def read(*requests: Any) -> list[Any]:
    """What is read from files, each of one request in JSON or of bytes."""
    contents = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests]
    return list(otlp.read([MemoryFile(f"{n}.json", c) for n, c in enumerate(contents, start=1)]))


def session_of(*spans: Any, **resource: Any) -> SessionRecord:
    [session] = read(request(*spans, **resource))
    assert isinstance(session, SessionRecord), session
    return session


def spoken(session: SessionRecord) -> list[tuple[str, str]]:
    return [(said.role, said.content) for said in session.messages]
