"""Whatever a file holds, reading it raises nothing, ends, and gives records that can be stored."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.importers import FORMATS
from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import Rejected, SessionRecord, Skipped

USAGE = {
    "input_tokens": 3,
    "cache_creation_input_tokens": 4,
    "cache_read_input_tokens": 5,
    "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 6,
    "output_tokens_details": {"thinking_tokens": 1},
    "service_tier": "batch",
}
COMMON = {"sessionId": "s1", "isSidechain": False, "cwd": "/a/b", "version": "2"}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "i/p", "data": "aGk="}}
LOG: list[Any] = [
    {"type": "summary", "summary": "Tea", "leafUuid": "u2"},
    {"type": "custom-title", "customTitle": "Kettle", "sessionId": "s1"},
    {
        **COMMON,
        "type": "user",
        "uuid": "u1",
        "parentUuid": None,
        "timestamp": "2026-05-01T10:00:00Z",
        "message": {"role": "user", "content": [{"type": "text", "text": "hello"}, PICTURE]},
    },
    {
        **COMMON,
        "type": "assistant",
        "uuid": "u2",
        "parentUuid": "u1",
        "timestamp": "2026-05-01T10:00:02Z",
        "requestId": "r",
        "costUSD": 0.5,
        "message": {
            "id": "m1",
            "model": "claude-x",
            "content": [
                {"type": "thinking", "thinking": "hm"},
                {"type": "tool_use", "id": "t1", "name": "Task", "input": {"a": [1, {"b": None}]}},
            ],
            "stop_reason": "tool_use",
            "usage": USAGE,
        },
    },
    {
        **COMMON,
        "type": "assistant",
        "uuid": "u3",
        "parentUuid": "u2",
        "message": {"id": "m1", "model": "claude-x", "content": "text", "usage": USAGE},
    },
    {
        **COMMON,
        "type": "user",
        "uuid": "u4",
        "parentUuid": "u3",
        "timestamp": "2026-05-01T10:00:03Z",
        "toolUseResult": {"agentId": "ag", "stdout": "x"},
        "message": {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}],
        },
    },
    {**COMMON, "type": "user", "uuid": "u5", "parentUuid": "u3", "message": {"content": "a"}},
    {**COMMON, "type": "user", "uuid": "u6", "parentUuid": "u3", "message": {"content": "b"}},
    {**COMMON, "type": "system", "uuid": "u7", "parentUuid": "u6", "content": "c", "level": "info"},
    {
        **COMMON,
        "type": "attachment",
        "uuid": "u8",
        "parentUuid": "u7",
        "attachment": {"type": "queued_command", "prompt": "more"},
    },
    {
        **COMMON,
        "type": "user",
        "isSidechain": True,
        "agentId": "ag",
        "uuid": "u9",
        "parentUuid": None,
        "message": {"content": "side"},
    },
    {**COMMON, "type": "pr-link", "prNumber": 3},
    {**COMMON, "type": "unheard-of", "uuid": "u10", "parentUuid": "u8"},
]


def _node(name: str, parent: str | None, children: list[str], **message: Any) -> dict[str, Any]:
    said = {
        "author": {"role": "assistant", "name": None, "metadata": {}},
        "create_time": 1_760_000_000.5,
        "content": {"content_type": "text", "parts": [name]},
        "status": "finished_successfully",
        "weight": 1.0,
        "metadata": {"model_slug": "gpt-x", "finish_details": {"type": "stop"}},
        "recipient": "all",
    } | message
    return {"id": name, "message": said, "parent": parent, "children": children}


EXPORT: list[Any] = [
    {
        "conversation_id": f"c{number}",
        "title": "Kettle",
        "create_time": 1_760_000_000.5,
        "update_time": 1_760_000_100,
        "default_model_slug": "auto",
        "gizmo_id": None,
        "current_node": "d",
        "mapping": {
            "a": {"id": "a", "message": None, "parent": None, "children": ["b"]},
            "b": _node("b", "a", ["c", "d"], author={"role": "user"}, create_time=None),
            "c": _node("c", "b", [], recipient="python"),
            "d": _node(
                "d",
                "b",
                ["e"],
                content={"content_type": "thoughts", "thoughts": [{"summary": "x"}]},
            ),
            "e": _node(
                "e",
                "d",
                [],
                author={"role": "tool", "name": "python"},
                content={
                    "content_type": "multimodal_text",
                    "parts": ["x", {"content_type": "image_asset_pointer", "asset_pointer": "f"}],
                },
            ),
        },
    }
    for number in range(2)
]


def as_log(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def as_export(conversations: list[Any]) -> bytes:
    return json.dumps(conversations).encode()


CASES = {"claude-code": (LOG, as_log), "chatgpt": (EXPORT, as_export)}
# Also what stands in the fixtures, so that links are drawn to other places and types exchanged.
STRANGE = st.one_of(
    st.sampled_from(
        [
            None, True, False, 0, -1, 1.5, 2**63, -(2**63), 10**30, 1e308, "", " ", "x", "\0",
            "\ud83d", "\udc00 x", "a", "b", "c", "d", "u1", "u2", "u4", "u8", "t1", "m1", "all",
            "user", "assistant", "system", "attachment", "tool", "summary", "text", "tool_result",
            "thinking", "image", "document", "multimodal_text", "code", "smell", "<synthetic>",
            "2026-05-01T10:00:00Z", "9999-12-31T23:59:59-14:00", "data:image/png;base64,aGk=",
            [], {}, [[]], [{}], [None], {"": ""}, {"type": None}, {"type": "base64", "data": "x"},
            ["a", "b"], ["u1"], {"a": {"a": {"a": {}}}},
        ]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "id", "content", "x"]), inner),
        max_leaves=5,
    ),
    st.integers(10, 200).map(lambda levels: json.loads("[" * levels + "]" * levels)),
)  # fmt: skip


def places_in(value: Any, place: tuple = ()) -> list[tuple]:
    """The places of all values inside a value, by keys and positions."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    places = []
    for key, item in inner:
        places.append((*place, key))
        if isinstance(item, list | dict):
            places += places_in(item, (*place, key))
    return places


