"""What a message says, in one form for all origins: text, thoughts, calls of tools, results.

JSON columns may hold anything that is JSON, so nothing here expects a certain shape.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from conversations.models.choices import Role
from conversations.reading import Row

from .own import line

TOOL_ROLES = (Role.TOOL, Role.FUNCTION)
NAMES = ("name", "title", "file_name", "pointer", "media_type", "type")  # of an attachment


@dataclass(slots=True)
class Call:
    """A call of a tool; `arguments` are an object wherever they could be read as one."""

    id: str
    name: str
    arguments: Any


@dataclass(slots=True)
class Result:
    """What a tool gave back to a call."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(slots=True)
class Turn:
    """What one message says."""

    role: str
    text: str = ""
    thinking: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)


def turn(message: Row) -> Turn:
    """Return what a message says, with its text where it belongs: often it is a tool's result."""
    metadata = message["metadata"] if isinstance(message["metadata"], dict) else {}
    role, text = message["role"], message["content"]
    found = Turn(
        "tool" if role in TOOL_ROLES else role,
        thinking=[as_text(thought) for thought in _listed(metadata.get("thinking"))],
        calls=[
            _call(call)
            for column in ("tool_calls", "function_call")
            for call in _listed(message[column])
        ],
        results=[_result(result) for result in _listed(metadata.get("tool_results"))],
        attachments=[_name(attached) for attached in _listed(metadata.get("attachments"))],
    )
    if role in TOOL_ROLES or message["content_type"] == "tool_result":
        found.results += _results_in(text, metadata, bool(message["error_message"]))
    elif message["content_type"] == "thinking":
        found.thinking.append(text)
    elif not any(text in _values(call) for call in found.calls):  # else the call itself says it
        found.text = text
    return found


def answering(session: Row, message: Row) -> Row:
    """Return which of the two names the model of a message: an answer has the session's."""
    is_without = message["model_name"] is None and message["role"] == Role.ASSISTANT
    return session if is_without else message


def as_text(value: Any) -> str:
    """Return a text as it is, and any other JSON value as JSON for people."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def json_text(value: Any) -> str:
    """Return a JSON value as JSON in one line."""
    return line(value)[:-1].decode("utf-8", "replace")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _call(value: Any) -> Call:
    """Read `{"name", "arguments"}`, which OpenAI wraps into `{"function": …}`."""
    if not isinstance(value, dict):
        return Call("", "", value)
    inner = value.get("function")
    inner = inner if isinstance(inner, dict) else value
    id, name = value.get("id"), inner.get("name")
    return Call(
        id if isinstance(id, str) else "",
        name if isinstance(name, str) else "",
        _decoded(inner.get("arguments", inner.get("input", {}))),
    )


def _decoded(arguments: Any) -> Any:
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):  # cut short, or no JSON after all
            return json.loads(arguments)
    return {} if arguments is None else arguments


def _values(call: Call) -> list[Any]:
    return list(call.arguments.values() if isinstance(call.arguments, dict) else [call.arguments])


def _result(value: Any) -> Result:
    if not isinstance(value, dict):
        return Result("", as_text(value))
    id = value.get("id")
    return Result(
        id if isinstance(id, str) else "",
        as_text(value.get("text", value)),
        value.get("is_error") is True,
    )


def _results_in(text: str, metadata: Row, has_error: bool) -> list[Result]:
    """Return the results that one text tells; that of several calls goes to the first of them."""
    is_error = has_error or metadata.get("is_error") is True
    ids = [id for id in _listed(metadata.get("tool_call_ids")) if isinstance(id, str)] or [""]
    return [Result(id, "" if place else text, is_error) for place, id in enumerate(ids)]


def _name(attached: Any) -> str:
    if isinstance(attached, dict):
        attached = next((attached[key] for key in NAMES if attached.get(key)), attached)
    return as_text(attached)
