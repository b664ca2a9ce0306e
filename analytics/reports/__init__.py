"""Questions about many sessions, answered with rows. Pages draw them, commands print them.

All of them are asked of the roll-ups (analytics/cube.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from analytics import cube, histograms
from analytics.cube import Started, Sums
from analytics.filters import Where
from conversations.errors import InvalidValue
from conversations.models import LanguageModel, Project
from conversations.reading import Row

LONGEST_RANGE_DAYS = 36_500
FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)
EVERYTHING = Where()
PERCENTILES = {"p50_latency_ms": 0.5, "p95_latency_ms": 0.95, "p99_latency_ms": 0.99}


def cost_summary(*, days: int = 30, using: str = "default") -> dict[str, Any]:
    """Return what the messages of the last `days` days, today included, cost in USD, and more.

    Days are those of the site's time zone. Keys: `days`, `total_cost`, `total_input_tokens`,
    `total_output_tokens`, `message_count`, `unpriced_count` (messages whose cost is not known and
    not in the total), `session_count` (sessions that started on these days), and rows of the same
    under `by_day` (newest first), `by_model` and `by_project` (dearest first).
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= LONGEST_RANGE_DAYS:
        raise InvalidValue(f"days must be from 1 to {LONGEST_RANGE_DAYS}, not {days!r:.50}")
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    first = today - timedelta(days=days - 1)

    def rows(key: str, name: Callable[[Any], Row]) -> list[Row]:
        sums = cube.by_day(EVERYTHING, first, LAST, (key,), using=using)
        started = cube.sessions(EVERYTHING, first, LAST, (key,), using=using)
        found = [
            {**name(value), **_row(sums.get((value,)), started.get((value,)))}
            for [value] in {**sums, **started}
        ]
        return sorted(found, key=lambda row: (-row["total_cost"], -row["message_count"]))

    models = LanguageModel.objects.using(using).in_bulk()
    projects = Project.objects.using(using).in_bulk()
    whole = cube.by_day(EVERYTHING, first, LAST, using=using).get(())
    by_day = rows("day", lambda day: {"date": cube.day_of(day).isoformat()})
    return {
        "days": days,
        **_row(whole, cube.sessions(EVERYTHING, first, LAST, using=using).get(())),
        "by_day": sorted(by_day, key=lambda row: row["date"], reverse=True),
        "by_model": rows("model_id", lambda id: _names(models.get(id))),
        "by_project": rows(
            "project_id", lambda id: {"project": projects[id].name if id in projects else None}
        ),
    }


def _names(model: LanguageModel | None) -> Row:
    return {
        "provider": model and model.provider,
        "model_name": model and model.model_name,
    }


def _row(sums: Sums | None, started: Started | None) -> Row:
    sums = sums or Sums()
    return {
        "total_input_tokens": sums.input_tokens,
        "total_output_tokens": sums.output_tokens,
        "session_count": started.sessions if started else 0,
        "message_count": sums.messages,
        "unpriced_count": sums.unpriced,
        "total_cost": float(sums.cost),
    }


def model_performance(*, using: str = "default") -> list[Row]:
    """Return a row per model that answered, of all time: counts, tokens, latency (ms), cost (USD).

    A message counts for the model that answered it, its own or else its session's; a session for
    its own model. Percentiles of the latency are within one per cent.
    """
    sums = cube.by_day(EVERYTHING, FIRST, LAST, ("model_id",), using=using)
    started = cube.sessions(EVERYTHING, FIRST, LAST, ("model_id",), using=using)
    buckets = histograms.histogram(
        "latency_ms", EVERYTHING, FIRST, LAST, ("model_id",), using=using
    )
    models = LanguageModel.objects.using(using).in_bulk([id for [id] in sums if id])
    rows = []
    for key, one in sums.items():
        model = models.get(key[0])
        if model is None or not one.messages:
            continue
        rows.append(
            {
                "id": model.id,
                **_names(model),
                "model_full_name": f"{model.provider}/{model.model_name}",
                **_row(one, started.get(key)),
                "avg_latency_ms": one.latency_ms / one.latencies if one.latencies else None,
                **{
                    name: histograms.percentile(buckets.get(key, {}), share)
                    for name, share in PERCENTILES.items()
                },
                "error_count": one.errors,
                "tokens_per_second": one.tokens_per_second,
                "avg_cost_per_message": float(one.cost) / one.messages,
            }
        )
    return sorted(rows, key=lambda row: (-row["total_cost"], -row["message_count"], row["id"]))
