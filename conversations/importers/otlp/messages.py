"""What was said to a model and what it answered, from the span of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from ..chat import Turn, as_text, read_message, read_request, read_response, read_turns
from ..values.fields import MAX_DEPTH, TOO_DEEP, Unusable, present
from . import dialects
from .dialects import decoded, first
from .envelope import Attributes, Event, Log, Span

# An object that stands in text is a message or a body of them if it has one of these; text in
# JSON that a person or a model wrote has none.
TELLING = {
    "role", "parts", "messages", "contents", "choices", "candidates", "tool_calls", "kwargs",
}  # fmt: skip
RESPONSES = {"choices", "candidates", "usage", "stop_reason"}
ITEMS = ("function_call", "function_call_output", "reasoning", "human", "ai")  # types without role
EVENT_PREFIXES = ("gen_ai.", "event.")


def with_logs(span: Span, logs: list[Log]) -> Span:
    """Add to a span what log records and events of its own say about the call, and return it."""
    for log in _distinct(logs):
        if log.name in dialects.DETAILS:
            body = log.body if isinstance(log.body, dict) else {}
            span.attributes = {**body, **log.attributes, **span.attributes}
        else:
            span.events.append(Event(log.name, log.time, {dialects.EVENT_BODY: log.body}))
    for event in span.events:
        if event.name in dialects.DETAILS:
            span.attributes = {**event.attributes, **span.attributes}
    return span


def _distinct(logs: list[Log]) -> list[Log]:
    """Return log records in the order of time, each once that was exported twice."""
    found: dict[bytes, Log] = {}
    for log in sorted(logs, key=lambda log: log.time):
        content = [log.name, log.time, log.body, log.attributes]
        found.setdefault(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), log)
    return list(found.values())


def calls_in_logs(logs: list[Log]) -> Iterator[Span]:
    """Yield a span for each call that log records tell of where its own span is not known.

    One with all attributes of a call makes one; messages, of which each has a record, make one.
    """
    groups = [[log] for log in _distinct(logs) if log.name in dialects.DETAILS] or [logs]
    for number, group in enumerate(groups):
        log = group[0]
        id = log.span_id or log.trace_id[:16]
        span = Span(log.trace_id, f"{id}-{number}" if number else id, log.place)
        span.start = min(log.time for log in group)
        span.resource, span.scope = log.resource, log.scope
        yield with_logs(span, group)


def read_said(span: Span) -> list[Turn]:
    """Return what was said to the model, the system prompt first; [] if that is not recorded.

    Raises Unusable for attributes of which the names are nested too deep.
    """
    turns = _first_of(span, _said_in_parts, _said_in_events, _said_in_names, _said_in_json)
    instructions = decoded(span.attributes.get(dialects.SYSTEM_INSTRUCTIONS))
    if not instructions:
        return turns
    if isinstance(instructions, list):
        instructions = {"role": "system", "content": instructions}
    system = _turns(instructions, "system")
    known = {turn.text for turn in turns if turn.role == "system"}
    return [turn for turn in system if turn.text not in known] + turns


def read_answered(span: Span) -> list[Turn]:
    """Return what the model answered; [] if that is not recorded.

    Raises Unusable for attributes of which the names are nested too deep.
    """
    return _first_of(
        span,
        _answered_in_parts,
        _answered_in_events,
        _answered_in_names,
        _answered_in_vercel,
        _answered_in_json,
    )


def _first_of(span: Span, *readers: Callable[[Span], list[Turn]]) -> list[Turn]:
    """Return what the first of these finds that finds anything said."""
    for reader in readers:
        turns = reader(span)
        if any(not turn.is_empty for turn in turns):
            return turns
    return []


# -- messages in JSON ------------------------------------------------------------------------------


def _said_in_parts(span: Span) -> list[Turn]:
    return _turns(span.attributes.get(dialects.INPUT_MESSAGES), "user")


def _answered_in_parts(span: Span) -> list[Turn]:
    return _turns(span.attributes.get(dialects.OUTPUT_MESSAGES), "assistant")


def _said_in_json(span: Span) -> list[Turn]:
    return _turns(first(span.attributes, dialects.INPUTS), "user")


def _answered_in_json(span: Span) -> list[Turn]:
    return _turns(first(span.attributes, dialects.OUTPUTS), "assistant")


def _turns(value: Any, role: str) -> list[Turn]:
    """Return what messages say: structured, in JSON, in the body of a request or response.

    What is none of these, JSON that was cut off or is nested too deep, is text that `role` said.
    """
    found = decoded(value)
    if not found:
        return []
    if isinstance(value, str) and not _is_telling(found):
        return [Turn(role, [value])] if value.strip() else []
    try:
        if isinstance(found, dict) and (turns := _of_body(found, role)):
            return turns
        return read_turns(found, role)
    except Unusable:
        return [Turn(role, [as_text(value)])]


def _of_body(found: dict[str, Any], role: str) -> list[Turn]:
    """Return what the body of a request or response says, [] if it is none."""
    if role == "assistant" and (found.keys() & RESPONSES or _is_of_responses(found)):
        return read_response(found).turns
    return read_request(found) if role == "user" and "role" not in found else []


def _is_telling(found: Any) -> bool:
    if isinstance(found, list):
        return all(_is_telling(item) for item in found)
    if not isinstance(found, dict):
        return False
    type = found.get("type")
    is_item = isinstance(type, str) and type.endswith(ITEMS)
    return bool(found.keys() & TELLING) or is_item or _is_of_responses(found)


def _is_of_responses(found: dict[str, Any]) -> bool:
    """Say whether this is a request or a response of the Responses API."""
    return isinstance(found.get("output"), list) or ("input" in found and "model" in found)


# -- one event for each message --------------------------------------------------------------------


def _said_in_events(span: Span) -> list[Turn]:
    return [
        turn
        for name, body in _events(span)
        if name in dialects.SPEAKERS
        for turn in _message(body, dialects.SPEAKERS[name])
    ]


def _answered_in_events(span: Span) -> list[Turn]:
    return [
        turn
        for name, body in _events(span)
        if name == dialects.CHOICE
        for turn in _message(body, "assistant")
    ]


def _events(span: Span) -> Iterator[tuple[str, Any]]:
    """Yield the name and body of each message that stands in an event of a span."""
    listed = decoded(first(span.attributes, dialects.EVENT_LISTS))
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("event.name"), str):
            yield item["event.name"], _without_labels(item)
    for event in sorted(span.events, key=lambda event: event.time):
        if dialects.EVENT_BODY in event.attributes:
            yield event.name, decoded(event.attributes[dialects.EVENT_BODY])
        else:
            body = _without_labels(event.attributes)
            yield event.name, {name: _list_in_text(value) for name, value in body.items()}


def _message(body: Any, role: str) -> list[Turn]:
    if isinstance(body, dict) and not isinstance(body.get("message", {}), dict):
        body = {**body, "content": body["message"], "message": None}
    if not body or isinstance(body, list):
        body = {"content": body}
    if not isinstance(body, dict):
        return _turns(body, role)
    try:
        return read_message(present(body), role)
    except Unusable:
        return [Turn(role, [as_text(body)])]


def _without_labels(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in body if not name.startswith(EVENT_PREFIXES)}


def _list_in_text(value: Any) -> Any:
    """Return the list of objects that stands in text as JSON, else the value as it is."""
    found = decoded(value)
    is_list = isinstance(found, list) and all(isinstance(item, dict) for item in found)
    return found if found and is_list else value


# -- one attribute for each value, with the place in the list in its name --------------------------


def _said_in_names(span: Span) -> list[Turn]:
    return _named(span, dialects.OPENINFERENCE_INPUT, dialects.TRACELOOP_INPUT, "user")


def _answered_in_names(span: Span) -> list[Turn]:
    return _named(span, dialects.OPENINFERENCE_OUTPUT, dialects.TRACELOOP_OUTPUT, "assistant")


def _named(span: Span, openinference: str, traceloop: str, role: str) -> list[Turn]:
    found = [_openinference_message(item) for item in listed(span.attributes, openinference)]
    found = found or [_traceloop_message(item) for item in listed(span.attributes, traceloop)]
    return [turn for message in found for turn in _message(message, role)]


def listed(attributes: Attributes, prefix: str) -> list[Any]:
    """Return the list whose values stand under names like `prefix` 0.role, 0.content, 1.role.

    Raises Unusable for a name of too many parts.
    """
    root: dict[str, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(prefix):
            continue
        *path, last = name[len(prefix) :].split(".")
        if len(path) >= MAX_DEPTH:
            raise Unusable(TOO_DEEP)
        node = root
        for part in path:
            inner = node.get(part)
            if not isinstance(inner, _Level):
                inner = node[part] = _Level()
            node = inner
        if not isinstance(node.get(last), _Level):
            node[last] = value
    found = _as_list(root)
    return found if isinstance(found, list) else []


class _Level(dict):
    """A part of names, told from an object that is a value."""


def _as_list(node: Any) -> Any:
    """Return a level of names with lists where all names are numbers, in the order of these."""
    if not isinstance(node, dict):
        return node
    if not node or not all(part.isascii() and part.isdecimal() for part in node):
        return {
            part: _as_list(inner) if isinstance(inner, _Level) else inner
            for part, inner in node.items()
        }
    in_order = sorted(node, key=lambda number: (len(number.lstrip("0")), number.lstrip("0")))
    return [_as_list(node[n]) if isinstance(node[n], _Level) else node[n] for n in in_order]


def _openinference_message(item: Any) -> Any:
    message = item.get("message") if isinstance(item, dict) else None
    if not isinstance(message, dict):
        return item
    message = dict(message)
    parts = [_part(part) for part in _unwrapped(message.pop("contents", None), "message_content")]
    calls = _unwrapped(message.pop("tool_calls", None), "tool_call")
    if parts:
        message["content"] = parts
    if name := message.pop("function_call_name", None):
        given = message.pop("function_call_arguments_json", None)
        message["function_call"] = {"name": name, "arguments": given}
    return {**message, "tool_calls": calls} if calls else message


def _unwrapped(items: Any, name: str) -> list[Any]:
    if not isinstance(items, list):
        return []
    return [item.get(name, item) if isinstance(item, dict) else item for item in items]


def _part(part: Any) -> Any:
    """Return a part of a message as those who make requests write it."""
    image = part.get("image") if isinstance(part, dict) else None
    inner = image.get("image", image) if isinstance(image, dict) else None
    if not isinstance(inner, dict):
        return part
    return {"type": "image", "image_url": {"url": inner.get("url")}}


def _traceloop_message(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {**item, "content": _list_in_text(item.get("content"))}


# -- Vercel's SDK ----------------------------------------------------------------------------------


def _answered_in_vercel(span: Span) -> list[Turn]:
    attributes = span.attributes
    calls = decoded(attributes.get(dialects.VERCEL_TOOL_CALLS))
    message = {
        "content": first(attributes, dialects.VERCEL_TEXT),
        "reasoning": attributes.get(dialects.VERCEL_REASONING),
        "tool_calls": calls if isinstance(calls, list) else None,
    }
    return _message(present(message), "assistant")
