"""What the tests of exports of chats share: files in memory, and damage done to them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import MessageRecord, SessionRecord

JUNK = (None, True, 0, -1, 1.5, 10**30, "", "x\x00\ud800", [], [1], ["a", None], {}, {"a": 1})


def read_bytes(format: ModuleType, content: bytes) -> list[Any]:
    return list(format.read([MemoryFile("export.json", content)]))


def read(format: ModuleType, value: Any) -> list[Any]:
    return read_bytes(format, json.dumps(value).encode())


def session_of(format: ModuleType, value: Any) -> SessionRecord:
    [session] = read(format, value)
    assert isinstance(session, SessionRecord), session
    return session


def said_in(session: SessionRecord) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in session.messages]


def parents_in(session: SessionRecord) -> dict[str, str | None]:
    """Return what each message answers, both without the id of the session."""
    start = len(session.external_id) + 1
    return {
        message.key[start:]: message.parent_key and message.parent_key[start:]
        for message in session.messages
    }


def active_in(session: SessionRecord) -> list[MessageRecord]:
    return [message for message in session.messages if message.is_active_path]


def damaged(value: Any, seed: int, rounds: int = 150) -> Iterator[bytes]:
    """Yield JSON of `value` with other values in it, entries missing, the end cut off."""
    chance = random.Random(seed)

    def changed(value: Any, part: float) -> Any:
        if chance.random() < part:
            return chance.choice(JUNK)
        if isinstance(value, dict):
            kept = ((name, item) for name, item in value.items() if chance.random() > part / 2)
            return {name: changed(item, part) for name, item in kept}
        return [changed(item, part) for item in value] if isinstance(value, list) else value

    for number in range(rounds):
        content = json.dumps(changed(value, chance.choice((0.01, 0.05, 0.15)))).encode()
        yield content[: chance.randrange(len(content))] if number % 3 == 0 else content


def survives(format: ModuleType, value: Any) -> bool:
    """Say whether damaged copies of `value` are read without an exception, into sound records."""
    for content in damaged(value, seed=7):
        format.recognises(content)
        for item in read_bytes(format, content):
            if isinstance(item, SessionRecord):
                keys = [message.key for message in item.messages]
                assert len(set(keys)) == len(keys)
                for message in item.messages:
                    json.dumps([message.tool_calls, message.metadata])
                    assert isinstance(message.content, str)
    return True
