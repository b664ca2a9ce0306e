"""Projects, and the language models that answer in them."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Count, F, Max, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from .constraints import in_range
from .fields import DateTimeField, JSONField

environment_variable = RegexValidator(
    r"^[A-Za-z_][A-Za-z0-9_]{0,99}$",
    "Give the name of an environment variable, such as OPENAI_API_KEY, never the key itself.",
)


class FiguresQuerySet(models.QuerySet):
    """Rows that sessions refer to, with what those sessions add up to."""

    def with_figures(self):
        """Add `sessions`, `tokens`, `nanos` (of dollars), `unpriced` and `last_used`.

        The trash is left out. Each is a question of its own to an index that holds the answer, so
        that a page asks them of its rows alone.
        """
        name = "project" if self.model is Project else "model"
        ours = (
            self.model._meta.apps.get_model("conversations.Session")
            .objects.filter(**{name: OuterRef("pk")})
            .order_by()
            .values(name)
        )
        tokens = Sum(F("total_input_tokens") + F("total_output_tokens"))
        return self.annotate(
            sessions=Coalesce(Subquery(ours.annotate(n=Count("pk")).values("n")), 0),
            tokens=Coalesce(Subquery(ours.annotate(n=tokens).values("n")), 0),
            nanos=Coalesce(Subquery(ours.annotate(n=Sum("total_cost_nanos")).values("n")), 0),
            unpriced=Coalesce(Subquery(ours.annotate(n=Sum("total_unpriced")).values("n")), 0),
            last_used=Subquery(ours.annotate(n=Max("started_at")).values("n")),
        )


class Project(models.Model):
    """What sessions are filed under."""

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True, db_default="")
    created_at = DateTimeField(db_default=Now(), editable=False)
    updated_at = DateTimeField(db_default=Now(), editable=False)  # kept by a trigger
    metadata = JSONField(blank=True, default=dict, db_default={})

    objects = FiguresQuerySet.as_manager()

    class Meta:
        db_table = "projects"
        ordering = ["name"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("project", args=[self.pk])


class LanguageModel(models.Model):
    """A model that answers, as one provider serves it in one version."""

    provider = models.CharField(max_length=100)
    model_name = models.CharField(max_length=200)
    model_version = models.CharField(max_length=100, blank=True, db_default="")
    endpoint_url = models.CharField(max_length=2000, blank=True, db_default="")
    api_key_name = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        validators=[environment_variable],
        help_text="Name of the environment variable that holds the key.",
    )
    default_temperature = models.FloatField(null=True, blank=True, db_default=0.7)
    default_max_tokens = models.IntegerField(null=True, blank=True)
    default_top_p = models.FloatField(null=True, blank=True)
    context_window = models.IntegerField(null=True, blank=True, help_text="Tokens.")
    supports_streaming = models.BooleanField(db_default=True)
    supports_functions = models.BooleanField(db_default=False)
    cost_per_1k_input_tokens = models.FloatField(null=True, blank=True, help_text="USD.")
    cost_per_1k_output_tokens = models.FloatField(null=True, blank=True, help_text="USD.")
    is_active = models.BooleanField(db_default=True)
    created_at = DateTimeField(db_default=Now(), editable=False)
    metadata = JSONField(blank=True, default=dict, db_default={})

    objects = FiguresQuerySet.as_manager()

    class Meta:
        db_table = "models"
        ordering = ["provider", "model_name", "model_version"]
        verbose_name = "model"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model_name", "model_version"], name="models_once"
            ),
            *in_range("models", 10**6, "cost_per_1k_input_tokens", "cost_per_1k_output_tokens"),
        ]

    def __str__(self):
        return self.full_name

    def get_absolute_url(self):
        return reverse("model", args=[self.pk])

    @property
    def full_name(self) -> str:
        """`provider/model_name`, and the version where there is one."""
        name = f"{self.provider}/{self.model_name}"
        return f"{name} ({self.model_version})" if self.model_version else name
