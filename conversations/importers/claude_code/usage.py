"""Token counts of the Anthropic API, turned into the one convention of `records`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..fields import MAX_COUNT, Unusable, count_of, kind, present
from ..inline import without_bytes

# What these say is what everybody has; only another value is worth keeping.
ORDINARY = {
    "service_tier": "standard",
    "speed": "standard",
    "inference_geo": "not_available",
}
COUNTS = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "cache_creation",
    }
)
WRITES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")


@dataclass(slots=True)
class Usage:
    """The counts of one response; `raw` is the source's own, kept where they do not add up."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: dict[str, Any] | None = None
    rest: dict[str, Any] | None = None

    @property
    def total(self) -> int:
        """All tokens sent and generated, 0 where nothing is known."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)


NO_USAGE = Usage()


def read_usage(raw: Any) -> Usage:
    """Return the counts of `message.usage`; raises Unusable if it is no object.

    Anthropic counts cache reads and writes beside `input_tokens`; here they are part of it.
    """
    if raw is None:
        return NO_USAGE
    if not isinstance(raw, dict):
        raise Unusable(f"usage is {kind(raw)}, not an object")
    is_sound = True

    def count(record: dict[str, Any], key: str) -> int | None:
        nonlocal is_sound
        value = record.get(key)
        if value is None:
            return None
        number = count_of(value)
        if number is None:
            is_sound = False
        return number

    fresh = count(raw, "input_tokens")
    output = count(raw, "output_tokens")
    written = count(raw, "cache_creation_input_tokens")
    read = count(raw, "cache_read_input_tokens")
    split = raw.get("cache_creation")
    written_1h = None
    if isinstance(split, dict):
        written_5m, written_1h = (count(split, key) for key in WRITES)
        if written_5m is not None or written_1h is not None:
            written_1h = written_1h or 0
            both = (written_5m or 0) + written_1h
            written = both if written is None else written
            if both != written:
                is_sound = False
                written_1h = min(written_1h, written)
    elif split is not None:
        is_sound = False

    reasoning = None
    details = raw.get("output_tokens_details")
    if isinstance(details, dict):
        reasoning = count(details, "thinking_tokens")
        if reasoning is None:
            reasoning = count(details, "reasoning_tokens")
        if reasoning is not None and reasoning > (output or 0):
            is_sound = False
            reasoning = output

    sent = [part for part in (fresh, written, read) if part is not None]
    total = sum(sent) if sent else None
    if total is not None and total > MAX_COUNT:
        is_sound = False
        total = written = read = None
    return Usage(
        input_tokens=total,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_5m_tokens=None if written is None else written - (written_1h or 0),
        cache_write_1h_tokens=None if written is None else (written_1h or 0),
        reasoning_tokens=reasoning,
        raw=None if is_sound else without_bytes(raw),
        rest=_rest(raw) if raw.keys() - COUNTS else None,
    )


def _rest(raw: dict[str, Any]) -> dict[str, Any] | None:
    rest = {
        key: value
        for key, value in present(raw).items()
        if key not in COUNTS and ORDINARY.get(key) != value
    }
    tools = rest.get("server_tool_use")
    if isinstance(tools, dict) and not any(tools.values()):
        del rest["server_tool_use"]
    iterations = rest.get("iterations")
    if isinstance(iterations, list) and len(iterations) == 1:
        del rest["iterations"]  # the same numbers once more
    return without_bytes(rest) or None
