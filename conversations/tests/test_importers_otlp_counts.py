"""What a traced call used, cost and took, and what tools gave back."""

from __future__ import annotations

import json

import pytest

from .otlp_requests import chat, event, message, session_of, span, spoken, usage

ASKED = [{"id": "c1", "name": "weather", "arguments": {"city": "Paris"}}]


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        (
            {
                **usage(100, 20),
                "gen_ai.usage.cache_read.input_tokens": 60,
                "gen_ai.usage.cache_write.input_tokens": 10,
                "gen_ai.usage.reasoning.output_tokens": 5,
            },
            (100, 20, 60, 10, 5),
        ),
        (
            {
                "gen_ai.usage.prompt_tokens": 100,
                "gen_ai.usage.completion_tokens": 20,
                "llm.usage.total_tokens": 120,
                "gen_ai.usage.cache_read_input_tokens": 60,
                "gen_ai.usage.cache_creation_input_tokens": 10,
                "gen_ai.usage.reasoning_tokens": 5,
            },
            (100, 20, 60, 10, 5),
        ),
        (
            {
                "llm.token_count.prompt": 100,
                "llm.token_count.completion": 20,
                "llm.token_count.prompt_details.cache_read": 60,
                "llm.token_count.completion_details.reasoning": 5,
            },
            (100, 20, 60, None, 5),
        ),
        (
            {
                "ai.usage.inputTokens": 100,
                "ai.usage.outputTokens": 20,
                "ai.usage.cachedInputTokens": 60,
                "ai.usage.reasoningTokens": 5,
            },
            (100, 20, 60, None, 5),
        ),
        (
            {"ai.usage.promptTokens": 100, "ai.usage.completionTokens": 20.0},
            (100, 20) + (None,) * 3,
        ),
        (
            {
                "langfuse.observation.usage_details": json.dumps(
                    {
                        "prompt_tokens": 100,
                        "completion_tokens": 20,
                        "total_tokens": 120,
                        "prompt_tokens_details": {"cached_tokens": 60},
                        "completion_tokens_details": {"reasoning_tokens": 5},
                    }
                )
            },
            (100, 20, 60, None, 5),
        ),
        (
            {
                "langfuse.observation.usage_details": json.dumps(
                    {"input": 40, "input_cached_tokens": 60, "output": 20, "total": 120}
                )
            },
            (100, 20, 60, None, None),
        ),
        ({"ai.usage.inputTokens": "NaN", "ai.usage.outputTokens": "NaN"}, (None,) * 5),
        ({}, (None,) * 5),
    ],
)
def test_tokens_are_read_in_every_dialect(attributes, counts):
    answer = session_of(span(1, {"gen_ai.operation.name": "chat", **attributes})).messages[0]

    assert counts == (
        answer.input_tokens,
        answer.output_tokens,
        answer.cache_read_tokens,
        answer.cache_write_5m_tokens,
        answer.reasoning_tokens,
    )
    assert "usage_raw" not in answer.metadata


def test_anthropics_own_count_gets_the_cache_that_it_leaves_out():
    counts = {
        **usage(5, 20),
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 10,
    }
    raw = session_of(span(1, chat(**{"gen_ai.provider.name": "anthropic", **counts})))
    of_others = session_of(span(1, chat(**counts)))

    assert raw.messages[1].input_tokens == 75
    assert of_others.messages[1].input_tokens == 5
    assert "usage_raw" in of_others.messages[1].metadata


def test_counts_of_a_wrong_type_are_kept_as_they_were():
    answer = session_of(span(1, chat(**{"gen_ai.usage.input_tokens": "many"}))).messages[1]

    assert answer.input_tokens is None
    assert answer.metadata["usage_raw"] == {"gen_ai.usage.input_tokens": "many"}


