"""The user's own prices: the table `prices`, and behind it the prices in the rows of `models`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from fnmatch import translate

from conversations.models import BasisKind, LanguageModel, Price, PriceKind

from .cost import FREE, Basis, Card, Rates, Step, atoms, step_for, written
from .matching import canonical, normalised
from .rates import HALF, HALF_PRICE_BATCHES
from .schedule import Schedule
from .tokens import BATCH

WILDCARDS = re.compile(r"[*?\[]")
BOOK, MODELS_ROW = "price book", "models row"


class Book:
    """The prices of one database as they are when this is made."""

    def __init__(self, using: str = "default") -> None:
        self._lines = [_Line(price) for price in Price.objects.using(using).order_by("id")]
        self._lines.sort(key=lambda line: line.rank, reverse=True)
        models = LanguageModel.objects.using(using).filter(
            cost_per_1k_input_tokens__isnull=False, cost_per_1k_output_tokens__isnull=False
        )
        columns = ("provider", "model_name", "model_version")
        costs = ("cost_per_1k_input_tokens", "cost_per_1k_output_tokens")
        self._models = {
            (provider, name, version): (_per_million(sent), _per_million(said))
            for provider, name, version, sent, said in models.values_list(*columns, *costs)
        }

    def models_row(self, provider: str, model: str, version: str, is_batch: bool) -> Card | None:
        """Return the prices that stand in the model's row, None if it has not both."""
        prices = self._models.get((provider, model, version))
        if prices is None:
            return None
        if is_batch and canonical(provider) in HALF_PRICE_BATCHES:
            prices = (prices[0] * HALF, prices[1] * HALF)
        sent, said = map(atoms, prices)
        listed = written(zip(("input", "output"), prices, strict=True))
        if is_batch:
            listed += (("service_tier", BATCH),)
        basis = Basis(BasisKind.COMPUTED.value, MODELS_ROW, MODELS_ROW, provider, model, listed)
        return (Step(0, Rates(sent, sent, sent, sent, said, said), basis),)

    def over(
        self, below: Schedule, provider: str, model: str, tier: str, is_batch: bool
    ) -> Schedule:
        """Return `below` with the rows of the price book laid over it where they hold."""
        lines = [line for line in self._lines if line.is_for(provider, model, tier, is_batch)]
        if not lines:
            return below

        def card(at: datetime) -> Card:
            valid = [line for line in lines if line.holds_on(at.date())]
            under = below.card(at)
            starts = {line.above for line in valid} | {step.above for step in under}
            return tuple(
                _step(valid, under, start, provider, model, is_batch)
                for start in sorted(starts, reverse=True)
            )

        dates = [day for line in lines for day in line.days]
        return Schedule(card, [*below.dates, *dates], below.times)


def _step(
    lines: Iterable[_Line], under: Card, above: int, provider: str, model: str, is_batch: bool
) -> Step:
    """Return the prices of requests that send more than `above` tokens, up to the next step."""
    reached = [line for line in lines if line.above <= above]
    if not reached:
        return step_for(under, above + 1)
    # Of the likeliest row's steps, the highest that is reached.
    best = max(reached, key=lambda line: (line.rank[:-2], line.above, line.rank[-2:]))
    return best.step(above, provider, model, is_batch)


class _Line:
    """A row of the price book, made ready for matching."""

    def __init__(self, price: Price) -> None:
        self.price = price
        self.above = price.above_input_tokens
        self.days = [day for day in (price.valid_from, price.valid_to) if day]
        self._provider = canonical(price.provider)
        self._pattern = re.compile(translate(price.model_pattern.strip().lower()))
        is_exact = not WILDCARDS.search(price.model_pattern)
        # The more it says, the earlier it comes; of equals the later one.
        self.rank = (
            bool(price.provider),
            bool(price.service_tier),
            is_exact,
            len(price.model_pattern),
            price.valid_from or date.min,
            price.id,
        )

    def is_for(self, provider: str, model: str, tier: str, is_batch: bool) -> bool:
        wanted = self.price.service_tier.lower()
        if wanted and wanted != tier and not (is_batch and wanted == BATCH):
            return False
        if self._provider and self._provider != canonical(provider):
            return False
        return self._is_as_written(model) or bool(self._pattern.match(normalised(model)))

    def _is_as_written(self, model: str) -> bool:
        return bool(self._pattern.match(model.strip().lower()))

    def holds_on(self, day: date) -> bool:
        first, end = self.price.valid_from, self.price.valid_to
        return (first is None or first <= day) and (end is None or day < end)

    def step(self, above: int, provider: str, model: str, is_batch: bool) -> Step:
        """Return its prices for a model, as the step above `above` of a card."""
        price = self.price
        rule = "name as written" if self._is_as_written(model) else "normalised name"
        if price.kind != PriceKind.PER_TOKEN:
            kind = BasisKind.LOCAL if price.kind == PriceKind.LOCAL else BasisKind.SUBSCRIPTION
            basis = Basis(kind.value, rule, BOOK, price.provider or provider, price.model_pattern)
            return Step(above, FREE, basis)
        listed = self._prices(is_batch)
        prices = written(listed.items())
        if self.above:
            prices += (("above_input_tokens", str(self.above)),)
        tier = price.service_tier or (BATCH if is_batch else "")
        if tier:
            prices += (("service_tier", tier),)
        kind, name = BasisKind.COMPUTED.value, price.model_pattern
        basis = Basis(kind, rule, BOOK, price.provider or provider, name, prices)
        token = {name: atoms(value) for name, value in listed.items()}
        sent, said = token["input"], token["output"]
        rates = Rates(
            sent,
            token.get("cache_read", sent),
            token.get("cache_write_5m", sent),
            token.get("cache_write_1h", sent),
            said,
            token.get("reasoning", said),
        )
        return Step(above, rates, basis)

    def _prices(self, is_batch: bool) -> dict[str, Decimal]:
        """Return the prices that are given, in USD per million tokens, those of a batch lowered."""
        price = self.price
        is_lowered = is_batch and price.service_tier.lower() != BATCH
        factor = price.batch_factor if is_lowered else Decimal(1)
        given = {
            "input": price.input_price,
            "cache_read": price.cache_read_price,
            "cache_write_5m": price.cache_write_5m_price,
            "cache_write_1h": price.cache_write_1h_price,
            "output": price.output_price,
            "reasoning": price.reasoning_price,
        }
        return {name: value * factor for name, value in given.items() if value is not None}


def _per_million(per_thousand: float) -> Decimal:
    # By way of its shortest text: 0.003 means three thousandths, not the float nearest to it.
    return Decimal(repr(per_thousand)) * 1000
