"""Lists as tables, whose order and page come from the address."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from inspect import signature
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.db.models import F, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from . import downloads
from .models import Session
from .models.sessions import NANO
from .pages import KeyPaginator
from .templatetags import conversations as show

PAGE_SIZES = (25, 50, 100)
LISTED_TAGS = 6
LONGEST_TITLE = 1000  # other programs may write longer ones


class PagedTable(tables.Table):
    """One page of a query, in an order that the reader chose among the columns.

    The address may say anything: what it cannot mean is left out, so no address is an error.
    """

    name = ""  # what the rows are
    part = ""  # id of the element that the table fills
    export_address = ""  # of the page that writes the sessions of the table out
    columns_out: dict[str, str] = {}  # of a download: the name there, and the lookup

    def __init__(
        self,
        found: QuerySet,
        *,
        request: HttpRequest,
        rows: QuerySet | None = None,
        count: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(found, order_by=self._order_in(request), **options)
        for column in self.columns.columns.values():
            column.render = _with_signature(column.render)
        size = page_size(request.GET.get("per_page", ""))
        self.paginator = KeyPaginator(self.data.data, size, rows=rows)
        if count is not None:  # known already
            self.paginator.count = count
        self.page = self.paginator.get_page(request.GET.get("page", "1"))
        self.data.data = self.page.object_list
        self.page.object_list = list(iter(self.rows))  # what `self.data` holds, with cells

    def _order_in(self, request: HttpRequest) -> str | None:
        sort = request.GET.get("sort", "")
        return sort if sort.removeprefix("-") in self.base_columns else None

    def download(self, format: str) -> StreamingHttpResponse:
        """Return all pages of the table as a file, in its order."""
        lookups = list(self.columns_out.values())
        found = self.paginator.object_list.values_list(*lookups).iterator(1000)
        rows = (dict(zip(self.columns_out, values, strict=True)) for values in found)
        return downloads.download(
            self.name.lower(), format, map(self.row_out, rows), list(self.columns_out)
        )

    def row_out(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row as a download has it: money in dollars."""
        return {**row, "cost": Decimal(row["cost"]) / NANO}

    @property
    def caption(self) -> str:
        """What the table shows, in which order, for those who cannot see the marks in its head."""
        order = self.order_by[0]
        direction = "descending" if order.is_descending else "ascending"
        return f"{self.name}, sorted by {self.columns[order.bare].header.lower()}, {direction}"

    @property
    def said(self) -> str:
        """What is said of the table when it has been swapped in."""
        return f"{self.caption}. Page {self.page.number:,} of {self.paginator.num_pages:,}."

    @property
    def page_sizes(self) -> tuple[int, ...]:
        return PAGE_SIZES


def _with_signature(render: Callable[..., Any]) -> Callable[..., Any]:
    # django-tables2 asks for the signature with every cell, which takes longer than most cells.
    @wraps(render)
    def call(**known: Any) -> Any:
        return render(**known)

    call.__signature__ = signature(render)
    return call


def page_size(text: str) -> int:
    """Return the smallest page size that holds as many rows as `text` asks for."""
    try:
        wanted = int(text)
    except ValueError:
        return PAGE_SIZES[0]
    return next((size for size in PAGE_SIZES if size >= wanted), PAGE_SIZES[-1])


def _amount(header: str, **options: Any) -> tables.Column:
    # The largest are what one looks for in a column of figures.
    return tables.Column(
        header, attrs={"cell": {"class": "amount"}}, initial_sort_descending=True, **options
    )


def _money(nanos: int, unpriced: int) -> str:
    return show.cost(Decimal(nanos) / NANO if nanos else None, unpriced)


class FiguresTable(PagedTable):
    """Rows with what their sessions add up to."""

    sessions = _amount("Sessions", order_by=("sessions", "id"))
    tokens = _amount("Tokens", order_by=("tokens", "id"))
    cost = _amount("Cost", accessor="nanos", order_by=("nanos", "id"))
    last_used = tables.Column(
        "Last session",
        order_by=("last_used", "id"),
        attrs={"cell": {"class": "text-nowrap"}},
        initial_sort_descending=True,
    )

    class Meta:
        default = show.UNKNOWN

    def render_sessions(self, value):
        return show.number(value)

    def render_tokens(self, value):
        return show.tokens(value or None)

    def render_cost(self, record):
        return _money(record.nanos, record.unpriced)

    def render_last_used(self, value):
        return show.when(value)

    def _linked(self, record, name):
        return format_html(
            '<a class="title" href="{}"><bdi>{}</bdi></a>', record.get_absolute_url(), name
        )


class ProjectTable(FiguresTable):
    """Projects by name."""

    title = tables.Column(
        "Name", accessor="name", order_by=("name",), attrs={"cell": {"class": "wide"}}
    )
    name = "Projects"
    part = "projects-table"
    columns_out = {
        "name": "name",
        "sessions": "sessions",
        "tokens": "tokens",
        "cost": "nanos",
        "last_session": "last_used",
    }

    class Meta(FiguresTable.Meta):
        order_by = "title"
        sequence = ("title", "...")

    def render_title(self, record):
        return self._linked(record, record.name)


