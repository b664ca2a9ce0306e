"""Real files of Langfuse and LangSmith, with what those who wrote them find in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conversations.importers import find, read
from conversations.importers.records import MessageRecord, SessionRecord

LANGFUSE = {
    "claude-agent-2025-12-22": (34, 232, 0.003582),
    "openai-agents-2025-09-30": (140, 44, 0.000632),
}


def session_in(file: Path, format: str) -> SessionRecord:
    found = find([file])
    assert list(found.files) == [format]
    [(_, session)] = read(found)
    return session


def facts_of(message: dict[str, Any]) -> tuple[str, str, list[str]]:
    """What Langfuse found in a message: who said what and called which tools."""
    content = message.get("content") or ""
    blocks = content if isinstance(content, list) else []
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    calls = [*message.get("tool_calls", ()), *(b for b in blocks if b["type"] == "tool_use")]
    text = "\n\n".join(texts) if isinstance(content, list) else content
    return message.get("role", "tool"), text, [call["id"] for call in calls]


def facts_in(message: MessageRecord) -> tuple[str, str, list[str]]:
    return message.role, message.content, [call["id"] for call in message.tool_calls or ()]


@pytest.mark.parametrize(("name", "figures"), LANGFUSE.items())
def test_a_trace_holds_the_messages_that_langfuse_finds_in_it(shared, name, figures):
    folder = shared / "samples" / "langfuse"
    session = session_in(folder / f"{name}.trace.json", "langfuse")
    expected = json.loads((folder / f"{name}.chatml.expected.json").read_text())
    ours = [facts_in(message) for message in session.messages]
    told = [
        facts_of(message)
        for observation in expected.values()
        for side in observation.values()
        for message in side.get("data", ())
    ]
    assert told
    assert {str(message) for message in told} <= {str(message) for message in ours}
    assert {m for m in map(str, ours) if "'assistant'" in m} == {
        m for m in map(str, told) if "'assistant'" in m
    }
    assert len(set(map(str, ours))) == len(ours)

    tokens_in, tokens_out, cost = figures
    assert sum(m.input_tokens or 0 for m in session.messages) == tokens_in
    assert sum(m.output_tokens or 0 for m in session.messages) == tokens_out
    assert sum(m.cost or 0 for m in session.messages) == pytest.approx(cost)
    assert all(m.is_active_path for m in session.messages)
    assert session.system_prompt


@pytest.mark.parametrize("name", ["js_wrap_openai_default", "py_wrap_openai_"])
def test_what_programs_send_to_langsmith_is_one_run(shared, name):
    file = shared / "samples" / "langsmith" / f"langsmith_{name}.json"
    session = session_in(file, "langsmith")
    assert [(m.role, m.content) for m in session.messages] == [
        ("user", "howdy"),
        ("assistant", "Howdy! How can I assist you today?"),
    ]
    answer = session.messages[-1]
    assert (answer.input_tokens, answer.output_tokens) == (9, 9)
    assert (answer.model, answer.provider) == ("gpt-4o-mini-2024-07-18", "openai")
    assert answer.latency_ms in (1115, 1118)
