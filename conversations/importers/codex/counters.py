"""Token counts of Codex, which counts the whole session up: what one call used is the rise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..usage import Usage, checked
from ..values.fields import count_of, object_in

NAMES = {
    "input": ("input_tokens", "prompt_tokens", "prompt"),
    "cache_read": ("cached_input_tokens",),
    "cache_write_5m": ("cache_write_input_tokens",),
    "output": ("output_tokens", "completion_tokens", "completion"),
    "reasoning": ("reasoning_output_tokens",),
}
TOTAL = "total_tokens"

Counts = dict[str, int]


def counts_in(raw: dict[str, Any]) -> Counts:
    """Return the counts of a usage by our names, with their total; those that it does not say not.

    The total alone says that the context is full, not that anything was sent: that is no count.
    """
    counts = {}
    for ours, theirs in NAMES.items():
        said = (count_of(raw.get(name)) for name in theirs)
        if (count := next((one for one in said if one is not None), None)) is not None:
            counts[ours] = count
    if counts:
        total = count_of(raw.get(TOTAL))
        whole = counts.get("input", 0) + counts.get("output", 0)
        counts["total"] = whole if total is None else total
    return counts


def readings(payload: dict[str, Any]) -> tuple[Counts, Counts]:
    """Return what a token_count event says of the last call and of the session up to then.

    Raises Unusable for a wrong type. Both are empty if it speaks of rate limits alone.
    """
    info = object_in(payload, "info")
    last = counts_in(object_in(info, "last_token_usage"))
    return last or counts_in(info) or counts_in(payload), counts_in(
        object_in(info, "total_token_usage")
    )


@dataclass(slots=True)
class Meter:
    """Reads the events of one session in their order."""

    goes_on: bool = False  # from another session, whose counts may not have begun at zero here
    before: Counts | None = None

    def spent(self, payload: dict[str, Any]) -> Usage | None:
        """Return what was used since the event before, None if that is nothing.

        Raises Unusable for a wrong type.
        """
        last, total = readings(payload)
        rise = self._rise(last, total) if total else last
        if not (rise.get("input") or rise.get("output")):
            return None
        rise.pop("total", None)
        return checked(payload, **rise)

    def _rise(self, last: Counts, total: Counts) -> Counts:
        before, self.before = self.before, total
        if before is None:
            return dict(last if self.goes_on and last else total)
        if total["total"] < before["total"]:
            return dict(total)  # the counter began anew
        return {name: max(0, count - before.get(name, 0)) for name, count in total.items()}
