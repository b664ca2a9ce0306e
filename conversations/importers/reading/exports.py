"""Files that hold conversations as one JSON value: a list, a list inside an object, or just one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any

from ..records import Item, Rejected, SessionRecord, Skipped
from ..values.fields import TOO_DEEP, Unusable, kind
from .files import SourceFile, UnreadableFile
from .json_values import Elements, Refused

EMPTY = "a conversation without messages"

# Returns the session, and which of its messages could not be read; raises Unusable.
ReadSession = Callable[[dict[str, Any], str], tuple[SessionRecord, list[Rejected]]]


def read_conversations(
    file: SourceFile,
    wrapper: str,
    read_session: ReadSession,
    unpack: Callable[[IO[bytes]], IO[bytes]] | None = None,
) -> Iterator[Item]:
    """Yield the sessions of a file, one conversation held at a time, and what could not be read.

    `wrapper` is the name under which an object holds the list. `unpack` makes of a file what is
    to be parsed in its place; it may raise Unusable.
    """
    number = 0
    try:
        with file.open() as stream:
            conversations = Elements(unpack(stream) if unpack else stream, wrapper)
            for number, conversation in enumerate(conversations, start=1):
                place = f"{file.name}, record {number}"
                for item in _read_conversation(conversation, place, read_session):
                    if isinstance(item, Rejected):
                        item = replace(item, content=conversations.verbatim())
                    yield item
    except UnreadableFile as error:
        yield Rejected(error.name, error.reason)
    except Unusable as error:
        yield Rejected(f"{file.name}, record {number + 1}", str(error))


def _read_conversation(
    conversation: Any, place: str, read_session: ReadSession
) -> Iterator[SessionRecord | Rejected | Skipped]:
    try:
        if isinstance(conversation, Refused):
            raise Unusable(conversation.reason)
        if not isinstance(conversation, dict):
            raise Unusable(f"the conversation is {kind(conversation)}, not an object")
        session, rejected = read_session(conversation, place)
    except (Unusable, RecursionError) as error:
        yield Rejected(place, str(error) if isinstance(error, Unusable) else TOO_DEEP)
        return
    yield from rejected
    if session.messages:
        yield session
    elif not rejected:
        yield Skipped(place, EMPTY)
