"""Forms of the maintenance pages."""

from __future__ import annotations

from typing import Any

from django import forms

from conversations.forms import FewChoicesField, Styled
from conversations.models import Project
from conversations.models.choices import SessionStatus

from .models import RetentionRule


class RetentionRuleForm(Styled, forms.ModelForm):
    """A rule of how long sessions are kept, and what then."""

    project = FewChoicesField(Project.objects.all(), required=False, empty_label="Any project")
    status = forms.ChoiceField(choices=[("", "Any status"), *SessionStatus.choices], required=False)

    class Meta:
        model = RetentionRule
        fields = [
            "name", "days", "action", "keeps_figures", "project", "status", "source",
            "is_trashed", "is_active",
        ]  # fmt: skip
        labels = {
            "days": "After so many days", "keeps_figures": "Keep figures of what is erased",
            "is_trashed": "Sessions in the trash", "is_active": "Switched on",
        }  # fmt: skip
        help_texts = {
            "days": "Since the last message, or since a session was put in the trash.",
            "keeps_figures": "Tokens, costs and times stay, without any text or name.",
            "source": "Where a session was imported from, such as codex. Empty is any.",
            "is_trashed": "The rule is about these alone. Without it, about all others.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["action"].choices = [
            choice for choice in self.fields["action"].choices if choice[0]
        ]
