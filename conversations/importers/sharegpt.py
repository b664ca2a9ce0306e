"""Chats in the form that ShareGPT gave them, `from` and `value`, as data sets for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .chat import Turn, name_in, read_message
from .reading.dataset_rows import a_row, external_id, field_of, place_of, read_rows, rows
from .reading.files import SourceFile
from .reading.shape import Shape, shape_of
from .records import Item, SessionRecord
from .structure.transcripts import MODELS, Transcript, attach_media, first_said
from .values.fields import Unusable, kind, list_in, text_in
from .values.html_text import text_of_html

LABEL = "ShareGPT data sets"

LISTS = ("conversations", "conversation")
SPEAKERS = ("from", "role")
SAID = ("value", "content", "text")
ANSWERERS = ("gpt", "chatgpt", "bing", "bard", "assistant", "model")
ROLES = {
    **dict.fromkeys(ANSWERERS, "assistant"),
    **dict.fromkeys(("function_call", "tool_call"), "assistant"),
    **dict.fromkeys(("observation", "tool", "function", "function_response"), "tool"),
    **dict.fromkeys(("human", "user"), "user"),
    "system": "system",
}
CALLS = ("function_call", "tool_call")
PRODUCTS = ("chatgpt", "bing", "bard")
IDS = ("id", "conversation_id", "hash")


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of a ShareGPT data set."""
    shape = shape_of(sample)
    if place_of(shape, _is_row) is not None:
        return True
    return any(_are_turns(shape, path) and shape.has(f"{path}.from") for path in ("[]", "[][]"))


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one conversation at a time."""
    for file in files:
        yield from read_rows(rows(file, _is_row), _read_row)


def _is_row(shape: Shape, place: str) -> bool:
    return any(_are_turns(shape, f"{place}{name}[]") for name in LISTS)


def _are_turns(shape: Shape, path: str) -> bool:
    speakers = [word for name in SPEAKERS for word in shape.values.get(f"{path}.{name}", ())]
    is_said = any(shape.has(f"{path}.{name}") for name in SAID)
    return is_said and any(word.lower() in ROLES for word in speakers)


def _read_row(value: Any, place: str) -> Iterator[Item]:
    row = {"conversations": value} if isinstance(value, list) else a_row(value)
    name = next((name for name in LISTS if name in row), None)
    if name is None:
        raise Unusable("conversations is missing")
    yield _read_session(row, list_in(row, name), place, {name})


def _read_session(
    row: dict[str, Any], items: list[Any], place: str, read: set[str]
) -> SessionRecord:
    turns = [Turn("system", [text_in(row, "system")])]
    turns += _turns(items)
    media = attach_media(turns, row)
    model = name_in(row, *MODELS)
    id_name = field_of(row, IDS)
    id = external_id(row, row.get(id_name), model, first_said(turns))
    transcript = Transcript(id, place)
    if row.get("chosen"):
        transcript.prefer(turns, _turns(row["chosen"]), _turns(row.get("rejected")), model=model)
        read |= {"chosen", "rejected"}
    else:
        transcript.say(turns, model=model)
    return transcript.finish(row, {*read, *media, "system", id_name})


def _turns(items: Any) -> list[Turn]:
    if items is None:
        return []
    items = items if isinstance(items, list) else [items]
    return [turn for item in items for turn in _read_item(item)]


def _read_item(item: Any) -> list[Turn]:
    if not isinstance(item, dict):
        raise Unusable(f"a turn is {kind(item)}, not an object")
    speaker = name_in(item, *SPEAKERS)
    name = speaker.lower()
    said = next((item[field] for field in SAID if item.get(field) is not None), None)
    if isinstance(said, str) and ROLES.get(name) == "assistant":
        said = text_of_html(said)
    if name in CALLS:
        said = [{"type": "tool_call", "value": said}]
    rest = {field: item[field] for field in item.keys() - {*SPEAKERS, *SAID}}
    turns = read_message({**rest, "role": ROLES.get(name, speaker), "content": said})
    if name in PRODUCTS:
        turns[-1].extra["from"] = name
    return turns
