"""The blocks of a Claude.ai message: text, thoughts, calls of tools and what these gave back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..chat.turns import Turn, arguments, as_text
from ..structure.threads import Said, unread
from ..values.fields import Unusable, count_of, flag_in, kind, list_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import joined, read_time

# When, and what only the provider can check.
NOISE = {"type", "start_timestamp", "stop_timestamp", "signature"}
CALL = NOISE | {"id", "name", "input"}
RESULT = NOISE | {"tool_use_id", "name", "content", "is_error"}
ATTACHMENT = {"file_name", "file_type", "file_size", "extracted_content"}
FILE = {"file_uuid", "file_name", "file_kind", "uuid"}


@dataclass(slots=True)
class TimedSaid(Said):
    """A message taken apart, and when its blocks were written."""

    started: datetime | None = None
    stopped: datetime | None = None

    @property
    def latency_ms(self) -> int | None:
        """How long it took from the first block to the last, None if that is not said."""
        if self.started is None or self.stopped is None or self.stopped <= self.started:
            return None
        return round((self.stopped - self.started).total_seconds() * 1000)


def read_blocks(message: dict[str, Any], role: str, call_id: str) -> TimedSaid:
    """Return what a message holds; raises Unusable.

    `call_id` is what the ids of calls begin with that have none.
    """
    said = TimedSaid(Turn(role))
    content = message.get("content")
    if isinstance(content, str):
        content = [content]
    elif content is not None and not isinstance(content, list):
        raise Unusable(f"content is {kind(content)}, neither text nor a list")
    for block in content or ():
        if isinstance(block, str):
            said.turn.texts.append(block)
        elif isinstance(block, dict):
            _read_block(said, block, f"{call_id}:{len(said.turn.tool_calls) + 1}")
        else:
            raise Unusable(f"a block of content is {kind(block)}, not an object")
    _pair(said)
    turn = said.turn
    # Beside blocks `text` is no more than a copy, in which thoughts and answer run together.
    has_substance = turn.text.strip() or turn.thinking or turn.tool_calls or said.results
    if not has_substance and (text := text_in(message, "text")):
        turn.texts = [text]
    turn.attachments += _attachments(message)
    return said


def _read_block(said: TimedSaid, block: dict[str, Any], call_id: str) -> None:
    turn = said.turn
    type = text_in(block, "type")
    said.started = said.started or read_time(block.get("start_timestamp"))
    said.stopped = read_time(block.get("stop_timestamp")) or said.stopped
    match type:
        case "text" | "voice_note":
            turn.texts.append(text_in(block, "text"))
            rest = unread(block, {*NOISE, "text"})
        case "thinking":
            rest = unread(block, {*NOISE, "thinking"})
            if thought := text_in(block, "thinking") or _summaries(block):
                turn.thinking.append(thought)
        case "tool_use":
            rest = unread(block, CALL)
            turn.tool_calls.append(
                {
                    "id": text_in(block, "id") or call_id,
                    "name": text_in(block, "name"),
                    "arguments": arguments(block.get("input")),
                }
            )
        case "tool_result":
            said.results.append(_result(block))
            return
        case _:
            turn.others.append(without_bytes(block))
            return
    if rest:
        turn.others.append({"type": type, **rest})


def _summaries(block: dict[str, Any]) -> str:
    summaries = [item for item in list_in(block, "summaries") if isinstance(item, dict)]
    return joined(text_in(summary, "summary") for summary in summaries)


def _result(block: dict[str, Any]) -> Turn:
    turn = Turn("tool", name=text_in(block, "name"), is_error=flag_in(block, "is_error"))
    if call_id := text_in(block, "tool_use_id"):
        turn.tool_call_ids.append(call_id)
    content = block.get("content")
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict):
            _read_part(turn, part)
        else:
            turn.texts.append(as_text(part))
    turn.extra = unread(block, RESULT)
    return turn


def _read_part(turn: Turn, part: dict[str, Any]) -> None:
    type = text_in(part, "type")
    if type in ("image", "local_resource"):
        turn.attachments.append({**without_bytes(present(part)), "type": type})
        return
    # What was found in the web comes with where it was found.
    shown = [text_in(part, name) for name in ("title", "url", "text")]
    turn.texts.append("\n".join(filter(None, shown)))
    if rest := unread(part, {"type", "title", "url", "text", "uuid"}):
        turn.others.append({"type": type, **rest})


def _pair(said: TimedSaid) -> None:
    """Give results without the id of their call that of the next call of the same name."""
    answered = {id for result in said.results for id in result.tool_call_ids}
    waiting = [call for call in said.turn.tool_calls if call["id"] not in answered]
    for result in said.results:
        if result.tool_call_ids:
            continue
        call = next((call for call in waiting if call["name"] == result.name), None)
        if call:
            waiting.remove(call)
            result.tool_call_ids.append(call["id"])


def _attachments(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the uploads of a message, whose text is searched apart from what was said."""
    found = [
        present(
            {
                "type": "file",
                "media_type": text_in(upload, "file_type"),
                "name": text_in(upload, "file_name"),
                "size": count_of(upload.get("file_size")),
                "text": without_bytes(upload.get("extracted_content")),
                **unread(upload, ATTACHMENT),
            }
        )
        for upload in list_in(message, "attachments")
        if isinstance(upload, dict)
    ]
    files: dict[str, dict[str, Any]] = {}
    for file in list_in(message, "files") + list_in(message, "files_v2"):
        if isinstance(file, dict):
            pointer = text_in(file, "file_uuid") or text_in(file, "uuid")
            name = text_in(file, "file_name")
            about = {"type": text_in(file, "file_kind") or "file", "name": name, "pointer": pointer}
            files.setdefault(pointer or name, present(about) | unread(file, FILE))
    return found + list(files.values())
