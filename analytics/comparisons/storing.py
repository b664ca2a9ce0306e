"""The last report of each comparison: computed when what it says is old, read otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.utils.timezone import now

from analytics.models import ComparisonGroup, ComparisonReport, ComparisonReportPrompt
from conversations.models import Annotation, Message

VERSION = 4  # of what a report says and how it is computed: another makes all anew


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report without its prompts, as it was computed, and when."""

    report: dict[str, Any]
    computed_at: datetime
    prompts: QuerySet[ComparisonReportPrompt]  # as `place` has them: the worst first

    def whole(self) -> dict[str, Any]:
        """Return the report with its prompts."""
        return {**self.report, "prompts": list(self.prompts.values_list("row", flat=True))}


def report_of(group: ComparisonGroup, *, refresh: bool = False) -> StoredReport:
    """Return the report of a comparison as it is now; with `refresh`, computed in any case."""
    using = group._state.db
    signature = signature_of(group)
    stored = ComparisonReport.objects.using(using).filter(comparison_group=group).first()
    if stored and stored.signature == signature and not refresh:
        return _found(stored)
    # scipy takes its time to import: only who has something to compute pays for it.
    from .loading import comparison_of
    from .report import compute

    began = time.perf_counter()
    comparison = comparison_of(group)
    report = compute(comparison)
    prompts = report.pop("prompts")
    with transaction.atomic(using):
        ComparisonReport.objects.using(using).filter(comparison_group=group).delete()
        stored = ComparisonReport.objects.using(using).create(
            comparison_group=group,
            signature=signature,
            input_hash=report["method"]["input_hash"],
            computed_at=now(),
            milliseconds=(time.perf_counter() - began) * 1000,
            report=report,
        )
        ComparisonReportPrompt.objects.using(using).bulk_create(
            (
                ComparisonReportPrompt(
                    report=stored, place=place, prompt_key=row["key"], delta=row["delta"], row=row
                )
                for place, row in enumerate(prompts)
            ),
            batch_size=1_000,
        )
    return _found(stored)


def _found(stored: ComparisonReport) -> StoredReport:
    prompts = stored.prompt_rows.order_by("place")
    return StoredReport(stored.report, stored.computed_at, prompts)


def signature_of(group: ComparisonGroup) -> str:
    """Return what changes when a report would: the revision, and what the sessions add up to.

    The revision counts changes of the comparison and of what its sessions say; what was added to
    them or taken out of them is seen by their sums.
    """
    using = group._state.db
    revision = (
        ComparisonGroup.objects.using(using).values_list("revision", flat=True).get(pk=group.pk)
    )
    said = Message.objects.using(using).filter(
        session__comparisons__comparison_group=group, session__deleted_at__isnull=True
    )
    figures = said.aggregate(
        Count("pk"), Max("pk"), Sum("latency_ms"), Sum("cost_nanos"), Sum("input_tokens"),
        Sum("output_tokens"), errors=Count("pk", filter=~Q(error_message="")),
    )  # fmt: skip
    ratings = Annotation.objects.using(using).aggregate(Max("pk"), Max("updated_at"))
    parts = (
        VERSION,
        revision,
        *figures.values(),
        *(ratings.values() if figures["pk__count"] else ()),
    )
    return ":".join("" if part is None else str(part) for part in parts)


def stored_verdicts(groups: Iterable[ComparisonGroup]) -> dict[int, dict[str, Any]]:
    """Return the verdict of the first pair of each stored report, by the comparison's key.

    For lists: nothing is computed, and what was stored may be older than the comparison.
    """
    ids = [group.pk for group in groups]
    rows = ComparisonReport.objects.filter(comparison_group__in=ids).annotate(
        short=KT("report__pairs__0__verdict__short"), tone=KT("report__pairs__0__verdict__tone")
    )
    return {
        row["comparison_group_id"]: {"short": row["short"], "tone": row["tone"]}
        for row in rows.values("comparison_group_id", "short", "tone")
        if row["short"]
    }
