"""Calls of models and results of tools, from the spans that tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..chat import Call, Turn, as_text, name_in
from ..usage import Usage
from ..values.fields import count_of, present, seconds_as_ms
from ..values.inline import without_bytes
from ..values.text import read_time
from . import dialects
from .dialects import decoded, first, first_text
from .envelope import Attributes, Span
from .messages import listed, read_answered, read_said
from .spans import cost_of, usage_of

MS = 1_000_000  # in ns
LONGEST_CALL = 2**63  # ns; beyond it a time is broken
# What Vercel's SDK puts behind the name of a provider, to tell its interfaces apart.
INTERFACES = (".chat", ".completion", ".responses", ".messages", ".generative-ai")
# In settings: what is read from elsewhere, or would repeat all that is said.
NO_SETTINGS = {"model", "messages", "tools", "input", "contents", "functions"}


def call_of(span: Span, around: list[Span]) -> Call:
    """Return the call that a span tells of; what it does not say, the same call `around` it may.

    Raises Unusable.
    """
    spans = [span, *around]
    usage = _usage(spans)
    models = [model for each in spans if (model := _model(each.attributes))]
    asked = first_text(span.attributes, dialects.MODEL_ASKED)
    call = Call(
        f"{span.trace_id}/{span.span_id}",
        next(filter(None, map(read_said, spans)), []),
        next(filter(None, map(read_answered, spans)), []),
        read_time(span.start or None),
        latency_ms(span),
        next(filter(None, (_provider(each.attributes) for each in spans)), ""),
        models[0] if models else "",
        usage,
        next((c for s in spans if (c := cost_of(s.attributes, usage)) is not None), None),
        next(filter(None, map(_finish, spans)), ""),
        error_of(span),
    )
    for turn in call.answered:
        call.finish_reason = call.finish_reason or turn.finish_reason
    call.metadata = present(
        {
            "response_id": first_text(span.attributes, dialects.RESPONSE_ID),
            "requested_model": asked if asked != call.model else "",
            "agent": first_text(span.attributes, dialects.AGENT),
            "time_to_first_token_ms": _first_token_ms(span),
            "settings": _settings(span.attributes),
            "extra": _extra(span, call),
        }
    )
    return call


def _usage(spans: list[Span]) -> Usage:
    usages = [usage_of(span.attributes) for span in spans]
    return next((usage for usage in usages if not usage.says_nothing), usages[0])


def _model(attributes: Attributes) -> str:
    return first_text(attributes, (*dialects.MODEL_USED, *dialects.MODEL_ASKED))


def _provider(attributes: Attributes) -> str:
    name = first_text(attributes, dialects.PROVIDER).lower()
    for interface in INTERFACES:
        name = name.removesuffix(interface)
    return name


def latency_ms(span: Span) -> int | None:
    """Return how long a span took in ms, None if it has no end."""
    took = span.end - span.start
    return round(took / MS) if span.start and span.end and 0 <= took < LONGEST_CALL else None


def _finish(span: Span) -> str:
    reasons = decoded(first(span.attributes, dialects.FINISH))
    if isinstance(reasons, list):
        reasons = next((reason for reason in reasons if isinstance(reason, str)), "")
    return reasons if isinstance(reasons, str) else ""


def error_of(span: Span) -> str:
    """Return why a span failed, "" if it did not."""
    attributes = span.attributes
    told = first_text(attributes, [dialects.LANGFUSE_STATUS])
    if not span.failed:
        return told if attributes.get(dialects.LANGFUSE_LEVEL) == "ERROR" else ""
    for event in reversed(span.events):
        if event.name == dialects.EXCEPTION:
            said = [name_in(event.attributes, f"exception.{part}") for part in ("type", "message")]
            if any(said):
                return ": ".join(filter(None, said))
    type = first_text(attributes, [dialects.ERROR_TYPE])
    return span.status_message or told or type or "failed"


def _first_token_ms(span: Span) -> int | None:
    attributes = span.attributes
    seconds = attributes.get(dialects.FIRST_CHUNK_SECONDS)
    if (found := seconds_as_ms(seconds)) is not None:
        return found
    told = attributes.get(dialects.FIRST_CHUNK_MS)
    if isinstance(told, int | float) and not isinstance(told, bool):
        return count_of(round(told))
    times = [event.time for event in span.events if event.name in dialects.FIRST_CHUNK_EVENTS]
    if times and min(times) >= span.start > 0:
        return round((min(times) - span.start) / MS)
    told = attributes.get(dialects.FIRST_CHUNK_TIME)
    began, came = read_time(span.start or None), None
    if isinstance(told, str):
        came = read_time(told.strip('"'))
    return (
        round((came - began).total_seconds() * 1000) if began and came and came >= began else None
    )


def _settings(attributes: Attributes) -> dict[str, Any]:
    """Return how the model was asked to answer: temperature and the like."""
    found: dict[str, Any] = {}
    for name in dialects.SETTINGS:
        settings = decoded(attributes.get(name))
        if isinstance(settings, dict):
            found |= settings
    for name, value in attributes.items():
        for prefix in dialects.SETTING_PREFIXES:
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = value
    kept = {name: value for name, value in found.items() if name not in NO_SETTINGS}
    return without_bytes(present(kept))


def _extra(span: Span, call: Call) -> dict[str, Any]:
    """Return what no field says, of the span and of the first answer."""
    extra = without_bytes(present(dialects.rest_of(span.attributes)))
    cost = first(span.attributes, dialects.COST)
    if cost == call.cost:
        extra = {name: value for name, value in extra.items() if name not in dialects.COST}
    said = next((turn for turn in call.answered if not turn.is_empty), None)
    return {**extra, **said.extra} if said else extra


# -- tools -----------------------------------------------------------------------------------------


def result_of(span: Span) -> Turn:
    """Return what a tool gave back; empty if that is not recorded. Raises Unusable."""
    attributes = span.attributes
    result = first(attributes, dialects.TOOL_RESULT)
    error = error_of(span)
    turn = Turn("tool", error=error, is_error=bool(error))
    turn.name = first_text(attributes, dialects.TOOL_NAME) or span.name
    if result is not None:
        turn.texts.append(as_text(result))
    given = decoded(first(attributes, dialects.TOOL_ARGUMENTS))
    latency = latency_ms(span)
    turn.extra = without_bytes(present({"arguments": given, "duration_ms": latency}))
    if not turn.is_empty and (id := first_text(attributes, dialects.TOOL_CALL_ID)):
        turn.tool_call_ids.append(id)
    return turn


def definitions_in(attributes: Attributes) -> Iterator[tuple[str, Any]]:
    """Yield the tools that a model was offered, by name. Raises Unusable."""
    found = decoded(first(attributes, dialects.DEFINITIONS))
    tools = list(found) if isinstance(found, list) else []
    for item in listed(attributes, dialects.OPENINFERENCE_TOOLS):
        tool = item.get("tool", item) if isinstance(item, dict) else item
        tools.append(tool.get("json_schema", tool) if isinstance(tool, dict) else tool)
    tools += listed(attributes, dialects.TRACELOOP_TOOLS)
    for name in dialects.BODIES:
        body = decoded(attributes.get(name))
        if not tools and isinstance(body, dict) and isinstance(body.get("tools"), list):
            tools += body["tools"]
    for tool in tools:
        tool = decoded(tool)
        if isinstance(tool, dict):
            inner = tool.get("function")
            name = name_in(inner if isinstance(inner, dict) else tool, "name", "type")
            yield name, without_bytes(tool)
