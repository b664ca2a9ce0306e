"""LangSmith's runs become sessions: lists, lines, tables, and what programs send."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import langsmith
from conversations.importers.records import Rejected, SessionRecord

from . import chat_exports
from .chat_exports import read_bytes, said_in

HELLO = [{"role": "user", "content": "hello"}]
CHOICES = [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi!"}}
]
USAGE = {
    "input_tokens": 9,
    "output_tokens": 4,
    "input_token_details": {"cache_read": 3},
    "output_token_details": {"reasoning": 1},
}


def order(*ids: str) -> str:
    return ".".join(f"20260301T10000{place}000000Z{id}" for place, id in enumerate(ids))


def run(id: str = "r1", second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "name": "ChatOpenAI",
        "run_type": "llm",
        "start_time": f"2026-03-01T10:00:{second:02}.000000",
        "end_time": f"2026-03-01T10:00:{second + 1:02}.250000+00:00",
        "trace_id": "t1",
        "parent_run_id": "root",
        "dotted_order": order("root", id),
        "session_id": "project-1",
        "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o-mini"}},
        "inputs": {"messages": HELLO, "model": "gpt-4o-mini", "temperature": 0},
        "outputs": {"model": "gpt-4o-mini-2024", "choices": CHOICES, "usage_metadata": USAGE},
        "error": None,
        "total_cost": "0.000123",
        "tags": [],
    } | more


def root(**more: Any) -> dict[str, Any]:
    given = {"parent_run_id": None, "dotted_order": order("root"), "run_type": "chain"}
    given |= {"name": "agent", "inputs": {"input": "in"}, "outputs": {"output": "out"}}
    return run("root", **(given | more))


def lines(*runs: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in runs)


def session_of(*runs: Any) -> SessionRecord:
    [session] = read_bytes(langsmith, lines(*runs))
    assert isinstance(session, SessionRecord), session
    return session


def as_csv(*rows: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(name.replace("_", " ").title() for name in rows[0])
    for row in rows:
        writer.writerow(json.dumps(v) if isinstance(v, dict | list) else v for v in row.values())
    return text.getvalue().encode()


POST = {"run_type": "llm", "name": "n", "inputs": {"messages": HELLO}, "outputs": {}}
SHAPES = {
    "lines": lines(run()),
    "list": json.dumps([run()], indent=2).encode(),
    "answer of the API": json.dumps({"runs": [run()], "cursors": {}}).encode(),
    "table": as_csv(run()),
    "a run inside its parent": json.dumps(root(child_runs=[run()])).encode(),
    "payload": json.dumps(
        {
            "post": [run(**POST, end_time=None, extra={"metadata": {"ls_provider": "openai"}})],
            "patch": [{k: v for k, v in run().items() if k not in ("id", "inputs")}],
        }
    ).encode(),
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_an_export_is_read_alike(content):
    assert langsmith.recognises(content)
    [session] = read_bytes(langsmith, content)
    assert (session.external_id, session.title) == ("t1", "hello")
    assert said_in(session) == [("user", "hello"), ("assistant", "Hi!")]
    answer = session.messages[-1]
    assert (answer.model, answer.provider) == ("gpt-4o-mini-2024", "openai")
    assert (answer.input_tokens, answer.output_tokens, answer.cost) == (9, 4, 0.000123)
    assert (answer.cache_read_tokens, answer.reasoning_tokens) == (3, 1)
    assert (answer.latency_ms, answer.finish_reason) == (1250, "stop")
    assert session.started_at == datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"runs": [1]}', b'{"post": "x", "patch": 1}', b"inputs,outputs\na,b\n"],
)
def test_what_belongs_to_others_is_not_taken(content):
    assert not langsmith.recognises(content)


def test_settings_of_the_request_are_kept():
    answer = session_of(run(tags=["a"], in_dataset=True)).messages[-1]
    assert answer.metadata["extra"]["request"] == {"model": "gpt-4o-mini", "temperature": 0}
    assert answer.metadata["extra"]["in_dataset"] is True


@pytest.mark.parametrize("name", ["session_id", "thread_id", "conversation_id"])
def test_the_conversation_stands_in_the_metadata_of_any_run_of_a_trace(name):
    outer = root(extra={"metadata": {name: "s"}}, tags=["beta"], session_name="my project")
    session = session_of(run(), outer)
    assert session.external_id == "s"
    assert session.tags == ["beta"]
    assert session.project == "my project"


def test_traces_of_a_conversation_go_on_from_each_other():
    longer = [*HELLO, CHOICES[0]["message"], {"role": "user", "content": "More"}]
    about = {"extra": {"metadata": {"thread_id": "s"}}}
    second = run("r2", 5, trace_id="t2", inputs={"messages": longer}, outputs={"output": "Yes"})
    session = session_of(second | about, run() | about)
    assert [text for _, text in said_in(session)] == ["hello", "Hi!", "More", "Yes"]


def test_langchain_messages_and_generations_are_read():
    def constructor(name: str, **kwargs: Any) -> dict[str, Any]:
        path = ["langchain", "schema", "messages", name]
        return {"lc": 1, "type": "constructor", "id": path, "kwargs": kwargs}

    answer = constructor(
        "AIMessage",
        content="",
        tool_calls=[{"name": "look", "args": {"q": 1}, "id": "c1", "type": "tool_call"}],
        response_metadata={"finish_reason": "tool_calls", "model_name": "gpt-x"},
        usage_metadata={"input_tokens": 7, "output_tokens": 3, "total_tokens": 10},
    )
    session = session_of(
        run(
            inputs={
                "messages": [
                    [
                        constructor("SystemMessage", content="Be kind."),
                        constructor("HumanMessage", content="hello"),
                    ]
                ]
            },
            outputs={
                "generations": [[{"text": "", "message": answer}]],
                "llm_output": {"token_usage": {"prompt_tokens": 1, "completion_tokens": 1}},
            },
        )
    )
    assert said_in(session) == [("system", "Be kind."), ("user", "hello"), ("assistant", "")]
    message = session.messages[-1]
    assert message.tool_calls == [{"id": "c1", "name": "look", "arguments": {"q": 1}}]
    assert (message.finish_reason, message.model) == ("tool_calls", "gpt-x")
    assert (message.input_tokens, message.output_tokens) == (7, 3)


def test_completions_of_text_have_prompts():
    session = session_of(
        run(
            inputs={"prompts": ["Say hi"]},
            outputs={
                "generations": [[{"text": "hi", "generation_info": {"finish_reason": "stop"}}]],
                "llm_output": {"token_usage": {"prompt_tokens": 2, "completion_tokens": 1}},
            },
        )
    )
    assert said_in(session) == [("user", "Say hi"), ("assistant", "hi")]
    assert session.messages[-1].input_tokens == 2


def test_cache_writes_of_an_hour_are_told_apart():
    details = {"cache_read": 10, "cache_creation": 0, "ephemeral_5m_input_tokens": 20}
    details |= {"ephemeral_1h_input_tokens": 30}
    usage = {"input_tokens": 100, "output_tokens": 1, "input_token_details": details}
    answer = session_of(run(outputs={"output": "x", "usage_metadata": usage})).messages[-1]
    assert (answer.cache_write_5m_tokens, answer.cache_write_1h_tokens) == (20, 30)
    assert "extra" in answer.metadata
    assert "usage_metadata" not in answer.metadata["extra"]


def test_counts_of_the_run_serve_where_the_answer_has_none():
    given = {"outputs": {"output": "x"}, "prompt_tokens": "5", "completion_tokens": 2}
    assert session_of(run(**given)).messages[-1].input_tokens == 5
    given |= {"prompt_tokens": 0, "completion_tokens": 0, "total_cost": "0"}
    answer = session_of(run(**given)).messages[-1]
    assert (answer.input_tokens, answer.cost) == (None, None)


def test_only_calls_of_models_count():
    outer = root(prompt_tokens=900, completion_tokens=80, total_cost="3.5")
    session = session_of(outer, run(), run("e", 2, run_type="embedding", prompt_tokens=50))
    assert sum(message.input_tokens or 0 for message in session.messages) == 9
    assert len(session.messages) == 2


def test_of_two_layers_that_record_one_call_the_inner_one_counts():
    inner = run("r2", 0, parent_run_id="r1", dotted_order=order("root", "r1", "r2"))
    session = session_of(run(), inner)
    assert [m.input_tokens for m in session.messages] == [None, 9]


def test_results_of_tools_find_their_calls():
    made = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}}
    asking = {
        "choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [made]}}]
    }
    used = run(
        "r2", 2, name="look", run_type="tool", inputs={"input": "{'q': 1}"},
        outputs={"output": {"type": "tool", "content": "found", "name": "look"}}, error="Late",
    )  # fmt: skip
    session = session_of(used, run(outputs=asking))
    result = session.messages[-1]
    assert (result.role, result.content) == ("tool", "found")
    assert result.metadata["tool_call_ids"] == ["c1"]
    assert (result.metadata["is_error"], result.error_message) == (True, "Late")


def test_a_trace_without_models_is_what_went_in_and_what_came_out():
    assert said_in(session_of(root())) == [("user", "in"), ("assistant", "out")]


def test_a_failed_call_keeps_its_error():
    answer = session_of(run(outputs=None, error="RateLimitError('slow down')")).messages[-1]
    assert answer.error_message == "RateLimitError('slow down')"


def test_times_of_javascript_are_milliseconds():
    session = session_of(run(start_time=1728803137170, end_time=1728803138285))
    assert session.started_at == datetime(2024, 10, 13, 7, 5, 37, 170_000, UTC)
    assert session.messages[-1].latency_ms == 1115


def test_a_run_that_cannot_be_read_does_not_lose_the_others():
    rejected, session = read_bytes(langsmith, lines(run("bad", error={"no": "text"}), run()))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "export.json, line 1"
    assert rejected.reason == "error is an object, not text"
    assert json.loads(rejected.content)["id"] == "bad"
    assert len(session.messages) == 2


def test_a_bad_run_of_a_payload_is_rejected_with_what_is_known_of_it():
    content = json.dumps({"post": [run("bad", error=7), 3, run()]}).encode()
    number, bad, session = read_bytes(langsmith, content)
    assert number.place == "export.json, line 1, post 2"
    assert (bad.place, bad.reason) == ("export.json, line 1, post 1", "error is a number, not text")
    assert json.loads(bad.content)["id"] == "bad"
    assert len(session.messages) == 2


def test_no_damage_raises():
    runs = [root(), run(), run("r2", 3, run_type="tool", inputs={"input": "{}"})]
    generations = {"generations": [[{"text": "a", "message": {"kwargs": {"content": "b"}}}]]}
    runs.append(run("r3", 4, outputs=generations))
    assert chat_exports.survives(langsmith, runs)
    assert chat_exports.survives(langsmith, {"post": runs, "patch": runs})
    table = as_csv(*runs)
    for end in range(0, len(table), 11):
        langsmith.recognises(table[:end])
        read_bytes(langsmith, table[:end])
