"""Real exports of Claude.ai, LibreChat and Open WebUI, with the figures counted in them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conversations.importers import find, read
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped


@pytest.fixture
def samples(shared) -> Path:
    return shared / "samples"


@pytest.fixture
def expected(samples) -> dict[str, Any]:
    return json.loads((samples / "EXPECTED.json").read_text(encoding="utf-8"))


def items_of(path: Path) -> list[Any]:
    found = find([path])
    return found.unrecognised + [item for _, item in read(found)]


def sessions_of(path: Path) -> list[SessionRecord]:
    items = items_of(path)
    assert not [item for item in items if isinstance(item, Rejected)]
    return [item for item in items if isinstance(item, SessionRecord)]


def messages_of(path: Path) -> list[MessageRecord]:
    return [message for session in sessions_of(path) for message in session.messages]


def test_claude_ai_exports_have_the_figures_counted_in_them(samples, expected):
    for name, figures in expected["claude-ai"].items():
        sessions = sessions_of(samples / "claude-ai" / name)
        messages = [message for session in sessions for message in session.messages]
        roles = Counter(message.role for message in messages)
        said = [message for message in messages if message.role != "tool"]
        assert len(sessions) == figures["conversations"]
        assert len(said) == figures["messages"]
        assert roles["user"] == figures.get("sender human", 0) + figures.get("sender None", 0)
        assert roles["assistant"] == figures.get("sender assistant", 0)
        thoughts = sum(len(message.metadata.get("thinking", ())) for message in messages)
        assert thoughts == figures.get("block thinking", 0)
        calls = sum(len(message.tool_calls or ()) for message in messages)
        assert calls == figures.get("block tool_use", 0)


def test_an_answer_of_claude_ai_is_without_the_thoughts_before_it(samples):
    [_, answer] = messages_of(samples / "claude-ai" / "yaleman-2025-07-conversations.json")
    assert answer.content.startswith("Dog saliva does contain")
    assert answer.metadata["thinking"][0].startswith("The user is asking")
    assert answer.latency_ms == 9684


@pytest.mark.parametrize("name", ["users", "projects", "memories"])
def test_the_other_files_of_a_claude_ai_export_are_no_failures(samples, name):
    [item] = items_of(samples / "claude-ai" / f"yaleman-{name}.json")
    assert isinstance(item, Skipped)


def test_librechat_exports_have_the_figures_counted_in_them(samples, expected):
    for name, figures in expected["librechat"].items():
        messages = messages_of(samples / "librechat" / name)
        assert len(messages) == figures["all messages"]
        assert {message.input_tokens for message in messages} == {None}


def test_the_second_root_of_a_librechat_conversation_is_the_one_kept(samples):
    messages = messages_of(samples / "librechat" / "librechat-opts-nonr-branches.json")
    assert [message.is_active_path for message in messages] == [False, False, False, True, True]
    assert [message.output_tokens for message in messages] == [None, 78, None, None, 110]
    assert sum(message.parent_key is None for message in messages) == 2


def test_open_webui_exports_have_thoughts_and_calls_apart_from_the_text(samples):
    folder = samples / "open-webui"
    reasoning, tool, simple = sessions_of(folder / "librechat-fixture-openwebui-export.json")
    assert reasoning.messages[1].content == "255"
    assert reasoning.messages[1].metadata["thinking"] == [
        "15 * 17 = 15 * 10 + 15 * 7 = 150 + 105 = 255"
    ]
    _, answer, result = tool.messages
    assert answer.tool_calls == [
        {"id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}
    ]
    assert (result.role, result.content) == ("tool", "Paris: 18C, rain")
    assert [message.content for message in simple.messages] == ["Hello", "Hi there!"]
    [_, answer] = messages_of(folder / "openwebui-importer-converted-claude.json")
    assert answer.content == "Hello there! It's great to hear from you."
    assert len(answer.metadata["thinking"]) == 1
