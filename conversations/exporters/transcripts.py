"""Sessions for people to read, and as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from conversations.reading import MESSAGE_COLUMNS, SESSION_COLUMNS, Row

from .chats import Chat

RULE = "=" * 80


def as_json(chats: Iterable[Chat]) -> Iterator[str]:
    """Yield an array of `{"session": {...}, "messages": [...]}`."""
    separator = "[\n"
    for chat in chats:
        yield separator
        yield from _object(chat)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def as_json_object(chat: Chat) -> Iterator[str]:
    """Yield the object of one session."""
    yield from _object(chat)
    yield "\n"


def _object(chat: Chat) -> Iterator[str]:
    yield '{\n  "session": ' + _indented(_session_row(chat.session)) + ',\n  "messages": ['
    separator = "\n    "
    for message in chat.messages():
        columns = {name: message[name] for name in MESSAGE_COLUMNS}
        yield separator + json.dumps(columns, ensure_ascii=False)
        separator = ",\n    "
    yield "\n  ]\n}"


def _session_row(session: Row) -> Row:
    columns = {name: session[name] for name in (*SESSION_COLUMNS, "project_name", "model_name")}
    return {**columns, "model_full_name": full_name(session)}


def full_name(row: Row) -> str | None:
    """Return `provider/model` of a session or message, None if it has no model."""
    return row["model_name"] and f"{row['provider']}/{row['model_name']}"


def _indented(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, indent=2).replace("\n", "\n  ")


def as_markdown(chats: Iterable[Chat]) -> Iterator[str]:
    """Yield conversations as Markdown: a head, then a heading and the text of each message."""
    for number, chat in enumerate(chats):
        if number:
            yield "\n---\n\n"
        yield from _markdown(chat)


def _markdown(chat: Chat) -> Iterator[str]:
    row = chat.session
    yield f"# {chat.title}\n\n"
    for label, value in (
        ("Session", row["session_uuid"]),
        ("Project", row["project_name"]),
        ("Model", full_name(row)),
        ("Status", row["status"]),
        ("Started", row["started_at"]),
        ("Cost", f"${row['total_cost']:.4f}"),
    ):
        if value:
            yield f"- **{label}:** {value}\n"
    if row["system_prompt"]:
        yield f"\n## System prompt\n\n{row['system_prompt']}\n"
    for message in chat.messages():
        yield f"\n## {message['role'].title()} ({second(message)})\n\n{message['content']}\n"
        for line in figures(message):
            yield f"\n*{line}*\n"


def as_text(chats: Iterable[Chat]) -> Iterator[str]:
    """Yield conversations as plain text, each message under a ruled head."""
    for number, chat in enumerate(chats):
        if number:
            yield "\n"
        for message in chat.messages():
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
