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
    counts = _Counts()
    fresh = counts.take(raw, "input_tokens")
    output = counts.take(raw, "output_tokens")
    written = counts.take(raw, "cache_creation_input_tokens")
    read = counts.take(raw, "cache_read_input_tokens")
    written_1h = None
    split = raw.get("cache_creation")
    if isinstance(split, dict):
        written_5m = counts.take(split, "ephemeral_5m_input_tokens")
        written_1h = counts.take(split, "ephemeral_1h_input_tokens")
        if written_5m is not None or written_1h is not None:
            both = (written_5m or 0) + (written_1h or 0)
            if written is None:
                written = both
            elif both != written:
                counts.are_sound = False
                written_1h = min(written_1h or 0, written)
    elif split is not None:
        counts.are_sound = False

    total = None
    if fresh is not None or written is not None or read is not None:
        total = (fresh or 0) + (written or 0) + (read or 0)
        if total > MAX_COUNT:
            counts.are_sound = False
            total = written = read = None
    usage = Usage(input_tokens=total, output_tokens=output, cache_read_tokens=read)
    if written is not None:
        usage.cache_write_1h_tokens = written_1h or 0
        usage.cache_write_5m_tokens = written - usage.cache_write_1h_tokens
    if "output_tokens_details" in raw:
        usage.reasoning_tokens = counts.take_part(raw["output_tokens_details"], output)
    if not counts.are_sound:
        usage.raw = without_bytes(raw)
    if not raw.keys() <= COUNTS:
        usage.rest = _rest(raw)
    return usage


class _Counts:
    """Reads counts and remembers whether all of them were some."""

    def __init__(self) -> None:
        self.are_sound = True

    def take(self, record: dict[str, Any], key: str) -> int | None:
        value = record.get(key)
        if value is None or (type(value) is int and 0 <= value <= MAX_COUNT):
            return value
        number = count_of(value)
        if number is None:
            self.are_sound = False
        return number

    def take_part(self, details: Any, whole: int | None) -> int | None:
        """Return how much of the output was reasoning, never more than all of it."""
        if not isinstance(details, dict):
            return None
        part = self.take(details, "thinking_tokens")
        if part is None:
            part = self.take(details, "reasoning_tokens")
        if part is not None and part > (whole or 0):
            self.are_sound = False
            part = whole
        return part


def _rest(raw: dict[str, Any]) -> dict[str, Any] | None:
    rest = present(
        {
            key: value
            for key, value in raw.items()
            if key not in COUNTS and ORDINARY.get(key) != value
        }
    )
    tools = rest.get("server_tool_use")
    if isinstance(tools, dict) and not any(tools.values()):
        del rest["server_tool_use"]
    iterations = rest.get("iterations")
    if isinstance(iterations, list) and len(iterations) == 1:
        del rest["iterations"]  # the same numbers once more
    return without_bytes(rest) if rest else None
