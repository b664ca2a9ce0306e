"""What a row says about one answer of a model: the same columns in both kinds of log."""

from __future__ import annotations

from typing import Any

from ..chat import name_in
from ..records import MessageRecord
from ..usage import Usage, anthropic, checked, gemini, openai, read_usage
from ..values.fields import count_of, present, text_in
from ..values.inline import without_bytes
from ..values.text import read_time
from .contents import Contents
from .database import Row, json_in, object_in_json

COLUMNS = (
    "id",
    "model",
    "resolved_model",
    "options_json",
    "schema_id",
    "input_tokens",
    "output_tokens",
    "token_details",
    "duration_ms",
    "datetime_utc",
    "response_json",
)
ANTHROPIC = ("cache_read_input_tokens", "cache_creation_input_tokens")
GEMINI = (*gemini.OWN, "cachedContentTokenCount", "toolUsePromptTokenCount")
# What the message itself says, or a column.
REPEATED = {
    "choices", "candidates", "content", "message", "messages", "output", "parts", "usage",
    "usageMetadata", "model", "role", "type", "object", "finish_reason", "stop_reason",
    "done_reason",
}  # fmt: skip
# The ids of models begin with the name of a plugin, or with what their maker calls them.
MAKERS = {
    "gpt": "openai",
    "chatgpt": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude": "anthropic",
    "gemini": "google",
}


def describe(message: MessageRecord, row: Row, contents: Contents, tools: list[str]) -> None:
    """Write into a message what its row says about how it came about. Raises Unusable."""
    alias = text_in(row, "model")
    payload = object_in_json(row, "response_json")
    message.provider, message.model = _model(alias, text_in(row, "resolved_model"))
    message.timestamp = read_time(row.get("datetime_utc"))
    message.latency_ms = count_of(row.get("duration_ms"))
    message.finish_reason = _finish_reason(payload)
    read_counts(row, payload).give(message)
    extra = {
        "requested_model": alias if alias != message.model else "",
        "options": json_in(row, "options_json"),
        "schema": contents.schema(text_in(row, "schema_id")),
        "tools": tools,
        "response": present({key: payload[key] for key in payload.keys() - REPEATED}),
    }
    if extra := present(extra):
        extra = without_bytes(extra)
        message.metadata["extra"] = {**message.metadata.get("extra", {}), **extra}


def read_counts(row: Row, payload: dict[str, Any]) -> Usage:
    """Return the counts of a row, in whose details each plugin has its own words."""
    sent, generated = row.get("input_tokens"), row.get("output_tokens")
    details = object_in_json(row, "token_details")
    if sent is None and generated is None and not details:
        # Before there were columns for them.
        usage = payload.get("usage")
        return read_usage(usage) if isinstance(usage, dict) else Usage()
    raw = {**details, "input_tokens": sent, "output_tokens": generated}
    if any(name in details for name in ANTHROPIC):
        return anthropic.read_usage(raw)
    if not any(name in details for name in GEMINI):
        return openai.read_usage(raw)
    thoughts, answered = count_of(details.get("thoughtsTokenCount")), count_of(generated)
    # The plugin adds thoughts to its output since it keeps the count of the answer beside them.
    if thoughts and answered and answered != thoughts and "candidatesTokenCount" not in details:
        generated = answered + thoughts
    return checked(
        raw,
        input=sent,
        output=generated,
        cache_read=details.get("cachedContentTokenCount"),
        reasoning=details.get("thoughtsTokenCount"),
    )


def _model(alias: str, resolved: str) -> tuple[str, str]:
    """Return provider and model; aliases name the provider before a slash."""
    prefix, slash, rest = alias.partition("/")
    if slash and rest:
        return MAKERS.get(prefix, prefix), resolved or rest
    name = resolved or alias
    return MAKERS.get(name.partition("-")[0], ""), name


def _finish_reason(payload: dict[str, Any]) -> str:
    names = ("finish_reason", "stop_reason", "done_reason", "finishReason")
    for place in (payload, payload.get("choices"), payload.get("candidates")):
        if isinstance(place, list) and place:
            place = place[0]
        if isinstance(place, dict) and (reason := name_in(place, *names)):
            return reason
    return ""
