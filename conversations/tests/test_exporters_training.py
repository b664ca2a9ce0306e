"""Sessions as examples for training: OpenAI's fine-tuning files and ShareGPT."""

from __future__ import annotations

import json

import pytest

from conversations.exporters import FORMATS, chats
from conversations.importers import message_lists, sharegpt
from conversations.models import Session

from .datasets import read_bytes, said
from .factories import add_message, make_session

pytestmark = pytest.mark.django_db

CALL = {"id": "c1", "name": "sun", "arguments": {"at": "noon"}}
TOOL = {"name": "sun", "description": "Where it stands", "parameters": {"type": "object"}}


def written(format: str) -> bytes:
    return b"".join(FORMATS[format].write(chats(Session.objects.all())))


def rows(format: str) -> list[dict]:
    return [json.loads(line) for line in written(format).splitlines()]


def messages_of_the_only_row() -> list[dict]:
    [row] = rows("openai")
    return row["messages"]


def make_session_with_tools() -> None:
    session = make_session("Sun", system_prompt="Be brief.", metadata={"tools": [TOOL]})
    add_message(session, 1, "How high is the sun?", role="user")
    add_message(session, 2, "I look.", tool_calls=[CALL, {**CALL, "id": "c2"}])
    for number, id in ((3, "c2"), (4, "c1")):
        add_message(
            session,
            number,
            f"61° says {id}",
            role="tool",
            content_type="tool_result",
            metadata={"tool_call_ids": [id]},
        )
    add_message(session, 5, "61 degrees.\n\n<b>High</b>")


