"""Results of batches become sessions, with the requests where those are in the same import."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.importers import find, read
from conversations.importers.batches import anthropic_batch, openai_batch
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped

CREATED = 1_760_000_000


def lines_of(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def completion(*texts: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {"index": n, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            for n, text in enumerate(texts or ["Steam."])
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 7,
            "total_tokens": 27,
            "prompt_tokens_details": {"cached_tokens": 16},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    } | more


def output(id: str = "a", body: Any = None, status: int = 200, **more: Any) -> dict[str, Any]:
    return {
        "id": f"batch_req_{id}",
        "custom_id": id,
        "response": {"status_code": status, "request_id": "r", "body": body or completion()},
        "error": None,
    } | more


def request(id: str = "a", text: str = "Why does it whistle?", **body: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    body = {"model": "gpt-4o", "messages": messages, "temperature": 0} | body
    return {"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def result(id: str = "a", type: str = "succeeded", **more: Any) -> dict[str, Any]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "Steam."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "output_tokens": 9,
            "service_tier": "batch",
        },
    }
    more = more or ({"message": message} if type == "succeeded" else {})
    return {"custom_id": id, "result": {"type": type, **more}}


@pytest.fixture
def read_files(tmp_path):
    """Return a function that reads files, by name, with whatever importers recognise them."""

    def of(**files: bytes) -> list[Any]:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        found = find([tmp_path / name for name in files])
        return found.unrecognised + [item for _, item in read(found)]

    return of


@pytest.fixture
def session_of(read_files):
    def of(*values: Any, **files: bytes) -> SessionRecord:
        items = read_files(output=lines_of(*values), **files)
        [session] = [item for item in items if isinstance(item, SessionRecord)]
        return session

    return of


@pytest.fixture
def answer_of(session_of):
    def of(*values: Any) -> MessageRecord:
        return session_of(*values).messages[-1]

    return of


# -- what is what ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "openai", "anthropic"),
    [
        (output(), True, False),
        (output(response=None, error={"code": "batch_expired", "message": "late"}), True, False),
        (request(), True, False),
        (result(), False, True),
        (result(type="expired"), False, True),
        ({"custom_id": "a", "params": {"model": "m", "messages": []}}, False, True),
        ({"requests": [{"custom_id": "a", "params": {"messages": []}}]}, False, True),
        ({"custom_id": "a", "result": {"type": "odd"}}, False, False),
        ({"messages": [{"role": "user", "content": "hi"}]}, False, False),
        ({"id": "a", "response": {}}, False, False),
    ],
)
def test_a_batch_is_known_by_its_names(value, openai, anthropic):
    sample = lines_of(value)
    assert openai_batch.recognises(sample) is openai
    assert anthropic_batch.recognises(sample) is anthropic


# -- OpenAI ----------------------------------------------------------------------------------------


def test_an_output_alone_is_a_session_with_the_answer(session_of, tmp_path):
    session = session_of(output())
    digest = hashlib.sha256(lines_of(output())).hexdigest()
    [answer] = session.messages
    assert session.external_id == f"{digest}/a"
    assert session.place == f"{tmp_path / 'output'}, line 1"
    assert session.title == "a"
    assert session.metadata == {"custom_id": "a"}
    assert session.started_at == datetime.fromtimestamp(CREATED, UTC)
    assert (session.provider, session.model) == ("openai", "gpt-4o-2024-08-06")
    assert (answer.role, answer.content, answer.finish_reason) == ("assistant", "Steam.", "stop")
    assert (answer.input_tokens, answer.output_tokens) == (20, 7)
    assert (answer.cache_read_tokens, answer.reasoning_tokens) == (16, 4)
    assert answer.metadata["service_tier"] == "batch"
    assert answer.metadata["extra"]["ids"]["response"] == "chatcmpl-1"


def test_requests_of_the_same_import_are_the_prompts_in_whatever_order(read_files):
    asked = lines_of(request("a", "First?"), request("b", "Second?"))
    items = read_files(input=asked, output=lines_of(output("b"), output("a")))
    assert [item.title for item in items] == ["Second?", "First?"]
    system, user, answer = items[0].messages
    assert (system.role, system.content, user.content) == ("system", "Be brief.", "Second?")
    assert [user.parent_key, answer.parent_key] == [system.key, user.key]
    assert items[0].system_prompt == "Be brief."
    assert items[0].metadata["extra"]["request"] == {"temperature": 0}


def test_the_answer_has_the_same_key_with_the_requests_and_without(session_of):
    alone = session_of(output())
    joined = session_of(output(), input=lines_of(request()))
    assert alone.external_id == joined.external_id
    assert alone.messages[-1].key == joined.messages[-1].key


def test_ids_that_two_batches_share_are_told_apart_by_the_names_of_the_files(read_files):
    items = read_files(
        monday_in=lines_of(request(text="Monday?")),
        monday_out=lines_of(output()),
        sunday_in=lines_of(request(text="Sunday?")),
        sunday_out=lines_of(output(body=completion("Tea."))),
    )
    assert [(item.title, item.messages[-1].content) for item in items] == [
        ("Monday?", "Steam."),
        ("Sunday?", "Tea."),
    ]


def test_requests_packed_with_gzip_are_found_too(session_of):
    session = session_of(output(), input=gzip.compress(lines_of(request())))
    assert session.title == "Why does it whistle?"


def test_requests_alone_are_skipped(read_files):
    [skipped] = read_files(input=lines_of(request()))
    assert isinstance(skipped, Skipped)
    assert "together with what was answered" in skipped.reason


def test_an_error_is_a_message_with_the_model_that_was_asked(session_of):
    line = output(response=None, error={"code": "batch_expired", "message": "too late"})
    session = session_of(line, input=lines_of(request()))
    answer = session.messages[-1]
    assert answer.error_message == "batch_expired: too late"
    assert (answer.role, answer.content, answer.model) == ("assistant", "", "gpt-4o")
    assert answer.input_tokens is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"type": "invalid", "message": "no such model"}}, "invalid: no such model"),
        ("Bad gateway", "Bad gateway"),
        ({"detail": "odd"}, "HTTP status 502"),
    ],
)
def test_a_status_beyond_400_is_an_error(answer_of, body, message):
    answer = answer_of(output(body=body, status=502))
    assert answer.error_message == message
    assert answer.metadata["extra"]["status_code"] == 502


def test_a_body_of_the_responses_api_has_its_thoughts_and_calls(session_of):
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "model": "gpt-5",
        "status": "completed",
        "instructions": "Think.",
        "output": [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {"type": "function_call", "call_id": "c1", "name": "boil", "arguments": '{"l": 1}'},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "On."}],
            },
        ],
        "usage": {
            "input_tokens": 30,
            "input_tokens_details": {"cached_tokens": 10},
            "output_tokens": 12,
            "output_tokens_details": {"reasoning_tokens": 8},
            "total_tokens": 42,
        },
    }
    session = session_of(output(body=body))
    system, answer = session.messages
    assert (system.role, system.content) == ("system", "Think.")
    assert (answer.content, answer.metadata["thinking"]) == ("On.", ["Hm"])
    assert answer.tool_calls == [{"id": "c1", "name": "boil", "arguments": {"l": 1}}]
    assert (answer.input_tokens, answer.cache_read_tokens) == (30, 10)
    assert (answer.output_tokens, answer.reasoning_tokens) == (12, 8)


def test_groq_says_in_seconds_how_long_it_took(answer_of):
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "queue_time": 0.01, "total_time": 0.1234}
    answer = answer_of(output(body=completion(usage=usage)))
    assert (answer.provider, answer.latency_ms) == ("groq", 123)
    assert answer.metadata["usage"]["queue_time"] == 0.01


def test_the_first_of_several_choices_has_the_counts(session_of):
    first, second = session_of(output(body=completion("Tea.", "Coffee."))).messages
    assert (first.is_active_path, second.is_active_path) == (True, False)
    assert (first.input_tokens, second.input_tokens) == (20, None)


def test_embeddings_are_counted_not_rejected(read_files):
    vectors = {"object": "list", "data": [{"object": "embedding", "embedding": [0.5]}]}
    [skipped] = read_files(output=lines_of(output("a", vectors), output("b", vectors)))
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("2 embeddings")


def test_an_id_that_comes_twice_loses_no_answer(read_files):
    items = read_files(output=lines_of(output(), output(body=completion("Tea."))))
    assert [item.external_id.split("/")[1] for item in items] == ["a", "a#2"]


def test_a_damaged_line_is_kept_and_loses_no_other(read_files):
    bad = b'{"custom_id": "x", "response": {"body": 5}}\n'
    items = read_files(output=lines_of(output("a")) + bad + lines_of(output("b")) + b'{"custom')
    first, rejected, last = items
    assert isinstance(rejected, Rejected)
    assert (rejected.content, rejected.place[-6:]) == (bad, "line 2")
    assert [first.title, last.title] == ["a", "b"]


# -- Anthropic -------------------------------------------------------------------------------------


def test_a_result_counts_cache_reads_and_writes_as_input(session_of):
    session = session_of(result())
    [answer] = session.messages
    assert (session.provider, session.model) == ("anthropic", "claude-sonnet-4-5")
    assert (answer.content, answer.finish_reason) == ("Steam.", "end_turn")
    assert (answer.input_tokens, answer.output_tokens) == (1105, 9)
    assert (answer.cache_read_tokens, answer.cache_write_5m_tokens) == (1000, 100)
    assert answer.metadata["service_tier"] == "batch"


@pytest.mark.parametrize("is_list", [False, True])
def test_requests_of_anthropic_are_lines_or_the_body_that_made_the_batch(session_of, is_list):
    params = {"model": "m", "system": "Be brief.", "messages": [{"role": "user", "content": "Hm?"}]}
    one = {"custom_id": "a", "params": params}
    content = json.dumps({"requests": [one]}).encode() if is_list else lines_of(one)
    session = session_of(result(), input=content)
    assert [m.content for m in session.messages] == ["Be brief.", "Hm?", "Steam."]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (result(type="canceled"), "canceled"),
        (result(type="expired"), "expired"),
        (
            result(
                type="errored",
                error={"type": "error", "error": {"type": "overloaded", "message": "busy"}},
            ),
            "overloaded: busy",
        ),
    ],
)
def test_what_did_not_succeed_is_an_error(answer_of, line, message):
    answer = answer_of(line)
    assert (answer.error_message, answer.content, answer.provider) == (message, "", "anthropic")


# -- damage ----------------------------------------------------------------------------------------

SWAPS = (None, True, -1, 1e300, 10**30, "", "x", [], [1], {}, {"a": []}, "\ud800\0")


def _swapped(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.08:
        return chance.choice(SWAPS)
    if isinstance(value, dict):
        return {key: _swapped(item, chance) for key, item in value.items()}
    return [_swapped(item, chance) for item in value] if isinstance(value, list) else value


def test_damage_raises_nothing(read_files):
    chance = random.Random(7)
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    whole = [
        output(), output(body={"object": "response", "output": []}), request(), result(),
        request("deep", tools=deep), output("deep"),
    ]  # fmt: skip
    for _ in range(120):
        values = [_swapped(value, chance) for value in whole]
        answers, asked = lines_of(*values[:2], *values[3:]), lines_of(values[2], values[4])
        cut = chance.randrange(len(answers))
        for item in read_files(output=answers, cut=answers[:cut], input=asked):
            assert isinstance(item, SessionRecord | Rejected | Skipped)
