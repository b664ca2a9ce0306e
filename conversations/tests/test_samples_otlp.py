"""Requests that real packages exported, to a model of whose answers the figures are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conversations.importers import find, otlp, read
from conversations.importers.records import SessionRecord

ASKED, ANSWERED = "Weather in Paris? café", "It is 14°C and rainy in Paris. 🌧"
TURN = [("assistant", "tool_call"), ("tool", "tool_result"), ("assistant", "text")]
START = [("system", "text"), ("user", "text"), *TURN]
# What each package recorded: kinds of messages, and the counts of each of its calls.
SAMPLES = {
    "openai-v2_2.4b0_content-on-span": ([*START, ("assistant", "text")], (1234, 56, None, None)),
    "openai-v2_2.4b0_content-on-event": ([*START, ("assistant", "text")], (1234, 56, None, None)),
    "openinference-openai_0.1.66": (
        [*START, ("user", "text"), ("assistant", "text")],
        (1234, 56, 1024, 32),
    ),
    "pydantic-ai_2.68.0": ([*START, ("user", "text"), *TURN], (1234, 56, 1024, 32)),
}
IDS = {
    "openinference-openai_0.1.66": "sess-42",
    "pydantic-ai_2.68.0": "01a203b1-543d-723f-a580-f660411ed09b",
}

samples = pytest.mark.parametrize("name", SAMPLES)


def session_of(*files: Path) -> SessionRecord:
    found = find(files)
    assert not found.unrecognised
    [(format, session)] = read(found)
    assert format == "otlp"
    return session


@pytest.fixture
def generated(shared) -> Path:
    return shared / "samples" / "otlp" / "generated"


@samples
def test_a_sample_has_its_messages_and_counts(generated, name):
    session = session_of(*sorted((generated / name).glob("*.json")))
    kinds, counts = SAMPLES[name]
    calls = [m for m in session.messages if m.role == "assistant"]

    assert [(m.role, m.content_type) for m in session.messages] == kinds
    assert [
        (m.input_tokens, m.output_tokens, m.cache_read_tokens, m.reasoning_tokens) for m in calls
    ] == [counts] * len(calls)
    assert (session.title, session.system_prompt) == (ASKED, "You are terse.")
    assert (session.project, session.provider) == ("demo-app", "openai")
    assert session.model == "gpt-4o-mini-2024-07-18"
    assert session.messages[2].tool_calls == [
        {"id": "call_abc123", "name": "get_weather", "arguments": {"city": "Paris"}}
    ]
    assert session.messages[4].content == ANSWERED
    assert session.messages[4].finish_reason == "stop"
    assert session.external_id == IDS.get(name, session.external_id)
    assert all(m.latency_ms for m in calls)


@samples
def test_a_sample_is_the_same_in_json_and_protobuf_and_in_both_at_once(generated, name):
    folder = generated / name
    in_json = session_of(*sorted(folder.glob("*.json")))
    in_protobuf = session_of(*sorted(folder.glob("*.pb")))
    in_both = session_of(folder)

    assert replace(in_protobuf, place="") == replace(in_json, place="")
    assert replace(in_both, place="") == replace(in_json, place="")


@samples
def test_a_sample_cut_anywhere_raises_nothing(generated, name):
    for file in sorted((generated / name).iterdir()):
        content = file.read_bytes()
        for size in range(0, len(content), max(1, len(content) // 12)):
            otlp.recognises(content[:size])


def test_costs_are_those_recorded(generated):
    session = session_of(generated / "pydantic-ai_2.68.0" / "traces.json")

    costs = [m.cost for m in session.messages if m.role == "assistant"]
    assert costs == [0.0001419] * 4


def test_a_picture_is_described_and_the_first_token_timed(generated):
    session = session_of(generated / "openinference-openai_0.1.66" / "traces.json")

    asked, answered = session.messages[-2:]
    assert asked.metadata["attachments"][0]["media_type"] == "image/png"
    assert answered.metadata["time_to_first_token_ms"] == 12
    assert session.tags == ["a", "b"]
    assert session.metadata["user"] == "user-7"


def test_the_example_of_the_specification_is_recognised_and_holds_no_call(shared):
    found = find([shared / "samples" / "otlp" / "otlp-spec-example-trace.json"])

    assert [item.reason for _, item in read(found)] == ["holds no call of a model"]
