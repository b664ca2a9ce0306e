"""What our own export says of sessions beside their messages: notes and snapshots."""

from __future__ import annotations

from typing import Any

from conversations.importers.records import SessionRecord
from conversations.models import Annotation, SessionSnapshot
from conversations.models.choices import AnnotatedEntity

from .stored import Known


class Notes:
    """The notes and snapshots of new sessions, stored once the sessions and messages are.

    Those of sessions that are here already are not: what was taken away here stays away.
    """

    def __init__(self, using: str) -> None:
        self.using = using
        self._annotations: list[tuple[int, dict[str, Any]]] = []
        self._snapshots: list[SessionSnapshot] = []

    def take(self, session_id: int, record: SessionRecord) -> None:
        """Queue what a record says of its session."""
        own = record.own
        if own is None:
            return
        self._annotations += ((session_id, values) for values in own.annotations)
        for values in own.snapshots:
            columns = _columns(SessionSnapshot, values)
            self._snapshots.append(SessionSnapshot(session_id=session_id, **columns))

    def store(self, known: dict[str, Known]) -> None:
        """Store all; a note on a message that is not here is left out."""
        if self._annotations:
            made = (self._annotation(*taken, known) for taken in self._annotations)
            Annotation.objects.using(self.using).bulk_create(
                [row for row in made if row], ignore_conflicts=True
            )
        if self._snapshots:
            SessionSnapshot.objects.using(self.using).bulk_create(
                self._snapshots, ignore_conflicts=True
            )

    def _annotation(
        self, session_id: int, values: dict[str, Any], known: dict[str, Known]
    ) -> Annotation | None:
        columns = _columns(Annotation, values)
        if message := values.get("message"):
            if message not in known:
                return None
            columns |= {"entity_type": AnnotatedEntity.MESSAGE, "entity_id": known[message].id}
        else:
            columns |= {"entity_type": AnnotatedEntity.SESSION, "entity_id": session_id}
        return Annotation(**columns)


def _columns(model: Any, values: dict[str, Any]) -> dict[str, Any]:
    known = {field.attname for field in model._meta.concrete_fields} - {"id"}
    return {name: value for name, value in values.items() if name in known}
