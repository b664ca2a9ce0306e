"""Token counts of Amazon Bedrock's Converse API, where the cache is beside the input."""

from __future__ import annotations

from typing import Any

from ..values.fields import count_of, present
from .counts import Usage, checked

READ, WRITTEN = "cacheReadInputTokens", "cacheWriteInputTokens"
DETAILS = "cacheDetails"  # writes by how long they are kept
OWN = {READ, WRITTEN}
COUNTS = {*OWN, DETAILS, "inputTokens", "outputTokens", "totalTokens"}
COPIES = {"cacheReadInputTokenCount", "cacheWriteInputTokenCount", "serverToolUsage"}


def read_usage(raw: dict[str, Any]) -> Usage:
    """Return the counts of `usage`."""
    written = raw.get(WRITTEN)
    written_1h = _for_an_hour(raw.get(DETAILS))
    if count_of(written) is not None and written_1h:
        written_1h = min(written_1h, written)
        written -= written_1h
    parts = [count_of(raw.get(name)) for name in ("inputTokens", READ, WRITTEN)]
    known = [count for count in parts if count is not None]
    return checked(
        raw,
        input=sum(known) if known else None,
        output=raw.get("outputTokens"),
        cache_read=raw.get(READ),
        cache_write_5m=written,
        cache_write_1h=written_1h,
        rest=present({name: raw[name] for name in raw.keys() - COUNTS - COPIES}),
    )


def _for_an_hour(details: Any) -> int | None:
    if not isinstance(details, list):
        return None
    counts = [
        count
        for each in details
        if isinstance(each, dict) and each.get("ttl") == "1h"
        if (count := count_of(each.get("inputTokens"))) is not None
    ]
    return sum(counts) if counts else None
