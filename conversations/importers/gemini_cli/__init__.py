"""Session logs of Gemini CLI: one file each, JSON until spring 2026, JSON Lines since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

from ..reading.files import SourceFile, UnreadableFile, sample_of
from ..reading.json_values import Elements, Refused, line_value, lines
from ..reading.shape import shape_of
from ..records import Item, Rejected, Skipped
from ..values.fields import Unusable, kind, list_in
from .sessions import Log

LABEL = "Gemini CLI session logs"

NO_LIST = "\0"  # a name that stands in no file, so that an object is read whole


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of a session."""
    shape = shape_of(sample)
    if shape.has("sessionId", "projectHash"):
        return True
    # Without them at its head: names in another order, or a log whose beginning is lost.
    return (shape.has("messages[].id") and shape.says("messages[].type", "gemini")) or (
        shape.has("id", "content") and shape.says("type", "gemini")
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one file held at a time.

    A session that was resumed was written anew as lines, beside the document that it was before:
    the lines are read first, and then count.
    """
    seen: set[str] = set()
    documents = []
    for file in files:
        if _is_document(file):
            documents.append(file)
        else:
            yield from _read_file(file, _add_lines, seen)
    in_lines = frozenset(seen)
    for file in documents:
        yield from _read_file(file, _add_document, seen, in_lines)


def _is_document(file: SourceFile) -> bool:
    """Return whether a file is one JSON value with all messages in it."""
    try:
        shape = shape_of(sample_of(file))
    except UnreadableFile:
        return False  # the reading of it is what fails
    return shape.has("messages") and not shape.is_lines


def _read_file(
    file: SourceFile, add: Any, seen: set[str], in_lines: frozenset[str] = frozenset()
) -> Iterator[Item]:
    log = Log(file.name)
    is_sound = True
    try:
        with file.open() as stream:
            for problem in add(log, stream, file.name):
                is_sound = False
                yield problem
    except UnreadableFile as error:
        is_sound = False
        yield Rejected(error.name, error.reason)
    session = log.session()
    if session is None:
        if is_sound:
            yield Skipped(file.name, "a session without messages")
    elif session.external_id in in_lines:
        yield Skipped(file.name, "an older form of a session that is read from its .jsonl")
    else:
        seen.add(session.external_id)
        yield session


def _add_lines(log: Log, stream: IO[bytes], name: str) -> Iterator[Rejected]:
    for line in lines(stream):
        value = None
        try:
            value = line_value(line)
            log.add(value)
        except Unusable as error:
            # A last line without newline is still being written, unless it is whole.
            if line.is_whole or isinstance(value, dict):
                yield Rejected(f"{name}, line {line.number}", str(error), line.content)


def _add_document(log: Log, stream: IO[bytes], name: str) -> Iterator[Rejected]:
    documents = Elements(stream, NO_LIST)
    try:
        for number, document in enumerate(documents, start=1):
            place = f"{name}, record {number}"
            try:
                messages = _open(log, document)
            except Unusable as error:
                yield Rejected(place, str(error), documents.verbatim())
                continue
            for position, message in enumerate(messages, start=1):
                try:
                    log.add_message(message)
                except Unusable as error:
                    content = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
                    yield Rejected(f"{name}, message {position}", str(error), content)
    except Unusable as error:
        yield Rejected(f"{name}, record 1", str(error))


def _open(log: Log, document: Any) -> list[Any]:
    """Take what a document says of its session; return its messages."""
    if isinstance(document, Refused):
        raise Unusable(document.reason)
    if not isinstance(document, dict):
        raise Unusable(f"the session is {kind(document)}, not an object")
    messages = list_in(document, "messages")
    log.describe({name: value for name, value in document.items() if name != "messages"})
    return messages
