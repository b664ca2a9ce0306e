"""Comparisons (A/B) of sessions, and recorded metrics."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from conversations.models import Message, Project, Session
from conversations.models.constraints import one_of
from conversations.models.fields import DateTimeField, ForeignKey


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
