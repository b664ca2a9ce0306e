"""What the pages that add up have in common: range, filters, files, and looking again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from analytics import cube
from analytics.charts import Chart, requested
from analytics.filters import AnalyticsFilter
from analytics.ranges import Range
from analytics.reports.breakdown import Breakdown
from conversations import databases, downloads
from conversations.pages import render_page
from conversations.views.sessions import tag_names

TABS = (
    ("analytics-overview", "Overview"),
    ("analytics-costs", "Costs"),
    ("budgets", "Budgets"),
)
SEEN = "X-Seen"  # header: the newest message that the page has counted
NOTHING_NEW = 204  # htmx then leaves the page as it is


def asked(
    request: HttpRequest, *, default: str = "30d", kept: Mapping[str, str] | None = None
) -> AnalyticsFilter:
    """Return what the address asks for; `kept` are choices of the page itself."""
    bounds = databases.remembered(connection, "bounds of roll-ups", cube.bounds)
    return AnalyticsFilter(
        request.GET, Range.of(request.GET, default=default, bounds=bounds), kept=kept
    )


def choice(request: HttpRequest, name: str, choices: Sequence[str] | Mapping[str, Any]) -> str:
    """Return what the address chooses of these; the first, if it says none of them."""
    chosen = request.GET.get(name, "")
    return chosen if chosen in choices else next(iter(choices))


def render_report(
    request: HttpRequest,
    name: str,
    filters: AnalyticsFilter,
    context: dict[str, Any],
    *,
    charts: Sequence[Chart] = (),
    tables: Sequence[Breakdown] = (),
) -> HttpResponse:
    """Render the page whose address is called `name`, the part of it, or a file of its numbers.

    The part is `analytics/_<name>.html`, in `analytics/report.html`. A page that looks again
    whether there are new messages is answered 204 if there are none.
    """
    if (download := requested(request, charts)) is not None:
        return download
    format = request.GET.get("format", "")
    for table in tables:
        if table.key == request.GET.get("table") and format in downloads.FORMATS:
            return downloads.download(table.key, format, table.csv(), table.columns)
    newest = newest_message()
    if request.htmx and request.headers.get(SEEN) == str(newest):
        return HttpResponse(status=NOTHING_NEW)
    days = filters.range
    part = f"analytics/_{name.removeprefix('analytics-').replace('-', '_')}.html"
    return render_page(
        request,
        "analytics/report.html",
        {
            "filters": filters,
            "here": reverse(name),
            "tabs": [(reverse(tab), label, None) for tab, label in TABS],
            "title": dict(TABS)[name],
            "part": part,
            "charts": charts,
            "tag_names": tag_names,
            "newest": newest,
            "is_live": days.first <= days.today <= days.last,
            **context,
        },
        parts={"report": part},
    )


def newest_message() -> int:
    """Return the greatest id that a message has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM messages")
        return cursor.fetchone()[0]
