"""What models answered, as tools that watch them write it down: bodies, messages or plain text."""

from __future__ import annotations

from typing import Any

from ..usage import read_usage
from ..values.fields import list_in, present
from ..values.inline import without_bytes
from .bodies import MESSAGES, SYSTEM, Response, read_request, read_response
from .messages import read_message, read_turns
from .turns import Turn, an_object, decoded, name_in

TOOLS = ("tools", "functions")


def read_question(value: Any) -> list[Turn]:
    """Return what was said to a model: a request, messages, or text. Raises Unusable."""
    value = decoded(value)
    if isinstance(value, dict) and "role" not in value and value.keys() & set(MESSAGES):
        return read_request(value)
    return read_turns(value)


def settings_of(request: Any) -> dict[str, Any]:
    """Return what a request says beside its messages; of its tools the names alone.

    Raises Unusable if it is nested too deep.
    """
    request = decoded(request)
    if not isinstance(request, dict) or "role" in request or not request.keys() & set(MESSAGES):
        return {}
    rest = {name: request[name] for name in request.keys() - {*MESSAGES, *SYSTEM, *TOOLS}}
    tools = next((request[name] for name in TOOLS if isinstance(request.get(name), list)), [])
    rest["tools"] = list(filter(None, map(_tool_name, tools)))
    return without_bytes(present(dict(sorted(rest.items()))))


def _tool_name(tool: Any) -> str:
    """Return the name of a tool, or its type if the provider runs it."""
    if not isinstance(tool, dict):
        return ""
    function = tool.get("function")
    return name_in(function if isinstance(function, dict) else tool, "name", "type")


def read_answer(value: Any) -> Response:
    """Return what a model answered: a provider's response, LangChain's, messages, or text.

    Raises Unusable for values of a wrong type.
    """
    value = decoded(value)
    if isinstance(value, dict):
        if isinstance(value.get("generations"), list):
            return _read_generations(value)
        if _is_response(value):
            return read_response(value)
    return Response(read_turns(value, "assistant"))


def _is_response(value: dict[str, Any]) -> bool:
    return bool(
        value.keys() & {"choices", "candidates"}
        or isinstance(value.get("output"), list)
        or isinstance(value.get("message"), dict)
        or ("content" in value and isinstance(value.get("usage"), dict))
    )


def _read_generations(value: dict[str, Any]) -> Response:
    """Return what an LLMResult of LangChain says: a list of answers for each of its prompts."""
    response = Response()
    facts = value.get("llm_output") or value.get("llmOutput")
    facts = facts if isinstance(facts, dict) else {}
    response.model = name_in(facts, "model_name", "model", "modelName")
    response.usage = read_usage(_usage_in(facts))
    for prompt in list_in(value, "generations"):
        for generation in prompt if isinstance(prompt, list) else [prompt]:
            _read_generation(response, an_object(generation, "a generation"))
    return response


def _read_generation(response: Response, generation: dict[str, Any]) -> None:
    message = generation.get("message")
    if not isinstance(message, dict):
        response.turns.append(Turn("assistant", [name_in(generation, "text")]))
        return
    turns = read_message(message, "assistant")
    inner = message.get("kwargs") or message.get("data") or message
    inner = inner if isinstance(inner, dict) else {}
    found = [inner.get("response_metadata")]
    found += [generation.get("generation_info"), generation.get("generationInfo")]
    facts = [fact for fact in found if isinstance(fact, dict)]
    for fact in facts:
        response.model = response.model or name_in(fact, "model_name", "model")
        for turn in turns:
            reason = name_in(fact, "finish_reason", "stop_reason", "finishReason")
            turn.finish_reason = turn.finish_reason or reason
    # What LangChain made of the usage knows the parts; the provider's own stands in llm_output.
    if isinstance(inner.get("usage_metadata"), dict):
        response.usage = read_usage(inner["usage_metadata"])
    response.turns += turns


def _usage_in(facts: dict[str, Any]) -> dict[str, Any] | None:
    found = (facts.get(name) for name in ("token_usage", "usage", "tokenUsage"))
    return next((usage for usage in found if isinstance(usage, dict) and usage), None)
