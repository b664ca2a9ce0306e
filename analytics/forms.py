"""Forms of the pages that add up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations import organising
from conversations.errors import InvalidValue
from conversations.forms import FewChoicesField, Styled
from conversations.models import LanguageModel, Project

from .models import (
    LEAST_BUDGET,
    MOST_BUDGET,
    Budget,
    BudgetPeriod,
    ComparisonGroup,
    ComparisonType,
)
from .models.comparisons import LONGEST_NAME


class BudgetForm(Styled, forms.ModelForm):
    """A budget's name, what it is for, and its lines."""

    project = FewChoicesField(Project.objects.all(), required=False, empty_label="Any project")
    model = FewChoicesField(LanguageModel.objects.all(), required=False, empty_label="Any model")

    class Meta:
        model = Budget
        fields = [
            "name", "period", "soft_limit", "hard_limit", "project", "model", "tag", "is_active"
        ]  # fmt: skip
        labels = {
            "soft_limit": "Soft line (USD)",
            "hard_limit": "Hard line (USD)",
            "is_active": "Switched on",
        }
        help_texts = {
            "soft_limit": "A first warning. Leave it empty for none.",
            "hard_limit": "What a period may cost at the most.",
            "tag": "Of the sessions. All that is chosen must hold.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["period"].choices = BudgetPeriod.choices  # each budget has one
        self.fields["tag"].widget.attrs["list"] = "tag-names"
        for name in ("soft_limit", "hard_limit"):
            field = self.fields[name]
            field.widget.attrs.update({"min": LEAST_BUDGET, "max": MOST_BUDGET, "step": "any"})
            if field_value := getattr(self.instance, name):
                self.initial[name] = f"{field_value.normalize():f}"

    def clean_tag(self) -> str:
        tag = self.cleaned_data["tag"]
        try:
            return organising.tag_name(tag) if tag.strip() else ""
        except InvalidValue as error:
            raise ValidationError(str(error)) from error


class ComparisonForm(Styled, forms.ModelForm):
    """What a comparison is called, what decides it, and on how many prompts."""

    project = FewChoicesField(Project.objects.all(), required=False, empty_label="None")
    is_done = forms.BooleanField(required=False, label="At its end")

    class Meta:
        model = ComparisonGroup
        fields = [
            "name", "description", "comparison_type", "project", "primary_metric",
            "planned_prompts", "baseline", "is_paired",
        ]  # fmt: skip
        labels = {
            "comparison_type": "What differs",
            "primary_metric": "Primary metric",
            "planned_prompts": "Planned prompts",
            "is_paired": "All variants answer the same prompts",
        }
        help_texts = {
            "primary_metric": "votes, latency_ms, cost, or the name of a metric. Choose it first.",
            "planned_prompts": "How many you mean to ask.",
            "baseline": "The variant that the others are measured against.",
        }
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["comparison_type"].choices = ComparisonType.choices
        self.initial["is_done"] = bool(self.instance.completed_at)


class VariantForm(Styled, forms.Form):
    """Sessions of one variant, by their ids or by a filter of the list."""

    variant = forms.CharField(max_length=LONGEST_NAME, label="Variant")
    sessions = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label="Sessions",
        help_text="Ids, one a line; the beginning of an id will do.",
    )  # fmt: skip
    query = forms.CharField(
        required=False, max_length=2000, label="Or a filter",
        help_text="What stands behind the ? in the address of a filtered list: tag=tea&model=3",
    )  # fmt: skip


class PickedVariantForm(Styled, forms.Form):
    """What variant, of which comparison, the sessions are that were picked in their list."""

    variant = forms.CharField(
        max_length=LONGEST_NAME, label="Variant", help_text="The model, the prompt or the setting."
    )
    comparison = FewChoicesField(
        ComparisonGroup.objects.order_by("-created_at", "-pk"), required=False,
        empty_label="A new one",
    )  # fmt: skip
    name = forms.CharField(
        required=False, max_length=LONGEST_NAME, label="Name of a new one",
        help_text="Left empty where the comparison is there already.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("comparison") and not cleaned.get("name") and not self.errors:
            self.add_error("name", "Choose a comparison, or name a new one.")
        return cleaned


class ComparisonFileForm(Styled, forms.Form):
    """A file of votes, ratings, metrics or answers."""

    file = forms.FileField(
        label="File", help_text="JSON lines or CSV. A row that is known already is left alone."
    )
