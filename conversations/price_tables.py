"""The price book as a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html

from .models import PriceKind
from .pricing import files
from .tables import PagedTable
from .templatetags import conversations as show


def _rate(header: str, field: str) -> tables.Column:
    return tables.Column(
        header,
        accessor=field,
        order_by=(field, "id"),
        attrs={"cell": {"class": "amount"}},
        initial_sort_descending=True,
    )


class PriceTable(PagedTable):
    """Rows of the price book by provider, model and day. Prices are USD per million tokens."""

    title = tables.Column(
        "Model",
        accessor="model_pattern",
        order_by=("provider", "model_pattern", "valid_from", "above_input_tokens", "id"),
        attrs={"cell": {"class": "wide"}},
    )
    valid = tables.Column(
        "Valid",
        empty_values=(),
        accessor="valid_from",
        order_by=("valid_from", "id"),
        attrs={"cell": {"class": "text-nowrap"}},
    )
    input = _rate("Input", "input_price")
    cache_read = _rate("Cache read", "cache_read_price")
    cache_write_5m = _rate("Write 5 min", "cache_write_5m_price")
    cache_write_1h = _rate("Write 1 h", "cache_write_1h_price")
    output = _rate("Output", "output_price")
    reasoning = _rate("Reasoning", "reasoning_price")

    name = "Prices"
    part = "prices-table"
    columns_out = files.COLUMNS

    class Meta:
        order_by = "title"
        default = show.UNKNOWN

    def row_out(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            name: files.text_of_value(value) if isinstance(value, Decimal) else value
            for name, value in row.items()
        }

    def render_title(self, record):
        said = [
            f"tier {record.service_tier}" if record.service_tier else "",
            f"above {record.above_input_tokens:,} tokens" if record.above_input_tokens else "",
            record.get_kind_display().lower() if record.kind != PriceKind.PER_TOKEN else "",
        ]
        return format_html(
            '<a class="title" href="{}"><bdi><span class="quiet">{}/</span>{}</bdi></a>'
            ' <span class="quiet">{}</span>',
            reverse("price-edit", args=[record.pk]),
            record.provider or "any provider",
            record.model_pattern,
            ", ".join(filter(None, said)),
        )

    def render_valid(self, record):
        since = f"from {record.valid_from:%Y-%m-%d}" if record.valid_from else ""
        until = f"before {record.valid_to:%Y-%m-%d}" if record.valid_to else ""
        return " ".join(filter(None, [since, until])) or "always"

    def render_input(self, value):
        return files.text_of_value(value)  # each digit counts

    render_cache_read = render_cache_write_5m = render_cache_write_1h = render_input
    render_output = render_reasoning = render_input
