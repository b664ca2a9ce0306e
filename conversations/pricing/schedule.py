"""Prices that change with time, looked up in a few steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time

from .cost import Card, Cost, step_for
from .tokens import Usage


class Schedule:
    """The cards of one model: between two dates, and two times of day (UTC), one card holds.

    `make` returns the card of a moment. It is asked once for each of these spans.
    """

    __slots__ = ("_cards", "_make", "dates", "times")

    def __init__(
        self,
        make: Callable[[datetime], Card],
        dates: Iterable[date] = (),
        times: Iterable[time] = (),
    ) -> None:
        self.dates = sorted(set(dates))
        self.times = sorted(set(times))
        self._make = make
        self._cards: dict[tuple[int, int], Card] = {}

    def card(self, at: datetime) -> Card:
        """Return the card that holds at a moment; without a zone it is UTC."""
        if at.tzinfo is not None and at.tzinfo is not UTC:
            at = at.astimezone(UTC)
        span = (
            bisect_right(self.dates, at.date()) if self.dates else 0,
            bisect_right(self.times, at.time()) if self.times else 0,
        )
        card = self._cards.get(span)
        if card is None:
            card = self._cards[span] = self._make(at.replace(tzinfo=UTC))
        return card

    def cost(self, usage: Usage, at: datetime) -> Cost:
        """Return what a request at a moment costs."""
        return step_for(self.card(at), usage.input_tokens or 0).charge(usage)
