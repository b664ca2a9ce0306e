"""Figures of hours and days are written once, however often they are recorded."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from analytics import recording, rollups
from analytics.models import PerformanceMetric
from conversations.errors import InvalidValue
from conversations.models import CostBasis, Message
from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 11, 12, 30, tzinfo=UTC)
DAY = date(2026, 3, 10)


def say(session, number: int, when: datetime = NOW, **fields):
    return add_message(session, number, timestamp=when, **fields)


@pytest.fixture
def kitchen():
    """Four answers of a model in a project: two yesterday, two today, one of them failed."""
    session = make_session(model=make_model(), project=make_project(), started_at=NOW)
    yesterday = NOW - timedelta(days=1)
    say(session, 1, yesterday, input_tokens=10, output_tokens=5, cost=0.5, latency_ms=100)
    say(session, 2, yesterday, input_tokens=20, output_tokens=5, cost=0.25, latency_ms=300)
    say(session, 3, input_tokens=1, output_tokens=1, cost_basis_id=CostBasis.UNKNOWN)
    say(session, 4, NOW - timedelta(hours=2), error_message="Overloaded")
    return session


def figures(kind: str, entity: str, begin: datetime) -> dict[str, tuple]:
    rows = PerformanceMetric.objects.filter(
        metric_type=kind, entity_type=entity, period_start=begin
    )
    assert len({row.metric_name for row in rows}) == len(rows)
    return {row.metric_name: (row.metric_value, row.metric_unit, row.sample_count) for row in rows}


@pytest.mark.parametrize("entity", ["global", "project", "model"])
def test_a_day_is_written_down_for_everything_each_project_and_each_model(kitchen, entity):
    recording.record("daily", DAY, DAY)
    found = figures("daily", entity, datetime(2026, 3, 10, tzinfo=UTC))
    percentiles = {name: found.pop(name) for name in recording.PERCENTILES}
    assert found == {
        "messages": (2, "messages", 2),
        "input_tokens": (30, "tokens", 2),
        "output_tokens": (10, "tokens", 2),
        "cost": (0.75, "USD", 2),
        "errors": (0, "messages", 2),
        "unpriced": (0, "messages", 2),
        "latency_ms": (200, "ms", 2),
    }
    for name, exact in (("p50", 100), ("p95", 300), ("p99", 300)):
        value, unit, count = percentiles[f"latency_ms_{name}"]
        assert (unit, count) == ("ms", 2)
        assert value == pytest.approx(exact, rel=0.01)
    ids = {"global": None, "project": kitchen.project_id, "model": kitchen.model_id}
    assert {row.entity_id for row in PerformanceMetric.objects.filter(entity_type=entity)} == {
        ids[entity]
    }


@pytest.mark.parametrize("period", ["hourly", "daily"])
def test_a_second_run_replaces_the_rows_of_the_first(kitchen, period):
    first = recording.record(period, DAY, DAY + timedelta(days=1))
    before = PerformanceMetric.objects.count()
    assert first.rows == before > 0
    Message.objects.filter(sequence_number=1).update(cost=2)
    assert recording.record(period, DAY, DAY + timedelta(days=1)).rows == before
    assert PerformanceMetric.objects.count() == before
    costs = PerformanceMetric.objects.filter(metric_name="cost", entity_type="global")
    assert sum(row.metric_value for row in costs if row.metric_value) == 2.25


def test_what_is_no_longer_there_is_no_longer_written_down(kitchen):
    recording.record("daily", DAY, DAY)
    kitchen.delete()
    assert recording.record("daily", DAY, DAY).rows == 0
    assert not PerformanceMetric.objects.exists()


def test_rows_of_others_are_left_alone(kitchen):
    theirs = {"metric_type": "daily", "entity_type": "global", "period_start": NOW}
    PerformanceMetric.objects.create(metric_name="mood", metric_value=5, **theirs)
    PerformanceMetric.objects.create(
        metric_name="cost", metric_value=5, **{**theirs, "entity_type": "session"}
    )
    recording.record("daily", DAY, DAY + timedelta(days=1))
    recording.record("hourly", DAY, DAY + timedelta(days=1))
    assert PerformanceMetric.objects.filter(metric_value=5, period_start=NOW).count() == 2


def test_an_unknown_cost_is_null_and_what_failed_is_counted(kitchen):
    recording.record("daily", DAY + timedelta(days=1), DAY + timedelta(days=1))
    found = figures("daily", "global", datetime(2026, 3, 11, tzinfo=UTC))
    assert found["cost"] == (None, "USD", 1)
    assert found["unpriced"][0] == found["errors"][0] == 1
    assert "latency_ms" not in found


def test_without_days_the_last_two_whole_periods_and_the_running_one_are_recorded(kitchen):
    done = recording.record("hourly", now=NOW)
    assert (done.begin.hour, done.end.hour) == (10, 13)
    starts = PerformanceMetric.objects.values_list("period_start", flat=True).distinct()
    assert {start.hour for start in starts} == {10, 12}
    done = recording.record("daily", now=NOW)
    assert (done.begin.date(), done.end.date()) == (date(2026, 3, 9), date(2026, 3, 12))


def test_days_are_those_of_the_time_zone_and_as_long_as_they_are(settings, kitchen):
    settings.TIME_ZONE = "Europe/Berlin"
    with connection.cursor() as cursor:
        rollups.rebuild(cursor)
    session = make_session(started_at=NOW)
    say(session, 1, datetime(2026, 3, 29, 12, tzinfo=UTC))  # the day with 23 hours
    recording.record("daily", date(2026, 3, 29), date(2026, 3, 29))
    row = PerformanceMetric.objects.get(metric_name="messages", entity_type="global")
    assert row.period_start == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert row.period_end - row.period_start == timedelta(hours=23)


def test_a_long_range_is_recorded_in_parts_and_each_period_once():
    session = make_session(started_at=NOW)
    for number in range(100):
        say(session, number + 1, NOW - timedelta(days=number))
    recording.record("daily", date(2025, 12, 1), DAY + timedelta(days=1))
    rows = PerformanceMetric.objects.filter(metric_name="messages", entity_type="global")
    assert [row.metric_value for row in rows] == [1] * 100
    assert len({row.period_start for row in rows}) == 100


def test_what_cannot_be_meant_is_refused_with_what_and_why():
    with pytest.raises(InvalidValue, match="hourly or daily, not 'weekly'"):
        recording.record("weekly")
    with pytest.raises(InvalidValue, match="2026-03-10 and 2026-03-09"):
        recording.record("daily", DAY, DAY - timedelta(days=1))


def run(*options: str) -> str:
    out = StringIO()
    call_command("record_metrics", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_says_what_it_has_recorded(kitchen):
    text = run("--period", "daily", "--since", "2026-03-10", "--until", "2026-03-10")
    assert text == "30 figures recorded, daily, from 2026-03-10 00:00 to 2026-03-11 00:00 UTC.\n"
    done = json.loads(run("--period", "hourly", "--since", "2026-03-10", "--until", "2026-03-10",
                          "--json"))  # fmt: skip
    assert (done["period"], done["rows"]) == ("hourly", 21)


@pytest.mark.parametrize("day", ["soon", "", "2026-02-30", "x" * 500, "\ud800"])
@pytest.mark.parametrize("option", ["--since", "--until"])
def test_the_command_refuses_what_is_no_day(option, day):
    with pytest.raises(CommandError, match=option) as caught:
        run("--period", "daily", option, day)
    assert caught.value.returncode == 2