def test_an_example_is_the_system_prompt_then_what_was_said_with_results_behind_their_calls():
    make_session_with_tools()
    [row] = rows("openai")
    system, user, calling, first, second, answer = row["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user == {"role": "user", "content": "How high is the sun?"}
    assert calling["content"] == "I look."
    assert calling["tool_calls"][0] == {
        "id": "c1",
        "type": "function",
        "function": {"name": "sun", "arguments": '{"at":"noon"}'},
    }
    assert first == {"role": "tool", "tool_call_id": "c1", "content": "61° says c1"}
    assert second == {"role": "tool", "tool_call_id": "c2", "content": "61° says c2"}
    assert answer == {"role": "assistant", "content": "61 degrees.\n\n<b>High</b>"}
    assert row["tools"] == [{"type": "function", "function": TOOL}]


def test_what_is_written_for_openai_is_imported_with_the_same_texts_calls_and_tools():
    make_session_with_tools()
    make_session("Tea", "Tea?", '{"role": "user"}')
    with_tools, plain = read_bytes(message_lists, written("openai"))
    assert said(plain) == [("user", "Tea?"), ("assistant", '{"role": "user"}')]
    assert said(with_tools)[1:3] == [("user", "How high is the sun?"), ("assistant", "I look.")]
    assert said(with_tools)[3] == ("tool", "61° says c1")
    assert with_tools.messages[2].tool_calls == [CALL, {**CALL, "id": "c2"}]
    assert with_tools.messages[3].metadata["tool_call_ids"] == ["c1"]
    assert with_tools.system_prompt == "Be brief."
    assert with_tools.metadata["tools"] == [{"type": "function", "function": TOOL}]


def test_sharegpt_has_turns_by_speaker_and_is_imported_with_the_same_texts():
    make_session_with_tools()
    [row] = rows("sharegpt")
    assert row["id"] == Session.objects.get().session_uuid
    assert [turn["from"] for turn in row["conversations"]] == [
        *("system", "human", "gpt", "function_call", "observation", "observation", "gpt"),
    ]
    assert json.loads(row["conversations"][3]["value"])[0] == {
        "name": "sun",
        "arguments": {"at": "noon"},
    }
    [session] = read_bytes(sharegpt, written("sharegpt"))
    assert said(session) == [
        ("system", "Be brief."),
        ("user", "How high is the sun?"),
        ("assistant", "I look."),
        ("assistant", ""),
        ("tool", "61° says c1"),
        ("tool", "61° says c2"),
        ("assistant", "61 degrees.\n\n<b>High</b>"),
    ]
    assert [call["name"] for call in session.messages[3].tool_calls] == ["sun", "sun"]


@pytest.mark.parametrize("format", ["openai", "sharegpt"])
def test_sessions_without_an_answer_are_left_out(format):
    make_session("Asked", "Anybody?")
    make_session("Empty")
    hidden = make_session("Hidden", "Hello")
    add_message(hidden, 2, "Not shown", is_hidden=True)
    assert rows(format) == []


def test_only_the_shown_path_counts_up_to_the_last_answer():
    session = make_session("Tea", "Tea?", "Yes.")
    add_message(session, 3, "No.", is_active_path=False)
    add_message(session, 4, "of a sub-agent", is_sidechain=True)
    add_message(session, 5, " \n")
    add_message(session, 6, "of thinking", content_type="thinking")
    add_message(session, 7, "Sugar?", role="user")
    assert [message["content"] for message in messages_of_the_only_row()] == ["Tea?", "Yes."]


def test_calls_that_nobody_answered_are_left_out_but_for_those_of_the_last_turn():
    session = make_session("Sun", "High?")
    add_message(session, 2, "", tool_calls=[{**CALL, "id": "stopped"}])
    add_message(session, 3, "61", role="tool", metadata={"tool_call_ids": ["of nobody"]})
    add_message(session, 4, "And now?", role="user")
    add_message(session, 5, "", tool_calls=[CALL])
    add_message(session, 6, "61", role="tool", metadata={"tool_call_ids": ["c1"]})
    user, again, calling = messages_of_the_only_row()
    assert (user["content"], again["content"]) == ("High?", "And now?")
    assert calling["content"] is None
    assert [call["id"] for call in calling["tool_calls"]] == ["c1"]


def test_calls_without_ids_get_some_and_results_go_to_the_oldest_open_call():
    session = make_session("Sun", "High?")
    calls = [{"name": "sun", "arguments": "{}"}, {"function": {"name": "moon"}}]
    add_message(session, 2, "", tool_calls=calls)
    add_message(session, 3, "61", role="function")
    add_message(session, 4, "12", role="tool")
    add_message(session, 5, "Both.")
    _, calling, first, second, _ = messages_of_the_only_row()
    ids = [call["id"] for call in calling["tool_calls"]]
    assert len(set(ids)) == 2
    assert [first["tool_call_id"], second["tool_call_id"]] == ids
    assert [first["content"], second["content"]] == ["61", "12"]


def test_an_id_that_comes_again_finds_its_own_result():
    session = make_session("Sun", "High?")
    for number in (2, 4):
        add_message(session, number, "", tool_calls=[CALL])
        metadata = {"tool_call_ids": ["c1"]}
        add_message(session, number + 1, f"after {number}", role="tool", metadata=metadata)
    add_message(session, 6, "Done.")
    results = [m["content"] for m in messages_of_the_only_row() if m["role"] == "tool"]
    assert results == ["after 2", "after 4"]


def test_results_beside_what_a_user_typed_stand_before_it():
    session = make_session("Sun", "High?")
    add_message(session, 2, "", tool_calls=[CALL])
    results = [{"id": "c1", "text": "61", "is_error": False}]
    add_message(session, 3, "Go on", role="user", metadata={"tool_results": results})
    add_message(session, 4, "Done.")
    assert [m["role"] for m in messages_of_the_only_row()] == [
        *("user", "assistant", "tool", "user", "assistant"),
    ]


@pytest.mark.parametrize("value", [7, "x", [], {}, [None], [{"name": 1, "function": 2}], [[]]])
def test_json_columns_may_hold_anything(value):
    session = make_session("Odd", "Hello", metadata=value)
    odd = {"metadata": value, "tool_calls": value, "function_call": value}
    add_message(session, 2, "Hi", **odd)
    odd["metadata"] = {"tool_call_ids": value, "tool_results": value, "thinking": value}
    add_message(session, 3, "result", role="tool", **odd)
    for format in FORMATS:
        if format != "json":
            assert list(FORMATS[format].write(chats(Session.objects.all())))
