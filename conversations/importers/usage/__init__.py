"""Token counts as each maker writes them, turned into the one convention of `records`."""

from __future__ import annotations

from typing import Any

from ..values.fields import Unusable, kind
from . import anthropic, bedrock, gemini, ollama, openai
from .cost import recorded_cost
from .counts import Usage, checked

__all__ = [
    "Usage",
    "anthropic",
    "bedrock",
    "checked",
    "gemini",
    "ollama",
    "openai",
    "read_usage",
    "recorded_cost",
]


def read_usage(raw: Any) -> Usage:
    """Return the counts of a response's usage, whoever wrote it, told by the names in it.

    Raises Unusable if it is no object.
    """
    if raw is None:
        return Usage()
    if not isinstance(raw, dict):
        raise Unusable(f"usage is {kind(raw)}, not an object")
    if "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw:
        return anthropic.read_usage(raw)
    for reader in (gemini, ollama, bedrock):
        if raw.keys() & reader.OWN:
            return reader.read_usage(raw)
    return openai.read_usage(raw)
