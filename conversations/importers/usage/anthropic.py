"""Token counts of the Anthropic API."""

from __future__ import annotations

from typing import Any

from ..values.fields import MAX_COUNT, Unusable, count_of, kind, present
from ..values.inline import without_bytes
from .counts import Usage

# What these say is what everybody has; only another value is worth keeping.
ORDINARY = {
    "service_tier": "standard",
    "speed": "standard",
    "inference_geo": "not_available",
}
TOTALS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
WRITES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
COUNTS = frozenset({*TOTALS, "cache_creation"})
ORDINARY_FIELDS = COUNTS | {"service_tier"}


NO_USAGE = Usage()


def read_usage(raw: Any) -> Usage:
    """Return the counts of `message.usage`; raises Unusable if it is no object.

    Anthropic counts cache reads and writes beside `input_tokens`; here they are part of it.
    """
    if raw is None:
        return NO_USAGE
    if not isinstance(raw, dict):
        raise Unusable(f"usage is {kind(raw)}, not an object")
    (fresh, output, written, read), is_sound = _counts(raw, TOTALS)
    written_1h = None
    split = raw.get("cache_creation")
    if isinstance(split, dict):
        (written_5m, written_1h), is_split_sound = _counts(split, WRITES)
        is_sound = is_sound and is_split_sound
        if written_5m is not None or written_1h is not None:
            both = (written_5m or 0) + (written_1h or 0)
            if written is None:
                written = both
            elif both != written:
                is_sound = False
                written_1h = min(written_1h or 0, written)
    elif split is not None:
        is_sound = False

    total = None
    if fresh is not None or written is not None or read is not None:
        total = (fresh or 0) + (written or 0) + (read or 0)
        if total > MAX_COUNT:
            is_sound = False
            total = written = read = None
    usage = Usage(total, output, read)
    if written is not None:
        usage.cache_write_1h_tokens = written_1h or 0
        usage.cache_write_5m_tokens = written - usage.cache_write_1h_tokens
    details = raw.get("output_tokens_details")
    if isinstance(details, dict):
        said = details.get("thinking_tokens", details.get("reasoning_tokens"))
        usage.reasoning_tokens = count_of(said)
        if said is not None and (usage.reasoning_tokens or -1) > (output or 0):
            usage.reasoning_tokens = output
        is_sound = is_sound and said == usage.reasoning_tokens
    if not is_sound:
        usage.raw = without_bytes(raw)
    if raw.keys() != ORDINARY_FIELDS or raw["service_tier"] != ORDINARY["service_tier"]:
        usage.rest = _rest(raw)
    return usage


def _counts(record: dict[str, Any], names: tuple[str, ...]) -> tuple[list[int | None], bool]:
    """Return the counts under `names`, and whether all that stands there are some."""
    counts: list[int | None] = []
    are_sound = True
    for name in names:
        value = record.get(name)
        count = count_of(value)
        if count is None and value is not None:
            are_sound = False
        counts.append(count)
    return counts, are_sound


def _rest(raw: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the counts do not say, where it is not what everybody's usage says."""
    rest = {
        key: raw[key]
        for key in raw.keys() - COUNTS
        if raw[key] is not None and raw[key] != ORDINARY.get(key, "")
    }
    if not rest:
        return None
    tools = rest.get("server_tool_use")
    if isinstance(tools, dict) and not any(tools.values()):
        del rest["server_tool_use"]
    iterations = rest.get("iterations")
    if isinstance(iterations, list) and len(iterations) == 1:
        del rest["iterations"]  # the same numbers once more
    return without_bytes(present(rest)) or None
