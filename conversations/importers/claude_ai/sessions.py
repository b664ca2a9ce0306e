"""A Claude.ai conversation as a session."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..chat.turns import role_of
from ..records import MessageRecord, Rejected, SessionRecord
from ..structure.threads import Thread, made_up_id, unread
from ..values.fields import Unusable, count_of, list_in, text_in
from ..values.text import as_title, read_time
from .blocks import read_blocks

PROVIDER = "anthropic"
NO_PARENT = "00000000-0000-4000-8000-000000000000"
NO_ROLE = ""

MAPPED = {
    "uuid",
    "id",
    "conversation_id",
    "name",
    "title",
    "created_at",
    "create_time",
    "updated_at",
    "model",
    "project",
    "project_uuid",
    "chat_messages",
    "current_leaf_message_uuid",
}
MESSAGE_FIELDS = {
    "uuid",
    "sender",
    "text",
    "content",
    "model",
    "created_at",
    "updated_at",
    "attachments",
    "files",
    "files_v2",
    "index",
    "parent_message_uuid",
    "stop_reason",
}


def read_session(conversation: dict[str, Any], place: str) -> tuple[SessionRecord, list[Rejected]]:
    """Return the session of a conversation and which of its messages could not be read.

    Raises Unusable if it is no conversation.
    """
    if "chat_messages" not in conversation:
        raise Unusable("chat_messages is missing")
    messages = list_in(conversation, "chat_messages")
    names = (text_in(conversation, name) for name in ("uuid", "conversation_id", "id"))
    session = SessionRecord(
        external_id=next(filter(None, names), "") or _made_up_id(conversation, messages),
        place=place,
        title=as_title(text_in(conversation, "name") or text_in(conversation, "title")),
        project=_project(conversation),
        started_at=read_time(conversation.get("created_at") or conversation.get("create_time")),
        provider=PROVIDER,
        model=text_in(conversation, "model"),
    )
    if updated := read_time(conversation.get("updated_at")):
        session.metadata["updated_at"] = updated.isoformat()
    if extra := unread(conversation, MAPPED):
        session.metadata["extra"] = extra
    read = partial(_read_message, model=session.model)
    thread = Thread(session, read, id="uuid", parent="parent_message_uuid")
    for position, message in enumerate(messages, start=1):
        thread.add(message, position)
    thread.follow_list(roots=[NO_PARENT])
    thread.finish(text_in(conversation, "current_leaf_message_uuid") or _newest(thread))
    return session, thread.rejected


def _project(conversation: dict[str, Any]) -> str:
    project = conversation.get("project")
    name = text_in(project, "name") if isinstance(project, dict) else ""
    return name or text_in(conversation, "project_uuid")


def _made_up_id(conversation: dict[str, Any], messages: list[Any]) -> str:
    """Return an id that stays the same when the conversation goes on."""
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    said = [first.get(name) for name in ("uuid", "text", "content", "created_at")]
    return made_up_id(conversation.get("created_at"), conversation.get("create_time"), *said)


def _newest(thread: Thread) -> str:
    """Return the message that was added last by its `index`, "" if that is not said."""
    places = {name: count_of(node.raw.get("index")) for name, node in thread.nodes.items()}
    if None in places.values() or len(set(places.values())) < len(places):
        return ""
    return max(places, key=lambda name: places[name] or 0, default="")


def _read_message(raw: dict[str, Any], key: str, *, model: str) -> list[MessageRecord]:
    sender = text_in(raw, "sender")
    # Files made by hand leave the sender out; an unknown one is kept, and is nobody who typed.
    role = role_of(sender, "system" if sender else "user")
    said = read_blocks(raw, role, key)
    if said.is_empty:
        return []
    time = read_time(raw.get("created_at"))
    records = said.records(key, time)
    message = records[0]
    message.finish_reason = text_in(raw, "stop_reason")
    if role == "assistant":
        message.provider = PROVIDER
        message.model = text_in(raw, "model") or model
        message.latency_ms = said.latency_ms
    elif sender and not role_of(sender, NO_ROLE):
        message.metadata["role"] = sender
    updated = read_time(raw.get("updated_at"))
    if updated and updated != time:
        message.metadata["updated_at"] = updated.isoformat()
    if extra := unread(raw, MESSAGE_FIELDS):
        message.metadata["extra"] = extra
    return records
