"""What must be known of all files before the first is read: whose each is, and the titles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, Any

from ..reading.files import SourceFile, UnreadableFile
from ..reading.json_values import CHUNK_BYTES, Line, line_value, lines
from ..values.fields import Unusable

TITLE_MARKS = (b'"leafUuid"', b'-title"')
LONGEST_MARK = max(map(len, TITLE_MARKS))


@dataclass(slots=True)
class Outline:
    """What the files of one import say about each other's sessions."""

    # uuid of a record -> (place among all summaries, summary of the session that it ends)
    summaries: dict[str, tuple[int, str]] = field(default_factory=dict)
    custom_titles: dict[str, str] = field(default_factory=dict)  # sessionId -> last of its titles
    ai_titles: dict[str, str] = field(default_factory=dict)
    # (sessionId, agentId) -> the call that started the sub-agent; filled while reading
    starts: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def title_of(self, session_id: str) -> str:
        """Return the title that a session was given, by its user rather than by the program."""
        return self.custom_titles.get(session_id) or self.ai_titles.get(session_id, "")


@dataclass(frozen=True, slots=True)
class _Owner:
    session_id: str = ""
    is_agent: bool = False


def survey(files: Sequence[SourceFile]) -> tuple[Outline, list[SourceFile]]:
    """Return the outline of `files` and the files in reading order.

    They come by name, but the files of sub-agents after the last main file of their session, so
    that a response that both hold is first met where it belongs. Unreadable files are kept: the
    reading of them is what fails.
    """
    outline = Outline()
    by_name = sorted(files, key=lambda file: file.name)
    owners = [_survey_one(file, outline) for file in by_name]
    mains = {
        owner.session_id: file.name
        for file, owner in zip(by_name, owners, strict=True)
        if not owner.is_agent
    }

    def order(pair: tuple[SourceFile, _Owner]) -> tuple[str, bool, str]:
        file, owner = pair
        main = mains.get(owner.session_id, file.name) if owner.is_agent else file.name
        return main, owner.is_agent, file.name

    pairs = sorted(zip(by_name, owners, strict=True), key=order)
    return outline, [file for file, _ in pairs]


def _survey_one(file: SourceFile, outline: Outline) -> _Owner:
    try:
        with file.open(counted=False) as stream:
            head = stream.read(CHUNK_BYTES)
            has_titles = _mentions_titles(head, stream)
        owner = _first_owner(lines(BytesIO(head)))
        if has_titles or not owner:
            with file.open(counted=False) as stream:
                for line in lines(stream):
                    owner = owner or _first_owner([line])
                    if any(mark in line.content for mark in TITLE_MARKS):
                        _note_title(_object(line), outline)
    except UnreadableFile:
        return _Owner()
    return owner or _Owner()


def _mentions_titles(head: bytes, stream: IO[bytes]) -> bool:
    """Return whether a title may be in a file: most hold none, and a look at the bytes is cheap."""
    chunk = head
    while chunk:
        if any(mark in chunk for mark in TITLE_MARKS):
            return True
        end = chunk[-LONGEST_MARK:]  # a mark may be cut in two
        chunk = stream.read(CHUNK_BYTES)
        chunk = end + chunk if chunk else b""
    return False


def _first_owner(some_lines: Iterable[Line]) -> _Owner | None:
    for line in some_lines:
        if b'"sessionId"' in line.content and (owner := _owner_of(_object(line))):
            return owner
    return None


def _object(line: Line) -> dict[str, Any]:
    try:
        value = line_value(line)
    except Unusable:
        return {}
    return value if isinstance(value, dict) else {}


def _owner_of(record: dict[str, Any]) -> _Owner | None:
    session_id = record.get("sessionId")
    if not isinstance(session_id, str) or not session_id:
        return None
    return _Owner(session_id, bool(record.get("isSidechain") and record.get("agentId")))


def _note_title(record: dict[str, Any], outline: Outline) -> None:
    match record:
        case {"type": "summary", "leafUuid": str(leaf), "summary": str(text)}:
            outline.summaries[leaf] = (len(outline.summaries), text)
        case {"type": "custom-title", "sessionId": str(session_id), "customTitle": str(text)}:
            outline.custom_titles[session_id] = text
        case {"type": "ai-title", "sessionId": str(session_id), "aiTitle": str(text)}:
            outline.ai_titles[session_id] = text
