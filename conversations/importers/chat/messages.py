"""Messages in the dialects of those who send them to models or write them down."""

from __future__ import annotations

from typing import Any

from ..values.fields import Unusable, kind, present
from ..values.inline import without_bytes
from .parts import RESULTS, read_call, read_content, read_part
from .turns import Turn, as_text, name_in, parsed, role_of

# Where a list of messages stands in an object that holds one.
LISTS = ("messages", "input", "contents", "chat_history", "history", "prompt")
# Items of the Responses API that are no messages; a run of them by the model is one turn.
ITEMS = ("reasoning", "function_call", "custom_tool_call", "mcp_call", "local_shell_call")
LANGCHAIN = ("human", "ai", "system", "tool", "function", "AIMessageChunk", "chat")
READ = {
    "role", "type", "content", "parts", "tool_calls", "toolCalls", "function_call", "tool_call_id",
    "toolCallId", "name", "id", "finish_reason", "finishReason", "stop_reason", "refusal",
    "reasoning_content", "reasoning", "thinking", "text", "status", "is_error", "additional_kwargs",
    "response_metadata", "usage_metadata", "invalid_tool_calls", "annotations", "audio", "index",
    "tool_name", "call_id", "from", "value", "sender",
}  # fmt: skip


def read_turns(value: Any, role: str = "user") -> list[Turn]:
    """Return what a message, a list of messages, or an object or JSON text with either says.

    Plain text is said by `role`. Raises Unusable for what is none of these.
    """
    if isinstance(value, str):
        found = _json(value)
        if isinstance(found, str):
            return [Turn(role, [found])] if found.strip() else []
        value = found
    if value is None:
        return []
    if isinstance(value, dict):
        return _of_object(value, role)
    if not isinstance(value, list):
        return [Turn(role, [as_text(value)])]
    turns: list[Turn] = []
    for item in value:
        if isinstance(item, list):  # LangChain: a list for each of several prompts
            said = read_turns(item, role)
        elif isinstance(item, str):
            said = [Turn(role, [item])]
        elif not isinstance(item, dict):
            raise Unusable(f"a message is {kind(item)}, not an object")
        else:
            said = read_message(item, role)
            if _is_item(item) and turns and said and turns[-1].role == said[0].role == "assistant":
                turns[-1].add(said.pop(0))
        turns += said
    return turns


def read_message(message: dict[str, Any], role: str = "user") -> list[Turn]:
    """Return what one message says: a turn for each tool that answers in it, then the rest.

    `role` is the speaker of a message that names none. Raises Unusable for values of a wrong type.
    """
    message = _unwrapped(message)
    type = name_in(message, "type")
    if type in RESULTS:
        return [_only_result(message)]
    if type in ITEMS or (type.endswith("_call") and "role" not in message):
        turn = Turn("assistant")
        if type == "reasoning":
            read_part(turn, message)
        else:
            turn.tool_calls.append(read_call(message))
        return [turn]
    speaker = message.get("role") or (type if type in LANGCHAIN else None) or message.get("from")
    turn = Turn(role_of(speaker, role))
    results = _read_said(turn, message)
    if turn.role == "tool":
        return [_as_result(turn, message, results)]
    _read_calls(turn, message)
    turn.finish_reason = name_in(message, "finish_reason", "finishReason", "stop_reason")
    turn.name = name_in(message, "name")
    if speaker is not None and role_of(speaker, "") == "":
        turn.extra["role"] = without_bytes(speaker)
    if rest := present({key: message[key] for key in message.keys() - READ}):
        turn.extra |= without_bytes(dict(sorted(rest.items())))
    return results if results and turn.is_empty else [*results, turn]


def _json(text: str) -> Any:
    """Return the messages that stand in text as JSON, which some encode twice; else the text."""
    found: Any = text
    for _ in range(2):
        if not isinstance(found, str) or not found.lstrip().startswith(("{", "[", '"')):
            break
        found = parsed(found)
    is_messages = isinstance(found, dict) or (
        isinstance(found, list) and all(isinstance(item, dict | list) for item in found)
    )
    return found if is_messages else text


