"""One range of days, read from the address."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.http import QueryDict

from analytics.ranges import FIRST_DAY, GRAINS, LAST_DAY, MOST_PERIODS, Range, address

TODAY = date(2026, 11, 26)


def asked(query: str, **options) -> Range:
    return Range.of(QueryDict(query), today=TODAY, **options)


def days(range: Range) -> tuple[str, str]:
    return range.first.isoformat(), range.last.isoformat()


@pytest.mark.parametrize(
    ("query", "first", "last", "label"),
    [
        ("", "2026-10-28", "2026-11-26", "Last 30 days"),
        ("from=now-30d&to=now", "2026-10-28", "2026-11-26", "Last 30 days"),
        ("from=now/d&to=now", "2026-11-26", "2026-11-26", "Today"),
        ("from=now-1d", "2026-11-26", "2026-11-26", "26 Nov 2026"),
        ("from=now-60d&to=now-30d", "2026-09-28", "2026-10-27", "28 Sep - 27 Oct 2026"),
        ("from=now/M&to=now", "2026-11-01", "2026-11-26", "This month"),
        ("from=now-1M/M&to=now-1M/M", "2026-10-01", "2026-10-31", "Last month"),
        ("from=now/y&to=now", "2026-01-01", "2026-11-26", "This year"),
        ("from=now-1y/y&to=now-1y/y", "2025-01-01", "2025-12-31", "1 Jan - 31 Dec 2025"),
        ("from=now/w&to=now/w", "2026-11-23", "2026-11-29", "23 - 29 Nov 2026"),
        ("from=2026-01-01&to=2026-01-31", "2026-01-01", "2026-01-31", "1 - 31 Jan 2026"),
        ("from=2025-12-31&to=2026-01-01", "2025-12-31", "2026-01-01", "31 Dec 2025 - 1 Jan 2026"),
        ("to=2026-01-31", "2026-01-02", "2026-01-31", "2 - 31 Jan 2026"),
        ("from=2026-11-20", "2026-11-20", "2026-11-26", "20 - 26 Nov 2026"),
    ],
)
def test_a_range_is_read_as_it_is_meant(query, first, last, label):
    range = asked(query)
    said = range.label.replace("\N{EN DASH}", "-")
    assert (*days(range), said, range.notices) == (first, last, label, ())
    again = Range.of(QueryDict(address(range.query, QueryDict())[1:]), today=TODAY)
    assert (days(again), again.label) == (days(range), range.label)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-02-30",
        "from=1999-12-31",
        "to=2101-01-01",
        "from=now-99999y",
        "from=now-99999d",
        "from=now-5x",
        "from=%D9%A2%D9%A0%D9%A2%D9%A6-%D9%A0%D9%A1-%D9%A0%D9%A1",
        "from=%00&to=%ED%A0%80",
        "grain=minute",
        "grain=hour&from=2020-01-01&to=2026-01-01",
    ],
)
def test_what_cannot_be_meant_is_left_out_and_said(query):
    range = asked(query)
    assert range.notices
    assert FIRST_DAY <= range.first <= range.last <= LAST_DAY
    assert range.grain in GRAINS


def test_a_range_that_ends_before_it_begins_is_turned_round_and_said():
    range = asked("from=2026-03-01&to=2026-01-01")
    assert days(range) == ("2026-01-01", "2026-03-01")
    assert "read as 2026-01-01 to 2026-03-01" in range.notices[0]


def test_everything_goes_from_the_first_day_that_has_anything_to_the_last():
    bounds = (date(2024, 2, 29), date(2026, 12, 24))
    range = asked("from=all&to=now", bounds=bounds)
    assert (range.first, range.last, range.label) == (*bounds, "Everything")
    assert asked("from=all").first == FIRST_DAY
    odd = asked("from=all", bounds=(date(1970, 1, 1), date(9999, 12, 31)))
    assert (odd.first, odd.last) == (FIRST_DAY, LAST_DAY)


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        ("from=now-30d&to=now", ("2026-09-28", "2026-10-27"), None),
        (
            "from=2026-01-10&to=2026-01-16",
            ("2026-01-03", "2026-01-09"),
            ("2026-01-17", "2026-01-23"),
        ),
        (
            "from=2026-02-01&to=2026-02-28",
            ("2026-01-01", "2026-01-31"),
            ("2026-03-01", "2026-03-31"),
        ),
        (
            "from=2025-01-01&to=2025-12-31",
            ("2024-01-01", "2024-12-31"),
            ("2026-01-01", "2026-12-31"),
        ),
        ("from=2000-01-01&to=2000-01-05", None, ("2000-01-06", "2000-01-10")),
    ],
)
def test_the_periods_around_it_touch_it_and_are_as_long(query, before, after):
    range = asked(query)
    assert (range.previous and days(range.previous)) == before
    assert (range.next and days(range.next)) == after
    if range.previous and range.next:
        assert days(range.next.previous) == days(range.previous.next) == days(range)


@pytest.mark.parametrize(
    ("query", "grain", "labels"),
    [
        ("from=2026-01-31&to=2026-02-02", "day", ["2026-01-31", "2026-02-01", "2026-02-02"]),
        (
            "from=2026-01-01&to=2026-01-12&grain=week",
            "week",
            ["2026-W01", "2026-W02", "2026-W03"],
        ),
        ("from=2026-01-15&to=2026-02-15&grain=month", "month", ["2026-01", "2026-02"]),
    ],
)
def test_a_range_falls_into_periods_that_its_ends_cut_off(query, grain, labels):
    range = asked(query)
    periods = range.periods()
    assert range.grain == grain
    assert [period.label for period in periods] == labels
    assert (periods[0].first, periods[-1].last) == (range.first, range.last)
    assert (periods[0].begins_at, periods[-1].ends_at) == (range.begins_at, range.ends_at)
    assert all(a.ends_at == b.begins_at for a, b in pairwise(periods))


@pytest.mark.parametrize(
    ("length", "grain"),
    [(1, "hour"), (2, "hour"), (3, "day"), (92, "day"), (93, "week"), (801, "month")],
)
def test_the_longer_a_range_the_coarser_it_is_shown(length, grain):
    range = asked(f"from={TODAY - timedelta(days=length - 1)}&to={TODAY}")
    assert (range.days, range.grain) == (length, grain)
    assert "grain" not in range.query
    assert all(
        len(asked(f"from={range.first}&to={range.last}&grain={key}").periods()) <= MOST_PERIODS + 1
        for key, _ in range.grains()
    )


def test_days_are_those_of_the_site_and_summer_time_has_its_hours(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    spring = asked("from=2026-03-29&to=2026-03-29")
    assert spring.begins_at == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert spring.ends_at == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert len(spring.periods()) == 23
    autumn = asked("from=2026-10-25&to=2026-10-25").periods()
    assert len(autumn) == 25
    assert [period.label for period in autumn[1:5]] == [
        "2026-10-25 01:00",
        "2026-10-25 02:00+02:00",
        "2026-10-25 02:00+01:00",
        "2026-10-25 03:00",
    ]
    assert len({period.label for period in autumn}) == 25


def test_a_quick_range_keeps_what_else_the_address_says():
    range = asked("from=now-7d&to=now")
    links = range.quick(QueryDict("project=3&from=2026-01-01&tag=a b"))
    assert ("?project=3&tag=a+b&from=now-7d&to=now", "7 days", True) in links
    assert sum(is_on for _, _, is_on in links) == 1
