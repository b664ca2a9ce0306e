"""Taking back what was done on a page.

A change is kept as the steps that take it back, in order: rows to put back as they were, and
values to set again where nobody has set another since. It is forgotten after `KEPT_DAYS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.core import serializers
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from .errors import InvalidValue
from .models import Annotation, Change, Message
from .writing import new_id

KEPT_DAYS = 30
LONGEST_SUMMARY = Change._meta.get_field("summary").max_length
FORGOTTEN_AT_ONCE = 100
IDS_AT_ONCE = 10_000  # a statement takes 32,766 values

Step = dict[str, Any]


def keep(summary: str, steps: list[Step], *, user: AbstractBaseUser | None) -> Change:
    """Store what takes a change back, inside the transaction that makes it; return it."""
    long_ago = timezone.now() - timedelta(days=KEPT_DAYS)
    old = Change.objects.filter(made_at__lt=long_ago).order_by("made_at")[:FORGOTTEN_AT_ONCE]
    Change.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    steps = json.loads(_json(steps))
    return Change.objects.create(
        change_uuid=new_id(), user=user, summary=summary[:LONGEST_SUMMARY], steps=steps
    )


def set_columns(rows: models.QuerySet, **after: Any) -> list[Step]:
    """Set columns of these rows and return the steps that take it back; equal values are left."""
    before = rows.order_by().values_list("pk", *after)
    wanted = tuple(after.values())
    found: dict[str, tuple[list[Any], list[int]]] = {}
    for pk, *values in before.iterator(IDS_AT_ONCE):
        if tuple(values) != wanted:
            found.setdefault(_json(values), (values, []))[1].append(pk)
    table = rows.model._base_manager.using(rows.db)
    for _, pks in found.values():
        for some in _some(pks):
            _update(table.filter(pk__in=some), after)
    groups = [[values, pks] for values, pks in found.values()]
    if not groups:
        return []
    label = rows.model._meta.label
    return [{"set": list(after), "of": label, "was": groups, "became": list(wanted)}]


def set_each(
    model: type[models.Model], column: str, values: list[tuple[int, Any, Any]], *, using: str
) -> list[Step]:
    """Set a column of each row to its own value: `values` are (pk, before, after)."""
    pairs: dict[str, tuple[Any, Any, list[int]]] = {}
    for pk, before, after in values:
        pairs.setdefault(_json([before, after]), (before, after, []))[2].append(pk)
    table = model._base_manager.using(using)
    steps = []
    for before, after, pks in pairs.values():
        for some in _some(pks):
            table.filter(pk__in=some).update(**{column: after})
        steps.append(
            {"set": [column], "of": model._meta.label, "was": [[[before], pks]], "became": [after]}
        )
    return steps


def delete(row: models.Model) -> list[Step]:
    """Delete a row with all that hangs on it; return the steps that put everything back."""
    put_back, set_again = [row], []
    for relation in row._meta.related_objects:
        related = relation.related_model._base_manager.using(row._state.db).filter(
            **{relation.field.name: row}
        )
        if relation.on_delete is models.SET_NULL:
            if pks := list(related.values_list("pk", flat=True)):
                step = {"set": [relation.field.attname], "of": relation.related_model._meta.label}
                set_again.append({**step, "was": [[[row.pk], pks]], "became": [None]})
        else:
            put_back += related
    put_back += Annotation.objects.filter(entity_type=row._meta.model_name, entity_id=row.pk)
    steps = [{"put_back": serializers.serialize("python", put_back)}, *set_again]
    row.delete()
    return steps


def edit(
    row: models.Model, columns: dict[str, Any], summary: str, *, user: AbstractBaseUser
) -> Change:
    """Set columns of one row, and keep what sets them back."""
    with transaction.atomic():
        rows = row._meta.model._base_manager.using(row._state.db).filter(pk=row.pk)
        return keep(summary, set_columns(rows, **columns) if columns else [], user=user)


def delete_and_keep(row: models.Model, summary: str, *, user: AbstractBaseUser) -> Change:
    """Delete a row with all that hangs on it, and keep what puts it back."""
    with transaction.atomic():
        return keep(summary, delete(row), user=user)


def undo(change: Change) -> int:
    """Take a change back and return how many rows that touched.

    What somebody else has changed since stays as they made it. Raises `InvalidValue` where it was
    taken back before, or its place has been taken.
    """
    try:
        with transaction.atomic():
            # Marked first: the lock is held from here on, so nobody takes it back twice.
            fresh = Change.objects.filter(pk=change.pk, undone_at=None)
            if not fresh.update(undone_at=timezone.now()):
                raise InvalidValue("This was taken back already.")
            return sum(_put_back(step) + set_again(step) for step in change.steps)
    except IntegrityError as error:  # also at the commit, where references are checked
        raise InvalidValue(
            "This cannot be taken back: what it belonged to is gone, or its place is taken."
        ) from error


def forget(session_ids: list[int], *, using: str) -> None:
    """Remove these sessions and their messages from what can be taken back."""
    gone = _gone(session_ids, using)
    for change in Change.objects.using(using).all():
        steps = _left(change.steps, gone)
        if not steps and change.steps:
            change.delete()
        elif steps != change.steps:
            change.steps = steps
            change.save(update_fields=["steps"])


def without(steps: list[Step], session_ids: list[int], *, using: str) -> list[Step]:
    """Return steps without what they hold of these sessions and their messages."""
    return _left(steps, _gone(session_ids, using))


def _gone(session_ids: list[int], using: str) -> dict[str, set[int]]:
    messages = Message.objects.using(using).filter(session__in=session_ids).order_by()
    return {
        "conversations.Session": set(session_ids),
        "conversations.Message": set(messages.values_list("pk", flat=True)),
    }


def _left(steps: list[Step], gone: dict[str, set[int]]) -> list[Step]:
    return [left for step in steps if (left := _without(step, gone))]


def _without(step: Step, gone: dict[str, set[int]]) -> Step | None:
    """Return a step without these rows and what hangs on them; None if nothing is left of it."""
    if "put_back" in step:
        rows = [row for row in step["put_back"] if not _is_gone(row, gone)]
        return {**step, "put_back": rows} if rows else None
    if "set" not in step:  # what an import made: a project or a model
        return step
    pks = gone.get(step["of"], set())
    groups = [[values, [pk for pk in some if pk not in pks]] for values, some in step["was"]]
    groups = [group for group in groups if group[1]]
    return {**step, "was": groups} if groups else None


def _is_gone(row: dict[str, Any], gone: dict[str, set[int]]) -> bool:
    fields, label = row["fields"], row["model"].rpartition(".")[2]
    by_kind = {name.rpartition(".")[2].lower(): pks for name, pks in gone.items()}
    if row["pk"] in by_kind.get(label, ()) or fields.get("session") in by_kind["session"]:
        return True
    return fields.get("entity_id") in by_kind.get(fields.get("entity_type"), ())


def _put_back(step: Step) -> int:
    count = 0
    for row in serializers.deserialize("python", step.get("put_back", ())):
        row.save()
        count += 1
    return count


def set_again(step: Step) -> int:
    """Set values back that nobody has changed since; return how many rows that touched."""
    if "set" not in step:
        return 0
    model = apps.get_model(step["of"])
    fields = {name: model._meta.get_field(name) for name in step["set"]}
    unchanged = dict(zip(fields, map(_python, fields.values(), step["became"]), strict=True))
    count = 0
    for values, pks in step["was"]:
        before = dict(zip(fields, map(_python, fields.values(), values), strict=True))
        for some in _some(pks):
            rows = model._base_manager.filter(pk__in=some, **_conditions(unchanged))
            count += _update(rows, before)
    return count


def _update(rows: models.QuerySet, columns: dict[str, Any]) -> int:
    """Set columns of these rows, and return how many there are.

    A cost that is set without its basis loses it (sql/*/costs.sql), and the database cannot tell
    the same basis from none: so that is set once more.
    """
    if columns.get("cost_basis_id") is None or "cost" not in columns:
        return rows.update(**columns)
    rows = rows.model._base_manager.using(rows.db).filter(
        pk__in=list(rows.values_list("pk", flat=True))
    )
    count = rows.update(**columns)
    rows.update(cost_basis_id=columns["cost_basis_id"])
    return count


def _conditions(values: dict[str, Any]) -> dict[str, Any]:
    return {
        (f"{name}__isnull" if value is None else name): (True if value is None else value)
        for name, value in values.items()
    }


def _python(field: models.Field, value: Any) -> Any:
    """Return a value as the field has it: JSON has no times."""
    return value if field.is_relation or value is None else field.to_python(value)


def _json(value: Any) -> str:
    # Times as text with all their digits, which Django's own encoder cuts to milliseconds.
    return json.dumps(value, default=str, sort_keys=True)


def _some(pks: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(pks), IDS_AT_ONCE):
        yield pks[start : start + IDS_AT_ONCE]
