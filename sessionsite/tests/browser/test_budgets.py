"""Setting a budget and looking at how it is spent, in a real browser."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from analytics.models import Budget
from conversations.tests.factories import add_message, make_project, make_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_budget_is_set_and_its_pages_are_usable_wide_narrow_light_and_dark(visit, reader):
    kitchen = make_project("Kitchen")
    for number, days in enumerate((0, 1, 2, 5), start=1):
        session = make_session(f"Tea {number} {'long ' * number * 8}", project=kitchen)
        add_message(session, 1, cost=number, timestamp=timezone.now() - timedelta(days=days))
    add_message(session, 2, input_tokens=10, timestamp=timezone.now())
    Budget.objects.create(name="مطبخ " * 20, hard_limit=Decimal(1), period="day")
    Budget.objects.create(name="Ample", hard_limit=Decimal(1000), soft_limit=Decimal(900))
    Budget.objects.create(name="Asleep", hard_limit=Decimal(1), is_active=False)

    visitor = visit(reader)
    page = visitor.page
    visitor.go("/analytics/budgets/new/")
    visitor.check_all()
    page.get_by_label("Name").fill("Kitchen, by day")
    page.get_by_label("Period").select_option("Day")
    page.get_by_label("Soft line").fill("1")
    page.get_by_label("Hard line").fill("0.5")
    page.get_by_label("Project", exact=True).select_option("Kitchen")
    page.get_by_role("button", name="Save").click()
    assert "must not be above" in page.get_by_role("alert").inner_text()
    visitor.check_all()
    page.get_by_label("Soft line").fill("0.25")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/analytics/budgets/*/")
    page.wait_for_selector("[data-drawn]")
    assert page.get_by_text("Hard line reached").is_visible()
    visitor.check_all()

    page.get_by_role("link", name="Budgets", exact=True).click()
    assert page.get_by_role("meter").count() == 3
    visitor.check_all()
    page.get_by_role("link", name="Ample").click()
    page.wait_for_selector("[data-drawn]")
    visitor.check_all()
