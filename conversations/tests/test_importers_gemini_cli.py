"""Session logs of Gemini CLI become sessions: documents and lines, corrections, tokens, tools."""

from __future__ import annotations

import base64
import json
import random
from copy import deepcopy
from typing import Any

import pytest

from conversations.importers import gemini_cli
from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import Rejected, SessionRecord, Skipped

HASH = "c" * 64
TOKENS = {"input": 100, "output": 10, "cached": 60, "thoughts": 5, "tool": 2, "total": 117}


def head(id: str = "s", **more: Any) -> dict[str, Any]:
    return {"sessionId": id, "projectHash": HASH, "startTime": "2026-03-01T10:00:00.000Z"} | more


def said(type: str, id: str, content: Any = "", second: int = 0, **more: Any) -> dict[str, Any]:
    time = f"2026-03-01T10:00:{second:02}.000Z"
    return {"id": id, "timestamp": time, "type": type, "content": content} | more


def user(id: str, content: Any = "hello", second: int = 0, **more: Any) -> dict[str, Any]:
    return said("user", id, content, second, **more)


def answer(id: str, content: Any = "hi", second: int = 0, **more: Any) -> dict[str, Any]:
    return said("gemini", id, content, second, **{"model": "gemini-2.5-pro", **more})


def call(id: str = "c", response: Any = None, **more: Any) -> dict[str, Any]:
    result = [{"functionResponse": {"id": id, "name": "ls", "response": response}}]
    return {"id": id, "name": "ls", "args": {"path": "."}, "result": result} | more


def lines(*records: Any, name: str = "session.jsonl") -> MemoryFile:
    return MemoryFile(name, b"".join(json.dumps(each).encode() + b"\n" for each in records))


def document(
    *messages: Any, indent: int | None = 2, name: str = "session.json", **more: Any
) -> Any:
    content = json.dumps(head(**more) | {"messages": messages}, indent=indent)
    return MemoryFile(name, content.encode())


def session_of(*records: Any) -> SessionRecord:
    [session] = gemini_cli.read([lines(head(), *records)])
    assert isinstance(session, SessionRecord)
    return session


def spoken(session: SessionRecord) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in session.messages if m.is_active_path]


# -- recognising -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file",
    [
        lines(head()),
        lines(head(), user("u")),
        lines(answer("a")),
        document(user("u")),
        document(user("u"), indent=None),
    ],
)
def test_both_forms_are_recognised(file):
    assert gemini_cli.recognises(file.content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'[{"sessionId": "s", "messageId": 0, "type": "user", "message": "hi"}]',
        b'[{"role": "user", "parts": [{"text": "hi"}]}]',
        b'{"sessionId": "s", "uuid": "u", "message": {"role": "user", "content": "hi"}}\n',
        b'{"id": "a", "type": "message", "content": "hi"}',
    ],
)
def test_other_files_are_left_to_others(content):
    assert not gemini_cli.recognises(content)


# -- the session -----------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_and_lines_give_the_same_session(indent):
    records = (user("u"), answer("a", tokens=TOKENS, toolCalls=[call(status="success")]))
    [from_document] = gemini_cli.read([document(*records, indent=indent)])
    from_lines = session_of(*records)
    from_document.place = from_lines.place
    assert from_document == from_lines
    assert (from_lines.external_id, from_lines.provider) == ("s", "google")
    assert from_lines.model == "gemini-2.5-pro"


def test_lines_win_over_the_document_that_they_were_written_from():
    files = [
        document(user("u")),
        document(user("x"), id="t"),
        lines(head(), user("u"), answer("a")),
    ]
    first, second, third = gemini_cli.read(files)
    assert spoken(first) == [("user", "hello"), ("assistant", "hi")]
    assert isinstance(second, Skipped)
    assert third.external_id == "t"


def test_two_copies_of_a_document_are_both_given():
    items = gemini_cli.read([document(user("u")), document(user("u"), answer("a"), name="later")])
    assert [len(item.messages) for item in items] == [1, 2]


def test_the_title_is_the_summary_or_else_the_first_prompt_as_its_user_saw_it():
    prompt = user("u", "look at @a.py\n--- a.py ---\nimport os", displayContent="look at @a.py")
    assert session_of(prompt).title == "look at @a.py"
    assert session_of(prompt, {"$set": {"summary": "A look"}}).title == "A look"


@pytest.mark.parametrize(
    ("name", "more", "project"),
    [
        ("session.jsonl", {}, HASH),
        ("tmp/clock/chats/session.jsonl", {}, "clock"),
        (f"tmp/{HASH}/chats/session.jsonl", {}, HASH),
        ("tmp/clock/chats/session.jsonl", {"directories": ["/home/ada/sundial/"]}, "sundial"),
    ],
)
def test_the_project_is_the_folder_as_far_as_it_is_told(name, more, project):
    [session] = gemini_cli.read([lines(head(**more), user("u"), name=name)])
    assert session.project == project


