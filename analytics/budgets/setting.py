"""Making, changing and removing budgets by their names."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from analytics.models import Budget
from conversations import organising, values
from conversations.errors import AmbiguousId, InvalidValue, UnknownId
from conversations.models import LanguageModel, Project


def find(name: str, *, using: str = "default") -> Budget:
    """Return the budget of this name; raises `UnknownId`."""
    budgets = Budget.objects.using(using).select_related("project", "model")
    if budget := budgets.filter(name=values.text("name", name)).first():
        return budget
    raise UnknownId(f"There is no budget “{name}”.")


def set_budget(
    name: str,
    *,
    period: str,
    hard_limit: Decimal,
    soft_limit: Decimal | None = None,
    project: str = "",
    model: str = "",
    tag: str = "",
    using: str = "default",
) -> tuple[Budget, bool]:
    """Make a budget, or give the one of this name other terms; return it and whether it is new.

    Limits are in USD; `model` is `provider/name`. Raises `InvalidValue`, and `UnknownId` for a
    project or model that is not there.
    """
    budgets = Budget.objects.using(using)
    with transaction.atomic(using):
        budget = budgets.filter(name=values.field_text(Budget, "name", name)).first()
        budget, is_new = (budget, False) if budget else (Budget(name=name), True)
        budget.project = _project(project, using) if project else None
        budget.model = _model(model, using) if model else None
        budget.tag = organising.tag_name(tag) if tag else ""
        budget.period, budget.is_active = period, True
        budget.soft_limit, budget.hard_limit = soft_limit, hard_limit
        values.validated(budget)
        if budget.soft_limit is not None and budget.soft_limit > budget.hard_limit:
            raise InvalidValue("soft_limit: The soft line must not be above the hard line.")
        budget.save(using=using)
    return budget, is_new


def remove(name: str, *, using: str = "default") -> None:
    """Delete the budget of this name; raises `UnknownId`."""
    find(name, using=using).delete()


def _project(name: str, using: str) -> Project:
    if project := Project.objects.using(using).filter(name=values.text("project", name)).first():
        return project
    raise UnknownId(f"There is no project “{name}”.")


def _model(name: str, using: str) -> LanguageModel:
    values.text("model", name)
    short = Concat(F("provider"), Value("/"), F("model_name"))
    found = list(LanguageModel.objects.using(using).annotate(short=short).filter(short=name))
    if not found:  # with its version, as pages write it
        short = Concat(short, Value(" ("), F("model_version"), Value(")"))
        found = list(LanguageModel.objects.using(using).annotate(full=short).filter(full=name))
    if not found:
        raise UnknownId(f"There is no model “{name}”: give provider/name.")
    if len(found) > 1:
        raise AmbiguousId(f"“{name}” is one of {', '.join(model.full_name for model in found)}.")
    return found[0]
