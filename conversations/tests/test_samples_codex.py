"""Real rollouts of Codex CLI, with the figures that were counted in them by other means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conversations.importers import codex, find, read
from conversations.importers.reading.files import sample_of
from conversations.importers.records import Rejected, SessionRecord

COUNTED = {
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cache_read_tokens",
    "output_tokens": "output_tokens",
    "reasoning_output_tokens": "reasoning_tokens",
}
FORKS = "codexbar-forks/archived-fork-33ce-3869"
ROLLOUTS = (
    "agentcmd/rollout-2025-09-24T20-12-23-01997ea4-a70d-7da3-8c20-c736db82a7c5.jsonl",
    "agentcmd/rollout-2025-09-25T15-12-14-019982b8-3422-79e0-8b3b-05abaf4f3c3e.jsonl",
)


def sessions_at(*paths: Path) -> dict[str, SessionRecord]:
    found = find(paths)
    items = [item for _, item in read(found)]
    assert not [item for item in items if isinstance(item, Rejected)]
    return {item.external_id: item for item in items if isinstance(item, SessionRecord)}


def usage_of(*sessions: SessionRecord) -> dict[str, int]:
    messages = [message for session in sessions for message in session.messages]
    return {
        theirs: sum(getattr(message, ours) or 0 for message in messages)
        for theirs, ours in COUNTED.items()
    }


@pytest.mark.parametrize("name", [*ROLLOUTS, f"{FORKS}/parent.jsonl", f"{FORKS}/child.jsonl"])
def test_a_rollout_has_the_tokens_counted_in_it(shared, name):
    samples = shared / "samples"
    expected = json.loads((samples / "EXPECTED.json").read_text())["codex"][name]
    [session] = sessions_at(samples / "codex" / name).values()
    deltas = expected["sum_of_deltas (use this)"]
    assert usage_of(session) == {name: deltas[name] for name in COUNTED}


@pytest.mark.parametrize("name", ROLLOUTS)
def test_a_rollout_has_a_message_for_each_item_said(shared, name):
    samples = shared / "samples"
    expected = json.loads((samples / "EXPECTED.json").read_text())["codex"][name]
    records = expected["records"]
    [session] = sessions_at(samples / "codex" / name).values()
    answers = [message for message in session.messages if message.role == "assistant"]
    prompts = [m for m in session.messages if m.role == "user" and not m.is_hidden]
    assert len(prompts) == records["event_msg/user_message"]
    assert len(answers) == expected["token_count events"]
    assert all(answer.input_tokens for answer in answers)
    assert {answer.model for answer in answers} == set(expected["models"])
    assert len([a for a in answers if a.content]) == records["response_item/message/assistant"]
    calls = [call for answer in answers for call in answer.tool_calls or ()]
    assert len(calls) == records["response_item/function_call"]
    results = [message for message in session.messages if message.role == "tool"]
    assert len(results) == records["response_item/function_call_output"]


def test_a_fork_owns_only_what_its_parent_does_not(shared):
    folder = shared / "samples" / "codex" / FORKS
    manifest = json.loads((folder / "manifest.json").read_text())
    oracle = manifest["oracle"]
    sessions = sessions_at(folder)
    parent, child = sessions["parent-session"], sessions["child-session"]
    assert child.parent_external_id == parent.external_id
    # Two lines of head, then one line each event that was copied.
    assert child.metadata["copied_lines"] == 2 + oracle["copiedPrefixLength"]
    events = (folder / "child.jsonl").read_text().splitlines()[child.metadata["copied_lines"] :]
    lasts = [json.loads(event)["payload"]["info"]["last_token_usage"] for event in events]
    own_tokens = oracle["dedupedLastTokens"] - oracle["parentLastTokens"]
    assert sum(last["total_tokens"] for last in lasts) == own_tokens
    own = oracle["childEventCount"] - oracle["copiedPrefixLength"]
    repeated = 1  # of the child's own events one says what the event before said
    assert len(child.messages) == own - repeated
    alone = usage_of(*sessions_at(folder / "child.jsonl").values())
    assert usage_of(parent, child) == alone


def test_a_rollout_of_a_later_release_is_read_without_a_loss(shared):
    path = shared / "samples" / "codex" / "agent-sessions" / "codex-small-0.146.0.jsonl"
    [session] = sessions_at(path).values()
    assert usage_of(session)["input_tokens"] == 16341
    assert ("user", "List the files") in [(m.role, m.content) for m in session.messages]
    assert ("assistant", "Found 2 files.") in [(m.role, m.content) for m in session.messages]


def test_no_other_sample_is_taken_for_a_rollout(shared):
    found = find([shared / "samples"])
    taken = [file.name for file in found.files["codex"]]
    assert all("/codex/" in name for name in taken)
    others = [file for name, files in found.files.items() if name != "codex" for file in files]
    assert not [file.name for file in others if codex.recognises(sample_of(file))]
