"""What an Open WebUI message holds: text, the items of a response, files."""

from __future__ import annotations

from typing import Any

from ..chat.parts import read_content, read_part
from ..chat.turns import Turn, as_text
from ..structure.threads import Said, unread
from ..values.fields import Unusable, count_of, kind, list_in, object_in, present, text_in
from ..values.inline import pointed, without_bytes
from ..values.text import joined
from .details import CODE, read_text

FILE = {"type", "name", "size", "url", "id", "file", "content_type"}
CODE_ITEM = "open_webui:code_interpreter"


def read_message(message: dict[str, Any], role: str, call_id: str) -> Said:
    """Return what a message holds; raises Unusable.

    `call_id` is what the ids of calls begin with that have none.
    """
    said = Said(Turn(role))
    for item in list_in(message, "output"):
        if not isinstance(item, dict):
            raise Unusable(f"an item of output is {kind(item)}, not an object")
        _read_item(said, item, f"{call_id}:{len(said.turn.tool_calls) + 1}")
    content = message.get("content")
    if said.turn.text.strip():
        pass  # `content` is the same once more, for a browser
    elif role == "assistant" and isinstance(content, str):
        _read_answer(said, content, call_id)
    else:
        said.results += read_content(said.turn, content)
    files = [file for file in list_in(message, "files") if isinstance(file, dict)]
    said.turn.attachments += [_attachment(file) for file in files]
    said.turn.error = _error(message)
    return said


def _read_answer(said: Said, content: str, call_id: str) -> None:
    """Read the text of an answer; thoughts and calls only if the items did not have any."""
    apart = Said(Turn("assistant"))
    read_text(apart, content, call_id)
    if said.is_empty:
        said.turn, said.results = apart.turn, apart.results
    else:
        said.turn.texts = apart.turn.texts


def _read_item(said: Said, item: dict[str, Any], call_id: str) -> None:
    turn = said.turn
    type = text_in(item, "type")
    if type == "message":
        said.results += read_content(turn, item.get("content"))
    elif type == "reasoning":
        # The summary is what was shown; without one the thoughts themselves are there.
        parts = list_in(item, "summary") or list_in(item, "content")
        texts = [text_in(part, "text") for part in parts if isinstance(part, dict)]
        if thought := joined(texts):
            turn.thinking.append(thought)
    elif type == CODE_ITEM:
        id = text_in(item, "id") or call_id
        given = present({"lang": text_in(item, "lang"), "code": text_in(item, "code")})
        turn.tool_calls.append({"id": id, "name": CODE, "arguments": given})
        if output := item.get("output"):
            said.results.append(Turn("tool", [as_text(output)], tool_call_ids=[id], name=CODE))
    elif result := read_part(turn, item):
        said.results.append(result)


def _attachment(file: dict[str, Any]) -> dict[str, Any]:
    """Describe an upload; the whole row of the file may stand inside it, with its text."""
    row = file["file"] if isinstance(file.get("file"), dict) else {}
    about = object_in(row, "meta")
    size = count_of(file.get("size"))
    names = (text_in(file, "name"), text_in(about, "name"), text_in(row, "filename"))
    found = {
        **unread(file, FILE),
        "type": text_in(file, "type") or "file",
        "media_type": text_in(file, "content_type") or text_in(about, "content_type"),
        "name": next(filter(None, names), ""),
        "size": count_of(about.get("size")) if size is None else size,
        "text": without_bytes(object_in(row, "data").get("content")),
    }
    described = pointed(file.get("url") or file.get("id") or row.get("id"))
    return present(found) | described | {"type": found["type"]}


def _error(message: dict[str, Any]) -> str:
    error = message.get("error")
    if isinstance(error, dict):
        error = error.get("content") or error.get("message") or error
    if error is True:
        return text_in(message, "content") or "error"  # as old versions have it
    return as_text(error) if error else ""
