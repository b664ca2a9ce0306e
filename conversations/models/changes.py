"""What people did on pages and may want back, and the lists they look at again and again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from .fields import DateTimeField, ForeignKey


class Change(models.Model):
    """Something a person changed, with all that is needed to take it back (changes.py)."""

    change_uuid = models.CharField(max_length=64, unique=True)
    user = ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    summary = models.CharField(max_length=300)
    steps = models.JSONField()  # what takes it back, in order
    made_at = DateTimeField(db_default=Now())
    undone_at = DateTimeField(null=True)

    class Meta:
        db_table = "changes"
        indexes = [models.Index(fields=["made_at"], name="changes_by_time")]

    def __str__(self):
        return self.summary


class SavedView(models.Model):
    """A list or a search under a name: what it asks for as it stands in the address."""

    class Page(models.TextChoices):
        SESSIONS = "sessions"
        SEARCH = "search"

    page = models.CharField(max_length=20, choices=Page, db_default=Page.SESSIONS)
    user = ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=100)
    query = models.CharField(max_length=2000, blank=True)
    is_shared = models.BooleanField("shared with everybody", db_default=False)
    made_at = DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "saved_views"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_views_once")
        ]

    def __str__(self):
        return self.name