def test_a_sub_agent_belongs_to_the_session_whose_folder_it_is_in():
    records = (head("child", kind="subagent"), user("u"))
    [session] = gemini_cli.read([lines(*records, name="tmp/clock/chats/parent/child.jsonl")])
    assert session.parent_external_id == "parent"
    assert session.messages[0].is_sidechain


def test_a_session_without_messages_is_skipped():
    assert [type(item) for item in gemini_cli.read([lines(head()), document()])] == [Skipped] * 2


# -- corrections -----------------------------------------------------------------------------------


def test_a_message_written_twice_is_the_later_one_in_the_earlier_place():
    session = session_of(
        user("u"),
        answer("a", "h", tokens=TOKENS),
        user("v", "more"),
        answer("a", "hi", tokens=TOKENS),
    )
    assert spoken(session) == [("user", "hello"), ("assistant", "hi"), ("user", "more")]
    assert sum(message.input_tokens or 0 for message in session.messages) == 102


def test_what_was_rewound_is_off_the_active_path():
    session = session_of(
        user("u"),
        answer("a"),
        user("v", "wrong"),
        answer("b"),
        {"$rewindTo": "v"},
        user("w", "right"),
    )
    assert spoken(session) == [("user", "hello"), ("assistant", "hi"), ("user", "right")]
    assert [message.is_active_path for message in session.messages] == [True] * 2 + [False] * 2 + [
        True
    ]
    assert session.messages[4].parent_key == "s/a"


def test_a_rewind_to_what_is_not_there_takes_everything_back():
    session = session_of(user("u"), answer("a"), {"$rewindTo": "?"}, user("v", "anew"))
    assert spoken(session) == [("user", "anew")]


def test_messages_that_are_set_replace_all_before():
    session = session_of(
        user("u"),
        answer("a"),
        {"$set": {"messages": [user("u"), answer("b", "ho")]}},
        user("v", "on"),
    )
    assert spoken(session) == [("user", "hello"), ("assistant", "ho"), ("user", "on")]


def test_what_is_set_of_the_session_counts_from_then_on():
    session = session_of(user("u"), {"$set": {"lastUpdated": "later", "novel": 1}})
    assert session.metadata["last_updated"] == "later"
    assert session.metadata["extra"] == {"novel": 1}


def test_every_parent_is_a_message_of_the_session_whatever_is_taken_back():
    dice = random.Random(3)
    for _ in range(100):
        records: list[Any] = []
        for _ in range(12):
            id = dice.choice("abcd")
            records.append(
                dice.choice(
                    [user(id), answer(id), {"$rewindTo": id}, {"$set": {"messages": [user(id)]}}]
                )
            )
        session = session_of(user("a"), *records)
        parents = {message.key: message.parent_key for message in session.messages}
        assert len(parents) == len(session.messages)
        for key in parents:
            trail = set()
            while key:
                assert key not in trail
                trail.add(key)
                key = parents[key]


# -- messages --------------------------------------------------------------------------------------


def test_tokens_are_those_of_one_request_with_thoughts_and_tools():
    message = session_of(user("u"), answer("a", tokens=TOKENS)).messages[1]
    assert (message.input_tokens, message.output_tokens) == (102, 15)
    assert (message.cache_read_tokens, message.reasoning_tokens) == (60, 5)


def test_a_message_without_tokens_says_nothing_about_them():
    message = session_of(user("u"), answer("a", tokens=None)).messages[1]
    assert (message.input_tokens, message.output_tokens) == (None, None)


def test_a_tool_answers_in_a_message_of_its_own():
    done = call("c", {"output": "a.txt"}, status="success", timestamp="2026-03-01T10:00:05Z")
    session = session_of(
        user("u"), answer("a", "", 3, toolCalls=[done]), answer("b", "one file", 9)
    )
    _, asked, result, last = session.messages
    assert (asked.content_type, asked.latency_ms) == ("tool_call", 3000)
    assert asked.tool_calls == [{"id": "c", "name": "ls", "arguments": {"path": "."}}]
    assert (result.role, result.content_type, result.content) == ("tool", "tool_result", "a.txt")
    assert result.metadata["tool_call_ids"] == ["c"]
    assert "is_error" not in result.metadata
    assert (last.parent_key, last.latency_ms) == (result.key, 4000)


@pytest.mark.parametrize("status", ["error", "cancelled"])
def test_a_tool_that_failed_is_an_error(status):
    failed = call("c", {"error": "no such folder"}, status=status)
    result = session_of(user("u"), answer("a", toolCalls=[failed])).messages[2]
    assert (result.content, result.metadata["is_error"]) == ("no such folder", True)
    assert result.metadata["status"] == status


def test_a_call_that_has_not_ended_has_no_answer_yet():
    running = call("c") | {"result": None, "status": "executing"}
    assert len(session_of(user("u"), answer("a", toolCalls=[running])).messages) == 2


def test_calls_of_one_id_have_keys_of_their_own():
    calls = [call("c", {"output": text}, status="success") for text in "xy"]
    keys = [message.key for message in session_of(answer("a", toolCalls=calls)).messages]
    assert len(set(keys)) == 3


