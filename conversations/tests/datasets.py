"""Rows of data sets as the two kinds of files that hold them."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import Rejected, SessionRecord, Skipped


def as_lines(rows: tuple[Any, ...]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_list(rows: tuple[Any, ...]) -> bytes:
    return json.dumps(rows, indent=2).encode()


def read_bytes(module: ModuleType, content: bytes, name: str = "rows") -> list[Any]:
    return list(module.read([MemoryFile(name, content)]))


def read_rows(module: ModuleType, *rows: Any) -> list[Any]:
    """What the rows of a file of lines give, and those of a list, which must be the same."""
    assert module.recognises(as_lines(rows)), "lines are not recognised"
    assert module.recognises(as_list(rows)), "a list is not recognised"
    items = read_bytes(module, as_lines(rows))
    listed = read_bytes(module, as_list(rows))
    assert [without_place(item) for item in items] == [without_place(item) for item in listed]
    return items


def without_place(item: Any) -> Any:
    if isinstance(item, SessionRecord):
        return item.external_id, item.title, item.metadata, item.messages
    return type(item), item.reason


def session_of(module: ModuleType, row: Any) -> SessionRecord:
    [session] = read_rows(module, row)
    assert isinstance(session, SessionRecord), session
    return session


def said(session: SessionRecord) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in session.messages]


DEEP = json.loads("[" * 400 + "]" * 400)
SWAPPED = (
    DEEP,
    None,
    True,
    7,
    -0.5,
    "x",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"role": 1},
    [{"content": 5}],
)


def survives_damage(module: ModuleType, *rows: Any) -> None:
    """Read the rows cut off anywhere, and with every value in them swapped for another."""
    for content in (as_lines(rows), as_list(rows)):
        for end in range(0, len(content), 29):
            module.recognises(content[:end])
            check(read_bytes(module, content[:end]))
    for row in rows:
        for path in paths_in(row):
            for value in SWAPPED:
                check(read_bytes(module, as_lines((swapped(row, path, value),))))
    for content in (
        b"",
        b"\0",
        b"\xff\xfe{",
        b"[" * 3000,
        b'{"a":' * 3000,
        b"\xef\xbb\xbf[]",
        b"{}",
    ):
        module.recognises(content)
        check(read_bytes(module, content))


def check(items: list[Any]) -> None:
    for item in items:
        assert isinstance(item, SessionRecord | Rejected | Skipped)
        if isinstance(item, SessionRecord):
            known = {message.key for message in item.messages}
            assert len(known) == len(item.messages) > 0
            assert all(m.parent_key is None or m.parent_key in known for m in item.messages)
            assert all(key.startswith(f"{item.external_id}/") for key in known)
            json.dumps([item.metadata, [m.metadata for m in item.messages]])


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            found += paths_in(value[key], (*path, key))
    return found


def swapped(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = swapped(copy[path[0]], path[1:], new)
    return copy
