"""Requests that Helicone logged become sessions, with their bodies or without."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import helicone
from conversations.importers.records import Rejected, SessionRecord, Skipped

from . import chat_exports
from .chat_exports import read_bytes, said_in

HELLO = [{"role": "user", "content": "hello"}]
ANSWER = {"role": "assistant", "content": "Hi!"}


def request(id: str = "q1", second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "response_id": f"response-{id}",
        "response_created_at": f"2026-03-01T10:00:{second + 1:02}.000Z",
        "response_status": 200,
        "response_body": {
            "model": "gpt-4o-2024",
            "choices": [{"message": ANSWER, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": 8,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 2},
            },
        },
        "request_id": id,
        "request_created_at": f"2026-03-01T10:00:{second:02}.000Z",
        "request_body": {"model": "gpt-4o", "messages": HELLO, "temperature": 1},
        "request_user_id": "u1",
        "properties": {},
        "provider": "OPENAI",
        "delay_ms": 950,
        "time_to_first_token": 120,
        "prompt_tokens": 99,
        "completion_tokens": 99,
        "costUSD": 0.5,
    } | more  # fmt: skip


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def sessions_of(*rows: Any) -> list[SessionRecord]:
    items = read_bytes(helicone, lines(*rows))
    assert all(isinstance(item, SessionRecord) for item in items), items
    return items


def session_of(*rows: Any) -> SessionRecord:
    [session] = sessions_of(*rows)
    return session


SHAPES = {
    "lines": lines(request()),
    "list": json.dumps([request()], indent=2).encode(),
    "list with a comma at its end": b"[\n" + json.dumps(request()).encode() + b",\n]\n",
    "answer of the API": json.dumps({"data": [request()], "error": None}).encode(),
    "bodies as text": lines(
        request()
        | {name: json.dumps(request()[name]) for name in ("request_body", "response_body")}
    ),
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_an_export_is_read_alike(content):
    assert helicone.recognises(content)
    [session] = read_bytes(helicone, content)
    assert (session.external_id, session.title, session.model) == ("q1", "hello", "gpt-4o-2024")
    assert said_in(session) == [("user", "hello"), ("assistant", "Hi!")]
    answer = session.messages[-1]
    assert (answer.provider, answer.finish_reason) == ("openai", "stop")
    assert (answer.input_tokens, answer.output_tokens, answer.cache_read_tokens) == (8, 3, 2)
    assert (answer.cost, answer.latency_ms) == (0.5, 950)
    assert answer.metadata["time_to_first_token_ms"] == 120
    assert answer.metadata["extra"]["request"] == {"model": "gpt-4o", "temperature": 1}
    assert session.metadata == {"user": "u1"}
    assert session.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"request_id": "x"}', b'{"custom_id": "a", "response": {"request_id": "b"}}'],
)
def test_what_belongs_to_others_is_not_taken(content):
    assert not helicone.recognises(content)


COLUMNS = (
    "response_id,response_created_at,response_status,request_created_at,request_body,"
    "request_properties,request_user_id,model,prompt_tokens,completion_tokens,latency,cost\n"
)


@pytest.mark.parametrize("times", [1, 2])
def test_a_table_whose_quotes_are_doubled_once_or_twice(times):
    def field(value: Any) -> str:
        text = json.dumps(value)
        for _ in range(times):
            text = text.replace('"', '""')
        return f'"{text}"'

    body = field({"model": "gpt-4o", "messages": [{"role": "user", "content": ""}, *HELLO]})
    properties = field({"Helicone-Session-Id": "s1", "Helicone-Session-Name": "Greeting"})
    row = f'"r1","2026-03-01T10:00:01Z","200","2026-03-01T10:00:00Z",{body},{properties},"u1","gpt-4o","8","3","950","0.5"\n'  # fmt: skip # noqa: E501
    content = (COLUMNS + row).encode()
    assert helicone.recognises(content)
    [session] = read_bytes(helicone, content)
    assert (session.external_id, session.title) == ("s1", "Greeting")
    assert said_in(session) == [("user", "hello"), ("assistant", "")]
    answer = session.messages[-1]
    assert (answer.model, answer.input_tokens, answer.output_tokens) == ("gpt-4o", 8, 3)
    assert (answer.cost, answer.latency_ms) == (0.5, 950)


def test_a_table_without_rows_says_so():
    assert helicone.recognises(COLUMNS.encode())
    assert [type(item) for item in read_bytes(helicone, COLUMNS.encode())] == [Skipped]


def test_a_text_with_line_breaks_in_a_table_is_one_row():
    content = COLUMNS + '"r1","2026-03-01T10:00:01Z",200,,"line\nbreak",,,m,1,1,5,0\n'
    [session] = read_bytes(helicone, content.encode())
    assert said_in(session) == [("user", "line\nbreak"), ("assistant", "")]


def test_requests_of_a_session_are_one_conversation_in_any_order():
    of_session = {"properties": {"Helicone-Session-Id": "s", "Helicone-Session-Path": "/chat"}}
    longer = [*HELLO, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": "More"}]
    second = request("q2", 5, **of_session, request_body={"messages": longer})
    second["response_body"] = {"content": [{"type": "text", "text": "Yes"}], "role": "assistant"}
    session, other = sessions_of(second, request("q3", 1), request(**of_session))
    assert session.external_id == "s"
    assert [text for _, text in said_in(session)] == ["hello", "Hi!", "More", "Yes"]
    extra = session.messages[-1].metadata["extra"]
    assert extra["properties"] == {"helicone-session-path": "/chat"}
    assert other.external_id == "q3"


def test_without_bodies_what_a_request_took_is_known_all_the_same():
    session = session_of(request(request_body="", response_body=None, response_model="gpt-4o"))
    [answer] = session.messages
    assert (answer.role, answer.content, answer.model) == ("assistant", "", "gpt-4o")
    assert (answer.input_tokens, answer.output_tokens, answer.cost) == (99, 99, 0.5)


@pytest.mark.parametrize(
    ("provider", "sent", "expected"), [("OPENAI", 100, 100), ("ANTHROPIC", 100, 150), ("X", 5, 55)]
)
def test_cached_tokens_are_part_of_the_input(provider, sent, expected):
    answer = session_of(
        request(
            response_body=None, provider=provider, prompt_tokens=sent,
            prompt_cache_read_tokens=40, prompt_cache_write_tokens=10,
        )
    ).messages[-1]  # fmt: skip
    assert answer.input_tokens == expected
    assert (answer.cache_read_tokens, answer.cache_write_5m_tokens) == (40, 10)


def test_counts_and_costs_of_zero_say_nothing():
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "costUSD": 0}
    answer = session_of(request(response_body=None, **nothing)).messages[-1]
    assert (answer.input_tokens, answer.output_tokens, answer.cost) == (None, None, None)
    assert session_of(request(costUSD=0, cost=None)).messages[-1].cost is None
    assert session_of(request(costUSD=None, cost="0.25")).messages[-1].cost == 0.25


def test_errors_are_kept():
    failed = {"error": {"type": "invalid_request_error", "message": "No such model"}}
    answer = session_of(request(response_status=400, response_body=failed)).messages[-1]
    assert answer.error_message == "invalid_request_error: No such model"
    answer = session_of(request(response_status=-3, response_body=None)).messages[-1]
    assert answer.error_message == "" or answer.error_message.startswith("status")
    answer = session_of(request(response_status=503, response_body=None)).messages[-1]
    assert answer.error_message == "status 503"


def test_a_body_of_no_known_kind_is_kept():
    answer = session_of(request(response_body={"embedding": [1]})).messages[-1]
    assert answer.metadata["extra"]["response"] == {"embedding": [1]}


def test_a_request_that_cannot_be_read_does_not_lose_the_others():
    bad = request(response_model=7, response_body=None)
    rejected, session = read_bytes(helicone, lines(bad, request()))
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "response_model is a number, not text"
    assert rejected.content == lines(bad)
    assert len(session.messages) == 2


def test_a_row_of_a_table_without_an_end_is_rejected():
    content = (COLUMNS + '"r1","2026-03-01T10:00:01Z",200,,"never closed').encode()
    [rejected] = read_bytes(helicone, content)
    assert rejected.reason == "not CSV: unexpected end of data"


def test_no_damage_raises():
    rows = [request(), request("q2", 3, properties={"Helicone-Session-Id": "s"}, cost="1")]
    assert chat_exports.survives(helicone, rows)
    for content in chat_exports.damaged(rows, seed=3, rounds=50):
        table = COLUMNS.encode() + b'"r1",' + content + b"\n"
        helicone.recognises(table)
        read_bytes(helicone, table)
