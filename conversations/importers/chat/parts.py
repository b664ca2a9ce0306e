"""The parts of a message: Anthropic's blocks, OpenAI's, Gemini's, OpenTelemetry's, Vercel's."""

from __future__ import annotations

from typing import Any

from ..values.fields import Unusable, kind, present
from ..values.inline import attachment, without_bytes
from ..values.text import joined
from .turns import Turn, arguments, as_text, name_in, parsed

TEXTS = ("text", "input_text", "output_text", "summary_text", "plain_text", "text_delta")
THOUGHTS = ("thinking", "reasoning", "reasoning_text", "reasoning_content")
CALLS = ("tool_call", "tool-call", "function_call", "custom_tool_call", "functionCall")
RESULTS = (
    "tool_call_response",
    "server_tool_call_response",
    "tool-result",
    "function_call_output",
    "custom_tool_call_output",
    "functionResponse",
)
FILES = (
    "image",
    "document",
    "image_url",
    "input_image",
    "input_audio",
    "input_file",
    "audio",
    "audio_url",
    "video",
    "video_url",
    "file",
    "blob",
    "uri",
    "media",
)
# Where in a part the file itself is described, and under what names its bytes stand in base64.
WRAPPERS = (
    *("image_url", "audio_url", "video_url", "input_audio", "file"),
    *("inlineData", "inline_data", "fileData", "value"),
)
ENCODED = ("content", "data", "image", "file_data")
# Gemini's parts have no type; the name of their one entry tells what they are.
UNTYPED = {
    "text": "text",
    "functionCall": "functionCall",
    "function_call": "functionCall",
    "functionResponse": "functionResponse",
    "function_response": "functionResponse",
    "inlineData": "blob",
    "inline_data": "blob",
    "fileData": "uri",
    "file_data": "uri",
}
CALL_IDS = ("tool_use_id", "tool_call_id", "toolCallId", "call_id", "id")
CALL_NAMES = ("name", "toolName", "tool_name")


def read_content(turn: Turn, content: Any) -> list[Turn]:
    """Add `content`, text or parts, to a turn; return what tools gave back in it, a turn each.

    Raises Unusable if it is neither.
    """
    if content is None:
        return []
    if isinstance(content, str):
        turn.texts.append(content)
        return []
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise Unusable(f"content is {kind(content)}, neither text nor a list")
    results = []
    for part in content:
        if isinstance(part, str):
            turn.texts.append(part)
        elif not isinstance(part, dict):
            raise Unusable(f"a part of content is {kind(part)}, not an object")
        elif result := read_part(turn, part):
            results.append(result)
    return results


def read_part(turn: Turn, part: dict[str, Any]) -> Turn | None:
    """Add a part to a turn; if it is what a tool gave back, return that as a turn of its own."""
    type = part_type(part)
    if type in TEXTS:
        text = part.get("text", part.get("content", part.get("value")))
        turn.texts.append(as_text(text))
    elif type in THOUGHTS:
        if thought := _thought(part):
            turn.thinking.append(thought)
    elif type == "redacted_thinking":
        pass  # encrypted
    elif type == "refusal":
        turn.error = as_text(part.get("refusal"))
    elif type in CALLS or type.endswith(("tool_use", "tool_call")):
        turn.tool_calls += _calls(part)
    elif type in RESULTS or type.endswith("tool_result"):
        return _result(part)
    elif type in FILES:
        turn.attachments.append(_attachment(type, part))
    else:
        turn.others.append(without_bytes(part))
    return None


def part_type(part: dict[str, Any]) -> str:
    """Return the type of a part, by its name or by what it holds; "" if neither tells."""
    type = name_in(part, "type", "kind")
    return type or next((type for name, type in UNTYPED.items() if name in part), "")


def read_call(part: dict[str, Any]) -> dict[str, Any]:
    """Return a call of a tool: `id`, `name` and `arguments`; `type` if the provider runs it."""
    inner = part
    for name in ("function", "functionCall", "function_call"):
        if isinstance(part.get(name), dict):
            inner = part[name]
    given = next(
        (inner[name] for name in ("arguments", "input", "args") if inner.get(name) is not None), {}
    )
    call = {
        "id": name_in(part, "call_id", "toolCallId", "tool_call_id", "id") or name_in(inner, "id"),
        "name": name_in(inner, *CALL_NAMES),
        "arguments": arguments(given),
    }
    type = name_in(part, "type")
    if type.endswith("tool_use") and type != "tool_use":
        call["type"] = type
    return call


def _calls(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the calls in a part; LLaMA-Factory writes one or a list of them as JSON text."""
    if not isinstance(part.get("value"), str):
        return [read_call(part)]
    found = parsed(part["value"])
    calls = found if isinstance(found, list) else [found]
    if not all(isinstance(call, dict) for call in calls):
        return [read_call({"arguments": part["value"]})]
    return [read_call(call) for call in calls]


def _thought(part: dict[str, Any]) -> str:
    for name in ("thinking", "reasoning", "text", "content", "value"):
        if isinstance(part.get(name), str) and part[name]:
            return part[name]
    pieces = []
    for name in ("summary", "content"):  # items of the Responses API
        pieces_in = part.get(name)
        for piece in pieces_in if isinstance(pieces_in, list) else ():
            if isinstance(piece, dict):
                pieces.append(as_text(piece.get("text")))
    return joined(pieces)


def _result(part: dict[str, Any]) -> Turn:
    inner = part
    for name in ("functionResponse", "function_response"):
        if isinstance(part.get(name), dict):
            inner = part[name]
    given = next(
        (
            inner[name]
            for name in ("content", "output", "result", "response")
            if inner.get(name) is not None
        ),
        None,
    )
    turn = Turn("tool", name=name_in(inner, *CALL_NAMES))
    if id := name_in(part, *CALL_IDS) or name_in(inner, "id"):
        turn.tool_call_ids.append(id)
    turn.is_error = part.get("is_error") is True or part.get("isError") is True
    if isinstance(given, list) and all(isinstance(p, str) or _is_part(p) for p in given):
        for nested in read_content(turn, given):
            turn.texts += nested.texts
    elif isinstance(given, dict) and given.keys() == {"type", "value"}:
        turn.texts.append(as_text(given["value"]))  # Vercel's
    else:
        turn.texts.append(as_text(given))
    return turn


def _is_part(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def _attachment(type: str, part: dict[str, Any]) -> dict[str, Any]:
    if isinstance(part.get("source"), dict):
        return attachment(part)
    for name in WRAPPERS:
        if isinstance(inner := part.get(name), dict) and "url" not in inner:
            part = {key: value for key, value in part.items() if key != name} | inner
    for name in ENCODED:
        if isinstance(part.get(name), str):
            part = {**part, "base64": part[name]}
            del part[name]
    found = without_bytes(present(part))
    kind_of = type.removeprefix("input_").removesuffix("_url")
    for name in WRAPPERS:
        inner = found.pop(name, None)
        url = inner.get("url", inner) if isinstance(inner, dict) else inner
        if isinstance(url, dict):
            found |= {key: value for key, value in url.items() if key != "type"}
        elif isinstance(url, str):
            found["url"] = url
    encoded = found.pop("base64", None)
    if isinstance(encoded, dict):
        found |= {key: value for key, value in encoded.items() if value and key != "type"}
    for name in ("mime_type", "mimeType", "mediaType"):
        if media_type := found.pop(name, None):
            found["media_type"] = media_type
    return {**found, "type": kind_of}
