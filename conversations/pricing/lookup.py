"""Which price a request would be charged, by which rule, from where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .cost import Basis
from .pricer import Pricer
from .tokens import BATCH, ORDINARY_TIERS


@dataclass(frozen=True, slots=True)
class Answer:
    """The price of requests that send more than `above` tokens."""

    above: int
    basis: Basis

    @property
    def rates(self) -> list[tuple[str, str]]:
        """The prices by what they are for, USD per million tokens."""
        return [(name.replace("_", " "), rate) for name, rate in self.basis.rates]


def look_up(
    provider: str, model: str, at: datetime, *, tier: str = "", using: str = "default"
) -> list[Answer]:
    """Return the prices of a model at a moment, in a service tier (`batch` for batches).

    They are several where the price depends on the size of the request, the smallest first.
    """
    tier = tier.strip().lower()
    is_batch = tier == BATCH
    card = Pricer(using).card(
        provider.strip(),
        model.strip(),
        at,
        tier="" if is_batch or tier in ORDINARY_TIERS else tier,
        is_batch=is_batch,
    )
    return [Answer(step.above, step.basis) for step in reversed(card)]
