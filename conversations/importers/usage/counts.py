"""The counts of one response, and the check that they add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..records import MessageRecord
from ..values.fields import MAX_COUNT, count_of
from ..values.inline import without_bytes

COLUMNS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
)


@dataclass(slots=True)
class Usage:
    """The counts of one response; `raw` is the source's own, kept where they do not add up.

    `rest` is what else the source says about it, `cost` (USD) what it says was billed. None is what
    it does not say.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: dict[str, Any] | None = None
    rest: dict[str, Any] | None = None
    cost: float | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether no count is known."""
        return all(getattr(self, name) is None for name in COLUMNS)

    def give(self, message: MessageRecord) -> None:
        """Write the counts into a message, what has no column into its metadata."""
        for name in COLUMNS:
            setattr(message, name, getattr(self, name))
        if message.cost is None:
            message.cost = self.cost
        if self.raw:
            message.metadata["usage_raw"] = self.raw
        if self.rest:
            message.metadata["usage"] = self.rest


def checked(
    raw: dict[str, Any],
    *,
    input: Any = None,
    output: Any = None,
    cache_read: Any = None,
    cache_write_5m: Any = None,
    cache_write_1h: Any = None,
    reasoning: Any = None,
    rest: dict[str, Any] | None = None,
) -> Usage:
    """Return the counts as given, parts no greater than their whole; `raw` is kept if they were.

    What is no count (text, negative, beyond 64 bits) is left out, and `raw` is kept then too.
    """
    given = (input, output, cache_read, cache_write_5m, cache_write_1h, reasoning)
    counts = [count_of(value) for value in given]
    is_sound = all(
        count is not None or value is None for count, value in zip(counts, given, strict=True)
    )
    total, generated, read, write_5m, write_1h, thought = counts
    left = MAX_COUNT if total is None else total
    parts = []
    for part in (read, write_5m, write_1h):
        if part is not None and part > left:
            part, is_sound = left, False
        left -= part or 0
        parts.append(part)
    if thought is not None and thought > (generated or 0):
        thought, is_sound = generated, False
    return Usage(
        total, generated, *parts, thought, None if is_sound else without_bytes(raw), rest or None
    )
