"""Figures written down for programs that read the table."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from conversations.models.constraints import one_of
from conversations.models.fields import DateTimeField, JSONField


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
    metadata = JSONField(blank=True, default=dict, db_default={})

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
