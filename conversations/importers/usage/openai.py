"""Token counts of the OpenAI API, chat completions and Responses, and of those that copy it.

Cached tokens are part of the prompt, reasoning is part of the completion: as it is stored here.
"""

from __future__ import annotations

from typing import Any

from ..values.fields import present
from ..values.inline import without_bytes
from .cost import recorded_cost
from .counts import Usage, checked

INPUT = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens")
OUTPUT = ("completion_tokens", "output_tokens", "completionTokens", "outputTokens")
INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details", "output_token_details")
READ = (
    "cached_tokens",
    "cache_read",
    "cached_input_tokens",
    "cachedInputTokens",
    "prompt_cache_hit_tokens",  # of DeepSeek, which names what missed beside it
)
WRITTEN = ("cache_write_tokens", "cache_creation", "cache_write_input_tokens")
REASONING = ("reasoning_tokens", "reasoning", "reasoning_output_tokens", "reasoningTokens")
COUNTS = {*INPUT, *OUTPUT, *INPUT_DETAILS, *OUTPUT_DETAILS, *READ, *WRITTEN, *REASONING}
TOTALS = ("total_tokens", "totalTokens", "prompt_cache_miss_tokens")


def read_usage(raw: dict[str, Any]) -> Usage:
    """Return the counts of a response's `usage`."""
    sent, generated = _details(raw, INPUT_DETAILS), _details(raw, OUTPUT_DETAILS)
    rest = {name: value for name, value in raw.items() if name not in COUNTS and name not in TOTALS}
    usage = checked(
        raw,
        input=_first(raw, INPUT),
        output=_first(raw, OUTPUT),
        cache_read=_first({**raw, **sent}, READ),
        cache_write_5m=_first({**raw, **sent}, WRITTEN),
        reasoning=_first({**raw, **generated}, REASONING),
        rest=without_bytes(present(rest)),
    )
    usage.cost = _cost(raw, usage)
    return usage


def _cost(raw: dict[str, Any], usage: Usage) -> float | None:
    """Return what services that resell models billed in USD: OpenRouter, Perplexity."""
    cost = raw.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    billed = recorded_cost(cost, usage)
    details = raw.get("cost_details")
    if raw.get("is_byok") is True and isinstance(details, dict):
        # Paid to the provider with the user's own key, beside the fee of the service.
        upstream = recorded_cost(details.get("upstream_inference_cost"), usage)
        return None if upstream is None else upstream + (billed or 0)
    return billed


def _first(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Return the first of these entries that says something."""
    return next((record[name] for name in names if record.get(name) is not None), None)


def _details(raw: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = _first(raw, names)
    return found if isinstance(found, dict) else {}
