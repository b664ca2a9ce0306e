"""Runs of LangSmith: calls of models, tools, and the chains around them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ..chat import (
    Call,
    Response,
    Turn,
    as_text,
    decoded,
    name_in,
    read_answer,
    read_question,
    read_turns,
    settings_of,
)
from ..structure.spans import Span
from ..structure.trace_sessions import Traces, tags_in
from ..usage import Usage, checked, read_usage, recorded_cost
from ..values.fields import Unusable, count_of, number_of, present, text_in
from ..values.inline import without_bytes
from ..values.text import read_time

LLM, TOOL = "llm", "tool"
# `session_id` of the run itself is its project; the conversation stands in the metadata.
CONVERSATIONS = ("session_id", "thread_id", "conversation_id")
MAPPED = {
    "id", "trace_id", "parent_run_id", "dotted_order", "run_type", "inputs", "outputs",
    "start_time", "end_time", "error", "tags", "extra", "session_name", "model_name",
}  # fmt: skip
# What follows from the rest, or tells how the program was made, the same in each of its runs.
NOISE = {
    "serialized", "events", "child_runs", "child_run_ids", "parent_run_ids", "direct_child_run_ids",
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_cost", "completion_cost",
    "total_cost", "first_token_time", "inputs_preview", "outputs_preview", "manifest_id", "status",
    "prompt_token_details", "completion_token_details", "manifest_s3_id", "app_path", "latency",
    "s3_urls", "inputs_s3_urls", "outputs_s3_urls", "tenant_id", "last_queued_at", "attachments",
    "execution_order", "prompt_cost_details", "completion_cost_details", "tokens",
}  # fmt: skip


def run_id(row: dict[str, Any]) -> str:
    """Return the id of a run, which some updates give in their dotted order alone."""
    return text_in(row, "id") or text_in(row, "run_id") or _ids_in(row)[-1]


def add_run(row: dict[str, Any], traces: Traces, place: str) -> None:
    """Add a run to its trace; raises Unusable."""
    id = run_id(row)
    if not id:
        raise Unusable("the run has no id")
    ids = _ids_in(row)
    parent_id = text_in(row, "parent_run_id") or (ids[-2] if len(ids) > 1 else "")
    span = Span(id, parent_id, read_time(row.get("start_time")))
    extra = _object_in(row, "extra")
    about = without_bytes(_object_in(extra, "metadata") or _object_in(row, "metadata"))
    outputs = _object_in(row, "outputs")
    type = text_in(row, "run_type").lower()
    whole = None
    if type == LLM:
        span.call = _call(row, id, extra, about, outputs)
    elif type == TOOL:
        span.result, span.arguments = _result(row, outputs), row.get("inputs")
    elif not parent_id:
        whole = _whole(row, id, outputs)
    trace = traces.get(text_in(row, "trace_id") or ids[0] or id, place)
    trace.spans[id] = span
    trace.whole = whole or trace.whole
    conversation = next((as_text(about[n]) for n in CONVERSATIONS if about.get(n)), "")
    if conversation and (not parent_id or not trace.session_id):
        trace.session_id = conversation
    trace.project = trace.project or text_in(row, "session_name")
    if not parent_id:
        trace.title = text_in(row, "name")
        trace.tags = tags_in(row, "tags")
        trace.metadata |= present({"name": trace.title, "metadata": about})


def _ids_in(row: dict[str, Any]) -> list[str]:
    """Return the ids in the dotted order, of the root first: 20240919T171648637415Z<id>.…"""
    return [part.partition("Z")[2] for part in text_in(row, "dotted_order").split(".")]


def _object_in(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object under `name`, maybe as JSON text; text or a list counts as its output."""
    value = decoded(record.get(name))
    if value is None or value == "":
        return {}
    return value if isinstance(value, dict) else {"output": value}


