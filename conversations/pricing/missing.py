"""Models whose messages have no price, and giving them one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from django.db import connections, transaction

from conversations.models import LanguageModel, Price, PriceKind

from .matching import is_no_name

PATTERN = re.compile(r"[*?\[]")
# An index holds just these messages (messages_unpriced).
UNPRICED = """
    SELECT COALESCE(message.model_id, session.model_id) AS model_id, COUNT(*),
        SUM(COALESCE(message.input_tokens, 0)), SUM(COALESCE(message.output_tokens, 0))
    FROM messages AS message CROSS JOIN sessions AS session ON session.id = message.session_id
    WHERE message.cost IS NULL AND (message.input_tokens > 0 OR message.output_tokens > 0)
        AND session.deleted_at IS NULL
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """A model, None if nobody knows which, and its messages that have tokens and no price."""

    model: LanguageModel | None
    messages: int
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def can_be_priced(self) -> bool:
        """Whether the model has a name that stands for one."""
        return self.model is not None and not is_no_name(self.model.model_name)


def missing(*, using: str = "default") -> list[Missing]:
    """Return the models with messages that have no price, those with the most tokens first."""
    with connections[using].cursor() as cursor:
        cursor.execute(UNPRICED)
        rows = cursor.fetchall()
    models = LanguageModel.objects.using(using).in_bulk([id for id, *_ in rows if id])
    found = [Missing(models.get(id), *sums) for id, *sums in rows]
    return sorted(found, key=lambda each: (-each.tokens, each.model.pk if each.model else 0))


@dataclass(frozen=True, slots=True)
class Given:
    """What a model is to cost from now on: USD per million tokens, or nothing by `kind`."""

    model: LanguageModel
    kind: str
    input_price: Decimal | None = None
    output_price: Decimal | None = None
    cache_read_price: Decimal | None = None
    cache_write_price: Decimal | None = None


def add_to_book(given: list[Given], *, using: str = "default") -> list[Price]:
    """Store a row of the price book for each of these models, for all of its time."""
    note = "Set for a model without a price."
    rows = []
    with transaction.atomic(using):
        for each in given:
            prices = {}
            if each.kind == PriceKind.PER_TOKEN:
                prices = {
                    "input_price": each.input_price,
                    "output_price": each.output_price,
                    "cache_read_price": each.cache_read_price,
                    "cache_write_5m_price": each.cache_write_price,
                    "cache_write_1h_price": each.cache_write_price,
                }
            row = Price(
                provider=each.model.provider,
                model_pattern=literally(each.model.model_name),
                kind=each.kind,
                note=note,
                **prices,
            )
            row.save(using=using, force_insert=True)
            rows.append(row)
    return rows


def literally(name: str) -> str:
    """Return the pattern that matches this name alone, whatever characters it has."""
    return PATTERN.sub(lambda found: f"[{found[0]}]", name)