class ModelTable(FiguresTable):
    """Language models by provider and name."""

    title = tables.Column(
        "Model",
        accessor="full_name",
        order_by=("provider", "model_name", "model_version"),
        attrs={"cell": {"class": "wide"}},
    )
    price_in = _amount("USD per 1k in", accessor="cost_per_1k_input_tokens")
    price_out = _amount("USD per 1k out", accessor="cost_per_1k_output_tokens")
    name = "Models"
    part = "models-table"
    columns_out = {
        "provider": "provider",
        "model": "model_name",
        "version": "model_version",
        "usd_per_1k_in": "cost_per_1k_input_tokens",
        "usd_per_1k_out": "cost_per_1k_output_tokens",
        "sessions": "sessions",
        "tokens": "tokens",
        "cost": "nanos",
        "last_session": "last_used",
    }

    class Meta(FiguresTable.Meta):
        order_by = "title"
        sequence = ("title", "price_in", "price_out", "...")

    def render_title(self, record):
        return self._linked(record, record.full_name)

    def render_price_in(self, value):
        return show.money(value)

    def render_price_out(self, value):
        return show.money(value)


class SessionTable(PagedTable):
    """Sessions, newest first. `id` breaks every tie, so that pages never overlap."""

    pick = tables.Column(
        "Select", empty_values=(), orderable=False, attrs={"cell": {"class": "pick plain"}}
    )
    title = tables.Column("Title", empty_values=(), attrs={"cell": {"class": "wide"}})
    project = tables.Column("Project", order_by=("project__name", "id"))
    model = tables.Column(
        "Model", order_by=("model__provider", "model__model_name", "model__model_version", "id")
    )
    status = tables.Column("Status", order_by=("status", "started_at", "id"))  # as its index has it
    messages = _amount("Messages", accessor="total_messages", order_by=("total_messages", "id"))
    tokens = _amount("Tokens", empty_values=())
    cost = _amount("Cost", accessor="total_cost_nanos", order_by=("total_cost_nanos", "id"))
    started = tables.Column(
        "Started",
        accessor="started_at",
        order_by=("started_at", "id"),
        attrs={"cell": {"class": "text-nowrap"}},
        initial_sort_descending=True,
    )

    name = "Sessions"
    part = "sessions-table"
    columns_out = {
        "id": "session_uuid",
        "title": "title",
        "project": "project__name",
        "provider": "model__provider",
        "model": "model__model_name",
        "status": "status",
        "type": "session_type",
        "tags": "tags",
        "source": "source",
        "messages": "total_messages",
        "tokens_in": "total_input_tokens",
        "tokens_out": "total_output_tokens",
        "cost": "total_cost_nanos",
        "unpriced_messages": "total_unpriced",
        "started": "started_at",
        "completed": "completed_at",
    }

    class Meta:
        order_by = "-started"
        default = show.UNKNOWN

    @classmethod
    def of(cls, sessions: QuerySet, *, query: QueryDict, **options: Any) -> SessionTable:
        """Return the table of these sessions; of their rows it reads what it shows.

        `query` is what the page of exports has to be asked for the same sessions.
        """
        rows = Session.objects.with_names().defer("system_prompt", "description", "metadata")
        table = cls(sessions, rows=rows, **options)
        table.export_address = f"{reverse('export')}?{query.urlencode()}".rstrip("?")
        return table

    def order_title(self, sessions, is_descending):
        title = Lower("title")
        if is_descending:
            return sessions.order_by(title.desc(), "-id"), True
        return sessions.order_by(title.asc(), "id"), True

    def order_tokens(self, sessions, is_descending):
        both = F("total_input_tokens") + F("total_output_tokens")
        if is_descending:
            return sessions.order_by(both.desc(), "-id"), True
        return sessions.order_by(both.asc(), "id"), True

    def render_pick(self, record):
        return format_html(
            '<input class="form-check-input" type="checkbox" name="selected" value="{}"'
            ' aria-label="Select {}">',
            record.pk,
            record.title[:100].strip() or show.short_id(record.session_uuid),
        )

    def render_title(self, record):
        title = record.title[:LONGEST_TITLE].strip()
        name = (
            format_html('<bdi class="clamped">{}</bdi>', title)
            if title
            else format_html(
                '<i>Untitled</i> <span class="quiet">{}</span>', show.short_id(record.session_uuid)
            )
        )
        if address := show.address(record):
            name = format_html('<a class="title" href="{}">{}</a>', address, name)
        tags = record.tags if isinstance(record.tags, list) else []
        listed = format_html_join(
            " ",
            '<li><a class="tag" href="{}?{}"><bdi>{}</bdi></a></li>',
            (
                (reverse("sessions"), urlencode({"tag": tag}), tag[:40])
                for tag in tags[:LISTED_TAGS]
                if isinstance(tag, str)
            ),
        )
        return format_html('{}<ul class="tags">{}</ul>', name, listed) if listed else name

    def render_project(self, value):
        return format_html('<a href="{}"><bdi>{}</bdi></a>', value.get_absolute_url(), value.name)

    def render_model(self, value):
        return format_html(
            '<a href="{}"><bdi title="{}"><span class="quiet">{}/</span>{}</bdi></a>',
            value.get_absolute_url(),
            value.full_name,
            value.provider,
            value.model_name,
        )

    def render_status(self, record, value):
        return format_html('<span class="status" data-status="{}">{}</span>', record.status, value)

    def render_messages(self, value):
        return show.number(value)

    def render_tokens(self, record):
        count = record.total_input_tokens + record.total_output_tokens
        return show.tokens(count or None)

    def render_cost(self, record):
        return _money(record.total_cost_nanos, record.total_unpriced)

    def render_started(self, value):
        return show.when(value)
