"""Batch jobs and their items. A job's counters are kept by triggers on its items."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from .catalog import LanguageModel, Project
from .choices import ItemStatus, JobStatus, JobType
from .constraints import in_range, one_of
from .fields import DateTimeField, ForeignKey, JSONField
from .sessions import Session


class BatchJob(models.Model):
    """Many prompts for one model, worked off one by one."""

    job_uuid = models.CharField(max_length=64, unique=True)
    project = ForeignKey(Project, models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, db_default="")
    job_type = models.CharField(max_length=20, choices=JobType, db_default=JobType.STANDARD)
    model = ForeignKey(LanguageModel, models.SET_NULL, null=True, blank=True)
    input_source = models.CharField(max_length=1000, blank=True, db_default="")
    input_data = JSONField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=JobStatus, db_default=JobStatus.PENDING)
    total_items = models.IntegerField(db_default=0)
    completed_items = models.IntegerField(db_default=0, editable=False)
    failed_items = models.IntegerField(db_default=0, editable=False)
    created_at = DateTimeField(db_default=Now(), editable=False)
    started_at = DateTimeField(null=True, blank=True)
    completed_at = DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True, db_default="")
    metadata = JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "batch_jobs"
        constraints = [
            one_of("batch_jobs", "job_type", JobType),
            one_of("batch_jobs", "status", JobStatus),
            *in_range("batch_jobs", 10**9, "total_items", "completed_items", "failed_items"),
        ]

    def __str__(self):
        return self.name


class BatchItem(models.Model):
    """One prompt of a batch job, and the session that answered it."""

    batch_job = ForeignKey(BatchJob, models.CASCADE, related_name="items", db_index=False)
    session = ForeignKey(Session, models.SET_NULL, null=True, blank=True)
    item_index = models.IntegerField()
    input_data = JSONField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=ItemStatus, db_default=ItemStatus.PENDING)
    result_data = JSONField(null=True, blank=True)
    error_message = models.TextField(blank=True, db_default="")
    started_at = DateTimeField(null=True, blank=True)
    completed_at = DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "batch_items"
        constraints = [
            models.UniqueConstraint(fields=["batch_job", "item_index"], name="batch_items_once"),
            one_of("batch_items", "status", ItemStatus),
        ]

    def __str__(self):
        return f"item {self.item_index}"
