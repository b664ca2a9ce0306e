"""Observations of Langfuse: calls of models, tools, and the steps around them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ..chat import (
    Call,
    Turn,
    as_text,
    decoded,
    name_in,
    read_answer,
    read_question,
    read_turns,
    settings_of,
)
from ..structure.spans import Span, Trace
from ..structure.trace_sessions import Traces, tags_in
from ..usage import recorded_cost
from ..values.fields import Unusable, present, text_in
from ..values.inline import without_bytes
from ..values.text import read_time
from .usage import read_usage

GENERATION, TOOL = "GENERATION", "TOOL"
TYPES = (
    "SPAN", GENERATION, "EVENT", "AGENT", TOOL, "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING",
    "GUARDRAIL",
)  # fmt: skip
MAPPED = {
    "id", "traceId", "projectId", "parentObservationId", "type", "startTime", "endTime",
    "completionStartTime", "createdAt", "updatedAt", "input", "output", "model",
    "providedModelName", "statusMessage", "metadata", "traceName", "traceTags", "traceTimestamp",
    "userId", "sessionId", "tags", "environment",
}  # fmt: skip
# What follows from the rest, or is of use in Langfuse alone.
NOISE = {
    "latency", "latencyMs", "timeToFirstToken", "timeToFirstTokenMs", "internalModel",
    "internalModelId", "modelId", "usage", "usageDetails", "costDetails", "totalCost", "inputCost",
    "outputCost", "inputUsage", "outputUsage", "totalUsage", "promptTokens", "completionTokens",
    "totalTokens", "calculatedInputCost", "calculatedOutputCost", "calculatedTotalCost",
    "inputPrice", "outputPrice", "totalPrice", "unit", "usagePricingTierId",
    "usagePricingTierName", "toolCalls", "toolCallNames", "toolDefinitions", "promptId",
    "providedUsageDetails", "providedCostDetails", "inputTokens", "outputTokens",
}  # fmt: skip
# Attributes in which instrumentations repeat the input, the output and the usage.
CONTENT = (
    "input.", "output.", "llm.input_messages", "llm.output_messages", "llm.tools", "gen_ai.prompt",
    "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.",
    "gen_ai.system_instructions", "langfuse.", "traceloop.entity.", "ai.prompt", "ai.response.",
    "pydantic_ai.all_messages", "all_messages_events", "llm.token_count", "gen_ai.usage",
    "llm.invocation_parameters",
)  # fmt: skip
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ls_provider")
FRAMEWORKS = ("langchain", "langgraph")
CALL_IDS = ("gen_ai.tool.call.id", "tool_call.id", "tool_call_id")


def read_observation(row: dict[str, Any], traces: Traces, place: str) -> None:
    """Add an observation to its trace; raises Unusable."""
    id = text_in(row, "id")
    if not id:
        raise Unusable("the observation has no id")
    span = Span(id, text_in(row, "parentObservationId"), read_time(row.get("startTime")))
    # The oldest exports of the table of generations have no type.
    type = text_in(row, "type").upper() or GENERATION
    attributes = attributes_in(row)
    if type == GENERATION:
        span.call = _call(row, id, attributes)
    elif type == TOOL:
        span.result, span.arguments = _result(row, attributes), row.get("input")
    whole = whole_of(row, id) if not span.parent_id and not (span.call or span.result) else None
    trace = traces.get(text_in(row, "traceId") or id, place)
    trace.spans[id] = span
    trace.session_id = trace.session_id or text_in(row, "sessionId")
    trace.title = trace.title or text_in(row, "traceName")
    trace.project = trace.project or environment_in(row)
    trace.tags = trace.tags or tags_in(row, "traceTags") or tags_in(row, "tags")
    if user := text_in(row, "userId"):
        trace.metadata.setdefault("user", user)
    if whole and _says_more(whole, trace):
        trace.whole = whole


def _says_more(whole: Call, trace: Trace) -> bool:
    """Say whether the outermost step tells what the trace itself does not."""
    known = trace.whole
    return known is None or not (known.said or known.answered)


def whole_of(row: dict[str, Any], id: str) -> Call:
    """Return what went into a trace, or its outermost step, and what came out. Raises Unusable."""
    answer = read_answer(row.get("output"))
    return Call(
        id,
        said=read_question(row.get("input")),
        answered=answer.turns,
        started_at=read_time(row.get("startTime") or row.get("timestamp")),
        latency_ms=latency_of(row),
        error=error_of(row),
    )


def _call(row: dict[str, Any], id: str, attributes: dict[str, Any]) -> Call:
    answer = read_answer(row.get("output"))
    said = [] if _is_broken(row.get("input")) else read_question(row.get("input"))
    if not any(turn.role == "system" for turn in said):
        said = answer.instructions + said
    usage = read_usage(row)
    costs = decoded(row.get("costDetails"))
    costs = costs if isinstance(costs, dict) else {}
    given = (row.get("totalCost"), row.get("calculatedTotalCost"), costs.get("total"))
    metadata = {"time_to_first_token_ms": _first_token_of(row), "extra": _extra(row, attributes)}
    return Call(
        id,
        said=said,
        answered=answer.turns,
        started_at=read_time(row.get("startTime")),
        latency_ms=latency_of(row),
        provider=_provider(attributes),
        model=text_in(row, "model") or text_in(row, "providedModelName") or answer.model,
        usage=usage if not usage.says_nothing else answer.usage,
        cost=next(
            (cost for some in given if (cost := recorded_cost(some, usage)) is not None), None
        ),
        error=error_of(row) or answer.error,
        metadata=present(metadata),
    )


def _is_broken(input: Any) -> bool:
    """Say whether the input is what one exporter makes of a list of messages: the name of a key."""
    return decoded(input) == {"content": "role"}


def _result(row: dict[str, Any], attributes: dict[str, Any]) -> Turn:
    output = decoded(row.get("output"))
    is_message = isinstance(output, dict) and output.keys() & {"content", "kwargs"}
    turns = read_turns(output, "tool") if is_message else []
    turn = turns[0] if turns else Turn("tool", [as_text(output)])
    turn.role = "tool"
    turn.name = turn.name or text_in(row, "name")
    if not turn.tool_call_ids and (id := name_in(attributes, *CALL_IDS)):
        turn.tool_call_ids = [id]
    if error := error_of(row):
        turn.is_error = True
        turn.error = turn.error or error
    return turn


def latency_of(row: dict[str, Any]) -> int | None:
    """Return how long it took in ms; not by `latency`, which is in seconds or ms."""
    return _ms_between(row, "startTime", "endTime")


def _first_token_of(row: dict[str, Any]) -> int | None:
    return _ms_between(row, "startTime", "completionStartTime")


def _ms_between(row: dict[str, Any], first: str, last: str) -> int | None:
    start, end = read_time(row.get(first)), read_time(row.get(last))
    if start is None or end is None or end < start:
        return None
    return (end - start) // timedelta(milliseconds=1)


def error_of(row: dict[str, Any]) -> str:
    """Return the message of what failed, "" for all else."""
    if text_in(row, "level") != "ERROR":
        return ""
    return text_in(row, "statusMessage") or "error"


def environment_in(row: dict[str, Any]) -> str:
    """Return the environment, "" for the one that everything has which names none."""
    environment = text_in(row, "environment")
    return "" if environment == "default" else environment


def attributes_in(row: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata, with the attributes of OpenTelemetry beside the other entries.

    What repeats other fields is left out. Raises Unusable if it is nested too deep.
    """
    found = decoded(row.get("metadata"))
    if not isinstance(found, dict):
        return {"metadata": found} if found else {}
    nested = found.get("attributes")
    found = {**found, **nested} if isinstance(nested, dict) else found
    return {
        name: value
        for name, value in without_bytes(found).items()
        if name not in ("attributes", "scope", "resourceAttributes")
        and (not name.startswith(CONTENT) or name in CALL_IDS)
    }


def resource_in(row: dict[str, Any]) -> Any:
    """Return what OpenTelemetry says about the program. Raises Unusable if nested too deep."""
    found = decoded(row.get("metadata"))
    return without_bytes(found.get("resourceAttributes")) if isinstance(found, dict) else None


def _provider(attributes: dict[str, Any]) -> str:
    found = (name_in(attributes, name).lower() for name in PROVIDERS)
    return next((name for name in found if name and name not in FRAMEWORKS), "")


def _extra(row: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    rest = {name: row[name] for name in row.keys() - MAPPED - NOISE}
    if rest.get("level") in ("DEFAULT", "ERROR"):
        del rest["level"]
    elif row.get("statusMessage"):
        rest["statusMessage"] = row["statusMessage"]
    rest["request"] = settings_of(row.get("input"))
    rest["metadata"] = attributes
    if isinstance(rest.get("modelParameters"), str):
        rest["modelParameters"] = decoded(rest["modelParameters"])
    return without_bytes(present(dict(sorted(rest.items()))))
