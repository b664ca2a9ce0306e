"""ChatGPT exports become sessions: the tree, its branches, every kind of content."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime
from typing import IO, Any

import pytest

from conversations.importers import chatgpt
from conversations.importers.reading import json_values
from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

START = 1_760_000_000.5


def message(role: str = "user", content: Any = "hello", **more: Any) -> dict[str, Any]:
    """A message; `content` is its text or the whole content, `metadata` and others as given."""
    if isinstance(content, str):
        content = {"content_type": "text", "parts": [content]}
    return {
        "id": "m",
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": START,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "end_turn": None,
        "weight": 1.0,
        "metadata": {},
        "recipient": "all",
        "channel": None,
    } | more


def chain(*messages: dict[str, Any] | None) -> dict[str, Any]:
    """A mapping of nodes n0, n1, … one below the other."""
    return {
        f"n{place}": {
            "id": f"n{place}",
            "message": said,
            "parent": f"n{place - 1}" if place else None,
            "children": [f"n{place + 1}"] if place + 1 < len(messages) else [],
        }
        for place, said in enumerate(messages)
    }


def tree(links: dict[str, list[str]], **times: float) -> dict[str, Any]:
    """A mapping of nodes by their children, each saying its own name."""
    parents = {child: parent for parent, children in links.items() for child in children}
    names = dict.fromkeys([*links, *parents])
    return {
        name: {
            "id": name,
            "message": message(content=name, create_time=times.get(name)),
            "parent": parents.get(name),
            "children": links.get(name, []),
        }
        for name in names
    }


def conversation(mapping: Any, **more: Any) -> dict[str, Any]:
    return {
        "title": "Kettle",
        "create_time": START,
        "update_time": START + 60,
        "mapping": mapping,
        "current_node": list(mapping)[-1] if isinstance(mapping, dict) and mapping else None,
        "conversation_id": "c1",
        "id": "c1",
        "default_model_slug": "gpt-4o",
    } | more


def read_bytes(content: bytes) -> list[Any]:
    return list(chatgpt.read([MemoryFile("conversations.json", content)]))


def read(*conversations: Any) -> list[Any]:
    return read_bytes(json.dumps(list(conversations)).encode())


def session_of(mapping: Any, **more: Any) -> SessionRecord:
    [session] = read(conversation(mapping, **more))
    assert isinstance(session, SessionRecord), session
    return session


def messages_of(*messages: dict[str, Any] | None) -> list[MessageRecord]:
    return session_of(chain(*messages)).messages


def message_of(*args: Any, **more: Any) -> MessageRecord:
    [only] = messages_of(message(*args, **more))
    return only


# -- conversations ---------------------------------------------------------------------------------


def test_a_conversation_is_a_session():
    session = session_of(
        chain(None, message(), message("assistant", "hi", metadata={"model_slug": "gpt-4o-mini"})),
        gizmo_id="g-p-7",
        is_archived=False,
        voice=None,
        plugin_ids=[],
        memory_scope="global",
    )
    assert session.external_id == "c1"
    assert session.place == "conversations.json, record 1"
    assert session.title == "Kettle"
    assert session.project == "g-p-7"
    assert session.started_at == datetime.fromtimestamp(START, UTC)
    assert session.completed_at is None
    assert (session.provider, session.model) == ("openai", "gpt-4o")
    assert session.metadata == {
        "nodes": 3,
        "updated_at": "2025-10-09T08:54:20.500000+00:00",
        "extra": {"is_archived": False, "memory_scope": "global"},
    }
    assert [said.key for said in session.messages] == ["c1/n1", "c1/n2"]
    assert [said.parent_key for said in session.messages] == [None, "c1/n1"]


def test_old_exports_have_only_an_id():
    whole = conversation(chain(message()))
    del whole["conversation_id"]
    assert read(whole)[0].external_id == "c1"


def test_without_any_id_the_first_message_names_the_conversation():
    session = session_of(chain(None, message(), message()), id=None, conversation_id=None)
    assert session.external_id == "n1"
    assert session.messages[0].key == "n1/n1"


@pytest.mark.parametrize("default", [None, "auto", ""])
def test_without_a_default_model_the_one_most_used_is_that_of_the_session(default):
    slugs = ["o1", "gpt-4o", "gpt-4o", "auto"]
    said = [message("assistant", "x", metadata={"model_slug": slug}) for slug in slugs]
    session = session_of(chain(*said), default_model_slug=default)
    assert session.model == "gpt-4o"
    assert [one.model for one in session.messages] == ["o1", "gpt-4o", "gpt-4o", ""]


def test_an_answer_without_a_model_is_of_the_default_one():
    asked, said = messages_of(message(), message("assistant", "x"))
    assert (said.model, said.provider) == ("gpt-4o", "openai")
    assert (asked.model, asked.provider) == ("", "")
    assert said.input_tokens is said.output_tokens is said.cost is None


def test_an_instruction_is_the_system_prompt():
    session = session_of(chain(message("system", ""), message("system", "Be brief."), message()))
    assert session.system_prompt == "Be brief."


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one: one,
        lambda one: [one],
        lambda one: {"conversations": [one]},
        lambda one: {"user": {"id": 1}, "conversations": [one], "more": [1, {"mapping": {}}]},
    ],
)
def test_a_conversation_is_found_however_it_is_wrapped(wrap):
    content = json.dumps(wrap(conversation(chain(message()))), indent=1).encode()
    assert chatgpt.recognises(content)
    [session] = read_bytes(content)
    assert session.external_id == "c1"


def test_a_conversation_without_messages_is_skipped():
    assert read(conversation(chain(None)), conversation({})) == [
        Skipped("conversations.json, record 1", "a conversation without messages"),
        Skipped("conversations.json, record 2", "a conversation without messages"),
    ]


def test_all_parts_of_an_export_are_read():
    parts = [
        MemoryFile(
            f"conversations-00{number}.json",
            json.dumps([conversation(chain(message()), conversation_id=f"c{number}")]).encode(),
        )
        for number in range(3)
    ]
    assert [session.external_id for session in chatgpt.read(parts)] == ["c0", "c1", "c2"]


# -- the tree --------------------------------------------------------------------------------------

BRANCHES = {"root": ["a"], "a": ["b", "c", "d"], "b": ["b1"], "c": ["c1"], "d": ["d1"]}


def test_what_was_discarded_stands_before_what_replaced_it():
    messages = session_of(tree(BRANCHES), current_node="c1").messages
    assert [said.content for said in messages] == ["root", "a", "b", "b1", "d", "d1", "c", "c1"]
    assert [said.content for said in messages if said.is_active_path] == ["root", "a", "c", "c1"]


def test_the_order_of_the_keys_means_nothing():
    mapping = tree(BRANCHES)
    backwards = dict(reversed(mapping.items()))
    assert (
        session_of(mapping, current_node="c1").messages
        == session_of(backwards, current_node="c1").messages
    )


@pytest.mark.parametrize("current", [None, "gone", ""])
def test_without_a_current_node_the_path_ends_at_the_leaf_said_last(current):
    times = {"b1": START, "c1": START + 5, "d1": START + 3}
    messages = session_of(tree(BRANCHES, **times), current_node=current).messages
    assert [said.content for said in messages if said.is_active_path] == ["root", "a", "c", "c1"]


def test_of_leaves_said_at_the_same_time_the_deepest_ends_the_path():
    messages = session_of(tree({"a": ["b", "c"], "c": ["d"]}), current_node=None).messages
    assert [said.content for said in messages if said.is_active_path] == ["a", "c", "d"]


def test_a_message_hangs_on_the_nearest_message_above_it():
    messages = messages_of(message(content="a"), None, None, message(content="b"))
    assert messages[1].parent_key == "c1/n0"


def test_links_of_one_direction_are_enough():
    mapping = tree(BRANCHES)
    for node in mapping.values():
        node["children"] = []
    upwards = session_of(mapping, current_node="c1").messages
    mapping = tree(BRANCHES)
    for node in mapping.values():
        node["parent"] = None
    downwards = session_of(mapping, current_node="c1").messages
    assert upwards == downwards == session_of(tree(BRANCHES), current_node="c1").messages


@pytest.mark.parametrize(
    "links",
    [
        {"a": ["b"], "b": ["a"]},
        {"a": ["a"]},
        {"a": ["b"], "b": ["c"], "c": ["b"]},
        {"a": ["gone"], "b": ["a", "a"]},
    ],
)
def test_a_circle_of_parents_is_cut(links):
    mapping = tree(links)
    mapping.pop("gone", None)
    for current in (None, *mapping):
        session = session_of(mapping, current_node=current)
        assert {said.content for said in session.messages} == set(mapping)
        parents = {said.key: said.parent_key for said in session.messages}
        for key in parents:
            for _ in parents:
                key = parents[key] if key else None
            assert key is None


def test_a_long_conversation_is_walked_without_recursion():
    messages = messages_of(*(message(content=str(number)) for number in range(5000)))
    assert [said.content for said in messages] == [str(number) for number in range(5000)]


def test_a_time_that_is_missing_is_that_of_the_nearest_neighbour():
    times = [None, None, START, None, None, START + 60, None]
    messages = messages_of(*(message(create_time=time) for time in times))
    seconds = [said.timestamp.timestamp() - START for said in messages]
    assert seconds == [0, 0, 0, 0, 60, 60, 60]
    assert [said.metadata.get("time_is_inherited", False) for said in messages] == [
        time is None for time in times
    ]


def test_without_any_time_there_is_none():
    session = session_of(chain(message(create_time=None), message(create_time=0)), create_time=None)
    assert session.started_at is None
    assert [said.timestamp for said in session.messages] == [None, None]


def test_times_may_be_whole_numbers_or_text():
    said = messages_of(message(create_time=1_760_000_000), message(create_time="1760000000.25"))
    assert [one.timestamp.timestamp() for one in said] == [1_760_000_000, 1_760_000_000.25]


# -- messages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_an_empty_message_is_kept_and_hidden(role):
    empty, full = messages_of(message(role, ""), message(role, "x"))
    assert (empty.role, empty.is_hidden) == (role, True)
    assert not full.is_hidden


@pytest.mark.parametrize(
    "more",
    [
        {"weight": 0.0},
        {"weight": 0},
        {"metadata": {"is_visually_hidden_from_conversation": True}},
    ],
)
def test_what_the_product_does_not_show_is_hidden(more):
    assert message_of("assistant", "spinner", **more).is_hidden


def test_a_role_that_nobody_knows_is_hidden_in_none():
    said = message_of("critic", "weak")
    assert (said.role, said.metadata["role"]) == ("system", "critic")


def test_parts_may_mix_text_and_pictures():
    parts = [
        {
            "content_type": "image_asset_pointer",
            "asset_pointer": "sediment://file_1",
            "width": 8,
            "height": 9,
            "size_bytes": 10,
            "metadata": {"dalle": {"prompt": "a kettle"}},
        },
        "what is",
        {"content_type": "audio_transcription", "text": "this thing", "direction": "in"},
        {
            "content_type": "real_time_user_audio_video_asset_pointer",
            "audio_asset_pointer": {
                "content_type": "audio_asset_pointer",
                "asset_pointer": "sediment://file_2",
                "format": "wav",
            },
        },
        {"content_type": "hologram", "depth": 3},
    ]
    said = message_of(content={"content_type": "multimodal_text", "parts": parts})
    assert said.content_type == "text"
    assert said.content == "what is\n\nthis thing"
    assert said.metadata["attachments"] == [
        {
            "type": "image",
            "pointer": "sediment://file_1",
            "size": 10,
            "width": 8,
            "height": 9,
            "prompt": "a kettle",
        },
        {"type": "audio", "pointer": "sediment://file_2", "format": "wav"},
    ]
    assert said.metadata["parts"] == [{"content_type": "hologram", "depth": 3}]


def test_a_message_of_pictures_alone_is_shown():
    parts = [{"content_type": "image_asset_pointer", "asset_pointer": "file-service://1"}]
    assert not message_of(content={"content_type": "multimodal_text", "parts": parts}).is_hidden


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ({"content_type": "code", "text": "1+1", "language": "python"}, "code", "1+1"),
        ({"content_type": "execution_output", "text": "2"}, "tool_result", "2"),
        ({"content_type": "tether_browsing_display", "result": "r", "summary": "s"},
         "tool_result", "r"),
        ({"content_type": "tether_browsing_display", "result": "", "summary": "s"},
         "tool_result", "s"),
        ({"content_type": "tether_quote", "text": "q", "url": "u"}, "tool_result", "q"),
        ({"content_type": "sonic_webpage", "text": "w", "snippet": "x"}, "tool_result", "w"),
        ({"content_type": "citable_code_output", "output_str": "o"}, "tool_result", "o"),
        ({"content_type": "thoughts", "thoughts": [
            {"summary": "Plan", "content": "boil"}, {"summary": "", "content": "pour"},
        ]}, "thinking", "Plan\nboil\n\npour"),
        ({"content_type": "thoughts", "parts": ["older"]}, "thinking", "older"),
        ({"content_type": "app_pairing_content", "workspaces": [1]}, "context",
         '{"workspaces": [1]}'),
        ({"content_type": "text"}, "text", ""),
        ({}, "text", ""),
        (None, "text", ""),
    ],
)  # fmt: skip
def test_each_kind_of_content_is_read(content, kind, text):
    said = message_of("assistant", content)
    assert (said.content_type, said.content) == (kind, text)


def test_content_that_nobody_knows_is_kept_as_json():
    content = {"content_type": "smell", "notes": ["tea"]}
    said = message_of("assistant", content)
    assert said.content_type == "event"
    assert json.loads(said.content) == content


def test_what_no_rule_reads_of_a_content_is_kept():
    content = {"content_type": "tether_quote", "text": "q", "url": "u", "title": "", "domain": None}
    assert message_of("tool", content).metadata["content"] == {"url": "u"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"content_type": "user_editable_context", "user_profile": "I brew.",
          "user_instructions": "Be brief."}, "I brew.\n\nBe brief."),
        ({"content_type": "model_editable_context", "model_set_context": "brews"}, "brews"),
        ({"content_type": "model_editable_context", "model_set_context": ""}, ""),
    ],
)  # fmt: skip
def test_what_the_product_knows_about_the_user_is_hidden_context(content, text):
    said = message_of("user", content)
    assert (said.content_type, said.content, said.is_hidden) == ("context", text, True)


def test_custom_instructions_of_old_exports_are_found():
    about = {"about_user_message": "I brew.", "about_model_message": "Be brief."}
    facts = {"is_user_system_message": True, "user_context_message_data": about}
    said = message_of("system", "", metadata=facts)
    assert (said.content_type, said.is_hidden) == ("context", True)
    assert said.content == "I brew.\n\nBe brief."


def test_an_error_of_the_product_is_a_failed_tool_result():
    content = {"content_type": "system_error", "name": "Timeout", "text": "too slow"}
    said = message_of("tool", content)
    assert (said.content_type, said.error_message) == ("tool_result", "Timeout: too slow")


def test_a_screenshot_is_an_attachment():
    shot = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://s"}
    content = {"content_type": "computer_output", "screenshot": shot, "state": {"url": "u"}}
    said = message_of("tool", content)
    assert said.metadata["attachments"] == [{"type": "image", "pointer": "file-service://s"}]
    assert said.metadata["content"] == {"state": {"url": "u"}}


def test_thinking_took_the_time_that_the_recap_says():
    content = {"content_type": "reasoning_recap", "content": "Thought for 6s"}
    said = message_of("assistant", content, metadata={"finished_duration_sec": 6})
    assert (said.content_type, said.content, said.latency_ms) == (
        "thinking", "Thought for 6s", 6000,
    )  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        {"content_type": "code", "text": '{"q": "tea"}', "language": "unknown"},
        {"content_type": "text", "parts": ['{"q": "tea"}']},
    ],
)
def test_what_is_said_to_a_tool_is_a_call_and_what_it_says_the_result(content):
    _, call, answered, talk = messages_of(
        message(),
        message("assistant", content, recipient="browser.search"),
        message(
            "tool", "found", author={"role": "tool", "name": "browser.search", "metadata": {"x": 1}}
        ),
        message("assistant", "here you are"),
    )
    assert call.content_type == "tool_call"
    assert call.tool_calls == [{"id": "n1", "name": "browser.search", "arguments": '{"q": "tea"}'}]
    assert call.metadata["recipient"] == "browser.search"
    assert answered.content_type == "tool_result"
    assert answered.metadata["tool_call_ids"] == ["n1"]
    assert answered.metadata["author_name"] == "browser.search"
    assert answered.metadata["author"] == {"x": 1}
    assert (talk.content_type, talk.tool_calls) == ("text", None)


def test_a_tool_that_speaks_in_a_later_turn_answers_no_earlier_call():
    messages = messages_of(
        message("assistant", "q", recipient="bio"), message(), message("tool", "unasked")
    )
    assert "tool_call_ids" not in messages[2].metadata


def test_what_hangs_on_a_message_is_kept():
    picture = base64.b64encode(b"not really a picture" * 10).decode()
    facts = {
        "attachments": [{"id": "file-1", "name": "tea.pdf", "mime_type": "application/pdf"}],
        "aggregate_result": {
            "messages": [{"message_type": "image", "image_url": "file-service://2"}],
            "jupyter_messages": [{"content": {"data": {"image/png": picture}}}],
        },
        "citations": [{"start_ix": 1}],
        "content_references": [],
        "finish_details": {"type": "max_tokens"},
        "preview": f"data:image/png;base64,{picture}",
        "pad": "AAAA",
        "request_id": "r1",
    }
    said = message_of("assistant", "x", metadata=facts, status="in_progress", channel="final")
    assert said.finish_reason == "max_tokens"
    assert [one["type"] for one in said.metadata["attachments"]] == ["file", "image"]
    assert said.metadata["citations"] == [{"start_ix": 1}]
    assert said.metadata["status"] == "in_progress"
    assert said.metadata["channel"] == "final"
    extra = said.metadata["extra"]
    assert extra["request_id"] == "r1"
    assert extra["preview"]["size"] == 200
    assert "content_references" not in said.metadata
    assert "pad" not in extra
    assert picture not in repr(said)


def test_unknown_fields_are_kept_wherever_they_stand():
    mapping = chain(message(mood="calm"))
    mapping["n0"]["shade"] = "green"
    [said] = session_of(mapping).messages
    assert said.metadata["extra"] == {"mood": "calm", "shade": "green"}


# -- broken files ----------------------------------------------------------------------------------


BROKEN_CONVERSATION = [
    {"mapping": []},
    {"mapping": 3},
    {"title": 7},
    {"create_time": [1]},
    {"update_time": {}},
    {"create_time": True},
    {"current_node": ["n0"]},
    {"conversation_id": 7},
    {"default_model_slug": {}},
    {"gizmo_id": 7},
]


@pytest.mark.parametrize(
    "bad",
    [7, "text", [], {}, {"conversation_id": "c"}]
    + [conversation(chain(message())) | wrong for wrong in BROKEN_CONVERSATION],
)
def test_a_value_of_the_wrong_type_rejects_its_conversation_only(bad):
    before, rejected, after = read(
        conversation(chain(message())), bad, conversation(chain(message()), conversation_id="c3")
    )
    assert isinstance(rejected, Rejected)
    assert rejected.place == "conversations.json, record 2"
    assert [before.external_id, after.external_id] == ["c1", "c3"]


@pytest.mark.parametrize(
    "bad",
    [
        7,
        {"message": 7},
        {"parent": ["n0"]},
        {"children": "n2"},
        {"message": message(author=7)},
        {"message": message(author={"role": 7})},
        {"message": message(content=7)},
        {"message": message(content={"content_type": 7})},
        {"message": message(content={"content_type": "text", "parts": "x"})},
        {"message": message(content={"content_type": "text", "parts": [7]})},
        {"message": message(content={"content_type": "thoughts", "thoughts": [7]})},
        {"message": message(create_time=[])},
        {"message": message(metadata=[])},
        {"message": message(metadata={"finish_details": "stop"})},
        {"message": message("assistant", metadata={"model_slug": 4})},
        {"message": message(recipient=4)},
        {"message": message(status=4)},
    ],
)
def test_a_value_of_the_wrong_type_in_a_message_rejects_that_message_only(bad):
    mapping = chain(message(content="a"), message(content="b"), message(content="c"))
    mapping["n1"] = mapping["n1"] | bad if isinstance(bad, dict) else bad
    rejected, session = read(conversation(mapping))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "conversations.json, record 1, node n1"
    assert [said.content for said in session.messages] == ["a", "c"]


def as_file(*conversations: Any) -> bytes:
    return json.dumps(list(conversations)).encode()


def test_text_that_cannot_be_stored_is_cleaned():
    content = as_file(conversation(chain(message(content="@"))), conversation(chain(message())))
    for escape, text in {
        b"\\ud83d": "�",
        b"\\ud83dA": "�A",
        b"\\ude00": "�",
        b"\\ud83d\\ude00": "\N{GRINNING FACE}",
        b"\\u0000": "�",
        b"\xff": "�",
        b"\\\\ud83d": "\\ud83d",
    }.items():
        first, second = read_bytes(content.replace(b"@", escape))
        assert first.messages[0].content == text
        assert second.messages[0].content == "hello"


def test_a_byte_order_mark_does_no_harm():
    content = b"\xef\xbb\xbf" + as_file(conversation(chain(message())))
    assert chatgpt.recognises(content)
    assert len(read_bytes(content)) == 1


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_json_does_not_know_reject_their_conversation_only(number):
    content = as_file(conversation(chain(message()), x="@"), conversation(chain(message())))
    rejected, session = read_bytes(content.replace(b'"@"', number))
    assert rejected.place == "conversations.json, record 1"
    assert number.decode() in rejected.reason
    assert isinstance(session, SessionRecord)


@pytest.mark.parametrize("number", [b"9" * 30, b"9" * 5000, b"1e999", b"-1e999999999999"])
def test_numbers_that_cannot_be_stored_are_kept_as_text(number):
    content = as_file(conversation(chain(message()), x="@"))
    [session] = read_bytes(content.replace(b'"@"', number))
    assert session.metadata["extra"]["x"] == number.decode()


def test_nesting_is_refused_beyond_its_limit():
    content = as_file(conversation(chain(message()), x="@"), conversation(chain(message())))
    deep = {levels: b"[" * levels + b"]" * levels for levels in (60, 100, 100_000)}
    assert len(read_bytes(content.replace(b'"@"', deep[60]))) == 2
    rejected, session = read_bytes(content.replace(b'"@"', deep[100]))
    assert rejected == Rejected("conversations.json, record 1", "nested deeper than 64 levels")
    assert isinstance(session, SessionRecord)
    [rejected] = read_bytes(content.replace(b'"@"', deep[100_000]))
    assert rejected.place == "conversations.json, record 1"
    assert "nested deeper than 64 levels" in rejected.reason


def test_a_file_cut_anywhere_keeps_the_whole_conversations_before_the_cut():
    content = as_file(*(conversation(chain(message()), id=None) for _ in range(3)))
    ends = [place for place in range(len(content)) if content.startswith(b"}, {", place)]
    for cut in range(1, len(content) - 1, 7):
        *sessions, rejected = read_bytes(content[:cut])
        assert isinstance(rejected, Rejected)
        assert rejected.place == f"conversations.json, record {len(sessions) + 1}"
        assert "not JSON from character" in rejected.reason
        assert all(isinstance(session, SessionRecord) for session in sessions)
        assert len(sessions) <= 3
    assert ends


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"", 0),
        (b"  \n ", 0),
        (b"7", 0),
        (b"[@,]", 1),
        (b"[@ @]", 1),
        (b"[@]x", 1),
        (b"[@}", 1),
        (b"[,@]", 0),
        (b'{"conversations":[@],}', 1),
        (b'{"conversations":[@] "x":1}', 1),
        (b'{"conversations" [@]}', 0),
        (b"{conversations:[@]}", 0),
        (b'{"mapping":{}', 0),
    ],
)
def test_json_that_breaks_is_rejected_where_it_breaks(content, whole):
    one = json.dumps(conversation(chain(message()))).encode()
    *sessions, rejected = read_bytes(content.replace(b"@", one)) or [None]
    assert len(sessions) == whole
    assert rejected is None or isinstance(rejected, Rejected)
    assert (rejected is None) == (not content.strip())


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_it_does_not_matter_where_a_chunk_ends(monkeypatch, chunk):
    monkeypatch.setattr(json_values, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(json_values, "LONGEST_CHUNK_BYTES", chunk)
    said = "tea \N{GRINNING FACE} “quoted” \\ \n 12"
    whole = {"n": [12, -1.5e3, True, False, None, "", {}], "conversations": [
        conversation(chain(message(content=said)), x=-12.25), conversation(chain(message()), x=1),
    ]}  # fmt: skip
    for ascii in (True, False):
        first, second = read_bytes(json.dumps(whole, ensure_ascii=ascii).encode())
        assert first.messages[0].content == said
        assert first.metadata["extra"] == {"x": -12.25}
        assert second.metadata["extra"] == {"x": 1}


def test_one_conversation_at_a_time_is_held():
    class Endless(io.RawIOBase):
        """A list of conversations that never ends."""

        def __init__(self) -> None:
            self.given = b"["

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            if not self.given:
                self.given = json.dumps(conversation(chain(message()))).encode() + b","
            piece, self.given = self.given[: len(buffer)], self.given[len(buffer) :]
            buffer[: len(piece)] = piece
            return len(piece)

    class EndlessFile(MemoryFile):
        def open(self, *, counted: bool = True) -> IO[bytes]:
            return io.BufferedReader(Endless())

    sessions = chatgpt.read([EndlessFile("endless.json", b"")])
    assert [next(sessions).external_id for _ in range(5000)] == ["c1"] * 5000


def test_a_value_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(json_values, "MAX_VALUE_CHARACTERS", 100_000)
    monkeypatch.setattr(json_values, "CHUNK_BYTES", 10_000)
    content = as_file(conversation(chain(message(content="x" * 300_000))))
    [rejected] = read_bytes(content)
    assert "longer than" in rejected.reason


def test_a_value_of_too_many_parts_is_refused(monkeypatch):
    monkeypatch.setattr(json_values, "MAX_VALUES", 10_000)
    monkeypatch.setattr(json_values, "CHUNK_BYTES", 10_000)
    [rejected] = read_bytes(as_file(conversation(chain(message()), x=[[]] * 30_000)))
    assert "more than" in rejected.reason


# -- recognition -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"hello",
        b'{"mapping":7}',
        b'{"mapping":{"properties":{"type":"keyword"}}}',
        b'[{"name":"x","chat_messages":[{"mapping":{}}]}]',
        b'{"items":[{"mapping":{"n":{"id":"n"}}}]}',
        b'{"text":"\\"mapping\\":{',
        b'{"sessionId":"s","parentUuid":null}',
    ],
)
def test_other_files_are_not_taken_for_exports(content):
    assert not chatgpt.recognises(content)


def test_an_export_is_recognised_by_its_first_bytes():
    content = as_file(conversation(chain(message(content="x" * 100_000))))
    assert chatgpt.recognises(content[: 64 * 1024])
