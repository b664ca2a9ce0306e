"""Forms of the pages that add up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from conversations import organising
from conversations.errors import InvalidValue
from conversations.forms import FewChoicesField, Styled
from conversations.models import LanguageModel, Project

from .models import LEAST_BUDGET, MOST_BUDGET, Budget, BudgetPeriod


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
