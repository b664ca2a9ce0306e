"""Questions about many sessions, answered with rows. Pages draw them, commands print them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connections
from django.db.models import Count, F, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from conversations.errors import InvalidValue
from conversations.models import Message
from conversations.models.sessions import NANO
from conversations.reading import Row

LONGEST_RANGE_DAYS = 36_500

MODEL_PERFORMANCE = """
    SELECT provider || '/' || model_name AS model_full_name, performance.*,
           total_cost / NULLIF(message_count, 0) AS avg_cost_per_message
    FROM v_model_performance AS performance
    WHERE message_count > 0
    ORDER BY total_cost DESC, message_count DESC, id
"""


def cost_summary(*, days: int = 30, using: str = "default") -> dict[str, Any]:
    """Return what the messages of the last `days` days cost, in USD, and their tokens.

    Keys: `days`, `total_cost`, `total_input_tokens`, `total_output_tokens`, `session_count`,
    `message_count`, and rows under `by_day` (newest first) and `by_model` (dearest first).
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days <= LONGEST_RANGE_DAYS:
        raise InvalidValue(f"days must be from 1 to {LONGEST_RANGE_DAYS}, not {days!r:.50}")
    messages = Message.objects.using(using).filter(
        timestamp__gte=timezone.now() - timedelta(days=days), session__deleted_at__isnull=True
    )
    sums = {
        "cost_nanos_sum": Sum("cost_nanos"),
        "total_input_tokens": Sum("input_tokens"),
        "total_output_tokens": Sum("output_tokens"),
        "session_count": Count("session", distinct=True),
        "message_count": Count("id"),
    }
    by_day = messages.annotate(date=TruncDate("timestamp")).values("date").annotate(**sums)
    answered = messages.annotate(
        provider=Coalesce("model__provider", "session__model__provider"),
        model_name=Coalesce("model__model_name", "session__model__model_name"),
    )
    by_model = answered.values("provider", "model_name").annotate(**sums)
    return {
        "days": days,
        **_in_dollars(messages.aggregate(**sums)),
        "by_day": [
            _in_dollars({**row, "date": row["date"].isoformat()})
            for row in by_day.order_by("-date")
        ],
        "by_model": [
            _in_dollars(row)
            for row in by_model.order_by(F("cost_nanos_sum").desc(nulls_last=True), "provider")
        ],
    }


def _in_dollars(row: dict[str, Any]) -> Row:
    row = dict(row)
    cost_nanos = row.pop("cost_nanos_sum") or 0
    row["total_input_tokens"] = row["total_input_tokens"] or 0
    row["total_output_tokens"] = row["total_output_tokens"] or 0
    return {**row, "total_cost": cost_nanos / NANO}


def model_performance(*, using: str = "default") -> list[Row]:
    """Return a row per model that answered: messages, tokens, latency (ms), cost (USD)."""
    with connections[using].cursor() as cursor:
        cursor.execute(MODEL_PERFORMANCE)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
