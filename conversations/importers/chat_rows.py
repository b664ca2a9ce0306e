"""Rows of the data sets that chat services published: LMSYS-Chat-1M, WildChat, arena files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .chat import Turn, name_in, read_turns
from .reading.dataset_rows import Row, a_row, external_id, field_of, place_of, read_rows, rows
from .reading.files import SourceFile, UnreadableFile, sample_of
from .reading.parquet import SIGNATURE, parquet_rows
from .reading.shape import Shape, shape_of
from .records import Item, Rejected, SessionRecord
from .structure.transcripts import MODELS, Transcript, as_turns, first_said
from .values.fields import Unusable, kind, list_in
from .values.text import as_title

LABEL = "chat data sets (LMSYS-Chat-1M, WildChat, arena files; JSON or Parquet)"

IDS = ("conversation_id", "conversation_hash")
QUESTION_IDS = ("question_id", "uid", "id")
# Who and where a user was.
PRIVATE = {"hashed_ip", "header", "country", "state"}


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of such rows, or of a Parquet file."""
    return sample.startswith(SIGNATURE) or place_of(shape_of(sample), _is_row) is not None


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, a row at a time."""
    for file in files:
        yield from read_rows(_rows(file), _read_row)


def _rows(file: SourceFile) -> Iterator[Row | Rejected]:
    try:
        if sample_of(file).startswith(SIGNATURE):
            yield from parquet_rows(file)
        else:
            yield from rows(file, _is_row)
    except UnreadableFile as error:
        yield Rejected(error.name, error.reason)


def _is_row(shape: Shape, place: str) -> bool:
    is_named = any(shape.has(place + name) for name in IDS)
    if is_named and _are_messages(shape, f"{place}conversation[]"):
        return True
    if _are_messages(shape, f"{place}conversation_a[]"):
        return True
    is_answer = any(shape.has(place + name) for name in ("question_id", "answer_id"))
    if is_answer and shape.has(f"{place}choices[].turns[]"):
        return True
    is_arena = shape.has(f"{place}uid", f"{place}model", f"{place}tstamp")
    return is_arena and _are_messages(shape, f"{place}messages[]")


def _are_messages(shape: Shape, path: str) -> bool:
    return shape.has(f"{path}.content") and (
        shape.says(f"{path}.role", "user", "assistant", "system")
        or f"{path}.role" not in shape.paths
    )


def _read_row(value: Any, place: str) -> Iterator[SessionRecord]:
    row = {name: item for name, item in a_row(value).items() if name not in PRIVATE}
    if "conversation_a" in row:
        for side in ("a", "b"):
            yield _arena_side(row, side, place)
    elif "choices" in row:
        yield _answers(row, place)
    else:
        yield _conversation(row, place)


def _conversation(row: dict[str, Any], place: str) -> SessionRecord:
    name = field_of(row, ("conversation", "messages", "conversations"))
    if not name:
        raise Unusable("no conversation in it")
    items = list_in(row, name)
    turns = _turns(items)
    model = name_in(row, *MODELS)
    id_name = field_of(row, (*IDS, *QUESTION_IDS))
    # The hash of a conversation is that of its text, which others may have said, too; only with
    # the number of the turn is it a conversation of its own.
    first = items[0].get("turn_identifier", "") if items and isinstance(items[0], dict) else ""
    id = external_id(row, row.get(id_name), model, str(first), first_said(turns))
    transcript = Transcript(id, place)
    transcript.say(turns, model=model)
    return transcript.finish(row, {name, id_name})


def _arena_side(row: dict[str, Any], side: str, place: str) -> SessionRecord:
    """Return what one of two models answered to the same questions."""
    turns = _turns(list_in(row, f"conversation_{side}"))
    model = name_in(row, f"model_{side}")
    id_name = field_of(row, (*IDS, *QUESTION_IDS))
    id = external_id(row, row.get(id_name), side, model, first_said(turns))
    transcript = Transcript(id if row.get(id_name) else f"{id}/{side}", place)
    transcript.say(turns, model=model)
    transcript.session.metadata["side"] = side
    return transcript.finish(row, {"conversation_a", "conversation_b", id_name})


def _answers(row: dict[str, Any], place: str) -> SessionRecord:
    """Return the answers of a model to a question that stands in another file."""
    model = name_in(row, *MODELS)
    id = external_id(row, row.get(field_of(row, ("answer_id",))), model)
    transcript = Transcript(id, place)
    question = row.get("question_id")
    if isinstance(question, str | int):
        transcript.session.title = as_title(f"Question {question}")
        transcript.session.metadata["question_id"] = question
    choices = list_in(row, "choices")
    # The first was taken; what was discarded stands before what was kept.
    for number, choice in reversed(list(enumerate(choices))):
        if not isinstance(choice, dict):
            raise Unusable(f"a choice is {kind(choice)}, not an object")
        turns = [turn for said in list_in(choice, "turns") for turn in as_turns(said, "assistant")]
        transcript.say(turns, model=model, is_active=number == 0)
    return transcript.finish(row, {"choices", "answer_id", "question_id"})


def _turns(items: list[Any]) -> list[Turn]:
    return read_turns([_public(item) for item in items])


def _public(item: Any) -> Any:
    """Return a message without who sent it, its text out of what an arena wraps around it."""
    if not isinstance(item, dict):
        return item
    item = {name: item[name] for name in item if name not in PRIVATE}
    content = item.get("content")
    if isinstance(content, dict) and isinstance(content.get("answer"), str):
        rest = {name: content[name] for name in content if name != "answer"}
        item |= {"content": content["answer"], **({"answer": rest} if rest else {})}
    return item
