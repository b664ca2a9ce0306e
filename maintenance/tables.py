"""The history of maintenance as a table."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html

from conversations.tables import PagedTable
from conversations.templatetags import conversations as show


class RunTable(PagedTable):
    """Runs, the newest first."""

    title = tables.Column("What", accessor="kind", order_by=("kind", "id"))
    state = tables.Column("State", accessor="status", order_by=("status", "id"))
    summary = tables.Column(
        "What came of it", empty_values=(), orderable=False, attrs={"cell": {"class": "wide"}}
    )
    by = tables.Column("By", accessor="user", empty_values=(), orderable=False)
    made = tables.Column(
        "Begun", accessor="made_at", order_by=("made_at", "id"),
        attrs={"cell": {"class": "text-nowrap"}}, initial_sort_descending=True,
    )  # fmt: skip

    name = "Runs"
    part = "runs-table"
    columns_out = {
        "id": "run_uuid", "kind": "kind", "status": "status", "summary": "summary",
        "error": "error", "made": "made_at", "finished": "finished_at",
    }  # fmt: skip

    class Meta:
        order_by = "-made"
        default = show.UNKNOWN

    def row_out(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row as a download has it."""
        return row

    def render_title(self, record):
        return format_html(
            '<a class="title" href="{}">{}</a>',
            reverse("maintenance-run", args=[record.run_uuid]),
            record.get_kind_display(),
        )

    def render_state(self, record):
        return record.get_status_display()

    def render_summary(self, record):
        text = record.error or record.summary or record.step
        return format_html("<bdi>{}</bdi>", text[:300])

    def render_by(self, record):
        return format_html("<bdi>{}</bdi>", record.user.username if record.user else "a command")

    def render_made(self, value):
        return show.when(value)
