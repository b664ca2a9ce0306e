"""A LibreChat conversation as a session."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..records import MessageRecord, Rejected, SessionRecord
from ..structure.threads import Thread, made_up_id, unread
from ..values.fields import Unusable, count_of, flag_in, list_in, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import as_title, read_time
from .parts import read_parts

NO_PARENT = "00000000-0000-0000-0000-000000000000"
USER = "user"

# Who answers at an endpoint; any other is a proxy or a name that the user gave.
PROVIDERS = {
    "openAI": "openai",
    "assistants": "openai",
    "gptPlugins": "openai",
    "azureOpenAI": "azure",
    "azureAssistants": "azure",
    "anthropic": "anthropic",
    "google": "google",
    "bedrock": "aws",
}
PROMPTS = ("promptPrefix", "system", "instructions")

MAPPED = {
    "conversationId",
    "title",
    "createdAt",
    "updatedAt",
    "exportAt",  # a time of day, without the day
    "branches",
    "recursive",
    "endpoint",
    "options",
    "messages",
    "messagesTree",
    "tags",
}
MESSAGE_FIELDS = {
    "messageId",
    "parentMessageId",
    "conversationId",
    "children",
    "createdAt",
    "updatedAt",
    "sender",
    "isCreatedByUser",
    "text",
    "content",
    "model",
    "error",
    "unfinished",
    "finish_reason",
    "files",
    "attachments",
    # Of the database that it comes from.
    "_id",
    "__v",
    "user",
}


def read_session(conversation: dict[str, Any], place: str) -> tuple[SessionRecord, list[Rejected]]:
    """Return the session of a conversation and which of its messages could not be read.

    Raises Unusable if it is no conversation.
    """
    if not {"messages", "messagesTree"} & conversation.keys():
        raise Unusable("messages is missing")
    messages = list_in(conversation, "messages") or list_in(conversation, "messagesTree")
    options = object_in(conversation, "options")
    session = SessionRecord(
        external_id=text_in(conversation, "conversationId") or _made_up_id(messages),
        place=place,
        title=as_title(text_in(conversation, "title")),
        started_at=read_time(conversation.get("createdAt")),
        provider=PROVIDERS.get(text_in(conversation, "endpoint"), ""),
        model=text_in(options, "model"),
        system_prompt=next((text for name in PROMPTS if (text := text_in(options, name))), ""),
        tags=[tag for tag in list_in(conversation, "tags") if isinstance(tag, str)],
    )
    if endpoint := text_in(conversation, "endpoint"):
        session.metadata["endpoint"] = endpoint
    if settings := present({name: options[name] for name in options if name not in PROMPTS}):
        session.metadata["options"] = without_bytes(settings)
    if extra := unread(conversation, MAPPED):
        session.metadata["extra"] = extra
    read = partial(_read_message, session=session)
    thread = Thread(session, read, id="messageId", parent="parentMessageId")
    for position, message in enumerate(_flat(messages), start=1):
        thread.add(message, position)
    thread.follow_list(roots=[NO_PARENT])
    thread.finish()
    return session, thread.rejected


def _flat(messages: list[Any]) -> list[Any]:
    """Return messages and those that are nested in them, each before the answers to it."""
    found = []
    waiting = messages[::-1]
    while waiting:
        message = waiting.pop()
        if isinstance(message, dict) and isinstance(message.get("children"), list):
            waiting += message["children"][::-1]
            message = {name: value for name, value in message.items() if name != "children"}
        found.append(message)
    return found


def _made_up_id(messages: list[Any]) -> str:
    """Return an id that stays the same when the conversation goes on."""
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    return made_up_id(*(first.get(name) for name in ("messageId", "text", "createdAt")))


def _read_message(raw: dict[str, Any], key: str, *, session: SessionRecord) -> list[MessageRecord]:
    sender = text_in(raw, "sender")
    is_user = flag_in(raw, "isCreatedByUser") or (
        raw.get("isCreatedByUser") is None and sender.lower() == USER
    )
    said = read_parts(raw, "user" if is_user else "assistant")
    is_error = flag_in(raw, "error")
    if said.is_empty and not is_error:
        return []
    records = said.records(key, read_time(raw.get("createdAt")))
    message = records[0]
    message.finish_reason = text_in(raw, "finish_reason")
    if is_error:
        message.error_message = message.error_message or message.content or "error"
    read = set(MESSAGE_FIELDS)
    if raw.get("endpoint") == session.metadata.get("endpoint"):
        read.add("endpoint")
    if not is_user:
        _describe_answer(message, raw, session)
        if message.output_tokens is not None:
            read.add("tokenCount")
    _describe(message, raw, read)
    return records


def _describe_answer(message: MessageRecord, raw: dict[str, Any], session: SessionRecord) -> None:
    endpoint = text_in(raw, "endpoint")
    message.provider = PROVIDERS.get(endpoint, "") if endpoint else session.provider
    message.model = text_in(raw, "model") or session.model
    # The program's own count of the text; what was sent for it is counted nowhere.
    message.output_tokens = count_of(raw.get("tokenCount"))
    if message.output_tokens is not None:
        message.metadata["tokens_are_estimated"] = True


def _describe(message: MessageRecord, raw: dict[str, Any], read: set[str]) -> None:
    """Put into the metadata of a message what it has no field for."""
    sender = text_in(raw, "sender")
    if sender and sender.lower() != USER:
        message.metadata["name"] = sender
    if flag_in(raw, "unfinished"):
        message.metadata["is_unfinished"] = True
    updated = read_time(raw.get("updatedAt"))
    if updated and updated != message.timestamp:
        message.metadata["updated_at"] = updated.isoformat()
    if extra := unread(raw, read):
        message.metadata["extra"] = extra
