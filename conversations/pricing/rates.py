"""Published prices, from the data of genai-prices: by date, time of day, size, tier and batch.

genai-prices takes some 50 microseconds to price a request. Here its prices are resolved once for
each span of time in which they do not change; a test holds both to the same results. The package
takes half a second to load, so it is loaded when a price is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from conversations.models import BasisKind

from .cost import FREE, THOUSAND, Basis, Card, Rates, Step, atoms, written
from .matching import candidates, is_free, is_no_name
from .schedule import Schedule
from .tokens import BATCH

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

REMEMBERED = 20_000  # names
# Whose batches cost half by their own price pages. genai-prices knows that since October 2026; for
# batches before it, the parts that it names then cost half.
HALF_PRICE_BATCHES = frozenset({"anthropic", "aws", "azure", "google", "groq", "mistral", "openai"})
HALF = Decimal("0.5")
TOKEN_KEYS = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_5m": "cache_write_5m_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
}
FEE_KEYS = {"request": "requests_kcount", "web_search": "web_searches_kcount"}


class Found(NamedTuple):
    """A model of the price list, and the rule by which its name was matched."""

    provider: Provider
    model: ModelInfo
    rule: str


def origin() -> str:
    """Return the name and version of the price list."""
    import genai_prices

    return f"genai-prices {genai_prices.__version__}"


@lru_cache(REMEMBERED)
def find(provider: str, model: str) -> Found | None:
    """Return the model of the price list that a name stands for, None if there is none."""
    from genai_prices.data_snapshot import get_snapshot

    for candidate in candidates(provider, model):
        try:
            found = get_snapshot().find_provider_model(
                candidate.model, None, candidate.provider or None, None
            )
        except LookupError:
            continue
        return Found(*found, candidate.rule)
    return None


@lru_cache(REMEMBERED)
def published(provider: str, model: str, tier: str, is_batch: bool) -> Schedule | None:
    """Return the published prices of a model, None if there are none."""
    if is_free(model) and not is_no_name(model):
        basis = Basis(
            BasisKind.COMPUTED.value, "free variant", "name of the model", provider, model
        )
        return Schedule(lambda _: (Step(0, FREE, basis),))
    found = find(provider, model)
    if found is None:
        return None
    prices = _Prices(found, tier, is_batch)
    return Schedule(prices.card, *_changes(found.model))


def _changes(model: ModelInfo) -> tuple[list[date], list[time]]:
    """Return the days and the times of day at which a price of the model may change."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    conditions = [] if isinstance(model.prices, ModelPrice) else list(model.prices)
    constraints = [each.constraint for each in (*conditions, *(model.price_variants or ()))]
    dates = [each.start_date for each in constraints if isinstance(each, StartDateConstraint)]
    times = [
        _utc(moment)
        for each in constraints
        if isinstance(each, TimeOfDateConstraint)
        for moment in (each.start_time, each.end_time)
    ]
    return dates, times


def _utc(moment: time) -> time:
    if moment.tzinfo is None:
        return moment
    return datetime.combine(date(2000, 1, 2), moment).astimezone(UTC).time()


class _Prices:
    """The cards of one model in one tier."""

    def __init__(self, found: Found, tier: str, is_batch: bool) -> None:
        self.found = found
        self.is_batch = is_batch
        self.tier = " ".join(filter(None, [BATCH if is_batch else "", tier]))
        self.context = {"service_tier": tier, "speed": tier} if tier else {}
        # A model that its provider takes over from another has that one's prices, not its tiers.
        self.has_tiers = any(found.model is each for each in found.provider.models)

    def card(self, at: datetime) -> Card:
        """Return the prices of a moment."""
        prices = self._at(at)
        starts = {0} | {tier.start for price in prices.values() for tier in _tiers(price)}
        return tuple(self._step(prices, start) for start in sorted(starts, reverse=True))

    def _at(self, at: datetime) -> dict[str, Any]:
        """Return the prices in force by their keys in the list, those of a batch halved."""
        ordinary = self._list(at, self.context)
        if not self.is_batch:
            return _given(ordinary)
        batch = self._list(at, {**self.context, "processing": BATCH})
        if batch != ordinary or self.found.provider.id not in HALF_PRICE_BATCHES:
            return _given(batch)
        halved = self._batch_keys()
        return {key: _half(p) if key in halved else p for key, p in _given(ordinary).items()}

    def _list(self, at: datetime, context: dict[str, str]) -> ModelPrice:
        return self.found.model.get_prices(at, context if self.has_tiers else None)

    def _batch_keys(self) -> set[str]:
        """Return the keys of what costs less in a batch: tokens, of all kinds or of those named."""
        variants = self.found.model.price_variants or ()
        named = {
            key
            for variant in variants
            if variant.when.get("processing") == BATCH
            for key in _given(variant.prices)
        }
        return named or set(TOKEN_KEYS.values())

    def _step(self, prices: dict[str, Any], above: int) -> Step:
        by_name = {
            name: _price_above(prices.get(key), above)
            for name, key in (TOKEN_KEYS | FEE_KEYS).items()
        }
        listed = {name: by_name[name] for name in by_name if by_name[name] is not None}
        rates = written(listed.items())
        if above:
            rates += (("above_input_tokens", str(above)),)
        if self.tier:
            rates += (("service_tier", self.tier),)
        provider, model, rule = self.found
        basis = Basis(
            BasisKind.COMPUTED.value, rule, origin(), provider.id[:100], model.id[:200], rates
        )
        return Step(above, _rates(listed), basis)


def _rates(listed: dict[str, Decimal]) -> Rates:
    """Return atoms per token; what has no price of its own has that of what it is part of."""
    token = {name: atoms(price) for name, price in listed.items() if name in TOKEN_KEYS}
    fee = {name: atoms(price, THOUSAND) for name, price in listed.items() if name in FEE_KEYS}
    sent = token.get("input")
    written_ = token.get("cache_write", sent)
    said = token.get("output")
    return Rates(
        input=sent,
        cache_read=token.get("cache_read", sent),
        cache_write_5m=token.get("cache_write_5m", written_),
        cache_write_1h=token.get("cache_write_1h", written_),
        output=said,
        reasoning=token.get("reasoning", said),
        **fee,
    )


def _given(prices: ModelPrice) -> dict[str, Any]:
    known = {*TOKEN_KEYS.values(), *FEE_KEYS.values()}
    return {key: price for key, price in vars(prices).items() if price is not None and key in known}


def _tiers(price: Any) -> Iterator[Any]:
    yield from getattr(price, "tiers", ())


def _price_above(price: Any, above: int) -> Decimal | None:
    """Return the price of requests that send more than `above` tokens, up to the next step."""
    reached = [tier.price for tier in _tiers(price) if tier.start <= above]
    return reached[-1] if reached else getattr(price, "base", price)


def _half(price: Any) -> Any:
    from genai_prices.types import Tier, TieredPrices

    if isinstance(price, TieredPrices):
        tiers = [Tier(tier.start, tier.price * HALF) for tier in price.tiers]
        return TieredPrices(price.base * HALF, tiers)
    return price * HALF
