"""Ratings, tags, notes and corrections that people attach to what was said."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .choices import AnnotatedEntity, AnnotationType
from .constraints import one_of
from .fields import DateTimeField, JSONField


class Annotation(models.Model):
    """A remark on one session, message or comparison, found by `entity_type` and `entity_id`."""

    annotation_uuid = models.CharField(max_length=64, unique=True)
    entity_type = models.CharField(max_length=20, choices=AnnotatedEntity)
    entity_id = models.BigIntegerField()
    annotation_type = models.CharField(max_length=20, choices=AnnotationType)
    content = models.TextField(blank=True, db_default="")
    rating = models.IntegerField(null=True, blank=True)
    annotator = models.CharField(max_length=200, blank=True, db_default="")
    created_at = DateTimeField(db_default=Now(), editable=False)
    updated_at = DateTimeField(db_default=Now(), editable=False)  # kept by a trigger
    metadata = JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "annotations"
        indexes = [models.Index(fields=["entity_type", "entity_id"], name="annotations_by_entity")]
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__gte=1, rating__lte=5), name="annotations_rating_1_to_5"
            ),
            one_of("annotations", "entity_type", AnnotatedEntity),
            one_of("annotations", "annotation_type", AnnotationType),
        ]

    def __str__(self):
        return f"{self.annotation_type} on {self.entity_type} {self.entity_id}"
