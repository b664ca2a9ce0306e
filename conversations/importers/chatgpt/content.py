"""The content of a ChatGPT message, by its `content_type`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..values.fields import Unusable, count_of, kind, list_in, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import joined

ALL = "all"  # the recipient of what is said to everybody, not to a tool


@dataclass(slots=True)
class Content:
    """What a message says, what kind of thing that is, and what hangs on it."""

    kind: str = "text"
    text: str = ""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    is_hidden: bool = False


class _Fields(dict[str, Any]):
    """The fields of a content that nobody has read yet."""

    def take(self, key: str) -> str:
        value = text_in(self, key)
        self.pop(key, None)
        return value

    def take_list(self, key: str) -> list[Any]:
        value = list_in(self, key)
        self.pop(key, None)
        return value


def read_content(content: dict[str, Any]) -> Content:
    """Return a message's content; what no rule reads stays in `details`. Raises Unusable."""
    if not content:
        return Content()
    fields = _Fields(content)
    type = fields.take("content_type")
    reader = READERS.get(type)
    if reader is None:
        text = json.dumps(without_bytes(content), ensure_ascii=False)
        return Content("event", text, details={"content_type": type})
    found = reader(fields)
    if not found.text and "parts" in fields:
        # Any kind of content may stand in `parts` instead of in its own fields.
        parts = _parts(fields)
        found.text = parts.text
        found.attachments += parts.attachments
        found.details |= parts.details
    if type != "text":
        found.details["content_type"] = type
    if rest := present(fields):
        found.details["content"] = without_bytes(rest)
    return found


def _parts(fields: _Fields) -> Content:
    found = Content()
    texts: list[str] = []
    others: list[Any] = []
    for part in fields.take_list("parts"):
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, dict):
            raise Unusable(f"a part of content is {kind(part)}, neither text nor an object")
        else:
            _read_part(part, texts, found.attachments, others)
    found.text = texts[0] if len(texts) == 1 else joined(texts)
    if others:
        found.details["parts"] = others
    return found


def _read_part(
    part: dict[str, Any],
    texts: list[str],
    attachments: list[dict[str, Any]],
    others: list[Any],
) -> None:
    type = text_in(part, "content_type")
    if type == "audio_transcription":
        texts.append(text_in(part, "text"))
    elif type == "real_time_user_audio_video_asset_pointer":
        inner = [
            part.get(name) for name in ("audio_asset_pointer", "video_container_asset_pointer")
        ]
        pointers = [pointer for pointer in inner if isinstance(pointer, dict)]
        attachments += [_attachment(pointer) for pointer in pointers or [part]]
    elif "asset_pointer" in part or type.endswith("asset_pointer"):
        attachments.append(_attachment(part))
    else:
        others.append(without_bytes(part))


def _attachment(part: dict[str, Any]) -> dict[str, Any]:
    type = text_in(part, "content_type").removesuffix("_pointer").removesuffix("_asset")
    dalle = object_in(object_in(part, "metadata"), "dalle")
    return present(
        {
            "type": type or "file",
            "pointer": without_bytes(part.get("asset_pointer")),
            "size": count_of(part.get("size_bytes")),
            "width": count_of(part.get("width")),
            "height": count_of(part.get("height")),
            "format": text_in(part, "format"),
            "prompt": text_in(dalle, "prompt"),
        }
    )


def _code(fields: _Fields) -> Content:
    language = fields.take("language")
    details = {"language": language} if language not in ("", "unknown") else {}
    return Content("code", fields.take("text"), details=details)


def _result_of(*keys: str) -> Callable[[_Fields], Content]:
    """Return a reader of what a tool gave back, found under the first of `keys` that has text."""

    def read(fields: _Fields) -> Content:
        text = next((fields.take(key) for key in keys if fields.get(key)), "")
        return Content("tool_result", text)

    return read


def _error(fields: _Fields) -> Content:
    name, text = fields.take("name"), fields.take("text")
    return Content("tool_result", text, error=": ".join(filter(None, (name, text))))


def _computer(fields: _Fields) -> Content:
    screenshot = fields.pop("screenshot", None)
    attachments = [_attachment(screenshot)] if isinstance(screenshot, dict) else []
    return Content("tool_result", attachments=attachments)


def _thoughts(fields: _Fields) -> Content:
    texts: list[str] = []
    for thought in fields.take_list("thoughts"):
        if not isinstance(thought, dict):
            raise Unusable(f"a thought is {kind(thought)}, not an object")
        texts.append("\n".join(filter(None, (text_in(thought, key) for key in THOUGHT))))
    return Content("thinking", joined(texts))


def _recap(fields: _Fields) -> Content:
    return Content("thinking", fields.take("content"))


def _context_of(*keys: str) -> Callable[[_Fields], Content]:
    def read(fields: _Fields) -> Content:
        return Content("context", joined(fields.take(key) for key in keys), is_hidden=True)

    return read


def _pairing(fields: _Fields) -> Content:
    shown = {key: fields.pop(key, None) for key in ("workspaces", "context_parts")}
    text = json.dumps(without_bytes(present(shown)), ensure_ascii=False)
    return Content("context", text)


THOUGHT = ("summary", "content")

READERS: dict[str, Callable[[_Fields], Content]] = {
    "text": _parts,
    "multimodal_text": _parts,
    "code": _code,
    "execution_output": _result_of("text"),
    "tether_browsing_display": _result_of("result", "summary"),
    "tether_quote": _result_of("text"),
    "sonic_webpage": _result_of("text", "snippet"),
    "system_error": _error,
    "computer_output": _computer,
    "citable_code_output": _result_of("output_str"),
    "thoughts": _thoughts,
    "reasoning_recap": _recap,
    "user_editable_context": _context_of("user_profile", "user_instructions"),
    "model_editable_context": _context_of("model_set_context"),
    "app_pairing_content": _pairing,
}
