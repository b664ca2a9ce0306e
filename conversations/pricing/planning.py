"""What pricing messages anew would change.

A recorded cost is left alone, unless it is 0 beside tokens. What was computed, is local or has no
price gets the price of the message's own time, as price book and price list are now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from django.db import connections
from django.utils import timezone

from conversations.models import BasisKind, CostBasis
from conversations.models.sessions import NANO

from . import requests
from .cost import Cost
from .messages import Priced, as_columns, cost_of
from .pricer import Pricer
from .requests import Request, Scope

AT_ONCE = 10_000  # messages that are read at once
WHOLE = 2**52  # from here on a float has no fraction
Change = tuple[Request, Priced]


@dataclass(slots=True)
class Line:
    """What becomes of the messages of a model in a month (of the site's time zone)."""

    month: str  # 2026-03
    model: str  # provider/name, "" if nobody knows which
    messages: int = 0  # that are priced anew
    changed: int = 0  # of them, that get another cost or basis
    nanos_before: int = 0
    nanos_after: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0

    @property
    def cost_before(self) -> Decimal:
        """USD."""
        return Decimal(self.nanos_before) / NANO

    @property
    def cost_after(self) -> Decimal:
        """USD."""
        return Decimal(self.nanos_after) / NANO


@dataclass(frozen=True, slots=True)
class Plan:
    """What pricing anew would change, by month and model."""

    lines: list[Line]
    recorded: int  # messages with tokens whose recorded cost is left alone
    is_whole: bool  # else there was no time to look at all

    @property
    def looked_at(self) -> int:
        return self.recorded + self.total.messages

    @property
    def total(self) -> Line:
        """All lines in one."""
        total = Line("", "")
        for line in self.lines:
            for name in ("messages", "changed", "nanos_before", "nanos_after", "unpriced_before",
                         "unpriced_after"):  # fmt: skip
                setattr(total, name, getattr(total, name) + getattr(line, name))
        return total


class Repricer:
    """Prices requests by the prices of the database as they are when this is made."""

    def __init__(self, using: str) -> None:
        self.pricer = Pricer(using)
        self.names = requests.names(using)
        recorded = CostBasis.objects.using(using).filter(kind=BasisKind.RECORDED)
        self.recorded = {None, *recorded.values_list("id", flat=True)}

    def price(self, request: Request) -> Priced | None:
        """Return what a request costs now; None if its recorded cost is left alone."""
        if self._is_left_alone(request):
            return None
        return as_columns(self.pricer, self._cost(request))

    def costs(self, found: list[Request]) -> list[tuple[Request, Cost | None]]:
        """Return what these cost now, less those whose recorded cost is left alone.

        The database is not asked: another thread may do this while it is being written.
        """
        return [(one, self._cost(one)) for one in found if not self._is_left_alone(one)]

    def changes(self, costs: list[tuple[Request, Cost | None]]) -> list[Change]:
        """Return which of these requests get another cost or basis, and what they get."""
        priced = ((request, as_columns(self.pricer, cost)) for request, cost in costs)
        return [
            (request, new)
            for request, new in priced
            if new != (request.cost, request.cost_basis_id)
        ]

    def _is_left_alone(self, request: Request) -> bool:
        return bool(request.cost) and request.cost_basis_id in self.recorded

    def _cost(self, request: Request) -> Cost | None:
        name = self.names.get(request.model_id, requests.NO_MODEL)
        return cost_of(self.pricer, request, request.decoded, name, request.timestamp)


def plan(
    scope: Scope,
    *,
    seconds: float | None = None,
    progress: Callable[[int], None] = lambda checked: None,
    at_once: int = AT_ONCE,
    using: str = "default",
) -> Plan:
    """Return what pricing these messages anew would change; no message is written.

    With `seconds`, no more than so many are looked at as that takes.
    """
    until = None if seconds is None else time.monotonic() + seconds
    repricer, zone = Repricer(using), timezone.get_default_timezone()
    lines: dict[tuple[str, int | None], Line] = {}
    last = recorded = checked = 0
    is_whole = True
    with connections[using].cursor() as cursor:
        while found := requests.after(cursor, scope, last, at_once):
            for request in found:
                new = repricer.price(request)
                if new is None:
                    recorded += 1
                    continue
                key = (_month(request.timestamp, zone), request.model_id)
                line = lines.get(key)
                if line is None:
                    name = repricer.names.get(request.model_id, requests.NO_MODEL)
                    line = lines[key] = Line(key[0], name.in_full)
                line.messages += 1
                line.changed += new != (request.cost, request.cost_basis_id)
                line.nanos_before += request.cost_nanos or 0
                line.nanos_after += nanos(new.cost)
                line.unpriced_before += request.cost is None
                line.unpriced_after += new.cost is None
            last = found[-1].id
            checked += len(found)
            progress(checked)
            if until is not None and time.monotonic() > until:
                is_whole = not requests.after(cursor, scope, last, 1)
                break
    in_order = sorted(lines.values(), key=lambda line: (line.month, line.model))
    return Plan(in_order, recorded, is_whole)


def nanos(cost: float | None) -> int:
    """Return USD as nano-dollars, as the column `cost_nanos` has them; 0 if unknown."""
    exact = (cost or 0.0) * NANO
    return int(exact + 0.5) if exact < WHOLE else int(exact)


def _month(moment: datetime, zone: tzinfo) -> str:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    with suppress(OverflowError):  # of the first and the last day that there is
        moment = moment.astimezone(zone)
    return moment.isoformat()[:7]
