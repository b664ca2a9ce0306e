"""Sessions, tools and errors: what the reports say is what sessions and messages hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import QueryDict

from analytics.filters import AnalyticsFilter
from analytics.ranges import Range
from analytics.reports import errors, sessions, tools
from conversations.models import Session
from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def on(address: str = "") -> AnalyticsFilter:
    query = QueryDict(address)
    return AnalyticsFilter(query, Range.of(query, today=TODAY))


def asked(link: str) -> QueryDict:
    return QueryDict(link.partition("?")[2])


# -- sessions -------------------------------------------------------------------------------------


@pytest.fixture
def hundred():
    """Sessions that used 100 to 10,000 tokens, cost 0.01 to 1 USD and ran 1 to 100 minutes."""
    for number in range(1, 101):
        end = NOON + timedelta(minutes=number)
        session = make_session(f"Session {number}", started_at=NOON, completed_at=end)
        fields = {"input_tokens": 60 * number, "output_tokens": 40 * number}
        add_message(session, 1, timestamp=NOON, cost=number / 100, **fields)


def test_percentiles_of_sessions_are_those_of_nearest_rank_to_one_per_cent(hundred):
    filters = on()
    table = sessions.table(filters, sessions.histograms(filters))
    found = {line.label: [float(cell.value) for cell in line.cells] for line in table.lines}
    for label, unit in (("Tokens", 100), ("Cost", 0.01), ("Duration", 60_000)):
        count, *percentiles = found[label]
        assert count == 100
        exact = [share * unit for share in sessions.SHARES]
        assert percentiles == [pytest.approx(value, rel=0.01) for value in exact]


def test_the_percentile_of_a_cost_links_to_the_sessions_that_cost_as_much(hundred, client, alice):
    filters = on()
    cost = sessions.table(filters, sessions.histograms(filters)).lines[1]
    p90 = cost.cells[2]
    assert Decimal(asked(p90.link)["cost_min"]) == p90.value
    client.force_login(alice)
    html = client.get(p90.link).content.decode()
    assert "Session 95" in html
    assert "Session 85" not in html


def test_bins_of_cost_link_to_the_sessions_in_them(hundred):
    filters = on()
    [metric] = [one for one in sessions.METRICS if one.key == "cost_nanos"]
    chart = sessions.distribution(filters, metric, sessions.histograms(filters)["cost_nanos"])
    assert sum(chart.series[0].values) == 100
    for label, link in zip(chart.labels, chart.links, strict=True):
        bounds = [
            f"${Decimal(asked(link)[name]).normalize():f}" for name in ("cost_min", "cost_max")
        ]
        assert label == " to ".join(bounds)


def test_the_top_sessions_are_the_dearest_the_largest_and_the_longest(hundred):
    for top in sessions.tops(on()):
        assert [session.title for session in top.sessions] == [
            f"Session {number}" for number in range(100, 90, -1)
        ]
    assert [top.metric.key for top in sessions.tops(on())] == ["tokens", "cost_nanos", "seconds"]


# -- tools ----------------------------------------------------------------------------------------


def call(session, number: int, *names: str, **fields):
    calls = [{"name": name} for name in names]
    return add_message(session, number, **{"timestamp": NOON, "tool_calls": calls, **fields})


def test_calls_are_counted_by_tool_and_period_the_most_first():
    session = make_session(started_at=NOON)
    call(session, 1, "Read", "Bash", "Bash")
    call(session, 2, "Bash", timestamp=NOON + timedelta(days=2))
    filters = on("from=2026-03-09&to=2026-03-13")
    assert tools.calls(filters) == {"Bash": [0, 2, 0, 1, 0], "Read": [0, 1, 0, 0, 0]}
    table = tools.table(filters, tools.calls(filters))
    assert [(line.label, [c.value for c in line.cells]) for line in table.lines] == [
        ("Bash", [3, 75.0]),
        ("Read", [1, 25.0]),
    ]


def test_more_tools_than_colours_are_put_together():
    session = make_session(started_at=NOON)
    call(session, 1, *(name for place in range(9) for name in [f"tool-{place}"] * (9 - place)))
    filters = on()
    chart = tools.over_time(filters, tools.calls(filters))
    assert [sum(series.values) for series in chart.series] == [9, 8, 7, 6, 5, 4, 3 + 2 + 1]
    assert [series.is_rest for series in chart.series] == [False] * 6 + [True]


def test_results_of_tools_are_told_apart_by_whether_they_failed():
    session = make_session(started_at=NOON)
    call(session, 1, "Bash")
    add_message(session, 2, role="tool", timestamp=NOON, metadata={"is_error": True})
    add_message(session, 3, role="tool", timestamp=NOON)
    add_message(session, 4, role="tool", timestamp=NOON)
    chart = tools.results(on())
    assert {series.name: sum(series.values) for series in chart.series} == {
        "Worked": 2,
        "Failed": 1,
    }
    assert chart.summary == "1 of 3 results are failures, 33.3 %."


def test_a_tool_links_to_the_search_that_finds_its_calls(client, alice):
    session = make_session("Deploying", started_at=NOON)
    call(session, 1, "fetch_weather", content="Looking")
    [line] = tools.table(on(), tools.calls(on())).lines
    client.force_login(alice)
    assert "Deploying" in client.get(line.link).content.decode()
    assert "Deploying" in client.get(line.cells[0].link).content.decode()


@pytest.mark.parametrize("name", ['"', 'a" OR "b', "", "(((", "x" * 300, "-a:b*"])
def test_no_name_of_a_tool_breaks_its_search(client, alice, name):
    call(make_session(started_at=NOON), 1, name)
    client.force_login(alice)
    [line] = tools.table(on(), tools.calls(on())).lines
    assert client.get(line.link).status_code == 200


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "count"), [(0, 10), (1, 10), (5, 10), (10, 10), (20, 1000), (0, 1), (1, 1)]
)
def test_the_interval_of_a_rate_ends_where_the_score_test_would_reject(failures, count):
    low, high = (end / 100 for end in errors.wilson(failures, count))
    rate = failures / count
    assert 0 <= low <= rate <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            score = abs(rate - end) / (end * (1 - end) / count) ** 0.5
            assert score == pytest.approx(1.96, abs=1e-3)
    assert (low == 0) == (failures == 0)
    assert (high == 1) == (failures == count)


def test_of_no_message_nothing_is_known():
    assert errors.wilson(0, 0) == (0.0, 100.0)


def fail(session, number: int, text: str = "Overloaded", **fields):
    return add_message(session, number, **{"timestamp": NOON, "error_message": text, **fields})


def test_rates_are_of_answers_and_failed_messages_are_counted_without_tools():
    model = make_model()
    session = make_session(model=model, started_at=NOON)
    fail(session, 1)
    add_message(session, 2, timestamp=NOON)
    add_message(session, 3, role="user", timestamp=NOON)
    add_message(session, 4, role="tool", timestamp=NOON, metadata={"is_error": True})
    chart, table = errors.rates(on(), errors.sums_of(on()))
    assert chart.series[0].values == [50.0]
    assert [cell.value for cell in table.lines[0].cells[:3]] == [2, 1, 50.0]
    [series] = errors.by_model(on(), errors.sums_of(on())).series
    assert sum(series.values) == 1
    assert asked(series.links[0])["q"] == "has:error"
    tools_alone = on("role=tool")
    [series] = errors.by_model(tools_alone, errors.sums_of(tools_alone)).series
    assert sum(series.values) == 1


def test_reasons_that_cut_an_answer_short_come_first_and_are_named_so():
    session = make_session(started_at=NOON)
    for number, reason in enumerate(("stop", "stop", "length", "STOP"), 1):
        add_message(session, number, timestamp=NOON, finish_reason=reason)
    table = errors.finishes(on())
    assert [(line.label, line.cells[0].value) for line in table.lines] == [
        ("length (cut short)", 1),
        ("stop", 2),
        ("STOP", 1),
    ]


def texts(address: str = "") -> list[str]:
    filters = on(address)
    return [failure.text for failure in errors.newest(filters.where, filters.range)]


def test_the_newest_errors_come_first_and_filters_hold():
    model, other = make_model(), make_model(name="other")
    session = make_session(model=model, project=make_project(), tags=["tea"], started_at=NOON)
    fail(session, 1, "first")
    fail(session, 2, "second", timestamp=NOON + timedelta(hours=1), model=other)
    fail(session, 3, "tool's", role="tool", timestamp=NOON + timedelta(hours=2))
    fail(make_session(started_at=NOON), 1, "elsewhere", timestamp=NOON - timedelta(hours=1))
    fail(session, 4, "long ago", timestamp=NOON - timedelta(days=300))
    fail(make_session(started_at=NOON, deleted_at=NOON), 1, "in the trash")
    assert texts() == ["tool's", "second", "first", "elsewhere"]
    assert texts("tag=tea") == ["tool's", "second", "first"]
    assert texts(f"project={session.project_id}&role=assistant") == ["second", "first"]
    assert texts("project=none") == ["elsewhere"]
    assert texts(f"model={model.pk}") == ["tool's", "first"]
    assert texts(f"model={other.pk}") == ["second"]


def test_an_error_is_shortened_and_leads_to_its_message(client, alice):
    session = make_session("Kettle", started_at=NOON)
    message = fail(session, 1, "<b>" + "x" * 10_000)
    [failure] = errors.newest(on().where, on().range)
    assert failure.text == "<b>" + "x" * 297 + "\N{HORIZONTAL ELLIPSIS}"
    assert failure.link.endswith(f"?message={message.message_uuid}#m-{message.message_uuid}")
    client.force_login(alice)
    assert f'id="m-{message.message_uuid}"' in client.get(failure.link).content.decode()


def test_an_error_in_a_session_that_has_no_address_is_shown_without_a_link():
    session = make_session(started_at=NOON)
    fail(session, 1)
    Session.objects.filter(pk=session.pk).update(session_uuid="")
    [failure] = errors.newest(on().where, on().range)
    assert failure.link == ""


@pytest.mark.parametrize(
    "address", ["", "tag=tea", "role=assistant", "project=none", "source=here"]
)
def test_the_newest_errors_are_found_over_their_index(address):
    filters = on(address)
    sql, params = errors.newest_sql(filters.where, filters.range, 50, "default")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        plan = [row[3] for row in cursor.fetchall()]
    assert any("messages USING INDEX messages_failed (timestamp>? AND timestamp<?)" in step
               for step in plan), plan  # fmt: skip
    assert not any("SCAN messages" in step for step in plan), plan