def _call(
    row: dict[str, Any],
    id: str,
    extra: dict[str, Any],
    about: dict[str, Any],
    outputs: dict[str, Any],
) -> Call:
    given = outputs.get("usage_metadata")
    answer = _answer(outputs)
    usage = _usage(row, given or about.get("usage_metadata"), answer)
    inputs = _object_in(row, "inputs")
    parameters = _object_in(extra, "invocation_params")
    asked = name_in(about, "ls_model_name") or name_in(parameters, "model", "model_name")
    settings = settings_of(inputs) or settings_of({"messages": [], **parameters})
    rest = {name: row[name] for name in row.keys() - MAPPED - NOISE}
    rest["metadata"] = {name: about[name] for name in about if not name.startswith("ls_")}
    rest["request"] = settings
    metadata = {
        "time_to_first_token_ms": _ms_between(row, "start_time", "first_token_time"),
        "extra": without_bytes(present(dict(sorted(rest.items())))),
    }
    return Call(
        id,
        said=_question(inputs),
        answered=answer.turns,
        started_at=read_time(row.get("start_time")),
        latency_ms=_ms_between(row, "start_time", "end_time"),
        provider=name_in(about, "ls_provider").lower(),
        model=answer.model or asked or text_in(row, "model_name") or name_in(inputs, "model"),
        usage=usage,
        cost=_cost(row, given, usage),
        error=text_in(row, "error") or answer.error,
        metadata=present(metadata),
    )


def _question(inputs: dict[str, Any]) -> list[Turn]:
    """Return what was said; models that complete text are given `prompts`."""
    if isinstance(inputs.get("prompts"), list):
        return read_turns(inputs["prompts"])
    return read_question(inputs) if inputs else []


def _answer(outputs: dict[str, Any]) -> Response:
    said = {name: value for name, value in outputs.items() if name != "usage_metadata"}
    return read_answer(said) if said else Response()


def _usage(row: dict[str, Any], given: Any, answer: Response) -> Usage:
    """Return the counts that LangSmith made of the usage, or the provider's, or the run's."""
    if isinstance(given, dict):
        usage = read_usage(given)
        _split_writes(usage, given.get("input_token_details"))
        if not usage.says_nothing:
            return usage
    if not answer.usage.says_nothing:
        return answer.usage
    sent, generated = (
        count_of(number_of(row.get(name))) for name in ("prompt_tokens", "completion_tokens")
    )
    if not sent and not generated:
        return Usage()
    details = {**_object_in(row, "prompt_token_details")}
    thought = _object_in(row, "completion_token_details").get("reasoning")
    return checked(
        details, input=sent, output=generated, cache_read=details.get("cache_read"),
        cache_write_5m=details.get("cache_creation"), reasoning=thought,
    )  # fmt: skip


def _split_writes(usage: Usage, details: Any) -> None:
    """Tell apart what was cached for five minutes and for an hour, where `details` does."""
    if not isinstance(details, dict):
        return
    names = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    short, long = (count_of(details.get(name)) for name in names)
    if short is None and long is None:
        return
    left = (usage.input_tokens or 0) - (usage.cache_read_tokens or 0)
    if (short or 0) + (long or 0) <= left:
        usage.cache_write_5m_tokens, usage.cache_write_1h_tokens = short or 0, long or 0


def _cost(row: dict[str, Any], usage_metadata: Any, usage: Usage) -> float | None:
    found = row.get("total_cost")
    if found is None and isinstance(usage_metadata, dict):
        found = usage_metadata.get("total_cost")
    return recorded_cost(found, usage)


def _result(row: dict[str, Any], outputs: dict[str, Any]) -> Turn:
    output = decoded(outputs.get("output", outputs.get("content", outputs)))
    is_message = isinstance(output, dict) and output.keys() & {"content", "kwargs"}
    turns = read_turns(output, "tool") if is_message else []
    turn = turns[0] if turns else Turn("tool", [as_text(output) if output else ""])
    turn.role = "tool"
    turn.name = turn.name or text_in(row, "name")
    if error := text_in(row, "error"):
        turn.is_error, turn.error = True, error
    inputs = _object_in(row, "inputs")
    if not turn.tool_call_ids and (id := name_in(inputs, "tool_call_id")):
        turn.tool_call_ids = [id]
    return turn


def _whole(row: dict[str, Any], id: str, outputs: dict[str, Any]) -> Call:
    """Return what went into the outermost run and what came out."""
    return Call(
        id,
        said=_question(_object_in(row, "inputs")),
        answered=_answer(outputs).turns,
        started_at=read_time(row.get("start_time")),
        latency_ms=_ms_between(row, "start_time", "end_time"),
        error=text_in(row, "error"),
    )


def _ms_between(row: dict[str, Any], first: str, last: str) -> int | None:
    start, end = read_time(row.get(first)), read_time(row.get(last))
    if start is None or end is None or end < start:
        return None
    return (end - start) // timedelta(milliseconds=1)
