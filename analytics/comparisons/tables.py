"""The list of comparisons as a table."""

from __future__ import annotations

from collections import Counter
from typing import Any

import django_tables2 as tables
from django.db.models import Count, QuerySet
from django.db.models.functions import Lower
from django.utils.html import format_html, format_html_join

from analytics.models import (
    ComparisonGroup,
    ComparisonPrompt,
    ComparisonReport,
    ComparisonResult,
    ComparisonVote,
)
from conversations.tables import PagedTable
from conversations.templatetags import conversations as show

from .data import VOTES
from .storing import stored_verdicts

LONGEST_SHOWN = 120
MOST = 3  # variants that are named
COUNTED = {"prompts": ComparisonPrompt, "votes": ComparisonVote, "results": ComparisonResult}


def _count(header: str) -> tables.Column:
    # Counted for the rows of a page alone, so no order can be had of them.
    return tables.Column(
        header, empty_values=(), orderable=False, attrs={"cell": {"class": "amount"}}
    )


class ComparisonTable(PagedTable):
    """Comparisons, newest first, with what was last said of each."""

    title = tables.Column("Comparison", accessor="name", attrs={"cell": {"class": "wide"}})
    verdict = tables.Column("Verdict", empty_values=(), orderable=False)
    differs = tables.Column(
        "Differs in", accessor="comparison_type", order_by=("comparison_type", "id")
    )
    primary = tables.Column(
        "Decided by", accessor="primary_metric", order_by=("primary_metric", "id"), empty_values=()
    )
    variants = tables.Column("Variants", empty_values=(), orderable=False)
    prompts, votes, results = _count("Prompts"), _count("Votes"), _count("Results")
    made = tables.Column(
        "Made", accessor="created_at", order_by=("created_at", "id"),
        attrs={"cell": {"class": "text-nowrap"}}, initial_sort_descending=True,
    )  # fmt: skip

    name = "Comparisons"
    part = "comparisons-table"
    columns_out = {
        "id": "group_uuid", "name": "name", "project": "project__name", "type": "comparison_type",
        "primary_metric": "primary_metric", "planned_prompts": "planned_prompts",
        "created": "created_at", "completed": "completed_at",
    }  # fmt: skip

    class Meta:
        order_by = "-made"
        default = show.UNKNOWN

    def __init__(self, found: QuerySet[ComparisonGroup], **options: Any) -> None:
        super().__init__(found, rows=found.select_related("project"), **options)
        groups = [row.record for row in self.page.object_list]
        self.verdicts, self.counts = stored_verdicts(groups), _counts(groups)
        self.labels = _labels(groups)

    def row_out(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row as a download has it."""
        return row

    def order_title(self, groups, is_descending):
        name = Lower("name")
        order = (name.desc(), "-id") if is_descending else (name.asc(), "id")
        return groups.order_by(*order), True

    def render_title(self, record):
        project = record.project and format_html(
            '<br><span class="quiet"><bdi>{}</bdi></span>', record.project.name[:LONGEST_SHOWN]
        )
        return format_html(
            '<a class="title" href="{}"><bdi>{}</bdi></a>{}',
            record.get_absolute_url(),
            record.name[:LONGEST_SHOWN],
            project or "",
        )

    def render_verdict(self, record):
        verdict = self.verdicts.get(record.pk)
        if verdict is None:
            return format_html('<span class="quiet">{}</span>', "not computed yet")
        return format_html(
            '<span class="verdict-chip" data-tone="{}"><bdi>{}</bdi></span>',
            verdict["tone"],
            verdict["short"][:LONGEST_SHOWN],
        )

    def render_differs(self, record):
        return record.get_comparison_type_display()

    def render_primary(self, record):
        name = record.primary_metric
        if not name:
            return format_html('<span class="quiet">{}</span>', "not chosen")
        label = "Votes" if name == VOTES else name
        return format_html("<bdi>{}</bdi>", label[:LONGEST_SHOWN])

    def render_variants(self, record):
        labels = self.labels.get(record.pk)
        if not labels:
            return self.default
        shown = format_html_join(", ", "<bdi>{}</bdi>", ((label[:40],) for label in labels[:MOST]))
        return format_html("{}{}", shown, ", …" if len(labels) > MOST else "")

    def render_prompts(self, record):
        return show.number(self.counts["prompts"][record.pk])

    def render_votes(self, record):
        return show.number(self.counts["votes"][record.pk])

    def render_results(self, record):
        return show.number(self.counts["results"][record.pk])

    def render_made(self, value):
        return show.when(value)


def _counts(groups: list[ComparisonGroup]) -> dict[str, Counter[int]]:
    """Return the rows of each kind by comparison: one query a kind, however many comparisons."""
    return {
        name: Counter(
            dict(
                model.objects.filter(comparison_group__in=groups)
                .order_by().values("comparison_group").annotate(n=Count("pk"))
                .values_list("comparison_group", "n")
            )
        )
        for name, model in COUNTED.items()
    }  # fmt: skip


def _labels(groups: list[ComparisonGroup]) -> dict[int, list[str]]:
    """Return the labels of the variants in each stored report."""
    reports = ComparisonReport.objects.filter(comparison_group__in=groups)
    rows = reports.values_list("comparison_group_id", "report__variants")
    return {group: [variant["label"] for variant in variants or ()] for group, variants in rows}
