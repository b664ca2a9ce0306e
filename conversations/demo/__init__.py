"""A made-up year of conversations, so that an empty installation can be tried.

Every session of it has the source "demo" and `{"demo": true}` in its metadata, as have the projects
and models that were made for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime

from django.db import connections, transaction
from django.utils import timezone

from conversations import storing, values
from conversations.errors import InvalidValue
from conversations.importers.records import Item
from conversations.models import LanguageModel, Project, Session
from conversations.storing import ImportReport

from . import remarks
from .catalogue import MODELS, PROJECTS
from .conversation import METADATA, SOURCE, Conversation, converse, external_id
from .rhythm import Rhythm

__all__ = ["MOST_SESSIONS", "SOURCE", "create", "exists", "remove"]

MOST_SESSIONS = 100_000
AT_ONCE = 500  # sessions in one transaction


def create(
    *,
    sessions: int = 500,
    seed: int = 42,
    until: datetime | None = None,
    using: str = "default",
) -> ImportReport:
    """Store a year of demo sessions that ends at `until` (default: today's first moment, UTC).

    The same `seed` and `until` give the same data. Sessions of the demo that are there already,
    whatever they were made from, are left alone and count as unchanged.
    """
    if isinstance(sessions, bool) or not isinstance(sessions, int):
        raise InvalidValue(f"sessions must be a whole number, not {sessions!r:.50}")
    if not 1 <= sessions <= MOST_SESSIONS:
        raise InvalidValue(f"sessions must be from 1 to {MOST_SESSIONS:,}, not {sessions:,}")
    if until is None:
        until = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    rhythm = Rhythm(values.time("until", until))
    report = ImportReport()
    for first in range(1, sessions + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, sessions + 1))
        # All of a session or nothing: a later run leaves what it finds alone.
        with transaction.atomic(using):
            missing = _missing(numbers, using)
            report.unchanged += len(numbers) - len(missing)
            if missing:
                _prepare(rhythm, using)
                made = [converse(number, seed, rhythm) for number in missing]
                _add(report, storing.store(_records(made), with_deleted=True, using=using))
                remarks.add(made, seed=seed, rhythm=rhythm, using=using)
    return report


def exists(*, using: str = "default") -> bool:
    """Return whether any session of the demo is there, in the trash or not."""
    return _stored(using).exists()


def remove(*, using: str = "default") -> int:
    """Delete every session of the demo for good, and return how many there were.

    Projects and models that were made for the demo go too, unless something else uses them. What
    people branched from the demo is theirs and stays.
    """
    with transaction.atomic(using), connections[using].cursor() as cursor:
        # The schema deletes what hangs on them; Django would fetch every message for it.
        cursor.execute(
            "DELETE FROM sessions WHERE source = %s AND external_id IS NOT NULL", [SOURCE]
        )
        count = cursor.rowcount
        for table in (Project, LanguageModel):
            for id in _unused(table, using):
                cursor.execute(f"DELETE FROM {table._meta.db_table} WHERE id = %s", [id])
    return count


def _stored(using: str):
    sessions = Session._base_manager.using(using)
    return sessions.filter(source=SOURCE, external_id__isnull=False)


def _missing(numbers: range, using: str) -> list[int]:
    names = {external_id(number): number for number in numbers}
    there = _stored(using).filter(external_id__gte=min(names), external_id__lte=max(names))
    for name in there.values_list("external_id", flat=True):
        names.pop(name, None)
    return list(names.values())


def _records(made: list[Conversation]) -> Iterator[tuple[str, Item]]:
    return ((SOURCE, conversation.record) for conversation in made)


def _add(report: ImportReport, other: ImportReport) -> None:
    for field in fields(ImportReport):
        setattr(report, field.name, getattr(report, field.name) + getattr(other, field.name))


def _prepare(rhythm: Rhythm, using: str) -> None:
    """Make the projects and models that are not there; what is there stays as it is."""
    for name, description in PROJECTS.items():
        Project._base_manager.using(using).get_or_create(
            name=name,
            defaults={
                "description": description,
                "metadata": dict(METADATA),
                "created_at": rhythm.since,
                "updated_at": rhythm.since,
            },
        )
    for model in MODELS:
        LanguageModel._base_manager.using(using).get_or_create(
            provider=model.provider,
            model_name=model.name,
            model_version="",
            defaults={
                "api_key_name": model.key_name,
                "context_window": model.context_window,
                "supports_functions": model.calls_tools,
                "cost_per_1k_input_tokens": model.price_in,
                "cost_per_1k_output_tokens": model.price_out,
                "created_at": rhythm.since,
                "metadata": dict(METADATA),
            },
        )


def _unused(table: type[Project | LanguageModel], using: str) -> set[int]:
    """Return the rows that were made for the demo and that nothing refers to, in any table."""
    made = table._base_manager.using(using).filter(metadata__demo=True)
    unused = set(made.values_list("id", flat=True))
    for relation in table._meta.related_objects:
        name = relation.field.attname
        users = relation.related_model._base_manager.using(using)
        unused -= set(
            users.filter(**{f"{name}__in": unused}).values_list(name, flat=True).distinct()
        )
    return unused
