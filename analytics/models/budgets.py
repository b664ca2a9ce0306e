"""Budgets: what messages may cost."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from conversations.models import LanguageModel, Project
from conversations.models.constraints import one_of
from conversations.models.fields import DateTimeField, ForeignKey, MillionthsField
from conversations.organising import LONGEST_TAG

MOST_BUDGET = 10**6  # USD
LEAST_BUDGET = Decimal("0.000001")  # a line at 0 would be reached before anything is spent


class BudgetPeriod(models.TextChoices):
    """How long a budget is for, in days of the site's time zone."""

    DAY = "day", "Day"
    WEEK = "week", "Week, from Monday"
    MONTH = "month", "Month"


def _line(**options) -> MillionthsField:
    bounds = [MinValueValidator(LEAST_BUDGET), MaxValueValidator(MOST_BUDGET)]
    return MillionthsField(validators=bounds, **options)


def _is_a_line(column: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{column}__gt": 0, f"{column}__lte": MOST_BUDGET}),
        name=f"budgets_{column}_in_range",
    )


class Budget(models.Model):
    """What messages may cost in each day, week or month, in USD exact to a millionth.

    It is for the messages of a project, a model (that answered) and a tag of their sessions; each
    that is given must hold, and with none of them it is for all messages. It goes with its project
    or its model.
    """

    name = models.CharField(max_length=200, unique=True)
    project = ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="budgets")
    model = ForeignKey(LanguageModel, models.CASCADE, null=True, blank=True, related_name="budgets")
    tag = models.CharField(max_length=LONGEST_TAG, blank=True, db_default="")
    period = models.CharField(
        max_length=10, choices=BudgetPeriod, default=BudgetPeriod.MONTH, db_default="month"
    )
    soft_limit = _line(
        null=True, blank=True, db_column="soft_limit_micros", help_text="USD. A first warning."
    )
    hard_limit = _line(db_column="hard_limit_micros", help_text="USD.")
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "budgets"
        ordering = ["name"]
        constraints = [
            one_of("budgets", "period", BudgetPeriod),
            _is_a_line("soft_limit"),
            _is_a_line("hard_limit"),
            models.CheckConstraint(
                condition=Q(soft_limit__lte=F("hard_limit")),
                name="budgets_soft_limit_below_hard",
                violation_error_message="The soft line must not be above the hard line.",
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("budget", args=[self.pk])

    @property
    def scope(self) -> str:
        """Whose costs it is for: `project Kitchen, tag tea`, or `all messages`."""
        parts = (("project", self.project), ("model", self.model), ("tag", self.tag))
        return ", ".join(f"{what} {value}" for what, value in parts if value) or "all messages"
