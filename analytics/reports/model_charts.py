"""Models drawn: how a measure went, how latencies spread, and what speed costs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from analytics import cube, histograms
from analytics.charts import Chart, Series
from analytics.cube import Sums
from analytics.figures import Number, Unit, in_words
from analytics.filters import AnalyticsFilter, Days, Where
from analytics.ranges import MOST_PERIODS

from . import spread
from .models import (
    ERRORS,
    MOST_ROWS,
    PERCENTILES_OF,
    ModelFigures,
    is_answer,
    is_priced,
)
from .series import STACKED, link_more

SHORTEST_BY_WEEK = 93  # days; shorter ranges have their percentiles by day
RANGE_OF_LATENCIES = (0.05, 0.5, 0.95)
LATENCY = "latency"
# How the trend may be measured: name, unit, the sums that count for it, and its value.
Counts = Callable[[Where, str, int, Sums], bool]
TRENDS: dict[str, tuple[str, Unit, Counts | None, Callable[[Sums], Number | None] | None]] = {
    LATENCY: ("Latency p95", "ms", None, None),
    "speed": (
        "Output tokens per second",
        "per_second",
        lambda where, role, basis, sums: True,
        lambda sums: sums.tokens_per_second,
    ),
    "errors": (
        "Error rate",
        "percent",
        lambda where, role, basis, sums: is_answer(where, role),
        lambda sums: sums.error_rate,
    ),
    "cost": (
        "Cost per 1k output tokens",
        "usd",
        lambda where, role, basis, sums: is_priced(basis, sums),
        lambda sums: sums.cost_per_1k_output,
    ),
}
KEYS = {"errors": "role", "cost": "basis_id"}  # beside day and model


def trend(
    filters: AnalyticsFilter,
    found: Sequence[ModelFigures],
    measure: str,
) -> Chart:
    """Return how a measure of `TRENDS` went, a line for each of the models used most."""
    shown = _most_used(found, STACKED)
    name, unit, _, _ = TRENDS[measure]
    ids = [model.id for model in shown]
    if measure == LATENCY:
        days, values = _percentiles(filters, ids)
    else:
        days, values = _sums(filters, ids, measure)
    more = {"q": ERRORS} if measure == "errors" else {}
    series = [
        Series(
            model.name,
            values[model.id],
            links=[
                filters.sessions_url(period, **more, **link_more("model_id", model.id))
                for period in days
            ],
        )
        for model in shown
    ]
    notes = []
    if len(shown) < len(found):
        notes.append(f"The {len(shown)} models with the most messages.")
    if measure == LATENCY:
        notes.append(spread.not_told_apart(filters.where, PERCENTILES_OF))
    is_by_week = measure == LATENCY and _is_by_week(filters)
    return Chart(
        "trend",
        f"{name} over time",
        "line",
        _labels(filters, days, is_by_week),
        series,
        unit,
        links=[filters.sessions_url(period, **more) for period in days],
        note=" ".join(filter(None, notes)),
        label_name="Week from" if is_by_week else filters.range.grain.capitalize(),
    )


def _most_used(found: Sequence[ModelFigures], most: int) -> list[ModelFigures]:
    used = sorted(found, key=lambda model: -model.sums.messages)[:most]
    return [model for model in found if model in used]


def _labels(filters: AnalyticsFilter, days: Sequence[Days], is_by_week: bool) -> list[str]:
    if is_by_week:
        return [one.first.isoformat() for one in days]
    return [period.label for period in filters.range.periods()]


def _is_by_week(filters: AnalyticsFilter) -> bool:
    return filters.range.grain != "day" or filters.range.days >= SHORTEST_BY_WEEK


def _percentiles(filters: AnalyticsFilter, ids: list[int]):
    """Return the parts of the range and, by model, the percentile of each; None where none is."""
    days = filters.range
    first, step, periods = cube.day_number(days.first), 1, days.periods()
    key = "week" if _is_by_week(filters) else "day"
    if key == "week":
        first, step = cube.week_number(days.first), _weeks_at_once(filters)
        periods = _weeks(filters, step)
    values: dict[int, list[float | None]] = {id: [None] * len(periods) for id in ids}
    asked = (filters.where, days.first, days.last, key)
    if step == 1:
        found = histograms.percentiles_over_time("latency_ms", 0.95, *asked)
    else:
        found = _of_longer_parts(asked, first, step)
    for (time, id), value in found.items():
        if id in values:
            values[id][(time - first) // step] = value
    return periods, values


def _of_longer_parts(asked: tuple, first: int, step: int) -> dict[tuple[int, int], float | None]:
    *which, key = asked
    parts: dict[tuple[int, int], list[spread.Buckets]] = {}
    for (time, id), buckets in histograms.histogram(
        "latency_ms", *which, (key, "model_id")
    ).items():
        begin = first + (time - first) // step * step
        parts.setdefault((begin, id), []).append(buckets)
    return {place: histograms.percentile(spread.added(each), 0.95) for place, each in parts.items()}


def _weeks_at_once(filters: AnalyticsFilter) -> int:
    """Return of how many weeks a point is: of one, but for ranges of more than twenty years."""
    return -(-(filters.range.days // cube.WEEK + 2) // MOST_PERIODS)


def _weeks(filters: AnalyticsFilter, step: int) -> list[Days]:
    days = filters.range
    weeks = range(cube.week_number(days.first), cube.week_number(days.last) + 1, step)
    return [
        replace(
            days,
            first=max(days.first, cube.monday_of(week)),
            last=min(days.last, cube.monday_of(week + step) - timedelta(days=1)),
        )
        for week in weeks
    ]


def _sums(filters: AnalyticsFilter, ids: list[int], measure: str):
    """Return the periods of the range and, by model, the value of each; None where none is."""
    _, _, counts, value_of = TRENDS[measure]
    days = filters.range
    periods = days.periods()
    starts = [cube.day_number(period.first) for period in periods]
    held = {id: [Sums()] * len(periods) for id in ids}
    key = KEYS.get(measure)
    by = ("day", "model_id", *([key] if key else []))
    for (day, id, *rest), sums in cube.by_day(filters.where, days.first, days.last, by).items():
        role = rest[0] if key == "role" else ""
        basis = rest[0] if key == "basis_id" else 0
        if id in held and counts(filters.where, role, basis, sums):
            held[id][bisect_right(starts, day) - 1] += sums
    return periods, {id: [value_of(sums) for sums in columns] for id, columns in held.items()}


def latencies(filters: AnalyticsFilter, found: Sequence[ModelFigures]) -> Chart:
    """Return the median latency of each model, and within what nine of ten lie."""
    shown = [model for model in found if model.latencies]
    shown = sorted(_most_used(shown, MOST_ROWS), key=lambda model: model.latency(0.5))
    low, middle, high = ([model.latency(share) for model in shown] for share in RANGE_OF_LATENCIES)
    return Chart(
        "latencies",
        "Latency by model",
        "intervals",
        [model.name for model in shown],
        [Series("p50 (p5 to p95)", middle, low, high)],
        "ms",
        links=[filters.sessions_url(**link_more("model_id", model.id)) for model in shown],
        note=spread.not_told_apart(filters.where, PERCENTILES_OF),
        label_name="Model",
    )


def distribution(
    filters: AnalyticsFilter, found: Sequence[ModelFigures], *, is_compared: bool = False
) -> Chart:
    """Return how many messages took how long; of each model compared, in percent of its own."""
    note = spread.not_told_apart(filters.where, PERCENTILES_OF)
    histograms = [model.latencies for model in found]
    together = spread.added(histograms)
    bins = spread.bins(histograms, "ms")
    if is_compared:
        series = [
            Series(model.name, _shares(spread.counted(model.latencies, bins))) for model in found
        ]
    else:
        series = [Series("Messages", spread.counted(together, bins))]
    return Chart(
        "distribution",
        "Latency, share of each model's messages" if is_compared else "Latency of messages",
        "distribution",
        [one.label for one in bins],
        series,
        "percent" if is_compared else "count",
        links=[filters.sessions_url(q=f"latency:{one.low}..{one.high - 1}") for one in bins],
        summary=" ".join(f"{model.name}: {_halves(model.latencies)}" for model in found)
        if is_compared
        else _halves(together).capitalize(),
        note=note,
        label_name="Latency",
        marks=() if is_compared else spread.marks(together, bins, (50, 95)),
    )


def _halves(latencies: spread.Buckets) -> str:
    half, most = (histograms.percentile(latencies, share) for share in (0.5, 0.95))
    if half is None:
        return "nothing is known."
    words = f"half of the messages took up to {in_words(half, 'ms')}"
    return f"{words}, 95 % up to {in_words(most, 'ms')}."


def _shares(counts: Sequence[int]) -> list[float | None]:
    whole = sum(counts)
    return [count / whole * 100 if whole else None for count in counts]


def worth(filters: AnalyticsFilter, found: Sequence[ModelFigures]) -> Chart:
    """Return what each model costs beside how fast it is."""
    shown = [
        model
        for model in found
        if model.priced.cost_per_1k_output is not None and model.sums.tokens_per_second is not None
    ]
    return Chart(
        "worth",
        "Speed beside cost",
        "scatter",
        [model.name for model in shown],
        [Series("Output tokens per second", [one.sums.tokens_per_second for one in shown])],
        "per_second",
        x=[model.priced.cost_per_1k_output for model in shown],
        x_name="Cost per 1k output tokens",
        x_unit="usd",
        label_name="Model",
        links=[filters.sessions_url(**link_more("model_id", model.id)) for model in shown],
    )
