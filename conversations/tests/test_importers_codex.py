"""Rollouts of Codex CLI become sessions: counters, forks, injected context, doubled texts."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import pytest

from conversations.importers import codex
from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped


def record(type: str, second: int = 0, /, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-03-01T10:00:{second:02}.000Z", "type": type, "payload": payload}


def meta(id: str = "s", **more: Any) -> dict[str, Any]:
    return record("session_meta", id=id, cwd="/home/ada/clock", cli_version="0.99", **more)


def turn(model: str = "gpt-5-codex") -> dict[str, Any]:
    return record("turn_context", model=model, effort="high")


def item(type: str, second: int = 0, **more: Any) -> dict[str, Any]:
    return record("response_item", second, type=type, **more)


def event(type: str, second: int = 0, **more: Any) -> dict[str, Any]:
    return record("event_msg", second, type=type, **more)


def user(text: str, second: int = 0, role: str = "user") -> dict[str, Any]:
    return item("message", second, role=role, content=[{"type": "input_text", "text": text}])


def answer(text: str, second: int = 0) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text}]
    return item("message", second, role="assistant", content=content)


def thought(text: str) -> dict[str, Any]:
    return item("reasoning", summary=[{"type": "summary_text", "text": text}])


def call(id: str, second: int = 0, name: str = "shell") -> dict[str, Any]:
    return item("function_call", second, name=name, call_id=id, arguments='{"command": ["ls"]}')


def output(id: str, given: Any = "a.txt", second: int = 0) -> dict[str, Any]:
    return item("function_call_output", second, call_id=id, output=given)


def usage(sent: int, generated: int, cached: int = 0, thinking: int = 0) -> dict[str, int]:
    return {
        "input_tokens": sent,
        "cached_input_tokens": cached,
        "output_tokens": generated,
        "reasoning_output_tokens": thinking,
        "total_tokens": sent + generated,
    }


def tokens(total: dict[str, int] | None, last: dict[str, int] | None = None) -> dict[str, Any]:
    info = total and {"total_token_usage": total, "last_token_usage": last or total}
    return event("token_count", info=info, rate_limits={"plan_type": "pro"})


def written(*records: dict[str, Any], name: str = "rollout.jsonl") -> MemoryFile:
    return MemoryFile(name, b"".join(json.dumps(each).encode() + b"\n" for each in records))


def session_of(*records: dict[str, Any]) -> SessionRecord:
    [session] = codex.read([written(*records)])
    assert isinstance(session, SessionRecord)
    return session


def sums(messages: list[MessageRecord]) -> tuple[int, int]:
    return (
        sum(message.input_tokens or 0 for message in messages),
        sum(message.output_tokens or 0 for message in messages),
    )


def spoken(session: SessionRecord) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in session.messages]


# -- recognising -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        meta(),
        turn(),
        tokens(None),
        {"id": "s", "timestamp": "2025-06-01T10:00:00Z", "instructions": None, "git": {}},
        {"id": "s", "thread_name": "Clocks", "updated_at": "2026-03-01T10:00:00Z"},
    ],
)
def test_a_rollout_is_recognised_by_any_of_its_records(line):
    assert codex.recognises(written(line).content)


def test_a_head_longer_than_the_sample_is_recognised():
    content = written(meta(base_instructions={"text": "x" * 100_000})).content
    assert codex.recognises(content[:65536])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"type": "order", "timestamp": "2026-03-01", "payload": {}}\n',
        b'{"id": "a", "messages": [], "timestamp": "x", "instructions": "y"}',
        b'{"type":"user","sessionId":"a","uuid":"b","message":{"role":"user","content":"hi"}}\n',
    ],
)
def test_other_files_are_left_to_others(content):
    assert not codex.recognises(content)


# -- the session -----------------------------------------------------------------------------------


def test_a_session_says_where_it_was_held_and_under_which_instructions():
    session = session_of(
        meta(model_provider="azure", base_instructions={"text": "Be brief."}, novel=[1]),
        turn(),
        user("What time is it?"),
        answer("Noon."),
    )
    assert (session.external_id, session.project, session.title) == (
        "s",
        "clock",
        "What time is it?",
    )
    assert (session.provider, session.model) == ("azure", "gpt-5-codex")
    assert session.system_prompt == "Be brief."
    assert session.metadata["version"] == "0.99"
    assert session.metadata["extra"] == {"novel": [1]}


def test_the_title_is_the_prompt_without_the_context_from_the_editor():
    prompt = "# Context from my IDE setup:\n\n- a.py\n\n## My request for Codex:\nFix it\n"
    session = session_of(meta(), user(prompt), event("user_message", message=prompt))
    assert session.title == "Fix it"
    assert not session.messages[0].is_hidden


def test_a_name_given_to_the_session_is_its_title():
    named = event("thread_name_updated", thread_name="Clocks")
    assert session_of(meta(), user("hello"), named).title == "Clocks"


def test_an_index_of_names_gives_titles():
    index = written({"id": "s", "thread_name": "Clocks", "updated_at": "x"}, name="index.jsonl")
    items = list(codex.read([index, written(meta(), user("hello"))]))
    assert [type(each) for each in items] == [Skipped, SessionRecord]
    assert items[1].title == "Clocks"


def test_the_archived_copy_of_a_session_is_passed_over():
    records = (meta(), user("hello"))
    archived = written(*records, answer("hi"), name="home/archived_sessions/rollout.jsonl")
    items = list(codex.read([archived, written(*records, name="home/sessions/rollout.jsonl")]))
    assert [type(each) for each in items] == [Skipped, SessionRecord]
    assert items[1].place == "home/sessions/rollout.jsonl"


def test_a_file_without_a_head_is_known_by_the_id_in_its_name():
    id = "01997ea4-a70d-7da3-8c20-c736db82a7c5"
    [session] = codex.read([written(user("hello"), name=f"rollout-2025-09-24-{id}.jsonl")])
    assert session.external_id == id


def test_an_old_rollout_has_items_without_an_envelope():
    session = session_of(
        {"id": "old", "timestamp": "2025-06-01T10:00:00Z", "instructions": "Be brief."},
        {"record_type": "state"},
        user("hello")["payload"],
        answer("hi")["payload"],
    )
    assert session.external_id == "old"
    assert session.started_at.month == 6
    assert session.system_prompt == "Be brief."
    assert spoken(session) == [("user", "hello"), ("assistant", "hi")]


# -- messages --------------------------------------------------------------------------------------


def test_texts_that_an_event_says_again_stand_there_once():
    session = session_of(
        meta(),
        user("hello"),
        event("user_message", message="hello"),
        event("agent_reasoning", text="**Greeting**"),
        thought("**Greeting**"),
        event("agent_message", message="hi"),
        answer("hi"),
    )
    assert spoken(session) == [("user", "hello"), ("assistant", "hi")]
    assert session.messages[1].metadata["thinking"] == ["**Greeting**"]


@pytest.mark.parametrize(
    "text",
    [
        "<environment_context>\n<cwd>/</cwd>",
        "<user_instructions>x",
        "# AGENTS.md instructions for /",
    ],
)
def test_context_that_was_not_typed_is_hidden(text):
    context = session_of(meta(), user(text), user("hello")).messages[0]
    assert (context.is_hidden, context.content_type) == (True, "context")


@pytest.mark.parametrize("comes_first", [True, False])
def test_what_looks_like_context_is_shown_if_it_was_typed(comes_first):
    text = "<user_instructions> is a tag that I ask about"
    records = [user(text), event("user_message", message=text)]
    prompt = session_of(meta(), *(reversed(records) if comes_first else records)).messages[0]
    assert (prompt.is_hidden, prompt.content_type) == (False, "text")


def test_what_the_developer_says_is_hidden_context():
    message = session_of(meta(), user("Sandbox is on.", role="developer")).messages[0]
    assert (message.role, message.is_hidden, message.content_type) == ("system", True, "context")


def test_a_response_is_one_message_with_its_thoughts_and_calls():
    session = session_of(meta(), user("ls"), thought("**Look**"), call("c1"), call("c2"))
    [_, response] = session.messages
    assert response.content_type == "tool_call"
    assert response.tool_calls == [
        {"id": id, "name": "shell", "arguments": {"command": ["ls"]}} for id in ("c1", "c2")
    ]
    assert response.metadata["thinking"] == ["**Look**"]


def test_thoughts_alone_are_a_message_of_thinking():
    response = session_of(meta(), user("hello"), thought("**Look**")).messages[1]
    assert (response.content_type, response.content) == ("thinking", "**Look**")


@pytest.mark.parametrize(
    ("given", "text", "is_error"),
    [
        ("plain", "plain", False),
        ('{"output":"lost","metadata":{"exit_code":2,"duration_seconds":1.5}}', "lost", True),
        ([{"type": "input_text", "text": "part"}], "part", False),
        ({"type": "input_text", "text": "part"}, "part", False),
        ({"content": "refused", "success": False}, "refused", True),
        ({"odd": 1}, '{"odd":1}', False),
        ("Exit code: 1\nOutput:\nno", "Exit code: 1\nOutput:\nno", True),
    ],
)  # fmt: skip
def test_what_a_tool_gave_back_is_read_in_each_of_its_forms(given, text, is_error):
    result = session_of(meta(), call("c"), output("c", given)).messages[1]
    assert (result.role, result.content_type, result.content) == ("tool", "tool_result", text)
    assert result.metadata["tool_call_ids"] == ["c"]
    assert result.metadata.get("is_error", False) is is_error


def test_a_tool_took_from_its_call_to_its_output_unless_it_is_told():
    told = '{"output":"x","metadata":{"exit_code":0,"duration_seconds":1.5}}'
    session = session_of(
        meta(),
        user("go", 1),
        call("a", 3),
        output("a", second=5),
        call("b", 6),
        output("b", told, 9),
    )
    assert [message.latency_ms for message in session.messages] == [None, 2000, 2000, 1000, 1500]


def test_an_event_tells_how_a_command_ended():
    lasted = {"secs": 1, "nanos": 500_000_000}
    ended = event("exec_command_end", call_id="c", exit_code=3, duration=lasted)
    for records in ([ended, output("c")], [output("c"), ended]):
        result = session_of(meta(), call("c"), *records).messages[1]
        assert result.metadata["exit_code"] == 3
        assert result.metadata["is_error"] is True
        assert result.latency_ms == 1500


def test_calls_of_the_other_kinds_have_names_and_arguments():
    session = session_of(
        meta(),
        item("custom_tool_call", name="apply_patch", call_id="p", input="*** Begin Patch"),
        item("web_search_call", id="w", action={"type": "search", "query": "clock"}),
        item("local_shell_call", call_id="l", action={"command": ["ls"]}),
    )
    calls = session.messages[0].tool_calls
    assert [(each["id"], each["name"]) for each in calls] == [
        ("p", "apply_patch"),
        ("w", "web_search"),
        ("l", "local_shell"),
    ]
    assert calls[0]["arguments"] == "*** Begin Patch"
    assert calls[1]["arguments"]["query"] == "clock"


def test_pictures_are_described_and_their_bytes_dropped():
    picture = {"type": "input_image", "image_url": "data:image/png;base64,aGVsbG8="}
    content = [
        {"type": "input_text", "text": "see"},
        picture,
        {"type": "input_image", "image_url": None},
    ]
    message = session_of(meta(), item("message", role="user", content=content)).messages[0]
    [attachment] = message.metadata["attachments"]
    assert (attachment["type"], attachment["media_type"], attachment["size"]) == (
        "image",
        "image/png",
        5,
    )


def test_the_history_that_a_compaction_repeats_is_no_message():
    history = [user("hello")["payload"]]
    session = session_of(
        meta(), user("hello"), record("compacted", message="They met.", replacement_history=history)
    )
    assert spoken(session) == [("user", "hello"), ("system", "They met.")]
    assert session.messages[1].content_type == "summary"
    assert session.messages[1].is_hidden


def test_an_error_is_shown_as_one():
    message = session_of(meta(), user("hello"), event("error", message="quota")).messages[1]
    assert (message.content_type, message.error_message) == ("event", "quota")


def test_what_was_rolled_back_is_off_the_active_path():
    session = session_of(
        meta(), user("a"), answer("A"), user("b"), answer("B"),
        event("thread_rolled_back", num_turns=1), user("c"),
    )  # fmt: skip
    assert [message.is_active_path for message in session.messages] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert session.messages[4].parent_key == session.messages[1].key


def test_records_of_an_unknown_type_are_kept_and_hidden():
    session = session_of(
        meta(), user("a"), record("novelty", x=1), event("happened"), item("thing")
    )
    for message in session.messages[1:]:
        assert message.is_hidden
        assert message.content_type == "event"
    assert session.messages[1].metadata["record"] == {"type": "novelty", "x": 1}


# -- tokens ----------------------------------------------------------------------------------------


def test_a_call_used_what_the_counter_rose_by():
    session = session_of(
        meta(), turn(), user("a"),
        call("c"), tokens(usage(100, 10, cached=80, thinking=4)), output("c"),
        answer("A"), tokens(usage(250, 30, cached=180, thinking=4)),
    )  # fmt: skip
    first, second = (message for message in session.messages if message.role == "assistant")
    assert (first.input_tokens, first.output_tokens) == (100, 10)
    assert (first.cache_read_tokens, first.reasoning_tokens) == (80, 4)
    assert (second.input_tokens, second.output_tokens) == (150, 20)
    assert (second.cache_read_tokens, second.reasoning_tokens) == (100, 0)


def test_an_event_that_is_repeated_counts_once_and_one_of_limits_alone_not_at_all():
    counted = tokens(usage(100, 10))
    session = session_of(meta(), user("a"), tokens(None), answer("A"), counted, counted)
    assert sums(session.messages) == (100, 10)


def test_a_counter_that_fell_began_anew():
    session = session_of(
        meta(), user("a"), answer("A"), tokens(usage(100, 10)), answer("B"), tokens(usage(40, 4))
    )
    assert sums(session.messages) == (140, 14)


def test_a_context_declared_full_uses_nothing():
    full = usage(0, 0) | {"total_tokens": 272_000}
    session = session_of(
        meta(), user("a"), answer("A"), tokens(usage(100, 10)), tokens(full),
        answer("B"), tokens(usage(40, 4) | {"total_tokens": 272_044}),
    )  # fmt: skip
    assert sums(session.messages) == (140, 14)


def test_usage_that_stands_before_the_items_of_its_call_is_theirs():
    session = session_of(
        meta(), turn(), user("a"),
        event("agent_reasoning", text="**Look**"), tokens(usage(100, 10)),
        thought("**Look**"), call("c"), output("c"), turn("gpt-5-mini"),
        event("agent_message", message="A"), tokens(usage(250, 30)), answer("A"),
    )  # fmt: skip
    first, second = (message for message in session.messages if message.role == "assistant")
    assert (first.model, first.input_tokens, bool(first.tool_calls)) == ("gpt-5-codex", 100, True)
    assert (second.model, second.input_tokens, second.content) == ("gpt-5-mini", 150, "A")


def test_usage_of_a_call_that_left_no_trace_is_kept_in_a_hidden_message():
    session = session_of(
        meta(), turn(), user("a"), answer("A"), tokens(usage(10, 1)), tokens(usage(30, 2))
    )
    assert sums(session.messages) == (30, 2)
    assert session.messages[2].is_hidden
    assert session.messages[2].model == "gpt-5-codex"


def test_a_file_that_ended_between_usage_and_items_keeps_the_key_when_it_goes_on():
    records = [meta(), user("a"), event("agent_message", message="A"), tokens(usage(10, 1))]
    before = session_of(*records)
    after = session_of(*records, answer("A"))
    assert [message.key for message in before.messages] == [
        message.key for message in after.messages
    ]
    assert sums(before.messages) == sums(after.messages) == (10, 1)
    assert after.messages[1].content == "A"


def test_keys_stay_when_a_file_goes_on():
    records = [
        meta(), turn(), user("<environment_context>"), user("a"),
        event("user_message", message="a"), thought("t"), call("c"), tokens(usage(10, 1)),
        output("c"), answer("A"), tokens(usage(30, 2)),
    ]  # fmt: skip
    whole = {message.key for message in session_of(*records).messages}
    for end in range(3, len(records)):
        assert {message.key for message in session_of(*records[:end]).messages} <= whole


def test_models_unknown_and_unheard_of_stay_as_they_are():
    session = session_of(meta(), user("a"), answer("A"), turn("aide-gpt-5"), user("b"), answer("B"))
    assert [m.model for m in session.messages if m.role == "assistant"] == ["", "aide-gpt-5"]


# -- forks -----------------------------------------------------------------------------------------

STORY = (
    user("a"),
    answer("A"),
    tokens(usage(100, 10)),
    user("b"),
    answer("B"),
    tokens(usage(250, 30)),
)


def later(records: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [each | {"timestamp": "2026-04-01T00:00:00.000Z"} for each in records]


def test_what_a_fork_repeats_of_its_parent_is_the_parents():
    parent = written(meta("p"), *STORY, user("c"), name="p.jsonl")
    fork = written(
        meta("f", forked_from_id="p"), meta("p"), *later(STORY),
        user("d"), answer("D"), tokens(usage(500, 60), usage(250, 30)), name="f.jsonl",
    )  # fmt: skip
    forked, whole = codex.read([parent, fork])
    assert (forked.external_id, forked.parent_external_id) == ("f", "p")
    assert spoken(forked) == [("user", "d"), ("assistant", "D")]
    assert sums(forked.messages) == (250, 30)
    assert sums(whole.messages) == (250, 30)
    assert forked.title == "d"
    assert forked.metadata["copied_lines"] == 8


def test_items_that_the_copy_left_out_do_not_end_it():
    parent = written(meta("p"), *STORY, name="p.jsonl")
    fork = written(
        meta("f", forked_from_id="p"), STORY[0], user("<environment_context>"), *STORY[2:],
        user("d"), name="f.jsonl",
    )  # fmt: skip
    [forked, _] = codex.read([parent, fork])
    assert spoken(forked) == [("user", "d")]


def test_a_fork_without_its_parent_keeps_everything_and_says_so():
    session = session_of(meta("f", forked_from_id="p"), *STORY)
    assert sums(session.messages) == (250, 30)
    assert session.metadata["parent_is_missing"] is True


def test_a_fork_with_nothing_of_its_own_is_skipped():
    parent = written(meta("p"), *STORY, name="p.jsonl")
    fork = written(meta("f", forked_from_id="p"), *later(STORY), name="f.jsonl")
    items = list(codex.read([parent, fork]))
    assert [type(each) for each in items] == [Skipped, SessionRecord]


def test_a_sub_agent_that_starts_afresh_keeps_all_it_said():
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "p", "depth": 1}}}
    agent = written(
        meta("a", source=source), user("count"), answer("3"), tokens(usage(7, 1)), name="a.jsonl"
    )
    [session, _] = codex.read([written(meta("p"), *STORY, name="p.jsonl"), agent])
    assert session.parent_external_id == "p"
    assert all(message.is_sidechain for message in session.messages)
    assert sums(session.messages) == (7, 1)


def test_sessions_that_name_each_other_as_parent_are_read():
    files = [
        written(meta(id, forked_from_id=other), user(id), name=f"{id}.jsonl")
        for id, other in (("a", "b"), ("b", "a"), ("c", "c"))
    ]
    assert [session.external_id for session in codex.read(files)] == ["a", "b", "c"]


# -- damage ----------------------------------------------------------------------------------------


def test_a_bad_line_costs_that_line_alone():
    good = written(meta(), user("a")).content
    bad = b'{"type": "response_item", "payload": {"type": "message", "role": 5}}\n'
    rejected, session = codex.read(
        [MemoryFile("r.jsonl", good + bad + written(answer("A")).content)]
    )
    assert isinstance(rejected, Rejected)
    assert (rejected.place, rejected.content) == ("r.jsonl, line 3", bad)
    assert spoken(session) == [("user", "a"), ("assistant", "A")]


def test_a_last_line_that_is_being_written_is_ignored():
    content = written(meta(), user("a")).content + b'{"timestamp": "2026'
    [session] = codex.read([MemoryFile("r.jsonl", content)])
    assert spoken(session) == [("user", "a")]


def test_a_session_without_messages_is_skipped_with_what_it_holds():
    [skipped] = codex.read([written(meta(), turn())])
    assert isinstance(skipped, Skipped)
    assert "1 turn_context" in skipped.reason


def test_damaged_records_raise_nothing():
    dice = random.Random(7)
    odd = [None, True, -1, 10**18, 1e308, "", "\ud800", [], [[1]], {}, {"a": {"b": []}}]
    deep: Any = "x"
    for _ in range(90):
        deep = [deep]
    records = [
        meta(source={"subagent": "review"}), turn(), *STORY, call("c"), output("c"),
        thought("t"), event("exec_command_end", call_id="c", duration={"secs": 1, "nanos": 1}),
        record("compacted", message="x"), event("error", message="x"),
        item("agent_message", content=[]), event("thread_rolled_back", num_turns=1),
        item("image_generation_call", id="i", result="aGVsbG8="),
        {"type": "turn.completed", "usage": usage(1, 1)},
    ]  # fmt: skip
    for _ in range(400):
        damaged = json.loads(json.dumps(dice.sample(records, 8)))
        for each in damaged:
            place = each
            while isinstance(place, dict) and place and dice.random() < 0.8:
                name = dice.choice(list(place))
                if dice.random() < 0.4:
                    place[name] = deepcopy(dice.choice([*odd, deep]))
                place = place[name]
                if isinstance(place, list) and place:
                    place = dice.choice(place)
        content = written(*damaged).content
        content = content[: dice.randrange(len(content))] if dice.random() < 0.3 else content
        codex.recognises(content)
        fork = written(meta("f", forked_from_id="s"), *records[2:5], *damaged, name="f.jsonl")
        list(codex.read([MemoryFile("r.jsonl", content), fork]))
