"""What the pages that add up have in common: range, filters, files, and looking again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from analytics import cube
from analytics.charts import Chart, requested
from analytics.filters import AnalyticsFilter
from analytics.ranges import Range
from conversations import databases, downloads
from conversations.pages import render_page
from conversations.views.sessions import tag_names

TABS = (
    ("analytics-overview", "Overview"),
    ("analytics-costs", "Costs"),
    ("analytics-models", "Models"),
    ("analytics-projects", "Projects"),
    ("analytics-tags", "Tags"),
    ("analytics-sessions", "Sessions"),
    ("analytics-tools", "Tools"),
    ("analytics-errors", "Errors"),
    ("what-if", "What if"),
    ("budgets", "Budgets"),
    ("prices", "Prices"),
)
SEEN = "X-Seen"  # header: the newest message that the page has counted
NO_HOURS = "What this page shows is kept by day: it is shown by day."
NOTHING_NEW = 204  # htmx then leaves the page as it is


class Downloadable(Protocol):
    """A table that a page gives away as a file."""

    key: str
    columns: list[str]

    def csv(self) -> Iterator[dict[str, Any]]: ...


def asked(
    request: HttpRequest,
    *,
    default: str = "30d",
    kept: Mapping[str, str] | None = None,
    by_hour: bool = True,
) -> AnalyticsFilter:
    """Return what the address asks for; `kept` are choices of the page itself.

    Pages whose numbers are kept by day only have no hours: `by_hour` is False. Nor has a role.
    """
    bounds = databases.remembered(connection, "bounds of roll-ups", cube.bounds)
    days = Range.of(request.GET, default=default, bounds=bounds)
    if days.grain == "hour" and (not by_hour or request.GET.get("role")):
        notices = (*days.notices, NO_HOURS) if days.has_grain else days.notices
        days = replace(days, grain="day", has_grain=False, notices=notices)
    return AnalyticsFilter(request.GET, days, kept=kept)


def choice(request: HttpRequest, name: str, choices: Sequence[str] | Mapping[str, Any]) -> str:
    """Return what the address chooses of these; the first, if it says none of them."""
    chosen = request.GET.get(name, "")
    return chosen if chosen in choices else next(iter(choices))


def chosen(request: HttpRequest, **values: str) -> dict[str, str]:
    """Return the choices that the address makes: the first of each is left out of it."""
    return {name: value for name, value in values.items() if name in request.GET}


def render_report(
    request: HttpRequest,
    name: str,
    filters: AnalyticsFilter,
    context: dict[str, Any],
    *,
    charts: Sequence[Chart] = (),
    tables: Sequence[Downloadable] = (),
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
