"""Real data sets, with figures that were counted in them by other means. Skipped without them."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command

from conversations.importers import find, read
from conversations.importers.records import SessionRecord, Skipped

FOLDERS = {
    "finetune-messages": "messages",
    "sharegpt": "sharegpt",
    "oasst": "openassistant",
    "lmsys-like": "chat-rows",
}


@pytest.fixture
def samples(shared):
    return shared / "samples"


def sessions_of(path) -> tuple[list[SessionRecord], list]:
    found = find([path])
    items = [*found.unrecognised, *(item for _, item in read(found))]
    sessions = [item for item in items if isinstance(item, SessionRecord)]
    return sessions, [item for item in items if not isinstance(item, SessionRecord)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_files_are_recognised(samples, folder):
    assert set(find([samples / folder]).files) == {FOLDERS[folder]}


def test_no_other_sample_is_taken_for_one_of_these(samples):
    for folder in samples.iterdir():
        if folder.is_dir() and folder.name not in FOLDERS:
            assert not find([folder]).files.keys() & set(FOLDERS.values()), folder


def test_the_fine_tuning_file_of_one_row_ten_times_is_one_session(samples):
    sessions, others = sessions_of(samples / "finetune-messages/weather_chat_fine_tuning.jsonl")
    assert [len(session.messages) for session in sessions] == [6]
    assert [type(item) for item in others] == [Skipped] * 9
    calling = sessions[0].messages[1]
    assert [call["arguments"]["location"] for call in calling.tool_calls] == [
        *("San Francisco, CA", "Tokyo, Japan", "Paris, France"),
    ]


def test_the_tool_use_file_has_all_its_messages_thoughts_and_calls(samples):
    file = samples / "finetune-messages/llamafactory-reason_tool_use_demo_50.jsonl"
    sessions, others = sessions_of(file)
    messages = [message for session in sessions for message in session.messages]
    assert (len(sessions), others) == (50, [])
    assert Counter(m.role for m in messages) == {
        "system": 50, "user": 70, "assistant": 112, "tool": 42,
    }  # fmt: skip
    assert sum(len(m.tool_calls or ()) for m in messages) == 68
    assert all(call["name"] for m in messages for call in m.tool_calls or ())
    assert sum("thinking" in m.metadata for m in messages) == 112
    assert not any("other_blocks" in m.metadata for m in messages)


def test_sharegpt_files_have_all_their_turns(samples):
    file = samples / "sharegpt/fastchat-dummy_conversation.json"
    sessions, others = sessions_of(file)
    assert (len(sessions), others) == (500, [])
    assert Counter(m.role for session in sessions for m in session.messages) == {
        "user": 1000, "assistant": 1000,
    }  # fmt: skip
    turns = json.loads((samples / "sharegpt/axolotl-conversation.json").read_text())
    [session], _ = sessions_of(samples / "sharegpt/axolotl-conversation.json")
    assert [m.content for m in session.messages] == [t["value"] for t in turns["conversations"]]


def test_the_trees_have_all_their_messages_and_one_path_each(samples):
    sessions, others = sessions_of(samples / "oasst")
    messages = [message for session in sessions for message in session.messages]
    assert (len(sessions), len(messages), others) == (100, 1167, [])
    for session in sessions:
        active = [m.key for m in session.messages if m.is_active_path]
        parents = [m.parent_key for m in session.messages if m.is_active_path]
        assert parents == [None, *active[:-1]]


def test_the_answers_of_the_arena_are_sessions(samples):
    sessions, others = sessions_of(samples / "lmsys-like")
    assert (len(sessions), others) == (500, [])
    assert {session.model for session in sessions} == {"gpt-3.5-turbo-0125"}
    assert all(session.started_at for session in sessions)


@pytest.mark.django_db
def test_a_second_import_writes_nothing(samples):
    def run() -> dict:
        out = StringIO()
        paths = [str(samples / folder) for folder in FOLDERS]
        call_command("import", *paths, format="json", stdout=out, stderr=StringIO())
        return json.loads(out.getvalue())

    first, second = run(), run()
    assert (first["new"], first["failed"]) == (50 + 1 + 501 + 100 + 500, 0)
    assert (second["new"], second["updated"], second["messages_updated"]) == (0, 0, 0)
