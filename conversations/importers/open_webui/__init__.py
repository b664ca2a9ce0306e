"""Chats that Open WebUI exports as JSON: all of a user, one, or what older versions wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.exports import read_conversations
from ..reading.files import SourceFile
from ..reading.shape import shape_of
from ..records import Item
from .sessions import read_session

LABEL = "Open WebUI export"

WRAPPER = "chats"
PLACES = ("", "[].", f"{WRAPPER}[].")


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of chats with a history."""
    shape = shape_of(sample)
    for above in PLACES:
        chat = f"{above}chat."
        if shape.has(f"{chat}history.messages") or shape.has(f"{chat}models", f"{chat}messages[]"):
            return True
        history = f"{above}history."
        # Without the row around it the pointer may stand behind all the messages.
        if shape.has(f"{history}messages") and any(
            path.startswith(history) and path.endswith((".currentId", ".childrenIds", ".parentId"))
            for path in shape.paths
        ):
            return True
    return False


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one chat at a time."""
    for file in files:
        yield from read_conversations(file, WRAPPER, read_session)
