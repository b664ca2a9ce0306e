"""How large sessions are: percentiles and spread of their tokens, cost and duration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from analytics.charts import Cell, Chart, Series
from analytics.figures import Number, Unit, in_words
from analytics.filters import AnalyticsFilter
from analytics.histograms import histogram, percentile
from analytics.tables import Line, Table
from conversations.models import Session
from conversations.models.sessions import NANO

from . import spread
from .top import top_sessions

SHARES = (50, 90, 95, 99)  # percentiles
OF = "Percentiles and distributions are of sessions of"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured of a session; `value_of` makes a number of `unit` of what is kept."""

    key: spread.Kind
    name: str
    unit: Unit
    value_of: Callable[[float], Number]
    top: str  # title of the list of those that have most of it
    sort: str  # of the list of sessions, "" if it cannot be sorted by it
    note: str = ""


METRICS = (
    Metric("tokens", "Tokens", "tokens", round, "Most tokens", "-tokens"),
    Metric(
        "cost_nanos",
        "Cost",
        "usd",
        lambda nanos: Decimal(round(nanos)) / NANO,
        "Most expensive",
        "-cost",
    ),
    Metric(
        "seconds",
        "Duration",
        "ms",
        lambda seconds: seconds * 1000,
        "Longest running",
        "",
        "From start to completion, of sessions that have been completed.",
    ),
)


def histograms(filters: AnalyticsFilter) -> dict[str, spread.Buckets]:
    """Return how each metric spreads over the sessions that started in the range."""
    days = filters.range
    found = {}
    for metric in METRICS:
        asked = histogram(metric.key, filters.where, days.first, days.last)
        found[metric.key] = asked.get((), {})
    return found


def table(filters: AnalyticsFilter, found: dict[str, spread.Buckets]) -> Table:
    """Return a line of percentiles for each metric."""
    lines = []
    for metric in METRICS:
        buckets = found[metric.key]
        cells = [Cell(sum(buckets.values()), "count", filters.sessions_url())]
        for share in SHARES:
            value = percentile(buckets, share / 100)
            shown = None if value is None else metric.value_of(value)
            cells.append(Cell(shown, metric.unit, _at_least(filters, metric, shown)))
        lines.append(Line(metric.name, None, cells))
    lines = lines if any(found.values()) else []
    heads = [("Sessions", "count"), *((f"p{share}", None) for share in SHARES)]
    note = spread.not_told_apart(filters.where, OF)
    return Table("percentiles", "Percentiles", "Of each session", heads, lines, note=note)


def _at_least(filters: AnalyticsFilter, metric: Metric, value: Number | None) -> str:
    """Return the sessions that have at least so much, where the list can tell."""
    if metric.unit == "usd" and value is not None:
        return filters.sessions_url(cost_min=f"{value:f}", sort=metric.sort)
    return filters.sessions_url(**({"sort": metric.sort} if metric.sort else {}))


def distribution(filters: AnalyticsFilter, metric: Metric, buckets: spread.Buckets) -> Chart:
    """Return how many sessions have how much."""
    bins = spread.bins([buckets], metric.key)
    links = [filters.sessions_url()] * len(bins)
    if metric.unit == "usd":
        links = [
            filters.sessions_url(
                cost_min=f"{metric.value_of(one.low):f}", cost_max=f"{metric.value_of(one.high):f}"
            )
            for one in bins
        ]
    notes = (metric.note, spread.not_told_apart(filters.where, OF))
    return Chart(
        f"spread-{metric.key.removesuffix('_nanos')}",
        f"{metric.name} per session",
        "distribution",
        [one.label for one in bins],
        [Series("Sessions", spread.counted(buckets, bins))],
        "count",
        summary=_in_words(metric, buckets),
        links=links,
        note=" ".join(filter(None, notes)),
        label_name=metric.name,
        marks=spread.marks(buckets, bins, (50, 95)),
    )


def _in_words(metric: Metric, buckets: spread.Buckets) -> str:
    half, most = (percentile(buckets, share) for share in (0.5, 0.95))
    if half is None or most is None:
        return ""
    half, most = (in_words(metric.value_of(value), metric.unit) for value in (half, most))
    return f"Half of {sum(buckets.values()):,} sessions have up to {half}, 95 % up to {most}."


@dataclass(frozen=True, slots=True)
class Top:
    """The sessions that have most of a metric, and the list in which they come first."""

    metric: Metric
    sessions: list[Session]
    link: str

    @property
    def words(self) -> str:
        """Return what the link leads to."""
        return "All sessions, these first" if self.metric.sort else "All sessions"


def tops(filters: AnalyticsFilter) -> list[Top]:
    """Return the sessions that cost most, used most tokens and ran longest."""
    days = filters.range
    found = []
    top = top_sessions((one.key for one in METRICS), filters.where, days.first, days.last)
    for metric in METRICS:
        sessions = top[metric.key]
        least = sessions[-1].shown if sessions else None
        found.append(Top(metric, sessions, _at_least(filters, metric, least)))
    return found
