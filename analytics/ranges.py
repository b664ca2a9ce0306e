"""Which days a page is about: one date range for all of them, kept in the address.

`from` and `to` are ISO dates, the last day included, or count back from today: `now-30d` to `now`
are the last 30 days, `now/M` is the first of this month. Days are those of the site's time zone
(the setting TIME_ZONE), whoever reads: a sum over days must not change with its reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from conversations import filters

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
MOST_PERIODS = 1_000  # in a range: points of a chart, rows of its table
EVERYTHING = "all"
RANGE_NAMES = ("from", "to", "grain")  # in the address
GRAINS = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month"}
QUICK = (
    ("now/d", "now", "Today"),
    ("now-7d", "now", "7 days"),
    ("now-30d", "now", "30 days"),
    ("now-90d", "now", "90 days"),
    ("now-365d", "now", "365 days"),
    ("now/M", "now", "This month"),
    ("now-1M/M", "now-1M/M", "Last month"),
    ("now/y", "now", "This year"),
    (EVERYTHING, "now", "Everything"),
)
RELATIVE = re.compile(
    r"now(?:-(?P<count>\d{1,5})(?P<unit>[dwMy]))?(?:/(?P<whole>[dwMy]))?", re.ASCII
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LEFT_OUT = "“{value}” is no day that can be meant and is left out: give one such as 2026-01-31."


@dataclass(frozen=True, slots=True)
class Period:
    """An hour, day, week or month of a range; the first and last may be cut off by its ends.

    `label` is sortable: 2026-01-05, 2026-W02, 2026-01, or 2026-01-05 14:00+01:00 for an hour.
    """

    label: str
    first: date
    last: date
    begins_at: datetime  # UTC
    ends_at: datetime  # UTC, the first moment after it


@dataclass(frozen=True)
class Range:
    """Whole days from `first` to `last`, both included, and the grain in which they are shown."""

    first: date
    last: date
    grain: str
    since: str  # as the address says it
    until: str
    today: date
    has_grain: bool = False  # the reader chose it
    notices: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        query: QueryDict,
        *,
        default: str = "30d",
        today: date | None = None,
        bounds: tuple[date, date] | None = None,
    ) -> Range:
        """Return the range that an address asks for; what cannot be meant is left out and said.

        `default` is how far back it goes if nothing is asked. `bounds` are the first and the last
        day that have anything: of them is the range of everything.
        """
        today = _within(today or timezone.localdate(timezone=timezone.get_default_timezone()))
        asked_since, asked_until = (query.get(name, "").strip()[:40] for name in ("from", "to"))
        notices = []
        first = last = None
        if asked_since and asked_since != EVERYTHING:
            first = _day(asked_since, today, is_last=False)
            if first is None:
                notices.append(f"From: {LEFT_OUT.format(value=asked_since)}")
        if asked_until:
            last = _day(asked_until, today, is_last=True)
            if last is None:
                notices.append(f"To: {LEFT_OUT.format(value=asked_until)}")
        until = asked_until if last else "now"
        last = last or today
        since = asked_since if first else f"now-{default}"
        if asked_since == EVERYTHING:
            since, (first, last) = EVERYTHING, _everything(bounds, today, last)
        elif first is None:
            first = _before(last, default)
            if until != "now":
                since = first.isoformat()
        if first > last:
            first, last, since, until = last, first, last.isoformat(), first.isoformat()
            notices.append(f"The range ended before it began; it is read as {since} to {until}.")
        grain, notice = _grain(query.get("grain", ""), (last - first).days + 1)
        if notice:
            notices.append(notice)
        has_grain = grain == query.get("grain")
        return cls(first, last, grain, since, until, today, has_grain, tuple(notices))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def begins_at(self) -> datetime:
        """Return the first moment, in UTC."""
        return midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """Return the first moment after the range, in UTC."""
        return midnight(self.last + timedelta(days=1))

    @property
    def time_zone(self) -> str:
        return timezone.get_default_timezone_name()

    @cached_property
    def label(self) -> str:
        """Return the range in words: the name of a quick range, or its days."""
        for since, until, label in QUICK:
            if (self.since, self.until) == (since, until):
                return f"Last {label}" if label[0].isdigit() else label
        return self.dates

    @property
    def dates(self) -> str:
        """Return the days in words, as short as they can be told."""
        first, last = self.first, self.last
        end = f"{last.day} {MONTHS[last.month - 1]} {last.year}"
        if first == last:
            return end
        begin = str(first.day)
        if (first.year, first.month) != (last.year, last.month):
            begin += f" {MONTHS[first.month - 1]}"
        if first.year != last.year:
            begin += f" {first.year}"
        return f"{begin} \N{EN DASH} {end}"

    @property
    def query(self) -> dict[str, str]:
        """Return what the address says of the range; of the grain only if the reader chose it."""
        said = {"from": self.since, "to": self.until}
        return {**said, "grain": self.grain} if self.has_grain else said

    @property
    def previous(self) -> Range | None:
        """Return the period before: as many days, or as many months if these are whole months.

        None if it would begin before the year 2000.
        """
        return self._moved(-1)

    @property
    def next(self) -> Range | None:
        """Return the period after, None if it has not begun yet."""
        after = self._moved(1)
        return after if after and after.first <= self.today else None

    def _moved(self, step: int) -> Range | None:
        following = self.last + timedelta(days=1)
        if self.first.day == following.day == 1:
            months = (following.year - self.first.year) * 12 + following.month - self.first.month
            first = _months_on(self.first, step * months)
            last = first and _months_on(first, months)
            last = last and last - timedelta(days=1)
        else:
            first = self.first + step * timedelta(days=self.days)
            last = self.last + step * timedelta(days=self.days)
        if not first or not last or first < FIRST_DAY or last > LAST_DAY:
            return None
        since, until = first.isoformat(), last.isoformat()
        return replace(self, first=first, last=last, since=since, until=until, notices=())

    def periods(self) -> list[Period]:
        """Return the hours, days, weeks (from Monday) or months of the range, in order."""
        return list(_hours(self) if self.grain == "hour" else _spans(self))

    def grains(self) -> list[tuple[str, str]]:
        """Return the grains that the range can be shown in: their names and labels."""
        return [(key, label) for key, label in GRAINS.items() if _fits(key, self.days)]

    def quick(self, rest: QueryDict) -> list[tuple[str, str, bool]]:
        """Return the quick ranges: their addresses, labels, and whether it is this one.

        `rest` is what else the address says: it is kept.
        """
        return [
            (
                address({"from": since, "to": until}, rest),
                label,
                (self.since, self.until) == (since, until),
            )
            for since, until, label in QUICK
        ]


def address(said: dict[str, str], rest: QueryDict) -> str:
    """Return the query of an address that says this of the range, and keeps the rest."""
    kept = [(name, rest[name]) for name in rest if name not in RANGE_NAMES]
    return f"?{urlencode([*kept, *said.items()])}"


# -- reading the address ------------------------------------------------------------------------


def _day(text: str, today: date, *, is_last: bool) -> date | None:
    if found := RELATIVE.fullmatch(text):
        return _relative(found, today, is_last=is_last)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:  # the 31st of February
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _relative(found: re.Match, today: date, *, is_last: bool) -> date | None:
    day: date | None = today
    if count := int(found["count"] or 0):
        day = _back(today, count, found["unit"])
        # now-7d to now are seven days, today among them: the count leads to the end of a day.
        if day and not is_last and not found["whole"]:
            day += timedelta(days=1)
    if day and (whole := found["whole"]):
        day = _last_of(day, whole) if is_last else _first_of(day, whole)
    return day if day and FIRST_DAY <= day <= LAST_DAY else None


def _back(day: date, count: int, unit: str) -> date | None:
    if unit in "dw":
        days = count * (7 if unit == "w" else 1)
        return day - timedelta(days=days) if days < day.toordinal() else None
    return _months_on(day, -count * (12 if unit == "y" else 1))


def _before(last: date, span: str) -> date:
    found = RELATIVE.fullmatch(f"now-{span}")
    return _relative(found, last, is_last=False) or FIRST_DAY


def _everything(bounds: tuple[date, date] | None, today: date, last: date) -> tuple[date, date]:
    if bounds is None:
        return FIRST_DAY, last
    return _within(min(bounds[0], today)), _within(max(bounds[1], today))


def _within(day: date) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY)


def _grain(asked: str, days: int) -> tuple[str, str]:
    default = next(
        grain
        for grain, most in (("hour", 2), ("day", 92), ("week", 800), ("month", 10**6))
        if days <= most
    )
    if not asked:
        return default, ""
    if asked not in GRAINS:
        return default, f"Shown by: “{asked[:40]}” is none of {', '.join(GRAINS)}."
    if not _fits(asked, days):
        return default, f"{days:,} days are too many to show each {asked}: shown by {default}."
    return asked, ""


def _fits(grain: str, days: int) -> bool:
    return {"hour": days * 24, "day": days, "week": days // 7, "month": 0}[grain] <= MOST_PERIODS


# -- days and moments ----------------------------------------------------------------------------


def _first_of(day: date, unit: str) -> date:
    if unit == "w":
        return day - timedelta(days=day.weekday())
    return {"d": day, "M": day.replace(day=1), "y": day.replace(month=1, day=1)}[unit]


def _last_of(day: date, unit: str) -> date:
    if unit == "w":
        return _first_of(day, "w") + timedelta(days=6)
    if unit == "M":
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day.replace(month=12, day=31) if unit == "y" else day


def _months_on(day: date, months: int) -> date | None:
    """Return the same day of another month, or that month's last; None if no calendar has it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year < year < date.max.year:
        return None
    last = _last_of(date(year, month + 1, 1), "M")
    return last.replace(day=min(day.day, last.day))


