"""Figures of hours and days, written down in `performance_metrics` for programs that read it.

They come from the roll-ups. A period that is recorded again replaces what was written of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from conversations.errors import InvalidValue

from . import cube, histograms
from .cube import Sums
from .filters import Where
from .models import MetricEntity, MetricType, PerformanceMetric
from .ranges import FIRST_DAY, LAST_DAY, midnight

WHOLE_PERIODS = 2  # that are recorded, beside the one that runs, if nothing is said
DAYS_AT_ONCE = 31
ROWS_AT_ONCE = 500
ENTITIES = {
    MetricEntity.GLOBAL: None,
    MetricEntity.PROJECT: "project_id",
    MetricEntity.MODEL: "model_id",
}
PERCENTILES = {"latency_ms_p50": 0.5, "latency_ms_p95": 0.95, "latency_ms_p99": 0.99}
# What is written of a period: unit, value (None: nothing is known), and of how many messages.
METRICS: dict[str, tuple[str, Callable[[Sums], float | None], Callable[[Sums], int]]] = {
    "messages": ("messages", lambda sums: sums.messages, lambda sums: sums.messages),
    "input_tokens": ("tokens", lambda sums: sums.input_tokens, lambda sums: sums.messages),
    "output_tokens": ("tokens", lambda sums: sums.output_tokens, lambda sums: sums.messages),
    "cost": (
        "USD",
        lambda sums: None if sums.unpriced and not sums.cost_nanos else float(sums.cost),
        lambda sums: sums.messages - sums.unpriced,
    ),
    "errors": ("messages", lambda sums: sums.errors, lambda sums: sums.messages),
    "unpriced": ("messages", lambda sums: sums.unpriced, lambda sums: sums.messages),
    "latency_ms": (
        "ms",
        lambda sums: sums.latency_ms / sums.latencies if sums.latencies else None,
        lambda sums: sums.latencies,
    ),
}
NAMES = (*METRICS, *PERCENTILES)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written: from when (UTC) on, until when, and how many rows."""

    period: str
    begin: datetime
    end: datetime
    rows: int


def record(
    period: str,
    since: date | None = None,
    until: date | None = None,
    *,
    now: datetime | None = None,
    using: str = "default",
) -> Recorded:
    """Write down the figures of each hour or day (`hourly`, `daily`) that has messages.

    Of the days from `since` to `until` in the site's time zone; without both, of the last two whole
    periods and the running one; without one of them, of today or from `until` alone. Raises
    InvalidValue for other periods and for days that are not in order.
    """
    if period not in (MetricType.HOURLY, MetricType.DAILY):
        raise InvalidValue(f"period must be hourly or daily, not {str(period)[:40]!r}")
    now = now or timezone.now()
    today = timezone.localdate(now, timezone.get_default_timezone())
    if since is None and until is None:
        if period == MetricType.HOURLY:
            hour = int(now.timestamp()) // 3600
            return _hours(hour - WHOLE_PERIODS, hour, using)
        since, until = today - timedelta(days=WHOLE_PERIODS), today
    last = until or today
    first = since or last
    if not FIRST_DAY <= first <= last <= LAST_DAY:
        raise InvalidValue(
            f"since must not be after until, and both from {FIRST_DAY} to {LAST_DAY}:"
            f" {first} and {last} are not"
        )
    if period == MetricType.DAILY:
        return _days(first, last, using)
    end = midnight(last + timedelta(days=1))
    return _hours(
        int(midnight(first).timestamp()) // 3600, (int(end.timestamp()) - 1) // 3600, using
    )


def _days(first: date, last: date, using: str) -> Recorded:
    rows, begin = 0, first
    while begin <= last:  # in parts, so that others can write in between
        end = min(begin + timedelta(days=DAYS_AT_ONCE - 1), last)
        after = midnight(end + timedelta(days=1))
        rows += _replace(
            MetricType.DAILY, midnight(begin), after, _of_days(begin, end, using), using
        )
        begin = end + timedelta(days=1)
    return Recorded("daily", midnight(first), midnight(last + timedelta(days=1)), rows)


def _of_days(first: date, last: date, using: str) -> Iterator[PerformanceMetric]:
    where = Where()
    for entity, key in ENTITIES.items():
        by = ("day", key) if key else ("day",)
        latencies = histograms.histogram("latency_ms", where, first, last, by, using=using)
        for time, sums in cube.by_day(where, first, last, by, using=using).items():
            day = cube.day_of(time[0])
            rows = _rows(
                MetricType.DAILY, entity, time[1:], sums,
                midnight(day), midnight(day + timedelta(days=1)),
            )  # fmt: skip
            yield from rows
            if not (rows and sums.latencies):
                continue
            for name, share in PERCENTILES.items():
                value = histograms.percentile(latencies.get(time, {}), share)
                yield _row(rows[0], name, value, "ms", sums.latencies)


def _hours(first: int, last: int, using: str) -> Recorded:
    rows, begin = 0, first
    while begin <= last:
        end = min(begin + DAYS_AT_ONCE * 24 - 1, last)
        found = _of_hours(begin, end, using)
        rows += _replace(MetricType.HOURLY, _moment(begin), _moment(end + 1), found, using)
        begin = end + 1
    return Recorded("hourly", _moment(first), _moment(last + 1), rows)


def _of_hours(first: int, last: int, using: str) -> Iterator[PerformanceMetric]:
    for entity, key in ENTITIES.items():
        by = ("hour", key) if key else ("hour",)
        begin, end = _moment(first), _moment(last + 1)
        for time, sums in cube.by_hour(Where(), begin, end, by, using=using).items():
            yield from _rows(
                MetricType.HOURLY, entity, time[1:], sums, _moment(time[0]), _moment(time[0] + 1)
            )


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)


def _rows(
    kind: MetricType,
    entity: MetricEntity,
    key: tuple[int, ...],
    sums: Sums,
    begin: datetime,
    end: datetime,
) -> list[PerformanceMetric]:
    """Return the rows of an entity's period; none for messages without a project or a model."""
    id = key[0] if key else None
    if id == 0:
        return []
    period = PerformanceMetric(
        metric_type=kind, entity_type=entity, entity_id=id, period_start=begin, period_end=end
    )
    return [
        _row(period, name, value, unit, count_of(sums))
        for name, (unit, value_of, count_of) in METRICS.items()
        if (value := value_of(sums)) is not None or name == "cost"
    ]


def _row(
    period: PerformanceMetric, name: str, value: float | None, unit: str, count: int
) -> PerformanceMetric:
    return PerformanceMetric(
        metric_type=period.metric_type,
        entity_type=period.entity_type,
        entity_id=period.entity_id,
        period_start=period.period_start,
        period_end=period.period_end,
        metric_name=name,
        metric_value=value,
        metric_unit=unit,
        sample_count=count,
    )


def _replace(
    kind: MetricType,
    begin: datetime,
    end: datetime,
    rows: Iterable[PerformanceMetric],
    using: str,
) -> int:
    """Put these rows in the place of all that was recorded of the time; return how many."""
    rows = list(rows)
    metrics = PerformanceMetric.objects.using(using)
    with transaction.atomic(using=using):
        metrics.filter(
            metric_type=kind,
            entity_type__in=list(ENTITIES),
            metric_name__in=NAMES,
            period_start__gte=begin,
            period_start__lt=end,
        ).delete()
        metrics.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    return len(rows)
