"""How models, sessions and tools did, and what failed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from analytics.filters import AnalyticsFilter
from analytics.reports import errors, model_charts, models, sessions, tools
from analytics.reports.spread import HOW_PERCENTILES_ARE_MADE
from conversations.models import LanguageModel
from conversations.pages import row_key

from .reporting import asked, choice, chosen, render_report

LONGEST_COMPARE = 300  # characters of the address that are read for it


@require_safe
def show_models(request: HttpRequest) -> HttpResponse:
    """Show how models did, or two and more of them side by side."""
    measure = choice(request, "measure", model_charts.TRENDS)
    compared, notices = _compared(request)
    kept = chosen(request, measure=measure)
    if compared:
        kept["compare"] = ",".join(map(str, compared))
    filters = asked(request, kept=kept, by_hour=False)
    found = models.models(filters, compared)
    charts = [
        model_charts.trend(filters, found, measure),
        model_charts.distribution(filters, found, is_compared=bool(compared)),
        model_charts.latencies(filters, found),
        model_charts.worth(filters, found),
    ]
    make = models.comparison if compared else models.table
    tables = [make(filters, found), models.finishes(filters, found)]
    context = {
        "choices": [
            (
                "measure",
                "Over time",
                [(key, name, key == measure) for key, (name, *_) in model_charts.TRENDS.items()],
            )
        ],
        "tables": tables,
        "compared": compared,
        "most_compared": models.MOST_COMPARED,
        "everything": _without_compare(filters),
        "notices": notices,
        "how": HOW_PERCENTILES_ARE_MADE,
    }
    return render_report(
        request, "analytics-models", filters, context, charts=charts, tables=tables
    )


@require_safe
def show_sessions(request: HttpRequest) -> HttpResponse:
    """Show how large sessions are, and the largest."""
    filters = asked(request)
    found = sessions.histograms(filters)
    charts = [
        sessions.distribution(filters, metric, found[metric.key]) for metric in sessions.METRICS
    ]
    tables = [sessions.table(filters, found)]
    context = {
        "tables": tables,
        "tops": sessions.tops(filters),
        "how": HOW_PERCENTILES_ARE_MADE,
    }
    return render_report(
        request, "analytics-sessions", filters, context, charts=charts, tables=tables
    )


@require_safe
def show_tools(request: HttpRequest) -> HttpResponse:
    """Show which tools were called, and how many of their results are failures."""
    filters = asked(request, by_hour=False)
    found = tools.calls(filters)
    charts = [tools.over_time(filters, found), tools.results(filters)]
    tables = [tools.table(filters, found)]
    context = {"tables": tables}
    return render_report(request, "analytics-tools", filters, context, charts=charts, tables=tables)


@require_safe
def show_errors(request: HttpRequest) -> HttpResponse:
    """Show what failed: how often, of which models, why, and what was said of it."""
    filters = asked(request, by_hour=False)
    found = errors.sums_of(filters)
    chart, table = errors.rates(filters, found)
    charts = [errors.by_model(filters, found), chart]
    tables = [table, errors.finishes(filters)]
    context = {
        "tables": tables,
        "failures": errors.newest(filters.where, filters.range),
        "everything": filters.sessions_url(q=models.ERRORS),
        "looked_at": errors.LOOKED_AT,
    }
    return render_report(
        request, "analytics-errors", filters, context, charts=charts, tables=tables
    )


def _compared(request: HttpRequest) -> tuple[list[int], list[str]]:
    """Return the models that the address puts side by side, and what is left out of it.

    It may name them one by one (`compare=3&compare=5`, as a form does) or in one (`compare=3,5`).
    """
    words = ",".join(request.GET.getlist("compare"))[:LONGEST_COMPARE].split(",")
    words = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not words:
        return [], []
    keys = [key for word in words if (key := row_key(word)) is not None]
    known = set(LanguageModel.objects.filter(pk__in=keys).values_list("pk", flat=True))
    ids = [key for key in dict.fromkeys(keys) if key in known]
    notices = []
    if unknown := [word for word in words if row_key(word) not in known]:
        notices.append(f"Compare: there is no model “{unknown[0][:40]}”.")
    if len(ids) > models.MOST_COMPARED:
        notices.append(f"No more than {models.MOST_COMPARED} models fit side by side.")
    if len(ids) < 2:
        notices.append("Pick two models or more to compare them.")
        return [], notices
    return ids[: models.MOST_COMPARED], notices


def _without_compare(filters: AnalyticsFilter) -> str:
    query = filters.query()
    query.pop("compare", None)
    return f"?{query.urlencode()}"
