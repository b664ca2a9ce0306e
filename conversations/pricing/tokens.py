"""The tokens of one request, as prices are asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

BATCH = "batch"
FAST = "fast"
# What these say is what nearly every request is.
ORDINARY_TIERS = ("", "standard", "default", "auto", "on_demand", "standard_only", "not_available")


class Usage(NamedTuple):
    """What one request used. The counts follow the convention of `messages`, None is unknown.

    `input_tokens` includes cache reads and writes, `output_tokens` includes reasoning.
    `service_tier` is "" for the ordinary one.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    service_tier: str = ""
    is_batch: bool = False
    web_searches: int = 0

    @property
    def has_tokens(self) -> bool:
        """Whether anything was used that has a price."""
        return bool(self.input_tokens or self.output_tokens)

    def parts(self) -> tuple[int, int, int, int, int, int]:
        """Return tokens by what they cost: fresh input, cache reads, cache writes for 5 minutes and
        for 1 hour, output, reasoning. They add up; what exceeds its whole is cut to it.
        """
        sent, said, read, write_5m, write_1h, reasoning, *_ = self
        sent, said, read = sent or 0, said or 0, read or 0
        write_5m, write_1h, reasoning = write_5m or 0, write_1h or 0, reasoning or 0
        fresh = sent - read - write_5m - write_1h
        if fresh < 0:
            read = min(read, sent)
            write_5m = min(write_5m, sent - read)
            write_1h = min(write_1h, sent - read - write_5m)
            fresh = sent - read - write_5m - write_1h
        if reasoning > said:
            reasoning = said
        return fresh, read, write_5m, write_1h, said - reasoning, reasoning


def usage_of(message: Any, metadata: Any = None) -> Usage:
    """Return the usage of a message: anything with the columns of one as attributes.

    `metadata` is where imports keep what has no column: the service tier, searches of the web.
    """
    tier, is_batch, searches = "", False, 0
    if metadata:
        tier, is_batch = service_tier(metadata)
        searches = web_searches(metadata)
    return Usage(
        message.input_tokens,
        message.output_tokens,
        message.cache_read_tokens,
        message.cache_write_5m_tokens,
        message.cache_write_1h_tokens,
        message.reasoning_tokens,
        tier,
        is_batch,
        searches,
    )


def service_tier(metadata: Any) -> tuple[str, bool]:
    """Return the service tier that a message's metadata names, and whether it was in a batch."""
    if not isinstance(metadata, Mapping):
        return "", False
    usage = metadata.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    said = [metadata.get("service_tier"), usage.get("service_tier"), usage.get("speed")]
    tiers = [tier.lower() for tier in said if isinstance(tier, str)]
    others = [tier for tier in tiers if tier not in ORDINARY_TIERS and tier != BATCH]
    return (others[-1] if others else ""), BATCH in tiers


def web_searches(metadata: Any) -> int:
    """Return how many searches of the web a request was billed for beside its tokens."""
    for name in ("usage", "server_tool_use", "web_search_requests"):
        metadata = metadata.get(name) if isinstance(metadata, Mapping) else None
    is_count = isinstance(metadata, int) and not isinstance(metadata, bool)
    return max(0, min(metadata, 10**6)) if is_count else 0
