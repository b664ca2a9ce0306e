"""Real databases of llm and real results of batches, with the figures counted in them by SQL."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conversations.importers import find, read
from conversations.importers.records import SessionRecord


def sessions_in(path: Path, format: str) -> list[SessionRecord]:
    found = find([path])
    items = [*found.unrecognised, *read(found)]
    assert all(isinstance(item, tuple) and item[0] == format for item in items), items
    sessions = [session for _, session in items]
    assert all(isinstance(session, SessionRecord) for session in sessions)
    keys = [message.key for session in sessions for message in session.messages]
    assert len(set(keys)) == len(keys)
    return sessions


@pytest.mark.parametrize(
    ("name", "table", "sessions"),
    [
        ("logs-0.27.1-legacy.db", "responses", "conversations"),
        ("logs-0.36-new-schema.db", "turns", "threads"),
    ],
)
def test_a_database_of_llm_has_the_figures_counted_in_it(shared, name, table, sessions):
    path = shared / "samples" / "llm-logs" / name
    sums = f"SELECT count(*), sum(input_tokens), sum(output_tokens) FROM {table}"
    names = f"SELECT id, name FROM {sessions}"
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    counts, titles = connection.execute(sums).fetchone(), dict(connection.execute(names))
    connection.close()
    found = sessions_in(path, "llm")
    assert {session.external_id for session in found} == titles.keys()
    named = {session.external_id: session.title for session in found}
    assert all(named[id] == title for id, title in titles.items() if title)
    answers = [m for session in found for m in session.messages if m.model]
    assert counts == (
        len(answers),
        sum(m.input_tokens or 0 for m in answers),
        sum(m.output_tokens or 0 for m in answers),
    )
    said = [m for session in found for m in session.messages]
    assert Counter(bool(m.metadata.get("is_error")) for m in said if m.role == "tool") == {
        False: 1,
        True: 1,
    }
    assert not any("\0" in m.content for m in said)
    assert len(list(path.parent.iterdir())) == 2  # nothing was left beside them


def test_a_batch_has_the_figures_counted_in_it(shared):
    samples = shared / "samples"
    expected: dict[str, Any] = json.loads((samples / "EXPECTED.json").read_text())["openai-batch"]
    [figures] = expected.values()
    sessions = sessions_in(samples / "openai-batch", "openai-batch")
    answers = [session.messages[-1] for session in sessions]
    assert len(sessions) == figures["lines"]
    assert sum(m.input_tokens or 0 for m in answers) == figures["usage.prompt_tokens"]
    assert sum(m.output_tokens or 0 for m in answers) == figures["usage.completion_tokens"]
    assert Counter(m.model for m in answers) == figures["models"]
    assert all([m.role for m in s.messages] == ["system", "user", "assistant"] for s in sessions)


def test_the_results_in_the_documentation_of_anthropic_are_read(shared):
    sessions = sessions_in(shared / "samples" / "anthropic-batch", "anthropic-batch")
    tokens = {s.title: (s.messages[0].input_tokens, s.messages[0].output_tokens) for s in sessions}
    assert tokens == {"my-second-request": (11, 36), "my-first-request": (10, 34)}
