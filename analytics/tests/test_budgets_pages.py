"""The pages of budgets: what they show, and what their forms refuse."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from analytics.models import Budget
from analytics.views import budgets as views
from conversations.models import Change
from conversations.tests.factories import add_message, make_model, make_project, make_session
from conversations.tests.pages import page, queries

from .test_budgets import make_budget

pytestmark = pytest.mark.django_db
LIST, NEW = "/analytics/budgets/", "/analytics/budgets/new/"
FORM = {"name": "Tea", "period": "month", "hard_limit": "50", "is_active": "on"}
HOSTILE = "<script>alert(1)</script>'\"&{{ x }}"


@pytest.fixture
def client(client, django_user_model):
    client.force_login(django_user_model.objects.create(username="reader"))
    return client


def spend_now(cost: float | None, session=None, **fields):
    session = session or make_session()
    number = session.messages.count() + 1
    return add_message(session, number, cost=cost, timestamp=timezone.now(), **fields)


def send(client, address: str, form=(), status: int = 200) -> str:
    response = client.post(address, dict(form), follow=True)
    assert response.status_code == status, address
    return response.content.decode()


def address_of(budget: Budget) -> str:
    return f"/analytics/budgets/{budget.pk}/"


def test_the_list_says_how_far_each_budget_is_spent(client):
    make_budget("Ample", hard_limit=Decimal(1000))
    make_budget("Warned", soft_limit=Decimal(12), hard_limit=Decimal(20))
    make_budget("Gone", hard_limit=Decimal(10))
    make_budget("Asleep", is_active=False)
    spend_now(12.5)
    spend_now(None, input_tokens=10)
    html = page(client, LIST)
    for text in (
        "Below its lines", "Soft line reached", "Hard line reached", "125.0 %", "$12.50",
        "1 message unpriced", "Switched off", "Asleep", "All messages",
    ):  # fmt: skip
        assert text in html
    assert 'data-level="hard" min="0" max="100" value="125.00"' in html


def test_the_overview_says_how_far_budgets_are_spent(client):
    assert "No budget is set." in page(client, "/analytics/")
    make_budget("Gone", hard_limit=Decimal(10))
    spend_now(10)
    html = page(client, "/analytics/")
    assert "Hard line reached" in html
    assert 'href="/analytics/budgets/"' in html


def test_without_budgets_the_list_offers_to_make_one(client):
    assert "No budgets yet" in page(client, LIST)


def test_a_budget_shows_the_days_the_lines_and_the_sessions(client):
    budget = make_budget(soft_limit=Decimal(1), hard_limit=Decimal(5))
    spend_now(7, make_session("The dear one"))
    spend_now(0.5, make_session("The cheap one"))
    html = page(client, address_of(budget))
    assert "What explains it" in html
    assert "The dear one" in html
    assert "The cheap one" not in html
    assert "above the hard line of $5.00" in html
    assert "Spent so far" in html
    response = client.get(address_of(budget), {"chart": "budget", "format": "csv"})
    rows = b"".join(response).decode().splitlines()
    assert rows[0].startswith("Day,")
    assert rows[timezone.localdate().day].split(",")[1].startswith("7.5")


def test_a_budget_by_day_shows_the_days_before(client):
    budget = make_budget(period="day")
    yesterday = timezone.now() - timedelta(days=1)
    add_message(make_session(), 1, cost=3, timestamp=yesterday)
    html = page(client, address_of(budget))
    assert "Spent on each of 30 days" in html
    assert "Nothing was spent." in html
    assert "$3.00" in html


def test_what_takes_too_long_to_explain_is_said_on_the_page(client, monkeypatch):
    monkeypatch.setattr(views, "EXPLAIN_SECONDS", -1.0)
    session = make_session()
    for number in range(1, 1200):
        add_message(session, number, cost=0.01, timestamp=timezone.now())
    html = page(client, address_of(make_budget()))
    assert "It takes longer than" in html
    assert "manage.py budgets --explain" in html


def test_a_budget_is_made_changed_deleted_and_brought_back(client):
    project, model = make_project(), make_model()
    form = {**FORM, "soft_limit": "40.5", "project": project.pk, "model": model.pk, "tag": "a, b "}
    assert "Tea" in send(client, NEW, form)
    budget = Budget.objects.get()
    assert (budget.project, budget.model, budget.tag) == (project, model, "a b")
    assert budget.soft_limit == Decimal("40.5")

    edit = f"{address_of(budget)}edit/"
    html = page(client, edit)
    assert 'value="40.5"' in html
    assert 'value="50"' in html
    send(client, edit, {**FORM, "name": "Coffee", "hard_limit": "60.25"})
    budget.refresh_from_db()
    assert (budget.name, budget.hard_limit, budget.soft_limit) == ("Coffee", Decimal("60.25"), None)
    assert (budget.project, budget.tag) == (None, "")
    send(client, f"/changes/{Change.objects.get().change_uuid}/undo/")
    budget.refresh_from_db()
    assert (budget.name, budget.hard_limit, budget.project) == ("Tea", 50, project)

    assert "Budget Tea deleted." in send(client, f"{address_of(budget)}delete/")
    assert not Budget.objects.exists()
    send(client, f"/changes/{Change.objects.latest('pk').change_uuid}/undo/")
    assert Budget.objects.get().soft_limit == Decimal("40.5")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "already exists"),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"name": "\x00"}, "Null characters are not allowed"),
        ({"period": "year"}, "Select a valid choice"),
        ({"hard_limit": ""}, "This field is required."),
        ({"hard_limit": "much"}, "Enter a number."),
        ({"hard_limit": "NaN"}, "Enter a number."),
        ({"hard_limit": "sNaN"}, "Enter a number."),
        ({"hard_limit": "1e400"}, "no more than 13 digits"),
        ({"hard_limit": "9" * 5000}, "no more than 13 digits"),
        ({"hard_limit": "0"}, "greater than or equal to 0.000001"),
        ({"hard_limit": "-5"}, "greater than or equal to 0.000001"),
        ({"hard_limit": "1000001"}, "less than or equal to 1000000"),
        ({"hard_limit": "0.0000001"}, "no more than 6 decimal places"),
        ({"soft_limit": "50.01"}, "The soft line must not be above the hard line."),
        ({"project": "0"}, "Select a valid choice"),
        ({"project": "9" * 400}, "Select a valid choice"),
        ({"model": "x"}, "Select a valid choice"),
        ({"tag": "x" * 101}, "at most 100 characters"),
        ({"tag": ","}, "Give a tag."),
    ],
)
def test_a_form_says_what_cannot_be_meant(client, change, reason):
    budget = make_budget("Tea")
    make_budget("Taken")
    for address in (NEW, f"{address_of(budget)}edit/"):
        form = {**FORM, "name": "Fresh", **change}
        assert reason in send(client, address, form)
    assert sorted(Budget.objects.values_list("name", flat=True)) == ["Taken", "Tea"]


def test_hostile_names_are_shown_as_text(client):
    project = make_project(HOSTILE)
    budget = make_budget(HOSTILE, project=project, tag=HOSTILE, hard_limit=Decimal("0.5"))
    spend_now(1, make_session(HOSTILE, project=project, tags=[HOSTILE]))
    off = make_budget("  ", is_active=False)
    for address in (LIST, address_of(budget), f"{address_of(budget)}edit/", address_of(off), NEW):
        html = page(client, address)
        assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in page(client, address_of(budget))


def test_addresses_of_no_budget_are_not_found(client):
    for pk in ("0", "7", "9" * 30):
        assert client.get(f"/analytics/budgets/{pk}/").status_code == 404
        assert client.get(f"/analytics/budgets/{pk}/edit/").status_code == 404
        assert client.post(f"/analytics/budgets/{pk}/delete/").status_code == 404
    assert client.get(f"{address_of(make_budget())}delete/").status_code == 405


def test_a_stranger_is_sent_to_the_sign_in_page(client):
    budget = make_budget()
    client.logout()
    for address in (LIST, NEW, address_of(budget), f"{address_of(budget)}edit/"):
        assert client.get(address).url.startswith("/sign-in/?next=/analytics/budgets/")
    client.post(f"{address_of(budget)}delete/")
    assert Budget.objects.exists()


def test_the_list_asks_one_question_more_for_each_budget(client):
    for number in range(3):
        make_budget(f"Budget {number}", project=make_project(f"p{number}"))
    few = queries(client, LIST)
    for number in range(3, 6):
        make_budget(f"Budget {number}", project=make_project(f"p{number}"))
    assert queries(client, LIST) == few + 3
