"""What budgets count, when their lines are reached, and what is likely spent at the end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from analytics import budgets, rollups
from analytics.models import Budget
from conversations import changes
from conversations.errors import AmbiguousId, InvalidValue, UnknownId
from conversations.models import LanguageModel, Project
from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 11)  # a Wednesday


def make_budget(name: str = "All", **fields) -> Budget:
    return Budget.objects.create(name=name, **{"hard_limit": Decimal(50), **fields})


def spend(cost: float | None, when: str = "2026-03-11 12:00:00", session=None, **fields):
    """Store a message that cost so much, in UTC."""
    session = session or make_session()
    number = session.messages.count() + 1
    time = datetime.fromisoformat(when).replace(tzinfo=UTC)
    return add_message(session, number, cost=cost, timestamp=time, **fields)


def spent(budget: Budget, today: date = TODAY) -> Decimal:
    return budgets.state_of(budget, today).spent


@pytest.mark.parametrize(
    ("cost", "level"),
    [
        (39.999999999, "ok"),
        (40, "soft"),
        (49.999999999, "soft"),
        (50, "hard"),
        (50.000000001, "hard"),
        (0, "ok"),
    ],
)
def test_a_line_is_reached_by_what_equals_it_to_the_nano_dollar(cost, level):
    make_budget(soft_limit=Decimal(40))
    spend(cost)
    [state] = budgets.states(TODAY)
    assert state.level == level
    assert state.spent == round(Decimal(str(cost)), 9)


def test_without_a_soft_line_only_the_hard_one_is_reached():
    budget = make_budget()
    spend(49.99)
    state = budgets.state_of(budget, TODAY)
    assert (state.level, state.line, state.soft_share) == ("ok", None, 100.0)
    assert state.share == pytest.approx(99.98)


@pytest.mark.parametrize(
    ("period", "first", "last", "before"),
    [
        ("day", date(2026, 3, 11), date(2026, 3, 11), "2026-03-10"),
        ("week", date(2026, 3, 9), date(2026, 3, 15), "2026-03-08"),
        ("month", date(2026, 3, 1), date(2026, 3, 31), "2026-02-28"),
    ],
)
def test_a_period_begins_and_ends_at_midnight(period, first, last, before):
    budget = make_budget(period=period)
    spend(1, f"{first} 00:00:00")
    spend(2, f"{last} 23:59:59")
    spend(4, f"{before} 23:59:59")
    state = budgets.state_of(budget, TODAY)
    assert (state.first, state.last) == (first, last)
    assert (state.spent, state.before) == (3, 4)
    assert (state.costs[0], state.costs[-1]) == ((1, 2) if period != "day" else (3, 3))


@pytest.mark.parametrize(
    ("inside", "outside", "today"),
    [
        # Clocks go forward on 29 March and back on 25 October 2026: days of 23 and of 25 hours.
        (["2026-03-28 23:00:00", "2026-03-29 21:59:59"],
         ["2026-03-28 22:59:59", "2026-03-29 22:00:00"], date(2026, 3, 29)),
        (["2026-10-24 22:00:00", "2026-10-25 22:59:59"],
         ["2026-10-24 21:59:59", "2026-10-25 23:00:00"], date(2026, 10, 25)),
    ],
)  # fmt: skip
def test_a_day_on_which_clocks_change_is_one_of_the_sites_zone(settings, inside, outside, today):
    settings.TIME_ZONE = "Europe/Berlin"
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.rebuild(cursor)
    for number, time in enumerate(inside + outside):
        spend(10.0**number, time)
    day = make_budget("d", period="day")
    week, month = make_budget("w", period="week"), make_budget("m", period="month")
    assert spent(day, today) == 11
    assert budgets.explain(day, today).cost == 10
    assert spent(week, today) == 111  # with the evening before
    assert spent(month, today) == 1111


def test_all_that_a_budget_names_must_hold():
    kitchen, model, other = make_project(), make_model(), make_model(name="claude-haiku-4-5")
    tea = make_session(project=kitchen, model=model, tags=["tea"])
    spend(1, session=tea)
    spend(2, session=tea, model=other)  # answered by another model
    spend(4, session=make_session(project=kitchen, model=model))
    spend(8, session=make_session(model=model, tags=["tea", "hot"]))
    spend(16, session=make_session(project=kitchen, tags=["tea"]), model=model)
    assert spent(make_budget()) == 31
    assert spent(make_budget("p", project=kitchen)) == 23
    assert spent(make_budget("m", model=model)) == 29
    assert spent(make_budget("t", tag="tea")) == 27
    both = make_budget("both", project=kitchen, model=model, tag="tea")
    assert spent(both) == 17
    assert both.scope == "project Kitchen, model anthropic/claude-sonnet-4-5, tag tea"
    overspend = budgets.explain(both, TODAY)
    assert [one.cost for one in overspend.sessions] == [16]
    assert (overspend.amount, overspend.cost) == (17, 16)


def test_what_lies_in_the_trash_is_not_counted():
    session = make_session()
    spend(60, session=session)
    budget = make_budget()
    assert budgets.state_of(budget, TODAY).level == "hard"
    session.deleted_at = datetime(2026, 3, 11, tzinfo=UTC)
    session.save()
    assert spent(budget) == 0
    assert budgets.explain(budget, TODAY).count == 0


def test_messages_without_a_price_are_counted_beside_the_sum():
    budget = make_budget()
    spend(None, input_tokens=100)
    spend(None, cost_basis_id=3)  # a subscription
    spend(None)  # nothing that could cost
    spend(None, "2026-02-01 12:00:00", input_tokens=100)
    spend(2)
    state = budgets.state_of(budget, TODAY)
    assert (state.spent, state.unpriced) == (2, 2)


def test_the_forecast_takes_coming_days_for_the_mean_of_those_that_are_over():
    budget = make_budget(period="week")
    spend(3, "2026-03-09 12:00:00")
    spend(5, "2026-03-10 12:00:00")
    spend(1, "2026-03-11 12:00:00")  # today is not over: it may still come to the mean
    state = budgets.state_of(budget, TODAY)
    assert state.forecast == 8 + 5 * 4
    assert state.expected == [12, 16, 20, 24, 28]
    spend(9, "2026-03-11 13:00:00")  # above the mean already
    assert budgets.state_of(budget, TODAY).forecast == 8 + 10 + 4 * 4


def test_there_is_no_forecast_before_a_whole_day_is_over():
    spend(3)
    for period, today in (("day", TODAY), ("week", date(2026, 3, 9)), ("month", date(2026, 3, 1))):
        assert budgets.state_of(make_budget(period, period=period), today).forecast is None
    after_one = budgets.state_of(Budget.objects.get(name="month"), date(2026, 3, 2))
    assert after_one.forecast == 3  # spent later in the month


def test_only_budgets_that_are_switched_on_are_looked_at():
    make_budget("off", is_active=False)
    make_budget("b")
    make_budget("a")
    assert [state.budget.name for state in budgets.states(TODAY)] == ["a", "b"]


def test_the_first_period_that_there_can_be_has_none_before():
    state = budgets.state_of(make_budget(), date(2000, 1, 15))
    assert (state.spent, state.before) == (0, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"hard_limit": Decimal(0)},
        {"hard_limit": Decimal(-1)},
        {"hard_limit": Decimal(1_000_001)},
        {"soft_limit": Decimal(0)},
        {"soft_limit": Decimal("50.000001")},
        {"period": "year"},
    ],
)
def test_the_database_refuses_terms_that_mean_nothing(fields):
    with pytest.raises(IntegrityError):
        make_budget(**fields)


@pytest.mark.parametrize("foreign_keys", [True, False])
def test_a_budget_goes_with_its_project_or_model_for_every_writer(database_file, foreign_keys):
    with closing(sqlite3.connect(database_file)) as db:
        db.execute(f"PRAGMA foreign_keys = {foreign_keys:d}")
        db.execute("INSERT INTO projects (id, name) VALUES (1, 'p')")
        db.execute("INSERT INTO models (id, provider, model_name) VALUES (1, 'p', 'm')")
        for name, project, model in (("p", 1, None), ("m", None, 1), ("all", None, None)):
            db.execute(
                "INSERT INTO budgets (name, project_id, model_id, hard_limit_micros)"
                " VALUES (?, ?, ?, 1500000)",
                (name, project, model),
            )
        db.execute("DELETE FROM projects")
        assert db.execute("SELECT name FROM budgets ORDER BY id").fetchall() == [("m",), ("all",)]
        db.execute("DELETE FROM models")
        row = db.execute("SELECT name, tag, period, soft_limit_micros, is_active FROM budgets")
        assert row.fetchall() == [("all", "", "month", None, 1)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_deleted_project_comes_back_with_its_budgets():
    project = make_project()
    make_budget(project=project, soft_limit=Decimal("0.1"))
    change = changes.delete_and_keep(project, "Project deleted", user=None)
    assert not Budget.objects.exists()
    changes.undo(change)
    budget = Budget.objects.get()
    assert (budget.project.name, budget.soft_limit) == ("Kitchen", Decimal("0.1"))


def test_a_limit_that_a_script_wrote_as_a_fraction_is_read():
    make_budget()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE budgets SET hard_limit_micros = 2.5")
    assert budgets.states(TODAY)[0].budget.hard_limit == Decimal("0.0000025")


# -- setting them by name -------------------------------------------------------------------------


def test_a_budget_is_made_once_and_then_changed():
    make_project()
    model = make_model()
    budget, is_new = budgets.set_budget(
        "Tea", period="week", hard_limit=Decimal("9.9"), project="Kitchen",
        model="anthropic/claude-sonnet-4-5", tag=" a,b  c ",
    )  # fmt: skip
    assert is_new
    assert (budget.project.name, budget.model, budget.tag) == ("Kitchen", model, "a b c")
    again, is_new = budgets.set_budget("Tea", period="day", hard_limit=Decimal(1))
    assert (again.pk, is_new, again.scope) == (budget.pk, False, "all messages")
    budgets.remove("Tea")
    with pytest.raises(UnknownId, match="no budget “Tea”"):
        budgets.remove("Tea")


@pytest.mark.parametrize(
    ("terms", "error", "reason"),
    [
        ({"period": "year"}, InvalidValue, "period: .*year"),
        ({"hard_limit": Decimal(0)}, InvalidValue, "hard_limit: "),
        ({"hard_limit": Decimal("NaN")}, InvalidValue, "hard_limit: "),
        ({"hard_limit": Decimal("1e400")}, InvalidValue, "hard_limit: "),
        ({"hard_limit": Decimal("0.0000001")}, InvalidValue, "hard_limit: "),
        ({"soft_limit": Decimal(2)}, InvalidValue, "soft line must not be above"),
        ({"project": "Nowhere"}, UnknownId, "no project “Nowhere”"),
        ({"model": "nobody/nothing"}, UnknownId, "no model “nobody/nothing”"),
        ({"model": "\ud800"}, InvalidValue, "model holds half a character"),
        ({"tag": "x" * 101}, InvalidValue, "tag has 101 characters"),
        ({"name": "x" * 201}, InvalidValue, "name has 201 characters"),
        ({"name": ""}, InvalidValue, "name: "),
        ({"name": "\x00"}, InvalidValue, "name holds a NUL"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused_with_their_name(terms, error, reason):
    with pytest.raises(error, match=reason):
        budgets.set_budget(**{"name": "B", "period": "day", "hard_limit": Decimal(1), **terms})
    assert not Budget.objects.exists()


def test_a_model_of_several_versions_is_named_with_one():
    for version in ("1", "2"):
        LanguageModel.objects.create(provider="a", model_name="b/c", model_version=version)
    with pytest.raises(AmbiguousId, match=r"a/b/c \(1\), a/b/c \(2\)"):
        budgets.set_budget("B", period="day", hard_limit=Decimal(1), model="a/b/c")
    budget, _ = budgets.set_budget("B", period="day", hard_limit=Decimal(1), model="a/b/c (2)")
    assert budget.model.model_version == "2"
    assert Project.objects.count() == 0
