"""What the database holds already, and what a new copy of it changes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
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
TEXTS = "SELECT content, tool_calls, metadata FROM messages WHERE id = %s"
LONGEST_HELD = 100  # characters of a text that takes no more than a digest of it
IN_SESSIONS = f"""
    SELECT session_id, id, message_uuid, sequence_number, external_id IS NOT NULL, content,
           tool_calls, metadata, {", ".join(COMPARED)}, input_tokens, output_tokens
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
    """A row of IN_SESSIONS, of whose long texts only the marks are held.

    `tool_calls` and `metadata` are JSON text.
    """

    session_id: int
    id: int
    message_uuid: str
    sequence_number: int
    is_imported: bool
    content: str | bytes
    tool_calls: str | bytes | None
    metadata: str | bytes
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
    return {uuid: Known(*values) for uuid, *values in cursor}


def messages_of(cursor, database, session_ids: Iterable[int]) -> dict[int, list[Stored]]:
    """Return the stored messages of these sessions, by session."""
    found = defaultdict(list)
    ids = list(session_ids)
    if ids:
        cursor.execute(*database.with_list(IN_SESSIONS, ids))
        for row in cursor:
            found[row[0]].append(Stored(*row[:5], *map(mark, row[5:8]), *row[8:]))
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


def mark(text: str | None) -> str | bytes | None:
    """Return what tells a text from others in little space: itself, or a digest of it."""
    if text is None or len(text) <= LONGEST_HELD:
        return text
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def texts_of(cursor, message_id: int) -> tuple[str, str | None, str]:
    """Return content, tool calls and metadata of a stored message as the database has them."""
    cursor.execute(TEXTS, [message_id])
    return cursor.fetchone()


def differences(cursor, stored: Stored, record: MessageRecord) -> dict[str, Any]:
    """Return the columns in which a newer copy of a stored message differs, with their values."""
    found = {
        name: value
        for name in COMPARED
        # What a copy does not say, another has said: a trace repeats an answer without its times.
        if (value := getattr(record, name)) != getattr(stored, name) and value not in (None, "")
    }
    calls = to_json(record.tool_calls) if record.tool_calls else None
    metadata = to_json(record.metadata) if record.metadata else None
    is_same = mark(record.content) == stored.content
    has_same_calls = calls is None or mark(calls) == stored.tool_calls
    has_same_metadata = metadata is None or mark(metadata) == stored.metadata
    if not (is_same and has_same_calls and has_same_metadata):
        found |= _text_differences(texts_of(cursor, stored.id), record)
    if rank(record) > rank(stored):
        found |= usage(record)
    return found


def _text_differences(texts: tuple[str, str | None, str], record: MessageRecord) -> dict[str, Any]:
    content, calls, metadata = texts
    found: dict[str, Any] = {}
    # A message that was still being written when it was imported has grown since.
    if not content.startswith(record.content):
        found["content"] = record.content
    if record.tool_calls and len(record.tool_calls) > len(json.loads(calls or "[]")):
        found["tool_calls"] = record.tool_calls
    before = json.loads(metadata)
    if (merged := before | record.metadata) != before:
        found["metadata"] = merged
    return found
