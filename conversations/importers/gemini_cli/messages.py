"""One message of a Gemini CLI session, and what the tools gave back that it called."""

from __future__ import annotations

from typing import Any

from ..chat import Turn, as_text
from ..chat.parts import read_call, read_content, read_part
from ..records import MessageRecord
from ..usage import gemini
from ..values.fields import Unusable, kind, list_in, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import joined, read_time

PROVIDER = "google"
EVENTS = ("info", "warning", "error")
# What the program said in the user's place before the first prompt.
INJECTED = ("<session_context>", "This is the Gemini CLI. We are setting up the context")
MAPPED = {
    *("id", "timestamp", "type", "content", "displayContent"),
    *("model", "thoughts", "tokens", "toolCalls"),
}
MAPPED_OF_CALL = {"id", "name", "args", "result", "status", "timestamp", "resultDisplay", "agentId"}
ENDED = ("success", "error", "cancelled")


def read_message(record: Any, name: str) -> list[MessageRecord]:
    """Return a message with `name` as its key, and after it a message for each tool's answer.

    Raises Unusable for a wrong type.
    """
    if not isinstance(record, dict):
        raise Unusable(f"the message is {kind(record)}, not an object")
    type = text_in(record, "type")
    if type == "user":
        messages = [_prompt(record, name)]
    elif type == "gemini":
        messages = _answer(record, name)
    else:
        messages = [_event(record, name, type)]
    rest = {field: value for field, value in record.items() if field not in MAPPED}
    if rest := present(rest):
        messages[0].metadata["extra"] = without_bytes(rest)
    time = read_time(record.get("timestamp"))
    for message in messages:
        message.timestamp = message.timestamp or time
    return messages


def shown(message: MessageRecord) -> str:
    """Return a prompt as its user saw it, without what the program put into it."""
    display = message.metadata.get("display_content")
    return display if isinstance(display, str) and display else message.content


def _prompt(record: dict[str, Any], name: str) -> MessageRecord:
    message = _said(record, "user").message(name)
    display = record.get("displayContent")
    if display is not None:
        turn = Turn("user")
        read_content(turn, display)
        if turn.text != message.content:
            message.metadata["display_content"] = turn.text
    if message.content.lstrip().startswith(INJECTED):
        message.content_type = "context"
        message.is_hidden = True
    return message


def _event(record: dict[str, Any], name: str, type: str) -> MessageRecord:
    message = _said(record, "system").message(name)
    message.content_type = "event"
    message.is_hidden = True
    message.metadata["level" if type in EVENTS else "type"] = type
    if type == "error":
        message.error_message = message.content
    return message


def _answer(record: dict[str, Any], name: str) -> list[MessageRecord]:
    turn = _said(record, "assistant")
    turn.thinking += [
        thought for each in list_in(record, "thoughts") if (thought := _thought(each))
    ]
    results = []
    used: set[str] = set()
    for position, call in enumerate(list_in(record, "toolCalls")):
        if not isinstance(call, dict):
            raise Unusable(f"a tool call is {kind(call)}, not an object")
        turn.tool_calls.append(_call(call))
        id = text_in(call, "id")
        key = f"{name}/{position if not id or id in used else id}"
        used.add(id)
        if result := _result(call, key):
            results.append(result)
    message = turn.message(name)
    message.provider = PROVIDER
    message.model = text_in(record, "model")
    if tokens := object_in(record, "tokens"):
        gemini.read_usage(tokens).give(message)
    return [message, *results]


def _said(record: dict[str, Any], role: str) -> Turn:
    """Return the content of a message; what tools gave back in it is kept as text."""
    content = record.get("content")
    turn = Turn(role)
    if isinstance(content, list):
        thoughts = [part for part in content if _is_thought(part)]
        turn.thinking += [text_in(part, "text") for part in thoughts]
        content = [part for part in content if not _is_thought(part)]
    for result in read_content(turn, content):
        turn.texts += result.texts
    return turn


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and part.get("thought") is True


def _thought(thought: Any) -> str:
    if isinstance(thought, str):
        return thought
    if not isinstance(thought, dict):
        raise Unusable(f"a thought is {kind(thought)}, not an object")
    return joined((text_in(thought, "subject"), text_in(thought, "description")))


def _call(call: dict[str, Any]) -> dict[str, Any]:
    found = read_call({name: call.get(name) for name in ("id", "name", "args")})
    if agent := text_in(call, "agentId"):
        found["agent_id"] = agent
    return found


def _result(call: dict[str, Any], key: str) -> MessageRecord | None:
    """Return what a call gave back, None if it has not ended."""
    status = text_in(call, "status")
    result = call.get("result")
    if result in (None, [], "") and status not in ENDED:
        return None
    id = text_in(call, "id")
    turn = Turn("tool", tool_call_ids=[id] if id else [], is_error=status == "error")
    for part in result if isinstance(result, list) else [result]:
        _read_result(turn, part)
    display = call.get("resultDisplay")
    if not turn.text and isinstance(display, str):
        turn.texts.append(display)
    message = turn.message(key)
    message.timestamp = read_time(call.get("timestamp"))
    if status != "success":
        message.metadata["status"] = status
    if display and (not isinstance(display, str) or display not in turn.text):
        message.metadata["result_display"] = without_bytes(display)
    rest = {name: value for name, value in call.items() if name not in MAPPED_OF_CALL}
    if rest := present(rest):
        message.metadata["extra"] = without_bytes(rest)
    return message


def _read_result(turn: Turn, part: Any) -> None:
    """Add a part of a result to the tool's turn: the response of a function, text, a picture."""
    match part:
        case {"functionResponse": {"response": {"output": output}}}:
            turn.texts.append(as_text(output))
        case {"functionResponse": {"response": {"error": error}}}:
            turn.texts.append(as_text(error))
            turn.is_error = True
        case {"functionResponse": {"response": response}}:
            turn.texts.append(as_text(response))
        case dict():
            if nested := read_part(turn, part):
                turn.texts += nested.texts
        case _:
            turn.texts.append(as_text(part))
