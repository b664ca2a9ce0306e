"""Open WebUI exports become sessions: history, branches, items of responses, HTML in answers."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import open_webui
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

from . import chat_exports
from .chat_exports import active_in, parents_in, said_in

START = 1_770_000_000


def question(name: str = "q", parent: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "parentId": parent,
        "childrenIds": [],
        "role": "user",
        "content": name,
        "timestamp": START,
    } | more


def answer(name: str = "a", parent: str | None = "q", **more: Any) -> dict[str, Any]:
    about = {"role": "assistant", "model": "llama3.1:latest", "timestamp": START + 5, "done": True}
    return question(name, parent) | about | more


def chat(*messages: Any, current: str | None = None, **more: Any) -> dict[str, Any]:
    by_id = {said["id"]: said for said in messages}
    return {
        "title": "Kettle",
        "models": ["llama3.1:latest"],
        "history": {"messages": by_id, "currentId": current or (list(by_id) or [None])[-1]},
        "timestamp": START * 1000,
    } | more


def row(*messages: Any, current: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "user_id": "u1",
        "title": "Kettle",
        "chat": chat(*messages, current=current),
        "created_at": START,
        "updated_at": START + 60,
        "archived": False,
        "meta": {},
        "folder_id": None,
    } | more


def session_of(*messages: Any, **more: Any) -> SessionRecord:
    return chat_exports.session_of(open_webui, [row(*messages, **more)])


def answer_of(**more: Any) -> MessageRecord:
    return session_of(question(), answer(**more)).messages[1]


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        [row(question())],
        row(question()),
        {"chats": [row(question())]},
        chat(question(), id="c1"),
        [chat(question(), id="c1")],
    ],
)
def test_chats_come_in_rows_alone_and_as_older_versions_wrote_them(value):
    content = json.dumps(value).encode()
    assert open_webui.recognises(content)
    [session] = chat_exports.read_bytes(open_webui, content)
    assert (session.external_id, session.title) == ("c1", "Kettle")
    assert said_in(session) == [("user", "q")]


@pytest.mark.parametrize(
    "other",
    [
        {"mapping": {}, "current_node": "x"},
        {"history": {"messages": [{"role": "user"}]}},
        [{"messages": [{"role": "user", "content": "history"}]}],
        {"chat": {"messages": [{"role": "user"}]}},
    ],
)
def test_files_of_other_formats_are_left_alone(other):
    assert not open_webui.recognises(json.dumps(other).encode())


def test_a_chat_is_a_session():
    value = row(question(), meta={"tags": ["tea", "x"]}, folder_id="f1", pinned=True)
    value["chat"] |= {"params": {"system": "Be brief.", "temperature": 1}, "tags": ["x", "y"]}
    session = chat_exports.session_of(open_webui, [value])
    assert session.started_at == datetime.fromtimestamp(START, UTC)
    assert session.system_prompt == "Be brief."
    assert (session.project, session.tags) == ("f1", ["tea", "x", "y"])
    assert session.metadata == {
        "updated_at": "2026-02-02T02:41:00+00:00",
        "params": {"temperature": 1},
        "extra": {"models": ["llama3.1:latest"], "pinned": True, "user_id": "u1"},
    }


def test_the_time_of_an_old_chat_is_in_milliseconds():
    session = chat_exports.session_of(open_webui, chat(question()))
    assert session.started_at == datetime.fromtimestamp(START, UTC)


def test_a_chat_without_an_id_gets_one_that_stays():
    short, long = (
        chat_exports.session_of(open_webui, chat(*messages, id=""))
        for messages in ([question()], [question(), answer()])
    )
    assert short.external_id == long.external_id != ""


def test_an_empty_chat_is_skipped():
    [skipped] = chat_exports.read(open_webui, [row()])
    assert skipped == Skipped("export.json, record 1", "a conversation without messages")


def test_a_bad_message_does_not_lose_the_others():
    value = row(question(), answer("bad", content=5), question("next", "bad"))
    rejected, session = chat_exports.read(open_webui, [value])
    assert rejected == Rejected(
        "export.json, record 1, message bad", "content is a number, neither text nor a list"
    )
    assert parents_in(session) == {"q": None, "next": "q"}


# -- branches --------------------------------------------------------------------------------------


def test_answers_of_several_models_stand_side_by_side():
    asked = question(childrenIds=["a", "b"])
    others = answer("a", modelIdx=0), answer("b", model="gpt-4o", modelIdx=1)
    session = session_of(asked, *others, current="a")
    assert parents_in(session) == {"q": None, "b": "q", "a": "q"}
    assert [said.content for said in active_in(session)] == ["q", "a"]


def test_the_copy_of_the_path_counts_only_without_a_history():
    stale = {"messages": [question("stale")]}
    assert said_in(chat_exports.session_of(open_webui, chat(question(), **stale)))[0][1] == "q"
    old = {"chat": {"models": ["m"], "messages": [{"role": "user", "content": "a"}] * 2}}
    assert open_webui.recognises(json.dumps([old]).encode())
    session = chat_exports.session_of(open_webui, old)
    assert parents_in(session) == {"#1": None, "#2": "#1"}


def test_circles_are_cut():
    session = session_of(question("a", "b"), question("b", "a"))
    assert sorted(parents_in(session)) == ["a", "b"]


# -- counts and times ------------------------------------------------------------------------------


def test_counts_of_openai():
    said = answer_of(usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
    assert (said.input_tokens, said.output_tokens, said.provider) == (7, 3, "")
    assert said.latency_ms == 5000


def test_counts_and_times_of_ollama():
    usage = {"prompt_eval_count": 7, "eval_count": 3, "total_duration": 2_500_000_000}
    for name in ("usage", "info"):
        said = answer_of(**{name: usage})
        assert (said.input_tokens, said.output_tokens, said.provider) == (7, 3, "ollama")
        assert said.latency_ms == 2500


def test_zeros_are_no_counts():
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    said = answer_of(usage=usage)
    assert (said.input_tokens, said.output_tokens) == (None, None)
    assert said.metadata["usage_raw"] == usage


def test_an_answer_in_the_same_second_has_no_latency():
    assert answer_of(timestamp=START).latency_ms is None


# -- content ---------------------------------------------------------------------------------------


def test_the_items_of_a_response_are_read_instead_of_the_text():
    session = session_of(
        question(),
        answer(
            content='<details type="tool_calls">x</details>shown',
            output=[
                {
                    "type": "reasoning",
                    "content": [{"text": "long"}],
                    "summary": [{"text": "brief"}],
                },
                {"type": "function_call", "call_id": "t1", "name": "f", "arguments": '{"a": 1}'},
                {
                    "type": "function_call_output",
                    "call_id": "t1",
                    "output": [{"type": "input_text", "text": "found"}],
                },
                {"type": "open_webui:code_interpreter", "code": "1+1", "output": {"stdout": "2"}},
                {"type": "message", "content": [{"type": "output_text", "text": "said"}]},
            ],
        ),
        question("next", "a"),
    )
    _, said, found, ran, following = session.messages
    assert (said.content, said.metadata["thinking"]) == ("said", ["brief"])
    first, second = said.tool_calls
    assert first == {"id": "t1", "name": "f", "arguments": {"a": 1}}
    assert (second["name"], second["arguments"]) == ("code_interpreter", {"code": "1+1"})
    assert (found.role, found.content) == ("tool", "found")
    assert found.metadata["tool_call_ids"] == ["t1"]
    assert ran.content == '{"stdout":"2"}'
    assert following.parent_key == ran.key


def test_html_in_an_answer_is_taken_apart():
    arguments = html.escape(json.dumps(json.dumps({"city": "Oslo"})))
    result = html.escape(json.dumps("4 < 5 °C"))
    session = session_of(
        question(),
        answer(
            content="Let me see.\n"
            '<details type="reasoning" done="true" duration="3">\n'
            "<summary>Thought for 3 seconds</summary>\n&gt; so &amp; so\n&gt; on\n</details>\n"
            f'<details type="tool_calls" done="true" id="t1" name="weather" arguments="{arguments}"'
            f' result="{result}" files="">\n<summary>Tool Executed</summary>\n</details>\n'
            '<details type="code_interpreter" done="true" output="{&quot;stdout&quot;: 2}">\n'
            "<summary>Analyzed</summary>\n```python\n1+1\n```\n</details>\nCold."
        ),
    )
    _, said, found, ran = session.messages
    assert said.content == "Let me see.\n\nCold."
    assert said.metadata["thinking"] == ["so & so\non"]
    weather, code = said.tool_calls
    assert weather == {"id": "t1", "name": "weather", "arguments": {"city": "Oslo"}}
    assert (code["name"], code["arguments"]) == ("code_interpreter", "```python\n1+1\n```")
    assert (found.content, ran.content) == ("4 < 5 °C", '{"stdout":2}')


@pytest.mark.parametrize(
    "text",
    [
        '<details type="reasoning" done="false">never closed',
        '<details type="reasoning"',
        '<details type="other">kept</details>',
        "<details><summary>Mine</summary>kept</details>",
        "  as it is\n",
    ],
)
def test_other_html_stays_text(text):
    said = answer_of(content=text)
    assert (said.content, said.metadata) == (text, {})


def test_what_the_user_types_is_not_taken_apart():
    text = '<details type="reasoning">x</details>'
    assert session_of(question(content=text)).messages[0].content == text


def test_much_unclosed_html_takes_no_long_time():
    text = '<details type="reasoning" ' * 20_000
    assert answer_of(content=text).content == text


def test_content_may_be_a_list():
    content = [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
    ]
    said = session_of(question(content=content)).messages[0]
    assert said.content == "see"
    assert "QUJD" not in json.dumps(said.metadata)


def test_errors_and_breaks_are_flagged():
    said = answer_of(content="", error={"content": "no model"}, done=False)
    assert (said.content, said.error_message) == ("", "no model")
    assert said.metadata == {"is_unfinished": True}
    assert answer_of(content="it broke", error=True).error_message == "it broke"
    assert answer_of(error={"code": 1}).error_message == '{"code":1}'


def test_uploads_are_described_and_their_bytes_are_not_kept():
    document = {
        "type": "file", "id": "f1", "url": "", "name": "a.txt", "status": "uploaded",
        "file": {"id": "f1", "data": {"content": "inside"},
                 "meta": {"content_type": "text/plain", "size": 6}},
    }  # fmt: skip
    picture = {"type": "image", "url": "data:image/png;base64,QUJD"}
    said = session_of(question(files=[document, picture])).messages[0]
    file, image = said.metadata["attachments"]
    assert file == {
        "type": "file", "media_type": "text/plain", "name": "a.txt", "size": 6, "text": "inside",
        "pointer": "f1", "status": "uploaded",
    }  # fmt: skip
    assert (image["type"], image["media_type"], image["size"]) == ("image", "image/png", 3)


def test_what_nobody_reads_is_kept():
    said = answer_of(modelName="Llama", lastSentence="a", sources=[{"name": "s"}], favorite=False)
    assert said.metadata == {"extra": {"modelName": "Llama", "sources": [{"name": "s"}]}}


def test_no_damage_raises():
    rich = row(
        question(childrenIds=["a"], files=[{"type": "file", "file": {"meta": {"size": 1}}}]),
        answer(
            usage={"prompt_eval_count": 1, "eval_count": 2, "total_duration": 10**9},
            output=[
                {"type": "reasoning", "summary": [{"text": "t"}]},
                {"type": "function_call", "call_id": "t", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "t", "output": [{"text": "x"}]},
                {"type": "open_webui:code_interpreter", "code": "1", "output": {"a": 1}},
                {"type": "message", "content": [{"type": "output_text", "text": "y"}]},
            ],
        ),
        answer(
            "b", content='<details type="tool_calls" name="n">x</details>', error={"content": 1}
        ),
        meta={"tags": ["x"]},
    )
    assert chat_exports.survives(open_webui, [rich])
