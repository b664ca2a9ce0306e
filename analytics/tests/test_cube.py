"""The roll-ups answer what the messages would: sums, histograms, the top, the month to come."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.http import QueryDict

from analytics import cube, histograms, reports
from analytics.cube import Sums
from analytics.filters import AnalyticsFilter, Where
from analytics.ranges import Range
from analytics.reports import costs, overview, top
from analytics.reports.forecast import forecast
from analytics.reports.series import over_time, stacked
from analytics.reports.top import METRICS, top_sessions
from conversations.models import Message, Session
from conversations.pricing import Pricer, Usage
from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db

FIRST = date(2026, 1, 1)


def noon(day: int) -> datetime:
    return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)


def on(address: str) -> AnalyticsFilter:
    query = QueryDict(address)
    return AnalyticsFilter(query, Range.of(query, today=date(2026, 3, 31)))


@pytest.fixture
def history():
    """A hundred days, three models, two projects, two tags; costs and latencies at random."""
    pick = random.Random(7)
    models = [make_model("acme", f"m{number}") for number in range(3)]
    projects = [make_project("Kitchen"), make_project("Garden"), None]
    for number in range(120):
        start = noon(pick.randrange(100))
        session = make_session(
            f"Session {number}",
            model=pick.choice(models),
            project=pick.choice(projects),
            tags=pick.choice([[], ["hot"], ["hot", "cold"]]),
            started_at=start,
            completed_at=start + timedelta(seconds=pick.randrange(1, 100_000)),
        )
        for place in range(1, pick.randrange(2, 6)):
            add_message(
                session, place, timestamp=start + timedelta(minutes=place),
                input_tokens=pick.randrange(10_000), output_tokens=pick.randrange(1_000),
                cost=pick.randrange(10**9) / 1e9, latency_ms=int(pick.lognormvariate(7, 1.2)),
            )  # fmt: skip


def exact(share: float, values: list[int]) -> int:
    """Return the smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return next(v for n, v in enumerate(ordered, 1) if n >= share * len(ordered) - 1e-9)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 99), (3, 40), (50, 60)])
def test_percentiles_are_within_one_per_cent_of_the_exact_ones(history, first, last):
    days = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
    values = list(
        Message.objects.filter(timestamp__date__range=days, latency_ms__isnull=False).values_list(
            "latency_ms", flat=True
        )
    )
    found = histograms.histogram("latency_ms", Where(), *days).get((), {})
    assert sum(found.values()) == len(values)
    for share in [0.01, 0.5, 0.9, 0.95, 0.99, 1.0] if values else []:
        known = exact(share, values)
        assert histograms.percentile(found, share) == pytest.approx(known, rel=0.01), share


def test_histograms_of_a_project_and_of_a_model_count_just_these(history):
    for session in Session.objects.all()[:10]:
        where = Where(
            project_id=session.project_id,
            no_project=session.project_id is None,
            model_id=session.model_id,
        )
        found = histograms.histogram("tokens", where, FIRST, FIRST + timedelta(days=99))[()]
        same = Session.objects.filter(project=session.project_id, model=session.model_id)
        assert sum(found.values()) == same.count()


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 99), (3, 40), (50, 60), (8, 9)])
@pytest.mark.parametrize("time", ["day", "week"])
def test_percentiles_over_time_are_those_of_the_histograms_of_each_part(history, first, last, time):
    days = FIRST + timedelta(days=first), FIRST + timedelta(days=last)
    session = Session.objects.filter(project__isnull=False).first()
    for where in (Where(), Where(model_id=session.model_id), Where(project_id=session.project_id)):
        parts = histograms.histogram("latency_ms", where, *days, (time, "model_id"))
        for share in (0.01, 0.5, 0.95, 1.0):
            found = histograms.percentiles_over_time("latency_ms", share, where, *days, time)
            assert found == {
                key: histograms.percentile(buckets, share) for key, buckets in parts.items()
            }


def test_the_percentile_of_nothing_is_nothing():
    assert histograms.percentile({}, 0.5) is None


def test_sums_by_tag_count_a_message_once_for_each_tag_of_its_session(history):
    found = cube.by_day(Where(), FIRST, FIRST + timedelta(days=99), ("tag",))
    for (tag,), sums in found.items():
        messages = Message.objects.filter(session__tag_rows__name=tag)
        assert sums.messages == messages.count()
        assert sums.cost_nanos == sum(messages.values_list("cost_nanos", flat=True))
    assert {tag for [tag] in found} == {"hot", "cold"}


