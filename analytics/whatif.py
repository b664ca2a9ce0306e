"""What the same history would have cost on another model: request by request, at its own time.

No model is called: the tokens are those that were used. Another model may have needed more or fewer
of them for the same text, which nobody can know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from conversations.errors import InvalidValue
from conversations.models import LanguageModel
from conversations.models.sessions import NANO
from conversations.pricing import Basis, ModelName, Pricer, Usage, usage_of
from conversations.pricing.cost import ATOMS, FEES, PARTS, in_usd
from conversations.pricing.matching import canonical
from conversations.pricing.requests import NO_MODEL, Scope, in_time, names

MOST_MODELS = 8
LOOKS = 256  # requests between two looks at the clock


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms the requests would have been made.

    `cache_share` is the percentage of each request's input that is read from a cache, rounded down
    to whole tokens, while nothing is written to one; None leaves reads and writes as they were.
    `batch` makes a batch of every request.
    """

    cache_share: Decimal | None = None
    batch: bool = False

    def applied(self, usage: Usage) -> Usage:
        """Return what a request would have used."""
        if self.cache_share is not None:
            read = int((usage.input_tokens or 0) * self.cache_share / 100)
            usage = usage._replace(
                cache_read_tokens=read, cache_write_5m_tokens=0, cache_write_1h_tokens=0
            )
        return usage._replace(is_batch=True) if self.batch else usage


@dataclass(slots=True)
class Recosted:
    """What the requests would have cost on one model."""

    model: ModelName
    shares: list[int] = field(default_factory=lambda: [0] * len(PARTS + FEES))  # see pricing.cost
    priced: int = 0  # requests
    unpriced: int = 0  # requests that no price of the model is known for, at their time
    compared: int = 0  # requests whose own cost is known as well
    compared_before: int = 0  # nano-dollars that those did cost
    compared_after: int = 0  # what those would have cost, as `shares`
    bases: set[Basis] = field(default_factory=set)  # the prices that were applied

    @property
    def total(self) -> Decimal:
        """USD, exact, of the requests that could be priced."""
        return in_usd(sum(self.shares))

    @property
    def parts(self) -> dict[str, Decimal]:
        """USD by part, which sum exactly to the total: fresh input, cache, output, fees."""
        return dict(zip(PARTS + FEES, map(in_usd, self.shares), strict=True))

    @property
    def prices(self) -> list[str]:
        """The prices that were applied, in words, USD per million tokens."""
        return sorted(
            ", ".join(
                [
                    *filter(None, [basis.kind, basis.origin, "/".join(basis[3:5]).strip("/")]),
                    *(f"{name.replace('_', ' ')} {rate}" for name, rate in basis.rates),
                ]
            )
            for basis in self.bases
        )

    @property
    def difference(self) -> Decimal | None:
        """USD more than it did cost, of the requests of which both is known; None of none."""
        if not self.compared:
            return None
        return in_usd(self.compared_after - self.compared_before * (ATOMS // NANO))

    @property
    def difference_percent(self) -> Decimal | None:
        """The same in per cent of what those requests did cost; None if that is nothing."""
        if not self.compared_before or self.difference is None:
            return None
        return self.difference * NANO / self.compared_before * 100


@dataclass(slots=True)
class WhatIf:
    """A history re-costed on several models, beside what it did cost."""

    models: list[Recosted]
    requests: int = 0  # messages that used tokens
    cost_nanos: int = 0  # what they did cost, as far as that is known
    unpriced: int = 0  # requests whose own cost is not known
    is_whole: bool = True  # else there was no time for all
    reached: datetime | None = None  # the time (UTC) of the last request that was re-costed

    @property
    def cost(self) -> Decimal:
        """USD that the requests did cost, as far as that is known."""
        return Decimal(self.cost_nanos) / NANO


def recost(
    scope: Scope,
    models: Sequence[ModelName],
    terms: Terms,
    *,
    seconds: float | None = None,
    progress: Callable[[int], None] = lambda requests: None,
    using: str = "default",
) -> WhatIf:
    """Return what the requests of a scope would have cost on these models.

    With `seconds`, the earliest requests are re-costed, as many as that takes.
    """
    until = None if seconds is None else time.monotonic() + seconds
    pricer, own = Pricer(using), names(using)
    found = WhatIf([Recosted(model) for model in models])
    providers = [canonical(model.provider) for model in models]
    for request in in_time(scope, using=using):
        if found.requests % LOOKS == 0:
            progress(found.requests)
            if until is not None and found.requests and time.monotonic() > until:
                found.is_whole = False
                break
        found.requests += 1
        found.reached = request.timestamp
        before = request.cost_nanos
        if before is None:
            found.unpriced += 1
        else:
            found.cost_nanos += before
        usage = terms.applied(usage_of(request, request.decoded))
        home, elsewhere = "", usage
        if usage.service_tier:  # it is one of its provider's, and says nothing at another's
            home = canonical(own.get(request.model_id, NO_MODEL).provider)
            elsewhere = usage._replace(service_tier="")
        for recosted, provider in zip(found.models, providers, strict=True):
            model = recosted.model
            asked = usage if provider == home else elsewhere
            cost = pricer.price(
                model.provider, model.model, asked, request.timestamp, version=model.version
            )
            if cost.shares is None:
                recosted.unpriced += 1
                continue
            recosted.priced += 1
            recosted.bases.add(cost.basis)
            shares = recosted.shares
            for place, share in enumerate(cost.shares):
                if share:
                    shares[place] += share
            if before is not None:
                recosted.compared += 1
                recosted.compared_before += before
                recosted.compared_after += sum(cost.shares)
    if found.reached is not None and found.reached.tzinfo is None:
        found.reached = found.reached.replace(tzinfo=UTC)
    return found


def named(text: str, *, using: str = "default") -> ModelName:
    """Return the model that `provider/name` means, which need not be one of the history.

    A name without a provider is that of the model here, if there is one of the name. Raises
    `InvalidValue` for what is no name.
    """
    text = text.strip()
    provider, slash, name = text.partition("/")
    if not text or (slash and not name) or not text.isprintable() or len(text) > 300:
        raise InvalidValue(f"{text!r:.100} is no model: give provider/name")
    rows = LanguageModel.objects.using(using).order_by("id")
    known = rows.filter(provider=provider, model_name=name).first() if slash else None
    known = known or (None if slash else rows.filter(model_name=text).first())
    if known is not None:
        return ModelName(known.provider, known.model_name, known.model_version)
    return ModelName(provider, name) if slash else ModelName("", text)


def percent(text: str) -> Decimal:
    """Return a share of the input as a percentage from 0 to 100; raises `InvalidValue`."""
    try:
        share = Decimal(text.strip().removesuffix("%"))
        if 0 <= share <= 100:
            return share
    except ArithmeticError:
        pass
    raise InvalidValue(f"{text!r:.50} is no percentage from 0 to 100")
