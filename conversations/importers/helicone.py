"""Requests that Helicone logged: JSON Lines, a list, an answer of its API, or a CSV table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from .chat import (
    Call,
    Conversation,
    Response,
    as_text,
    decoded,
    in_order,
    name_in,
    read_question,
    read_response,
    settings_of,
)
from .reading.csv_rows import header_of
from .reading.files import SourceFile
from .reading.rows import each_row
from .reading.shape import shape_of
from .records import Item, Rejected, SessionRecord, Skipped
from .usage import Usage, checked, recorded_cost
from .values.fields import Unusable, count_of, number_of, present, text_in
from .values.inline import without_bytes
from .values.text import as_title, read_time

LABEL = "Helicone export"

WRAPPER = "data"
TIMES = ("request_created_at", "response_created_at")
IDS = ("request_id", "response_id")
SESSION_ID = "helicone-session-id"
SESSION_NAME = "helicone-session-name"
SESSION_PATH = "helicone-session-path"
USER_ID = "helicone-user-id"
MAPPED = {
    *IDS, *TIMES, "request_body", "response_body", "request_properties", "properties",
    "request_user_id", "user_id", "request_model", "response_model", "model_override", "model",
    "provider", "delay_ms", "latency", "time_to_first_token", "total_tokens", "prompt_tokens",
    "completion_tokens", "prompt_cache_write_tokens", "prompt_cache_read_tokens", "costUSD", "cost",
    "reasoning_tokens", "response_status", "status",
}  # fmt: skip
NOISE = {"signed_body_url", "helicone_user", "asset_urls", "llmSchema", "organization_id"}
OK = range(200, 300)


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of logged requests."""
    if columns := header_of(sample):
        return bool(columns & set(IDS)) and bool(columns & set(TIMES))
    shape = shape_of(sample)
    return any(
        any(shape.has(f"{place}{name}") for name in TIMES)
        and any(shape.has(f"{place}{name}") for name in IDS)
        for place in ("", "[].", "data[].")
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, a file at a time."""
    for file in files:
        reader = _Reader()
        yield from each_row(file, WRAPPER, reader.take)
        yield from reader.sessions()


class _Reader:
    """Gathers the requests of a file by their sessions."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Call]] = {}
        self._places: dict[str, str] = {}
        self._columns: dict[str, dict[str, Any]] = {}

    def take(self, row: dict[str, Any], place: str) -> Iterator[Rejected]:
        """Take a request; raises Unusable."""
        if not row.keys() & {*IDS, *TIMES}:
            raise Unusable("no logged request: it has neither an id nor a time")
        properties = _properties(row)
        call = _read_call(row, properties)
        session_id = properties.get(SESSION_ID) or call.id
        self._calls.setdefault(session_id, []).append(call)
        self._places.setdefault(session_id, place)
        columns = self._columns.setdefault(session_id, {"title": "", "metadata": {}})
        columns["title"] = columns["title"] or as_title(properties.get(SESSION_NAME, ""))
        user = text_in(row, "request_user_id") or text_in(row, "user_id")
        if user := user or properties.get(USER_ID, ""):
            columns["metadata"].setdefault("user", user)
        return iter(())

    def sessions(self) -> Iterator[SessionRecord | Skipped]:
        """Yield the sessions of the requests that were taken."""
        for id, calls in self._calls.items():
            conversation = Conversation(id)
            for call in in_order(calls):
                conversation.add(call)
            yield conversation.session(self._places[id], **self._columns[id])


def _properties(row: dict[str, Any]) -> dict[str, str]:
    """Return the properties of a request by their names in small letters."""
    found: dict[str, str] = {}
    for name in ("properties", "request_properties"):
        value = decoded(row.get(name))
        if isinstance(value, dict):
            found |= {key.lower(): as_text(text) for key, text in value.items()}
    return found


def _read_call(row: dict[str, Any], properties: dict[str, str]) -> Call:
    request, response = decoded(row.get("request_body")), decoded(row.get("response_body"))
    answer, rest = _answer(response)
    usage = answer.usage if not answer.usage.says_nothing else _usage(row)
    costs = (recorded_cost(row.get(name), usage) for name in ("costUSD", "cost"))
    models = (text_in(row, name) for name in ("response_model", "model", "request_model"))
    asked = name_in(request, "model") if isinstance(request, dict) else ""
    return Call(
        _id(row),
        said=read_question(request) if request else [],
        answered=answer.turns,
        started_at=read_time(row.get("request_created_at") or row.get("response_created_at")),
        latency_ms=_latency(row),
        provider=text_in(row, "provider").lower(),
        model=answer.model or next(filter(None, models), "") or asked,
        usage=usage,
        cost=next((cost for cost in costs if cost is not None), None),
        error=answer.error or _failure(row),
        metadata=_metadata(row, properties, settings_of(request), answer, rest),
    )


def _id(row: dict[str, Any]) -> str:
    """Return the id of a request; a table may have that of the response alone, or none."""
    for name in IDS:
        if id := text_in(row, name):
            return id
    return hashlib.sha256(as_text(dict(sorted(row.items()))).encode()).hexdigest()


def _answer(body: Any) -> tuple[Response, Any]:
    """Return what a response says, and the body itself if it is none of a known kind."""
    if not body:
        return Response(), None
    if not isinstance(body, dict):
        return Response(), without_bytes(body)
    answer = read_response(body)
    is_known = answer.turns or answer.error
    return answer, None if is_known else without_bytes(body)


def _usage(row: dict[str, Any]) -> Usage:
    """Return the counts of the row itself: 0 and 0 stand for nothing counted."""
    names = ("prompt_tokens", "completion_tokens", "prompt_cache_read_tokens")
    names += ("prompt_cache_write_tokens", "reasoning_tokens")
    sent, generated, read, written, thought = (count_of(number_of(row.get(n))) for n in names)
    if not sent and not generated:
        return Usage()
    cached = (read or 0) + (written or 0)
    is_beside = text_in(row, "provider").lower() in ("anthropic", "bedrock")
    if sent is not None and (is_beside or cached > sent):
        sent += cached
    return checked(
        {name: row[name] for name in names if name in row},
        input=sent, output=generated, cache_read=read, cache_write_5m=written, reasoning=thought,
    )  # fmt: skip


def _latency(row: dict[str, Any]) -> int | None:
    for name in ("delay_ms", "latency"):
        value = number_of(row.get(name))
        if isinstance(value, int | float) and (count := count_of(round(value))) is not None:
            return count
    return None


def _failure(row: dict[str, Any]) -> str:
    """Return the status of a response that is none of success, "" for the others."""
    status = count_of(number_of(row.get("response_status", row.get("status"))))
    return "" if status is None or status in OK else f"status {status}"


def _metadata(
    row: dict[str, Any],
    properties: dict[str, str],
    settings: dict[str, Any],
    answer: Response,
    response: Any,
) -> dict[str, Any]:
    rest = {name: row[name] for name in row.keys() - MAPPED - NOISE}
    named = (SESSION_ID, SESSION_NAME, USER_ID)
    rest |= {
        "properties": {name: properties[name] for name in properties if name not in named},
        "request": settings,
        "response": response,
        **answer.facts,
    }
    first_token = count_of(number_of(row.get("time_to_first_token")))
    return present(
        {
            "time_to_first_token_ms": first_token or None,
            "extra": without_bytes(present(dict(sorted(rest.items())))),
        }
    )
