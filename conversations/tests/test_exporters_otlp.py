"""Sessions as traces of OpenTelemetry."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.exporters import FORMATS, chats, otlp
from conversations.importers import otlp as importer
from conversations.importers.records import SessionRecord
from conversations.models import Message, Session

from .datasets import read_bytes, said
from .factories import NOON, add_message, make_messages, make_model, make_project, make_session

pytestmark = pytest.mark.django_db

CALL = {"id": "c1", "name": "sun", "arguments": {"at": "noon"}}


def written() -> bytes:
    return b"".join(FORMATS["otlp"].write(chats(Session.objects.all())))


def spans() -> list[dict[str, Any]]:
    found = []
    for text in written().splitlines():
        [resource] = json.loads(text)["resourceSpans"]
        [scope] = resource["scopeSpans"]
        found += scope["spans"]
    return found


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    pairs = span["attributes"]
    return {pair["key"]: next(iter(pair["value"].values())) for pair in pairs}


def imported() -> SessionRecord:
    [session] = read_bytes(importer, written())
    assert isinstance(session, SessionRecord)
    return session


def make_session_with_tools() -> Session:
    session = make_session(
        "Sun", project=make_project(), model=make_model(), system_prompt="Be brief."
    )
    add_message(session, 1, "How high is the sun?", role="user")
    add_message(
        session,
        2,
        "I look.",
        tool_calls=[CALL],
        metadata={"thinking": ["The tool knows."]},
        input_tokens=100,
        output_tokens=20,
        cache_read_tokens=60,
        cache_write_5m_tokens=10,
        reasoning_tokens=5,
        cost=0.25,
        latency_ms=1500,
        finish_reason="tool_calls",
    )
    add_message(session, 3, "61", role="tool", metadata={"tool_call_ids": ["c1"]})
    add_message(session, 4, "61 degrees.", input_tokens=130, output_tokens=4, latency_ms=0)
    return session


def test_an_answer_is_a_span_with_the_names_of_the_conventions():
    session = make_session_with_tools()
    calling, answer = spans()
    assert calling["name"] == "chat claude-sonnet-4-5"
    assert calling["kind"] == 3
    assert len(calling["traceId"]) == 32
    assert len(calling["spanId"]) == 16
    assert calling["traceId"] == answer["traceId"]
    assert calling["spanId"] != answer["spanId"]
    ended = int(NOON.timestamp() + 2) * 10**9
    assert calling["endTimeUnixNano"] == str(ended)
    assert calling["startTimeUnixNano"] == str(ended - 1_500_000_000)
    found = attributes(calling)
    assert json.loads(found.pop("gen_ai.input.messages")) == [
        {"role": "user", "parts": [{"type": "text", "content": "How high is the sun?"}]}
    ]
    assert json.loads(found.pop("gen_ai.output.messages")) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "The tool knows."},
                {"type": "text", "content": "I look."},
                {"type": "tool_call", **CALL},
            ],
            "finish_reason": "tool_calls",
        }
    ]
    assert json.loads(found.pop("gen_ai.system_instructions")) == [
        {"type": "text", "content": "Be brief."}
    ]
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5",
        "gen_ai.response.finish_reasons": {"values": [{"stringValue": "tool_calls"}]},
        "gen_ai.conversation.id": session.session_uuid,
        "gen_ai.usage.input_tokens": "100",
        "gen_ai.usage.output_tokens": "20",
        "gen_ai.usage.cache_read.input_tokens": "60",
        "gen_ai.usage.cache_creation.input_tokens": "10",
        "gen_ai.usage.reasoning.output_tokens": "5",
        "operation.cost": 0.25,
    }
    [_, _, result] = json.loads(attributes(answer)["gen_ai.input.messages"])
    part = {"type": "tool_call_response", "id": "c1", "response": "61"}
    assert result == {"role": "tool", "parts": [part]}


def test_what_is_written_is_imported_with_the_same_texts_roles_tokens_and_costs():
    original = make_session_with_tools()
    session = imported()
    assert session.external_id == original.session_uuid
    assert (session.project, session.system_prompt) == ("Kitchen", "Be brief.")
    assert said(session) == [
        ("system", "Be brief."),
        *Message.objects.in_order().values_list("role", "content"),
    ]
    calling, answer = session.messages[2], session.messages[4]
    assert calling.tool_calls == [CALL]
    assert calling.metadata["thinking"] == ["The tool knows."]
    assert (calling.input_tokens, calling.output_tokens) == (100, 20)
    assert (calling.cache_read_tokens, calling.cache_write_5m_tokens) == (60, 10)
    assert (calling.reasoning_tokens, calling.cost, calling.latency_ms) == (5, 0.25, 1500)
    assert (calling.provider, calling.model) == ("anthropic", "claude-sonnet-4-5")
    assert calling.finish_reason == "tool_calls"
    assert calling.timestamp == original.messages.get(sequence_number=2).timestamp
    assert (answer.input_tokens, answer.cost) == (130, None)


def test_a_failed_call_says_why():
    session = make_session("Sun", "High?")
    add_message(session, 2, "", error_message="overloaded")
    [span] = spans()
    assert span["status"] == {"code": 2, "message": "overloaded"}
    assert imported().messages[1].error_message == "overloaded"


def test_branches_have_what_was_said_on_their_own_path():
    session = make_session("Tea")
    root = add_message(session, 1, "Tea?", role="user")
    add_message(session, 2, "No.", parent_message=root, is_active_path=False)
    yes = add_message(session, 3, "Yes.", parent_message=root)
    more = add_message(session, 4, "Sugar?", role="user", parent_message=yes)
    add_message(session, 5, "One.", parent_message=more)
    add_message(session, 6, "Elsewhere.", is_active_path=False)
    heard = [
        [m["parts"][0]["content"] for m in json.loads(found.get("gen_ai.input.messages", "[]"))]
        for found in map(attributes, spans())
    ]
    assert heard == [["Tea?"], ["Tea?"], ["Tea?", "Yes.", "Sugar?"], []]


def test_a_long_session_is_several_requests_whose_spans_have_the_last_messages(monkeypatch):
    monkeypatch.setattr(otlp, "SPANS_AT_ONCE", 2)
    session = make_session("Long")
    make_messages(session, 70)
    Message.objects.filter(sequence_number__gte=67).update(role="assistant")
    lines = written().splitlines()
    assert len(lines) == 2
    *_, last = spans()
    heard = json.loads(attributes(last)["gen_ai.input.messages"])
    assert len(heard) == otlp.CONTEXT
    assert heard[0]["parts"][0]["content"] == "Message 19"


def test_times_that_64_bits_do_not_hold_are_cut_to_what_they_do():
    session = make_session("Odd", "Hello")
    for number, year in ((2, 1), (3, 9999)):
        add_message(session, number, "Hi", timestamp=datetime(year, 6, 1, tzinfo=UTC))
    early, late = spans()
    assert early["startTimeUnixNano"] == early["endTimeUnixNano"] == "0"
    assert late["endTimeUnixNano"] == str(2**64 - 1)
