"""Constraints that many tables share. Each has a name that says what it refuses."""

from __future__ import annotations

from django.db.models import CheckConstraint, Q, TextChoices


def one_of(table: str, column: str, choices: type[TextChoices]) -> CheckConstraint:
    """Return a constraint that refuses any value of `column` outside `choices`."""
    return CheckConstraint(
        condition=Q(**{f"{column}__in": choices.values}), name=f"{table}_{column}_known"
    )


def in_range(table: str, most: int, *columns: str, least: int = 0) -> list[CheckConstraint]:
    """Return a constraint for each column that refuses numbers below `least` and above `most`.

    The upper bound keeps sums over a billion rows within 64 bits. On SQLite, where any column takes
    any value, it also keeps text out: text is greater than every number.
    """
    return [
        CheckConstraint(
            condition=Q(**{f"{column}__gte": least, f"{column}__lte": most}),
            name=f"{table}_{column}_in_range",
        )
        for column in columns
    ]
