"""The sessions that an overspend comes from are the fewest, and cost what their messages did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import budgets, rollups
from analytics.budgets import explaining
from analytics.models import Budget
from conversations.errors import TooSlow
from conversations.models import Message, Session
from conversations.tests.factories import make_session, make_sessions

from .test_budgets import TODAY, make_budget, spend

pytestmark = pytest.mark.django_db


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    costs=st.lists(st.integers(0, 30).map(lambda cents: cents / 100), max_size=8),
    soft=st.none() | st.integers(1, 60).map(lambda cents: Decimal(cents) / 100),
    above=st.integers(0, 60).map(lambda cents: Decimal(cents) / 100),
)
def test_no_fewer_sessions_would_do(costs, soft, above):
    Session.objects.all().delete()
    Budget.objects.all().delete()
    for cost in costs:
        spend(cost)
    hard = (soft or Decimal("0.01")) + above
    overspend = budgets.explain(make_budget(soft_limit=soft, hard_limit=hard), TODAY)

    exact = [Decimal(str(cost)) for cost in costs]
    spent = sum(exact, Decimal(0))
    line = hard if spent >= hard else soft if soft and spent >= soft else Decimal(0)
    amount = spent - line if spent > line else spent
    fewest = next(
        (
            size
            for size in range(len(exact) + 1)
            if any(sum(some) >= amount * Decimal("0.8") for some in combinations(exact, size))
        ),
        None,
    )
    assert overspend.amount == amount
    assert overspend.count == len(overspend.sessions) == fewest
    dearest = sorted(exact, reverse=True)[:fewest]
    assert [one.cost for one in overspend.sessions] == dearest
    assert overspend.cost == sum(dearest)


def test_sessions_of_one_cost_come_by_their_ids():
    budget = make_budget(hard_limit=Decimal("0.5"))
    made = [make_session(f"Tea {number}") for number in range(5)]
    for session in reversed(made):
        spend(0.25, session=session)
    overspend = budgets.explain(budget, TODAY)  # 0.60 of the 0.75 above the line
    assert [one.session for one in overspend.sessions] == made[:3]
    assert overspend.sessions[0].share == pytest.approx(20)


def test_a_session_counts_with_its_messages_of_the_period_whenever_it_started():
    budget = make_budget(period="day")
    old = make_session("Old", started_at=datetime(2025, 1, 1, tzinfo=UTC))
    spend(900, "2026-03-10 23:59:59", session=old)
    spend(3, "2026-03-11 00:00:00", session=old)
    spend(900, "2026-03-12 00:00:00", session=old)
    new = make_session("New", started_at=datetime(2026, 3, 11, tzinfo=UTC))
    spend(1, "2026-03-11 23:59:59", session=new)
    overspend = budgets.explain(budget, TODAY)
    assert [(one.session.title, one.cost) for one in overspend.sessions] == [("Old", 3), ("New", 1)]
    assert not overspend.is_over
    assert overspend.in_words == (
        "2 sessions of $4.00 together account for 80 % or more of the $4.00 that was spent."
    )


@pytest.mark.parametrize("time", ["2026-03-11T05:00:00Z", "2026-03-10 23:30:00-02:00"])
def test_times_that_scripts_write_in_other_ways_count_on_their_day(time):
    budget = make_budget(period="day")
    message = spend(1)
    Message.objects.filter(pk=message.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, timestamp,"
            " cost) VALUES ('m', %s, 1, 'user', %s, 7)",
            [message.session_id, time],
        )
    assert budgets.states(TODAY)[0].spent == 7
    assert budgets.explain(budget, TODAY).cost == 7
    assert budgets.explain(budget, date(2026, 3, 10)).cost == 0


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_every_hour_around_the_edges_counts_as_the_rollups_do(settings, period):
    settings.TIME_ZONE = "America/St_Johns"  # half an hour off; clocks change in March
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.rebuild(cursor)
    session = make_session()
    start = datetime(2026, 2, 27, 0, 29, 59, tzinfo=UTC)
    Message.objects.bulk_create(
        Message(
            message_uuid=f"m-{number}", session=session, sequence_number=number, role="user",
            timestamp=start + timedelta(minutes=30 * number, seconds=number % 2), cost=0.01,
        )
        for number in range(1700)
    )  # fmt: skip
    budget = make_budget(period=period)
    for day in (date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 31)):
        state = budgets.state_of(budget, day)
        assert state.spent > 0
        assert budgets.explain(budget, day).cost == state.spent


@pytest.mark.parametrize("dense", [0, 10**9], ids=["by time", "the whole index"])
def test_both_ways_to_read_the_messages_find_the_same(monkeypatch, dense):
    monkeypatch.setattr(explaining, "DENSE", dense)
    budget = make_budget(soft_limit=Decimal(1), hard_limit=Decimal(3))
    spend(2.5)
    spend(1.5)
    spend(8, "2026-04-01 00:00:00")
    overspend = budgets.explain(budget, TODAY)
    assert overspend.amount == 1  # above the hard line, which is reached
    assert [one.cost for one in overspend.sessions] == [Decimal("2.5")]
    assert "above the hard line of $3.00" in overspend.in_words


def test_of_very_many_sessions_some_are_listed_and_all_are_counted():
    make_sessions(300)
    Message.objects.bulk_create(
        Message(
            message_uuid=f"m-{session.pk}", session=session, sequence_number=1, role="user",
            timestamp=datetime(2026, 3, 11, tzinfo=UTC), cost=0.5,
        )
        for session in Session.objects.all()
    )  # fmt: skip
    overspend = budgets.explain(make_budget(hard_limit=Decimal(1000)), TODAY)
    assert (overspend.count, overspend.cost) == (240, 120)
    assert len(overspend.sessions) == 100
    assert "of which 100 are listed" in overspend.in_words


def test_what_takes_longer_than_it_may_is_given_up_and_said():
    make_sessions(400)
    Message.objects.bulk_create(
        Message(
            message_uuid=f"m-{session.pk}-{number}", session=session, sequence_number=number,
            role="user", timestamp=datetime(2026, 3, 11, tzinfo=UTC), cost=0.5,
        )
        for session in Session.objects.all()
        for number in range(1, 6)
    )  # fmt: skip
    with pytest.raises(TooSlow, match=r"longer than 0 seconds .* explain .* in this month"):
        budgets.explain(make_budget(), TODAY, seconds=0)
    assert budgets.explain(make_budget("again"), TODAY, seconds=60).count
