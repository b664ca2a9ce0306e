"""Imports: what was taken in, by whom, what became of it, and what takes it back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from .fields import DateTimeField, ForeignKey


class ImportStatus(models.TextChoices):
    """Where an import stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


class Import(models.Model):
    """One import, from a page or a command."""

    import_uuid = models.CharField(max_length=64, unique=True)
    user = ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    status = models.CharField(max_length=20, choices=ImportStatus, db_default=ImportStatus.WAITING)
    names = models.JSONField(default=list)  # of the files, as people call them
    options = models.JSONField(default=dict)  # as `importing.run` takes them
    bytes_total = models.BigIntegerField(db_default=0)
    bytes_done = models.BigIntegerField(db_default=0)
    report = models.JSONField(default=dict)  # storing.ImportReport.as_dict
    error = models.TextField(blank=True, db_default="")
    is_cancel_asked = models.BooleanField(db_default=False)
    made_at = DateTimeField(db_default=Now())
    started_at = DateTimeField(null=True)
    finished_at = DateTimeField(null=True)

    class Meta:
        db_table = "imports"
        ordering = ["-id"]

    def __str__(self):
        return ", ".join(self.names)[:200] or self.import_uuid

    def get_absolute_url(self):
        return reverse("import-detail", args=[self.import_uuid])

    @property
    def is_busy(self) -> bool:
        """Whether something will still happen to it by itself."""
        return self.status in (
            ImportStatus.WAITING,
            ImportStatus.RUNNING,
            ImportStatus.UNDOING,
        )

    @property
    def can_be_undone(self) -> bool:
        """Whether it has stored something that can be taken back."""
        return not self.is_busy and self.status != ImportStatus.UNDONE and self.chunks.exists()

    @property
    def percent(self) -> int:
        """How much has been read, of 100."""
        return min(100, self.bytes_done * 100 // self.bytes_total) if self.bytes_total else 0


class ImportChunk(models.Model):
    """What one transaction of an import wrote: rows by their first and last id, and changes."""

    of = ForeignKey(Import, models.CASCADE, related_name="chunks")
    first_session = models.BigIntegerField(null=True)
    last_session = models.BigIntegerField(null=True)
    first_message = models.BigIntegerField(null=True)
    last_message = models.BigIntegerField(null=True)
    steps = models.JSONField(default=list)  # what sets changed values back, see changes.py

    class Meta:
        db_table = "import_chunks"

    def __str__(self):
        return f"chunk {self.pk}"


class RejectedRecord(models.Model):
    """A record that could not be read, kept as its file has it, for another try."""

    of = ForeignKey(Import, models.CASCADE, related_name="rejected_records")
    source = models.CharField(max_length=50)  # the format, as in importers.FORMATS
    place = models.TextField()
    reason = models.TextField()
    digest = models.CharField(max_length=64)  # of source and content
    content = models.BinaryField()  # packed with zlib

    class Meta:
        db_table = "rejected_records"
        constraints = [models.UniqueConstraint(fields=["digest"], name="rejected_records_once")]

    def __str__(self):
        return self.place


class Deletion(models.Model):
    """An imported session or message that was deleted here, so that no import brings it back.

    Kept by triggers (sql/*/imports.sql), whoever deletes.
    """

    record_uuid = models.CharField(max_length=64, primary_key=True)
    deleted_at = DateTimeField(db_default=Now())

    class Meta:
        db_table = "import_deletions"

    def __str__(self):
        return self.record_uuid
