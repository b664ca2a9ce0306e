"""Runs: everything that was done to the file, by whom, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from conversations.models.fields import DateTimeField, ForeignKey


class RunKind(models.TextChoices):
    """What a run does."""

    BACKUP = "backup"
    PROOF = "proof", "Proof of a backup"
    RESTORE = "restore"
    VACUUM = "vacuum"
    ANALYZE = "analyze"
    CHECK = "check"
    REPAIR = "repair"
    CLEANUP = "cleanup", "Clean-up"
    RETENTION = "retention"
    ERASURE = "erasure"
    ADOPTION = "adoption"
    SCHEDULED = "scheduled", "Scheduled maintenance"


class RunStatus(models.TextChoices):
    """Where a run stands. Stopped is one whose process ended without a word."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class MaintenanceRun(models.Model):
    """One run, from a page, a command or the schedule."""

    run_uuid = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=20, choices=RunKind)
    status = models.CharField(max_length=20, choices=RunStatus, db_default=RunStatus.WAITING)
    user = ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    options = models.JSONField(default=dict)  # as the function takes them
    step = models.CharField(max_length=200, blank=True, db_default="")  # what it is at, in words
    done = models.BigIntegerField(db_default=0)
    total = models.BigIntegerField(db_default=0)  # 0: nobody knows
    summary = models.TextField(blank=True, db_default="")  # one sentence: what came of it
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True, db_default="")
    made_at = DateTimeField(db_default=Now())
    started_at = DateTimeField(null=True)
    finished_at = DateTimeField(null=True)

    class Meta:
        db_table = "maintenance_runs"
        ordering = ["-id"]

    def __str__(self):
        return f"{self.get_kind_display()} of {self.made_at:%Y-%m-%d %H:%M}"

    @property
    def is_busy(self) -> bool:
        """Whether something will still happen to it by itself."""
        return self.status in (RunStatus.WAITING, RunStatus.RUNNING)

    @property
    def percent(self) -> int:
        """How much is done, of 100."""
        return min(100, self.done * 100 // self.total) if self.total else 0