@st.composite
def changed(draw: st.DrawFn, fixture: list[Any]) -> list[Any]:
    """The fixture with some values replaced, deleted, or given once more."""
    whole = json.loads(json.dumps(fixture))
    for _ in range(draw(st.integers(1, 4))):
        places = places_in(whole)
        if not places:
            break
        *path, last = draw(st.sampled_from(places))
        at = whole
        for key in path:
            at = at[key]
        action = draw(st.sampled_from(["replace", "replace", "replace", "delete", "repeat"]))
        if action == "replace":
            at[last] = deepcopy(draw(STRANGE))  # or later changes would draw circles
        elif action == "delete":
            del at[last]
        elif isinstance(at, list):
            at.append(deepcopy(at[last]))
        else:
            at[draw(st.sampled_from(["x", "type", "uuid", "id", "message"]))] = deepcopy(at[last])
    return whole


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The file cut off, or with some bytes of it replaced."""
    damaged = bytearray(content[: draw(st.integers(0, len(content)))])
    pieces = [b"", b"\0", b"\xff", b"\xed\xa0\x80", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udc00"]
    pieces += [b"{", b"}", b"[", b"]", b",", b"\n", b"NaN", b"1e999", b"9" * 5000, b"[" * 2000]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(damaged)))
        length = draw(st.integers(0, 5))
        damaged[place : place + length] = draw(st.sampled_from(pieces))
    return bytes(damaged)


def check(module: ModuleType, content: bytes) -> None:
    module.recognises(content)
    for item in module.read([MemoryFile("hostile", content)]):
        assert isinstance(item, SessionRecord | Rejected | Skipped)
        # Strict JSON in UTF-8 is what every database takes.
        fields = asdict(item)
        fields.pop("content", None)  # of what was rejected: kept as it is
        text = json.dumps(fields, allow_nan=False, default=datetime.isoformat)
        text.encode()
        assert "\\u0000" not in text.replace("\\\\", "")
        assert "\\ud83d" not in text.replace("\\\\", "").replace("\\ud83d\\ude00", "")
        if isinstance(item, SessionRecord):
            check_session(item)


def check_session(session: SessionRecord) -> None:
    assert session.external_id
    assert session.messages
    parents = {message.key: message.parent_key for message in session.messages}
    assert len(parents) == len(session.messages)
    for message in session.messages:
        assert message.role in ("user", "assistant", "system", "tool")
        assert message.parent_key is None or message.parent_key in parents
        counts = (
            message.input_tokens,
            message.output_tokens,
            message.cache_read_tokens,
            message.cache_write_5m_tokens,
            message.cache_write_1h_tokens,
            message.reasoning_tokens,
            message.latency_ms,
        )
        for count in counts:
            assert count is None or (type(count) is int and 0 <= count < 2**63)
        parts = [count or 0 for count in counts[2:5]]
        assert sum(parts) <= (message.input_tokens or 0)
        assert (message.reasoning_tokens or 0) <= (message.output_tokens or 0)
        key, steps = message.key, 0
        while key is not None:
            key, steps = parents[key], steps + 1
            assert steps <= len(parents)


thorough = settings(
    max_examples=400, deadline=5000, suppress_health_check=[HealthCheck.too_slow], database=None
)


@pytest.mark.parametrize("format", CASES)
def test_the_fixture_itself_is_sound(format):
    fixture, write = CASES[format]
    content = write(fixture)
    check(FORMATS[format], content)
    items = list(FORMATS[format].read([MemoryFile("hostile", content)]))
    assert [type(item) for item in items] == [SessionRecord, SessionRecord]
    assert FORMATS[format].recognises(content)


@pytest.mark.parametrize("format", CASES)
@given(data=st.data())
@thorough
def test_no_value_of_a_record_can_raise_anything(format, data):
    fixture, write = CASES[format]
    check(FORMATS[format], write(data.draw(changed(fixture))))


@pytest.mark.parametrize("format", CASES)
@given(data=st.data())
@thorough
def test_no_damage_to_a_file_can_raise_anything(format, data):
    fixture, write = CASES[format]
    check(FORMATS[format], data.draw(damaged(write(fixture))))


@pytest.mark.parametrize("format", CASES)
@given(content=st.binary(max_size=200))
@thorough
def test_no_bytes_at_all_can_raise_anything(format, content):
    check(FORMATS[format], content)
