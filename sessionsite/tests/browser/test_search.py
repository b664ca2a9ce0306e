"""The search page in a real browser: as one types, by keyboard, and narrowed down by clicks."""

from __future__ import annotations

import re

import pytest

from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def teas():
    """Two sessions of which three messages say sencha."""
    green = make_session("Green", project=make_project("Kitchen"), model=make_model())
    add_message(green, 1, "How long does sencha take?", role="user")
    add_message(green, 2, "Sencha takes two minutes.")
    make_session("Black", "Is sencha black?", "No.")
    return green


def hits(page):
    return page.locator("#hits .hit")


def wait_for_hits(page, count: int) -> None:
    page.wait_for_function(
        "(count) => document.querySelectorAll('#hits .hit').length === count", arg=count
    )


def test_hits_come_as_one_types_and_the_address_says_what_is_asked(visit, reader, teas):
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/search/")
    page.evaluate("window.stayed = true")
    assert visitor.has_focus("#search-text")
    page.keyboard.type("sencha")
    page.wait_for_url("**/search/?q=sencha**")
    wait_for_hits(page, 2)
    page.locator("#facets .facet").first.wait_for()
    page.wait_for_function("document.title.startsWith('sencha')")
    page.locator("#search-by").select_option("message")
    wait_for_hits(page, 3)
    page.wait_for_url("**by=message**")
    page.locator("#search-text").fill("zzz")
    page.get_by_role("heading", name="Nothing was found").wait_for()
    assert page.locator("#facets .facet").count() == 0
    page.locator("#search-text").fill("")
    page.get_by_role("heading", name="Search all that was said").wait_for()
    assert page.evaluate("window.stayed")
    assert visitor.has_focus("#search-text")
    visitor.check()


def test_arrows_go_from_the_box_to_the_hits_and_escape_comes_back(visit, reader, teas):
    visitor = visit(reader)
    page, press = visitor.page, visitor.page.keyboard.press
    visitor.go("/search/?q=sencha&by=message&order=newest")
    page.locator("#facets .facet").first.wait_for()
    page.locator("#search-text").focus()
    press("ArrowDown")
    assert visitor.has_focus(".hit:nth-child(1) a.title")
    press("ArrowDown")
    assert visitor.has_focus(".hit:nth-child(2) a.title")
    press("ArrowUp")
    press("ArrowUp")
    assert visitor.has_focus("#search-text")
    press("ArrowDown")
    press("Escape")
    assert visitor.has_focus("#search-text")
    assert page.locator(".is-current").count() == 0
    assert page.locator("#search-text").input_value() == "sencha"
    press("Escape")  # empties the box
    page.get_by_role("heading", name="Search all that was said").wait_for()
    press("Escape")  # and leaves it
    assert visitor.has_focus("body")
    visitor.check()


def test_enter_on_a_hit_lands_on_its_message_which_is_lit(visit, reader, teas):
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/search/?q=minutes")
    page.locator("#search-text").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**#m-*")
    lit = page.locator(".message:target")
    assert "two minutes" in lit.inner_text()
    assert lit.evaluate("(message) => getComputedStyle(message).outlineStyle") == "solid"
    assert lit.evaluate(
        "(message) => { const box = message.getBoundingClientRect();"
        " return box.top >= 0 && box.top < innerHeight; }"
    )
    visitor.check()


def test_facets_narrow_down_by_a_click_and_a_chip_takes_that_off(visit, reader, teas):
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/search/?q=sencha")
    page.evaluate("window.stayed = true")
    page.locator("#facets").get_by_role("link", name=re.compile("Kitchen")).click()
    page.wait_for_url(re.compile("project%3AKitchen"))
    wait_for_hits(page, 1)
    assert page.locator("#search-text").input_value() == "sencha project:Kitchen"
    page.locator('#facets a[aria-current="true"]', has_text="Kitchen").wait_for()
    page.locator("#hits .chip", has_text="Kitchen").click()
    wait_for_hits(page, 2)
    assert page.locator("#search-text").input_value() == "sencha"
    page.go_back()
    wait_for_hits(page, 1)
    assert page.locator("#search-text").input_value() == "sencha project:Kitchen"
    visitor.check()


def test_a_session_is_searched_from_its_own_page(visit, reader, teas):
    visitor = visit(reader)
    page = visitor.page
    visitor.go(teas.get_absolute_url())
    page.get_by_role("searchbox", name="Search in this session").fill("sencha")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/search/\?q=session%3A"))
    assert hits(page).count() == 2
    page.get_by_role("link", name="Open the session").click()
    page.get_by_role("heading", level=1, name="Green").wait_for()
    visitor.check()


def test_everything_works_without_javascript(visit, reader, teas):
    visitor = visit(reader, java_script_enabled=False)
    page = visitor.page
    visitor.go("/search/")
    page.locator("#search-text").fill("sencha")
    page.get_by_role("button", name="Search").last.click()
    assert hits(page).count() == 2
    page.get_by_role("link", name="Show models, projects, roles and months").click()
    page.locator("#facets").get_by_role("link", name=re.compile("Kitchen")).click()
    assert hits(page).count() == 1
    page.locator("#hits .chip", has_text="Kitchen").click()
    assert hits(page).count() == 2
    assert visitor.troubles == []
