"""When people work: weekdays, office hours, quiet holidays, and more of it as the year goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

DAYS = 365
WEEKDAYS = (1.0, 1.15, 1.1, 1.05, 0.8, 0.16, 0.12)  # Monday first
HOURS = (
    *(0.05, 0.02, 0.01, 0.01, 0.01, 0.05, 0.2, 0.7, 2.2, 4.2, 5.0, 4.4),
    *(2.0, 3.4, 4.8, 4.6, 3.8, 2.6, 1.2, 0.8, 0.9, 0.8, 0.4, 0.15),
)
GROWTH = 3.0  # times as many sessions at the end as at the beginning
# The last session ends this long before the end, so that a branch of it still has its place.
RESERVE = timedelta(hours=3)


class Rhythm:
    """The year that ends at `until`, and how likely each of its days is."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        self.since = until - timedelta(days=DAYS)
        first = self.since.astimezone(UTC).date()
        self.days = [first + timedelta(days=number) for number in range(DAYS)]
        self.weights = list(accumulate(self._weight(n, day) for n, day in enumerate(self.days)))

    @staticmethod
    def _weight(number: int, day: date) -> float:
        grown = 1 + (GROWTH - 1) * number / DAYS
        return grown * WEEKDAYS[day.weekday()] * _holiday(day)

    def moment(self, rng: Random) -> datetime:
        """Return a moment at which somebody works."""
        [day] = rng.choices(self.days, cum_weights=self.weights)
        [hour] = rng.choices(range(24), HOURS)
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        moment += timedelta(seconds=rng.randrange(3600))
        return self.fitted(moment, timedelta(0))

    def fitted(self, start: datetime, lasting: timedelta) -> datetime:
        """Return `start`, or so much earlier that what begins then ends within the year."""
        return max(self.since, min(start, self.until - RESERVE - lasting))

    def share(self, moment: datetime) -> float:
        """Return how much of the year is over at a moment, from 0 to 1."""
        return (moment - self.since) / (self.until - self.since)


def _holiday(day: date) -> float:
    if (day.month, day.day) >= (12, 23) or (day.month, day.day) <= (1, 2):
        return 0.08
    if day.month == 8 and day.day <= 21:
        return 0.4
    return 0.15 if (day.month, day.day) in {(5, 1), (10, 3), (11, 1)} else 1.0
