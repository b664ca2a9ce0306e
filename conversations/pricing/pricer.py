"""What a request costs, by the user's own prices or the published ones."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from conversations.models import CostBasis

from .book import Book
from .cost import FIXED_IDS, FREE, LOCAL, UNKNOWN, Basis, Card, Cost, Rates, Step
from .matching import is_local, is_no_name
from .rates import published
from .schedule import Schedule
from .tokens import Usage

MOST_REMEMBERED = 20_000  # names with their tiers

NO_PRICE = Rates(None, None, None, None, None, None)
LOCALLY = Schedule(lambda _: (Step(0, FREE, LOCAL),))
UNKNOWN_PRICE = Schedule(lambda _: (Step(0, NO_PRICE, UNKNOWN),))


class Pricer:
    """Prices requests by the prices of one database as they are when this is made.

    The user's price book comes first, then the price in the model's row, then what runs on the
    user's own machine and costs nothing, then the published prices.
    """

    def __init__(self, using: str = "default") -> None:
        self.using = using
        self.book = Book(using)
        self._schedules: dict[tuple[str, str, str, str, bool], Schedule] = {}
        self._ids: dict[Basis, int] = {}
        # By the very object, as a card has one for all of its requests: a basis is long to hash.
        self._last: dict[int, tuple[Basis, int]] = {}

    def price(
        self, provider: str, model: str, usage: Usage, at: datetime, *, version: str = ""
    ) -> Cost:
        """Return what one request costs at the prices of its time; `usd` is None if unknown.

        `provider`, `model` and `version` are those of a row of `models`. Never ask for the sum of
        several requests: the price of a token depends on the size of its request.
        """
        key = (provider, model, version, usage.service_tier, usage.is_batch)
        schedule = self._schedules.get(key)
        if schedule is None:
            if len(self._schedules) >= MOST_REMEMBERED:
                self._schedules.clear()
            schedule = self._schedules[key] = self._schedule(*key)
        return schedule.cost(usage, at)

    def card(
        self, provider: str, model: str, at: datetime, *, tier: str = "", is_batch: bool = False
    ) -> Card:
        """Return the prices that a model has at a moment, for each size of request."""
        return self._schedule(provider, model, "", tier, is_batch).card(at)

    def basis_id(self, basis: Basis) -> int:
        """Return the id of the row of `cost_bases` that says this, storing it if there is none."""
        known = self._last.get(id(basis))
        if known is not None and known[0] is basis:
            return known[1]
        found = FIXED_IDS.get(basis) or self._ids.get(basis)
        if found is None:
            found = self._ids[basis] = self._stored(basis)
        if len(self._last) >= MOST_REMEMBERED:
            self._last.clear()
        self._last[id(basis)] = (basis, found)
        return found

    def forget(self) -> None:
        """Look ids up again: a transaction has been taken back."""
        self._ids.clear()
        self._last.clear()

    def _schedule(
        self, provider: str, model: str, version: str, tier: str, is_batch: bool
    ) -> Schedule:
        if is_no_name(model):
            return UNKNOWN_PRICE
        if row := self.book.models_row(provider, model, version, is_batch):
            below = Schedule(lambda _: row)
        elif is_local(provider, model):
            below = LOCALLY
        else:
            below = published(provider, model, tier, is_batch) or UNKNOWN_PRICE
        return self.book.over(below, provider, model, tier, is_batch)

    def _stored(self, basis: Basis) -> int:
        bases = CostBasis.objects.using(self.using)
        digest = basis.digest
        with transaction.atomic(self.using):  # the write lock keeps the number free
            known = bases.filter(digest=digest).values_list("id", flat=True).first()
            if known is not None:
                return known
            last = bases.aggregate(last=Max("id"))["last"] or 0
            columns = {**basis._asdict(), "rates": dict(basis.rates)}
            row = bases.create(id=max(last + 1, CostBasis.FIRST), digest=digest, **columns)
            return row.id