@pytest.mark.parametrize(
    ("attributes", "cost"),
    [
        ({"operation.cost": 0.25}, 0.25),
        ({"llm.cost.total": 0.25, **usage(1, 1)}, 0.25),
        ({"langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}'}, 0.75),
        ({"langfuse.observation.cost_details": '{"input": 0.1, "total": 0.5}'}, 0.5),
        ({"operation.cost": 0.0, **usage(1, 1)}, None),
        ({"operation.cost": 0.0}, None),
        ({"operation.cost": "dear"}, None),
    ],
)
def test_the_recorded_cost_counts_unless_it_is_nothing_for_want_of_a_price(attributes, cost):
    assert session_of(span(1, chat(**attributes))).messages[1].cost == cost


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.25}, []),
        ({"ai.response.msToFirstChunk": 250.2}, []),
        ({}, [event("First Token Stream Event", after_ms=250)]),
        ({}, [event("llm.content.completion.chunk", after_ms=n) for n in (250, 300)]),
        ({"langfuse.observation.completion_start_time": '"2025-10-09T08:53:21.250000Z"'}, []),
    ],
)
def test_the_time_to_the_first_token_is_kept(attributes, events):
    answer = session_of(span(1, chat(**attributes), events=events)).messages[1]

    assert answer.metadata["time_to_first_token_ms"] == 250


def test_a_call_without_an_end_has_no_latency():
    answer = session_of(span(1, chat(), endTimeUnixNano=None)).messages[1]

    assert answer.latency_ms is None


def test_a_failed_call_says_why():
    error = event("exception", {"exception.type": "Timeout", "exception.message": "too slow"})
    failed = {"status": {"code": 2, "message": "oh"}}
    told = session_of(span(1, chat(answered=[]), events=[error], **failed))
    plain = session_of(span(1, chat(answered=[]), **failed))
    fine = session_of(span(1, chat(), events=[error]))

    assert told.messages[1].error_message == "Timeout: too slow"
    assert plain.messages[1].error_message == "oh"
    assert fine.messages[1].error_message == ""


@pytest.mark.parametrize("reasons", [["stop"], '["stop"]', "stop"])
def test_the_reason_to_finish_is_read_from_a_list_or_text(reasons):
    answer = session_of(span(1, chat(**{"gen_ai.response.finish_reasons": reasons}))).messages[1]

    assert answer.finish_reason == "stop"


# -- tools -----------------------------------------------------------------------------------------


def tool_call() -> list[dict]:
    return [{"role": "assistant", "parts": [{"type": "tool_call", **ASKED[0]}]}]


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.result": "rain",
        },
        {"gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "c1", "tool_response": "rain"},
        {"openinference.span.kind": "TOOL", "tool.name": "weather", "output.value": "rain"},
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.id": "c1",
            "ai.toolCall.result": "rain",
        },
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "weather",
            "traceloop.entity.output": "rain",
        },
    ],
)
def test_what_a_tool_gave_back_is_taken_from_its_span_if_no_call_repeats_it(attributes):
    session = session_of(span(1, chat("hello", tool_call())), span(2, attributes))

    asking, result = session.messages[1:]
    assert asking.tool_calls == ASKED
    assert (result.role, result.content) == ("tool", "rain")
    assert result.metadata["tool_call_ids"] == ["c1"]
    assert result.parent_key == asking.key


def test_what_the_next_call_repeats_is_not_told_again_by_the_span_of_the_tool():
    answer = {"type": "tool_call_response", "id": "c1", "result": "rain"}
    history = [message("user", "hello"), *tool_call(), {"role": "user", "parts": [answer]}]
    tool = {"openinference.span.kind": "TOOL", "tool.name": "weather", "output.value": "rain"}
    session = session_of(
        span(1, chat("hello", tool_call())),
        span(2, tool),
        span(3, tool, parent=2),  # a second library that traces
        span(4, chat(history, "It rains.")),
    )

    assert [role for role, _ in spoken(session)] == ["user", "assistant", "tool", "assistant"]


def test_a_tool_that_failed_and_one_that_nobody_is_known_to_have_called():
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}
    session = session_of(
        span(1, chat()), span(2, tool, status={"code": 2, "message": "broken"}), span(3, tool)
    )

    [result] = [m for m in session.messages if m.role == "tool"]
    assert (result.error_message, result.metadata["is_error"]) == ("broken", True)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.tool.definitions": '[{"type": "function", "name": "weather"}]'},
        {"llm.tools.0.tool.json_schema": '{"type": "function", "name": "weather"}'},
        {"llm.request.functions.0.type": "function", "llm.request.functions.0.name": "weather"},
        {"ai.prompt.tools": ['{"type": "function", "name": "weather"}']},
        {"input.value": '{"tools": [{"type": "function", "name": "weather"}]}'},
    ],
)
def test_the_tools_that_were_offered_are_kept_once_for_the_session(attributes):
    session = session_of(span(1, chat("a", **attributes)), span(2, chat("b", **attributes)))

    assert session.metadata["tools"] == [{"type": "function", "name": "weather"}]
