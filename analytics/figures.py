"""Numbers with their units, and how they compare with the period before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from conversations.templatetags import conversations as show

Number = int | float | Decimal
Unit = Literal["usd", "tokens", "ms", "count", "percent", "per_second"]  # percent: 0 to 100


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a page leads with, and the same number of the period before."""

    name: str
    value: Number | None
    unit: Unit
    before: Number | None = None
    link: str = ""
    trend: Sequence[Number | None] = ()  # over the range, for a sparkline
    unpriced: int = 0  # messages whose cost is not known and not in it
    unpriced_link: str = ""
    is_good: Literal["more", "less", ""] = ""  # which way is the better one, if one is

    @property
    def change(self) -> float | None:
        """Return the change in percent against the period before, None if there is nothing."""
        if self.value is None or not self.before:
            return None
        return float((self.value - self.before) / abs(self.before) * 100)

    @property
    def change_in_words(self) -> str:
        """Return the change with its sign, or in a word: a colour alone would not tell it."""
        if self.value is None or self.before is None:
            return ""
        if self.value == self.before:
            return "as before"
        if not self.before:
            return "none before"
        size = abs(self.change)
        words = f"{size:,.0f} %" if size >= 10 else f"{size:.1f} %"
        return f"+{words}" if self.value > self.before else f"\N{MINUS SIGN}{words}"

    @property
    def verdict(self) -> str:
        """Return `good` or `bad` for a change to the better or worse, else ""."""
        if not self.is_good or self.value is None or self.before in (None, self.value):
            return ""
        return "good" if (self.value > self.before) == (self.is_good == "more") else "bad"


def shown(value: Number | None, unit: Unit) -> str:
    """Return a number as pages write it; where digits are left out, its title has all."""
    if unit == "usd":
        return show.money(value)
    return show.tokens(value) if unit == "tokens" else written(value, unit)[0]


def written(value: Number | None, unit: Unit) -> tuple[str, str]:
    """Return a number as text, and with all its digits if some are left out, else ""."""
    if value is None:
        return show.UNKNOWN, ""
    match unit:
        case "usd":
            text, full = show.in_dollars(value)
            return text, full and f"${full}"
        case "tokens":
            return show.in_tokens(value), f"{value:,} tokens"
        case "ms":
            return show.duration(round(value)), f"{value:,.0f} ms"
        case "percent":
            return f"{value:.1f} %", ""
        case "per_second":
            return f"{value:,.1f}/s", ""
    return show.number(value), ""


def in_words(value: Number | None, unit: Unit) -> str:
    """Return a number as text, for sentences."""
    text, _ = written(value, unit)
    return f"{text} tokens" if unit == "tokens" and value is not None else text
