"""Sessions as traces of OpenTelemetry: OTLP in JSON, a request a line.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/

A session is a trace, and each answer of a model a span of it, without one around them. Of what was
said before an answer, a span has the whole path from the root if that is at most CONTEXT messages,
else the last CONTEXT of it. The cost is written as pydantic-ai does, `operation.cost`, in USD.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from conversations.models.choices import Role
from conversations.reading import Row

from .chats import Chat
from .own import line
from .turns import Turn, answering, json_text, turn

CONTEXT = 50
SPANS_AT_ONCE = 100
CLIENT, ERROR = 3, 2  # SPAN_KIND_CLIENT, STATUS_CODE_ERROR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 2**64 - 1  # ns: the field has no sign and 64 bits
UNKNOWN_SERVICE = "unknown_service"  # what OpenTelemetry writes where there is no name


class Said(NamedTuple):
    """A message of a span, already as JSON: it stands in the spans of all answers behind it."""

    role: str
    json: str


Path = tuple[Said, ...]


def as_otlp(chats: Iterable[Chat]) -> Iterator[bytes]:
    """Yield requests with the spans of one session each, of a long one several."""
    for chat in chats:
        spans = (_span(chat.session, *call) for call in _calls(chat))
        while some := list(islice(spans, SPANS_AT_ONCE)):
            yield line(_request(chat.session, some))


def _request(session: Row, spans: list[Row]) -> Row:
    resource = {"service.name": session["project_name"] or UNKNOWN_SERVICE}
    scope = {"scope": {"name": "llm-sessions"}, "spans": spans}
    return {
        "resourceSpans": [
            {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}
        ]
    }


def _span(session: Row, message: Row, before: Path, answered: list[Row]) -> Row:
    model = answering(session, message)["model_name"]
    ended = _nanoseconds(message["timestamp"])
    started = max(0, ended - (message["latency_ms"] or 0) * 1_000_000)
    span = {
        "traceId": blake2b(session["session_uuid"].encode(), digest_size=16).hexdigest(),
        "spanId": blake2b(message["message_uuid"].encode(), digest_size=8).hexdigest(),
        "name": f"chat {model}" if model else "chat",
        "kind": CLIENT,
        "startTimeUnixNano": str(started),
        "endTimeUnixNano": str(ended),
        "attributes": _attributes(_facts(session, message) | _said(session, before, answered)),
    }
    if message["error_message"]:
        span["status"] = {"code": ERROR, "message": message["error_message"]}
    return span


def _facts(session: Row, message: Row) -> Row:
    model = answering(session, message)
    metadata = message["metadata"] if isinstance(message["metadata"], dict) else {}
    written = [message["cache_write_5m_tokens"], message["cache_write_1h_tokens"]]
    known = [count for count in written if count is not None]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": model["provider"],
        "gen_ai.request.model": _text(metadata, "requested_model") or model["model_name"],
        "gen_ai.response.model": model["model_name"],
        "gen_ai.response.id": _text(metadata, "response_id"),
        "gen_ai.response.finish_reasons": list(filter(None, [message["finish_reason"]])),
        "gen_ai.conversation.id": session["session_uuid"],
        "gen_ai.request.temperature": session["temperature"],
        "gen_ai.request.top_p": session["top_p"],
        "gen_ai.request.max_tokens": session["max_tokens"],
        "gen_ai.usage.input_tokens": message["input_tokens"],
        "gen_ai.usage.output_tokens": message["output_tokens"],
        "gen_ai.usage.cache_read.input_tokens": message["cache_read_tokens"],
        "gen_ai.usage.cache_creation.input_tokens": sum(known) if known else None,
        "gen_ai.usage.reasoning.output_tokens": message["reasoning_tokens"],
        "operation.cost": message["cost"],
        "error.type": "_OTHER" if message["error_message"] else None,
    }


def _text(metadata: Row, name: str) -> str:
    value = metadata.get(name)
    return value if isinstance(value, str) else ""


def _said(session: Row, before: Path, answered: list[Row]) -> Row:
    found = {}
    prompt = session["system_prompt"]
    if prompt and all(said.role != Role.SYSTEM for said in before):
        found["gen_ai.system_instructions"] = json_text([{"type": "text", "content": prompt}])
    if before:
        found["gen_ai.input.messages"] = f"[{','.join(said.json for said in before)}]"
    if answered:
        found["gen_ai.output.messages"] = json_text(answered)
    return found


# -- what was said before an answer ----------------------------------------------------------------


def _calls(chat: Chat) -> Iterator[tuple[Row, Path, list[Row]]]:
    """Yield each answer with what was said before it and what it says.

    A message without a parent goes on from the shown path if it is on it itself, and else begins a
    path. The messages are read twice, so that no path is kept longer than something follows on it.
    """
    replies = Counter(message["parent_uuid"] for message in chat.messages())
    paths: dict[str, Path] = {}
    shown: Path = ()
    for message in chat.messages():
        id, parent = message["message_uuid"], message["parent_uuid"]
        is_shown = message["is_active_path"] and not message["is_sidechain"]
        before = paths.get(parent, shown if is_shown else ())
        replies[parent] -= 1
        if not replies[parent]:
            paths.pop(parent, None)
        said = _messages(turn(message))
        if message["role"] == Role.ASSISTANT:
            answers = [part for part in said if part["role"] == Role.ASSISTANT]
            reason = {"finish_reason": message["finish_reason"]}
            yield message, before, [part | reason for part in answers]
        path = (*before, *(Said(part["role"], json_text(part)) for part in said))[-CONTEXT:]
        if replies[id]:
            paths[id] = path
        if is_shown:
            shown = path


def _messages(said: Turn) -> list[Row]:
    """Return what a turn says as messages of parts; what tools gave back is a message of its own.

    https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json
    """
    parts: list[Row] = [{"type": "reasoning", "content": thought} for thought in said.thinking]
    if said.text.strip():
        parts.append({"type": "text", "content": said.text})
    for call in said.calls:
        called = {"id": call.id, "name": call.name, "arguments": call.arguments}
        parts.append({"type": "tool_call", **called})
    results = [
        {"type": "tool_call_response", "id": result.call_id, "response": result.text}
        for result in said.results
    ]
    messages = [{"role": said.role, "parts": parts}, {"role": "tool", "parts": results}]
    if said.role != Role.ASSISTANT:  # a user answers the model's calls before anything else
        messages.reverse()
    return [message for message in messages if message["parts"]]


# -- how OTLP writes values ------------------------------------------------------------------------


def _nanoseconds(time: str) -> int:
    since = datetime.fromisoformat(time).replace(tzinfo=UTC) - EPOCH
    return min(max(0, since // timedelta(microseconds=1) * 1000), LATEST)


def _attributes(values: Row) -> list[Row]:
    """Return named values as OTLP lists them, without those that say nothing."""
    return [
        {"key": name, "value": _typed(value)}
        for name, value in values.items()
        if value not in (None, "", [])
    ]


def _typed(value: Any) -> Row:
    match value:
        case int():
            return {"intValue": str(value)}  # 64 bits are more than a number of JSON holds
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_typed(item) for item in value]}}
    return {"stringValue": value}
