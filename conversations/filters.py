"""What the address says of a list of sessions: its filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import django_filters
from django import forms
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connections
from django.db.models import Count, F, Sum
from django.http import QueryDict
from django.utils import timezone

from . import databases
from .forms import FewChoicesField, Styled
from .importers import FORMATS
from .importers.text import clean_text
from .models import LanguageModel, Project, Session, SessionTag
from .models.choices import SessionStatus, SessionType
from .models.sessions import NANO, SessionQuerySet

MOST_DOLLARS = 10**9
LONGEST = 1_000  # characters of one value
HERE = "here"
NONE = "none"
SOURCES = [
    *((name, module.LABEL) for name, module in FORMATS.items()),
    ("demo", "Demo data"),
    (HERE, "Made here"),
]
PERIODS = {
    "1d": ("Today", 1),
    "7d": ("Last 7 days", 7),
    "30d": ("Last 30 days", 30),
    "90d": ("Last 90 days", 90),
    "365d": ("Last 365 days", 365),
}
PERIOD_CHOICES = [(key, label) for key, (label, _) in PERIODS.items()]


@dataclass(frozen=True, slots=True)
class Totals:
    """How many sessions a list has, and what they add up to."""

    sessions: int
    messages: int
    tokens: int
    cost: Decimal  # USD


def totals(sessions: SessionQuerySet) -> Totals:
    """Return what these sessions add up to: one query over an index, or none if nothing changed."""
    try:
        key = ("totals", *sessions.order_by().query.sql_with_params())
    except EmptyResultSet:  # no session can be of these
        return Totals(0, 0, 0, Decimal(0))
    return databases.remembered(connections[sessions.db], key, lambda: _totals(sessions))


def _totals(sessions: SessionQuerySet) -> Totals:
    sums = sessions.order_by().aggregate(
        sessions=Count("pk"),
        messages=Sum("total_messages", default=0),
        tokens=Sum(F("total_input_tokens") + F("total_output_tokens"), default=0),
        nanos=Sum("total_cost_nanos", default=0),
    )
    return Totals(
        sums["sessions"],
        sums["messages"],
        sums["tokens"],
        Decimal(sums["nanos"]) / NANO,
    )


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: what it says, and the address without it."""

    label: str
    value: str
    without: str


class FilterForm(Styled, forms.Form):
    pass


class ProjectField(FewChoicesField):
    """A project, or the word `none` for sessions that have none."""

    extra_choices = ((NONE, "No project"),)

    def to_python(self, value):
        return NONE if value == NONE else super().to_python(value)

    def prepare_value(self, value):
        return NONE if value == NONE else super().prepare_value(value)

    def validate(self, value):
        if value != NONE:
            super().validate(value)


class ProjectFilter(django_filters.ModelChoiceFilter):
    field_class = ProjectField


class ModelFilter(django_filters.ModelChoiceFilter):
    field_class = FewChoicesField


