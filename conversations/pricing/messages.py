"""What a message costs: what its source recorded, else what its tokens cost."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from conversations.models import CostBasis
from conversations.models.choices import Role
from conversations.models.sessions import MOST_COST

from .pricer import Pricer
from .tokens import usage_of

# Whose web pages say nothing of tokens, and are paid for by the month.
SUBSCRIPTION_SOURCES = frozenset({"chatgpt", "claude-ai"})


class ModelName(NamedTuple):
    """What a row of `models` is called."""

    provider: str = ""
    model: str = ""
    version: str = ""


class Priced(NamedTuple):
    """What `messages.cost` (USD) and `messages.cost_basis_id` hold."""

    cost: float | None
    cost_basis_id: int | None


NOTHING = Priced(None, None)


def priced(
    pricer: Pricer,
    message: Any,
    metadata: Any,
    model: ModelName,
    at: datetime,
    *,
    source: str = "",
) -> Priced:
    """Return cost and basis of a message: anything with its columns as attributes.

    A recorded cost wins unless it is 0 beside tokens: who knows no price writes 0. `model` is that
    which answered, `source` where the message was imported from.
    """
    recorded = message.cost
    has_tokens = message.input_tokens or message.output_tokens
    if recorded is not None and (recorded or not has_tokens):
        return Priced(recorded, CostBasis.RECORDED)
    if not has_tokens:
        if source in SUBSCRIPTION_SOURCES and message.role == Role.ASSISTANT:
            return Priced(None, CostBasis.SUBSCRIPTION)
        return NOTHING
    cost = pricer.price(
        model.provider, model.model, usage_of(message, metadata), at, version=model.version
    )
    amount = cost.column
    if amount is None or amount > MOST_COST:
        return Priced(None, CostBasis.UNKNOWN)
    return Priced(amount, pricer.basis_id(cost.basis))
