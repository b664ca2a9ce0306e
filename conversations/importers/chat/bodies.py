"""The requests and responses of providers' APIs, as logs of them keep the bodies."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..usage import Usage, ollama, read_usage
from ..values.fields import list_in, present
from ..values.inline import without_bytes
from ..values.text import read_time
from .messages import read_message, read_turns
from .turns import Turn, an_object, as_text, name_in

SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
MESSAGES = ("messages", "input", "contents", "prompt")
SETTINGS = ("temperature", "top_p", "max_tokens", "max_output_tokens", "max_completion_tokens")


@dataclass(slots=True)
class Response:
    """What a model answered: its turns, of which the first was taken, and the facts beside them."""

    turns: list[Turn] = field(default_factory=list)
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    time: datetime | None = None
    latency_ms: int | None = None
    error: str = ""
    id: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    instructions: list[Turn] = field(default_factory=list)  # the system prompt, if it is repeated


def read_request(body: dict[str, Any]) -> list[Turn]:
    """Return what a request says: the system prompt first. Raises Unusable."""
    turns: list[Turn] = []
    for name in SYSTEM:
        if body.get(name):
            turns += read_turns(body[name], "system")
    for turn in turns:
        turn.role = "system"
    for name in MESSAGES:
        if body.get(name) is not None:
            return turns + read_turns(body[name])
    return turns


def read_response(body: Any) -> Response:
    """Return what a response says: OpenAI's two forms, Anthropic's, Gemini's, Ollama's.

    Raises Unusable if it is none of an object or holds values of a wrong type.
    """
    body = an_object(body, "the response")
    response = Response(
        model=name_in(body, "model", "modelVersion", "model_version"),
        id=name_in(body, "id", "responseId"),
        time=read_time(body.get("created") or body.get("created_at")),
        error=error_text(body.get("error")),
    )
    usage = body.get("usage") or body.get("usageMetadata")
    response.usage = read_usage(usage)
    if isinstance(body.get("instructions"), str):
        response.instructions = read_turns(body["instructions"], "system")
    if "choices" in body:
        for choice in list_in(body, "choices"):
            choice = an_object(choice, "a choice")
            if "message" not in choice and "text" in choice:
                choice = {**choice, "content": choice["text"]}
            response.turns += read_message(choice, "assistant")
    elif isinstance(body.get("output"), list):
        response.turns = read_turns(body["output"], "assistant")
        reason = body.get("incomplete_details")
        why = name_in(reason, "reason") if isinstance(reason, dict) else ""
        _finish(response, why or name_in(body, "status"))
    elif "candidates" in body:
        for candidate in list_in(body, "candidates"):
            candidate = an_object(candidate, "a candidate")
            turns = read_turns(candidate.get("content"), "assistant")
            for turn in turns:
                turn.finish_reason = name_in(candidate, "finishReason", "finish_reason")
            response.turns += turns
    elif "message" in body:
        response.turns = read_turns(body["message"], "assistant")
        _finish(response, name_in(body, "done_reason"))
        if ollama.OWN & body.keys():
            response.usage = ollama.read_usage({k: body[k] for k in ollama.OWN & body.keys()})
            response.latency_ms = ollama.latency_ms(body)
    elif "content" in body:
        response.turns = read_message({**body, "id": None, "type": None}, "assistant")
    for turn in response.turns:
        for name in ("model", "usage", "stop_sequence", "container", "object"):
            turn.extra.pop(name, None)
    kept = ("service_tier", "system_fingerprint", "stop_sequence")
    response.facts = without_bytes(present({name: body.get(name) for name in kept}))
    return response


def error_text(error: Any) -> str:
    """Return what an error says, "" if there is none."""
    if not error:
        return ""
    if isinstance(error, dict):
        inner = error.get("error")
        if isinstance(inner, dict):
            error = inner
        said = [name_in(error, "type", "code", "name"), name_in(error, "message")]
        return ": ".join(filter(None, said)) or as_text(error)
    return as_text(error)


def _finish(response: Response, reason: str) -> None:
    for turn in response.turns:
        turn.finish_reason = turn.finish_reason or reason
