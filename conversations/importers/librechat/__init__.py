"""Conversations that LibreChat exports as JSON: flat or nested, with or without branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.exports import read_conversations
from ..reading.files import SourceFile, UnreadableFile, sample_of
from ..reading.shape import shape_of
from ..records import Item, Rejected
from .nesting import unnested
from .sessions import read_session

LABEL = "LibreChat export"

WRAPPER = "conversations"
LISTS = ("messages[]", "messagesTree[]")


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of a LibreChat conversation."""
    shape = shape_of(sample)
    return any(
        shape.has(f"{above}conversationId", f"{above}{name}")
        and any(shape.has(f"{above}{name}.{field}") for field in ("messageId", "isCreatedByUser"))
        for above in ("", "[].", f"{WRAPPER}[].")
        for name in LISTS
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one conversation at a time."""
    for file in files:
        try:
            is_list = shape_of(sample_of(file)).has("[]")
        except UnreadableFile as error:
            yield Rejected(error.name, error.reason)
            continue
        # The product writes one conversation to a file; a list of them may be of any length.
        unpack = None if is_list else unnested
        yield from read_conversations(file, WRAPPER, read_session, unpack)
