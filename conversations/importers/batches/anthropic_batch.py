"""Results of Anthropic's message batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..chat import Response, error_text, name_in, read_response
from ..reading.files import SourceFile
from ..reading.shape import shape_of
from ..records import Item
from ..usage import anthropic
from ..values.fields import Unusable, kind, object_in, present
from .reading import Answer, Format, read_batches

LABEL = "Anthropic message batch results"

PROVIDER = "anthropic"
OUTCOMES = ("succeeded", "errored", "canceled", "expired")


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes are those of results of a batch, or of its requests."""
    shape = shape_of(sample)
    if shape.has("requests[].custom_id", "requests[].params"):
        return True
    return shape.has("custom_id") and (
        shape.has("params") or (shape.has("result") and shape.says("result.type", *OUTCOMES))
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield a session for each result in the files, and what could not be read."""
    return read_batches(files, FORMAT)


def _read_line(line: dict[str, Any]) -> Answer:
    """Return the answer of a line; raises Unusable."""
    result = object_in(line, "result")
    outcome = result.get("type")
    if outcome not in OUTCOMES:
        raise Unusable(f"the type of result is {kind(outcome)}, none of {', '.join(OUTCOMES)}")
    if outcome != "succeeded":
        error = error_text(result.get("error")) or str(outcome)
        return Answer(Response(error=error), PROVIDER, extra={"outcome": outcome})
    message = object_in(result, "message")
    if not isinstance(message.get("content"), list | str):
        raise Unusable(f"content is {kind(message.get('content'))}, neither text nor a list")
    response = read_response(message)
    response.usage = anthropic.read_usage(message.get("usage"))
    extra = {"ids": present({"response": name_in(message, "id")}), "response": response.facts}
    return Answer(response, PROVIDER, extra=present(extra))


FORMAT = Format("params", ("result",), _read_line)
