"""The data export of ChatGPT: conversations.json, whole or in numbered parts, in a zip or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..reading.files import SourceFile, UnreadableFile
from ..reading.json_values import Elements, Refused
from ..records import Item, Rejected, Skipped
from ..values.fields import Unusable
from .sessions import read_session

LABEL = "ChatGPT export"

WRAPPER = "conversations"
# A string, with the colon if it is a name; a bracket; a string that the sample cuts off.
TOKEN = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"\s*(:?)\s*|[\[\]{}]|"', re.DOTALL)
# Where a conversation can stand: alone, in a list, in the list of a wrapping object.
PLACES = (b"{", b"[{", b"{[{")
NODE_FIELDS = (b"id", b"message", b"parent", b"children")


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of conversations with a `mapping`."""
    sample = sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not sample.startswith((b"{", b"[")):
        return False
    place = mapping = wrapper = b""
    for token in TOKEN.finditer(sample):
        match token[0]:
            case b"{" | b"[":
                place += token[0]
            case b"}" | b"]":
                place = place[:-1]
            case b'"':
                break
            case _ if not token[2]:
                pass
            case _ if mapping and place == mapping + b"{":
                return token[1] in NODE_FIELDS
            case _ if token[1] == b"mapping" and sample.startswith(b"{", token.end()):
                if place in PLACES[:2] or (place == PLACES[2] and wrapper == WRAPPER.encode()):
                    mapping = place + b"{"
            case _ if place == b"{":
                wrapper = token[1]
    return bool(mapping)


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one conversation at a time."""
    for file in files:
        yield from _read_file(file)


def _read_file(file: SourceFile) -> Iterator[Item]:
    number = 0
    try:
        with file.open() as stream:
            conversations = Elements(stream, WRAPPER)
            for number, conversation in enumerate(conversations, start=1):
                for item in _read_conversation(conversation, f"{file.name}, record {number}"):
                    if isinstance(item, Rejected):
                        item = replace(item, content=conversations.verbatim())
                    yield item
    except UnreadableFile as error:
        yield Rejected(error.name, error.reason)
    except Unusable as error:
        yield Rejected(f"{file.name}, record {number + 1}", str(error))


def _read_conversation(conversation: object, place: str) -> Iterator[Item]:
    if isinstance(conversation, Refused):
        yield Rejected(place, conversation.reason)
        return
    try:
        session, rejected = read_session(conversation, place)
    except Unusable as error:
        yield Rejected(place, str(error))
        return
    yield from rejected
    if session:
        yield session
    elif not rejected:
        yield Skipped(place, "a conversation without messages")
