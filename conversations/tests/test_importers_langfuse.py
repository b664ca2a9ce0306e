"""Langfuse's traces become sessions: downloads, answers of the API, exported tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import langfuse
from conversations.importers.records import Rejected, SessionRecord, Skipped

from . import chat_exports
from .chat_exports import read_bytes, said_in
from .langfuse_exports import (
    ANSWER,
    HELLO,
    answer_of,
    as_csv,
    at,
    generation,
    session_of,
    sessions_of,
    tool,
    trace,
)

ONE = generation()
SHAPES = {
    "download": json.dumps({"trace": trace(), "observations": [ONE]}),
    "download with all in the trace": json.dumps({"trace": trace(ONE)}),
    "one trace of the API": json.dumps(trace(ONE)),
    "traces of the API": json.dumps({"data": [trace(ONE)], "meta": {"page": 1}}),
    "a session of the API": json.dumps({"id": "s", "traces": [trace(ONE)]}),
    "observations of the API": json.dumps({"data": [ONE], "meta": {"page": 1}}),
    "rows as JSON": json.dumps([ONE], indent=1),
    "rows as lines": json.dumps(ONE) + "\n",
    "rows as CSV": as_csv(ONE).decode(),
    "rows as CSV with a byte order mark": "\ufeff" + as_csv(ONE).decode(),
    "rows with the names of the database": json.dumps(
        [
            {
                "id": "g1",
                "trace_id": "t1",
                "type": "GENERATION",
                "start_time": "2026-03-01 10:00:00.000",
                "end_time": "2026-03-01 10:00:01.500",
                "provided_model_name": "gpt-4o",
                "usage_details": {"input": "5", "output": "2"},
                "total_cost": "0.25",
                "input": json.dumps(HELLO),
                "output": '{"role":"assistant","content":"Hi!"}',
            }
        ]
    ),
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_an_export_is_read_alike(content):
    assert langfuse.recognises(content.encode())
    [session] = read_bytes(langfuse, content.encode())
    assert (session.external_id, session.title, session.model) == ("t1", "hello", "gpt-4o")
    assert said_in(session) == [("user", "hello"), ("assistant", "Hi!")]
    answer = session.messages[-1]
    assert (answer.input_tokens, answer.output_tokens, answer.cost) == (5, 2, 0.25)
    assert answer.timestamp == datetime(2026, 3, 1, 10, 0, 1, 500_000, UTC)
    assert answer.latency_ms == 1500


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'[{"messages": []}]',
        b'{"traceId": "t", "startTime": "x", "type": "other"}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "t", "name": "n"}]}]}]}',
        b"id,name,startTime\n1,2,3\n",
    ],
)
def test_what_belongs_to_others_is_not_taken(content):
    assert not langfuse.recognises(content)


def test_calls_of_a_session_are_one_conversation_wherever_they_stand_in_the_file():
    longer = [*HELLO, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": "More"}]
    second = generation("g2", 5, traceId="t2", sessionId="s", input=longer, output="There it is")
    other = generation("g3", 2, traceId="t3", sessionId="else")
    first = generation(sessionId="s")
    session, _ = sessions_of(second, other, first)
    assert session.external_id == "s"
    assert [text for _, text in said_in(session)] == ["hello", "Hi!", "More", "There it is"]
    assert all(message.is_active_path for message in session.messages)


def test_a_trace_tells_the_session_tags_user_and_environment():
    session = session_of(trace(ONE, sessionId="s", environment="production"))
    assert session.external_id == "s"
    assert session.tags == ["beta"]
    assert session.project == "production"
    [about] = session.metadata["traces"]
    assert about["id"] == "t1"
    assert about["user"] == "u1"


def test_input_and_output_are_json_text_encoded_up_to_twice():
    twice = json.dumps(json.dumps({"messages": HELLO, "tools": [{"function": {"name": "look"}}]}))
    session = session_of(generation(input=twice, output=json.dumps(json.dumps(ANSWER))))
    assert said_in(session) == [("user", "hello"), ("assistant", "Hi!")]
    assert session.messages[-1].metadata["extra"]["request"] == {"tools": ["look"]}


@pytest.mark.parametrize(
    "output",
    [
        "Hi!",
        {"content": "Hi!", "type": "ai"},
        {"lc": 1, "type": "constructor", "id": ["AIMessage"], "kwargs": {"content": "Hi!"}},
        {"choices": [{"message": {"role": "assistant", "content": "Hi!"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hi!"}]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi!"}]}}]},
        {"output": [{"type": "message", **ANSWER}]},
        {"generations": [[{"text": "Hi!"}]]},
    ],
)  # fmt: skip
def test_answers_are_read_in_every_dialect(output):
    session = session_of(generation(output=output))
    assert said_in(session) == [("user", "hello"), ("assistant", "Hi!")]


def test_the_system_prompt_that_a_response_repeats_is_taken_from_there():
    output = {"object": "response", "instructions": "Be kind.", "output": []}
    assert session_of(generation(output=output)).system_prompt == "Be kind."


def test_the_system_prompt_that_only_the_trace_has_is_taken_from_there():
    session = session_of(trace(ONE, input={"system": "Be kind.", "prompt": "hello"}))
    assert said_in(session) == [("system", "Be kind."), ("user", "hello"), ("assistant", "Hi!")]


def test_structured_output_stays_whole():
    assert answer_of(output={"score": 3, "why": "so"}).content == '{"score":3,"why":"so"}'


def test_a_failed_call_keeps_its_message():
    answer = answer_of(level="ERROR", statusMessage="rate limited", output=None)
    assert (answer.role, answer.content, answer.error_message) == ("assistant", "", "rate limited")


def test_time_to_the_first_token_and_unknown_fields_are_kept():
    answer = answer_of(completionStartTime=at(0.25), promptName="greet", surprise=[1])
    assert answer.metadata["time_to_first_token_ms"] == 250
    assert answer.metadata["extra"] == {"name": "chat", "promptName": "greet", "surprise": [1]}


def test_metadata_that_repeats_the_content_is_left_out():
    attributes = {"gen_ai.system": "OpenAI", "input.value": "hello", "mine": 1}
    session = session_of(generation(metadata=json.dumps({"attributes": attributes})))
    answer = session.messages[-1]
    assert session.provider == answer.provider == "openai"
    assert answer.metadata["extra"]["metadata"] == {"gen_ai.system": "OpenAI", "mine": 1}


def test_results_of_tools_find_the_calls_that_no_history_joins_them_to():
    def call(id: str, city: str) -> dict[str, Any]:
        block = {"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}}
        return {"role": "assistant", "content": [block]}

    session = session_of(
        trace(
            generation("g1", 0, output=call("c1", "Berlin")),
            generation("g2", 2, input='{"content":"role"}', output=call("c2", "Rome")),
            tool("o2", 4, name="weather", input={"input": {"city": "Rome"}}, output="sunny"),
            tool("o1", 5, name="weather", input={"city": "Berlin"}, output={"content": "rain"}),
            generation("g3", 8, input='{"content":"role"}', output="Rain and sun"),
        )
    )  # fmt: skip
    assert said_in(session) == [
        ("user", "hello"),
        ("assistant", ""),
        ("tool", "rain"),
        ("assistant", ""),
        ("tool", "sunny"),
        ("assistant", "Rain and sun"),
    ]
    results = [m for m in session.messages if m.role == "tool"]
    assert [m.metadata["tool_call_ids"] for m in results] == [["c1"], ["c2"]]
    assert results[0].parent_key == session.messages[1].key
    assert all(message.is_active_path for message in session.messages)


def test_a_tool_that_the_history_tells_is_not_told_twice():
    made = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    asking = {"role": "assistant", "content": None, "tool_calls": [made]}
    history = [*HELLO, asking, {"role": "tool", "tool_call_id": "c1", "content": "found"}]
    session = session_of(
        trace(
            generation("g1", 0, output=asking),
            tool("o1", 2, name="look", input={}, output="found"),
            tool("o2", 2, name="look_with_another_name", input={}, output="found"),
            generation("g2", 4, input=history, output="Done"),
        )
    )
    assert [role for role, _ in said_in(session)] == ["user", "assistant", "tool", "assistant"]


def test_a_tool_that_no_model_called_stands_where_its_time_is():
    failed = tool("o1", 3, name="fetch", input={}, output=None, level="ERROR", statusMessage="gone")
    longer = [*HELLO, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": "More"}]
    session = session_of(
        trace(failed, generation("g1", 0), generation("g2", 6, input=longer, output="Here"))
    )
    assert [role for role, _ in said_in(session)] == [
        "user", "assistant", "tool", "user", "assistant",
    ]  # fmt: skip
    result = session.messages[2]
    assert (result.error_message, result.metadata["is_error"]) == ("gone", True)


def test_of_calls_inside_a_call_with_the_same_usage_the_innermost_count():
    outer = generation("g0", usageDetails={"input": 10, "output": 4}, output="Hi! Bye!")
    first = generation("g1", 1, parentObservationId="g0")
    second = generation("g2", 2, parentObservationId="g1x", output="Bye!")
    between = generation("g1x", 2, parentObservationId="g0", type="SPAN")
    messages = session_of(trace(outer, first, between, second)).messages
    assert sum(message.input_tokens or 0 for message in messages) == 10
    assert "Hi! Bye!" not in [message.content for message in messages]


def test_a_trace_without_calls_is_what_went_in_and_what_came_out():
    span = generation("o1", type="SPAN", usageDetails={}, input="what?", output="that")
    assert said_in(session_of(span)) == [("user", "what?"), ("assistant", "that")]
    told = trace(span, input={"question": "Which?"}, output="This")
    assert said_in(session_of(told)) == [("user", "Which?"), ("assistant", "This")]


def test_sums_of_a_table_of_traces_are_no_tokens_of_a_message():
    row = trace(input="a", output="b", inputTokens=100, totalCost=3, bookmarked=False, public=True)
    row["observations"] = ["o1", "o2"]
    assert langfuse.recognises(as_csv(row))
    [session] = read_bytes(langfuse, as_csv(row))
    assert said_in(session) == [("user", "a"), ("assistant", "b")]
    assert session.messages[-1].input_tokens is None
    assert session.messages[-1].cost is None


def test_a_trace_without_messages_is_skipped():
    content = json.dumps(trace()).encode()
    [skipped] = read_bytes(langfuse, content)
    assert skipped == Skipped("export.json, line 1", "a trace without messages")


def test_a_bad_observation_does_not_lose_the_others():
    bad = generation("bad", level=7)
    content = json.dumps(trace(bad, "g9", 3, ONE)).encode()
    first, second, session = read_bytes(langfuse, content)
    assert first.place == "export.json, line 1, observation 1"
    assert first.reason == "level is a number, not text"
    assert first.content == content
    assert second.place == "export.json, line 1, observation 3"
    assert said_in(session) == [("user", "hello"), ("assistant", "Hi!")]


def test_a_bad_row_of_a_table_comes_back_with_its_header():
    content = as_csv(ONE, generation("g2", 3)).replace(b'"g2","t1",', b'"g2",')
    rejected, session = read_bytes(langfuse, content)
    assert rejected.place == "export.json, line 3"
    assert rejected.reason == "14 values for 15 columns"
    assert rejected.content.startswith(b'"id","traceId"')
    assert rejected.content.count(b"\n") == 2
    assert len(session.messages) == 2


def test_a_last_line_that_is_being_written_is_no_mistake():
    content = json.dumps(ONE).encode() + b"\n" + json.dumps(ONE).encode()[:50]
    assert [type(item) for item in read_bytes(langfuse, content)] == [SessionRecord]
    broken, _ = read_bytes(langfuse, b"{oops\n" + json.dumps(ONE).encode() + b"\n")
    assert isinstance(broken, Rejected)
    assert broken.content == b"{oops\n"


def test_the_same_observation_twice_counts_once():
    assert len(session_of(ONE, ONE).messages) == 2


def test_parents_in_a_circle_end():
    session = session_of(
        generation("g1", parentObservationId="g2", usageDetails={}, output="one"),
        generation("g2", 3, parentObservationId="g1", output="two"),
    )
    assert session.messages


def test_nul_and_half_characters_inside_json_text_are_replaced():
    answer = answer_of(output='{"role":"assistant","content":"a\\u0000b\\ud83dc"}')
    assert answer.content == "a\ufffdb\ufffdc"


def test_no_damage_raises():
    calls = [{"id": "c", "function": {"name": "look", "arguments": "{}"}}]
    rich = trace(
        generation("g1", 0, output={"role": "assistant", "tool_calls": calls}),
        tool("o1", 2, name="look", input={"a": 1}, output={"content": "x"}),
        generation(
            "g2", 3, metadata={"attributes": {"a": 1}}, usage={"input": 1, "unit": "TOKENS"}
        ),
        input={"system": "s", "prompt": "p"},
        metadata={"a": {"b": 1}},
    )
    assert chat_exports.survives(langfuse, {"trace": rich, "observations": rich["observations"]})
    assert chat_exports.survives(langfuse, [rich, ONE])
    table = as_csv(ONE, generation("g2", 3))
    for end in range(0, len(table), 7):
        langfuse.recognises(table[:end])
        read_bytes(langfuse, table[:end])
