"""What a span is: a call of a model, the work of a tool, or what stands around them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from ..langfuse import usage as langfuse
from ..usage import Usage, checked, read_usage, recorded_cost
from ..values.fields import count_of
from . import dialects
from .dialects import decoded, first, first_text
from .envelope import Attributes, Span, integer

LONGEST_ID = 250  # with the key of a message behind it, it must fit its column


class Kind(Enum):
    """What a span tells of."""

    OTHER = "something around calls and tools"
    CALL = "a call of a model"
    PERHAPS_CALL = "has a model and a usage; no call if there is one inside it"
    TOOL = "what a tool did"


CALL_KINDS = (Kind.CALL, Kind.PERHAPS_CALL)


def kind_of(span: Span) -> Kind:
    """Return what a span tells of, by the first dialect that says."""
    attributes = span.attributes
    if attributes.get(dialects.LOGFIRE_TYPE) == dialects.LOGFIRE_PENDING:
        return Kind.OTHER
    vercel = first_text(attributes, [dialects.VERCEL_OPERATION]) or (
        span.name if span.name.startswith("ai.") else ""
    )
    if vercel:
        if vercel.endswith(dialects.VERCEL_CALLS):
            return Kind.CALL
        return Kind.TOOL if vercel == dialects.VERCEL_TOOL else Kind.OTHER
    for name, calls, tools, others in (
        (dialects.OPERATION, dialects.CALLS, (dialects.TOOL_OPERATION,), dialects.STRUCTURE),
        (dialects.OPENINFERENCE_KIND, ("llm",), ("tool",), None),
        (dialects.LANGFUSE_TYPE, ("generation",), ("tool",), None),
        (dialects.REQUEST_TYPE, dialects.REQUEST_TYPES, (), None),
        (dialects.TRACELOOP_KIND, (), ("tool",), None),
    ):
        said = first_text(attributes, [name]).lower()
        if said in calls:
            return Kind.CALL
        if said in tools:
            return Kind.TOOL
        if said and (others is None or said in others):
            return Kind.OTHER
    if first_text(attributes, dialects.TOOL_NAME[:1]) and first(attributes, dialects.TOOL_CALL_ID):
        return Kind.TOOL
    has_model = first_text(attributes, (*dialects.MODEL_USED, *dialects.MODEL_ASKED))
    return Kind.PERHAPS_CALL if has_model and not usage_of(attributes).says_nothing else Kind.OTHER


def session_of(attributes: Attributes) -> str:
    """Return the id of the session that a span names, "" if it names none."""
    for name in dialects.SESSION:
        id = attributes.get(name)
        if (isinstance(id, str) and id.strip()) or type(id) is int:
            return short_id(str(id))
    return ""


def short_id(id: str) -> str:
    """Return an id that is no longer than can be stored."""
    return id if len(id) <= LONGEST_ID else hashlib.sha256(id.encode()).hexdigest()


def project_of(span: Span) -> str:
    """Return the name of the program that wrote a span, "" if it is not known."""
    for name in dialects.PROJECT:
        for attributes in (span.resource, span.attributes):
            found = attributes.get(name)
            if isinstance(found, str) and found and not found.startswith(dialects.UNKNOWN_SERVICE):
                return found
    return ""


# -- counts ----------------------------------------------------------------------------------------


Counts = tuple[int | None, int | None]  # input and output tokens
UNKNOWN: Counts = (None, None)


def counts_of(span: Span) -> Counts:
    """Return the counts by which two spans are known to tell of the same call."""
    usage = usage_of(span.attributes)
    return usage.input_tokens, usage.output_tokens


def usage_of(attributes: Attributes) -> Usage:
    """Return the counts that a span gives."""
    raw = {name: attributes[name] for name in dialects.USAGE if _says(attributes.get(name))}
    details = decoded(attributes.get(dialects.LANGFUSE_USAGE))
    if not raw and isinstance(details, dict):
        return _langfuse_usage(details)
    sent, read, written = (
        _count(raw, names) for names in (dialects.INPUT, dialects.CACHE_READ, dialects.CACHE_WRITE)
    )
    cached = (count_of(read) or 0) + (count_of(written) or 0)
    if (count_of(sent) or 0) < cached and _is_anthropic(attributes):
        sent = (count_of(sent) or 0) + cached  # Anthropic's own count leaves the cache out
    return checked(
        raw,
        input=sent,
        output=_count(raw, dialects.OUTPUT),
        cache_read=read,
        cache_write_5m=written,
        reasoning=_count(raw, dialects.REASONING),
    )


def _says(value: Any) -> bool:
    return value is not None and value != "NaN"


def _count(raw: Attributes, names: tuple[str, ...]) -> Any:
    return next((integer(raw[name]) for name in names if name in raw), None)


def _is_anthropic(attributes: Attributes) -> bool:
    names = (*dialects.PROVIDER, *dialects.MODEL_USED, *dialects.MODEL_ASKED)
    said = " ".join(first_text(attributes, [name]).lower() for name in names)
    return "anthropic" in said or "claude" in said


def _langfuse_usage(details: dict[str, Any]) -> Usage:
    """Return the counts of Langfuse's details: as the provider gave them, or parts that add up."""
    if any(isinstance(value, dict) for value in details.values()):
        return read_usage(details)
    return langfuse.read_usage({"usageDetails": details})


