"""Lists of messages become sessions: fine-tuning files, preferences, dumps, logs of requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from conversations.importers import message_lists
from conversations.importers.records import Rejected, SessionRecord, Skipped

from .datasets import as_lines, read_bytes, read_rows, said, session_of, survives_damage

ASK = {"role": "user", "content": "How long do eggs boil?"}
ANSWER = {"role": "assistant", "content": "Eight minutes."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "timer", "arguments": '{"min": 8}'}}
    ],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "started"}
BODY = {
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": ANSWER, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
    "created": 1_760_000_000,
    "id": "chatcmpl-1",
}


def test_a_row_is_a_session_with_its_messages_in_a_row():
    session = session_of(message_lists, {"messages": [ASK, ANSWER]})
    assert said(session) == [("user", ASK["content"]), ("assistant", ANSWER["content"])]
    assert session.title == ASK["content"]
    assert session.messages[1].parent_key == session.messages[0].key
    assert len(session.external_id) == 64
    assert session.messages[1].output_tokens is None


def test_the_same_row_twice_is_one_session_and_another_row_another():
    items = read_rows(
        message_lists,
        {"messages": [ASK, ANSWER]},
        {"messages": [ASK, ANSWER]},
        {"messages": [ASK]},
    )
    assert [type(item) for item in items] == [SessionRecord, Skipped, SessionRecord]
    assert items[0].external_id != items[2].external_id


def test_the_order_of_names_and_the_spelling_of_numbers_make_no_other_session():
    rows = [
        b'{"messages": [{"role": "user", "content": "h\\u00e9"}], "n": 12345678901234567890123}',
        '{"n": 12345678901234567890123, "messages": [{"content": "hé", "role": "user"}]}'.encode(),
    ]
    ids = set()
    for row in rows:
        for content in (row + b"\n", b"[" + row + b"]", b"\xef\xbb\xbf" + row):
            [session] = read_bytes(message_lists, content)
            ids.add(session.external_id)
    assert len(ids) == 1


def test_a_longer_copy_of_a_conversation_with_an_id_keeps_the_keys_of_the_shorter():
    short = session_of(message_lists, {"id": 7, "messages": [ASK, ANSWER]})
    long = session_of(message_lists, {"id": 7, "messages": [ASK, ANSWER, ASK]})
    assert short.external_id == long.external_id
    assert [m.key for m in long.messages[:2]] == [m.key for m in short.messages]
    assert len({m.key for m in long.messages}) == 3


def test_the_same_number_in_another_data_set_is_another_conversation():
    eggs = session_of(message_lists, {"id": 1, "messages": [ASK]})
    tea = session_of(message_lists, {"id": 1, "messages": [{"role": "user", "content": "Tea?"}]})
    assert eggs.external_id != tea.external_id


def test_another_course_of_a_known_conversation_overwrites_nothing():
    one = session_of(message_lists, {"id": "x", "messages": [ASK, ANSWER]})
    two = session_of(
        message_lists, {"id": "x", "messages": [ASK, {"role": "assistant", "content": "Nine."}]}
    )
    assert one.external_id == two.external_id
    assert one.messages[1].key != two.messages[1].key
    assert one.messages[1].parent_key == two.messages[1].parent_key


def test_tools_calls_and_results_are_kept():
    tools = [{"type": "function", "function": {"name": "timer", "parameters": {}}}]
    row = {"messages": [ASK, CALL, RESULT, {**ANSWER, "weight": 0}], "tools": tools}
    session = session_of(message_lists, row)
    call, result, answer = session.messages[1:]
    assert call.content_type == "tool_call"
    assert call.tool_calls == [{"id": "c1", "name": "timer", "arguments": {"min": 8}}]
    assert (result.content_type, result.metadata["tool_call_ids"]) == ("tool_result", ["c1"])
    assert answer.metadata["extra"] == {"weight": 0}
    assert session.metadata["tools"] == tools
    assert "extra" not in session.metadata


def test_content_of_type_and_value_is_read():
    call = {"type": "tool_call", "value": json.dumps({"name": "timer", "arguments": {"min": 8}})}
    parts = [{"type": "reasoning", "value": "A timer."}, {"type": "text", "value": "Wait."}, call]
    row = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "value": "Eggs?"}]},
            {"role": "assistant", "content": parts, "loss_weight": 1.0},
        ],
        "tools": '[{"name": "timer"}]',
    }
    session = session_of(message_lists, row)
    answer = session.messages[1]
    assert (answer.content, answer.metadata["thinking"]) == ("Wait.", ["A timer."])
    assert answer.tool_calls == [{"id": "", "name": "timer", "arguments": {"min": 8}}]
    assert session.metadata["tools"] == [{"name": "timer"}]


def test_a_call_that_is_no_json_is_kept_as_it_is():
    part = {"type": "tool_call", "value": "timer(8)"}
    session = session_of(
        message_lists, {"messages": [ASK, {"role": "assistant", "content": [part]}]}
    )
    assert session.messages[1].tool_calls == [{"id": "", "name": "", "arguments": "timer(8)"}]


def test_pictures_beside_the_messages_belong_to_those_that_mark_them():
    row = {
        "messages": [
            {"role": "user", "content": "<image>What is it?"},
            ANSWER,
            {"role": "user", "content": "And <image> this?"},
        ],
        "images": ["egg.png", "pan.png"],
    }
    first, _, last = session_of(message_lists, row).messages
    assert first.metadata["attachments"] == [{"type": "image", "name": "egg.png"}]
    assert last.metadata["attachments"] == [{"type": "image", "name": "pan.png"}]


def test_the_model_and_the_usage_of_a_row_are_those_of_its_answer():
    row = {
        "messages": [ASK, ANSWER],
        "model": "gpt-4o",
        "usage": BODY["usage"],
        "created_at": "2026-01-02T03:04:05Z",
        "title": "Eggs",
    }
    session = session_of(message_lists, row)
    assert (session.model, session.title) == ("gpt-4o", "Eggs")
    assert session.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (session.messages[1].input_tokens, session.messages[1].output_tokens) == (12, 4)
    assert (session.messages[0].model, session.messages[1].model) == ("", "gpt-4o")


@pytest.mark.parametrize(
    "row",
    [
        {
            "input": {"messages": [ASK]},
            "preferred_output": [ANSWER],
            "non_preferred_output": [{"role": "assistant", "content": "No idea."}],
        },
        {
            "chosen": [ASK, ANSWER],
            "rejected": [ASK, {"role": "assistant", "content": "No idea."}],
        },
        {
            "messages": [ASK],
            "chosen": ANSWER,
            "rejected": {"role": "assistant", "content": "No idea."},
        },
        {"prompt": ASK["content"], "chosen": ANSWER["content"], "rejected": "No idea."},
    ],
)
def test_what_was_rejected_is_a_branch_that_was_left(row):
    session = session_of(message_lists, row)
    ask, rejected, chosen = session.messages
    assert (rejected.content, rejected.is_active_path) == ("No idea.", False)
    assert (chosen.content, chosen.is_active_path) == (ANSWER["content"], True)
    assert rejected.parent_key == chosen.parent_key == ask.key
    assert chosen.role == "assistant"


@pytest.mark.parametrize("indent", [None, 1])
def test_a_file_may_be_one_conversation(indent):
    for value in ({"messages": [ASK, ANSWER], "title": "Eggs"}, [ASK, ANSWER]):
        content = json.dumps(value, indent=indent).encode()
        assert message_lists.recognises(content)
        [session] = read_bytes(message_lists, content)
        assert len(session.messages) == 2


def test_rows_may_stand_in_the_list_of_an_object():
    rows = {"rows": [{"row_idx": 0, "row": {"messages": [ASK, ANSWER]}, "truncated_cells": []}]}
    content = json.dumps(rows).encode()
    assert message_lists.recognises(content)
    [session] = read_bytes(message_lists, content)
    [alone] = read_bytes(message_lists, as_lines(({"messages": [ASK, ANSWER]},)))
    assert session.external_id == alone.external_id


def test_a_request_and_its_response_are_one_session():
    row = {
        "request": {"model": "gpt-4o", "messages": [ASK], "temperature": 0.2},
        "response": BODY,
        "latency_ms": 900,
        "tag": "kitchen",
    }
    session = session_of(message_lists, row)
    answer = session.messages[1]
    assert said(session) == [("user", ASK["content"]), ("assistant", ANSWER["content"])]
    assert (answer.model, answer.input_tokens, answer.output_tokens) == (BODY["model"], 12, 4)
    assert (answer.latency_ms, answer.finish_reason) == (900, "stop")
    assert answer.metadata["extra"] == {"tag": "kitchen"}
    assert answer.metadata["request"] == {"model": "gpt-4o", "temperature": 0.2}


def test_requests_that_name_their_conversation_are_one_session():
    more = {"role": "user", "content": "And soft ones?"}
    rows = (
        {"session_id": "s1", "request": {"messages": [ASK]}, "response": BODY},
        {"session_id": "s1", "request": {"messages": [ASK, ANSWER, more]}, "response": "Five."},
    )
    [session] = read_rows(message_lists, *rows)
    assert [content for _, content in said(session)] == [
        *(ASK["content"], ANSWER["content"], more["content"], "Five."),
    ]
    assert session.external_id == "s1"


def test_a_request_that_failed_says_why():
    row = {
        "request": {"body": json.dumps({"model": "gpt-4o", "messages": [ASK]})},
        "response": {"status_code": 429, "body": {"error": {"message": "slow down"}}},
    }
    content = as_lines((row,))
    [session] = read_bytes(message_lists, content)
    assert said(session)[0] == ("user", ASK["content"])
    assert "slow down" in session.messages[1].error_message


def test_a_bad_row_costs_only_itself():
    content = as_lines(({"messages": [ASK]}, {"messages": 5}, 7)) + b"{broken\n"
    content += as_lines(({"messages": [ANSWER]},)) + b'{"messages": ['
    items = read_bytes(message_lists, content)
    kinds = [type(item) for item in items]
    assert kinds == [SessionRecord, Rejected, Rejected, Rejected, SessionRecord]
    assert items[1].content == b'{"messages": 5}\n'
    assert [item.place for item in items[1:4]] == ["rows, line 2", "rows, line 3", "rows, line 4"]


def test_a_conversation_without_messages_is_skipped():
    items = read_rows(message_lists, {"messages": [ASK]}, {"messages": []})
    assert isinstance(items[1], Skipped)


def test_a_file_that_breaks_off_in_its_only_row_is_rejected():
    [item] = read_bytes(message_lists, b'{"messages": [{"role": "user", "content": "Eg')
    assert isinstance(item, Rejected)


@pytest.mark.parametrize(
    "row",
    [
        {"custom_id": "a", "body": {"messages": [ASK]}},
        {"custom_id": "a", "params": {"messages": [ASK]}},
        {"mapping": {}, "messages": [ASK]},
        {"uuid": "u", "name": "", "chat_messages": [{"sender": "human", "content": []}]},
        {"conversationId": "c", "messages": [{"messageId": "m", "role": "user", "content": ""}]},
        {"chat": {"history": {"messages": {}}, "messages": [ASK]}},
        {"history": {"messages": {}, "currentId": "m"}, "messages": [ASK]},
        {"type": "user", "parentUuid": None, "sessionId": "s", "message": ASK},
        {"sessionId": "s", "projectHash": "h", "messages": [{"type": "user", "content": "x"}]},
        {"trace": {"id": "t"}, "observations": [{"input": [ASK]}]},
        {"traceId": "t", "type": "GENERATION", "input": [ASK]},
        {"name": "Ann", "messages": [{"role": "admin", "content": "x"}]},
        {"text": "plain"},
    ],
)
def test_what_belongs_to_others_is_left_to_them(row):
    assert not message_lists.recognises(as_lines((row,)))
    assert not message_lists.recognises(json.dumps([row]).encode())


def test_damaged_files_raise_nothing():
    survives_damage(
        message_lists,
        {"id": "a", "messages": [ASK, CALL, RESULT], "usage": {}, "tools": "[]", "images": ["x"]},
        {"input": {"messages": [ASK]}, "preferred_output": [ANSWER], "non_preferred_output": []},
        {"request": {"model": "m", "messages": [ASK]}, "response": BODY, "session_id": "s"},
    )
