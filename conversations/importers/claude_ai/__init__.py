"""The data export of Claude.ai, and conversations as its web interface delivers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.exports import read_conversations
from ..reading.files import SourceFile, UnreadableFile, sample_of
from ..reading.shape import Shape, shape_of
from ..records import Item, Rejected, Skipped
from .sessions import read_session

LABEL = "Claude.ai export"

WRAPPER = "conversations"
MESSAGES = "chat_messages[]"

# The other files of the archive, by names that stand together in no other file.
COMPANIONS = {
    ("uuid", "full_name", "email_address"): "the account of the export",
    ("uuid", "prompt_template", "docs"): "projects of the export",
    ("uuid", "is_starter_project"): "projects of the export",
    ("conversations_memory",): "what Claude remembers, from the export",
    ("project_memories",): "what Claude remembers, from the export",
}


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of a file of the export."""
    shape = shape_of(sample)
    return _has_messages(shape) or bool(_companion(shape))


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one conversation at a time."""
    for file in files:
        try:
            shape = shape_of(sample_of(file))
        except UnreadableFile as error:
            yield Rejected(error.name, error.reason)
            continue
        content = _companion(shape)
        if content and not _has_messages(shape):
            yield Skipped(file.name, f"{content}, no conversation")
        else:
            yield from read_conversations(file, WRAPPER, read_session)


def _has_messages(shape: Shape) -> bool:
    return shape.under(MESSAGES) or shape.has(f"{WRAPPER}[].{MESSAGES}")


def _companion(shape: Shape) -> str:
    """Return what a file of the archive holds if it is none of conversations, else ""."""
    return next((what for names, what in COMPANIONS.items() if shape.under(*names)), "")
