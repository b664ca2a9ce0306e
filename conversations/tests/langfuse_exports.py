"""Exports of Langfuse, made for tests."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from conversations.importers import langfuse
from conversations.importers.records import SessionRecord

from .chat_exports import read_bytes

HELLO = [{"role": "user", "content": "hello"}]
ANSWER = {"role": "assistant", "content": "Hi!"}


def at(second: float) -> str:
    return f"2026-03-01T10:00:{second:06.3f}Z"


def generation(id: str = "g1", second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "traceId": "t1",
        "projectId": "p1",
        "parentObservationId": None,
        "type": "GENERATION",
        "name": "chat",
        "startTime": at(second),
        "endTime": at(second + 1.5),
        "latency": 1707,
        "model": "gpt-4o",
        "input": HELLO,
        "output": ANSWER,
        "usageDetails": {"input": 5, "output": 2, "total": 7},
        "totalCost": 0.25,
        "level": "DEFAULT",
    } | more


def tool(id: str, second: int, **more: Any) -> dict[str, Any]:
    return generation(id, second, type="TOOL", model=None, usageDetails={}, totalCost=0, **more)


def trace(*observations: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "t1",
        "projectId": "p1",
        "name": "answer a question",
        "timestamp": at(0),
        "environment": "default",
        "tags": ["beta"],
        "userId": "u1",
        "sessionId": None,
        "input": None,
        "output": None,
        "metadata": None,
        "observations": list(observations),
    } | more


def as_csv(*rows: dict[str, Any]) -> bytes:
    """A table as Langfuse exports it: every field in quotes, nested values as JSON text."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(
            json.dumps(value) if isinstance(value, dict | list) else "" if value is None else value
            for value in row.values()
        )
    return text.getvalue().encode()


def sessions_of(*values: Any) -> list[SessionRecord]:
    items = read_bytes(langfuse, b"\n".join(json.dumps(value).encode() for value in values) + b"\n")
    assert all(isinstance(item, SessionRecord) for item in items), items
    return items


def session_of(*values: Any) -> SessionRecord:
    [session] = sessions_of(*values)
    return session


def answer_of(**more: Any) -> Any:
    return session_of(generation(**more)).messages[-1]
