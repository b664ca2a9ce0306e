"""Real files, with the figures that were counted in them by other means."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conversations.importers import find, read
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
EXPECTED_FILE = SAMPLES / "EXPECTED.json"
EXPECTED = json.loads(EXPECTED_FILE.read_text()) if EXPECTED_FILE.is_file() else {}

pytestmark = pytest.mark.skipif(not EXPECTED, reason=f"no {SAMPLES}: real samples are not here")


def cases(format: str) -> Any:
    return pytest.mark.parametrize(("name", "expected"), EXPECTED.get(format, {}).items())


def items_of(format: str, name: str) -> list[Any]:
    found = find([SAMPLES / format / name])
    return found.unrecognised + [item for _, item in read(found)]


def usage_of(messages: list[MessageRecord]) -> dict[str, int]:
    """The tokens of messages as Anthropic counts them: cache reads and writes not in the input."""
    usage: Counter[str] = Counter()
    for message in messages:
        read = message.cache_read_tokens or 0
        written = (message.cache_write_5m_tokens or 0) + (message.cache_write_1h_tokens or 0)
        usage["input_tokens"] += (message.input_tokens or 0) - read - written
        usage["output_tokens"] += message.output_tokens or 0
        usage["cache_creation_input_tokens"] += written
        usage["cache_read_input_tokens"] += read
    return dict(usage)


@cases("claude-code")
def test_a_claude_code_log_has_the_figures_counted_in_it(name, expected):
    items = items_of("claude-code", name)
    sessions = [item for item in items if isinstance(item, SessionRecord)]
    messages = [message for session in sessions for message in session.messages]
    answers = [message for message in messages if message.role == "assistant"]
    users = [message for message in messages if message.role == "user"]
    meta = [message for message in users if message.metadata.get("is_meta")]
    records = sum(message.metadata.get("merged_records", 1) for message in answers)

    assert not [item for item in items if isinstance(item, Rejected)]
    assert (
        len({session.external_id.split("/")[0] for session in sessions}) == expected["sessionIds"]
    )
    assert len(users) - len(meta) == expected.get("prompt user records", 0)
    assert len(meta) == expected.get("meta user records", 0)
    assert sum(m.role == "tool" for m in messages) == expected.get("tool-result user records", 0)
    assert records == expected.get("assistant records", 0)
    assert len(answers) == expected["assistant responses (unique message.id)"]
    assert len({message.key for message in messages}) == len(messages)
    assert (usage_of(answers) if answers else {}) == expected["usage"]
    models = {message.model for message in answers}
    assert {
        model: usage_of([message for message in answers if message.model == model])
        for model in models
    } == expected["by_model"]
    # Every line is a message, part of one, or counted; a file without messages says so itself.
    counted = sum(sum(session.metadata.get("records", {}).values()) for session in sessions)
    if sessions:
        assert len(messages) - len(answers) + records + counted == expected["lines"]
    else:
        assert [type(item) for item in items] == [Skipped]


def test_over_all_claude_code_logs_each_response_counts_once():
    found = find([SAMPLES / "claude-code" / "claude-code-log"])
    answers: dict[str, MessageRecord] = {}
    for _, item in read(found):
        if isinstance(item, SessionRecord):
            for message in item.messages:
                if message.role == "assistant":
                    answers.setdefault(message.key, message)
    expected = EXPECTED["claude-code"].values()
    totals = {
        kind: sum(file["usage"].get(kind, 0) for file in expected)
        for kind in usage_of([MessageRecord("", "")])
    }
    assert usage_of(list(answers.values())) == totals
    assert len(answers) == sum(file["assistant responses (unique message.id)"] for file in expected)


@cases("chatgpt")
def test_a_chatgpt_export_has_the_figures_counted_in_it(name, expected):
    sessions = items_of("chatgpt", name)
    messages = [message for session in sessions for message in session.messages]
    nodes = sum(session.metadata["nodes"] for session in sessions)
    children = Counter(message.parent_key for message in messages if message.parent_key)
    figures = {
        "conversations": len(sessions),
        "nodes": nodes,
        "nodes without message": nodes - len(messages),
        "messages": len(messages),
        "on active path": sum(message.is_active_path for message in messages),
        "off active path": sum(not message.is_active_path for message in messages),
        "branch points": sum(count > 1 for count in children.values()),
        **{f"role {role}": count for role, count in Counter(m.role for m in messages).items()},
    }
    assert {name: count for name, count in figures.items() if count} == expected


@pytest.mark.parametrize("format", ["claude-code", "chatgpt"])
def test_no_sample_is_taken_for_another_format(format):
    for folder in sorted(SAMPLES.iterdir()):
        if folder.is_dir():
            found = find([folder])
            assert (format in found.files) == (folder.name == format), folder.name
