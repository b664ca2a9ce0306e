"""Files of OTLP: JSON and protobuf, whole, in sequences, broken."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest

from conversations.importers import FORMATS, find, otlp
from conversations.importers.records import Rejected, SessionRecord, Skipped

from .otlp_protobuf import fixed_framed, protobuf, varint_framed
from .otlp_requests import (
    TRACE,
    chat,
    event,
    log,
    logs_request,
    read,
    request,
    span,
    span_id,
    spoken,
    typed,
    usage,
)

DETAILS = "gen_ai.client.inference.operation.details"
ODD = {
    "odd.bytes": {"bytesValue": "aGk="},
    "odd.nothing": {},
    "odd.list": {"arrayValue": {}},
    "odd.map": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": 7}}, {"key": "b"}]}},
    "odd.float": {"doubleValue": 3},
    "odd.nan": {"doubleValue": "NaN"},
    "odd.text": {"stringValue": "a\0b"},
}


def one(text: str = "hello", number: int = 1, **more: Any) -> dict[str, Any]:
    """A request of one call, in a session of its own."""
    return request(span(number, chat(text, **{"session.id": text}, **more)))


def sessions_in(items: list[Any]) -> list[str]:
    return [item.external_id for item in items if isinstance(item, SessionRecord)]


def test_the_same_spans_and_records_make_the_same_sessions_in_json_and_protobuf():
    raw = span(
        1,
        chat(**usage(3, 2)),
        parent=2,
        events=[event("exception", {"exception.message": "no"})],
        status={"code": 2, "message": "failed"},
    )
    raw["attributes"] += [{"key": key, "value": value} for key, value in ODD.items()]
    traces = request(raw, span(2, {}), **{"service.name": "kettle", "process.pid": 7})
    logs = logs_request(log(DETAILS, {"a": [1, 2.5, True]}, on=1, extra="x"))
    in_json = read(traces, logs)
    in_protobuf = read(protobuf(traces), protobuf(logs))

    for item in [*in_json, *in_protobuf]:
        if isinstance(item, SessionRecord):
            item.place = ""
    assert in_json == in_protobuf
    [session] = in_json
    extra = session.messages[1].metadata["extra"]
    assert extra["odd.bytes"]["size"] == 2
    assert extra["odd.map"] == {"a": 7, "b": None}
    assert (extra["odd.float"], extra["odd.nan"]) == (3.0, "NaN")
    assert extra["odd.text"] == "a\ufffdb"
    assert extra["extra"] == "x"


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([one("a"), one("b", 2)]).encode(),
        f"{json.dumps(one('a'))}\n{json.dumps(one('b', 2))}\n".encode(),
        f"\ufeff{json.dumps(one('a'))}\r\n\r\n{json.dumps(one('b', 2))}".encode(),
        json.dumps(
            {"resourceSpans": one("a")["resourceSpans"] + one("b", 2)["resourceSpans"]}, indent=2
        ).encode(),
        protobuf(one("a")) + protobuf(one("b", 2)),
        varint_framed(protobuf(one("a")), protobuf(one("b", 2))),
        fixed_framed(protobuf(one("a")), protobuf(one("b", 2))),
    ],
    ids=["list", "lines", "bom", "indented", "joined", "varint", "fixed"],
)
def test_several_requests_in_one_file(content):
    assert otlp.recognises(content[:65536])
    assert sessions_in(read(content)) == ["a", "b"]


def test_traces_and_logs_in_one_object_and_in_lines_with_metrics():
    bare = request(span(1, {"gen_ai.operation.name": "chat"}))
    logs = logs_request(log(DETAILS, **chat()))
    lines = b"\n".join(json.dumps(part).encode() for part in ({"resourceMetrics": []}, bare, logs))

    for content in ({**bare, **logs}, json.dumps({**bare, **logs}, indent=1).encode(), lines):
        [session] = read(content)
        assert spoken(session) == [("user", "hello"), ("assistant", "hi")]


def test_ids_in_any_case_and_in_the_base64_that_protobuf_writes_into_json():
    upper = span(1, {"session.id": "s"}, traceId=TRACE.upper())
    coded = span(
        2,
        chat(),
        traceId="W47/95gDgQPSabYzgT/GDA==",
        spanId="AAAAAAAAAAI=",
        parentSpanId="AAAAAAAAAAE=",
        status={"code": "STATUS_CODE_ERROR", "message": "no"},
    )
    [session] = read(request(upper, coded))

    assert session.external_id == "s"
    assert session.messages[1].metadata["call_id"] == f"{TRACE}/{span_id(2)}"
    assert session.messages[1].error_message == "no"


def test_numbers_may_stand_as_numbers():
    raw = span(1, chat(), startTimeUnixNano=1_760_000_000_000_000_000)
    raw["attributes"].append({"key": "gen_ai.usage.input_tokens", "value": {"intValue": 12}})
    [session] = read(request(raw))

    assert session.messages[1].input_tokens == 12


# -- recognising -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(one()).encode(),
        b'{"resourceLogs": []}',
        protobuf(one()),
        protobuf(logs_request(log("x"))),
        protobuf(one("x" * 100_000)),
        fixed_framed(protobuf(one("x" * 100_000))),
        varint_framed(protobuf(one("x" * 100_000))),
    ],
)
def test_requests_are_recognised_by_their_first_bytes_alone(content):
    [name] = {name for name, module in FORMATS.items() if module.recognises(content[:65536])}

    assert name == "otlp"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\n\n\n\n",
        b"\x0a\x00",
        b"\nhello, this is a text that begins with an empty line\n",
        b"\x0a\x05hello",
        b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        b"SQLite format 3\0",
        b"\x89PNG\r\n\x1a\n",
        b'{"resourceMetrics": []}',
        b'{"messages": [{"role": "user", "content": "resourceSpans"}]}',
        b'{"a": {"resourceSpans": []}}',
        b"[]",
        bytes(range(256)) * 4,
        b"\x0a" * 1000,
    ],
)
def test_other_files_are_not(content):
    assert not otlp.recognises(content)


def test_random_bytes_are_not_even_where_they_begin_like_a_request():
    chance = random.Random(7)
    for _ in range(500):
        assert not otlp.recognises(b"\x0a" + chance.randbytes(chance.randrange(300)))


def test_gzip_around_protobuf_is_opened(tmp_path):
    (tmp_path / "traces.pb.gz").write_bytes(gzip.compress(protobuf(one())))
    found = find([tmp_path])

    assert list(found.files) == ["otlp"]
    assert sessions_in(list(otlp.read(found.files["otlp"]))) == ["hello"]


# -- what cannot be read ---------------------------------------------------------------------------


def test_a_broken_span_is_rejected_alone_and_as_a_request_to_try_again():
    broken = span(2, {}) | {"attributes": [{"key": "a", "value": {"stringValue": 5}}]}
    rejected, session = read(request(broken, span(1, chat())))

    assert rejected == Rejected("1.json, record 1, span 1", "stringValue is a number")
    assert session.external_id == TRACE
    [again] = read(rejected.content)
    assert again.reason == rejected.reason


def test_a_span_without_ids_is_rejected():
    for missing in ({"traceId": ""}, {"spanId": "0" * 16}, {"traceId": None}):
        [rejected] = read(request(span(1, chat(), **missing)))
        assert "without an id" in rejected.reason
    content = protobuf(request(span(1, chat(), spanId=span_id(0)), span(2, chat())))
    rejected, session = read(content)
    assert len(session.messages) == 2
    assert "without an id" in read(rejected.content)[0].reason


def test_a_call_that_cannot_be_read_is_rejected_alone_and_as_a_request():
    deep = chat() | {"llm.tools." + "0." * 5000: "x"}
    rejected, session = read(request(span(1, deep), span(2, chat("b"))))

    assert (rejected.place, "nested" in rejected.reason) == ("1.json, record 1, span 1", True)
    assert spoken(session)[0] == ("user", "b")
    assert read(rejected.content)[0].reason == rejected.reason


def test_a_value_that_is_nested_too_deep_costs_its_span_alone():
    value: Any = {"stringValue": "x"}
    for _ in range(80):
        value = {"arrayValue": {"values": [value]}}
    raw = span(1, chat())
    raw["attributes"].append({"key": "deep", "value": value})
    items = read(request(raw, span(2, chat("b"))))

    assert [type(item) for item in items] == [Rejected, SessionRecord]


def test_a_bad_line_loses_no_other_and_one_still_being_written_is_left_for_later():
    lines = [json.dumps(one("a")), "{bad}", "[1]", json.dumps(one("b", 2)), '{"resourceSpans": [']
    items = read("\n".join(lines).encode())

    assert sessions_in(items) == ["a", "b"]
    assert [(i.place, i.content) for i in items if isinstance(i, Rejected)] == [
        ("1.json, line 2", b"{bad}\n"),
        ("1.json, line 3", b"[1]\n"),
    ]


def test_a_first_line_that_is_broken_loses_no_other():
    items = read(f'{{"resourceSpans\n{json.dumps(one("a"))}\n{json.dumps(one("b", 2))}\n'.encode())

    assert sessions_in(items) == ["a", "b"]
    assert [item.place for item in items if isinstance(item, Rejected)] == ["1.json, line 1"]


def test_json_that_breaks_off_loses_only_what_is_missing():
    two = {"resourceSpans": one("a")["resourceSpans"] + one("b", 2)["resourceSpans"]}
    items = read(json.dumps(two).encode()[:-40])

    assert sessions_in(items) == ["a"]
    assert [item.place for item in items if isinstance(item, Rejected)] == ["1.json, record 2"]


def test_protobuf_that_breaks_off_loses_only_what_is_missing():
    first, second = protobuf(one("a")), protobuf(one("b", 2))
    whole = read(first + second[:-9])
    framed = read(fixed_framed(first, second)[:-9])

    assert sessions_in(whole) == sessions_in(framed) == ["a"]
    assert [item.place for item in whole if isinstance(item, Rejected)] == ["1.json, record 2"]
    assert not [item for item in framed if isinstance(item, Rejected)]  # still being written


def test_a_resource_that_is_no_protobuf_is_rejected_alone():
    bad = protobuf(one("name of a session")).replace(
        b"name of a session", b"name of a sess\xff\xff\xff"
    )
    rejected, session = read(bad + protobuf(one("b")))

    assert rejected.reason.startswith("not protobuf")
    assert rejected.content == bad
    assert session.external_id == "b"


def test_a_length_beyond_all_bounds_is_not_believed():
    [rejected] = read(protobuf(one())[:1] + b"\xff\xff\xff\xff\xff\x7f" + b"x" * 1000)[:1]

    assert isinstance(rejected, Rejected | Skipped)


def test_no_damage_raises():
    chance = random.Random(3)
    source = request(
        span(1, chat(**usage(3, 2)), events=[event("gen_ai.choice", {"message": "x"})]),
        span(2, {"gen_ai.tool.name": "f", "gen_ai.tool.call.id": "c", "tool_response": "r"}),
    )
    logs = logs_request(log(DETAILS, **chat()), log("gen_ai.user.message", {"content": "x"}))
    originals = [json.dumps(source).encode(), json.dumps(logs).encode()]
    originals += [protobuf(source), protobuf(logs), varint_framed(protobuf(source))]
    for original in originals:
        for _ in range(60):
            damaged = bytearray(original)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            damaged = bytes(damaged[: chance.randint(1, 2 * len(damaged))])
            otlp.recognises(damaged)
            read(damaged)


@pytest.mark.parametrize(
    "odd", [None, True, 7, 1.5, "x", [], {}, [[]], [None], {"a": 1}, 10**30, ["x", {"b": [[]]}]]
)
def test_no_value_of_a_wrong_type_raises(odd):
    for place in range(200):
        source = {
            **request(
                span(1, chat(**usage(3, 2)), events=[event("gen_ai.choice", {"message": "x"})])
            ),
            **logs_request(log(DETAILS, {"x": 1}, a=[1])),
        }
        if not _replaced(source, place, odd):
            break
        read(source)
    assert place > 50


def _replaced(value: Any, place: int, new: Any) -> bool:
    """Put `new` in place of the entry of this number, counted through; False if there is none."""
    waiting = [value]
    for node in waiting:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            if not place:
                node[key] = new
                return True
            place -= 1
            if isinstance(node[key], dict | list):
                waiting.append(node[key])
    return False


def test_no_messages_of_a_wrong_type_raise():
    odd = [None, True, 7, "x", [], {}, [[]], {"a": 1}, [None]]
    for wrong in odd:
        for words in (
            wrong,
            [wrong],
            [{"role": wrong, "parts": wrong}],
            [{"role": "user", "parts": [wrong]}],
            [{"role": "user", "parts": [{"type": "tool_call", "id": wrong, "arguments": wrong}]}],
            [{"role": "user", "content": wrong, "tool_calls": [wrong]}],
        ):
            for name in ("gen_ai.input.messages", "langfuse.observation.output", "events"):
                read(request(span(1, {"gen_ai.operation.name": "chat", name: json.dumps(words)})))
                raw = span(1, {"gen_ai.operation.name": "chat"})
                raw["attributes"].append({"key": name, "value": typed(words)})
                read(request(raw))


def test_names_of_great_numbers_raise_nothing():
    great = {f"gen_ai.prompt.{'9' * 5000}.content": "late", "gen_ai.prompt.3.content": "early"}
    [session] = read(request(span(1, {"gen_ai.operation.name": "chat", **great})))

    assert [text for _, text in spoken(session)][:2] == ["early", "late"]


def test_a_file_of_other_spans_is_skipped():
    assert read(request(span(1, {"http.route": "/"}))) == [
        Skipped("1.json", "holds no call of a model")
    ]


def test_places_name_file_and_record():
    items = read(f"{json.dumps(one('a'))}\n{json.dumps(one('b', 2))}\n".encode(), one("c", 3))

    assert [item.place for item in items] == [
        "1.json, line 1, span 1",
        "1.json, line 2, span 1",
        "2.json, record 1, span 1",
    ]
