"""A ChatGPT conversation as a session."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from ..records import MessageRecord, Rejected, SessionRecord
from ..structure.tree import Tree, grow, inherit_times
from ..values.fields import Unusable, flag_in, kind, object_in, present, seconds_as_ms, text_in
from ..values.inline import without_bytes
from ..values.text import as_title, joined, read_time
from .content import ALL, Content, read_content
from .nodes import MessageNode, read_node

PROVIDER = "openai"
NO_MODEL = ("", "auto")
ROLES = ("user", "assistant", "system", "tool")

MAPPED = {
    "conversation_id",
    "id",
    "title",
    "create_time",
    "update_time",
    "mapping",
    "current_node",
    "default_model_slug",
    "gizmo_id",
}
MESSAGE_FIELDS = {
    "id",
    "author",
    "create_time",
    "update_time",
    "content",
    "status",
    "end_turn",
    "weight",
    "metadata",
    "recipient",
    "channel",
}
# Kept under their own names; the other keys of a message's metadata under "extra".
NAMED = ("citations", "content_references", "search_result_groups")
# Padding, and what the tree and the message say already.
NOISE = {
    "pad",
    "timestamp_",
    "parent_id",
    "attachments",
    "is_visually_hidden_from_conversation",
    "user_context_message_data",
    *NAMED,
}


def read_session(conversation: Any, place: str) -> tuple[SessionRecord | None, list[Rejected]]:
    """Return the session of a conversation and which of its messages could not be read.

    None stands for a conversation without messages. Raises Unusable if it is no conversation.
    """
    if not isinstance(conversation, dict):
        raise Unusable(f"the conversation is {kind(conversation)}, not an object")
    if "mapping" not in conversation:
        raise Unusable("mapping is missing")
    mapping = object_in(conversation, "mapping")
    rejected: list[Rejected] = []
    nodes: dict[str, MessageNode] = {}
    for name, raw in mapping.items():
        try:
            if not name or not isinstance(raw, dict):
                raise Unusable(f"the node is {kind(raw)}, not an object with an id")
            nodes[name] = read_node(raw)
        except Unusable as error:
            rejected.append(Rejected(f"{place}, node {name}", str(error)))
    external_id = text_in(conversation, "conversation_id") or text_in(conversation, "id")
    default_model = text_in(conversation, "default_model_slug")
    session = SessionRecord(
        external_id=external_id,
        place=place,
        title=as_title(text_in(conversation, "title")),
        project=text_in(conversation, "gizmo_id"),
        started_at=_time_in(conversation, "create_time"),
        provider=PROVIDER,
        metadata={"nodes": len(mapping)},
    )
    if updated := _time_in(conversation, "update_time"):
        session.metadata["updated_at"] = updated.isoformat()
    extra = {name: conversation[name] for name in conversation.keys() - MAPPED}
    if extra := present(dict(sorted(extra.items()))):
        session.metadata["extra"] = without_bytes(extra)

    tree = grow(nodes, text_in(conversation, "current_node"))
    session.external_id = external_id or _made_up_id(tree, nodes)
    by_node: dict[str, MessageRecord] = {}
    for name in tree.order:
        if not nodes[name].message:
            continue
        try:
            message = _message(nodes[name], name, default_model)
        except Unusable as error:
            rejected.append(Rejected(f"{place}, node {name}", str(error)))
            continue
        message.key = f"{session.external_id}/{name}"
        message.is_active_path = name in tree.active
        by_node[name] = message
    _link(tree, by_node)
    session.messages = list(by_node.values())
    if not session.messages:
        return None, rejected
    _sum_up(session, default_model)
    return session, rejected


def _made_up_id(tree: Tree, nodes: dict[str, MessageNode]) -> str:
    """Return an id that stays the same when the conversation goes on: that of its first message."""
    return next((name for name in tree.order if nodes[name].message), "")


def _message(node: MessageNode, name: str, default_model: str) -> MessageRecord:
    raw = node.message
    author = object_in(raw, "author")
    facts = object_in(raw, "metadata")
    author_role = text_in(author, "role")
    role = author_role if author_role in ROLES else "system"
    recipient = text_in(raw, "recipient") or ALL
    content = _custom_instructions(facts) or read_content(object_in(raw, "content"))
    message = MessageRecord(
        key="",
        role=role,
        content=content.text,
        content_type=content.kind,
        timestamp=_time_in(raw, "create_time"),
        error_message=content.error,
        finish_reason=text_in(object_in(facts, "finish_details"), "type"),
        metadata=content.details,
    )
    if role == "assistant":
        message.provider = PROVIDER
        slug = text_in(facts, "model_slug") or default_model
        message.model = "" if slug in NO_MODEL else slug
        if recipient != ALL and content.kind in ("text", "code"):
            message.content_type = "tool_call"
            call = {"id": name, "name": recipient, "arguments": content.text}
            message.tool_calls = [call]
    elif role == "tool" and content.kind in ("text", "code"):
        message.content_type = "tool_result"
    if content.kind == "thinking":
        message.latency_ms = seconds_as_ms(facts.get("finished_duration_sec"))
    attachments = content.attachments + _uploads(facts) + _pictures(facts)
    _describe(message, node, author, attachments)
    if author_role != role:
        message.metadata["role"] = author_role
    if recipient != ALL:
        message.metadata["recipient"] = recipient
    is_empty = not (message.content.strip() or attachments or message.tool_calls)
    message.is_hidden = (
        content.is_hidden
        or is_empty
        or raw.get("weight") == 0
        or flag_in(facts, "is_visually_hidden_from_conversation")
    )
    return message


def _custom_instructions(facts: dict[str, Any]) -> Content | None:
    """Return the custom instructions of 2023 and 2024, which stand beside an empty text."""
    if not flag_in(facts, "is_user_system_message"):
        return None
    about = object_in(facts, "user_context_message_data")
    text = joined(value for value in about.values() if isinstance(value, str))
    if not text:
        return None
    return Content("context", text, is_hidden=True)


def _uploads(facts: dict[str, Any]) -> list[dict[str, Any]]:
    uploads = facts.get("attachments")
    if not isinstance(uploads, list):
        return []
    return [
        {"type": "file", **without_bytes(present(upload))}
        for upload in uploads
        if isinstance(upload, dict)
    ]


def _pictures(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pictures that a run of code drew."""
    result = facts.get("aggregate_result")
    outputs = result.get("messages") if isinstance(result, dict) else None
    if not isinstance(outputs, list):
        return []
    return [
        {"type": "image", "pointer": without_bytes(output["image_url"])}
        for output in outputs
        if isinstance(output, dict) and output.get("image_url")
    ]


