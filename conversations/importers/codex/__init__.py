"""Rollouts of Codex CLI: one .jsonl file for each session, one record a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.files import SourceFile, UnreadableFile
from ..reading.json_values import line_value, lines
from ..reading.shape import shape_of
from ..records import Item, Rejected, Skipped
from ..values.fields import Unusable
from .outline import Outline, survey
from .sessions import Rollout

LABEL = "Codex CLI session logs"

RECORDS = ("session_meta", "response_item", "event_msg", "turn_context", "compacted")
BARE_ITEMS = ("message", "reasoning", "function_call", "function_call_output")


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of a rollout, or of their index."""
    shape = shape_of(sample)
    if shape.has("type", "payload"):
        return shape.says("type", *RECORDS)
    if shape.has("id", "thread_name", "updated_at"):
        return True
    # Until mid-2025 the items stood there without an envelope, below a head without a type.
    return (
        shape.has("id", "timestamp", "instructions")
        and not shape.has("messages")
        and (not shape.has("type") or shape.says("type", *BARE_ITEMS))
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one file held at a time."""
    outline = survey(files)
    yield from outline.skipped
    for file in outline.files:
        yield from _read_file(file, outline)


def _read_file(file: SourceFile, outline: Outline) -> Iterator[Item]:
    rollout = Rollout(file.name, outline.heads[file.name], outline)
    is_sound = True
    try:
        with file.open() as stream:
            for line in lines(stream):
                value = None
                try:
                    value = line_value(line)
                    rollout.add(line.number, value)
                except Unusable as error:
                    # A last line without newline is still being written, unless it is whole.
                    if line.is_whole or isinstance(value, dict):
                        is_sound = False
                        yield Rejected(f"{file.name}, line {line.number}", str(error), line.content)
    except UnreadableFile as error:
        is_sound = False
        yield Rejected(error.name, error.reason)
    session = rollout.session()
    if session:
        yield session
    elif is_sound:
        yield Skipped(file.name, rollout.why_empty())
