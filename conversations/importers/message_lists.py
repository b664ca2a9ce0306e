"""Lists of messages as APIs take them: fine-tuning files, dumps of chats, logs of requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from .chat import name_in, read_request, read_turns, role_of
from .reading.dataset_rows import (
    a_row,
    content_id,
    external_id,
    field_of,
    place_of,
    read_rows,
    rows,
)
from .reading.files import SourceFile
from .reading.shape import Shape, shape_of
from .records import Item, SessionRecord
from .structure.request_logs import RequestLog
from .structure.transcripts import MODELS, Transcript, as_turns, attach_media, first_said
from .values.fields import Unusable, kind

LABEL = "message lists (fine-tuning files, request logs)"

# Where lists of messages stand in a row.
LISTS = ("messages", "input", "contents", "prompt", "chosen", "preferred_output", "input.messages")
REQUEST_LISTS = ("messages", "input", "contents")
REQUESTS = ("request", "request.body")
ANSWERS = ("choices", "output", "content", "candidates", "message", "error")
SAID = ("content", "parts", "tool_calls")
# What stands in the rows of other formats only.
FOREIGN = (
    *("mapping", "chat_messages", "conversationId", "parentUuid", "projectHash", "custom_id"),
    *("observations", "traceId", "resourceSpans", "run_type", "dotted_order", "request_body"),
    *("history.messages", "history.currentId", "chat.history", "message_tree_id"),
)
PREFERENCES = (("preferred_output", "non_preferred_output"), ("chosen", "rejected"))
PAIR = ("prompt", "chosen", "rejected")
IDS = ("conversation_id", "session_id", "chat_id", "thread_id", "id", "uuid")
READ = {
    *("messages", "input", "contents", "prompt", "completion", "system", "instructions"),
    *("systemInstruction", "system_instruction", "chosen", "rejected"),
    *("preferred_output", "non_preferred_output"),
}


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of message lists."""
    shape = shape_of(sample)
    if place_of(shape, _is_row) is not None:
        return True
    # The messages of one conversation, or a list of such lists, without anything around them.
    is_foreign = shape.has("[].messageId") or shape.has("[].message_id")
    return not is_foreign and any(_are_messages(shape, path) for path in ("[]", "[][]"))


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read.

    Of a log of requests, those that name their conversation are held to the end of the file.
    """
    for file in files:
        log = RequestLog()
        yield from read_rows(rows(file, _is_row), partial(_read_row, log=log))
        yield from log.sessions()


def _is_row(shape: Shape, place: str) -> bool:
    if any(shape.has(place + name) for name in FOREIGN):
        return False
    if any(_are_messages(shape, f"{place}{name}[]") for name in LISTS):
        return True
    if shape.has(*(place + name for name in PAIR)):
        return True
    return any(_is_request(shape, f"{place}{name}.") for name in REQUESTS)


def _is_request(shape: Shape, place: str) -> bool:
    if any(_are_messages(shape, f"{place}{name}[]") for name in REQUEST_LISTS):
        return True
    response = place.replace("request", "response")
    return shape.has(f"{place}model") and any(shape.has(response + name) for name in ANSWERS)


def _are_messages(shape: Shape, path: str) -> bool:
    if not any(shape.has(f"{path}.{name}") for name in SAID):
        return False
    roles = shape.values.get(f"{path}.role")
    # The sample may end inside the first text.
    return any(role_of(role, "") for role in roles) if roles else f"{path}.role" not in shape.paths


def _read_row(value: Any, place: str, log: RequestLog) -> Iterator[Item]:
    if isinstance(value, list):
        transcript = Transcript(content_id(value), place)
        transcript.say(read_turns(value))
        yield transcript.finish({})
        return
    row = a_row(value)
    if "response" in row or "request" in row:
        yield from log.take(row, place)
    else:
        yield _read_session(row, place)


def _read_session(row: dict[str, Any], place: str) -> SessionRecord:
    for name in ("messages", "input", "contents", "prompt"):
        if isinstance(row.get(name), int | float):
            raise Unusable(f"{name} is {kind(row[name])}, not a list")
    turns = read_request(row)
    turns += as_turns(row.get("completion"), "assistant")
    preferred = next((names for names in PREFERENCES if row.get(names[0])), None)
    if not (preferred or any(name in row for name in READ)):
        raise Unusable("no messages in it")
    media = attach_media(turns, row)
    model = name_in(row, *MODELS)
    id_name = field_of(row, IDS)
    id = external_id(row, row.get(id_name), model, first_said(turns))
    transcript = Transcript(id, place)
    if preferred:
        chosen, rejected = (as_turns(row.get(name), "assistant") for name in preferred)
        transcript.prefer(turns, chosen, rejected, model=model)
    else:
        transcript.say(turns, model=model)
    return transcript.finish(row, {*READ, *media, id_name})
