"""What people think of answers: the ratings of messages and sessions, by model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connections

from analytics.filters import Where
from analytics.ranges import midnight
from conversations import databases

from .conditions import of_session


@dataclass(frozen=True, slots=True)
class Ratings:
    """Stars that were given, from 1 to 5 each."""

    count: int = 0
    stars: int = 0

    @property
    def mean(self) -> float | None:
        """Stars of the average rating, to two digits."""
        return round(self.stars / self.count, 2) if self.count else None


# Remarks are few, and each leads to one message or session: CROSS JOIN keeps SQLite to that order.
RATINGS = """
    SELECT model_id, COUNT(*), SUM(rating) FROM (
        SELECT COALESCE(message.model_id, session.model_id, 0) AS model_id, remark.rating
        FROM annotations AS remark
        CROSS JOIN messages AS message ON message.id = remark.entity_id
        CROSS JOIN sessions AS session ON session.id = message.session_id
        WHERE remark.entity_type = 'message' AND {asked}
        UNION ALL
        SELECT COALESCE(session.model_id, 0), remark.rating
        FROM annotations AS remark
        CROSS JOIN sessions AS session ON session.id = remark.entity_id
        WHERE remark.entity_type = 'session' AND {asked}
    )
    GROUP BY model_id
"""
ASKED = """remark.annotation_type = 'rating' AND remark.rating IS NOT NULL
    AND remark.created_at >= %s AND remark.created_at < %s"""


def by_model(
    where: Where, first: date, last: date, *, using: str = "default"
) -> dict[int, Ratings]:
    """Return the ratings given on these days, by the model that answered (0: none is known).

    A rating of a session counts for the session's model. Roles are not told apart.
    """
    connection = connections[using]
    time_text = databases.of(connection).time_text
    condition, values = of_session(where)
    asked = f"{ASKED} AND {condition}"
    params = [time_text(midnight(first)), time_text(midnight(last + timedelta(days=1))), *values]
    with connection.cursor() as cursor:
        cursor.execute(RATINGS.format(asked=asked), params * 2)
        found = {model: Ratings(count, stars) for model, count, stars in cursor.fetchall()}
    if where.model_id is None:
        return found
    return {model: ratings for model, ratings in found.items() if model == where.model_id}
