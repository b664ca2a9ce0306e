"""What a response cost by the record of its source."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ..values.fields import number_of
from .counts import Usage


def recorded_cost(value: Any, usage: Usage) -> float | None:
    """Return a cost in USD, a number or its text; None if there is none worth believing.

    Who knows no price writes 0, so that counts only where no tokens were used.
    """
    number = number_of(value.removeprefix("$") if isinstance(value, str) else value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if not (isfinite(number) and number >= 0):
        return None
    is_used = usage.input_tokens or usage.output_tokens or usage.says_nothing
    return None if number == 0 and is_used else float(number)
