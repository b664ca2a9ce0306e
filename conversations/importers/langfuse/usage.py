"""Token counts of Langfuse, where the parts are taken out of the input and the output."""

from __future__ import annotations

from typing import Any

from ..chat import decoded
from ..usage import Usage, checked
from ..usage import read_usage as read_any_usage
from ..values.fields import count_of, number_of

# Columns of counts in older and in other tables: 0 in them where nothing was counted.
COLUMNS = (
    ("inputUsage", "outputUsage"),
    ("promptTokens", "completionTokens"),
    ("inputTokens", "outputTokens"),
)


def read_usage(row: dict[str, Any]) -> Usage:
    """Return the counts of an observation. Raises Unusable."""
    details = decoded(row.get("usageDetails"))
    if isinstance(details, dict) and details:
        return _of_details({name: number_of(value) for name, value in details.items()})
    old = decoded(row.get("usage"))
    if isinstance(old, dict) and old.get("unit") in (None, "TOKENS", "tokens"):
        old = {name: number_of(value) for name, value in old.items() if name != "unit"}
        usage = _of_details({name: value for name, value in old.items() if value})
        if not usage.says_nothing:
            return usage
    for names in COLUMNS:
        sent, generated = (count_of(number_of(row.get(name))) for name in names)
        if sent or generated:
            return checked({}, input=sent, output=generated)
    return Usage()


def _of_details(details: dict[str, Any]) -> Usage:
    """Return the counts by the names of `details`, which anybody may choose.

    `input` and `output` are what is left when the parts are taken out, as `input_cached_tokens`,
    so all are added. A name with a dot is a part that was not taken out.
    """
    sent = {name: value for name, value in details.items() if _is_sent(name)}
    generated = {name: value for name, value in details.items() if name.startswith("output")}
    if not sent and not generated:
        return read_any_usage(details)
    parts = {name: value for name, value in details.items() if "_details." in name}
    return checked(
        details,
        input=_sum(sent),
        output=_sum(generated),
        cache_read=_sum(_named({**sent, **parts}, "cached", "cache_read")),
        cache_write_1h=_sum(_named(_written({**sent, **parts}), "1h")),
        cache_write_5m=_sum(
            {name: value for name, value in _written({**sent, **parts}).items() if "1h" not in name}
        ),
        reasoning=_sum(_named({**generated, **parts}, "reasoning", "thought")),
    )


def _is_sent(name: str) -> bool:
    # Anthropic's own names have the input last: cache_read_input_tokens.
    return name.startswith(("input", "cache_read", "cache_creation"))


def _written(details: dict[str, Any]) -> dict[str, Any]:
    return _named(details, "cache_creation", "cache_write")


def _named(details: dict[str, Any], *words: str) -> dict[str, Any]:
    return {name: value for name, value in details.items() if any(w in name for w in words)}


def _sum(details: dict[str, Any]) -> Any:
    """Return the sum, None if nothing is there, what is no count if there is such a thing."""
    values = [value for value in details.values() if value is not None]
    odd = next((value for value in values if count_of(value) is None), None)
    if odd is not None:
        return odd
    return sum(map(int, values)) if values else None
