"""Models side by side: every figure of the report is what the messages say."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.http import QueryDict

from analytics.filters import AnalyticsFilter
from analytics.ranges import MOST_PERIODS, Range
from analytics.reports import model_charts, models
from conversations.models import Annotation, CostBasis, Session
from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def on(address: str = "") -> AnalyticsFilter:
    query = QueryDict(address)
    return AnalyticsFilter(query, Range.of(query, today=TODAY))


def answer(session, number: int, **fields):
    return add_message(session, number, **{"timestamp": NOON, "input_tokens": 100, **fields})


def rate(entity: str, id: int, stars: int, when: datetime = NOON) -> None:
    remark = Annotation.objects.create(
        annotation_uuid=str(uuid.uuid4()),
        entity_type=entity,
        entity_id=id,
        annotation_type="rating",
        rating=stars,
    )
    Annotation.objects.filter(pk=remark.pk).update(created_at=when)


@pytest.fixture
def two():
    """A quick model that fails, and a slow one that does not, in sessions of their own."""
    quick, slow = make_model(name="quick"), make_model(name="slow")
    session = make_session(model=quick, started_at=NOON, project=make_project())
    for number, latency in enumerate((100, 200, 300, 400), 1):
        fields = {"latency_ms": latency, "output_tokens": 50, "cost": 0.01}
        answer(session, number, cache_read_tokens=25, finish_reason="stop", **fields)
    answer(session, 5, error_message="Overloaded", finish_reason="error", input_tokens=None)
    answer(session, 6, role="user", input_tokens=None)
    answer(session, 7, role="tool", metadata={"is_error": True}, input_tokens=None)
    other = make_session(model=slow, started_at=NOON, tags=["tea"])
    for number in (1, 2):
        fields = {"latency_ms": 4_000, "output_tokens": 1_000, "cost": 0.002}
        answer(other, number, finish_reason="length", **fields)
    rate("session", session.pk, 2)
    rate("message", other.messages.get(sequence_number=1).pk, 5)
    rate("session", other.pk, 4)
    rate("session", other.pk, 1, NOON - timedelta(days=90))
    return quick, slow


def named(filters: AnalyticsFilter, **options) -> dict[str, models.ModelFigures]:
    return {one.name.split("/")[1]: one for one in models.models(filters, **options)}


def trend(filters: AnalyticsFilter, measure: str):
    return model_charts.trend(filters, models.models(filters), measure)


def values(one: models.ModelFigures) -> dict[str, object]:
    return {measure.name: measure.value_of(one) for measure in models.MEASURES}


def test_every_measure_is_what_the_messages_say(two):
    found = named(on())
    quick = values(found["quick"])
    assert quick["Sessions"] == 1
    assert quick["Messages"] == 7
    assert quick["Tokens"] == 600
    assert quick["Cost"] == Decimal("0.04")
    assert quick["Cost per 1k output"] == Decimal("0.2")
    assert quick["Error rate"] == 20.0  # of five answers; the tool that failed is none
    assert quick["Latency p50"] == pytest.approx(200, rel=0.01)
    assert quick["Latency p95"] == quick["Latency p99"] == pytest.approx(400, rel=0.01)
    assert quick["Output tokens/s"] == 200.0
    assert quick["Cache hit rate"] == 25.0
    assert (quick["Rating, of 5"], quick["Ratings"]) == (2.0, 1)
    slow = values(found["slow"])
    assert slow["Cost per 1k output"] == Decimal("0.002")
    assert (slow["Rating, of 5"], slow["Ratings"]) == (4.5, 2)
    assert found["slow"].finishes == {"length": 2}


def test_what_is_unpriced_costs_nobody_knows_how_much_and_not_nothing(two):
    free = make_model(name="unheard-of")
    session = make_session(model=free, started_at=NOON)
    answer(session, 1, output_tokens=100, cost_basis_id=CostBasis.UNKNOWN)
    found = values(named(on())["unheard-of"])
    assert (found["Cost"], found["Cost per 1k output"], found["Unpriced"]) == (None, None, 1)
    answer(session, 2, output_tokens=50, cost=0.1, cost_basis_id=CostBasis.RECORDED)
    found = values(named(on())["unheard-of"])
    # The output of unknown price is not in the price per thousand.
    assert (found["Cost"], found["Cost per 1k output"]) == (Decimal("0.1"), Decimal(2))


def test_a_local_model_is_free_and_says_so():
    session = make_session(model=make_model(name="llama"), started_at=NOON)
    answer(session, 1, output_tokens=100, cost=0, cost_basis_id=CostBasis.LOCAL)
    found = values(named(on())["llama"])
    assert (found["Cost"], found["Cost per 1k output"]) == (0, 0)


def test_models_that_are_compared_come_in_their_order_and_the_best_are_marked(two):
    quick, slow = two
    found = models.models(on(), [slow.pk, quick.pk])
    table = models.comparison(on(), found)
    assert [name for name, _ in table.heads] == [str(slow), str(quick)]
    best = {line.label: [cell.is_best for cell in line.cells] for line in table.lines}
    assert best["Cost per 1k output"] == [True, False]
    assert best["Error rate"] == [True, False]
    assert best["Latency p95"] == [False, True]
    assert best["Rating, of 5"] == [True, False]
    assert not any(any(best[name]) for name in ("Sessions", "Messages", "Cost", "Ratings"))


def test_none_is_the_best_where_all_are_equal_or_one_alone_is_known():
    assert models.best_of([2, 2, None], "less") == set()
    assert models.best_of([2, None], "less") == set()
    assert models.best_of([2, 3, 2], "less") == {2}
    assert models.best_of([2, 3], "") == set()


def test_a_model_that_is_compared_and_has_nothing_is_there_without_numbers(two):
    idle = make_model(name="idle")
    found = values(named(on(), compared=[two[0].pk, idle.pk])["idle"])
    assert (found["Messages"], found["Error rate"], found["Latency p50"]) == (0, None, None)


def test_filters_hold_for_every_figure_that_can_keep_them(two):
    assert set(named(on("project=none"))) == {"slow"}
    tagged = named(on("tag=tea"))
    assert set(tagged) == {"slow"}
    assert tagged["slow"].ratings.count == 2
    assert models.table(on("tag=tea"), []).note.count("whatever is filtered by") == 1
    assert set(named(on(f"model={two[0].pk}"))) == {"quick"}


def test_a_role_that_is_asked_for_is_that_of_the_error_rate(two):
    found = named(on("role=tool"))
    assert found["quick"].answers.error_rate == 100.0


def test_the_ratings_of_what_lies_in_the_trash_do_not_count(two):
    Session.objects.filter(model=two[1]).update(deleted_at=NOON)
    assert set(named(on())) == {"quick"}


def test_finish_reasons_are_shares_of_the_messages_that_say_one(two):
    table = models.finishes(on(), models.models(on()))
    assert [name for name, _ in table.heads] == ["Messages", "stop", "length", "error"]
    by_name = {line.label.split("/")[1]: [c.value for c in line.cells] for line in table.lines}
    assert by_name == {"quick": [5, 80.0, None, 20.0], "slow": [2, None, 100.0, None]}


@pytest.mark.parametrize(
    ("measure", "quick", "slow"),
    [("latency", 400, 4_000), ("speed", 200, 250), ("errors", 20, 0), ("cost", 0.2, 0.002)],
)
@pytest.mark.parametrize("days", ["2026-03-01", "2025-06-01", "2024-01-01"])
def test_the_trend_has_the_value_where_the_messages_are_and_gaps_elsewhere(
    two, measure, quick, slow, days
):
    filters = on(f"from={days}&to=2026-03-31")
    chart = trend(filters, measure)
    known = {
        series.name.split("/")[1]: [float(v) for v in series.values if v is not None]
        for series in chart.series
    }
    assert known["quick"] == [pytest.approx(quick, rel=0.01)]
    assert known["slow"] == [pytest.approx(slow, rel=0.01)]
    place = next(n for n, v in enumerate(chart.series[0].values) if v is not None)
    assert chart.labels[place] <= "2026-03-10" or chart.labels[place] in ("2026-W11", "2026-03")
    assert len(chart.labels) == len(set(chart.labels))


@pytest.mark.parametrize("first", ["2025-06-15", "2000-01-01"])
def test_weeks_of_a_long_range_cover_each_of_its_days_once(two, first):
    filters = on(f"from={first}&to=2026-03-31")
    chart = trend(filters, "latency")
    links = [QueryDict(link.partition("?")[2]) for link in chart.links]
    days = [(date.fromisoformat(q["since"]), date.fromisoformat(q["until"])) for q in links]
    assert (days[0][0], days[-1][1]) == (date.fromisoformat(first), TODAY)
    assert len(days) <= MOST_PERIODS
    for (_, last), (begin, _) in pairwise(days):
        assert begin == last + timedelta(days=1)


def test_latencies_of_models_that_are_compared_are_shares_of_each(two):
    found = models.models(on(), [model.pk for model in two])
    chart = model_charts.distribution(on(), found, is_compared=True)
    assert [sum(series.values) for series in chart.series] == [pytest.approx(100)] * 2
    assert chart.unit == "percent"
    alone = model_charts.distribution(on(), found)
    assert sum(alone.series[0].values) == 6


def test_every_number_of_the_table_links_to_the_sessions_behind_it(two):
    for line in models.table(on(), models.models(on())).lines:
        for cell in line.cells:
            asked = QueryDict(cell.link.partition("?")[2])
            assert int(asked["model"]) in {model.pk for model in two}
            assert asked["since"] <= "2026-03-10" <= asked["until"]
