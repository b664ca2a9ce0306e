"""What the database holds already, and what a new copy of it changes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from conversations.importers.records import MessageRecord
from conversations.models.sessions import TOKEN_COLUMNS

USAGE = (*TOKEN_COLUMNS, "cost")
COMPARED = (
    *("role", "content_type", "latency_ms", "finish_reason", "error_message"),
    *("is_active_path", "is_hidden", "is_sidechain"),
)

KNOWN = """
    SELECT message_uuid, id, session_id, is_sidechain, input_tokens, output_tokens
    FROM messages
    WHERE message_uuid IN {listed}
"""
IN_SESSIONS = f"""
    SELECT session_id, id, message_uuid, sequence_number, external_id, content, tool_calls,
           metadata, {", ".join(COMPARED)}, input_tokens, output_tokens
    FROM messages
    WHERE session_id IN {{listed}}
"""


class Known:
    """A message that is stored already, or will be by this chunk: then `record` is what it is."""

    __slots__ = ("id", "input_tokens", "is_sidechain", "output_tokens", "record", "session_id")

    def __init__(self, id, session_id, is_sidechain, input_tokens, output_tokens, record=None):
        self.id = id
        self.session_id = session_id
        self.is_sidechain = is_sidechain
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.record: MessageRecord | None = record


class Stored(NamedTuple):
    """A row of IN_SESSIONS; `tool_calls` and `metadata` are JSON text."""

    session_id: int
    id: int
    message_uuid: str
    sequence_number: int
    external_id: str | None
    content: str
    tool_calls: str | None
    metadata: str
    role: str
    content_type: str
    latency_ms: int | None
    finish_reason: str
    error_message: str
    is_active_path: bool
    is_hidden: bool
    is_sidechain: bool
    input_tokens: int | None
    output_tokens: int | None


def known_messages(cursor, database, uuids: Iterable[str]) -> dict[str, Known]:
    """Return those of the messages with these ids that are stored, by id."""
    cursor.execute(*database.with_list(KNOWN, uuids))
    return {uuid: Known(*values) for uuid, *values in cursor.fetchall()}


def messages_of(cursor, database, session_ids: Iterable[int]) -> dict[int, list[Stored]]:
    """Return the stored messages of these sessions, by session."""
    found = defaultdict(list)
    ids = list(session_ids)
    if ids:
        cursor.execute(*database.with_list(IN_SESSIONS, ids))
        for row in cursor.fetchall():
            found[row[0]].append(Stored(*row))
    return found


def rank(message: Any) -> tuple[bool, int]:
    """Order copies of one response: the main conversation's first, then the greatest usage."""
    return not message.is_sidechain, (message.input_tokens or 0) + (message.output_tokens or 0)


def usage(record: MessageRecord) -> dict[str, Any]:
    """Return the columns that say what a message used and cost."""
    return {name: getattr(record, name) for name in USAGE}


def to_json(value: Any) -> str | None:
    """Return `value` as JSON text; None stays None."""
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number beyond 64 bits
        return json.dumps(value, ensure_ascii=False)


def differences(stored: Stored, record: MessageRecord) -> dict[str, Any]:
    """Return the columns in which a newer copy of a stored message differs, with their values."""
    found = {
        name: value
        for name in COMPARED
        # What a copy does not say, another has said: a trace repeats an answer without its times.
        if (value := getattr(record, name)) != getattr(stored, name) and value not in (None, "")
    }
    # A message that was still being written when it was imported has grown since.
    if not stored.content.startswith(record.content):
        found["content"] = record.content
    if record.tool_calls and to_json(record.tool_calls) != stored.tool_calls:
        before = json.loads(stored.tool_calls or "[]")
        if len(record.tool_calls) > len(before):
            found["tool_calls"] = record.tool_calls
    if record.metadata and to_json(record.metadata) != stored.metadata:
        before = json.loads(stored.metadata)
        merged = before | record.metadata
        if merged != before:
            found["metadata"] = merged
    if rank(record) > rank(stored):
        found |= usage(record)
    return found