def cost_of(attributes: Attributes, usage: Usage) -> float | None:
    """Return what a call cost in USD, None if that is not said."""
    costs = [attributes.get(name) for name in dialects.COST]
    details = decoded(attributes.get(dialects.LANGFUSE_COST))
    if isinstance(details, dict):
        costs.append(details["total"] if "total" in details else _sum_of(details))
    known = (recorded_cost(cost, usage) for cost in costs)
    return next((cost for cost in known if cost is not None), None)


def _sum_of(costs: dict[str, Any]) -> float | None:
    amounts = [cost for cost in costs.values() if type(cost) in (int, float)]
    return sum(amounts) if amounts else None


# -- where a span stands in its trace --------------------------------------------------------------


def nearest(parents: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    """Return for each span the nearest around it that is among `wanted`, "" if none is.

    `parents` must have no circles.
    """
    found: dict[str, str] = {}
    for start in parents:
        trail, span = [], start
        while span in parents and span not in found:
            trail.append(span)
            span = parents[span]
            if span in wanted:
                break
        result = span if trail and span in wanted else found.get(span, "")
        found.update(dict.fromkeys(trail, result))
    return found


def innermost(
    calls: Mapping[str, tuple[Kind, Counts]], outer: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the calls that count, each with the spans around it that tell of the same one.

    A framework and the library below it may both trace one call, and repeat its usage; or the
    outer one gives the sum of several. `outer` leads from a call to the nearest around it.
    """
    inner: dict[str, list[str]] = {}
    for call in calls:
        if around := outer.get(call):
            inner.setdefault(around, []).append(call)
    counts = {call: of_call for call, (_, of_call) in calls.items()}
    same: dict[str, str] = {}  # a call that counts -> the same one around it
    repeated: set[str] = set()
    for call in _from_within(calls, inner):
        inside = inner.get(call)
        if not inside:
            continue
        twin = next((other for other in inside if counts[other] == counts[call]), "")
        if not twin and len(inside) == 1 and UNKNOWN in (counts[call], counts[inside[0]]):
            [twin] = inside
        if twin:
            same[twin] = call
            counts[call] = counts[call] if counts[call] != UNKNOWN else counts[twin]
        is_wrapper = calls[call][0] is Kind.PERHAPS_CALL or counts[call] == UNKNOWN
        if twin or is_wrapper or counts[call] == _sum(counts[other] for other in inside):
            repeated.add(call)
    return {call: _chain(call, same) for call in calls if call not in repeated}


def _chain(call: str, same: Mapping[str, str]) -> list[str]:
    chain = []
    while call := same.get(call, ""):
        chain.append(call)
    return chain


def _sum(counts: Any) -> Counts:
    known = list(counts)
    return sum(sent or 0 for sent, _ in known), sum(generated or 0 for _, generated in known)


def _from_within(calls: Mapping[str, Any], inner: Mapping[str, list[str]]) -> list[str]:
    """Return the calls in an order in which those inside another come before it."""
    inside = {call for some in inner.values() for call in some}
    order = [call for call in calls if call not in inside]
    for call in order:
        order += inner.get(call, ())
    return order[::-1]
