"""What was said in a traced call is found in whatever form it was recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conversations.importers.records import MessageRecord

from .otlp_requests import chat, event, message, session_of, span, spoken

CALLS = [{"id": "c1", "name": "weather", "arguments": {"city": "Paris"}}]
BARE = {"gen_ai.operation.name": "chat"}


def said(attributes: dict[str, Any], *events: Any) -> list[tuple[str, str]]:
    return spoken(session_of(span(1, BARE | attributes, events=list(events))))


def answer(attributes: dict[str, Any]) -> MessageRecord:
    return session_of(span(1, BARE | attributes)).messages[-1]


def test_parts_of_every_type():
    parts = [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "Looking."},
        {"type": "tool_call", "id": "c1", "name": "weather", "arguments": '{"city": "Paris"}'},
        {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGk="},
        {"type": "novelty", "x": 1},
    ]
    spoken = answer(
        chat(answered=[{"role": "assistant", "parts": parts, "finish_reason": "length"}])
    )

    assert spoken.content == "Looking."
    assert spoken.metadata["thinking"] == ["Hm."]
    assert spoken.tool_calls == CALLS
    assert spoken.metadata["attachments"][0]["media_type"] == "image/png"
    assert spoken.metadata["other_blocks"] == [{"type": "novelty", "x": 1}]
    assert spoken.finish_reason == "length"


@pytest.mark.parametrize(
    "instructions", ['[{"type": "text", "content": "Be brief."}]', "Be brief."]
)
def test_system_instructions_come_first_and_once(instructions):
    with_own = [message("system", "Be brief."), message("user", "hello")]
    for words in ("hello", with_own):
        session = session_of(span(1, chat(words, **{"gen_ai.system_instructions": instructions})))
        assert spoken(session)[:2] == [("system", "Be brief."), ("user", "hello")]
        assert len(session.messages) == 3
        assert session.system_prompt == "Be brief."


def test_messages_that_are_structured_instead_of_text():
    assert said(
        {
            "gen_ai.input.messages": [message("user", "hello")],
            "gen_ai.output.messages": [message("assistant", "hi")],
        }
    ) == [("user", "hello"), ("assistant", "hi")]


def test_json_that_was_cut_off_is_kept_as_text():
    cut = '[{"role": "user", "parts": [{"type": "te'

    assert said({"gen_ai.input.messages": cut})[0] == ("user", cut)


def test_json_that_is_nested_too_deep_is_kept_as_text():
    deep = "[" * 70 + "]" * 70

    assert said({"gen_ai.prompt": deep}) == [("user", deep), ("assistant", "")]


def test_messages_of_no_known_form_are_kept_as_text():
    assert said({"gen_ai.input.messages": "[1, 2]"})[0] == ("user", "[1, 2]")
    assert said({"gen_ai.input.messages": '[{"role": "user", "content": 7}]'})[0] == (
        "user",
        '[{"role": "user", "content": 7}]',
    )


def test_openinference_in_numbered_names_ten_after_nine():
    attributes = {}
    for number in [10, *range(10)]:
        attributes |= {
            f"llm.input_messages.{number}.message.role": "assistant" if number % 2 else "user",
            f"llm.input_messages.{number}.message.content": str(number),
        }

    assert [text for _, text in said(attributes)][:-1] == [str(number) for number in range(11)]


def test_openinference_with_parts_pictures_and_calls():
    put, out = "llm.input_messages.0.message.", "llm.output_messages.0.message."
    call = f"{out}tool_calls.0.tool_call."
    session = session_of(
        span(
            1,
            {
                "openinference.span.kind": "LLM",
                f"{put}role": "user",
                f"{put}contents.0.message_content.type": "text",
                f"{put}contents.0.message_content.text": "Look",
                f"{put}contents.1.message_content.type": "image",
                f"{put}contents.1.message_content.image.image.url": "data:image/png;base64,aGk=",
                f"{out}role": "assistant",
                f"{call}id": "c1",
                f"{call}function.name": "weather",
                f"{call}function.arguments": '{"city": "Paris"}',
            },
        )
    )

    question, spoken = session.messages
    assert question.content == "Look"
    assert question.metadata["attachments"][0]["size"] == 2
    assert spoken.tool_calls == CALLS
    assert spoken.content_type == "tool_call"


def test_openinference_with_the_bodies_alone():
    sent = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hello"},
        ],
    }
    got = {
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]
    }

    assert said({"input.value": json.dumps(sent), "output.value": json.dumps(got)}) == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", "hi"),
    ]
    assert said({"input.value": "hello", "output.value": '{"weather": "fine"}'}) == [
        ("user", "hello"),
        ("assistant", '{"weather": "fine"}'),
    ]


def test_a_body_of_the_responses_api():
    sent = {"model": "m", "input": "hello", "instructions": "Be brief."}
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "hi"}],
        },
    ]

    assert said(
        {"input.value": json.dumps(sent), "output.value": json.dumps({"output": output})}
    ) == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", "hi"),
    ]


def test_traceloop_in_numbered_names():
    spoken = said(
        {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "Be brief.",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": '[{"type": "text", "text": "hello"}]',
            "gen_ai.prompt.2.role": "assistant",
            "gen_ai.prompt.2.tool_calls.0.id": "c1",
            "gen_ai.prompt.2.tool_calls.0.name": "weather",
            "gen_ai.prompt.2.tool_calls.0.arguments": '{"city": "Paris"}',
            "gen_ai.prompt.3.role": "tool",
            "gen_ai.prompt.3.tool_call_id": "c1",
            "gen_ai.prompt.3.content": "rain",
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.content": "It rains.",
            "gen_ai.completion.0.finish_reason": "stop",
        }
    )

    assert spoken == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", ""),
        ("tool", "rain"),
        ("assistant", "It rains."),
    ]


@pytest.mark.parametrize("output", ["hi", {"role": "assistant", "content": "hi"}])
def test_langfuse(output):
    put = {"messages": [{"role": "user", "content": "hello"}], "tools": []}
    for words in (put, put["messages"]):
        assert said(
            {
                "langfuse.observation.input": json.dumps(words),
                "langfuse.observation.output": output if output == "hi" else json.dumps(output),
            }
        ) == [("user", "hello"), ("assistant", "hi")]


def test_vercel():
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hello"}]},
    ]
    call = {"toolCallId": "c1", "toolName": "weather", "input": '{"city": "Paris"}'}
    session = session_of(
        span(1, {"ai.operationId": "ai.generateText", "ai.prompt": '{"prompt": "hello"}'}),
        span(
            2,
            {
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.model.provider": "openai.responses",
                "ai.model.id": "gpt-5",
                "ai.prompt.messages": json.dumps(history),
                "ai.response.text": "Looking.",
                "ai.response.toolCalls": json.dumps([call]),
                "ai.response.finishReason": "tool-calls",
            },
            parent=1,
        ),
    )

    assert spoken(session) == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", "Looking."),
    ]
    assert session.messages[2].tool_calls == CALLS
    assert session.messages[2].finish_reason == "tool-calls"
    assert (session.provider, session.model) == ("openai", "gpt-5")


def test_pydantic_ai_of_the_first_version_in_a_list_of_events():
    events = [
        {"event.name": "gen_ai.system.message", "content": "Be brief.", "role": "system"},
        {"event.name": "gen_ai.user.message", "content": "hello", "role": "user"},
        {
            "event.name": "gen_ai.choice",
            "index": 0,
            "message": {"role": "assistant", "content": "hi"},
        },
    ]

    assert said({"events": json.dumps(events)}) == [
        ("system", "Be brief."),
        ("user", "hello"),
        ("assistant", "hi"),
    ]


@pytest.mark.parametrize(
    "events",
    [
        [
            event("gen_ai.user.message", {"gen_ai.event.content": '{"content": "hello"}'}),
            event(
                "gen_ai.choice",
                {"gen_ai.event.content": '{"message": {"content": "hi"}}'},
                after_ms=5,
            ),
        ],
        [
            event("gen_ai.choice", {"message": '[{"text": "hi"}]'}, after_ms=5),
            event("gen_ai.user.message", {"content": '[{"text": "hello"}]', "gen_ai.system": "x"}),
        ],
        [
            event(
                "gen_ai.content.prompt", {"gen_ai.prompt": '[{"role":"user","content":"hello"}]'}
            ),
            event("gen_ai.content.completion", {"gen_ai.completion": "hi"}),
        ],
        [
            event(
                "gen_ai.client.inference.operation.details",
                {
                    "gen_ai.input.messages": json.dumps([message("user", "hello")]),
                    "gen_ai.output.messages": json.dumps([message("assistant", "hi")]),
                },
            )
        ],
    ],
)
def test_events_of_the_span(events):
    assert said({}, *events) == [("user", "hello"), ("assistant", "hi")]


def test_arguments_encoded_twice_and_a_half_character():
    twice = json.dumps(json.dumps({"city": "Paris"}))
    part = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": twice}
    output = '[{"role": "assistant", "content": "a\\ud83d\\u0000"}]'

    assert answer(chat(answered=[{"role": "assistant", "parts": [part]}])).tool_calls == CALLS
    assert answer({"gen_ai.output.messages": output}).content == "a\ufffd\ufffd"
