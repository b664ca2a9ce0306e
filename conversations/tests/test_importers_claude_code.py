"""Claude Code session logs become sessions: who said what, in what order, with what tokens."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import claude_code
from conversations.importers.reading.files import MemoryFile
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

SESSION = "5e551011-0000-4000-8000-000000000001"
USAGE = {
    "input_tokens": 3,
    "cache_creation_input_tokens": 40,
    "cache_read_input_tokens": 500,
    "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 7,
    "service_tier": "standard",
}


def record(type: str, uuid: str = "", parent: str | None = None, **more: Any) -> dict[str, Any]:
    """A record with the fields that all of them share; without those that are given as None."""
    second = int(uuid[1:]) if uuid[1:].isdigit() else 0
    fields = {
        "type": type,
        "uuid": uuid,
        "parentUuid": parent,
        "sessionId": SESSION,
        "timestamp": f"2026-05-01T10:00:{second:02}.250Z",
        "cwd": "/home/mira/code/kettle",
        "version": "2.1.30",
        "gitBranch": "main",
        "userType": "external",
        "isSidechain": False,
    } | more
    absent = {name for name, value in (more | {"uuid": uuid or None}).items() if value is None}
    return {name: value for name, value in fields.items() if name not in absent}


def user(uuid: str, content: Any, parent: str | None = None, **more: Any) -> dict[str, Any]:
    return record("user", uuid, parent, message={"role": "user", "content": content}, **more)


def answer(
    uuid: str, content: Any, parent: str | None = None, message: dict | None = None, **more: Any
) -> dict[str, Any]:
    envelope = {
        "id": f"msg_{uuid}",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": content}] if isinstance(content, str) else content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": USAGE,
    } | (message or {})
    return record("assistant", uuid, parent, message=envelope, requestId="req_1", **more)


def result(uuid: str, content: Any, parent: str, call: str = "toolu_1", **more: Any) -> dict:
    block = {"type": "tool_result", "tool_use_id": call, "content": content}
    return user(uuid, [block], parent, **more)


def call(name: str = "Bash", id: str = "toolu_1", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def as_lines(*records: Any) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in records
    )


def read(*records: Any) -> list[Any]:
    """All items of one file that holds `records`; bytes stand for a line as it is."""
    return list(claude_code.read([MemoryFile("log.jsonl", as_lines(*records))]))


def session_of(*records: Any) -> SessionRecord:
    [session] = read(*records)
    assert isinstance(session, SessionRecord), session
    return session


def messages_of(*records: Any) -> list[MessageRecord]:
    return session_of(*records).messages


# -- sessions --------------------------------------------------------------------------------------


def test_a_session_knows_where_when_and_with_what_it_was_held():
    session = session_of(user("u1", "boil water", permissionMode="plan"), answer("a2", "done"))
    assert session.external_id == SESSION
    assert session.place == "log.jsonl, line 1"
    assert session.title == "boil water"
    assert session.project == "kettle"
    assert session.started_at == datetime(2026, 5, 1, 10, 0, 1, 250_000, tzinfo=UTC)
    assert session.completed_at is None
    assert session.provider == "anthropic"
    assert session.model == "claude-sonnet-4-5-20250929"
    assert session.metadata == {
        "cwd": "/home/mira/code/kettle",
        "version": "2.1.30",
        "git_branch": "main",
        "user_type": "external",
        "permission_mode": "plan",
    }


@pytest.mark.parametrize(
    ("cwd", "project"),
    [("/srv/a/b/", "b"), ("C:\\work\\tea pot", "tea pot"), ("/", ""), ("plain", "plain")],
)
def test_the_project_is_the_last_element_of_the_first_working_directory(cwd, project):
    session = session_of(user("u1", "x", cwd=cwd), user("u2", "y", "u1", cwd="/elsewhere"))
    assert session.project == project


def test_a_file_with_two_session_ids_gives_two_sessions():
    first, second = read(user("u1", "one"), user("u2", "two", "u1", sessionId="other"))
    assert [first.external_id, second.external_id] == [SESSION, "other"]
    assert second.place == "log.jsonl, line 2"
    # A parent in another session is no parent here, but the link is not lost.
    assert second.messages[0].parent_key is None
    assert second.messages[0].metadata["parent_uuid"] == "u1"


def test_a_record_without_session_id_belongs_to_the_session_before_it():
    [session] = read(user("u1", "one"), user("u2", "two", "u1", sessionId=None))
    assert [message.content for message in session.messages] == ["one", "two"]


# -- titles ----------------------------------------------------------------------------------------


def test_the_first_real_prompt_is_the_title_of_last_resort():
    session = session_of(
        user("u1", "Caveat: The messages below were made by a local command."),
        user("u2", "<command-name>/clear</command-name>", "u1"),
        user("u3", [{"type": "text", "text": "<ide_opened_file>a.py</ide_opened_file>"},
                    {"type": "text", "text": "make\n  it   green"}], "u2"),
        user("u4", "and blue", "u3"),
    )  # fmt: skip
    assert session.title == "make it green"


def test_a_long_prompt_is_cut_to_a_title():
    title = session_of(user("u1", "word " * 100)).title
    assert len(title) == 200
    assert title.endswith("…")


def test_a_summary_in_another_file_gives_the_title():
    files = [
        MemoryFile("a.jsonl", as_lines({"type": "summary", "summary": "Old", "leafUuid": "a2"})),
        MemoryFile("b.jsonl", as_lines({"type": "summary", "summary": "Tea", "leafUuid": "a2"})),
        MemoryFile("c.jsonl", as_lines(user("u1", "hello"), answer("a2", "hi", "u1"))),
    ]
    first, second, session = claude_code.read(files)
    assert isinstance(first, Skipped)
    assert isinstance(second, Skipped)
    assert second.reason == "holds no messages, 1 summary"
    assert session.title == "Tea"


def test_the_last_custom_title_beats_the_made_up_one_and_the_summary():
    def titles(*more: dict) -> str:
        summary = {"type": "summary", "summary": "Summary", "leafUuid": "u1"}
        return session_of(user("u1", "hello"), summary, *more).title

    made_up = {"type": "ai-title", "aiTitle": "Made up", "sessionId": SESSION}
    given = [
        {"type": "custom-title", "customTitle": name, "sessionId": SESSION} for name in "AB"
    ]  # fmt: skip
    assert titles() == "Summary"
    assert titles(made_up) == "Made up"
    assert titles(*given, made_up) == "B"


# -- responses and their tokens --------------------------------------------------------------------


def test_the_records_of_one_response_become_one_message():
    grown = USAGE | {"output_tokens": 90}
    one = {"id": "msg_x"}
    first, response, done = messages_of(
        user("u1", "look"),
        answer("a2", [{"type": "thinking", "thinking": "hm", "signature": "zz"}], "u1", one),
        answer("a3", "Looking.", "a2", one),
        answer("a4", [call(command="ls")], "a3", one | {"stop_reason": "tool_use", "usage": grown}),
        result("u5", "a.py", "a4"),
    )
    assert response.key == "msg_x"
    assert response.content == "Looking."
    assert response.content_type == "text"
    assert response.tool_calls == [
        {"id": "toolu_1", "name": "Bash", "arguments": {"command": "ls"}}
    ]
    assert response.metadata["thinking"] == ["hm"]
    assert response.metadata["blocks"] == ["thinking", "text", "tool_use"]
    assert response.metadata["merged_records"] == 3
    assert response.output_tokens == 90
    assert response.finish_reason == "tool_use"
    assert response.parent_key == first.key
    assert done.parent_key == response.key


def test_the_greatest_usage_of_a_response_counts_wherever_it_stands():
    one = {"id": "msg_x"}
    [response] = messages_of(
        answer("a1", "a", None, one | {"usage": USAGE | {"output_tokens": 50}}),
        answer("a2", "b", "a1", one),
    )
    assert response.output_tokens == 50
    assert response.content == "a\n\nb"


def test_cache_reads_and_writes_are_part_of_the_input():
    [response] = messages_of(answer("a1", "x"))
    assert response.input_tokens == 3 + 40 + 500
    assert response.cache_read_tokens == 500
    assert response.cache_write_5m_tokens == 30
    assert response.cache_write_1h_tokens == 10
    assert response.output_tokens == 7
    assert response.reasoning_tokens is None
    assert "usage" not in response.metadata
    assert "usage_raw" not in response.metadata


def test_cache_writes_without_a_split_last_five_minutes():
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 9, "output_tokens": 2}
    [response] = messages_of(answer("a1", "x", message={"usage": usage}))
    assert (response.cache_write_5m_tokens, response.cache_write_1h_tokens) == (9, 0)
    assert response.cache_read_tokens is None
    assert response.input_tokens == 10


def test_a_response_without_usage_has_no_tokens():
    [response] = messages_of(answer("a1", "x", message={"usage": None}))
    assert response.input_tokens is None
    assert response.output_tokens is None


def test_parts_are_clamped_to_the_whole_and_the_raw_numbers_kept():
    split = {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 99}
    usage = USAGE | {"cache_creation": split, "output_tokens_details": {"thinking_tokens": 999}}
    [response] = messages_of(answer("a1", "x", message={"usage": usage}))
    assert response.cache_write_5m_tokens + response.cache_write_1h_tokens == 40
    assert response.reasoning_tokens == response.output_tokens == 7
    assert response.metadata["usage_raw"] == usage


@pytest.mark.parametrize("bad", [-1, 2**63, 10**400, 1.5, True, "7", [7], {"n": 7}])
def test_a_count_that_is_none_is_left_out_and_kept_raw(bad):
    usage = USAGE | {"output_tokens": bad}
    [response] = messages_of(answer("a1", "x", message={"usage": usage}))
    assert response.output_tokens is None
    assert response.input_tokens == 543
    assert "output_tokens" in response.metadata["usage_raw"]


def test_counts_that_only_together_are_too_great_are_left_out():
    usage = USAGE | {"input_tokens": 2**63 - 1}
    [response] = messages_of(answer("a1", "x", message={"usage": usage}))
    assert response.input_tokens is None
    assert response.cache_read_tokens is None
    assert response.metadata["usage_raw"] == usage


def test_what_is_out_of_the_ordinary_in_a_usage_is_kept():
    unusual = {
        "service_tier": "priority",
        "speed": "standard",
        "inference_geo": "not_available",
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "iterations": [{}],
    }
    [response] = messages_of(answer("a1", "x", message={"usage": USAGE | unusual}))
    assert response.metadata["usage"] == {
        "service_tier": "priority",
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    }


def test_an_error_in_place_of_an_answer_has_no_model_and_no_usage():
    [message] = messages_of(
        answer("a1", "API Error: overloaded", message={"model": "<synthetic>"}),
    )
    assert (message.model, message.provider, message.input_tokens) == ("", "", None)
    assert message.error_message == "API Error: overloaded"
    assert message.metadata["is_synthetic"] is True


def test_a_flagged_error_is_one_whatever_it_says():
    [message] = messages_of(
        answer("a1", "no luck", message={"model": "<synthetic>"}, isApiErrorMessage=True)
    )
    assert message.error_message == "no luck"


def test_the_cost_that_old_versions_wrote_is_kept():
    assert messages_of(answer("a1", "x", costUSD=0.0123))[0].cost == 0.0123
    odd = messages_of(answer("a1", "x", costUSD="free"))[0]
    assert odd.cost is None
    assert odd.metadata["cost_raw"] == "free"


def test_latency_is_the_time_since_the_prompt_or_the_tool_result():
    messages = messages_of(
        user("u1", "look"),
        record("system", "s2", "u1", content="hook ran"),
        answer("a4", [call()], "s2"),
        result("u5", "ok", "a4"),
        answer("a9", "fine", "u5"),
    )
    assert [message.latency_ms for message in messages] == [None, None, 3000, None, 4000]


def test_latency_is_unknown_where_time_steps_back_or_nobody_asked():
    messages = messages_of(
        user("u5", "look"), answer("a4", "early", "u5"), answer("a6", "more", "a4")
    )
    assert [message.latency_ms for message in messages] == [None, None, None]


# -- tools -----------------------------------------------------------------------------------------


def test_a_tool_result_is_no_turn_of_the_user():
    _, _, message = messages_of(
        user("u1", "look"),
        answer("a2", [call()], "u1"),
        result("u3", [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], "a2"),
    )
    assert (message.role, message.content_type) == ("tool", "tool_result")
    assert message.content == "one\n\ntwo"
    assert message.metadata["tool_call_ids"] == ["toolu_1"]
    assert "is_error" not in message.metadata
    assert not message.is_hidden


def test_a_failed_tool_says_so():
    block = {"type": "tool_result", "tool_use_id": "t", "content": "no such file", "is_error": True}
    [message] = messages_of(user("u1", [block]))
    assert message.metadata["is_error"] is True


def test_a_response_that_only_calls_tools_is_a_tool_call():
    [message] = messages_of(answer("a1", [call()]))
    assert message.content_type == "tool_call"
    assert message.content == ""
    assert "blocks" not in message.metadata


def test_tools_that_the_provider_runs_are_calls_too():
    search = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"q": "tea"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"url": "u"}]}
    [message] = messages_of(answer("a1", [search, found]))
    assert message.tool_calls == [
        {
            "id": "srv_1",
            "name": "web_search",
            "arguments": {"q": "tea"},
            "type": "server_tool_use",
        }
    ]
    assert message.metadata["other_blocks"] == [found]


def test_text_beside_a_tool_result_stays_with_the_user():
    block = {"type": "tool_result", "tool_use_id": "t", "content": "partial"}
    [message] = messages_of(user("u1", [block, {"type": "text", "text": "stop that"}]))
    assert (message.role, message.content) == ("user", "stop that")
    assert message.metadata["tool_results"] == [{"id": "t", "text": "partial", "is_error": False}]


def test_the_richer_result_is_kept_without_what_the_text_says_already():
    rich = {"stdout": "a.py", "stderr": "", "interrupted": False, "durationMs": 12}
    [message] = messages_of(result("u1", "a.py", None, toolUseResult=rich))
    assert message.metadata["tool_use_result"] == {"interrupted": False, "durationMs": 12}


@pytest.mark.parametrize("same", ["a.py", "Error: a.py", "", None, {"stdout": "a.py"}])
def test_a_richer_result_that_says_nothing_more_is_left_out(same):
    [message] = messages_of(result("u1", "a.py", None, toolUseResult=same))
    assert "tool_use_result" not in message.metadata


def test_of_a_large_result_the_small_parts_are_kept():
    rich = {"agentId": "ab12", "totalTokens": 3, "content": "x" * 5000, "patch": ["y" * 5000]}
    [message] = messages_of(result("u1", "short", None, toolUseResult=rich))
    assert message.metadata["tool_use_result"] == {
        "agentId": "ab12",
        "totalTokens": 3,
        "omitted": ["content", "patch"],
    }


def test_pictures_are_described_and_never_stored():
    content = b"not really a picture" * 10
    picture = base64.b64encode(content).decode()
    source = {"type": "base64", "media_type": "image/png", "data": picture}
    rich = {"type": "image", "file": {"base64": picture, "type": "image/png"}}
    prompt, _, shot = session = messages_of(
        user("u1", [{"type": "text", "text": "see"}, {"type": "image", "source": source}]),
        answer("a2", [call()], "u1"),
        result("u3", [{"type": "image", "source": source}], "a2", toolUseResult=rich),
    )
    described = {
        "type": "image",
        "media_type": "image/png",
        "size": 200,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert prompt.content == "see"
    assert prompt.metadata["attachments"] == shot.metadata["attachments"] == [described]
    assert shot.metadata["tool_use_result"]["file"]["base64"]["size"] == 200
    assert picture not in repr(session)


# -- what is shown and what is not -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<command-name>/model</command-name>",
        "<local-command-stdout>ok</local-command-stdout>",
        "  <system-reminder>eat well</system-reminder>",
        "<task-notification>done</task-notification>",
        "Caveat: The messages below were generated by a command.",
        "",
    ],
)
def test_text_that_nobody_typed_is_hidden(text):
    shown, hidden = messages_of(user("u1", "typed"), user("u2", text, "u1"))
    assert not shown.is_hidden
    assert hidden.is_hidden


def test_meta_records_are_hidden_and_marked():
    [message] = messages_of(user("u1", "behind the scenes", isMeta=True))
    assert message.is_hidden
    assert message.metadata["is_meta"] is True


def test_a_compaction_summary_is_hidden_and_a_summary():
    boundary = record(
        "system",
        "s2",
        None,
        subtype="compact_boundary",
        content="compacted",
        logicalParentUuid="u1",
    )
    text, note, summary = messages_of(
        user("u1", "long talk"),
        boundary,
        user("u3", "So far: much.", "s2", isCompactSummary=True, isVisibleInTranscriptOnly=True),
    )
    assert (summary.content_type, summary.is_hidden, summary.role) == ("summary", True, "user")
    # The boundary starts a new root, which points back to where the talk was.
    assert note.parent_key == text.key
    assert note.metadata["subtype"] == "compact_boundary"


def test_system_records_are_events():
    said, silent, meta, failed = messages_of(
        record("system", "s1", content="hook ran", level="info"),
        record("system", "s2", "s1", subtype="turn_duration", durationMs=1200),
        record("system", "s3", "s2", content="quiet", isMeta=True),
        record("system", "s4", "s3", content="went wrong", subtype="api_error", level="error"),
    )
    assert {message.content_type for message in (said, silent, meta, failed)} == {"event"}
    assert [message.is_hidden for message in (said, silent, meta, failed)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert silent.metadata["extra"] == {"durationMs": 1200}
    assert failed.error_message == "went wrong"


def test_a_prompt_typed_while_a_tool_ran_is_a_prompt():
    queued = {"type": "queued_command", "prompt": "also the tests", "commandMode": "prompt"}
    [message] = messages_of(record("attachment", "u1", attachment=queued))
    assert (message.role, message.content, message.is_hidden) == ("user", "also the tests", False)


def test_other_attachments_are_hidden_context():
    hook = {"type": "hook_success", "content": "", "stdout": "ready", "exitCode": 0}
    [message] = messages_of(record("attachment", "u1", attachment=hook))
    assert (message.role, message.content_type) == ("system", "context")
    assert (message.content, message.is_hidden) == ("ready", True)
    assert message.metadata["attachment"] == {"type": "hook_success", "exitCode": 0}


def test_book_keeping_is_counted_and_not_told():
    session = session_of(
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
        user("u1", "hello"),
        record("progress", "p2", "u1", data={"type": "hook_progress"}),
        record("progress", "p3", "p2", data={"type": "hook_progress"}),
        {"type": "pr-link", "sessionId": SESSION, "prNumber": 7},
        {"type": "pr-link", "sessionId": SESSION, "prNumber": 8},
        answer("a4", "hi", "p3"),
    )
    assert session.metadata["records"] == {
        "progress": 2,
        "pr-link": 2,
        "file-history-snapshot": 1,
    }
    assert session.metadata["states"] == {"pr-link": {"prNumber": 8}}
    # The graph runs through them all the same.
    assert session.messages[1].parent_key == "u1"


def test_an_unknown_kind_of_record_is_kept_whole_and_hidden():
    strange = record("telepathy", "t1", wave=[1, 2])
    [message] = messages_of(strange)
    assert (message.role, message.content_type, message.is_hidden) == ("system", "event", True)
    assert message.metadata["record"] == strange


def test_unknown_fields_of_known_records_are_kept():
    [message] = messages_of(user("u1", "x", mood="good", void=[], todos=[{"id": 1}]))
    assert message.metadata["extra"] == {"mood": "good", "todos": [{"id": 1}]}


# -- order and branches ----------------------------------------------------------------------------


def test_messages_stand_in_the_order_of_the_file():
    messages = messages_of(user("u9", "first"), answer("a5", "then", "u9"), user("u1", "last"))
    assert [message.content for message in messages] == ["first", "then", "last"]


def test_a_withdrawn_prompt_and_what_followed_it_leave_the_active_path():
    messages = messages_of(
        user("u1", "start"),
        answer("a2", "ready", "u1"),
        user("u3", "paint it red", "a2"),
        answer("a4", "red now", "u3"),
        user("u5", "paint it blue", "a2"),
        answer("a6", "blue now", "u5"),
    )
    assert [m.content for m in messages if not m.is_active_path] == ["paint it red", "red now"]


def test_parallel_tool_calls_withdraw_nothing():
    one = {"id": "msg_x"}
    messages = messages_of(
        user("u1", "look"),
        answer("a2", [call(id="t1")], "u1", one),
        answer("a3", [call(id="t2")], "a2", one),
        result("u4", "one", "a2", "t1"),
        result("u5", "two", "a3", "t2"),
        answer("a6", "done", "u5"),
    )
    assert all(message.is_active_path for message in messages)
    assert len(messages[1].tool_calls) == 2


def test_a_circle_of_parents_is_cut():
    messages = messages_of(
        user("u1", "a", "u3"), user("u2", "b", "u1"), user("u3", "c", "u2"), user("u4", "d", "u4")
    )
    parents = {message.key: message.parent_key for message in messages}
    assert list(parents.values()).count(None) == 2
    for key in parents:
        for _ in parents:
            key = parents[key] if key else None
        assert key is None


def test_a_parent_that_stands_later_in_the_file_is_a_parent():
    first, _ = messages_of(user("u1", "child", "u2"), user("u2", "parent"))
    assert first.parent_key == "u2"


def test_a_record_written_twice_counts_once():
    one = user("u1", "hello")
    messages = messages_of(one, answer("a2", "hi", "u1"), one, answer("a2", "hi", "u1"))
    assert [message.content for message in messages] == ["hello", "hi"]


def test_a_record_without_uuid_has_the_same_key_in_every_copy():
    odd = user("", "no id")
    one, two = messages_of(odd, odd)
    again = messages_of(user("u1", "before"), odd)[1]
    assert one.key.startswith(f"{SESSION}:")
    assert one.key == again.key
    assert two.key == f"{one.key}:2"


def test_two_messages_cannot_have_one_id():
    rejected, session = read(user("u1", "a"), answer("a2", "b", "u1", {"id": "u1"}))
    assert rejected == Rejected("log.jsonl, line 2", "u1 is the id of another message")
    assert len(session.messages) == 1


def test_a_longer_copy_of_a_file_keeps_the_keys():
    records = [user("u1", "a"), answer("a2", "b", "u1"), result("u3", "c", "a2")]
    short = [message.key for message in messages_of(*records[:2])]
    assert [message.key for message in messages_of(*records)][:2] == short


# -- sub-agents ------------------------------------------------------------------------------------


def agent(uuid: str, text: str, **more: Any) -> dict[str, Any]:
    return user(uuid, text, isSidechain=True, agentId="ab12", **more)


def test_a_sub_agent_has_a_session_of_its_own_that_knows_its_start():
    main = as_lines(
        user("u1", "delegate"),
        answer("a2", [call("Task", id="toolu_9", prompt="dig")], "u1"),
        result("u3", "dug", "a2", "toolu_9", toolUseResult={"agentId": "ab12"}),
    )
    side = as_lines(
        agent("u4", "dig"), answer("a5", "digging", "u4", isSidechain=True, agentId="ab12")
    )
    # By name the sub-agent would come first.
    files = [MemoryFile("agent-ab12.jsonl", side), MemoryFile("main.jsonl", main)]
    parent, child = claude_code.read(files)
    assert child.external_id == f"{SESSION}/ab12"
    assert child.parent_external_id == parent.external_id == SESSION
    assert parent.parent_external_id is None
    assert child.title == "dig"
    assert child.metadata["agent_id"] == "ab12"
    assert child.metadata["started_by"] == {"tool_call_id": "toolu_9", "message_key": "msg_a2"}
    assert all(message.is_sidechain for message in child.messages)


def test_the_start_of_a_sub_agent_is_found_in_the_text_of_the_result_too():
    _, child = read(
        answer("a1", [call("Agent")]),
        result("u2", "Launched.\nagentId: ab12 (internal)", "a1"),
        agent("u3", "dig"),
    )
    assert child.metadata["started_by"]["tool_call_id"] == "toolu_1"


def test_files_come_by_name_but_sub_agents_after_their_session():
    files = [
        MemoryFile("z/main.jsonl", as_lines(user("u1", "z"))),
        MemoryFile("a/agent.jsonl", as_lines(agent("u2", "of z"))),
        MemoryFile("m.jsonl", as_lines(user("u3", "m", sessionId="m"))),
        MemoryFile("b/agent.jsonl", as_lines(agent("u4", "of nobody", sessionId="gone"))),
    ]
    titles = [session.title for session in claude_code.read(files)]
    assert titles == ["of nobody", "m", "z", "of z"]


def test_a_side_conversation_of_old_logs_stays_in_its_session():
    session = session_of(
        user("u1", "side task", isSidechain=True),
        user("u2", "main prompt"),
        answer("a3", "x", "u2"),
    )
    assert [message.is_sidechain for message in session.messages] == [True, False, False]
    assert session.title == "main prompt"


def test_of_a_response_in_both_conversations_the_main_one_is_right():
    one = {"id": "msg_x"}
    more = one | {"usage": USAGE | {"output_tokens": 9999}}
    [response] = messages_of(
        answer("a1", "x", None, more, isSidechain=True), answer("a2", "", None, one)
    )
    assert response.output_tokens == 7
    assert not response.is_sidechain


# -- broken files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"type":"user"', "not JSON"),
        (b"nonsense", "not JSON"),
        (b'{"type":"user","x":NaN}', "NaN is no number"),
        (b'{"type":"user"} {}', "more text after the value"),
        (b'"a string"', "the line is text"),
        (b"42", "the line is a number"),
        (b"[1]", "the line is a list"),
        (b'{"silly":"this"}', "type is missing"),
        (b'{"type":7}', "type is a number"),
        (b'{"type":"user","uuid":"x","message":7,"sessionId":"s"}', "message is a number"),
        (b'{"type":"user","uuid":"x","sessionId":"s"}', "message is missing"),
    ],
)
def test_a_bad_line_is_rejected_by_number_and_the_rest_goes_on(line, reason):
    rejected, session = read(user("u1", "before"), line, user("u2", "after", "u1"))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "log.jsonl, line 2"
    assert reason in rejected.reason
    assert [message.content for message in session.messages] == ["before", "after"]


@pytest.mark.parametrize(
    "bad",
    [
        {"message": {"role": "user", "content": True}},
        {"message": {"role": "user", "content": {"text": "x"}}},
        {"message": {"role": "user"}},
        {"message": {"role": "user", "content": [3]}},
        {"message": {"role": "user", "content": [{"type": "text", "text": 3}]}},
        {"message": {"role": "user", "content": [{"type": "tool_result", "content": 3}]}},
        {"timestamp": {"at": "noon"}},
        {"timestamp": [1]},
        {"parentUuid": ["u1"]},
        {"uuid": 7},
        {"sessionId": 7},
        {"isSidechain": "yes"},
        {"isMeta": 1},
        {"isSidechain": True, "agentId": []},
        {"type": "assistant", "message": {"id": 7, "content": []}},
        {"type": "assistant", "message": {"id": "m", "content": [], "usage": [1]}},
        {"type": "assistant", "message": {"id": "m", "content": [], "model": 4}},
        {"type": "assistant", "message": {"id": "m", "content": [], "stop_reason": {}}},
        {"type": "assistant", "message": [], "requestId": 4},
        {"type": "system", "subtype": 4},
        {"type": "attachment", "attachment": "x"},
        {"type": "attachment", "attachment": {"type": "queued_command", "prompt": 4}},
    ],
)
def test_a_value_of_the_wrong_type_rejects_its_record_only(bad):
    rejected, session = read(user("u1", "before"), user("u2", "x", "u1") | bad, user("u3", "after"))
    assert isinstance(rejected, Rejected)
    assert rejected.place == "log.jsonl, line 2"
    assert [message.content for message in session.messages] == ["before", "after"]


def test_a_time_that_is_none_is_kept_as_it_stood():
    [message] = messages_of(user("u1", "x", timestamp="tea time"))
    assert message.timestamp is None
    assert message.metadata["timestamp_raw"] == "tea time"


def test_an_unfinished_last_line_is_ignored():
    content = as_lines(user("u1", "whole")) + b'{"type":"user","uuid":"u2","mess'
    [session] = claude_code.read([MemoryFile("live.jsonl", content)])
    assert len(session.messages) == 1


def test_a_last_line_that_only_lacks_its_newline_is_read():
    content = as_lines(user("u1", "whole"), user("u2", "last", "u1")).rstrip(b"\n")
    [session] = claude_code.read([MemoryFile("live.jsonl", content)])
    assert len(session.messages) == 2


def test_blank_lines_and_a_byte_order_mark_do_no_harm():
    content = b"\xef\xbb\xbf" + as_lines(user("u1", "x"), b"", b"  \r", user("u2", "y"))
    [session] = claude_code.read([MemoryFile("dos.jsonl", content)])
    assert len(session.messages) == 2


def test_text_that_cannot_be_stored_is_cleaned():
    line = json.dumps(user("u1", "@")).encode()
    messages = messages_of(
        line.replace(b"@", b"nul \\u0000 high \\ud83d low \\ude00 whole \\ud83d\\ude00"),
        line.replace(b"@", b"raw \xff bytes").replace(b'"u1"', b'"u2"'),
    )
    assert messages[0].content == "nul � high � low � whole \N{GRINNING FACE}"
    assert messages[1].content == "raw � bytes"


def test_nesting_is_refused_beyond_its_limit():
    def nested(levels: int) -> bytes:
        deep = b"[" * levels + b"]" * levels
        return json.dumps(answer("a2", [call(x="@")])).encode().replace(b'"@"', deep)

    assert messages_of(nested(60))[0].tool_calls
    for levels in (100, 1000, 100_000):
        rejected, session = read(nested(levels), user("u1", "after"))
        assert rejected == Rejected("log.jsonl, line 1", "nested deeper than 64 levels")
        assert len(session.messages) == 1


def test_a_huge_line_is_refused_without_holding_it(monkeypatch):
    monkeypatch.setattr("conversations.importers.reading.json_values.MAX_LINE_BYTES", 1000)
    rejected, session = read(user("u1", "x" * 5000), user("u2", "after"))
    assert rejected.place == "log.jsonl, line 1"
    assert "longer than" in rejected.reason
    assert [message.content for message in session.messages] == ["after"]


# -- recognition -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        [user("u1", "hello")],
        [{"type": "summary", "summary": "Tea", "leafUuid": "u1"}],
        [{"type": "file-history-snapshot", "messageId": "m", "snapshot": {}}],
        [{"type": "queue-operation", "operation": "enqueue", "sessionId": "s", "content": "x"}],
        [b"junk", b"", b"42", user("u1", "hello")],
        [user("u1", "x" * 100_000)],
        [{"type": "file-history-snapshot", "messageId": "m", "snapshot": {"x": "y" * 100_000}}],
    ],
)
def test_a_log_is_recognised_by_what_stands_in_it(lines):
    assert claude_code.recognises(as_lines(*lines)[: 64 * 1024])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"{}\n",
        b"hello\n",
        b'[{"title":"x","mapping":{}}]',
        b'{"timestamp":"2026-01-01","type":"session_meta","payload":{}}\n',
        b'{"sessionId":"s","projectHash":"p","messages":[]}',
        b'{"messages":[{"role":"user","content":"parentUuid sessionId"}]}\n',
        b'{"text":"{\\"parentUuid\\":1,\\"sessionId\\":2}',
        b"\x89PNG\r\n",
    ],
)
def test_other_files_are_not_taken_for_logs(content):
    assert not claude_code.recognises(content)
