"""Token counts of Ollama, beside which it gives times in nanoseconds."""

from __future__ import annotations

from typing import Any

from ..values.fields import count_of, present
from .counts import Usage, checked

OWN = {"prompt_eval_count", "eval_count"}
NANOSECONDS_IN_MS = 1_000_000


def read_usage(raw: dict[str, Any]) -> Usage:
    """Return the counts of a response."""
    rest = {name: value for name, value in raw.items() if name not in OWN}
    return checked(
        raw,
        input=raw.get("prompt_eval_count"),
        output=raw.get("eval_count"),
        rest=present(rest),
    )


def latency_ms(raw: dict[str, Any]) -> int | None:
    """Return how long the response took in ms, None if that is not said."""
    total = count_of(raw.get("total_duration"))
    return None if total is None else total // NANOSECONDS_IN_MS
