"""Logs of requests to models and what they answered, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..chat import (
    Call,
    Conversation,
    Response,
    Turn,
    error_text,
    in_order,
    name_in,
    parsed,
    read_request,
    read_response,
)
from ..reading.dataset_rows import content_id
from ..records import Item, SessionRecord
from ..values.fields import Unusable, count_of, kind, present
from ..values.inline import without_bytes
from .transcripts import MODELS, TIMES, time_in, tools_in

CONVERSATION_IDS = (
    *("conversation_id", "conversationId", "session_id", "sessionId"),
    *("thread_id", "threadId", "chat_id"),
)
LATENCIES = ("latency_ms", "duration_ms", "response_time_ms")
MAPPED = {"request", "response", "error", "provider", *LATENCIES, *CONVERSATION_IDS, *TIMES}
# What a request says that is no setting of it.
SAID = {"messages", "input", "contents", "prompt", "system", "instructions", "tools", "functions"}


class RequestLog:
    """The requests of a file that name the conversation they belong to; the others stand alone."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[str, list[Call], Any]] = {}

    def take(self, row: dict[str, Any], place: str) -> Iterator[Item]:
        """Take a row; yield its session if it is one of its own. Raises Unusable."""
        request = row
        if row.get("request") is not None:
            request = _body(row["request"])
        if not isinstance(request, dict):
            raise Unusable(f"the request is {kind(request)}, not an object")
        call = _read_call(row, request)
        tools = tools_in(request)
        id = name_in(row, *CONVERSATION_IDS)
        if not id and isinstance(metadata := row.get("metadata"), dict):
            id = name_in(metadata, *CONVERSATION_IDS)
        if id:
            _, calls, _ = self._calls.setdefault(id, (place, [], tools))
            calls.append(call)
        else:
            yield _session(call.id, place, [call], tools)

    def sessions(self) -> Iterator[SessionRecord]:
        """Yield the sessions of those that name one."""
        for id, (place, calls, tools) in self._calls.items():
            yield _session(id, place, calls, tools)


def _session(id: str, place: str, calls: list[Call], tools: Any) -> SessionRecord:
    conversation = Conversation(id)
    for call in in_order(calls):
        conversation.add(call)
    return conversation.session(place, metadata=present({"tools": tools}))


def _read_call(row: dict[str, Any], request: dict[str, Any]) -> Call:
    response = _response(row.get("response"))
    rest = {name: row[name] for name in sorted(row.keys() - MAPPED)} if row is not request else {}
    settings = {name: request[name] for name in sorted(request.keys() - SAID - MAPPED)}
    return Call(
        content_id(row),
        said=read_request(request),
        answered=response.turns,
        started_at=time_in(row) or response.time,
        latency_ms=next(
            (ms for name in LATENCIES if (ms := count_of(row.get(name))) is not None),
            response.latency_ms,
        ),
        provider=name_in(row, "provider"),
        model=response.model or name_in(request, *MODELS) or name_in(row, *MODELS),
        usage=response.usage,
        error=response.error or error_text(row.get("error")),
        metadata=without_bytes(
            present(
                {
                    "response_id": response.id,
                    "response": response.facts,
                    "request": present(settings),
                    "extra": present(rest),
                }
            )
        ),
    )


def _response(value: Any) -> Response:
    value = _body(value)
    if value is None:
        return Response()
    if isinstance(value, str):
        return Response([Turn("assistant", [value])])
    return read_response(value)


def _body(value: Any) -> Any:
    """Return the body of a request or response, which may stand inside it and be JSON text."""
    value = parsed(value) if isinstance(value, str) else value
    if isinstance(value, dict) and isinstance(value.get("body"), dict | str):
        value = value["body"]
        value = parsed(value) if isinstance(value, str) else value
    return value