def midnight(day: date) -> datetime:
    """Return the first moment of a day of the site's time zone, in UTC."""
    return filters.midnight(day, timezone.get_default_timezone())


def _hours(range: Range) -> Iterator[Period]:
    zone, moment = timezone.get_default_timezone(), range.begins_at
    while moment < range.ends_at:
        after, local = moment + timedelta(hours=1), moment.astimezone(zone)
        label = f"{local:%Y-%m-%d %H:%M}"
        # In autumn an hour comes twice: only then is the offset needed to tell them apart.
        if local.fold or (moment + timedelta(hours=1)).astimezone(zone).fold:
            label = local.isoformat(" ", "minutes")
        yield Period(label, local.date(), local.date(), moment, min(after, range.ends_at))
        moment = after


def _spans(range: Range) -> Iterator[Period]:
    unit, first = {"day": "d", "week": "w", "month": "M"}[range.grain], range.first
    while first <= range.last:
        last = min(_last_of(first, unit), range.last)
        label = {
            "d": first.isoformat,
            "w": lambda day=first: "{}-W{:02}".format(*day.isocalendar()),
            "M": lambda day=first: f"{day:%Y-%m}",
        }[unit]()
        following = last + timedelta(days=1)
        yield Period(label, first, last, midnight(first), midnight(following))
        first = following
