"""One record of a Claude Code log, as a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..records import MessageRecord
from ..usage.anthropic import read_usage
from ..values.fields import Unusable, count_of, flag_in, kind, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import joined, read_time
from .blocks import extra_result, read_blocks

PROVIDER = "anthropic"
# Written by the program itself, in place of an answer that did not come.
SYNTHETIC = "<synthetic>"

# The session keeps the first value of each.
SESSION_FIELDS = {
    "cwd": "cwd",
    "version": "version",
    "gitBranch": "git_branch",
    "userType": "user_type",
    "entrypoint": "entrypoint",
    "slug": "slug",
    "sessionKind": "session_kind",
    "permissionMode": "permission_mode",
    "teamName": "team_name",
}
COMMON_FIELDS = {
    *SESSION_FIELDS,
    "type",
    "uuid",
    "parentUuid",
    "logicalParentUuid",
    "sessionId",
    "timestamp",
    "isSidechain",
    "isMeta",
    "agentId",
    "promptId",
    "thinkingMetadata",
}
USER_FIELDS = COMMON_FIELDS | {
    "message",
    "toolUseResult",
    "isCompactSummary",
    "isVisibleInTranscriptOnly",
}
ASSISTANT_FIELDS = COMMON_FIELDS | {
    "message",
    "requestId",
    "costUSD",
    "durationMs",
    "isApiErrorMessage",
}
MESSAGE_FIELDS = {
    "id",
    "type",
    "role",
    "model",
    "content",
    "stop_reason",
    "stop_sequence",
    "usage",
}
# Most records hold these and no more: one look spares them the search for anything special.
PLAIN_USER_FIELDS = COMMON_FIELDS - {"isMeta"} | {"message"}
PLAIN_ASSISTANT_FIELDS = PLAIN_USER_FIELDS | {"requestId"}
SYSTEM_FIELDS = COMMON_FIELDS | {"content", "subtype", "level"}
ATTACHMENT_FIELDS = COMMON_FIELDS | {"attachment"}

# Text that the program put into the user's mouth.
NOT_TYPED = (
    "<command-name>",
    "<command-message>",
    "<local-command-",
    "<system-reminder>",
    "<task-notification>",
    "Caveat: The messages below",
)
AGENT_ID = re.compile(r"^agentId: ([\w-]+)", re.MULTILINE)

ATTACHMENT_TEXTS = ("content", "prompt", "text", "stdout")

USAGE_FIELDS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
)
USAGE_METADATA = ("usage_raw", "usage")
LISTS = ("blocks", "thinking", "attachments", "other_blocks")


def base_message(record: dict[str, Any], key: str, role: str, text: str) -> MessageRecord:
    """Return a message with what every kind of record has; raises Unusable for a wrong type."""
    stamp = record.get("timestamp")
    if isinstance(stamp, bool | list | dict):
        raise Unusable(f"timestamp is {kind(stamp)}, not text")
    message = MessageRecord(key, role, text)
    message.timestamp = read_time(stamp)
    if message.timestamp is None and stamp is not None:
        message.metadata["timestamp_raw"] = stamp
    message.is_sidechain = flag_in(record, "isSidechain")
    return message


def user_message(record: dict[str, Any], key: str) -> MessageRecord:
    """Return what the user typed, what a tool gave back, or what the program slipped in."""
    blocks = read_blocks(_envelope(record).get("content"))
    is_result = blocks.is_only_results
    message = base_message(record, key, "tool" if is_result else "user", blocks.text)
    metadata = message.metadata
    blocks.describe(metadata)
    if blocks.results:
        texts = joined(result.text for result in blocks.results)
        if is_result:
            message.content = texts
            message.content_type = "tool_result"
        else:
            metadata["tool_results"] = [result.as_metadata() for result in blocks.results]
        if ids := [result.tool_call_id for result in blocks.results if result.tool_call_id]:
            metadata["tool_call_ids"] = ids
        if any(result.is_error for result in blocks.results):
            metadata["is_error"] = True
    if not is_result and not typed_texts(blocks.texts) and not blocks.attachments:
        message.is_hidden = True
    if not record.keys() <= PLAIN_USER_FIELDS:
        if "toolUseResult" in record:
            extra = extra_result(record["toolUseResult"], message.content)
            if extra is not None:
                metadata["tool_use_result"] = extra
        if flag_in(record, "isMeta"):
            metadata["is_meta"] = True
            message.is_hidden = True
        if flag_in(record, "isCompactSummary"):
            message.content_type = "summary"
            message.is_hidden = True
        if flag_in(record, "isVisibleInTranscriptOnly"):
            message.is_hidden = True
        _keep_unknown(message, record, USER_FIELDS)
    return message


def typed_texts(texts: list[str]) -> list[str]:
    """Return those of `texts` that the user typed, as far as can be told."""
    return [text for text in texts if text and not text.lstrip().startswith(NOT_TYPED)]


def assistant_message(record: dict[str, Any], key: str) -> MessageRecord:
    """Return one record of a response; a response is written as one record for each block."""
    envelope = _envelope(record)
    blocks = read_blocks(envelope.get("content"))
    message = base_message(record, key, "assistant", blocks.text)
    metadata = message.metadata
    blocks.describe(metadata)
    message.tool_calls = blocks.tool_calls or None
    message.finish_reason = text_in(envelope, "stop_reason")
    if stop := text_in(envelope, "stop_sequence"):
        metadata["stop_sequence"] = stop
    if request := text_in(record, "requestId"):
        metadata["request_id"] = request
    model = text_in(envelope, "model")
    usage = read_usage(envelope.get("usage"))
    if model == SYNTHETIC:
        metadata["is_synthetic"] = True
        if message.content.startswith("API Error"):
            message.error_message = message.content
    else:
        message.provider = PROVIDER
        message.model = model
        message.input_tokens = usage.input_tokens
        message.output_tokens = usage.output_tokens
        message.cache_read_tokens = usage.cache_read_tokens
        message.cache_write_5m_tokens = usage.cache_write_5m_tokens
        message.cache_write_1h_tokens = usage.cache_write_1h_tokens
        message.reasoning_tokens = usage.reasoning_tokens
        if usage.raw:
            metadata["usage_raw"] = usage.raw
        if usage.rest:
            metadata["usage"] = usage.rest
    if not envelope.keys() <= MESSAGE_FIELDS:
        rest = {key: envelope[key] for key in envelope.keys() - MESSAGE_FIELDS}
        if rest := present(rest):
            metadata["message"] = without_bytes(rest)
    if not record.keys() <= PLAIN_ASSISTANT_FIELDS:
        if flag_in(record, "isApiErrorMessage"):
            message.error_message = message.content
        if model != SYNTHETIC:
            message.latency_ms = count_of(record.get("durationMs"))
        cost = record.get("costUSD")
        message.cost = _cost(cost)
        if cost is not None and message.cost is None:
            metadata["cost_raw"] = without_bytes(cost)
        _keep_unknown(message, record, ASSISTANT_FIELDS)
    return message


def system_message(record: dict[str, Any], key: str) -> MessageRecord:
    """Return what the program noted about the session: a hook, a compaction, an error."""
    content = record.get("content")
    text = content if isinstance(content, str) else ""
    message = base_message(record, key, "system", text)
    message.content_type = "event"
    message.is_hidden = flag_in(record, "isMeta") or not text
    subtype = text_in(record, "subtype")
    if subtype:
        message.metadata["subtype"] = subtype
    level = text_in(record, "level")
    if level not in ("", "info"):
        message.metadata["level"] = level
    if level == "error" or subtype in ("api_error", "error"):
        message.error_message = text
    if content is not None and not isinstance(content, str):
        message.metadata["content"] = without_bytes(content)
    _keep_unknown(message, record, SYSTEM_FIELDS)
    return message


def attachment_message(record: dict[str, Any], key: str) -> MessageRecord:
    """Return a prompt typed while a tool ran, or hidden context that the program attached."""
    attached = object_in(record, "attachment")
    if text_in(attached, "type") == "queued_command":
        prompt = attached.get("prompt", attached.get("content"))
        blocks = read_blocks(prompt)
        message = base_message(record, key, "user", blocks.text)
        blocks.describe(message.metadata)
        message.is_hidden = not typed_texts(blocks.texts) and not blocks.attachments
        rest = {name: attached[name] for name in attached if name not in ("prompt", "content")}
    else:
        texts = {name: attached[name] for name in ATTACHMENT_TEXTS if attached.get(name)}
        name, text = next(
            ((name, text) for name, text in texts.items() if isinstance(text, str)), ("", "")
        )
        message = base_message(record, key, "system", text)
        message.content_type = "context"
        message.is_hidden = True
        rest = {other: attached[other] for other in attached if other != name}
    if rest := present(rest):
        message.metadata["attachment"] = extra_result(rest, message.content)
    if flag_in(record, "isMeta"):
        message.is_hidden = True
    _keep_unknown(message, record, ATTACHMENT_FIELDS)
    return message


def unknown_message(record: dict[str, Any], key: str) -> MessageRecord:
    """Return a record of a type that nobody knows yet, hidden, with all that it holds."""
    message = base_message(record, key, "system", "")
    message.content_type = "event"
    message.is_hidden = True
    message.metadata["record"] = without_bytes(record)
    return message


MESSAGES: dict[str, Callable[[dict[str, Any], str], MessageRecord]] = {
    "user": user_message,
    "system": system_message,
    "attachment": attachment_message,
}


def merge(first: MessageRecord, other: MessageRecord) -> None:
    """Add to `first` another record of the same response.

    Every record repeats the usage of the whole response, and the last may say more than the ones
    before: the greatest counts, and only once. Of a response that a side conversation repeats the
    main conversation's own record is right.
    """
    if _weight(other) >= _weight(first):
        for name in USAGE_FIELDS:
            setattr(first, name, getattr(other, name))
        for name in USAGE_METADATA:
            first.metadata.pop(name, None)
            if name in other.metadata:
                first.metadata[name] = other.metadata[name]
    first.content = joined((first.content, other.content))
    known = {call["id"] for call in first.tool_calls or () if call["id"]}
    calls = [call for call in other.tool_calls or () if call["id"] not in known]
    first.tool_calls = [*(first.tool_calls or ()), *calls] or None
    first.finish_reason = other.finish_reason or first.finish_reason
    first.error_message = first.error_message or other.error_message
    first.provider = first.provider or other.provider
    first.model = first.model or other.model
    first.timestamp = first.timestamp or other.timestamp
    first.is_sidechain = first.is_sidechain and other.is_sidechain
    if other.cost is not None:
        first.cost = max(other.cost, first.cost or 0.0)
    for name, value in other.metadata.items():
        if name in LISTS:
            first.metadata[name] = [*first.metadata.get(name, ()), *value]
        elif name not in USAGE_METADATA:
            first.metadata.setdefault(name, value)
    first.metadata["merged_records"] = first.metadata.get("merged_records", 1) + 1


def finish(message: MessageRecord) -> None:
    """Give a whole response its kind, now that all of its blocks are there."""
    if message.role == "assistant" and not message.content.strip():
        if message.tool_calls:
            message.content_type = "tool_call"
        elif "thinking" in message.metadata:
            message.content_type = "thinking"
    blocks = message.metadata.get("blocks")
    if blocks and len(blocks) == 1:
        del message.metadata["blocks"]


def agent_of(record: dict[str, Any], message: MessageRecord) -> str:
    """Return the id of the sub-agent that a tool result reports about, "" if it is none."""
    result = record.get("toolUseResult")
    agent = result.get("agentId") if isinstance(result, dict) else None
    if isinstance(agent, str):
        return agent
    found = AGENT_ID.search(message.content) if "agentId: " in message.content else None
    return found[1] if found else ""


def _weight(message: MessageRecord) -> tuple[bool, int]:
    return not message.is_sidechain, (message.input_tokens or 0) + (message.output_tokens or 0)


def _envelope(record: dict[str, Any]) -> dict[str, Any]:
    if record.get("message") is None:
        raise Unusable("message is missing")
    return object_in(record, "message")


def _keep_unknown(message: MessageRecord, record: dict[str, Any], known: set[str]) -> None:
    if not record.keys() <= known:
        extra = {key: record[key] for key in sorted(record.keys() - known)}
        if extra := present(extra):
            message.metadata["extra"] = without_bytes(extra)


def _cost(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e9 else None
