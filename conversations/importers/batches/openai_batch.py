"""Output and errors of OpenAI's batches, and of those who write them alike: Groq, Azure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..chat import Response, as_text, error_text, name_in, read_request, read_response
from ..reading.files import SourceFile
from ..reading.shape import shape_of
from ..records import Item
from ..values.fields import Unusable, count_of, kind, present, seconds_as_ms
from .reading import Answer, Format, read_batches

LABEL = "OpenAI batch output"

PROVIDER = "openai"
# What the response of a call that answers nothing has for an object.
EMBEDDINGS = ("list", "embedding")
MODERATION = "results"
READ = {
    "id", "object", "created", "created_at", "model", "choices", "output", "usage", "error",
    "instructions", "service_tier", "status", "tools", "x_groq",
}  # fmt: skip


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes are those of answers of a batch, or of its requests."""
    shape = shape_of(sample)
    if not shape.has("custom_id") or shape.has("result"):
        return False
    return shape.has("response") or shape.has("error") or shape.has("body")


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield a session for each answer in the files, and what could not be read."""
    return read_batches(files, FORMAT)


def _read_line(line: dict[str, Any]) -> Answer | str:
    """Return the answer of a line, or in words what it is instead. Raises Unusable."""
    outer = line.get("response")
    if outer is None and not line.get("error"):
        raise Unusable("neither a response nor an error")
    if outer is not None and not isinstance(outer, dict):
        raise Unusable(f"response is {kind(outer)}, not an object")
    outer = outer or {}
    body, status = outer.get("body"), count_of(outer.get("status_code"))
    if isinstance(body, dict) and not body.get("error"):
        if body.get("object") in EMBEDDINGS or isinstance(body.get(MODERATION), list):
            return "embeddings or judgements, no conversations"
        answer = Answer(read_response(body), _provider(body))
        if isinstance(body.get("instructions"), str):
            answer.said = read_request({"instructions": body["instructions"]})
        answer.latency_ms = _latency(body)
        answer.extra = present({"response": _rest(body)})
    elif body is None or isinstance(body, dict | str):
        said = body.get("error") if isinstance(body, dict) else body
        answer = Answer(Response(error=error_text(said)), PROVIDER)
    else:
        raise Unusable(f"body is {kind(body)}, not an object")
    response = answer.response
    response.error = response.error or error_text(line.get("error"))
    if status is not None and status >= 400:
        response.error = response.error or f"HTTP status {status}"
        answer.extra["status_code"] = status
    elif not (response.turns or response.error):
        raise Unusable(f"body is {kind(body)}, no response: {as_text(body)[:80]}")
    ids = {"batch_request": name_in(line, "id"), "request": name_in(outer, "request_id")}
    if isinstance(body, dict):
        ids["response"] = name_in(body, "id")
    answer.extra["ids"] = present(ids)
    return answer


FORMAT = Format("body", ("response", "error"), _read_line)


def _provider(body: dict[str, Any]) -> str:
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if "x_groq" in body or _latency(body) is not None:
        return "groq"
    filtered = isinstance(choice, dict) and "content_filter_results" in choice
    return "azure" if filtered or "prompt_filter_results" in body else PROVIDER


def _latency(body: dict[str, Any]) -> int | None:
    """Return how long the response took; Groq alone says it, in seconds."""
    usage = body.get("usage")
    return seconds_as_ms(usage.get("total_time")) if isinstance(usage, dict) else None


def _rest(body: dict[str, Any]) -> dict[str, Any]:
    return present({name: body[name] for name in sorted(body.keys() - READ)})
