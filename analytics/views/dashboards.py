"""Overview, costs, projects and tags."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics import budgets
from analytics.reports import costs, overview
from analytics.reports.breakdown import breakdown
from analytics.reports.series import MEASURES, STACKS, over_time, stacked
from analytics.reports.top import top_sessions

from .reporting import asked, choice, chosen, render_report

EACH_TAG = (
    "A message counts for each tag of its session: the tags together are more than the whole, and"
    " what has no tag is in none of them."
)
STYLES = {"stacked": "by period", "cumulative": "added up"}


@require_safe
def show_overview(request: HttpRequest) -> HttpResponse:
    """Show what it comes to: the leading figures, the trend, who and when."""
    filters = asked(request)
    days = filters.range
    by_model = over_time(filters, "model_id")
    charts = [
        stacked(filters, "model_id", "cost", title="Cost by model", keyed=by_model),
        overview.heat_map(filters),
    ]
    tables = [
        breakdown(
            filters, "model_id", table="models", title="Models", label_name="Model", keyed=by_model
        ),
        breakdown(filters, "project_id", table="projects", title="Projects", label_name="Project"),
    ]
    context = {
        "figures": overview.figures(filters, by_model, reverse("prices-missing")),
        "trend": charts[0],
        "hours": charts[1],
        "tables": tables,
        "states": budgets.states(),
        "dearest": top_sessions(["cost_nanos"], filters.where, days.first, days.last)["cost_nanos"],
    }
    return render_report(
        request, "analytics-overview", filters, context, charts=charts, tables=tables
    )


@require_safe
def show_costs(request: HttpRequest) -> HttpResponse:
    """Show a measure over time, stacked by one of its keys, and where the month is going."""
    by = choice(request, "by", costs.BY)
    measure = choice(request, "measure", MEASURES)
    style = choice(request, "style", STYLES)
    kept = chosen(request, by=by, measure=measure, style=style)
    filters = asked(request, kept=kept, by_hour=by in costs.BY_HOUR)
    keyed, tables = None, []
    if by in STACKS:
        label, key = STACKS[by]
        keyed = over_time(filters, key)
        tables = [
            breakdown(filters, key, table=f"by-{by}", title=label, label_name=label, keyed=keyed)
        ]
    charts = costs.charts(filters, by, measure, is_cumulative=style == "cumulative", keyed=keyed)
    context = {
        "choices": [
            ("by", "Stack by", [(key, label, key == by) for key, label in costs.BY.items()]),
            ("measure", "Measure", [(k, v[0], k == measure) for k, v in MEASURES.items()]),
            ("style", "Show", [(k, label.capitalize(), k == style) for k, label in STYLES.items()]),
        ],
        "tables": tables,
    }
    return render_report(request, "analytics-costs", filters, context, charts=charts, tables=tables)


@require_safe
def show_projects(request: HttpRequest) -> HttpResponse:
    """Show what each project adds up to."""
    return _show_each(request, "analytics-projects", "project")


@require_safe
def show_tags(request: HttpRequest) -> HttpResponse:
    """Show what the sessions of each tag add up to."""
    return _show_each(request, "analytics-tags", "tag", note=EACH_TAG)


def _show_each(request: HttpRequest, name: str, by: str, *, note: str = "") -> HttpResponse:
    measure = choice(request, "measure", MEASURES)
    filters = asked(request, kept=chosen(request, measure=measure))
    label, key = STACKS[by]
    keyed = over_time(filters, key)
    title = f"{MEASURES[measure][0]} by {label.lower()}"
    charts = [stacked(filters, key, measure, title=title, keyed=keyed, note=note)]
    tables = [
        breakdown(filters, key, table=f"{by}s", title=f"{label}s", label_name=label, keyed=keyed)
    ]
    context = {
        "choices": [
            ("measure", "Measure", [(k, v[0], k == measure) for k, v in MEASURES.items()]),
        ],
        "tables": tables,
        "note": note,
    }
    return render_report(request, name, filters, context, charts=charts, tables=tables)
