"""Token counts of the Gemini API and of Gemini CLI, where thoughts are beside the output."""

from __future__ import annotations

from typing import Any

from ..values.fields import count_of
from .counts import Usage, checked

OWN = {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "thoughts"}


def read_usage(raw: dict[str, Any]) -> Usage:
    """Return the counts of `usageMetadata`, or of the `tokens` of a message of Gemini CLI."""
    sent = _sum(raw, "promptTokenCount", "toolUsePromptTokenCount", "input", "tool")
    generated = _sum(raw, "candidatesTokenCount", "thoughtsTokenCount", "output", "thoughts")
    return checked(
        raw,
        input=sent,
        output=generated,
        cache_read=_sum(raw, "cachedContentTokenCount", "cached"),
        reasoning=_sum(raw, "thoughtsTokenCount", "thoughts"),
    )


def _sum(raw: dict[str, Any], *names: str) -> int | None:
    """Return the sum of those entries that are counts, None if there is none."""
    counts = [count for name in names if (count := count_of(raw.get(name))) is not None]
    return sum(counts) if counts else None
