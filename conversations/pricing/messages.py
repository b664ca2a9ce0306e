"""What a message costs: what its source recorded, else what its tokens cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from conversations.models import CostBasis, LanguageModel, Message, Session
from conversations.models.choices import Role
from conversations.models.sessions import MOST_COST, TOKEN_COLUMNS

from .cost import Cost
from .pricer import Pricer
from .tokens import usage_of

# Whose web pages say nothing of tokens, and are paid for by the month.
SUBSCRIPTION_SOURCES = frozenset({"chatgpt", "claude-ai"})
# What a computed cost depends on, of the columns that people change.
PRICED_BY = frozenset({*TOKEN_COLUMNS, "model_id", "timestamp"})


class ModelName(NamedTuple):
    """What a row of `models` is called."""

    provider: str = ""
    model: str = ""
    version: str = ""

    @property
    def in_full(self) -> str:
        """The name as people write it: `openai/gpt-4o`; "" if there is none."""
        name = "/".join(filter(None, self[:2]))
        return f"{name} ({self.version})" if self.version else name


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
    if has_tokens:
        return computed(pricer, message, metadata, model, at)
    if source in SUBSCRIPTION_SOURCES and message.role == Role.ASSISTANT:
        return Priced(None, CostBasis.SUBSCRIPTION)
    return NOTHING


def computed(pricer: Pricer, message: Any, metadata: Any, model: ModelName, at: datetime) -> Priced:
    """Return what the tokens of a message cost, whatever was recorded."""
    return as_columns(pricer, cost_of(pricer, message, metadata, model, at))


def cost_of(
    pricer: Pricer, message: Any, metadata: Any, model: ModelName, at: datetime
) -> Cost | None:
    """Return what the tokens of a message cost, None without any; the database is not asked."""
    if not (message.input_tokens or message.output_tokens):
        return None
    usage = usage_of(message, metadata)
    return pricer.price(model.provider, model.model, usage, at, version=model.version)


def as_columns(pricer: Pricer, cost: Cost | None) -> Priced:
    """Return what the columns of a message say of a cost; its basis is stored if it is new."""
    if cost is None:
        return NOTHING
    amount = cost.column
    if amount is None or amount > MOST_COST:
        return Priced(None, CostBasis.UNKNOWN)
    return Priced(amount, pricer.basis_id(cost.basis))


def name_of(*models: LanguageModel | None) -> ModelName:
    """Return what the first of these is called that is one: a message's model, its session's."""
    model = next(filter(None, models), None)
    if model is None:
        return ModelName()
    return ModelName(model.provider, model.model_name, model.model_version)


def price_new(session: Session, messages: Iterable[Message]) -> None:
    """Give new messages of a session their cost and basis, in the caller's transaction."""
    using = session._state.db
    pricer = None
    for message in messages:
        message.cost_basis_id = None
        if message.cost is None and not (message.input_tokens or message.output_tokens):
            continue
        pricer = pricer or Pricer(using)
        model = name_of(message.model, session.model)
        at = message.timestamp if isinstance(message.timestamp, datetime) else timezone.now()
        message.cost, message.cost_basis_id = priced(pricer, message, message.metadata, model, at)


def after_edit(message: Message, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return cost and basis of a message of which these columns were changed by hand.

    `message` has the new values already. A cost that was written is recorded; one that was deleted,
    or that was computed from what has changed, is computed again. Empty if it stays.
    """
    if columns.get("cost") is not None:
        return {"cost_basis_id": CostBasis.RECORDED}
    is_recorded = message.cost_basis_id in (None, CostBasis.RECORDED) and message.cost is not None
    if "cost" not in columns and (is_recorded or not PRICED_BY & columns.keys()):
        return {}
    using = message._state.db
    model = name_of(message.model, message.session.model)
    return computed(Pricer(using), message, message.metadata, model, message.timestamp)._asdict()
