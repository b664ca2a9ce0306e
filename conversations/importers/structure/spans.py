"""Traces of programs that call models and tools, made into conversations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..chat import Call, Conversation, Turn, decoded, in_order
from ..usage import Usage

# Where the arguments of a tool stand in what some writers record as its input.
WRAPPERS = ("input", "args", "arguments", "kwargs")


@dataclass(slots=True)
class Span:
    """A step of a trace: a call of a model, what a tool gave back, or neither."""

    id: str
    parent_id: str = ""
    started_at: datetime | None = None
    call: Call | None = None
    result: Turn | None = None
    arguments: Any = None  # of the tool


@dataclass(slots=True)
class Trace:
    """The steps of one run of a program; `whole` is what went into it and what came out."""

    id: str
    place: str
    session_id: str = ""
    spans: dict[str, Span] = field(default_factory=dict)
    whole: Call | None = None
    title: str = ""
    project: str = ""
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


def add_traces(conversation: Conversation, traces: Iterable[Trace]) -> None:
    """Give the calls of all traces to a conversation, and then the results of tools."""
    calls: list[Call] = []
    results: list[tuple[Turn, datetime | None]] = []
    for trace in traces:
        own = in_order(_calls_of(trace))
        calls += own
        results += _results_of(trace, own)
    for call in in_order(calls):
        conversation.add(call)
    for turn, time in results:
        conversation.add_tool_result(turn, time)


def _calls_of(trace: Trace) -> list[Call]:
    """Return the calls of a trace; without any, what went in and came out counts as one."""
    calls = list(innermost(trace.spans))
    whole = trace.whole
    if whole is None:
        return calls
    if not calls:
        said = [turn for turn in (*whole.said, *whole.answered) if not turn.is_empty]
        return [whole] if said or whole.error else []
    if not any(call.said or call.answered for call in calls):
        calls[0].said, calls[-1].answered = whole.said, whole.answered
    elif not any(turn.role == "system" for call in calls for turn in call.said):
        first = in_order(calls)[0]
        first.said = [turn for turn in whole.said if turn.role == "system"] + first.said
    return calls


def innermost(spans: dict[str, Span]) -> Iterator[Call]:
    """Yield the calls of models, without those that only repeat the usage of calls inside them.

    Two layers that both record, a framework and the client below it, make two of one call.
    """
    inside: defaultdict[str, list[Usage]] = defaultdict(list)
    for span in spans.values():
        if span.call and (outer := _outer_call(span, spans)):
            inside[outer].append(span.call.usage)
    for span in spans.values():
        if span.call and not _is_repeated(span.call.usage, inside[span.id]):
            yield span.call


def _outer_call(span: Span, spans: dict[str, Span]) -> str:
    """Return the id of the nearest call of a model around a span, "" if there is none."""
    seen = {span.id}
    while (outer := spans.get(span.parent_id)) and outer.id not in seen:
        if outer.call:
            return outer.id
        seen.add(outer.id)
        span = outer
    return ""


def _is_repeated(usage: Usage, inside: list[Usage]) -> bool:
    if not inside:
        return False
    own = (usage.input_tokens or 0, usage.output_tokens or 0)
    parts = [(part.input_tokens or 0, part.output_tokens or 0) for part in inside]
    total = (sum(part[0] for part in parts), sum(part[1] for part in parts))
    return usage.says_nothing or own == total or own in parts


def _results_of(trace: Trace, calls: list[Call]) -> Iterator[tuple[Turn, datetime | None]]:
    """Yield what tools gave back, with the id of the call that asked for it."""
    spans = [span for span in trace.spans.values() if span.result]
    if not spans:
        return
    asked = [made for call in calls for turn in call.answered for made in turn.tool_calls]
    said = {turn.text.strip() for call in calls for turn in call.said if turn.role == "tool"}
    for span in sorted(
        spans, key=lambda span: span.started_at.timestamp() if span.started_at else 0.0
    ):
        turn = span.result
        if not turn.tool_call_ids and (made := _caller(span, asked)):
            asked = [other for other in asked if other is not made]
            turn.tool_call_ids = [made["id"]] if made["id"] else []
        if not turn.tool_call_ids:
            if turn.text.strip() in said:
                continue
            turn.tool_call_ids = [span.id]
        yield turn, span.started_at


def _caller(span: Span, asked: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the call that a tool answered: the same arguments, or else the first of its name."""
    named = [made for made in asked if made["name"] == span.result.name]
    forms = _forms(span.arguments)
    same = (made for made in named if made["arguments"] in forms)
    return next(same, named[0] if named else None)


def _forms(arguments: Any) -> list[Any]:
    found = decoded(arguments)
    forms = [found]
    if isinstance(found, dict):
        forms += [decoded(found[name]) for name in WRAPPERS if name in found]
    return forms
