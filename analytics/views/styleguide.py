"""Every kind of chart, the range and leading figures with made-up numbers, for who builds pages."""

from __future__ import annotations

from decimal import Decimal
from math import sin

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from analytics.charts import Chart, Level, Mark, Series, requested
from analytics.figures import Figure
from analytics.filters import AnalyticsFilter
from analytics.ranges import Range
from conversations.pages import render_page

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MODELS = ("claude-sonnet-4-5", "gpt-5.1", "gemini-2.5-pro", "qwen3-coder-30b", "Others")
BUCKETS = (
    "under 0.5 s",
    "0.5 to 1 s",
    "1 to 2 s",
    "2 to 4 s",
    "4 to 8 s",
    "8 to 16 s",
    "over 16 s",
)


@require_safe
def charts_shown(request: HttpRequest) -> HttpResponse:
    """Show every kind of chart."""
    if not request.user.is_staff:
        raise PermissionDenied
    days = Range.of(request.GET)
    filters = AnalyticsFilter(request.GET, days)
    charts = [*_over_time(days, filters), *_over_models(filters)]
    if (download := requested(request, charts)) is not None:
        return download
    context = {
        "filters": filters,
        "charts": charts,
        "figures": _figures(filters),
        "here": reverse("styleguide-charts"),
        "crumbs": [(reverse("styleguide"), "Style guide")],
    }
    parts = {"report": "analytics/_styleguide_report.html"}
    return render_page(request, "analytics/styleguide.html", context, parts=parts)


def _wave(count: int, *, size: float, pace: float) -> list[float]:
    return [size * (1.6 + sin(index / pace) + 0.4 * sin(index * 2.3)) for index in range(count)]


def _dollars(values: list[float]) -> list[Decimal]:
    return [round(Decimal(value), 6) for value in values]


def _over_time(days: Range, filters: AnalyticsFilter) -> list[Chart]:
    periods = days.periods()
    common = {
        "labels": [period.label for period in periods],
        "links": [filters.sessions_url(period) for period in periods],
        "label_name": days.grain.capitalize(),
    }
    count = len(periods)
    cost = Chart(
        "cost",
        "Cost",
        "bar",
        series=[Series("Cost", _dollars(_wave(count, size=0.8, pace=3)))],
        unit="usd",
        levels=[Level("Budget", Decimal("2.2"))],
        note="12 messages are unpriced.",
        **common,
    )
    by_model = Chart(
        "by-model",
        "Cost by model",
        "stacked",
        series=[
            Series(
                name,
                _dollars(_wave(count, size=1 / number, pace=number + 1)),
                is_rest=name == "Others",
            )
            for number, name in enumerate(MODELS, start=1)
        ],
        unit="usd",
        **common,
    )
    latency = Chart(
        "latency",
        "Latency",
        "line",
        series=[
            Series(name, _with_gaps(_wave(count, size=size, pace=4)))
            for name, size in (("p50", 900), ("p95", 2400), ("p99", 5200))
        ],
        unit="ms",
        **common,
    )
    forecast = Chart(
        "forecast",
        "Cost so far, and likely",
        "line",
        series=_with_forecast(_dollars(_wave(count, size=0.8, pace=3))),
        unit="usd",
        **common,
    )
    tokens = Chart(
        "tokens",
        "Tokens by kind",
        "area",
        series=[
            Series(name, [int(value) for value in _wave(count, size=size, pace=5)])
            for name, size in (("Cache reads", 900_000), ("Input", 240_000), ("Output", 60_000))
        ],
        unit="tokens",
        **common,
    )
    return [cost, by_model, latency, forecast, tokens]


def _with_gaps(values: list[float]) -> list[float | None]:
    return [None if index % 11 == 5 else value for index, value in enumerate(values)]


def _with_forecast(values: list[Decimal]) -> list[Series]:
    today = len(values) // 2
    after = values[today:]
    room = [value * step / (2 * len(values)) for step, value in enumerate(after)]
    before = [None] * today
    return [
        Series("Cost", [*values[: today + 1], *[None] * (len(after) - 1)]),
        Series(
            "Likely",
            [*before, *after],
            low=[*before, *(value - by for value, by in zip(after, room, strict=True))],
            high=[*before, *(value + by for value, by in zip(after, room, strict=True))],
            is_forecast=True,
        ),
    ]


def _over_models(filters: AnalyticsFilter) -> list[Chart]:
    here = filters.sessions_url()
    return [
        _hours(here),
        Chart(
            "spread",
            "Latency of answers",
            "distribution",
            BUCKETS,
            [Series("Messages", [120, 410, 960, 720, 240, 61, 12])],
            "count",
            label_name="Latency",
            links=[here] * len(BUCKETS),
            marks=[Mark("p50", 2), Mark("p95", 4)],
        ),
        Chart(
            "worth",
            "Cost beside speed",
            "scatter",
            MODELS,
            [Series("Output tokens per second", [71.2, 58.0, 124.5, 33.1, 40.0])],
            "per_second",
            x=[15.0, 10.0, 9.5, 0.4, 4.0],
            x_name="USD per million output tokens",
            x_unit="usd",
            label_name="Model",
            links=[here] * len(MODELS),
        ),
        Chart(
            "errors",
            "Error rate",
            "intervals",
            MODELS,
            [
                Series(
                    "Error rate",
                    [2.1, 4.4, 0.0, 11.8, 3.0],
                    low=[1.3, 2.6, 0.0, 7.1, 1.8],
                    high=[4.4, 7.8, 1.2, 18.9, 5.7],
                )
            ],
            "percent",
            label_name="Model",
            links=[here] * len(MODELS),
            levels=[Level("All models", 4.2)],
        ),
        Chart("nothing", "Nothing yet", "bar", ["2026-01-01"], [Series("Cost", [None])], "usd"),
    ]


def _hours(here: str) -> Chart:
    rows = []
    for number, day in enumerate(WEEKDAYS):
        busy = 21 if number < 5 else 9
        counts = [int(value) for value in _wave(24, size=busy, pace=4)]
        rows.append(Series(day, [*[None] * 5, *counts[5:]], links=[here] * 24))
    return Chart(
        "hours",
        "Messages by hour and weekday",
        "heatmap",
        [f"{hour:02}" for hour in range(24)],
        rows,
        "count",
        label_name="Hour",
    )


def _figures(filters: AnalyticsFilter) -> list[Figure]:
    here = filters.sessions_url()
    trend = _wave(30, size=3, pace=4)
    return [
        Figure("Cost", Decimal("48.2193"), "usd", Decimal("41.07"), here, trend, 12, here, "less"),
        Figure("Tokens", 12_400_000, "tokens", 13_900_000, here, trend[::-1]),
        Figure("Sessions", 318, "count", 318, here, trend),
        Figure("Errors", 7, "count", 0, here, [0, 0, 1, 0, 2, None, 0, 4], is_good="less"),
        Figure("Latency, p95", 2410, "ms", 3120, here, trend, is_good="less"),
        Figure("Cache hit rate", 61.27, "percent", 55.1, here, is_good="more"),
        Figure("Rating", None, "count"),
    ]
