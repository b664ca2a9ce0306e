"""What must be known of all files before the first is read: whose each is, and what is a copy.

A session that was forked from another repeats it from the beginning, counts and all, with new
times. What it repeats belongs to the other one.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ..reading.files import SourceFile, UnreadableFile
from ..reading.json_values import Line, line_value, lines
from ..records import Skipped
from ..values.fields import Unusable
from .counters import readings

HEAD_LINES = 20  # the head is the first line, unless that is damaged
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[^/]*$)")
ARCHIVE = re.compile(r"(?:^|[/\\])archived_sessions[/\\]")
MARKED = (b'"response_item"', b'"token_count"')


@dataclass(frozen=True, slots=True)
class Head:
    """Whose session a file holds, and the session it was forked from or started by."""

    id: str = ""
    parent_id: str = ""


class Mark(NamedTuple):
    """A line by which a copy is told: `print` is the same in both files."""

    line: int
    print: int
    is_count: bool


@dataclass(slots=True)
class Outline:
    """What the files of one import say about each other's sessions."""

    files: list[SourceFile] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)  # by the name of the file
    titles: dict[str, str] = field(default_factory=dict)  # session id -> its name in the index
    copied: dict[str, int] = field(default_factory=dict)  # session id -> the last copied line
    ids: set[str] = field(default_factory=set)


def survey(files: Sequence[SourceFile]) -> Outline:
    """Return the outline of `files`. Unreadable files are kept: the reading of them fails."""
    outline = Outline()
    copies: dict[str, list[SourceFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: file.name):
        head = _survey_one(file, outline)
        if head:
            outline.heads[file.name] = head
            copies[head.id].append(file)
        else:
            outline.skipped.append(Skipped(file.name, "an index of sessions, used for their names"))
    for of_one in copies.values():
        first, *others = sorted(of_one, key=_preference)
        outline.files.append(first)
        for other in others:
            outline.skipped.append(Skipped(other.name, f"holds the same session as {first.name}"))
    outline.ids.update(copies)
    _find_copied(outline)
    return outline


def parent_of(meta: dict[str, Any]) -> str:
    """Return the id of the session that this one was forked from or started by, "" if none."""
    match meta:
        case {"forked_from_id": str(id)} | {"parent_thread_id": str(id)} if id:
            return id
        case {"parent_thread_id": str(id)} if id:
            return id
        case {"source": {"subagent": {"thread_spawn": {"parent_thread_id": str(id)}}}}:
            return id
    return ""


def _preference(file: SourceFile) -> tuple[bool, int, str]:
    return ARCHIVE.search(file.name) is not None, -file.size, file.name


# -- whose a file is -------------------------------------------------------------------------------


def _survey_one(file: SourceFile, outline: Outline) -> Head | None:
    """Return the head of a rollout, None for an index, whose titles are noted."""
    first = b""
    try:
        with file.open(counted=False) as stream:
            for count, line in enumerate(lines(stream)):
                first = first or line.content
                record = _object(line)
                if _note_title(record, outline):
                    for other in lines(stream):
                        _note_title(_object(other), outline)
                    return None
                if head := _head_in(record):
                    return head
                if count >= HEAD_LINES:
                    break
    except UnreadableFile:
        pass
    named = UUID.search(file.name)
    return Head(named[0] if named else hashlib.sha256(first or file.name.encode()).hexdigest())


def _head_in(record: dict[str, Any]) -> Head | None:
    match record:
        case {"type": "session_meta", "payload": {"id": str(id)} as meta} if id:
            return Head(id, parent_of(meta))
        case {"id": str(id), "instructions": _} if id and "type" not in record:
            return Head(id)
    return None


def _note_title(record: dict[str, Any], outline: Outline) -> bool:
    match record:
        case {"id": str(id), "thread_name": str(name), "updated_at": _}:
            outline.titles[id] = name
            return True
    return False


def _object(line: Line) -> dict[str, Any]:
    try:
        value = line_value(line)
    except Unusable:
        return {}
    return value if isinstance(value, dict) else {}


# -- what is a copy --------------------------------------------------------------------------------


def _find_copied(outline: Outline) -> None:
    by_id = {outline.heads[file.name].id: file for file in outline.files}
    children: dict[str, list[SourceFile]] = defaultdict(list)
    for file in outline.files:
        head = outline.heads[file.name]
        if head.parent_id in by_id and head.parent_id != head.id:
            children[head.parent_id].append(file)
    for parent_id, forks in children.items():
        parent = list(_marks(by_id[parent_id]))
        for fork in forks:
            if last := _last_copied(_marks(fork), parent):
                outline.copied[outline.heads[fork.name].id] = last


def _last_copied(fork: Iterator[Mark], parent: list[Mark]) -> int:
    """Return the last line of a fork that repeats its parent, 0 if none does.

    The counts are compared one by one from the first: one that differs is the fork's own. Items may
    be missing from the copy, and what was said again after the fork may be what was said before:
    so beyond an item of its own only a count tells that it is still the copy.
    """
    counts = [place for place, mark in enumerate(parent) if mark.is_count]
    items: dict[int, list[int]] = defaultdict(list)
    for place, mark in enumerate(parent):
        items[mark.print].append(place)
    last, place, counted, is_own = 0, -1, 0, False
    for mark in fork:
        if mark.is_count:
            if counted == len(counts) or parent[counts[counted]].print != mark.print:
                break
            last, place, is_own = mark.line, counts[counted], False
            counted += 1
        elif not is_own:
            places = items.get(mark.print, [])
            after = bisect_right(places, place)
            is_own = after == len(places)
            if not is_own:
                last, place = mark.line, places[after]
    return last


def _marks(file: SourceFile) -> Iterator[Mark]:
    try:
        with file.open(counted=False) as stream:
            for line in lines(stream):
                if any(mark in line.content for mark in MARKED):
                    record = _object(line)
                    if isinstance(record.get("payload"), dict):
                        yield from _mark_of(record["type"], record["payload"], line.number)
    except UnreadableFile:
        return


def _mark_of(type: Any, payload: dict[str, Any], line: int) -> Iterator[Mark]:
    is_count = type == "event_msg" and payload.get("type") == "token_count"
    if not is_count and type != "response_item":
        return
    try:
        said = readings(payload) if is_count else payload
        # The same names in another order are the same.
        content = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except (Unusable, TypeError):
        return
    if not is_count or any(said):
        yield Mark(line, hash(content), is_count)
