"""An Open WebUI chat as a session."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from ..chat.turns import role_of
from ..records import MessageRecord, Rejected, SessionRecord
from ..structure.threads import Thread, made_up_id, unread
from ..usage import Usage, ollama, read_usage
from ..values.fields import Unusable, list_in, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import as_title, read_time
from .content import read_message

MAPPED = {
    "id",
    "title",
    "chat",
    "created_at",
    "updated_at",
    "folder_id",
    "meta",
    "current_message_id",
}
CHAT_FIELDS = {"id", "title", "params", "history", "messages", "tags", "timestamp"}
MESSAGE_FIELDS = {
    "id",
    "parentId",
    "childrenIds",
    "role",
    "content",
    "output",
    "timestamp",
    "files",
    "model",
    "usage",
    "error",
    "done",
    "lastSentence",  # a part of the content, for reading aloud
}


def read_session(row: dict[str, Any], place: str) -> tuple[SessionRecord, list[Rejected]]:
    """Return the session of a chat and which of its messages could not be read.

    Raises Unusable if it is no chat.
    """
    is_row = "chat" in row
    chat = object_in(row, "chat") if is_row else row
    history = object_in(chat, "history")
    by_id = object_in(history, "messages")
    copies = list_in(chat, "messages")
    if not {"history", "messages"} & chat.keys():
        raise Unusable("history is missing")
    params = object_in(chat, "params")
    session = SessionRecord(
        external_id=text_in(row, "id") or text_in(chat, "id") or _made_up_id(by_id, copies),
        place=place,
        title=as_title(text_in(row, "title") or text_in(chat, "title")),
        project=text_in(row, "folder_id"),
        started_at=read_time(row.get("created_at")) or read_time(chat.get("timestamp")),
        system_prompt=text_in(params, "system"),
        tags=_tags(row, chat),
    )
    _describe_session(session, row, chat, params)
    read = partial(_read_message, by_id=by_id)
    thread = Thread(session, read, id="id", parent="parentId", children="childrenIds")
    for position, (name, message) in enumerate(by_id.items(), start=1):
        thread.add(message, position, name)
    if not by_id:
        # Of old versions; beside a history it is a copy of a part, and may be out of date.
        for position, message in enumerate(copies, start=1):
            thread.add(message, position)
        thread.follow_list()
    thread.finish(text_in(history, "currentId") or text_in(row, "current_message_id"))
    return session, thread.rejected


def _made_up_id(by_id: dict[str, Any], copies: list[Any]) -> str:
    """Return an id that stays the same when the chat goes on."""
    if by_id:
        return made_up_id(next(iter(by_id)))
    first = copies[0] if copies and isinstance(copies[0], dict) else {}
    return made_up_id(*(first.get(name) for name in ("id", "content", "timestamp")))


def _tags(row: dict[str, Any], chat: dict[str, Any]) -> list[str]:
    given = list_in(object_in(row, "meta"), "tags") + list_in(chat, "tags")
    names = (tag.get("name") if isinstance(tag, dict) else tag for tag in given)
    return list(dict.fromkeys(name for name in names if name and isinstance(name, str)))


def _describe_session(
    session: SessionRecord, row: dict[str, Any], chat: dict[str, Any], params: dict[str, Any]
) -> None:
    """Put into the metadata of a session what it has no field for."""
    metadata = session.metadata
    if updated := read_time(row.get("updated_at")):
        metadata["updated_at"] = updated.isoformat()
    if settings := present({name: params[name] for name in params if name != "system"}):
        metadata["params"] = without_bytes(settings)
    about = {name: value for name, value in object_in(row, "meta").items() if name != "tags"}
    extra = unread(chat, CHAT_FIELDS | MAPPED) | unread(about, ())
    if chat is not row:
        extra |= unread(row, MAPPED)
    if extra:
        metadata["extra"] = extra


def _read_message(raw: dict[str, Any], key: str, *, by_id: dict[str, Any]) -> list[MessageRecord]:
    name = text_in(raw, "role")
    role = role_of(name, "system")
    said = read_message(raw, role, key)
    if said.is_empty:
        return []
    time = read_time(raw.get("timestamp"))
    records = said.records(key, time)
    message = records[0]
    if name != role:
        message.metadata["role"] = name
    read = MESSAGE_FIELDS
    if role == "assistant":
        message.model = text_in(raw, "model")
        message.latency_ms = _waited_ms(raw, time, by_id)
        if _measure(message, raw):
            read = read | {"info"}
    if raw.get("done") is False:
        message.metadata["is_unfinished"] = True
    if extra := unread(raw, read):
        message.metadata["extra"] = extra
    return records


def _waited_ms(raw: dict[str, Any], time: datetime | None, by_id: dict[str, Any]) -> int | None:
    """Return the time from the question to its answer, which are written down in seconds."""
    parent = by_id.get(text_in(raw, "parentId"))
    asked = read_time(parent.get("timestamp")) if isinstance(parent, dict) else None
    if time is None or asked is None or time <= asked:
        return None
    return round((time - asked).total_seconds() * 1000)


def _measure(message: MessageRecord, raw: dict[str, Any]) -> bool:
    """Give an answer its counts and what Ollama measured; return whether `info` had them."""
    usage = object_in(raw, "usage")
    info = raw.get("info")
    has_info = not usage and isinstance(info, dict)
    if has_info:
        usage = info  # of old versions
    counts = read_usage(usage)
    if not counts.input_tokens and not counts.output_tokens:
        counts = Usage(raw=without_bytes(usage) or None)  # a request sends something: not counted
    counts.give(message)
    if usage.keys() & ollama.OWN:
        message.provider = "ollama"
    if (measured := ollama.latency_ms(usage)) is not None:
        message.latency_ms = measured
    return has_info
