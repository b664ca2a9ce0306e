"""What the address says a page is about: which messages count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol
from urllib.parse import urlencode

import django_filters
from django.http import QueryDict
from django.urls import reverse

from conversations.filters import LONGEST, NONE, AddressFilter, ModelFilter, ProjectFilter
from conversations.models import LanguageModel, Project
from conversations.models.choices import Role
from conversations.sources import HERE, SOURCES

from .ranges import RANGE_NAMES, Range, address


@dataclass(frozen=True, slots=True)
class Where:
    """Which messages a report counts; None is any."""

    project_id: int | None = None
    no_project: bool = False
    model_id: int | None = None
    source: str | None = None  # as `sessions.source` has it: "" is made here
    tag: str | None = None  # of the session
    role: str | None = None


class Days(Protocol):
    """A range, or a period of one."""

    first: date
    last: date


class AnalyticsFilter(AddressFilter):
    """Filters of the pages that add up. What else the address says is kept beside them.

    `range` is read from the address too; `kept` are choices that a page has of its own, such as
    what it stacks by.
    """

    project = ProjectFilter(queryset=Project.objects.all(), empty_label="Any project")
    model = ModelFilter(queryset=LanguageModel.objects.all(), empty_label="Any model")
    source = django_filters.ChoiceFilter(choices=SOURCES, empty_label="Any source", label="Source")
    tag = django_filters.CharFilter(label="Tag", max_length=LONGEST)
    role = django_filters.ChoiceFilter(choices=Role, empty_label="Any role", label="Role")

    def __init__(
        self, data: QueryDict, range: Range, *, kept: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(data)
        self.range = range
        self.kept = dict(kept or {})
        self.form.fields["tag"].widget.attrs["list"] = "tag-names"
        self.form.is_valid()  # what is left out is gone: it is

    def query(self) -> QueryDict:
        """Return all that the address says, in one order."""
        query = super().query()
        query.update(self.range.query)
        query.update(self.kept)
        return query

    def query_with(self, **instead: str) -> str:
        """Return the query of an address that says something else of these names."""
        return f"?{urlencode({**self.query().dict(), **instead})}"

    def ignored(self) -> list[str]:
        """Return what the address asks that cannot be meant, and why: of the range too."""
        return [*self.range.notices, *super().ignored()]

    # -- what the form of the range and that of the filters are made of -----------------------

    def beside_range(self) -> list[tuple[str, str]]:
        """Return what a form that asks for a range sends along."""
        return [item for item in self.query().items() if item[0] not in RANGE_NAMES]

    def beside_filters(self) -> list[tuple[str, str]]:
        """Return what a form that asks for filters sends along."""
        return [*self.range.query.items(), *self.kept.items()]

    def beside_choices(self) -> list[tuple[str, str]]:
        """Return what a form that asks for the page's own choices sends along."""
        return [item for item in self.query().items() if item[0] not in self.kept]

    def quick_ranges(self) -> list[tuple[str, str, bool]]:
        """Return the quick ranges: address, label, and whether it is this one."""
        return self.range.quick(self.query())

    def previous_address(self) -> str:
        """Return the address of the period before, "" if there is none."""
        before = self.range.previous
        return address(before.query, self.query()) if before else ""

    def next_address(self) -> str:
        """Return the address of the period after, "" if it has not begun."""
        after = self.range.next
        return address(after.query, self.query()) if after else ""

    # -- what reports and links take ----------------------------------------------------------

    @cached_property
    def where(self) -> Where:
        """Return what reports take."""
        chosen = {name: self.form.cleaned_data.get(name) or None for name in self.data}
        project, source = chosen.get("project"), chosen.get("source")
        return Where(
            project_id=project.pk if project and project != NONE else None,
            no_project=project == NONE,
            model_id=chosen["model"].pk if chosen.get("model") else None,
            source="" if source == HERE else source,
            tag=chosen.get("tag"),
            role=chosen.get("role"),
        )

    def sessions_url(self, days: Days | None = None, **more: str | int) -> str:
        """Return the address of the sessions behind a number: of these days and these filters.

        `more` are filters of the list of sessions that come on top or instead, such as `model`.
        """
        asked = {
            **self._of_sessions,
            "since": (days or self.range).first.isoformat(),
            "until": (days or self.range).last.isoformat(),
            **more,
        }
        if (role := self._of_sessions.get("q")) and more.get("q", role) != role:
            asked["q"] = f"{role} {more['q']}"  # both must hold
        return f"{self._sessions}?{urlencode(asked)}"

    @cached_property
    def _sessions(self) -> str:
        return reverse("sessions")

    @cached_property
    def _of_sessions(self) -> dict[str, str]:
        asked = {name: self.data[name] for name in self.data if name != "role"}
        if role := self.data.get("role"):  # a word of the search there
            asked["q"] = f"role:{role}"
        return asked
