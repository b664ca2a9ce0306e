"""Messages as a table for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from conversations.downloads import as_csv as rows_as_csv
from conversations.reading import Row

from .chats import Chat
from .turns import answering, json_text

COLUMNS = [
    "session_uuid", "title", "project", "message_uuid", "sequence_number", "role", "timestamp",
    "provider", "model", "content", "content_type", "tool_calls", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "reasoning_tokens",
    "cost", "latency_ms", "finish_reason", "error_message", "is_active_path", "is_hidden",
    "is_sidechain",
]  # fmt: skip


def as_csv(chats: Iterable[Chat]) -> Iterator[str]:
    """Yield lines of CSV, a row for each message, with its session's title and project.

    No cell is taken for a formula. An answer without a model of its own has the session's.
    """
    rows = (_row(chat.session, message) for chat in chats for message in chat.messages())
    return rows_as_csv(rows, COLUMNS)


def _row(session: Row, message: Row) -> Row:
    model = answering(session, message)
    calls, cost = message["tool_calls"], message["cost"]
    return {
        **message,
        "session_uuid": session["session_uuid"],
        "title": session["title"],
        "project": session["project_name"],
        "provider": model["provider"],
        "model": model["model_name"],
        "tool_calls": None if calls is None else json_text(calls),
        "cost": None if cost is None else Decimal(str(cost)),  # without an exponent
    }
