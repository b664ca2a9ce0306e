"""Traces of OpenTelemetry become sessions: calls, tokens, tools, whose they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conversations.importers.records import Skipped

from .otlp_requests import (
    START,
    TRACE,
    chat,
    log,
    logs_request,
    message,
    read,
    request,
    session_of,
    span,
    spoken,
    usage,
)


def test_a_call_becomes_a_question_and_an_answer():
    session = session_of(
        span(
            1,
            chat(**usage(12, 3), **{"gen_ai.response.model": "gpt-5-2025-08-07"}),
            name="chat gpt-5",
        ),
        **{"service.name": "kettle"},
    )

    question, answer = session.messages
    assert session.external_id == TRACE
    assert (session.project, session.title) == ("kettle", "hello")
    assert (session.provider, session.model) == ("openai", "gpt-5-2025-08-07")
    assert (question.role, question.content) == ("user", "hello")
    assert question.timestamp == datetime.fromtimestamp(START // 10**9 + 1, UTC)
    assert (answer.input_tokens, answer.output_tokens, answer.latency_ms) == (12, 3, 1000)
    assert answer.cache_read_tokens is None
    assert answer.parent_key == question.key
    assert answer.metadata["requested_model"] == "gpt-5"
    assert session.metadata["writers"] == ["lib 1"]


def test_a_history_that_each_call_repeats_is_told_once_even_across_traces():
    first = [message("user", "one")]
    second = [*first, message("assistant", "1"), message("user", "two")]
    named = {"gen_ai.conversation.id": "talk"}
    session = session_of(
        span(2, chat(second, "2", **named), traceId="ab" * 16),
        span(1, chat(first, "1", **named)),
    )

    assert session.external_id == "talk"
    assert [text for _, text in spoken(session)] == ["one", "1", "two", "2"]


def test_a_later_file_goes_on_with_the_same_keys():
    first = [message("user", "one")]
    second = [*first, message("assistant", "1"), message("user", "two")]
    named = {"session.id": "talk"}
    before = session_of(span(1, chat(first, "1", **named)))
    after = session_of(span(2, chat(second, "2", **named), traceId="ab" * 16))

    assert [m.key for m in after.messages][:2] == [m.key for m in before.messages]


def test_calls_whose_words_were_not_recorded_are_told_apart_in_every_file():
    silent = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **usage(5, 1)}
    both = session_of(span(1, silent), span(2, silent), name="x")
    second = session_of(span(2, silent))

    assert [m.input_tokens for m in both.messages] == [5, 5]
    assert both.messages[1].key == second.messages[0].key
    assert both.title == "work"


# -- whose a call is -------------------------------------------------------------------------------


def test_the_session_is_named_by_the_span_then_those_around_it_then_any_of_the_trace():
    own = span(4, chat("a", "1", **{"session.id": "own"}), parent=1)
    around = span(5, chat("b", "2"), parent=3)
    middle = span(3, {"user.id": "ann"}, parent=2)
    above = span(2, {"langfuse.session.id": "above"})
    stranger = span(6, chat("c", "3"), parent=99)
    root = span(1, {"traceloop.association.properties.thread_id": 7})
    items = read(request(own, around, middle, above, stranger, root))

    assert {item.external_id: spoken(item)[0][1] for item in items} == {
        "own": "a",
        "above": "b",
        "7": "c",
    }
    [of_ann] = [item for item in items if item.external_id == "above"]
    assert of_ann.metadata["user"] == "ann"


def test_spans_come_before_those_around_them_and_in_other_files():
    call = request(span(2, chat(), parent=1))
    around = request(span(1, {"session.id": "s"}))

    assert [getattr(item, "external_id", "") for item in read(call, around)] == ["", "s"]
    assert [getattr(item, "external_id", "") for item in read(around, call)] == ["", "s"]


def test_parents_in_a_circle_end_nothing():
    assert session_of(span(1, chat(), parent=2), span(2, {}, parent=1)).external_id == TRACE


def test_a_name_that_nobody_gave_is_no_project():
    call = span(1, chat(**{"deployment.environment.name": "staging"}))

    assert session_of(call, **{"service.name": "unknown_service:node"}).project == "staging"


def test_a_very_long_session_id_is_shortened():
    session = session_of(span(1, chat(**{"session.id": "x" * 400})))

    assert len(session.external_id) == 64


def test_tags_and_facts_of_the_session_are_kept():
    session = session_of(
        span(1, chat(**{"tag.tags": ["a", "b"], "server.port": 443, "gen_ai.request.top_p": 0.5})),
        span(2, {"langfuse.trace.tags": '["b", "c"]', "langfuse.trace.metadata.team": "x"}),
        **{"host.name": "vm"},
    )

    assert session.tags == ["a", "b", "c"]
    assert session.metadata["extra"] == {"langfuse.trace.metadata.team": "x"}
    assert session.metadata["resource"] == {"host.name": "vm"}
    assert session.messages[1].metadata["extra"] == {"server.port": 443}
    assert session.messages[1].metadata["settings"] == {"top_p": 0.5}


# -- which spans count -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.response.model": "m", **usage(9, 9)},
        {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m", **usage(9, 0)},
        {"openinference.span.kind": "AGENT", "llm.model_name": "m", "llm.token_count.prompt": 9},
        {"langfuse.observation.type": "span", "langfuse.observation.model.name": "m"},
        {"ai.operationId": "ai.generateText", "ai.model.id": "m", "ai.usage.inputTokens": 9},
        {"traceloop.span.kind": "workflow"},
        {"llm.request.type": "rerank", "gen_ai.request.model": "m", **usage(9, 9)},
        {"gen_ai.operation.name": "chat", "logfire.span_type": "pending_span"},
        {"gen_ai.request.model": "m"},
        {},
    ],
)
def test_what_stands_around_calls_is_no_call(attributes):
    [item] = read(request(span(1, attributes)))

    assert item == Skipped("1.json", "holds no call of a model")


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "generate_content"},
        {"openinference.span.kind": "LLM"},
        {"langfuse.observation.type": "generation"},
        {"llm.request.type": "completion"},
        {"ai.operationId": "ai.streamText.doStream"},
        {"gen_ai.operation.name": "something new", "gen_ai.request.model": "m", **usage(9, 9)},
    ],
)
def test_a_call_is_known_by_the_names_of_any_dialect(attributes):
    assert len(session_of(span(1, attributes)).messages) == 1


def test_of_a_call_traced_twice_the_innermost_counts_with_what_only_the_outer_says():
    outer = chat("hello", "hi", **usage(10, 2), **{"gen_ai.conversation.id": "s"})
    inner = {"gen_ai.operation.name": "chat", "gen_ai.response.model": "m-1", **usage(10, 2)}
    session = session_of(
        span(1, outer), span(2, {"http.method": "POST"}, parent=1), span(3, inner, parent=2)
    )

    assert spoken(session) == [("user", "hello"), ("assistant", "hi")]
    assert session.messages[1].model == "m-1"
    assert session.messages[1].metadata["call_id"].endswith("3")


def test_a_stream_that_counts_nothing_gets_the_counts_around_it():
    inner = {"gen_ai.operation.name": "chat", "gen_ai.response.model": "m-1"}
    session = session_of(span(1, chat(**usage(10, 2))), span(2, inner, parent=1))

    assert [m.input_tokens for m in session.messages] == [None, 10]


@pytest.mark.parametrize("counts", [{}, usage(17, 5)])
def test_a_call_that_only_sums_up_those_inside_it_is_not_counted(counts):
    session = session_of(
        span(1, chat("a", "2") | counts),
        span(2, chat("a", "1", **usage(10, 2)), parent=1),
        span(3, chat("b", "2", **usage(7, 3)), parent=1),
    )

    assert [m.input_tokens for m in session.messages if m.role == "assistant"] == [10, 7]


def test_calls_of_different_counts_inside_one_another_all_count():
    session = session_of(
        span(1, chat("a", "1", **usage(10, 2))), span(2, chat("b", "2", **usage(7, 3)), parent=1)
    )

    assert [m.input_tokens for m in session.messages if m.role == "assistant"] == [10, 7]


def test_a_span_exported_twice_counts_once_and_the_fuller_copy_wins():
    unfinished = span(1, {"gen_ai.operation.name": "chat"}, endTimeUnixNano="0")
    whole = span(1, chat(**usage(1, 1)))

    assert len(session_of(unfinished, whole, whole).messages) == 2
    assert len(session_of(whole, unfinished).messages) == 2


# -- log records -----------------------------------------------------------------------------------


def test_log_records_join_their_spans_from_another_file_and_count_once():
    name = "gen_ai.client.inference.operation.details"
    words = {
        "gen_ai.input.messages": [message("user", "hello")],
        "gen_ai.output.messages": [message("assistant", "hi")],
    }
    bare = {"gen_ai.operation.name": "chat", **usage(4, 2)}
    logs = logs_request(log(name, **words), log(name, **words))
    items = read(logs, request(span(1, bare)), logs)

    [session] = items
    assert spoken(session) == [("user", "hello"), ("assistant", "hi")]
    assert session.messages[1].input_tokens == 4


def test_one_log_record_for_each_message():
    asked = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    records = [
        log("gen_ai.system.message", {"content": "Be brief."}),
        log("gen_ai.user.message", {"content": "hello"}),
        log("gen_ai.assistant.message", {"tool_calls": asked}),
        log("gen_ai.tool.message", {"id": "c1", "content": "42"}),
        log(
            "gen_ai.choice",
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "hi"},
            },
        ),
        log("something.else", {"content": "noise"}),
    ]
    [session] = read(
        request(span(1, {"gen_ai.operation.name": "chat", **usage(4, 2)})), logs_request(*records)
    )

    assert spoken(session) == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", ""),
        ("tool", "42"),
        ("assistant", "hi"),
    ]
    assert session.messages[3].metadata["tool_call_ids"] == ["c1"]
    assert session.messages[4].finish_reason == "stop"


def test_log_records_without_their_spans_make_calls_of_their_own():
    name = "gen_ai.client.inference.operation.details"
    details = [log(name, on=n, **chat(f"q{n}", f"a{n}", **usage(n, 1))) for n in (1, 2)]
    outside = log(name, **chat("q3", "a3")) | {"traceId": "", "spanId": ""}
    first, last = read(logs_request(*details, outside))

    assert [text for _, text in spoken(first)] == ["q1", "a1", "q2", "a2"]
    assert [m.input_tokens for m in first.messages] == [None, 1, None, 2]
    assert [text for _, text in spoken(last)] == ["q3", "a3"]


def test_several_calls_logged_in_one_span_that_is_none_are_several():
    name = "gen_ai.client.inference.operation.details"
    [session] = read(
        request(span(1, {"http.route": "/"})),
        logs_request(log(name, **chat("q1", "a1")), log(name, **chat("q2", "a2"))),
    )[1:]

    assert [text for _, text in spoken(session)] == ["q1", "a1", "q2", "a2"]
