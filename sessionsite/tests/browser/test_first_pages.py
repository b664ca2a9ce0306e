"""Signing in, the list and a session, used in a real browser as people use them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conversations.tests.factories import (
    make_messages,
    make_session,
    make_sessions,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def shown(visitor):
    return visitor.page.locator("a.title")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_sign_in_list_sort_page_and_open_a_session(visit, alice, javascript):
    make_sessions(60)
    visitor = visit(java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/sessions/?sort=started")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/sessions/?sort=started")
    expect(shown(visitor).first).to_have_text("Session 59")

    page.locator("#sort-title").click()
    page.wait_for_url("**sort=title**")
    page.wait_for_selector('th[aria-sort="ascending"] #sort-title')
    for place, title in enumerate(["Session 0", "Session 1", "Session 10"]):
        expect(shown(visitor).nth(place)).to_have_text(title)
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**page=2**")
    page.wait_for_selector('[aria-current="page"]#page-2')
    expect(shown(visitor)).to_have_count(25)
    second = shown(visitor).all_inner_texts()
    page.get_by_role("link", name="50 rows a page").click()
    page.wait_for_url("**per_page=50**")
    expect(shown(visitor)).to_have_count(50)

    page.go_back()
    page.wait_for_url("**page=2**")
    page.wait_for_selector('[aria-current="page"]#page-2')
    expect(shown(visitor)).to_have_text(second)
    page.get_by_role("link", name=second[0], exact=True).click()
    page.wait_for_url(re.compile("/sessions/s-"))
    expect(page.get_by_role("heading", level=1)).to_have_text(second[0])
    page.locator(".account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    if javascript:
        visitor.check()
    assert visitor.troubles == []


def test_paging_changes_the_table_and_leaves_the_page(visit, reader):
    make_sessions(60)
    visitor = visit(reader)
    visitor.go("/sessions/")
    visitor.page.evaluate("window.stayed = true")
    visitor.page.locator("#page-next").focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector('[aria-current="page"]#page-2')
    assert visitor.page.evaluate("window.stayed")
    # For who cannot see it: the focus stays, and the change is said.
    assert visitor.has_focus("#page-next")
    said = "Sessions, sorted by started, descending. Page 2 of 3."
    expect(visitor.page.locator("#announcement")).to_have_text(said)
    visitor.check()


def test_an_expired_sign_in_leads_to_the_sign_in_page_and_back(visit, reader, alice):
    make_sessions(60)
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/sessions/?sort=title")
    page.context.clear_cookies()
    page.locator("#page-next").click()
    page.wait_for_url("**/sign-in/?next=**")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/?sort=title")
    visitor.check()


def test_an_error_behind_a_link_is_said(visit, reader, monkeypatch):
    from django.db import OperationalError

    from conversations.views import sessions

    def locked(*_, **__):
        raise OperationalError("database is locked")

    make_sessions(60)
    visitor = visit(reader)
    visitor.go("/sessions/")
    monkeypatch.setattr(sessions, "totals", locked)
    visitor.page.locator("#page-next").click()
    visitor.page.wait_for_selector("#trouble:not([hidden])")
    expect(visitor.page.locator("#trouble")).to_contain_text("is locked")
    expect(shown(visitor)).to_have_count(25)


def test_a_link_to_a_message_opens_its_page_at_the_message(visit, reader):
    session = make_session("Tea")
    make_messages(session, 120)
    visitor = visit(reader)
    visitor.go(f"{session.get_absolute_url()}?message={session.id}-77#m-{session.id}-77")
    message = visitor.page.locator(f"#m-{session.id}-77")
    expect(message).to_be_visible()
    assert visitor.page.evaluate(f"document.querySelector(':target').id == 'm-{session.id}-77'")
    assert 0 <= message.bounding_box()["y"] < 800
    visitor.page.locator("#top-page-next").click()
    visitor.page.wait_for_selector('[aria-current="page"]#top-page-3')
    assert "page=3" in visitor.page.url
    visitor.check()


def test_what_is_folded_opens_by_keyboard(visit, reader, rich):
    visitor = visit(reader)
    visitor.go(rich.get_absolute_url())
    summary = visitor.page.locator("summary", has_text="Tool call: kettle")
    value = visitor.page.locator("details", has=summary).locator("pre").first
    expect(value).to_be_hidden()
    summary.focus()
    visitor.page.keyboard.press("Enter")
    expect(value).to_be_visible()
    visitor.check()


def test_the_first_thing_the_keyboard_reaches_skips_to_the_content(visit, reader):
    visitor = visit(reader)
    visitor.go("/sessions/")
    visitor.page.keyboard.press("Tab")
    skip = visitor.page.locator(".skip")
    assert skip.evaluate("(link) => link === document.activeElement")
    assert skip.bounding_box()["y"] >= 0
    visitor.page.keyboard.press("Enter")
    assert visitor.has_focus("#main")


def test_colours_follow_the_system_or_the_choice(visit, reader):
    dark, light = "rgb(17, 20, 26)", "rgb(246, 247, 249)"
    ground = "getComputedStyle(document.body).backgroundColor"
    for javascript in (True, False):
        for system, colour in (("light", light), ("dark", dark)):
            visitor = visit(color_scheme=system, java_script_enabled=javascript)
            visitor.go("/sign-in/")
            assert visitor.page.evaluate(ground) == colour
    visitor = visit(reader, color_scheme="light")
    visitor.go("/sessions/?per_page=50")
    visitor.page.get_by_role("button", name="Dark").click()
    visitor.page.wait_for_selector('[data-bs-theme="dark"]')
    assert visitor.page.evaluate(ground) == dark
    assert visitor.page.url.endswith("/sessions/?per_page=50")
    visitor.page.get_by_role("button", name="System").click()
    visitor.page.wait_for_selector('[data-bs-theme="system"]')
    assert visitor.page.evaluate(ground) == light
    visitor.check()


def test_the_admin_works_under_the_policy(visit, reader, rich):
    visitor = visit(reader)
    for path in ("", "conversations/session/", f"conversations/session/{rich.id}/change/"):
        visitor.go(f"/admin/{path}")
    visitor.page.get_by_label("Title:").fill("Coffee")
    visitor.page.get_by_role("button", name="Save", exact=True).click()
    visitor.page.wait_for_url("**/admin/conversations/session/")
    rich.refresh_from_db()
    assert rich.title == "Coffee"
    assert visitor.troubles == []
