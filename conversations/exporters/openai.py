"""Examples for fine-tuning chat models, as OpenAI takes them.

https://platform.openai.com/docs/guides/supervised-fine-tuning
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from conversations.reading import Row

from .chats import Chat
from .dialogues import dialogue
from .own import line
from .turns import Call, Turn, json_text


def as_openai(chats: Iterable[Chat]) -> Iterator[bytes]:
    """Yield `{"messages": [...], "tools": [...]}` for each session that has an answer, a line each.

    What counts of a session, `dialogue` says; `tools` are there if the session knows them.
    """
    for chat in chats:
        if turns := dialogue(chat):
            example: Row = {"messages": [_message(said) for said in turns]}
            if tools := tools_of(chat.session):
                example["tools"] = tools
            yield line(example)


def _message(said: Turn) -> Row:
    if said.results:
        [result] = said.results
        return {"role": "tool", "tool_call_id": result.call_id, "content": result.text}
    if said.calls:
        calls = [_tool_call(call) for call in said.calls]
        return {"role": said.role, "content": said.text or None, "tool_calls": calls}
    return {"role": said.role, "content": said.text}


def _tool_call(call: Call) -> Row:
    given = call.arguments if isinstance(call.arguments, str) else json_text(call.arguments)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": given},
    }


def tools_of(session: Row) -> list[Row]:
    """Return the tools that were on offer in a session, as far as their definitions are known."""
    metadata = session["metadata"]
    tools = metadata.get("tools") if isinstance(metadata, dict) else None
    found = map(_tool, tools if isinstance(tools, list) else ())
    return [tool for tool in found if tool]


def _tool(value: Any) -> Row | None:
    """Read a definition as OpenAI's two interfaces and Anthropic write it."""
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    inner = inner if isinstance(inner, dict) else value
    if not isinstance(inner.get("name"), str):
        return None
    function = {"name": inner["name"]}
    for name, key in (
        ("description", "description"),
        ("parameters", "parameters"),
        ("parameters", "input_schema"),
        ("strict", "strict"),
    ):
        if inner.get(key) is not None:
            function[name] = inner[key]
    return {"type": "function", "function": function}
