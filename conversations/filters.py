"""What the address says of a list of sessions: its filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

import django_filters
from django import forms
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connections
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property

from . import databases, organising, search
from .forms import FewChoicesField, Styled
from .importers.values.text import clean_text
from .models import LanguageModel, Project, Session, SessionTag
from .models.choices import SessionStatus, SessionType
from .models.sessions import NANO, SessionQuerySet
from .sources import HERE, SOURCES

MOST_DOLLARS = 10**9
LONGEST = 1_000  # characters of one value
SEARCH_SECONDS = 2.0  # that a page waits for a search
NEWEST = 500  # sessions that are listed where there is no time for all
NONE = "none"
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
    unpriced: int = 0  # messages whose cost is not known and not in it


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
        unpriced=Sum("total_unpriced", default=0),
    )
    return Totals(
        sums["sessions"],
        sums["messages"],
        sums["tokens"],
        Decimal(sums["nanos"]) / NANO,
        sums["unpriced"],
    )


def with_keys(rows: QuerySet, keys: Iterable[int]) -> QuerySet:
    """Return those of `rows` that have one of these keys; however many, they are one parameter."""
    return rows.filter(pk__in=_listed(rows, keys))


def _listed(rows: QuerySet, keys: Iterable[int]) -> RawSQL:
    table = rows.model._meta.db_table
    database = databases.of(connections[rows.db])
    return RawSQL(*database.with_list(f"SELECT id FROM {table} WHERE id IN {{listed}}", keys))


@dataclass(frozen=True, slots=True)
class Matching:
    """Sessions that a search finds: the question for their keys, how many, and if that is all."""

    keys: RawSQL
    count: int
    is_all: bool


def matching(sessions: SessionQuerySet, typed: str) -> Matching:
    """Return the sessions that a search finds; while nothing changes, they are looked for once."""

    def look() -> Matching:
        options = {"seconds": SEARCH_SECONDS, "using": sessions.db}
        keys, is_all = search.matching_sessions(typed, **options)
        if not keys and not is_all:  # in the time for all of very many, the newest are found
            found = search.find(typed, by="session", order="newest", limit=NEWEST, **options)
            keys = [row["session_id"] for row in found.rows]
        return Matching(_listed(sessions, keys), len(keys), is_all)

    # Some words mean another day later on, or elsewhere: after:1h.
    minute = timezone.now().replace(second=0, microsecond=0)
    key = ("matching", typed, minute, timezone.get_current_timezone_name())
    return databases.remembered(connections[sessions.db], key, look)


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


class AddressFilter(django_filters.FilterSet):
    """Filters of sessions that the address says; what cannot be meant is left out and said."""

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
        for name in self.data:
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
        value, field = self.form.cleaned_data[name], self.form.fields[name]
        if value == NONE:
            return "None"
        if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
            return dict(field.choices)[value]
        return str(value)


class SessionFilter(AddressFilter):
    """Filters of the list of sessions."""

    q = django_filters.CharFilter(method="by_text", label="Search", max_length=LONGEST)
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

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.form.fields["q"].widget.attrs["placeholder"] = "Words, “a phrase”, role:user"
        tag = self.form.fields["tag"].widget.attrs
        tag["list"] = "tag-names"
        for name in ("cost_min", "cost_max"):
            self.form.fields[name].widget.attrs.update({"step": "any", "inputmode": "decimal"})

    # -- the search -------------------------------------------------------------------------

    @cached_property
    def reading(self) -> search.Reading | None:
        """Return how the search is read, None if nothing is searched for."""
        typed = self.data.get("q")
        return search.read(typed, using=self.queryset.db) if typed else None

    @cached_property
    def matching(self) -> Matching | None:
        """Return what the search finds, None if it asks nothing."""
        is_asked = self.reading is not None and self.reading.tree is not None
        return matching(self.queryset, self.data["q"]) if is_asked else None

    def suggestions(self) -> list[tuple[str, str]]:
        """Return what may be meant by the search instead, each with its address."""
        found = []
        for suggestion in self.reading.suggestions:
            query = self.query()
            query["q"] = suggestion.query
            found.append((suggestion.label, f"?{query.urlencode()}"))
        return found

    def notices(self) -> list[str]:
        """Return in how far these are not the sessions that were searched for."""
        if self.matching is None or self.matching.is_all:
            return []
        if not self.matching.count:
            return ["This search takes too long and was given up. Another word beside it, or a"
                    " field such as after:7d, makes it quicker."]  # fmt: skip
        return [
            "Not all that match are listed, but those with the newest hits:"
            f" {organising.counted(self.matching.count)}."
        ]

    # -- what each asks ---------------------------------------------------------------------

    def by_text(self, sessions, name, value):
        return sessions.filter(pk__in=self.matching.keys) if self.matching else sessions

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


def midnight(day: date, zone: tzinfo | None = None) -> datetime:
    """Return the moment a day begins, in UTC; `zone` is the reader's if none is given."""
    try:
        return timezone.make_aware(datetime.combine(day, time.min), zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time.min, tzinfo=UTC)
