"""Full-text search over what was said."""

from __future__ import annotations

from importlib import import_module

from django.db import connections

from conversations.errors import InvalidValue, TooSlow
from conversations.importers.text import clean_text
from conversations.reading import Row

__all__ = ["ORDERS", "TooSlow", "message_ids", "search_messages"]

ORDERS = ("relevance", "newest")


def search_messages(
    typed: str,
    *,
    limit: int = 20,
    offset: int = 0,
    order: str = "relevance",
    marks: tuple[str, str] = ("<mark>", "</mark>"),
    seconds: float | None = None,
    using: str = "default",
) -> list[Row]:
    """Return the messages that match, as rows with a `snippet` in which `marks` enclose the hits.

    `typed` is an FTS5 query (`python AND error`, `"exact phrase"`, `pre*`); what FTS5 cannot parse
    is searched for word by word. `order` is `relevance` or `newest` (latest stored first). The
    snippet is text, not HTML. Raises `TooSlow` when it would take longer than `seconds`.
    """
    if order not in ORDERS:
        raise InvalidValue(f"order must be one of {', '.join(ORDERS)}, not {order!r:.50}")
    connection = connections[using]
    backend = import_module(f"{__name__}.{connection.vendor}")
    with backend.at_most(connection, seconds):
        return backend.search(
            connection, clean_text(typed), limit=limit, offset=offset, order=order, marks=marks
        )


def message_ids(typed: str, *, limit: int, using: str = "default") -> list[int]:
    """Return the keys of messages that match, the latest stored first; see `search_messages`."""
    connection = connections[using]
    backend = import_module(f"{__name__}.{connection.vendor}")
    return backend.message_ids(connection, clean_text(typed), limit=limit)
