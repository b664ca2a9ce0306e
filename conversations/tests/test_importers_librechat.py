"""LibreChat exports become sessions: flat and nested, with branches, parts and tools."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import librechat
from conversations.importers.librechat.nesting import flattened
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

from . import chat_exports
from .chat_exports import active_in, parents_in, said_in

ROOT = "00000000-0000-0000-0000-000000000000"


def message(name: str, parent: str | None = ROOT, minute: int = 0, **more: Any) -> dict[str, Any]:
    """What the user says, or with `isCreatedByUser=False` somebody else."""
    return {
        "messageId": name,
        "parentMessageId": parent,
        "conversationId": "c1",
        "createdAt": f"2026-03-01T10:{minute:02}:00.000Z",
        "updatedAt": f"2026-03-01T10:{minute:02}:00.000Z",
        "endpoint": "openAI",
        "sender": "User",
        "isCreatedByUser": True,
        "text": name,
        "model": None,
        "error": False,
        "unfinished": False,
    } | more


def answer(name: str = "a", parent: str | None = "q", **more: Any) -> dict[str, Any]:
    return message(
        name, parent, **{"isCreatedByUser": False, "sender": "GPT-4", "model": "gpt-4o"} | more
    )


def conversation(*messages: Any, **more: Any) -> dict[str, Any]:
    return {
        "conversationId": "c1",
        "endpoint": "openAI",
        "title": "Kettle",
        "exportAt": "16:33:32 GMT+0200 (Central European Summer Time)",
        "branches": True,
        "recursive": False,
        "messages": list(messages),
    } | more


def session_of(*messages: Any, **more: Any) -> SessionRecord:
    return chat_exports.session_of(librechat, conversation(*messages, **more))


def answer_of(**more: Any) -> MessageRecord:
    return session_of(message("q"), answer(**more)).messages[1]


def parts_of(*parts: Any, **more: Any) -> list[MessageRecord]:
    return session_of(message("q"), answer(text="", content=list(parts), **more)).messages[1:]


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda c: c, lambda c: [c], lambda c: {"conversations": [c]}])
def test_a_conversation_comes_alone_in_a_list_or_wrapped(wrap):
    content = json.dumps(wrap(conversation(message("q")))).encode()
    assert librechat.recognises(content)
    [session] = chat_exports.read_bytes(librechat, content)
    assert session.external_id == "c1"


@pytest.mark.parametrize(
    "other",
    [
        {"sessionId": "s", "messages": [{"role": "user"}]},
        {"conversationId": "c", "messages": [{"role": "user", "content": "messageId"}]},
        [{"conversation_id": "c", "messages": [{"messageId": "m"}]}],
        {"conversationId": "c", "messages": {"messageId": "m"}},
    ],
)
def test_files_of_other_formats_are_left_alone(other):
    assert not librechat.recognises(json.dumps(other).encode())


def test_a_conversation_is_a_session():
    session = session_of(
        message("q"),
        answer(),
        options={
            "model": "gpt-4o",
            "promptPrefix": "Be brief.",
            "temperature": 1,
            "modelLabel": "",
        },
        iconURL="x",
    )
    assert (session.title, session.provider, session.model) == ("Kettle", "openai", "gpt-4o")
    assert session.system_prompt == "Be brief."
    assert session.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert session.metadata == {
        "endpoint": "openAI",
        "options": {"model": "gpt-4o", "temperature": 1},
        "extra": {"iconURL": "x"},
    }


def test_an_empty_conversation_is_skipped():
    [skipped] = chat_exports.read(librechat, conversation())
    assert skipped == Skipped("export.json, record 1", "a conversation without messages")


def test_a_bad_message_does_not_lose_the_others():
    rejected, session = chat_exports.read(
        librechat, conversation(message("q"), message("bad", "q", text=5), answer("a", "bad"))
    )
    assert rejected == Rejected("export.json, record 1, message 2", "text is a number, not text")
    assert parents_in(session) == {"q": None, "a": "q"}


# -- messages --------------------------------------------------------------------------------------


def test_who_speaks_is_a_flag_and_not_the_name():
    session = session_of(message("q", sender="assistant"), answer(sender="User"))
    assert said_in(session) == [("user", "q"), ("assistant", "a")]
    assert session.messages[0].metadata["name"] == "assistant"


def test_without_the_flag_the_name_tells():
    session = session_of(message("q", isCreatedByUser=None), answer(isCreatedByUser=None))
    assert [said.role for said in session.messages] == ["user", "assistant"]


def test_the_count_of_an_answer_is_an_estimate_of_its_output():
    said = answer_of(tokenCount=78)
    assert (said.input_tokens, said.output_tokens) == (None, 78)
    assert said.metadata["tokens_are_estimated"] is True


def test_other_counts_are_nobodys_input():
    session = session_of(message("q", tokenCount=9), answer(promptTokens=586))
    asked, said = session.messages
    assert [said.input_tokens, said.output_tokens, asked.input_tokens, asked.output_tokens] == (
        [None] * 4
    )
    assert asked.metadata["extra"] == {"tokenCount": 9}
    assert said.metadata["extra"] == {"promptTokens": 586}


def test_an_answer_without_a_model_has_that_of_the_options():
    session = session_of(message("q"), answer(model=None), options={"model": "gpt-4-turbo"})
    assert [said.model for said in session.messages] == ["", "gpt-4-turbo"]


def test_providers_go_by_the_endpoint_of_the_answer():
    assert answer_of(endpoint="anthropic").provider == "anthropic"
    assert answer_of(endpoint="My own proxy").provider == ""
    assert answer_of(endpoint=None).provider == "openai"


def test_errors_and_breaks_are_flagged():
    said = answer_of(error=True, text="quota", unfinished=True, finish_reason="incomplete")
    assert (said.error_message, said.finish_reason) == ("quota", "incomplete")
    assert said.metadata["is_unfinished"] is True


def test_parts_are_read_where_the_text_is_empty():
    [said] = parts_of(
        {"type": "think", "think": "hmm"},
        {"type": "text", "text": "one"},
        None,
        {"type": "text", "text": {"value": "two"}},
        {"type": "agent_update", "agent_update": {"agentId": "x"}},
        {"type": "image_file", "image_file": {"file_id": "f", "filename": "a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
    )
    assert said.content == "one\n\ntwo"
    assert said.metadata["thinking"] == ["hmm"]
    assert said.metadata["other_blocks"] == [
        {"type": "agent_update", "agent_update": {"agentId": "x"}}
    ]
    file, inline = said.metadata["attachments"]
    assert file == {"type": "image", "name": "a.png", "pointer": "f"}
    assert (inline["type"], inline["media_type"], inline["size"]) == ("image", "image/png", 3)


def test_a_call_and_its_output():
    said, result = parts_of(
        {
            "type": "tool_call",
            "tool_call": {
                "id": "t1", "name": "search", "args": '{"q": "kettle"}', "output": "found",
                "type": "tool_call", "progress": 1, "expires_at": 5,
            },
        }
    )  # fmt: skip
    assert said.content_type == "tool_call"
    assert said.tool_calls == [{"id": "t1", "name": "search", "arguments": {"q": "kettle"}}]
    assert said.metadata["other_blocks"] == [{"type": "tool_call", "id": "t1", "expires_at": 5}]
    assert (result.role, result.content) == ("tool", "found")
    assert result.metadata == {"tool_call_ids": ["t1"], "name": "search"}


def test_calls_of_the_assistants_api():
    said, code, function = parts_of(
        {
            "type": "tool_call",
            "tool_call": {
                "id": "t1", "type": "code_interpreter",
                "code_interpreter": {"input": "1+1", "outputs": [{"logs": "2"}]},
            },
        },
        {
            "type": "tool_call",
            "tool_call": {
                "id": "t2", "type": "function",
                "function": {"name": "f", "arguments": "{}", "output": "ok"},
            },
        },
    )  # fmt: skip
    assert said.tool_calls == [
        {"id": "t1", "name": "code_interpreter", "arguments": "1+1"},
        {"id": "t2", "name": "f", "arguments": {}},
    ]
    assert (code.content, function.content) == ('[{"logs":"2"}]', "ok")


def test_an_error_part_is_the_error():
    [said] = parts_of({"type": "error", "error": "overloaded"})
    assert said.error_message == "overloaded"


def test_uploads_are_attachments_and_their_text_stays_apart():
    file = {
        "file_id": "f", "filename": "a.pdf", "type": "application/pdf", "bytes": 9,
        "filepath": "/uploads/a.pdf", "text": "inside", "user": "u",
    }  # fmt: skip
    said = session_of(message("q", files=[file])).messages[0]
    assert said.metadata["attachments"] == [
        {
            "type": "file", "media_type": "application/pdf", "name": "a.pdf", "size": 9,
            "text": "inside", "pointer": "/uploads/a.pdf",
        }
    ]  # fmt: skip


# -- branches --------------------------------------------------------------------------------------


def test_the_newest_leaf_ends_the_active_path_and_there_may_be_several_roots():
    session = session_of(
        message("q"),
        answer("old", "q", minute=1),
        answer("new", "q", minute=2),
        message("edited", minute=3),
        answer("last", "edited", minute=4),
    )
    assert [said.content for said in active_in(session)] == ["edited", "last"]
    assert parents_in(session) == {
        "q": None,
        "old": "q",
        "new": "q",
        "edited": None,
        "last": "edited",
    }


def nested(depth: int, **more: Any) -> str:
    """A conversation in which every message stands in the one before it."""
    text = "[]"
    for number in reversed(range(depth)):
        parent = f"m{number - 1}" if number else ROOT
        said = json.dumps(message(f"m{number}", parent, isCreatedByUser=number % 2 == 0, **more))
        text = f'[{said[:-1]}, "children": {text}}}]'
    return json.dumps(conversation(messages=None))[:-1].replace('"messages": null', "") + (
        f'"messages": {text}}}'
    )


@pytest.mark.parametrize("depth", [1, 40, 3_000])
def test_nested_messages_are_read_however_deep(depth):
    [session] = chat_exports.read_bytes(librechat, nested(depth, text="\ud83d").encode())
    assert len(session.messages) == depth
    assert session.messages[-1].parent_key == (f"c1/m{depth - 2}" if depth > 1 else None)


def test_a_tree_without_its_root_has_several_roots():
    tree = [message("a", "gone", children=[message("b", "a")]), message("c", "gone", children=[])]
    session = session_of(messages=None, messagesTree=tree, recursive=True)
    assert parents_in(session) == {"a": None, "b": "a", "c": None}


def test_branches_stay_when_nested_messages_are_laid_out_flat():
    tree = [
        message("a", children=[message("b", "a", children=[message("d", "b")]), message("c", "a")]),
        message("e", children=[]),
    ]
    flat = json.loads(flattened(json.dumps(conversation(*tree))))
    assert [(m["messageId"], m.get("children")) for m in flat["messages"]] == [
        ("a", []),
        ("b", []),
        ("d", None),
        ("c", None),
        ("e", []),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"messages": [{"content": [{"children": [{"x": 1}]}], "a": "\\"children\\": ["}]}',
        '{"options": {"children": [{"a": 1}]}, "messages": [{"text": "}]"}]}',
        '{"messages": [{"children": [{"a": 1}]',
        '{"messages": [{"children": [{"a": 1]}]}',
        '"children": [}',
        "",
    ],
)
def test_what_only_looks_like_nested_messages_stays_as_it_is(text):
    assert flattened(text) == text


def test_messages_that_name_no_parent_follow_one_another():
    session = session_of(message("a", None), answer("b", None))
    assert parents_in(session) == {"a": None, "b": "a"}


def test_no_damage_raises():
    call = {"id": "t", "name": "n", "args": "{}", "output": "o", "function": {"name": "f"}}
    rich = conversation(
        message("q", files=[{"file_id": "f", "type": "image/png", "bytes": 4}]),
        answer(
            content=[
                {"type": "text", "text": {"value": "x"}},
                {"type": "think", "think": "y"},
                {"type": "tool_call", "tool_call": call},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ],
            children=[message("n", "a", children=[])],
            tokenCount=4,
        ),
        options={"model": "m", "promptPrefix": "p"},
    )
    assert chat_exports.survives(librechat, rich)
