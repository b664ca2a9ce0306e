"""Constraints that many tables share. Each has a name that says what it refuses."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, TextChoices


def one_of(table: str, column: str, choices: type[TextChoices]) -> CheckConstraint:
    """Return a constraint that refuses any value of `column` outside `choices`."""
    return CheckConstraint(
        condition=Q(**{f"{column}__in": choices.values}), name=f"{table}_{column}_known"
    )


def not_negative(table: str, *columns: str) -> list[CheckConstraint]:
    """Return a constraint for each column that refuses numbers below zero."""
    return [
        CheckConstraint(condition=Q(**{f"{column}__gte": 0}), name=f"{table}_{column}_not_negative")
        for column in columns
    ]