def _of_object(value: dict[str, Any], role: str) -> list[Turn]:
    if "role" not in value and "lc" not in value and name_in(value, "type") not in LANGCHAIN:
        for name in LISTS:
            if isinstance(value.get(name), list):
                return read_turns(value[name], role)
    is_message = value.keys() & {"role", "content", "parts", "lc", "message", "from", "tool_calls"}
    if is_message or _is_item(value) or name_in(value, "type") in LANGCHAIN:
        return read_message(value, role)
    for name in (*LISTS, "text", "question", "query", "output"):
        if isinstance(value.get(name), str):
            rest = present({key: value[key] for key in value if key != name})
            return [Turn(role, [value[name]], extra=without_bytes(rest))]
    return [Turn(role, [as_text(value)])]


def _unwrapped(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message inside what a choice, a log event or LangChain wraps around it."""
    inner = message.get("message")
    if isinstance(inner, dict) and "content" not in message and "parts" not in message:
        reason = message.get("finish_reason") or message.get("finishReason")
        message = {**inner, "finish_reason": reason} if reason else inner
    kwargs = message.get("kwargs")
    if "lc" in message and isinstance(kwargs, dict):
        path = message.get("id")
        name = path[-1] if isinstance(path, list) and path and isinstance(path[-1], str) else ""
        class_type = name.removesuffix("Chunk").removesuffix("Message").lower()
        message = {"type": class_type, **kwargs}
    data = message.get("data")
    if name_in(message, "type") in LANGCHAIN and isinstance(data, dict):
        message = {**data, "type": message["type"]}
    return message


def _is_item(item: dict[str, Any]) -> bool:
    type = item.get("type")
    return isinstance(type, str) and (
        type in ITEMS or type in RESULTS or (type == "message" and "role" in item)
    )


def _read_said(turn: Turn, message: dict[str, Any]) -> list[Turn]:
    results = []
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(name), str) and message[name]:
            turn.thinking.append(message[name])
            break
    for name in ("content", "parts", "text", "value"):
        if message.get(name) is not None:
            results = read_content(turn, message[name])
            break
    if isinstance(message.get("refusal"), str):
        turn.error = message["refusal"]
    return results


def _read_calls(turn: Turn, message: dict[str, Any]) -> None:
    calls = message.get("tool_calls") or message.get("toolCalls")
    more = message.get("additional_kwargs")
    if not calls and isinstance(more, dict):
        calls = more.get("tool_calls")
    if calls is not None and not isinstance(calls, list):
        raise Unusable(f"tool_calls is {kind(calls)}, not a list")
    known = {call["id"] for call in turn.tool_calls if call["id"]}
    for call in calls or ():
        if not isinstance(call, dict):
            raise Unusable(f"a tool call is {kind(call)}, not an object")
        found = read_call(call)
        if not found["id"] or found["id"] not in known:
            turn.tool_calls.append(found)
    if isinstance(message.get("function_call"), dict):
        turn.tool_calls.append(read_call(message["function_call"]))


def _only_result(message: dict[str, Any]) -> Turn:
    found = read_part(Turn("tool"), message)
    return found if found is not None else Turn("tool")


def _as_result(turn: Turn, message: dict[str, Any], results: list[Turn]) -> Turn:
    """Return a message of a tool as one turn, however its answer is wrapped."""
    for result in results:
        turn.add(result)
        turn.is_error = turn.is_error or result.is_error
    id = name_in(message, "tool_call_id", "toolCallId", "call_id")
    if not id and not turn.tool_call_ids and "tool_calls" not in message:
        id = name_in(message, "id")
    if id and id not in turn.tool_call_ids:
        turn.tool_call_ids.append(id)
    turn.name = name_in(message, "name", "tool_name")
    status = message.get("status")
    turn.is_error = turn.is_error or message.get("is_error") is True or status == "error"
    return turn
