"""Claude.ai exports become sessions: blocks, uploads, branches, and the archive's other files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import claude_ai
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

from . import chat_exports
from .chat_exports import active_in, parents_in, said_in

ROOT = "00000000-0000-4000-8000-000000000000"
TIME = "2026-03-01T10:00:00.000000Z"


def read(*conversations: Any) -> list[Any]:
    return chat_exports.read(claude_ai, list(conversations))


def message(sender: str = "human", *blocks: Any, **more: Any) -> dict[str, Any]:
    """A message of text and whole blocks."""
    content = [block if isinstance(block, dict) else text(block) for block in blocks or ["hello"]]
    return {
        "uuid": f"{sender}-1",
        "text": "",
        "content": content,
        "sender": sender,
        "created_at": TIME,
        "updated_at": TIME,
        "attachments": [],
        "files": [],
    } | more


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, "citations": []} | more


def conversation(*messages: Any, **more: Any) -> dict[str, Any]:
    return {
        "uuid": "c1",
        "name": "Kettle",
        "summary": "",
        "created_at": TIME,
        "updated_at": "2026-03-01T10:05:00Z",
        "account": {"uuid": "a1"},
        "chat_messages": list(messages),
    } | more


def session_of(*messages: Any, **more: Any) -> SessionRecord:
    return chat_exports.session_of(claude_ai, [conversation(*messages, **more)])


def message_of(*args: Any, **more: Any) -> MessageRecord:
    return session_of(message(*args, **more)).messages[0]


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda c: [c], lambda c: c, lambda c: {"conversations": [c]}])
def test_conversations_come_in_a_list_wrapped_or_alone(wrap):
    content = json.dumps(wrap(conversation(message()))).encode()
    assert claude_ai.recognises(content)
    [session] = chat_exports.read_bytes(claude_ai, content)
    assert session.external_id == "c1"


@pytest.mark.parametrize(
    "other",
    [
        {"mapping": {}, "chat": "chat_messages"},
        [{"uuid": "1", "name": "no export"}],
        [{"chat_messages": "none"}],
        {"messages": [{"role": "user", "content": '"chat_messages": []'}]},
    ],
)
def test_files_of_other_formats_are_left_alone(other):
    assert not claude_ai.recognises(json.dumps(other).encode())


def test_what_is_no_json_is_left_alone():
    assert not any(
        map(claude_ai.recognises, (b"", b"\xff\xfe\x00", b"[", b'{"chat_messages', b"x"))
    )


@pytest.mark.parametrize(
    ("companion", "what"),
    [
        ([{"uuid": "a1", "full_name": "A", "email_address": "a@b.c"}], "account"),
        ([{"uuid": "p", "name": "P", "prompt_template": "", "docs": []}], "projects"),
        ({"uuid": "p", "name": "P", "prompt_template": "", "docs": []}, "projects"),
        ([{"conversations_memory": "m", "account_uuid": "a1"}], "remembers"),
    ],
)
def test_the_other_files_of_the_archive_are_skipped_and_say_what_they_are(companion, what):
    assert claude_ai.recognises(json.dumps(companion).encode())
    [skipped] = chat_exports.read(claude_ai, companion)
    assert isinstance(skipped, Skipped)
    assert what in skipped.reason


# -- conversations ---------------------------------------------------------------------------------


def test_a_conversation_is_a_session():
    session = session_of(message(), summary="About kettles", is_starred=True, settings=None)
    assert (session.title, session.place) == ("Kettle", "export.json, record 1")
    assert session.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (session.provider, session.model) == ("anthropic", "")
    assert session.metadata == {
        "updated_at": "2026-03-01T10:05:00+00:00",
        "extra": {"account": {"uuid": "a1"}, "is_starred": True, "summary": "About kettles"},
    }


def test_the_web_interface_says_model_and_project_but_no_tokens():
    session = session_of(
        message(), message("assistant", "hi"), model="claude-x", project={"uuid": "p", "name": "P"}
    )
    assert (session.model, session.project) == ("claude-x", "P")
    assert [said.model for said in session.messages] == ["", "claude-x"]
    assert {said.output_tokens for said in session.messages} == {None}
    assert session_of(message(), project_uuid="p1", project=None).project == "p1"


def test_without_a_name_the_first_question_is_the_title():
    assert session_of(message("human", "What  is\nthis?"), name="").title == "What is this?"


def test_an_empty_conversation_is_skipped():
    blank = message("human", text(""))
    for empty in (conversation(), conversation(blank)):
        [skipped] = read(empty)
        assert skipped == Skipped("export.json, record 1", "a conversation without messages")


def test_an_empty_message_is_left_out_and_the_answer_goes_below_what_it_answered():
    session = session_of(message(), message("assistant", "", uuid="e"), message(uuid="n"))
    assert parents_in(session) == {"human-1": None, "n": "human-1"}


def test_a_bad_conversation_does_not_lose_the_others():
    items = read(5, conversation(message(), uuid=7), conversation(message()), {"uuid": "x"})
    assert [type(item) for item in items] == [Rejected, Rejected, SessionRecord, Rejected]
    assert items[0] == Rejected(
        "export.json, record 1", "the conversation is a number, not an object"
    )
    assert items[1].reason == "uuid is a number, not text"
    assert items[3].content == b'{"uuid": "x"}'


def test_a_bad_message_does_not_lose_the_others():
    bad = message("human", uuid="b", attachments=5, parent_message_uuid="human-1")
    good = message("assistant", "hi", parent_message_uuid="b")
    rejected, session = read(conversation(message(), bad, good, "no message"))[1:]
    assert rejected.place == "export.json, record 1, message 4"
    assert parents_in(session) == {"human-1": None, "assistant-1": "human-1"}


def test_ids_are_made_up_where_there_are_none_and_stay_when_the_conversation_goes_on():
    given = [{"text": "one"}, {"text": "two", "sender": "assistant"}, {"text": "three"}]
    short, long = (read({"title": "T", "chat_messages": given[:n]})[0] for n in (2, 3))
    assert short.external_id == long.external_id != ""
    assert [m.key for m in short.messages] == [m.key for m in long.messages][:2]
    assert said_in(long) == [("user", "one"), ("assistant", "two"), ("user", "three")]
    assert short.title == "T"


# -- messages --------------------------------------------------------------------------------------


def test_the_text_field_counts_only_where_no_block_says_anything():
    thought = {"type": "thinking", "thinking": "hmm", "summaries": [], "cut_off": False}
    both = message_of("assistant", thought, "yes", text="hmmyes")
    assert (both.content, both.metadata) == ("yes", {"thinking": ["hmm"]})
    assert message_of("human", "", text="only here").content == "only here"
    assert message_of("human", content=[], text="only here").content == "only here"
    assert message_of("human", content="plain").content == "plain"
    assert message_of("human", content=["a", "b"]).content == "a\n\nb"


def test_a_message_of_nothing_but_thoughts_is_a_thought():
    said = message_of("assistant", {"type": "thinking", "thinking": "hmm"})
    assert (said.content_type, said.content) == ("thinking", "hmm")
    summary = {"type": "thinking", "thinking": "", "summaries": [{"summary": "Pondered"}]}
    assert message_of("assistant", summary).content == "Pondered"


def test_calls_and_their_results():
    session = session_of(
        message("human", "weather?"),
        message(
            "assistant",
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}},
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "name": "weather",
                "content": [{"type": "text", "text": "4 °C"}],
                "is_error": False,
            },
            "Cold.",
        ),
        message("human", "thanks", uuid="h2"),
    )
    _, answer, result, _ = session.messages
    assert (answer.content, answer.content_type) == ("Cold.", "text")
    assert answer.tool_calls == [{"id": "t1", "name": "weather", "arguments": {"city": "Oslo"}}]
    assert (result.role, result.content_type, result.content) == ("tool", "tool_result", "4 °C")
    assert result.metadata == {"tool_call_ids": ["t1"], "name": "weather"}
    assert parents_in(session) == {
        "human-1": None,
        "assistant-1": "human-1",
        "assistant-1/result-1": "assistant-1",
        "h2": "assistant-1/result-1",
    }


def test_results_without_ids_belong_to_the_calls_of_their_name_in_order():
    def call(name: str) -> dict[str, Any]:
        return {"type": "tool_use", "id": None, "name": name, "input": {}}

    def result(name: str, said: str, **more: Any) -> dict[str, Any]:
        return {"type": "tool_result", "tool_use_id": None, "name": name, "content": said} | more

    blocks = (call("a"), call("b"), call("a"), result("a", "1"), result("b", "2", is_error=True))
    first, *results = session_of(message("assistant", *blocks, result("a", "3"))).messages
    assert first.content_type == "tool_call"
    one, two, three = (call["id"] for call in first.tool_calls)
    assert [said.metadata["tool_call_ids"] for said in results] == [[one], [two], [three]]
    assert [said.metadata.get("is_error") for said in results] == [None, True, None]


def test_what_was_found_in_the_web_says_where():
    found = {
        "type": "tool_result",
        "tool_use_id": "t",
        "name": "web_search",
        "content": [
            {"type": "knowledge", "title": "T", "url": "https://x.example", "text": "body"},
            {"type": "image", "file_uuid": "f"},
        ],
    }
    result = session_of(message("assistant", "see", found)).messages[1]
    assert result.content == "T\nhttps://x.example\nbody"
    assert result.metadata["attachments"] == [{"type": "image", "file_uuid": "f"}]


def test_uploads_keep_their_text_apart_from_what_was_said():
    said = message_of(
        "human",
        "read this",
        attachments=[
            {"file_name": "a.txt", "file_size": 3, "file_type": "text/plain",
             "extracted_content": "abc"},
        ],
        files=[{"file_uuid": "f1", "file_name": "b.png", "file_kind": "image"}],
        files_v2=[{"file_uuid": "f1", "file_name": "b.png", "file_kind": "image"}],
    )  # fmt: skip
    assert said.content == "read this"
    assert said.metadata["attachments"] == [
        {"type": "file", "media_type": "text/plain", "name": "a.txt", "size": 3, "text": "abc"},
        {"type": "image", "name": "b.png", "pointer": "f1"},
    ]


def test_the_latency_is_from_the_first_block_to_the_last():
    first = text("a", start_timestamp="2026-03-01T10:00:00Z", stop_timestamp="2026-03-01T10:00:01Z")
    last = text("b", start_timestamp="2026-03-01T10:00:02Z", stop_timestamp="2026-03-01T10:00:04Z")
    assert message_of("assistant", first, last).latency_ms == 4000
    assert message_of("human", first, last).latency_ms is None
    assert message_of("assistant", "a").latency_ms is None


def test_what_nobody_reads_is_kept():
    said = message_of(
        "assistant",
        {"type": "token_budget", "remaining": 5},
        text("a", citations=[{"uuid": "u"}]),
        stop_reason="stop_sequence",
        truncated=False,
        sync_sources=[{"id": 1}],
        updated_at="2026-03-01T10:01:00Z",
    )
    assert said.finish_reason == "stop_sequence"
    assert said.metadata == {
        "other_blocks": [
            {"type": "token_budget", "remaining": 5},
            {"type": "text", "citations": [{"uuid": "u"}]},
        ],
        "updated_at": "2026-03-01T10:01:00+00:00",
        "extra": {"sync_sources": [{"id": 1}]},
    }


def test_bytes_are_never_kept():
    said = message_of("human", {"type": "image", "source": {"type": "base64", "data": "QUJD" * 99}})
    assert "QUJDQUJD" not in json.dumps(said.metadata)


def test_private_characters_stay_and_half_characters_go():
    assert message_of("human", "\ue203a\ud83d\x00").content == "\ue203a\ufffd\ufffd"


def test_an_unknown_sender_is_kept():
    said = message_of("narrator", "once upon a time")
    assert (said.role, said.metadata) == ("system", {"role": "narrator"})


# -- branches --------------------------------------------------------------------------------------


def branched(**more: Any) -> SessionRecord:
    def below(name: str, parent: str, minute: int, index: int) -> dict[str, Any]:
        time = f"2026-03-01T10:{minute:02}:00Z"
        return message(
            "human", name, uuid=name, parent_message_uuid=parent, created_at=time, index=index
        )

    return session_of(
        below("q", ROOT, 0, 0),
        below("old", "q", 1, 1),
        below("new", "q", 2, 2),
        below("edited", ROOT, 1, 3),
        **more,
    )


def test_the_last_message_by_index_ends_the_active_path():
    assert [said.content for said in active_in(branched())] == ["edited"]


def test_the_leaf_that_the_conversation_names_ends_the_active_path():
    session = branched(current_leaf_message_uuid="old")
    assert [said.content for said in active_in(session)] == ["q", "old"]
    assert parents_in(session) == {"edited": None, "q": None, "new": "q", "old": "q"}


def test_without_parents_messages_follow_one_another():
    session = session_of(*(message(uuid=name) for name in "abc"))
    assert parents_in(session) == {"a": None, "b": "a", "c": "b"}
    assert len(active_in(session)) == 3


def test_a_message_whose_parent_is_missing_follows_the_one_before():
    session = session_of(
        message(uuid="a", parent_message_uuid=ROOT),
        message(uuid="b", parent_message_uuid="a"),
        message(uuid="c", parent_message_uuid="gone"),
        message(uuid="d", parent_message_uuid="gone"),
        message(uuid="e"),
    )
    assert parents_in(session) == {"a": None, "b": "a", "c": "b", "d": "b", "e": "d"}


def test_circles_are_cut():
    session = session_of(
        message(uuid="a", parent_message_uuid="b"), message(uuid="b", parent_message_uuid="a")
    )
    assert sorted(parents_in(session)) == ["a", "b"]


def test_a_message_that_stands_twice_counts_once_and_another_of_its_id_is_rejected():
    rejected, session = read(conversation(message(), message(), message("human", "other")))
    assert rejected.reason == "human-1 is the id of another message"
    assert len(session.messages) == 1


def test_no_damage_raises():
    rich = conversation(
        message("human", "hi", attachments=[{"file_name": "a", "extracted_content": "b"}]),
        message(
            "assistant",
            {"type": "thinking", "thinking": "t", "summaries": [{"summary": "s"}]},
            {"type": "tool_use", "id": None, "name": "n", "input": {"a": [1]}},
            {"type": "tool_result", "name": "n", "content": [{"type": "text", "text": "x"}]},
            parent_message_uuid="human-1",
            files=[{"file_uuid": "f"}],
            index=1,
        ),
        project={"name": "P"},
    )
    assert chat_exports.survives(claude_ai, [rich, rich])


def test_what_is_nested_too_deep_is_rejected():
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    [rejected] = read(conversation(message("assistant", {"type": "other", "value": deep})))
    assert rejected.reason == "nested deeper than 64 levels"