def test_thoughts_stand_beside_what_was_said():
    thoughts = [{"subject": "Greeting", "description": "Be kind."}]
    message = session_of(user("u"), answer("a", thoughts=thoughts)).messages[1]
    assert message.metadata["thinking"] == ["Greeting\n\nBe kind."]
    alone = session_of(user("u"), answer("a", "", thoughts=thoughts)).messages[1]
    assert (alone.content_type, alone.content) == ("thinking", "Greeting\n\nBe kind.")


def test_content_may_be_parts_with_pictures_described():
    encoded = base64.b64encode(b"p" * 90).decode()
    picture = {"inlineData": {"mimeType": "image/png", "data": encoded}}
    parts = [{"text": "see"}, picture, {"text": "hm", "thought": True}]
    message = session_of(user("u", parts)).messages[0]
    assert message.content == "see"
    [attachment] = message.metadata["attachments"]
    assert (attachment["media_type"], attachment["size"]) == ("image/png", 90)
    assert encoded not in json.dumps(message.metadata)


def test_context_in_the_place_of_the_first_prompt_is_hidden():
    session = session_of(user("x", "<session_context>\nThis is the Gemini CLI."), user("u"))
    assert [message.is_hidden for message in session.messages] == [True, False]
    assert session.title == "hello"


@pytest.mark.parametrize("type", ["info", "warning", "error", "novelty"])
def test_notes_of_the_program_are_hidden_events(type):
    note = session_of(user("u"), said(type, "n", "quota")).messages[1]
    assert (note.role, note.content_type, note.is_hidden) == ("system", "event", True)
    assert note.error_message == ("quota" if type == "error" else "")


def test_what_nobody_knows_is_kept():
    message = session_of(user("u", novel={"a": 1})).messages[0]
    assert message.metadata["extra"] == {"novel": {"a": 1}}


# -- damage ----------------------------------------------------------------------------------------


def test_a_bad_line_costs_that_line_alone():
    bad = json.dumps(answer("a", 5)).encode() + b"\n"
    content = lines(head(), user("u")).content + bad + lines(answer("b")).content
    rejected, session = gemini_cli.read([MemoryFile("s.jsonl", content)])
    assert (rejected.place, rejected.content) == ("s.jsonl, line 3", bad)
    assert spoken(session) == [("user", "hello"), ("assistant", "hi")]


def test_a_bad_message_costs_that_message_alone():
    rejected, session = gemini_cli.read([document(user("u"), answer("a", 5), answer("b"))])
    assert isinstance(rejected, Rejected)
    assert rejected.place == "session.json, message 2"
    assert json.loads(rejected.content) == answer("a", 5)
    assert spoken(session) == [("user", "hello"), ("assistant", "hi")]


def test_a_last_line_that_is_being_written_is_ignored():
    content = lines(head(), user("u")).content + b'{"id": "a", "ty'
    [session] = gemini_cli.read([MemoryFile("s.jsonl", content)])
    assert spoken(session) == [("user", "hello")]


def test_a_document_that_was_cut_off_is_rejected():
    content = document(user("u"), answer("a")).content
    [rejected] = gemini_cli.read([MemoryFile("s.json", content[:-20])])
    assert isinstance(rejected, Rejected)


def test_damaged_records_raise_nothing():
    dice = random.Random(7)
    odd = [None, True, -1, 10**18, 1e308, "", "\ud800", [], [[1]], {}, {"a": {"b": []}}]
    deep: Any = "x"
    for _ in range(90):
        deep = [deep]
    done = call("c", {"output": "x"}, status="success", resultDisplay={"fileDiff": "-"})
    thoughts = [{"subject": "a", "description": "b"}]
    parts = [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "aGVsbG8="}}]
    reasoning = [{"type": "reasoning", "summary": [{"text": "t"}]}]
    records = [
        head(directories=["/a"]), user("u", parts), user("r", reasoning, displayContent=parts),
        answer("a", tokens=TOKENS, toolCalls=[done], thoughts=thoughts), said("error", "e", "x"),
        {"$set": {"messages": [user("u")], "summary": "x"}}, {"$rewindTo": "a"},
    ]  # fmt: skip
    for _ in range(400):
        damaged = json.loads(json.dumps(records))
        dice.shuffle(damaged)
        for each in damaged:
            place = each
            while isinstance(place, dict) and place and dice.random() < 0.8:
                name = dice.choice(list(place))
                if dice.random() < 0.4:
                    place[name] = deepcopy(dice.choice([*odd, deep]))
                place = place[name]
                if isinstance(place, list) and place:
                    place = dice.choice(place)
        file = dice.choice([lines(*damaged), document(*damaged), document(*damaged, indent=None)])
        if dice.random() < 0.3:
            cut = file.content[: dice.randrange(file.size)]
            file = MemoryFile(file.name, cut)
        gemini_cli.recognises(file.content)
        list(gemini_cli.read([file]))
