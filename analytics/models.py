"""Comparisons (A/B) of sessions, recorded metrics, and budgets."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from conversations.models import LanguageModel, Message, Project, Session
from conversations.models.constraints import one_of
from conversations.models.fields import DateTimeField, ForeignKey, MillionthsField
from conversations.organising import LONGEST_TAG

MOST_BUDGET = 10**6  # USD
LEAST_BUDGET = Decimal("0.000001")  # a line at 0 would be reached before anything is spent


class ComparisonType(models.TextChoices):
    """What differs between the variants."""

    MODEL = "model"
    PROMPT = "prompt"
    PARAMETER = "parameter"
    MIXED = "mixed"


class Evaluator(models.TextChoices):
    """Who measured a result."""

    HUMAN = "human"
    LLM_JUDGE = "llm_judge"
    AUTOMATED = "automated"


class MetricType(models.TextChoices):
    """What a metric is recorded per."""

    SESSION = "session"
    MODEL = "model"
    DAILY = "daily"
    HOURLY = "hourly"


class MetricEntity(models.TextChoices):
    """What a metric is about."""

    SESSION = "session"
    MODEL = "model"
    PROJECT = "project"
    GLOBAL = "global"


class ComparisonGroup(models.Model):
    """Sessions that answer the same prompts in different ways."""

    group_uuid = models.CharField(max_length=64, unique=True)
    project = ForeignKey(Project, models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, db_default="")
    comparison_type = models.CharField(
        max_length=20, choices=ComparisonType, db_default=ComparisonType.MODEL
    )
    created_at = DateTimeField(db_default=Now(), editable=False)
    completed_at = DateTimeField(null=True, blank=True)
    metadata = models.JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "comparison_groups"
        constraints = [one_of("comparison_groups", "comparison_type", ComparisonType)]

    def __str__(self):
        return self.name


class ComparisonSession(models.Model):
    """A session as one variant of a comparison."""

    comparison_group = ForeignKey(
        ComparisonGroup, models.CASCADE, related_name="variants", db_index=False
    )
    session = ForeignKey(Session, models.CASCADE, related_name="comparisons")
    variant_name = models.CharField(max_length=300, blank=True, db_default="")
    variant_config = models.JSONField(null=True, blank=True)
    created_at = DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "comparison_sessions"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison_group", "session"], name="comparison_sessions_once"
            )
        ]

    def __str__(self):
        return self.variant_name


class ComparisonResult(models.Model):
    """One measured value of one session, or one of its messages, in a comparison."""

    comparison_group = ForeignKey(ComparisonGroup, models.CASCADE, related_name="results")
    session = ForeignKey(Session, models.CASCADE, null=True, blank=True)
    message = ForeignKey(Message, models.SET_NULL, null=True, blank=True)
    metric_name = models.CharField(max_length=200)
    metric_value = models.FloatField(null=True, blank=True)
    metric_unit = models.CharField(max_length=50, blank=True, db_default="")
    evaluator = models.CharField(max_length=20, choices=Evaluator, db_default=Evaluator.AUTOMATED)
    notes = models.TextField(blank=True, db_default="")
    evaluated_at = DateTimeField(db_default=Now())
    metadata = models.JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "comparison_results"
        constraints = [one_of("comparison_results", "evaluator", Evaluator)]

    def __str__(self):
        return f"{self.metric_name} = {self.metric_value}"


class PerformanceMetric(models.Model):
    """A figure of a period, written down for programs that read the table."""

    metric_type = models.CharField(max_length=20, choices=MetricType)
    entity_type = models.CharField(max_length=20, choices=MetricEntity)
    entity_id = models.BigIntegerField(null=True, blank=True)
    metric_name = models.CharField(max_length=200)
    metric_value = models.FloatField(null=True, blank=True)
    metric_unit = models.CharField(max_length=50, blank=True, db_default="")
    period_start = DateTimeField(null=True, blank=True)
    period_end = DateTimeField(null=True, blank=True)
    sample_count = models.IntegerField(db_default=1)
    recorded_at = DateTimeField(db_default=Now())
    metadata = models.JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "performance_metrics"
        indexes = [
            models.Index(
                fields=["metric_type", "metric_name", "period_start"],
                name="performance_metrics_by_period",
            )
        ]
        constraints = [
            one_of("performance_metrics", "metric_type", MetricType),
            one_of("performance_metrics", "entity_type", MetricEntity),
        ]

    def __str__(self):
        return f"{self.metric_name} = {self.metric_value}"


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
