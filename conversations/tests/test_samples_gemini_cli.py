"""Real session logs of Gemini CLI, with the figures that were counted in them by other means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conversations.importers import find, gemini_cli, read
from conversations.importers.reading.files import sample_of
from conversations.importers.records import SessionRecord

DOCUMENTS = (
    "session-2025-10-27T19-55-981c87cb.json",
    "session-2025-10-29T10-36-453aa339.json",
    "session-2025-10-29T10-36-9c9a14e1.json",
    "session-2025-10-29T10-36-f96c76b0.json",
    "session-2025-10-29T10-39-a63242d9.json",
    "session-2025-10-29T10-40-359abdd0.json",
)


def session_at(path: Path) -> SessionRecord:
    [(_, session)] = read(find([path]))
    assert isinstance(session, SessionRecord)
    return session


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_session_has_the_figures_counted_in_it(shared, name):
    samples = shared / "samples"
    counted = json.loads((samples / "EXPECTED.json").read_text())["gemini-cli"]
    expected = counted[f"agentcmd/{name}"]
    session = session_at(samples / "gemini-cli" / "agentcmd" / name)
    answers = [message for message in session.messages if message.role == "assistant"]
    prompts = [message for message in session.messages if message.role == "user"]
    calls = [call for answer in answers for call in answer.tool_calls or ()]
    results = [message for message in session.messages if message.role == "tool"]
    assert {"user": len(prompts), "gemini": len(answers)} == expected["types"]
    assert len(calls) == len(results) == expected["tool calls"]
    tokens = expected["tokens"]
    assert sum(answer.input_tokens for answer in answers) == tokens["input"] + tokens["tool"]
    assert sum(answer.output_tokens for answer in answers) == tokens["output"] + tokens["thoughts"]
    assert sum(answer.cache_read_tokens for answer in answers) == tokens["cached"]
    assert sum(answer.reasoning_tokens for answer in answers) == tokens["thoughts"]


def test_a_session_in_lines_has_what_was_said(shared):
    session = session_at(shared / "samples" / "gemini-cli" / "agent-sessions" / "jsonl_v040.jsonl")
    assert session.external_id == "gemini_stage0_jsonl"
    assert session.title == "Say hello and list files."
    roles = [message.role for message in session.messages]
    assert roles == ["user", "assistant", "tool", "assistant"]
    assert sum(message.input_tokens or 0 for message in session.messages) == 11855 + 12069


def test_no_other_sample_is_taken_for_a_session(shared):
    found = find([shared / "samples"])
    assert all("/gemini-cli/" in file.name for file in found.files["gemini-cli"])
    others = [file for name, files in found.files.items() if name != "gemini-cli" for file in files]
    assert not [file.name for file in others if gemini_cli.recognises(sample_of(file))]
