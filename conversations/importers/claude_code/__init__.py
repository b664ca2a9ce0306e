"""Session logs of Claude Code: a folder of .jsonl files, one record a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from ..reading.files import SourceFile, UnreadableFile
from ..reading.json_values import line_value, lines
from ..records import Item, Rejected, Skipped
from ..values.fields import Unusable
from .outline import Outline, survey
from .sessions import LogFile

LABEL = "Claude Code session logs"

# Records that stand in no other format, known by their type and a key each.
BOOK_KEEPING = {
    "summary": "leafUuid",
    "file-history-snapshot": "messageId",
    "file-history-delta": "messageId",
    "queue-operation": "operation",
    "permission-mode": "permissionMode",
    "last-prompt": "lastPrompt",
    "ai-title": "aiTitle",
    "custom-title": "customTitle",
    "agent-name": "agentName",
    "mode": "mode",
}


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of a Claude Code log."""
    *whole, cut = sample.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if any(_is_ours(_parsed(line)) for line in [*whole, cut]):
        return True
    # The first line may be longer than the sample: a picture in the first prompt.
    start = cut.lstrip()
    return start.startswith(b"{") and (
        (b'"parentUuid"' in start and b'"sessionId"' in start)
        or any(
            start.startswith((f'{{"type":"{type}"'.encode(), f'{{"type": "{type}"'.encode()))
            for type in BOOK_KEEPING
        )
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one file held at a time."""
    outline, in_order = survey(files)
    for file in in_order:
        yield from _read_file(file, outline)


def _read_file(file: SourceFile, outline: Outline) -> Iterator[Item]:
    log = LogFile(file.name, outline)
    is_sound = True
    try:
        with file.open() as stream:
            for line in lines(stream):
                value = None
                try:
                    value = line_value(line)
                    log.add(line.number, value)
                except Unusable as error:
                    # A last line without newline is still being written, unless it is whole.
                    if line.is_whole or isinstance(value, dict):
                        is_sound = False
                        yield Rejected(f"{file.name}, line {line.number}", str(error), line.content)
    except UnreadableFile as error:
        is_sound = False
        yield Rejected(error.name, error.reason)
    is_empty = True
    for session in log.sessions():
        is_empty = False
        yield session
    if is_empty and is_sound:
        counts = [f"{number} {type}" for type, number in sorted(log.counts().items())]
        yield Skipped(file.name, ", ".join(["holds no messages", *counts]))


def _parsed(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _is_ours(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    if "sessionId" in record and ("parentUuid" in record or {"uuid", "message"} <= record.keys()):
        return True
    type = record.get("type")
    return isinstance(type, str) and BOOK_KEEPING.get(type) in record
