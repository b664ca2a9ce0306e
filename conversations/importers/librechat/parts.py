"""The parts of a LibreChat message: text, thoughts, calls of tools with their answers, files."""

from __future__ import annotations

from typing import Any

from ..chat.turns import Turn, arguments, as_text
from ..structure.threads import Said, unread
from ..values.fields import Unusable, count_of, kind, list_in, object_in, present, text_in
from ..values.inline import pointed, without_bytes

FILE = {
    "file_id", "filename", "type", "bytes", "filepath", "text",
    "_id", "__v", "user", "conversationId", "messageId",
}  # fmt: skip
CALL = {"id", "name", "args", "output", "type", "function", "code_interpreter", "progress"}


def read_parts(message: dict[str, Any], role: str) -> Said:
    """Return what a message holds; raises Unusable."""
    said = Said(Turn(role))
    for part in list_in(message, "content"):
        if part is None:
            continue  # a place that streaming left empty
        if not isinstance(part, dict):
            raise Unusable(f"a part of content is {kind(part)}, not an object")
        _read_part(said, part)
    if said.is_empty:
        said.turn.texts = [text_in(message, "text")]
    uploads = list_in(message, "files") + list_in(message, "attachments")
    said.turn.attachments += [_file(file) for file in uploads if isinstance(file, dict)]
    return said


def _read_part(said: Said, part: dict[str, Any]) -> None:
    turn = said.turn
    match text_in(part, "type"):
        case "text":
            turn.texts.append(_text(part, "text"))
        case "think":
            turn.thinking.append(_text(part, "think"))
        case "error":
            turn.error = _text(part, "error") or _text(part, "text")
        case "tool_call":
            _read_call(said, object_in(part, "tool_call"))
        case "image_file" | "image_url" as type:
            image = part.get(type)
            turn.attachments.append(_image(image if isinstance(image, dict) else {"url": image}))
        case _:
            turn.others.append(without_bytes(part))


def _text(part: dict[str, Any], name: str) -> str:
    """Return text that the assistants API wraps into an object."""
    value = part.get(name)
    return text_in(value, "value") if isinstance(value, dict) else text_in(part, name)


def _read_call(said: Said, call: dict[str, Any]) -> None:
    inner = object_in(call, "function") or object_in(call, "code_interpreter") or call
    given = next((inner[name] for name in ("args", "arguments", "input") if inner.get(name)), None)
    output = next((inner[name] for name in ("output", "outputs") if inner.get(name)), None)
    type = text_in(call, "type")
    number = len(said.turn.tool_calls) + 1
    id = text_in(call, "id") or f"call-{number}"
    name = text_in(call, "name") or text_in(inner, "name") or type
    said.turn.tool_calls.append(
        {"id": id, "name": name, "arguments": "" if given is None else arguments(given)}
    )
    if rest := unread(call, CALL):
        said.turn.others.append({"type": "tool_call", "id": id, **rest})
    output = call.get("output") if output is None else output
    if output is not None:
        said.results.append(Turn("tool", [as_text(output)], tool_call_ids=[id], name=name))


def _image(image: dict[str, Any]) -> dict[str, Any]:
    about = _file({name: value for name, value in image.items() if name != "url"})
    return {**about, **pointed(image.get("url")), "type": "image"}


def _file(file: dict[str, Any]) -> dict[str, Any]:
    media_type = text_in(file, "type")
    return present(
        {
            **unread(file, FILE),
            "type": "image" if media_type.startswith("image/") else "file",
            "media_type": media_type,
            "name": text_in(file, "filename"),
            "size": count_of(file.get("bytes")),
            "text": without_bytes(file.get("text")),
            **pointed(file.get("filepath") or file.get("file_id")),
        }
    )
