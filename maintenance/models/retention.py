"""Retention: rules of how long what is kept, and receipts of what was erased."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from conversations.models import Project
from conversations.models.choices import SessionStatus
from conversations.models.constraints import one_of
from conversations.models.fields import DateTimeField, ForeignKey

MOST_DAYS = 36_500


class RetentionAction(models.TextChoices):
    """What happens to a session that a rule is about."""

    ARCHIVE = "archive", "Archive it"
    STRIP = "strip", "Remove its content, keep its figures"
    DELETE = "delete", "Erase it"


class RetentionRule(models.Model):
    """Sessions of a project, status and source that rest for so many days, and what then."""

    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(db_default=True, default=True)
    project = ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=20, choices=SessionStatus, blank=True, db_default="")
    source = models.CharField(max_length=50, blank=True, db_default="")
    is_trashed = models.BooleanField(db_default=False, default=False)  # of the trash, not the list
    days = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DAYS)]
    )  # since the last message, or since it was put in the trash
    action = models.CharField(max_length=20, choices=RetentionAction)
    keeps_figures = models.BooleanField(db_default=False, default=False)  # when erased
    made_at = DateTimeField(db_default=Now())

    class Meta:
        db_table = "retention_rules"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(days__gte=1), name="retention_rules_days"),
            one_of("retention_rules", "action", RetentionAction),
        ]

    def __str__(self):
        return self.name


class Erasure(models.Model):
    """A receipt: which sessions were erased, when, by whom, and what was done to be sure of it.

    It holds ids and counts, nothing of what was said.
    """

    receipt_uuid = models.CharField(max_length=64, unique=True)
    user = ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    rule_name = models.CharField(max_length=200, blank=True, db_default="")
    session_uuids = models.JSONField(default=list)
    messages = models.BigIntegerField(db_default=0)
    bytes = models.BigIntegerField(db_default=0)  # of text
    keeps_figures = models.BooleanField(db_default=False)
    steps = models.JSONField(default=list)  # what was done, in words, with what it found
    backups = models.JSONField(default=list)  # paths of backups that still hold any of it
    is_complete = models.BooleanField(db_default=False)  # no byte of it is left in the file
    erased_at = DateTimeField(db_default=Now())

    class Meta:
        db_table = "erasures"
        ordering = ["-id"]

    def __str__(self):
        return self.receipt_uuid
