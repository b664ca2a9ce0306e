"""The conversations of a database as sessions, each put together from both logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..records import Item, MessageRecord, Rejected, SessionRecord, Skipped
from ..values.fields import Unusable, text_in
from ..values.text import as_title, read_time
from .contents import Contents
from .database import DAMAGES, Database
from .responses import Responses
from .threads import Threads

LISTED = 8  # tables of a database of something else that are named


def read_sessions(database: Database, name: str) -> Iterator[Item]:
    """Yield the sessions of a database. Raises DAMAGES where that is damaged.

    A conversation that was begun before 0.32 and went on since is one session.
    """
    if not _is_log(database):
        yield Rejected(name, _what_is_missing(database))
        return
    contents = Contents(database)
    responses = Responses(database, contents, "responses", "conversation_id")
    threads = Threads(database, contents)
    named = database.grouped("conversations", "id")
    ids = dict.fromkeys([*responses.rowids, *threads.rowids, *named])
    for id in ids:
        yield from _conversation(database, id, responses, threads, f"{name}, conversation {id}")
    oldest = Responses(database, contents, "logs", "chat_id")
    for id, rowids in oldest.rowids.items():
        place = f"{name}, log {id}"
        yield from _session(f"logs/{id}", place, list(oldest.messages(rowids, f"logs/{id}", place)))
    yield from (Rejected(name, damage) for damage in database.damages)
    if not (ids or oldest.rowids or database.damages):
        yield Skipped(name, "holds no conversation yet")


def _conversation(
    database: Database, id: str, responses: Responses, threads: Threads, place: str
) -> Iterator[Item]:
    try:
        row = database.one("conversations", ("name",), "WHERE id = ?", id) or {}
        head = threads.head(id)
        title = text_in(row, "name") or text_in(head, "name")
        tip, parent = text_in(head, "tip_message_hash"), text_in(head, "forked_from")
    except (Unusable, *DAMAGES) as error:
        yield Rejected(place, str(error))
        return
    found = list(responses.messages(responses.rowids.get(id, []), id, place))
    if id in threads.rowids:
        older = [message for message in found if isinstance(message, MessageRecord)]
        found += threads.messages(id, tip, place, older)
    for item in _session(id, place, found):
        if isinstance(item, SessionRecord):
            item.title = as_title(title) or item.title
            item.parent_external_id = parent or None
            item.started_at = item.started_at or read_time(head.get("datetime_utc"))
        yield item


def _session(id: str, place: str, found: list[MessageRecord | Rejected]) -> Iterator[Item]:
    """Yield the session of some messages, and before it what could not be read of it."""
    messages = [message for message in found if isinstance(message, MessageRecord)]
    rejected = [item for item in found if isinstance(item, Rejected)]
    yield from rejected
    if messages:
        models = Counter((m.provider, m.model) for m in messages if m.model)
        provider, model = models.most_common(1)[0][0] if models else ("", "")
        system = (m.content for m in messages if m.role == "system" and m.is_active_path)
        asked = (m.content for m in messages if m.role == "user" and m.content.strip())
        yield SessionRecord(
            id,
            place,
            title=as_title(next(asked, "")),
            started_at=min((m.timestamp for m in messages if m.timestamp), default=None),
            provider=provider,
            model=model,
            system_prompt=next(system, ""),
            messages=messages,
        )
    elif not rejected:
        yield Skipped(place, "a conversation without messages")


def _is_log(database: Database) -> bool:
    return (
        database.has("responses", "prompt", "response")
        or database.has("turns", "thread_id", "tip_message_hash")
        or database.has("logs", "prompt", "response", "chat_id")
    )


def _what_is_missing(database: Database) -> str:
    tables = sorted(name for name in database.columns if not name.startswith("sqlite_"))
    listed = ", ".join(tables[:LISTED]) + (", …" if len(tables) > LISTED else "")
    return (
        "an SQLite database without the tables `responses` or `turns` of llm; "
        f"it has {listed or 'no tables'}"
    )