def _describe(
    message: MessageRecord,
    node: MessageNode,
    author: dict[str, Any],
    attachments: list[dict[str, Any]],
) -> None:
    """Put into the metadata of a message what it has no field for."""
    metadata = message.metadata
    raw = node.message
    facts = object_in(raw, "metadata")
    if attachments:
        metadata["attachments"] = attachments
    if name := text_in(author, "name"):
        metadata["author_name"] = name
    if about := present(object_in(author, "metadata")):
        metadata["author"] = without_bytes(about)
    if (status := text_in(raw, "status")) not in ("", "finished_successfully"):
        metadata["status"] = status
    if channel := text_in(raw, "channel"):
        metadata["channel"] = channel
    if updated := _time_in(raw, "update_time"):
        metadata["updated_at"] = updated.isoformat()
    for key in NAMED:
        if facts.get(key):
            metadata[key] = without_bytes(facts[key])
    extra = {key: facts[key] for key in facts if key not in NOISE}
    if message.model and extra.get("model_slug") == message.model:
        del extra["model_slug"]
    extra |= {key: raw[key] for key in raw if key not in MESSAGE_FIELDS}
    extra |= node.extra
    if extra := present(extra):
        metadata["extra"] = without_bytes(extra)


def _link(tree: Tree, by_node: dict[str, MessageRecord]) -> None:
    """Give messages their parents, tool results their calls, and times to those without."""
    nearest: dict[str, MessageRecord] = {}
    calls: dict[str, str] = {}
    times = inherit_times(tree, {name: message.timestamp for name, message in by_node.items()})
    for name in tree.order:
        parent = tree.parents.get(name, "")
        message = by_node.get(name)
        if parent in calls:
            calls[name] = calls[parent]
        if message is None:
            if parent in nearest:
                nearest[name] = nearest[parent]
            continue
        if parent in nearest:
            message.parent_key = nearest[parent].key
        nearest[name] = message
        if message.role == "user":
            calls.pop(name, None)  # a new turn, in which nothing has been called yet
        elif message.tool_calls:
            calls[name] = name
        elif message.role == "tool" and name in calls:
            message.metadata["tool_call_ids"] = [calls[name]]
        if message.timestamp is None and times[name]:
            message.timestamp = times[name]
            message.metadata["time_is_inherited"] = True


def _sum_up(session: SessionRecord, default_model: str) -> None:
    messages = session.messages
    models = Counter(message.model for message in messages if message.model)
    if default_model not in NO_MODEL:
        session.model = default_model
    elif models:
        session.model = models.most_common(1)[0][0]
    if session.started_at is None:
        session.started_at = next((m.timestamp for m in messages if m.timestamp), None)
    session.system_prompt = next(
        (m.content for m in messages if m.role == "system" and m.is_active_path and m.content), ""
    )


def _time_in(record: dict[str, Any], key: str) -> datetime | None:
    """Return the time under `key`, None if it is none; raises Unusable for what cannot be one."""
    value = record.get(key)
    if isinstance(value, bool | list | dict):
        raise Unusable(f"{key} is {kind(value)}, neither a number nor text")
    return read_time(value)
