"""Backups: the copies that were made, where they are, and which of them were proven."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from django.db import models
from django.db.models.functions import Now

from conversations.models.fields import DateTimeField


class Backup(models.Model):
    """A backup file. It is proven when it was restored into a scratch file and found equal."""

    path = models.CharField(max_length=1000, unique=True)
    bytes = models.BigIntegerField(db_default=0)
    sha256 = models.CharField(max_length=64)  # of the file as it lies there
    manifest = models.JSONField(default=dict)  # as in the file, see maintenance/backups/manifest.py
    is_encrypted = models.BooleanField(db_default=False)
    made_at = DateTimeField(db_default=Now())
    proven_at = DateTimeField(null=True)
    gone_at = DateTimeField(null=True)  # when it was deleted by rotation, or found missing

    class Meta:
        db_table = "maintenance_backups"
        ordering = ["-made_at", "-id"]

    def __str__(self):
        return self.path

    @property
    def name(self) -> str:
        """The name of the file."""
        return Path(self.path).name

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return str(Path(self.path).parent)

    @property
    def cost(self) -> Decimal:
        """USD of all messages in it, as its manifest says."""
        return Decimal(self.manifest.get("cost_nanos", 0)) / 10**9