class SessionFilter(django_filters.FilterSet):
    """Filters of the list of sessions; what cannot be meant is left out and said."""

    title = django_filters.CharFilter(method="by_title", label="Title", max_length=LONGEST)
    project = ProjectFilter(
        queryset=Project.objects.all(), method="by_project", empty_label="Any project"
    )
    model = ModelFilter(queryset=LanguageModel.objects.all(), empty_label="Any model")
    status = django_filters.ChoiceFilter(choices=SessionStatus, empty_label="Any status")
    type = django_filters.ChoiceFilter(
        field_name="session_type", choices=SessionType, label="Type", empty_label="Any type"
    )
    tag = django_filters.CharFilter(method="by_tag", label="Tag", max_length=LONGEST)
    source = django_filters.ChoiceFilter(
        method="by_source", choices=SOURCES, empty_label="Any source", label="Source"
    )
    period = django_filters.ChoiceFilter(
        method="by_period",
        choices=PERIOD_CHOICES,
        label="Started",
        empty_label="Any time",
    )
    since = django_filters.DateFilter(
        method="by_first_day", label="From", widget=forms.DateInput({"type": "date"})
    )
    until = django_filters.DateFilter(
        method="by_last_day", label="To", widget=forms.DateInput({"type": "date"})
    )
    cost_min = django_filters.NumberFilter(
        method="by_least_cost", label="Cost from (USD)", min_value=0, max_value=MOST_DOLLARS
    )
    cost_max = django_filters.NumberFilter(
        method="by_most_cost", label="Cost to (USD)", min_value=0, max_value=MOST_DOLLARS
    )

    class Meta:
        model = Session
        fields: list[str] = []
        form = FilterForm

    def __init__(self, data: QueryDict) -> None:
        known = QueryDict(mutable=True)
        for name in self.base_filters:
            if value := clean_text(data.get(name, "")).strip():
                known[name] = value
        super().__init__(known, queryset=Session.objects.all())
        self.left_out: dict[str, tuple[str, str]] = {}
        for name, value in list(known.items()):
            try:
                self.filters[name].field.clean(value)
            except ValidationError as error:
                self.left_out[name] = (value, error.messages[0])
                del known[name]
        tag = self.form.fields["tag"].widget.attrs
        tag["list"] = "tag-names"
        for name in ("cost_min", "cost_max"):
            self.form.fields[name].widget.attrs.update({"step": "any", "inputmode": "decimal"})

    # -- what each asks ---------------------------------------------------------------------

    def by_title(self, sessions, name, value):
        return sessions.titled(value)

    def by_project(self, sessions, name, value):
        return sessions.filter(project=None if value == NONE else value)

    def by_tag(self, sessions, name, value):
        tagged = SessionTag.objects.filter(name=value)
        return sessions.filter(pk__in=tagged.values("session_id"))

    def by_source(self, sessions, name, value):
        return sessions.filter(source="" if value == HERE else value)

    def by_period(self, sessions, name, value):
        first = timezone.localdate() - timedelta(days=PERIODS[value][1] - 1)
        return sessions.filter(started_at__gte=midnight(first))

    def by_first_day(self, sessions, name, value):
        return sessions.filter(started_at__gte=midnight(value))

    def by_last_day(self, sessions, name, value):
        if value == date.max:
            return sessions
        return sessions.filter(started_at__lt=midnight(value + timedelta(days=1)))

    def by_least_cost(self, sessions, name, value):
        return sessions.filter(total_cost_nanos__gte=int(value * NANO))

    def by_most_cost(self, sessions, name, value):
        return sessions.filter(total_cost_nanos__lte=int(value * NANO))

    # -- what they say ----------------------------------------------------------------------

    def query(self) -> QueryDict:
        """Return the filters that are on, as the address says them, in one order."""
        query = QueryDict(mutable=True)
        for name in self.base_filters:
            if name in self.data:
                query[name] = self.data[name]
        return query

    def chips(self) -> list[Chip]:
        """Return what is filtered by, each with the address that takes it off."""
        query, chips = self.query(), []
        for name in query:
            rest = query.copy()
            del rest[name]
            field = self.form[name]
            chips.append(Chip(str(field.label), self._shown(name), f"?{rest.urlencode()}"))
        return chips

    def ignored(self) -> list[str]:
        """Return what the address asks that cannot be meant, and why."""
        return [
            f"{self.form[name].label}: “{value[:60]}” is left out. {reason}"
            for name, (value, reason) in self.left_out.items()
        ]

    def _shown(self, name: str) -> str:
        value = self.form.cleaned_data[name]
        choices = {
            "status": SessionStatus.choices,
            "type": SessionType.choices,
            "source": SOURCES,
            "period": PERIOD_CHOICES,
        }
        if name in choices:
            return dict(choices[name])[value]
        if value == NONE:
            return "None"
        return str(value)


def midnight(day: date) -> datetime:
    """Return the moment a day begins in the reader's time zone."""
    try:
        return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time.min, tzinfo=UTC)