def test_the_periods_of_a_range_add_up_to_all_of_it(history):
    messages = Message.objects.count()
    cost = Decimal(sum(Message.objects.values_list("cost_nanos", flat=True))) / 10**9
    for grain in ("day", "week", "month"):
        for key in ("model_id", "project_id", "source", "role", "basis_id", None):
            keyed = over_time(on(f"from=2026-01-01&to=2026-04-30&grain={grain}"), key)
            whole = sum((sums for held in keyed.values() for sums in held), Sums())
            assert (whole.messages, whole.cost) == (messages, cost), (grain, key)


def test_hours_and_days_say_the_same(history):
    day = Message.objects.order_by("timestamp").first().timestamp.date()
    by_hour = over_time(on(f"from={day}&to={day}&grain=hour"))
    by_day = over_time(on(f"from={day}&to={day}&grain=day"))
    assert len(by_hour[None]) == 24
    assert sum((s.cost_nanos for s in by_hour[None]), 0) == by_day[None][0].cost_nanos


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize("metric", ["cost_nanos", "tokens", "seconds"])
def test_the_sessions_at_the_top_are_those_a_full_sort_finds(history, metric, few, monkeypatch):
    monkeypatch.setattr(top, "FEW", few)  # a tag that fewer have is read as a whole
    for address in ("", "tag=hot", "source=here", "project=none", "tag=hot&project=none"):
        assert_the_top_is_found(metric, address)


def test_the_top_of_a_rare_tag_is_found_though_it_is_among_none_of_the_greatest(monkeypatch):
    monkeypatch.setattr(top, "FEW", 0)
    monkeypatch.setattr(top, "MOST_CELLS", 250)
    for number in range(400):
        tags = ["rare"] if number % 40 == 0 else []
        session = make_session(str(number), started_at=noon(number % 90), tags=tags)
        add_message(session, 1, cost=1 + number, timestamp=noon(number % 90))
    where = on("tag=rare").where
    [found] = top_sessions(["cost_nanos"], where, FIRST, date(2026, 4, 30)).values()
    assert [int(session.title) for session in found] == [*range(360, -1, -40)]


def test_the_top_is_exact_where_many_values_are_in_one_bucket():
    for number in range(60):
        session = make_session(str(number), started_at=noon(number))
        add_message(session, 1, input_tokens=1_000_000 + number, timestamp=noon(number))
    [found] = top_sessions(["tokens"], Where(), FIRST, date(2026, 4, 30)).values()
    assert [int(session.title) for session in found] == [*range(59, 49, -1)]


def assert_the_top_is_found(metric: str, address: str) -> None:
    filters = on(f"from=2026-01-10&to=2026-03-15&{address}")
    days = filters.range
    found = top_sessions(METRICS, filters.where, days.first, days.last)[metric]
    sessions = Session.objects.filter(started_at__gte=noon(8.5), started_at__lt=noon(73.5))
    if "tag" in address:
        sessions = sessions.filter(tag_rows__name="hot")
    if "project" in address:
        sessions = sessions.filter(project=None)
    limit = min(10, sessions.count())
    value = {
        "cost_nanos": lambda s: s.total_cost_nanos,
        "tokens": lambda s: s.total_tokens,
        "seconds": lambda s: round((s.completed_at - s.started_at).total_seconds()),
    }[metric]
    wanted = sorted(map(value, sessions), reverse=True)[:10]
    assert [value(session) for session in found] == wanted
    assert len(wanted) == limit > 4


def test_a_stack_shows_the_greatest_and_adds_up_the_rest(history):
    for number in range(9):
        session = make_session(f"Model {number}", model=make_model("more", f"x{number}"))
        add_message(session, 1, cost=0.001 * number, timestamp=noon(5))
    chart = stacked(on("from=2026-01-01&to=2026-04-10"), "model_id", "cost", title="Cost")
    assert len(chart.series) == 7
    assert chart.series[-1].is_rest
    shown = sum(value for series in chart.series for value in series.values)
    assert shown == sum(Decimal(nanos) for nanos in Message.objects.values_list(
        "cost_nanos", flat=True)) / 10**9  # fmt: skip


def test_costs_by_kind_of_token_add_up_to_the_cost_and_split_what_was_computed():
    session = make_session("Tea")
    usage = {
        "input_tokens": 1_000, "cache_read_tokens": 400, "cache_write_5m_tokens": 100,
        "cache_write_1h_tokens": 50, "output_tokens": 200, "reasoning_tokens": 80,
    }  # fmt: skip
    pricer = Pricer()
    cost = pricer.price("anthropic", "claude-sonnet-4-5", Usage(**usage), noon(1))
    add_message(
        session, 1, timestamp=noon(1), **usage, cost=cost.column,
        cost_basis_id=pricer.basis_id(cost.basis),
    )  # fmt: skip
    add_message(session, 2, timestamp=noon(1), output_tokens=10, cost=0.5)
    chart = costs.by_kind(on("from=2026-01-01&to=2026-01-03"), "cost", "Cost", False)
    parts = {series.name: series.values[1] for series in chart.series}
    million = Decimal(1_000_000)
    assert parts == {  # 3, 0.3, 3.75, 6 and 15 USD per million
        "Input": 450 * 3 / million,
        "Cache reads": 400 * Decimal("0.3") / million,
        "Cache writes, 5 min": 100 * Decimal("3.75") / million,
        "Cache writes, 1 h": 50 * 6 / million,
        "Output": 120 * 15 / million,
        "Reasoning": 80 * 15 / million,
        "Recorded, not split": Decimal("0.5"),
    }
    tokens = costs.by_kind(on("from=2026-01-01&to=2026-01-03"), "tokens", "Tokens", False)
    assert sum(series.values[1] for series in tokens.series) == 1_210


