"""ShareGPT data sets become sessions."""

from __future__ import annotations

import json

import pytest

from conversations.importers import message_lists, sharegpt
from conversations.importers.records import Rejected, SessionRecord

from .datasets import as_lines, read_bytes, read_rows, said, session_of, survives_damage

ASK = {"from": "human", "value": "What is a gnomon?"}
ANSWER = {"from": "gpt", "value": "The part of a sundial that casts the shadow."}


@pytest.mark.parametrize(
    "turns",
    [
        [ASK, ANSWER],
        [{"role": "user", "value": ASK["value"]}, {"role": "assistant", "value": ANSWER["value"]}],
        [{"from": "user", "content": ASK["value"]}, {"from": "bard", "content": ANSWER["value"]}],
    ],
)
@pytest.mark.parametrize("key", ["conversations", "conversation"])
def test_turns_are_read_in_every_spelling(key, turns):
    session = session_of(sharegpt, {key: turns, "model": "vicuna-13b"})
    assert said(session) == [("user", ASK["value"]), ("assistant", ANSWER["value"])]
    assert session.title == ASK["value"]
    assert (session.model, session.messages[1].model) == ("vicuna-13b", "vicuna-13b")


def test_a_file_may_be_one_conversation():
    for value in ({"conversations": [ASK, ANSWER]}, [ASK, ANSWER]):
        content = json.dumps(value, indent=2).encode()
        assert sharegpt.recognises(content)
        [session] = read_bytes(sharegpt, content)
        assert len(session.messages) == 2


def test_the_system_prompt_and_the_tools_stand_beside_the_turns():
    row = {"conversations": [ASK, ANSWER], "system": "Be brief.", "tools": '[{"name": "sun"}]'}
    session = session_of(sharegpt, row)
    assert session.system_prompt == "Be brief."
    assert session.messages[0].role == "system"
    assert session.metadata == {"tools": [{"name": "sun"}]}


def test_calls_and_observations_are_calls_and_results():
    call = {"from": "function_call", "value": '{"name": "sun", "arguments": {"at": "noon"}}'}
    result = {"from": "observation", "value": '{"height": 61}'}
    session = session_of(sharegpt, {"conversations": [ASK, call, result, ANSWER]})
    calling, observed = session.messages[1:3]
    assert calling.role == "assistant"
    assert calling.tool_calls == [{"id": "", "name": "sun", "arguments": {"at": "noon"}}]
    assert (observed.role, observed.content_type) == ("tool", "tool_result")
    assert observed.content == '{"height": 61}'


def test_several_calls_stand_in_one_list():
    calls = [{"name": "sun", "arguments": {}}, {"name": "moon", "arguments": {}}]
    turn = {"from": "function_call", "value": json.dumps(calls)}
    session = session_of(sharegpt, {"conversations": [ASK, turn]})
    assert [call["name"] for call in session.messages[1].tool_calls] == ["sun", "moon"]


def test_turns_of_one_party_in_a_row_and_a_first_turn_of_the_model_stay():
    session = session_of(sharegpt, {"conversations": [ANSWER, ASK, ASK, ANSWER, ANSWER]})
    assert [message.role for message in session.messages] == [
        *("assistant", "user", "user", "assistant", "assistant"),
    ]
    assert len({message.key for message in session.messages}) == 5


def test_a_speaker_nobody_knows_is_kept_by_name():
    session = session_of(sharegpt, {"conversations": [{"from": "narrator", "value": "Dawn."}, ASK]})
    assert session.messages[0].metadata["extra"] == {"role": "narrator"}
    session = session_of(sharegpt, {"conversations": [ASK, {"from": "bing", "value": "Hm."}]})
    assert session.messages[1].metadata["extra"] == {"from": "bing"}


def test_saved_html_becomes_markdown():
    html = (
        '<div class="markdown prose w-full"><p>Use <code>a &lt; b</code>, <strong>not</strong> it:'
        "</p><ol><li><p>one</p></li><li>two<ul><li>deep</li></ul></li></ol>"
        '<pre><div><span>python</span><button>Copy code</button><code class="hljs language-python">'
        "if a &lt; b:\n    pass\n</code></div></pre><h2>End</h2></div>"
    )
    session = session_of(sharegpt, {"conversations": [ASK, {"from": "gpt", "value": html}]})
    text = session.messages[1].content
    assert text.startswith("Use `a < b`, **not** it:\n\n1. one")
    assert "\n2. two\n  - deep" in text
    assert "```python\nif a < b:\n    pass\n\n```" in text
    assert "## End" in text
    assert "Copy code" not in text
    assert "<" not in text.replace("a < b", "")


def test_markup_that_somebody_asks_about_stays():
    asked = {"from": "human", "value": '<div class="markdown">why?</div>'}
    answer = {"from": "gpt", "value": "<p>Use a paragraph</p> like this."}
    session = session_of(sharegpt, {"conversations": [asked, answer]})
    assert said(session) == [("user", asked["value"]), ("assistant", answer["value"])]


def test_what_was_rejected_is_a_branch_that_was_left():
    other = {"from": "gpt", "value": "A gnome."}
    session = session_of(sharegpt, {"conversations": [ASK], "chosen": ANSWER, "rejected": other})
    ask, rejected, chosen = session.messages
    assert (rejected.content, rejected.is_active_path) == ("A gnome.", False)
    assert chosen.is_active_path
    assert rejected.parent_key == chosen.parent_key == ask.key


def test_pictures_belong_to_the_turn_that_marks_them():
    row = {"image": "dial.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat?"}]}
    session = session_of(sharegpt, row)
    assert session.messages[0].metadata["attachments"] == [{"type": "image", "name": "dial.jpg"}]


def test_a_longer_copy_with_the_same_id_is_the_same_session():
    short = session_of(sharegpt, {"id": "q_0", "conversations": [ASK, ANSWER]})
    long = session_of(sharegpt, {"id": "q_0", "conversations": [ASK, ANSWER, ASK]})
    assert short.external_id == long.external_id
    assert {m.key for m in short.messages} < {m.key for m in long.messages}


def test_a_bad_row_costs_only_itself():
    good = {"conversations": [ASK, ANSWER]}
    items = read_rows(sharegpt, good, {"conversations": [5]}, {"conversations": [ANSWER]})
    assert [type(item) for item in items] == [SessionRecord, Rejected, SessionRecord]
    assert b"[5]" in items[1].content


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "x"}]},
        {"conversations": [{"mapping": {}}]},
        {"conversations": [{"id": "c", "messages": [{"role": "user", "content": "x"}]}]},
        {"conversations": "none"},
        {"conversation": {"from": "human", "value": "x"}},
    ],
)
def test_what_belongs_to_others_is_left_to_them(row):
    assert not sharegpt.recognises(as_lines((row,)))


def test_messages_in_a_wrapper_are_no_sharegpt_turns():
    row = {"conversations": [{"messages": [{"role": "user", "content": "x"}]}]}
    content = json.dumps(row).encode()
    assert message_lists.recognises(content)
    [session] = read_bytes(message_lists, content)
    assert said(session) == [("user", "x")]


def test_damaged_files_raise_nothing():
    call = {"from": "function_call", "value": '{"name": "sun", "arguments": {}}'}
    survives_damage(
        sharegpt,
        {"id": 1, "conversations": [ASK, call, ANSWER], "system": "s", "tools": "[]"},
        {"conversations": [ASK], "chosen": ANSWER, "rejected": ANSWER, "images": ["a"]},
    )
