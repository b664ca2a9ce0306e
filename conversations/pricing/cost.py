"""What one request costs, in parts that add up exactly, and how that came about.

Money is counted in integers of 1e-30 USD: fine enough for the finest price in any list times any
discount, so that nothing is rounded before the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Context, Decimal
from hashlib import blake2b
from typing import NamedTuple

from conversations.models import BasisKind, CostBasis

from .tokens import Usage

DIGITS = 30
ATOMS = 10**DIGITS  # in a dollar
MILLION, THOUSAND = 6, 3  # as powers of ten
EXACT = Context(prec=100)
PARTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
FEES = ("request", "web_search")  # beside the tokens


class Basis(NamedTuple):
    """How a cost came about: a row of `cost_bases`. `rates` are names and numbers as text."""

    kind: str
    rule: str = ""
    origin: str = ""
    provider: str = ""
    model: str = ""
    rates: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """What tells it from others: of the fixed ones, which say no more, the kind itself."""
        if self == (self.kind, "", "", "", "", ()):
            return self.kind
        said = json.dumps([*self[:5], dict(self.rates)], sort_keys=True, ensure_ascii=True)
        return blake2b(said.encode(), digest_size=16).hexdigest()


RECORDED = Basis(BasisKind.RECORDED.value)
LOCAL = Basis(BasisKind.LOCAL.value)
SUBSCRIPTION = Basis(BasisKind.SUBSCRIPTION.value)
UNKNOWN = Basis(BasisKind.UNKNOWN.value)
FIXED_IDS = {Basis(kind.value): id for id, kind in CostBasis.FIXED.items()}


class Cost(NamedTuple):
    """What a request costs. `shares` are the parts and the fees in atoms, None if unknown."""

    basis: Basis
    shares: tuple[int, ...] | None = None

    @property
    def kind(self) -> str:
        return self.basis.kind

    @property
    def usd(self) -> Decimal | None:
        """The exact sum in USD, None if no price is known."""
        return None if self.shares is None else in_usd(sum(self.shares))

    @property
    def column(self) -> float | None:
        """What `messages.cost` holds: USD, None if no price is known."""
        return None if self.shares is None else sum(self.shares) / ATOMS

    @property
    def parts(self) -> dict[str, Decimal]:
        """USD by part: `input` (fresh), cache, `output` (said), `reasoning`, and fees.

        They sum to `usd` exactly; empty if no price is known.
        """
        return dict(zip(PARTS + FEES, map(in_usd, self.shares or ()), strict=False))


class Rates(NamedTuple):
    """Atoms per token of each part, per request and per search; None where no price is known."""

    input: int | None
    cache_read: int | None
    cache_write_5m: int | None
    cache_write_1h: int | None
    output: int | None
    reasoning: int | None
    request: int = 0
    web_search: int = 0


FREE = Rates(0, 0, 0, 0, 0, 0)


class Step(NamedTuple):
    """Prices of requests that send more than `above` tokens; all of a request is at one step."""

    above: int
    rates: Rates
    basis: Basis

    def charge(self, usage: Usage) -> Cost:
        """Return what a request costs; unknown if it used a part that has no price."""
        fresh, read, write_5m, write_1h, said, thought = parts = usage.parts()
        rates = self.rates
        searches = usage.web_searches * rates.web_search
        if None in rates:
            if any(rate is None and count for count, rate in zip(parts, rates, strict=False)):
                return Cost(UNKNOWN)
            shares = [count * (rate or 0) for count, rate in zip(parts, rates, strict=False)]
            return Cost(self.basis, (*shares, rates.request, searches))
        for_input, for_read, for_5m, for_1h, for_output, for_reasoning, per_request, _ = rates
        return Cost(
            self.basis,
            (
                fresh * for_input,
                read * for_read,
                write_5m * for_5m,
                write_1h * for_1h,
                said * for_output,
                thought * for_reasoning,
                per_request,
                searches,
            ),
        )


Card = tuple[Step, ...]  # from the highest step down to the one that holds above 0


def step_for(card: Card, input_tokens: int) -> Step:
    """Return the step of a card that holds for a request which sends so many tokens."""
    for step in card:
        if input_tokens > step.above:
            break
    return step


def atoms(price: Decimal, power: int = MILLION) -> int:
    """Return a price in USD per 10**`power` as atoms for one."""
    return int(price.scaleb(DIGITS - power, EXACT))


def written(prices: Iterable[tuple[str, Decimal | None]]) -> tuple[tuple[str, str], ...]:
    """Return prices as a basis keeps them: as text, those that are not known left out."""
    return tuple((name, f"{price.normalize():f}") for name, price in prices if price is not None)


def in_usd(count: int) -> Decimal:
    """Return atoms as USD, exact."""
    return Decimal(count).scaleb(-DIGITS, EXACT).normalize(EXACT)