def test_the_forecast_of_equal_days_is_their_sum_without_doubt():
    session = make_session("Tea")
    for day in range(20):
        add_message(session, day + 1, timestamp=noon(day), cost=2.0)
    found = forecast(Where(), date(2026, 1, 20))
    assert found.total == 40
    assert found.likely[-1] == found.low[-1] == found.high[-1] == Decimal(62)
    assert len(found.likely) == 12


def test_the_interval_of_the_forecast_is_that_of_a_sum_of_days():
    session = make_session("Tea")
    for day in range(28):
        add_message(session, day + 1, timestamp=noon(day), cost=1.0 + (day % 2))
    found = forecast(Where(), date(2026, 1, 29))
    # 28 days of 1 and 2 in turn: mean 1.5, s² = 28 · 0.25 / 27; t(27, 90 %) = 1.3137.
    room = 1.3137 * (28 * 0.25 / 27) ** 0.5 * (2 + 4 / 28) ** 0.5
    assert float(found.likely[-1]) == pytest.approx(42 + 3)
    assert float(found.high[-1]) == pytest.approx(45 + room, abs=0.001)
    assert float(found.low[-1]) == pytest.approx(45 - room, abs=0.001)


def test_too_few_days_give_no_forecast():
    session = make_session("Tea")
    for day in range(4):
        add_message(session, day + 1, timestamp=noon(day), cost=2.0)
    assert forecast(Where(), date(2026, 1, 5)).likely is None


def test_the_heat_map_counts_hours_of_the_week_in_the_zone_of_the_site(settings):
    settings.TIME_ZONE = "America/New_York"
    session = make_session("Tea")
    add_message(session, 1, timestamp=datetime(2026, 1, 5, 3, 30, tzinfo=UTC))  # Sunday 22:30
    add_message(session, 2, timestamp=datetime(2026, 7, 6, 3, 30, tzinfo=UTC))  # Sunday 23:30
    chart = overview.heat_map(on("from=2025-12-31&to=2026-12-31"))
    counts = {
        (series.name, hour): value
        for series in chart.series
        for hour, value in zip(chart.labels, series.values, strict=True)
        if value
    }
    assert counts == {("Sunday", "22"): 1, ("Sunday", "23"): 1}


def test_the_cost_summary_says_how_many_messages_are_unpriced():
    session = make_session("Tea", started_at=datetime.now(UTC))
    now = datetime.now(UTC)
    add_message(session, 1, timestamp=now, cost=0.5, input_tokens=5)
    add_message(session, 2, timestamp=now, input_tokens=5)
    add_message(session, 3, timestamp=now)
    summary = reports.cost_summary(days=1)
    assert (summary["total_cost"], summary["unpriced_count"]) == (0.5, 1)
    [row] = summary["by_project"]
    assert (row["project"], row["message_count"], row["session_count"]) == (None, 3, 1)


def test_the_performance_of_a_model_has_percentiles():
    session = make_session("Tea", model=make_model())
    for number in range(1, 101):
        add_message(session, number, latency_ms=number * 10, output_tokens=20)
    [row] = reports.model_performance()
    assert row["p50_latency_ms"] == pytest.approx(500, rel=0.01)
    assert row["p95_latency_ms"] == pytest.approx(950, rel=0.01)
    assert row["tokens_per_second"] == pytest.approx(2_000 / 50.5)


@pytest.mark.parametrize("address", ["by=role", "by=kind", "by=basis", "role=assistant"])
def test_what_is_kept_by_day_only_is_not_shown_by_hour(client, django_user_model, address):
    client.force_login(django_user_model.objects.create_user("alice"))
    add_message(make_session("Tea"), 1, timestamp=noon(1), cost=0.5, role="assistant")
    day = "from=2026-01-02&to=2026-01-02&grain=hour"
    page = client.get(f"/analytics/costs/?{day}&{address}").text
    assert "it is shown by day" in page
    assert "$0.5000 in all; the most is $0.5000 (2026-01-02)." in page
    assert "2026-01-02 12:00" in client.get(f"/analytics/costs/?{day}").text
