"""Searching as one does it: typing, arrows, a click on what narrows it down, landing on the hit."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from conversations.models import SavedView
from conversations.tests.factories import (
    NOON,
    add_message,
    make_messages,
    make_project,
    make_session,
)
from conversations.views import results

from .test_journeys import toast, undo, with_and_without_javascript

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIT = "document.querySelector('.message:target')?.getAttribute('aria-label')"


@pytest.fixture
def tea():
    """Three sessions about tea, the second of them in a project."""
    make_session("Green", "How long does sencha steep?", "Sencha needs a minute.")
    make_session("Black", "And assam?", "Assam is no sencha.", project=make_project("My kitchen"))
    later = make_session("White")
    add_message(later, 1, "Sencha again", role="user", timestamp=NOON + timedelta(days=60))


def titles(page):
    return page.locator("#hits a.title")


def test_hits_come_while_one_types_and_only_those_of_the_last_letters(
    visit, reader, tea, monkeypatch
):
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/search/")
    page.evaluate("window.stayed = true")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    assert visitor.has_focus("#search-text")
    page.keyboard.type("sencha", delay=20)
    expect(titles(page)).to_have_count(3)
    assert len([url for url in asked if "q=" in url]) <= 4  # not one for each letter
    page.wait_for_url("**q=sencha**")
    assert page.title() == "sencha \N{EN DASH} Search \N{EN DASH} LLM Sessions"
    page.locator("#facets .facet").first.wait_for()
    expect(page.locator("#announcement")).to_have_text("3 sessions, best first.")

    # An answer that comes late is no answer to what stands in the box by then.
    find = results.search.find

    go_on, is_late = threading.Event(), threading.Event()

    def slowly(typed: str, **options):
        if typed == "sencha a":
            go_on.wait(20)
            is_late.set()
        return find(typed, **options)

    monkeypatch.setattr(results.search, "find", slowly)
    page.locator("#search-text").press("End")
    with page.expect_request("**q=sencha%20a&**"):
        page.keyboard.type(" a")
    page.keyboard.type("ssam")
    expect(titles(page)).to_have_text(["Black"])
    go_on.set()
    assert is_late.wait(20)
    page.wait_for_timeout(500)  # for what must not come
    expect(titles(page)).to_have_text(["Black"])
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_role("heading", name="Search all that was said").wait_for()
    expect(page.locator("#facets")).to_be_empty()
    assert page.evaluate("window.stayed")
    assert visitor.has_focus("#search-text")
    # htmx tells the console of each request that it takes back.
    visitor.troubles = [said for said in visitor.troubles if "htmx:" not in said]
    visitor.check()


def test_hits_are_gone_through_by_arrows_and_opened_by_enter(visit, reader, tea):
    visitor = visit(reader)
    page, press = visitor.page, visitor.page.keyboard.press
    visitor.go("/search/?q=sencha&order=newest")
    assert visitor.has_focus("body")
    press("/")
    assert visitor.has_focus("#search-text")
    press("ArrowDown")
    press("ArrowDown")
    assert visitor.has_focus("#hits [data-row]:nth-child(2) a.title")
    expect(page.locator(".hit.is-current")).to_have_count(1)
    press("ArrowUp")
    press("ArrowUp")
    assert visitor.has_focus("#search-text")
    expect(page.locator(".hit.is-current")).to_have_count(0)
    for _ in range(5):
        press("ArrowDown")
    assert visitor.has_focus("#hits [data-row]:nth-child(3) a.title")
    press("Escape")
    assert visitor.has_focus("#search-text")
    expect(page.locator("#search-text")).to_have_value("sencha")
    press("ArrowDown")
    press("Enter")
    page.get_by_role("heading", level=1, name="White").wait_for()
    assert page.evaluate(LIT) == "User, message 1"
    page.go_back()
    expect(titles(page)).to_have_count(3)
    press("/")
    press("Escape")
    page.get_by_role("heading", name="Search all that was said").wait_for()
    expect(page.locator("#search-text")).to_have_value("")
    press("Escape")
    assert visitor.has_focus("body")
    visitor.check()


def test_arrows_and_the_slash_are_left_alone_once_single_keys_are_off(visit, reader, tea):
    visitor = visit(reader)
    page = visitor.page
    page.context.add_cookies([{"name": "keys", "value": "off", "url": visitor.address}])
    visitor.go("/search/?q=sencha")
    page.keyboard.press("/")
    assert visitor.has_focus("body")
    page.locator("#search-text").focus()
    page.keyboard.press("ArrowDown")
    assert visitor.has_focus("#search-text")
    visitor.check()


@with_and_without_javascript
def test_a_hit_on_a_late_page_of_a_long_session_is_landed_on_and_lit(visit, reader, javascript):
    session = make_session("Long")
    make_messages(session, 120)
    add_message(session, 999, "a needle\n\n" + "line\n\n" * 60, timestamp=NOON)
    add_message(session, 1000, "context with a pin", role="user", is_hidden=True)
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/search/?q=needle")
    page.get_by_role("link", name="Long").click()
    lit = page.locator(".message:target")
    lit.wait_for()
    expect(lit.locator(".permalink")).to_have_text("#999")
    assert lit.evaluate("(message) => getComputedStyle(message).outlineStyle") == "solid"
    assert lit.bounding_box()["y"] < 200
    if javascript:  # what is folded is opened
        visitor.go("/search/?q=pin")
        page.get_by_role("link", name="Long").click()
        page.locator(".message:target", has_text="context with a pin").wait_for()
        expect(page.locator(".message:target .text")).to_be_visible()
    visitor.check()


@with_and_without_javascript
def test_facets_narrow_by_a_click_and_are_taken_off_again(visit, reader, tea, javascript):
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/search/?q=sencha")
    page.evaluate("window.stayed = true") if javascript else None
    facets, box = page.locator("#facets"), page.locator("#search-text")
    if not javascript:
        facets.get_by_role("link", name="Show models, projects, roles and months").click()
    facets.get_by_role("link", name="My kitchen 1").click()
    expect(titles(page)).to_have_text(["Black"])
    expect(box).to_have_value('sencha project:"My kitchen"')
    page.wait_for_url("**My+kitchen**")
    chosen = facets.get_by_role("link", name=re.compile("^My kitchen 1 ?, take off"))
    if javascript:
        expect(chosen).to_be_focused()
        assert page.evaluate("window.stayed")
    chosen.click()
    expect(titles(page)).to_have_count(3)
    facets.get_by_role("link", name="2026-04 1").click()
    expect(titles(page)).to_have_text(["White"])
    expect(box).to_have_value("sencha after:2026-04 before:2026-05")
    chips = page.get_by_role("list", name="Fields that are asked for")
    chips.get_by_role("link", name="Before 2026-05").click()
    expect(box).to_have_value("sencha after:2026-04")  # the other chip leads there by then
    chips.get_by_role("link", name="From 2026-04").click()
    expect(titles(page)).to_have_count(3)
    expect(box).to_have_value("sencha")
    page.go_back()
    expect(titles(page)).to_have_text(["White"])
    visitor.check()


@with_and_without_javascript
def test_a_search_is_saved_shared_opened_and_deleted(visit, reader, tea, javascript):
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    if javascript:  # what was typed since the page was made is what is kept
        visitor.go("/search/")
        page.locator("#search-text").fill("sencha role:user")
        page.wait_for_url("**role%3Auser**")
    else:
        visitor.go("/search/?q=sencha+role:user")
    menu = page.locator(".page-head .menu")
    menu.locator("summary").click()
    menu.get_by_label("Save what is shown now").fill("Asked")
    menu.get_by_label("Show it to everybody").check()
    menu.get_by_role("button", name="Save").click()
    toast(page, "Saved as “Asked”.")
    view = SavedView.objects.get()
    assert (view.page, view.query, view.is_shared) == ("search", "q=sencha+role%3Auser", True)
    visitor.go("/search/")
    page.locator("#hits").get_by_role("link", name="Asked").click()
    expect(titles(page)).to_have_count(2)
    menu.locator("summary").click()
    menu.get_by_role("button", name="Delete the search Asked").click()
    undo(page, "View “Asked” deleted.")
    assert SavedView.objects.count() == 1
    visitor.check()


@with_and_without_javascript
def test_one_session_is_searched_from_its_page_and_left_for_all(visit, reader, tea, javascript):
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/search/?q=assam")
    titles(page).first.click()
    page.get_by_role("searchbox", name="Search in this session").fill("sencha")
    page.get_by_role("searchbox", name="Search in this session").press("Enter")
    page.wait_for_url(re.compile(r"/search/\?q=session%3A.*sencha"))
    expect(titles(page)).to_have_text(["Assistant, message 2"])
    page.get_by_role("link", name="In the session Black").click()
    expect(titles(page)).to_have_count(3)
    page.get_by_role("link", name="2 hits").click()
    expect(titles(page)).to_have_count(2)
    page.get_by_role("link", name="Open the session").click()
    page.get_by_role("heading", level=1, name="Green").wait_for()
    visitor.check()


@with_and_without_javascript
def test_the_list_of_sessions_is_narrowed_by_the_same_words(visit, reader, tea, javascript):
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/sessions/")
    page.locator(".filters > summary").click()
    field = page.locator("#filters").get_by_label("Search")
    field.fill("sencha rol:assistant")
    if not javascript:
        field.press("Enter")
    page.get_by_role("heading", name="No session matches").wait_for()
    page.get_by_role("link", name="role:assistant").click()
    expect(page.locator("#sessions-table a.title")).to_have_count(2)
    page.locator(".chips").get_by_role("link", name="Search").click()
    expect(page.locator("#sessions-table a.title")).to_have_count(3)
    visitor.check()
