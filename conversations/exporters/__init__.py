"""Writing sessions out. An exporter is a function from a session to pieces of text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from conversations import reading
from conversations.models import Session
from conversations.reading import Row

RULE = "=" * 80


def as_json(session: Session) -> Iterator[str]:
    """Yield `{"session": {...}, "messages": [...]}`, a message at a time."""
    yield '{\n  "session": ' + _indented(reading.session_row(session)) + ',\n  "messages": ['
    separator = "\n    "
    for message in reading.conversation(session):
        yield separator + json.dumps(message, ensure_ascii=False)
        separator = ",\n    "
    yield "\n  ]\n}\n"


def _indented(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, indent=2).replace("\n", "\n  ")


def as_markdown(session: Session) -> Iterator[str]:
    """Yield the conversation as Markdown: a head, then a heading and the text of each message."""
    row = reading.session_row(session)
    yield f"# {row['title'] or row['session_uuid']}\n\n"
    for label, value in (
        ("Session", row["session_uuid"]),
        ("Project", row["project_name"]),
        ("Model", row["model_full_name"]),
        ("Status", row["status"]),
        ("Started", row["started_at"]),
        ("Cost", f"${row['total_cost']:.4f}"),
    ):
        if value:
            yield f"- **{label}:** {value}\n"
    if row["system_prompt"]:
        yield f"\n## System prompt\n\n{row['system_prompt']}\n"
    for message in reading.conversation(session):
        yield f"\n## {message['role'].title()} ({second(message)})\n\n{message['content']}\n"
        for line in figures(message):
            yield f"\n*{line}*\n"


def as_text(session: Session) -> Iterator[str]:
    """Yield the conversation as plain text, each message under a ruled head."""
    for message in reading.conversation(session):
        yield f"{RULE}\n[{message['role'].upper()}] {second(message)}\n{RULE}\n"
        yield f"{message['content']}\n\n"
        lines = "".join(f"  {line}\n" for line in figures(message))
        if lines:
            yield f"{lines}\n"


def second(message: Row) -> str:
    """Return the time of a message to the second, `2025-01-08 20:30:45` (UTC)."""
    return message["timestamp"][:19]


def figures(message: Row) -> list[str]:
    """Return what is known of a message's tokens, cost, latency and error, a line each."""
    lines = []
    if message["input_tokens"] is not None or message["output_tokens"] is not None:
        spent = (message["input_tokens"] or 0, message["output_tokens"] or 0)
        lines.append(f"Tokens: {spent[0]} in / {spent[1]} out")
    if message["cost"] is not None:
        lines.append(f"Cost: ${message['cost']:.4f}")
    if message["latency_ms"] is not None:
        lines.append(f"Latency: {message['latency_ms']}ms")
    if message["error_message"]:
        lines.append(f"Error: {message['error_message']}")
    return lines


FORMATS: dict[str, Callable[[Session], Iterator[str]]] = {
    "json": as_json,
    "markdown": as_markdown,
    "text": as_text,
}
