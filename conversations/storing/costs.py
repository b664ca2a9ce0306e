"""What imported messages cost, and how that is known."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from conversations.importers.records import CatalogRecord, MessageRecord, SessionRecord
from conversations.models import BasisKind, CostBasis
from conversations.pricing import Basis, ModelName, Priced, Pricer, priced

TEXTS = ("kind", "rule", "origin", "provider", "model")


class Costs:
    """Prices messages by the prices of the database as they are when the import starts."""

    def __init__(self, using: str) -> None:
        self.using = using
        self.pricer = Pricer(using)
        self._bases: dict[str, int | None] = {}  # ids by digest, as our own exports name them

    def forget(self) -> None:
        """Look ids up again: a transaction has been taken back."""
        self.pricer.forget()

    def of(
        self, source: str, session: SessionRecord, message: MessageRecord, time: datetime
    ) -> Priced:
        """Return cost and basis of a message; those of our own export are as they were."""
        if message.own:
            digest = message.own.columns.get("cost_basis")
            return Priced(message.cost, None if digest is None else self._known(digest))
        speaker = message if message.model else session
        model = ModelName(speaker.provider[:100], speaker.model[:200])
        return priced(self.pricer, message, message.metadata, model, time, source=source)

    def add(self, record: CatalogRecord) -> None:
        """Store a basis of our own export. Raises ValueError for what is none."""
        columns = record.columns
        texts = [columns.get(name, "") for name in TEXTS]
        rates, digest = columns.get("rates", {}), columns.get("digest")
        if not (isinstance(digest, str) and all(isinstance(text, str) for text in texts)):
            raise ValueError("a name is no text")
        if texts[0] not in BasisKind.values:
            raise ValueError(f"{texts[0]!r:.50} is no kind of cost")
        if not (isinstance(rates, dict) and all(map(_is_text, rates.values()))):
            raise ValueError("rates are no object of texts")
        basis = Basis(*texts, tuple(rates.items()))
        self._bases[digest] = self.pricer.basis_id(basis)

    def _known(self, digest: Any) -> int | None:
        """Return the id of a basis by its digest; None if neither file nor database has it."""
        if digest not in self._bases:
            bases = CostBasis.objects.using(self.using).filter(digest=digest)
            self._bases[digest] = bases.values_list("id", flat=True).first()
        return self._bases[digest]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
