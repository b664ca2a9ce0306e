"""The items of a conversation with the model, as the Responses API has them, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..chat import Turn, as_text, parsed
from ..chat.parts import read_call, read_content
from ..values.fields import list_in, object_in, present, seconds_as_ms, text_in
from ..values.inline import digest, without_bytes
from ..values.text import joined

# Text that the program put into the user's mouth.
INJECTED = re.compile(
    r"\s*(?:<(?:environment_context|user_instructions|INSTRUCTIONS|turn_aborted|skills?|"
    r"permissions instructions|collaboration_mode|apps_instructions|plugins_instructions|"
    r"personality_spec|model_switch|subagent_notification|user_shell_command)\b"
    r"|# AGENTS\.md|# Context from my IDE setup)"
)
REQUEST = "## My request for Codex:"  # stands between the context from an editor and the prompt
EXIT_CODE = re.compile(r"\A(?:Exit code: |(?:.*\n){0,4}?Process exited with code )(-?\d{1,9})\b")
# Calls that do not name what they call.
NAMES = {
    "local_shell_call": "local_shell",
    "web_search_call": "web_search",
    "tool_search_call": "tool_search",
    "image_generation_call": "image_generation",
}
ITEM_FIELDS = {
    *("type", "id", "role", "content", "summary", "encrypted_content", "call_id", "name"),
    *("arguments", "input", "action", "output", "tools", "revised_prompt", "result"),
    "internal_chat_message_metadata_passthrough",
}


@dataclass(slots=True)
class Result:
    """What a tool gave back."""

    call_id: str
    text: str
    attachments: list[dict[str, Any]] = field(default_factory=list)
    is_error: bool = False
    exit_code: int | None = None
    duration_ms: int | None = None


def rest_of(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what nobody maps of an item."""
    rest = {name: value for name, value in payload.items() if name not in ITEM_FIELDS}
    return without_bytes(present(rest))


def read_parts(content: Any) -> Turn:
    """Return text and pictures of a message's content; raises Unusable if it is no content."""
    turn = Turn("user")
    if isinstance(content, list):
        content = [part for part in content if not _is_nothing(part)]
    read_content(turn, content)
    return turn


def _is_nothing(part: Any) -> bool:
    match part:
        case {"type": "input_image", "image_url": None} | {"type": "encrypted_content"}:
            return True
    return False


def thoughts_in(payload: dict[str, Any]) -> list[str]:
    """Return what can be read of a reasoning item: its summary, or else all of it."""
    for name in ("summary", "content"):
        parts = (part for part in list_in(payload, name) if isinstance(part, dict))
        if thoughts := [thought for part in parts if (thought := text_in(part, "text").strip())]:
            return thoughts
    return []


def prompt_in(text: str) -> str:
    """Return what the user typed of a prompt that may begin with context from an editor."""
    return text.partition(REQUEST)[2].strip() or text


def call_in(payload: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a call of a tool, and the pictures that it made; raises Unusable for a wrong type."""
    type = text_in(payload, "type")
    pictures = []
    if type in NAMES:
        arguments = payload.get("arguments", payload.get("action"))
        if prompt := text_in(payload, "revised_prompt"):
            arguments = {"prompt": prompt}
        payload = {**payload, "name": NAMES[type], "arguments": arguments}
        if made := text_in(payload, "result"):
            pictures.append(digest(made, type="image"))
    call = read_call(payload)
    if namespace := text_in(payload, "namespace"):
        call["namespace"] = namespace
    return call, pictures


def result_in(payload: dict[str, Any]) -> Result:
    """Return what a tool gave back: text, parts, an object, or one of these as JSON text."""
    output = payload.get("output", payload.get("tools"))
    details: dict[str, Any] = {}
    if isinstance(output, str) and output.startswith('{"output":'):
        output = parsed(output)
    if isinstance(output, dict):
        details = object_in(output, "metadata")
        inner = output.get("output", output.get("content"))
        failed = output.get("success") is False
        output = [output] if "type" in output else output if inner is None else inner
    else:
        failed = False
    result = Result(text_in(payload, "call_id"), *_text_of(output))
    found = EXIT_CODE.match(result.text)
    code = details.get("exit_code", int(found[1]) if found else None)
    result.exit_code = code if type(code) is int else None
    result.duration_ms = seconds_as_ms(details.get("duration_seconds"))
    result.is_error = failed or bool(result.exit_code)
    return result


def _text_of(output: Any) -> tuple[str, list[dict[str, Any]]]:
    is_parts = isinstance(output, list) and all(
        isinstance(part, dict) and str(part.get("type")).startswith(("input_", "output_", "text"))
        for part in output
    )
    if not is_parts:
        return as_text(output), []
    turn = read_parts(output)
    return joined(turn.texts), turn.attachments


def duration_ms(value: Any) -> int | None:
    """Return a duration of seconds and nanoseconds in ms, None if it is none."""
    match value:
        case {"secs": int(seconds), "nanos": int(nanos)}:
            return seconds_as_ms(seconds + nanos / 1e9)
    return None
