"""Every page, in every state it can be in, is open to everybody.

Wide and narrow, light and dark: axe finds nothing of WCAG 2.2 AA, nothing scrolls sideways, the
console says nothing, and no policy has a hole in it or is run into.
"""

from __future__ import annotations

import json
import re

import pytest
from django.conf import settings as django_settings

from conversations import organising, writing
from conversations.models import LanguageModel, Project, Session
from conversations.tests.factories import (
    add_message,
    make_messages,
    make_session,
    make_sessions,
    work,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "a_very_long_name_without_any_place_to_break_it_" * 4


@pytest.fixture
def world(rich, django_user_model):
    """The session with something of everything, in company."""
    LanguageModel.objects.create(
        provider=LONG[:100], model_name=LONG[:100], cost_per_1k_input_tokens="0.0125"
    )
    make_sessions(60, project=rich.project, model=rich.model, tags=["tea", LONG[:100]])
    make_session(LONG, status="failed", project=Project.objects.create(name=LONG))
    Session.objects.filter(pk=rich.pk).update(tags=["green", LONG[:100]])
    for entity, uuid in (
        ("session", rich.session_uuid),
        ("message", rich.messages.get(sequence_number=1).message_uuid),
    ):
        writing.rate(entity, uuid, 4, annotator="reader")
        writing.annotate(entity, uuid, "note", content=f"Look\n{LONG}", annotator="reader")
        writing.annotate(entity, uuid, "tag", content="odd", annotator="else")
    writing.create_snapshot(rich.session_uuid, description=LONG)
    writing.branch_session(writing.branch_session(rich.session_uuid, 2), 1)
    gone = Session.objects.filter(title__in=["Session 7", "Session 8"])
    organising.trash(gone, user=django_user_model.objects.get())
    return rich


def fully_shown(visitor, selector: str) -> None:
    """Assert that something lies inside the window: what is left of it cannot be scrolled to."""
    box = visitor.page.locator(selector).bounding_box()
    assert box["x"] >= 0, f"{visitor.page.url}, {selector}"
    assert box["x"] + box["width"] <= visitor.page.viewport_size["width"]


def open_menus(visitor) -> None:
    """Open each menu at each width, look at it, and close it by Escape."""
    page = visitor.page
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        for number in range(page.locator("details.menu").count()):
            summary = page.locator("details.menu > summary").nth(number)
            summary.click()
            fully_shown(visitor, "details.menu[open] > .menu-items")
            visitor.check()
            visitor.check_access()
            page.keyboard.press("Escape")
            assert page.locator("details.menu[open]").count() == 0
            assert summary.evaluate("(summary) => summary === document.activeElement")


def test_lists_of_sessions_projects_and_models_are_open_to_everybody(visit, reader, world):
    visitor = visit(reader)
    for path in (
        "/sessions/?page=2",
        f"/sessions/?project={world.project.pk}&tag=green&cost_min=0&since=2026-01-01&period=x",
        "/sessions/?title=nothing&status=failed",
        "/projects/",
        "/models/?sort=-cost",
        world.project.get_absolute_url(),
        world.model.get_absolute_url(),
        "/trash/",
    ):
        visitor.go(path)
        visitor.check_all()
    visitor.go("/sessions/")
    open_menus(visitor)


def test_a_session_and_all_that_belongs_to_it_is_open_to_everybody(visit, reader, world):
    visitor = visit(reader)
    page = visitor.page
    address = world.get_absolute_url()
    visitor.go(address)
    visitor.check_all()
    for fold in page.locator("#messages summary, .transcript > details > summary").all():
        fold.click()
    page.get_by_role("link", name="Rate or note message 1").click()
    page.locator(".message .rate").wait_for()
    visitor.check_all()
    open_menus(visitor)
    snapshot = world.snapshots.first().sequence_number
    message = world.messages.get(sequence_number=1).message_uuid
    for path in (
        "branches/", "snapshots/", f"snapshots/{snapshot}/", "edit/", f"messages/{message}/"
    ):  # fmt: skip
        visitor.go(address + path)
        visitor.check_all()


def test_an_installation_with_nothing_in_it_is_open_to_everybody(visit, reader):
    visitor = visit(reader)
    for path in ("/sessions/", "/projects/", "/models/", "/trash/", "/search/", "/search/?q=tea"):
        visitor.go(path)
        visitor.check_all()
    bare = make_session("")
    for path in ("", "branches/", "snapshots/"):
        visitor.go(bare.get_absolute_url() + path)
        visitor.check_all()


def test_forms_and_their_errors_are_open_to_everybody(visit, reader, world, tmp_path):
    visitor = visit(reader)
    page = visitor.page
    for path, field, value in (
        ("/sessions/new/", "Temperature", "9"),
        ("/projects/new/", "Name *", ""),
        (f"{world.project.get_absolute_url()}edit/", "Name *", ""),
        ("/models/new/", "Context window (tokens)", "-1"),
        ("/account/password/", "New password confirmation", "x"),
    ):
        visitor.go(path)
        visitor.check_all()
        page.get_by_role("main").get_by_label(field, exact=True).fill(value)
        if path == "/account/password/":
            page.locator("#id_new_password1").fill("y")
        page.locator("main form .btn-primary").click()
        page.get_by_role("alert").wait_for()
        visitor.check_all()

    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps([{"title": LONG, "mapping": {"a": 1}}, {"mapping": []}]))
    unknown = tmp_path / f"{LONG[:100]}.json"
    unknown.write_text("{}")
    visitor.go("/import/")
    visitor.check_all()
    page.get_by_label("Files").set_input_files([odd, unknown])
    page.get_by_role("button", name="Import").click()
    page.get_by_role("heading", name="Waiting for its turn").wait_for()
    visitor.check_all()
    work()
    page.locator("#report").wait_for()
    for fold in page.locator("#report summary").all():
        fold.click()
    visitor.check_all()
    for path in ("/import/", "/sessions/export/?q=water&status=active"):
        visitor.go(path)
        visitor.check_all()
    visitor.go(world.get_absolute_url())
    page.get_by_role("link", name="Add a message").click()
    page.locator("#add form").wait_for()
    page.wait_for_selector("#add :focus")
    page.locator("#add details > summary").click()
    visitor.check_all()
    page.locator("#add").get_by_label("Cost (USD)").fill("-1")
    page.locator("#add form").evaluate("(form) => { form.noValidate = true }")
    page.locator("#add .btn-primary").click()
    page.get_by_role("alert").wait_for()
    visitor.check_all()


def test_search_help_and_settings_are_open_to_everybody(visit, reader, world):
    make_messages(make_session("Many"), 30)
    visitor = visit(reader)
    for path in (
        "/search/",
        "/search/?q=message",
        "/search/?q=water&order=newest",
        "/search/?q=water+role:user&facets=1",
        "/search/?q=zzz+yyy+role:tool",
        "/search/?q=water+rol:user",
        "/sessions/?q=water+rol:user",
        f"/search/?q={LONG}",
        "/search/?q=water+OR+boiling+-role:system+project:مطبخ&by=message&facets=1",
        f"/search/?q=boiling&session={world.session_uuid}",
        "/search/?q=water+rol:user+model:claud-sonet+after:soon+status:odd",
        f"/search/?q={LONG}+zebra+role:user+project:none",
        "/search/?q=oiling",
        "/search/?q=water&page=9",
        "/sessions/?q=water+rol:user",
        "/go/",
        "/go/?q=tea",
        f"/go/?q={LONG}",
        "/connect/",
        "/keys/",
        "/account/",
        "/styleguide/",
    ):
        visitor.go(path)
        visitor.check_all()
    visitor.go("/search/?q=water")
    visitor.page.locator("#facets .facet").first.wait_for()
    visitor.page.locator(".how-to > summary").click()
    visitor.check_all()


def test_what_is_swapped_in_or_opened_is_open_to_everybody(visit, reader, world):
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/sessions/")
    page.evaluate("window.stayed = true")
    page.locator("#page-next").click()
    page.wait_for_selector('[aria-current="page"]#page-2')
    visitor.check_all()
    page.locator(".filters > summary").click()
    page.locator("#filters").get_by_label("Tag", exact=True).fill("tea")
    page.locator("#filters").get_by_label("Tag", exact=True).press("Tab")
    page.locator(".chips").wait_for()
    page.get_by_label("Select Session 1", exact=True).check()
    visitor.check_all()
    page.get_by_label("Select Session 1", exact=True).check()
    page.locator(".bulk").get_by_label("Tag", exact=True).fill("new")
    page.locator(".bulk").get_by_role("button", name="Add", exact=True).click()
    page.locator(".toast-note", has_text="1 session tagged new.").wait_for()
    visitor.check_all()
    page.get_by_role("button", name="Dismiss").click()
    assert page.locator(".toast-note").count() == 0
    assert page.evaluate("window.stayed")

    page.keyboard.press("Control+k")
    page.locator("#palette [role=option]").first.wait_for()
    visitor.check_all()
    page.keyboard.type("no such thing")
    page.locator("#palette", has_text="Nothing has this name.").wait_for()
    visitor.check_all()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#keys-sheet[open]").wait_for()
    visitor.check_all()
    page.mouse.click(5, 5)  # beside it
    page.wait_for_selector("#keys-sheet", state="hidden")

    visitor.go("/search/?q=session")
    page.locator("#search-text").fill("boiling")
    page.wait_for_url("**q=boiling**")
    page.locator(".hit mark").first.wait_for()
    page.locator("#facets .facet").first.wait_for()
    page.locator(".how-to > summary").click()
    visitor.check_all()
    page.locator("#search-text").focus()
    page.keyboard.press("ArrowDown")
    page.locator(".hit.is-current").wait_for()
    visitor.check_all()
    page.locator("#facets").get_by_role("link", name=re.compile("^tool")).click()
    page.locator("#facets [aria-current]").wait_for()
    visitor.check_all()
    open_menus(visitor)
    page.route("**/search/**", lambda route: route.abort())
    page.locator("#search-text").fill("boil")
    page.locator("#trouble").wait_for()
    visitor.check_access()


def test_pages_that_refuse_are_open_to_everybody(visit, client, reader, world, django_user_model):
    visitor = visit(reader, expects_errors=True)
    visitor.go("/sessions/nothing/")
    visitor.check_all()
    name = django_settings.SESSION_COOKIE_NAME
    stranger = django_user_model.objects.create_user("stranger")
    client.force_login(stranger)
    visitor.page.context.clear_cookies()
    cookie = {"name": name, "value": client.cookies[name].value, "url": visitor.address}
    visitor.page.context.add_cookies([cookie])
    visitor.go("/styleguide/")
    assert visitor.page.get_by_role("heading", level=1).is_visible()
    visitor.check_all()

    visitor = visit(expects_errors=True)
    page = visitor.page
    visitor.go("/sign-in/")
    visitor.check_all()
    for _ in range(django_settings.AXES_FAILURE_LIMIT):
        page.get_by_label("User name").fill("nobody")
        page.get_by_label("Password").fill("wrong")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        if page.locator("#why").count() and visitor.pages < 4:
            visitor.check_all()
    page.get_by_role("heading", name="Too many attempts").wait_for()
    visitor.check_all()
    visitor.go("/sign-in/x/y/")
    visitor.check_all()


def test_nothing_scrolls_sideways_on_a_wall_of_a_screen(visit, reader, world):
    visitor = visit(reader, width=3840)
    for path in ("/sessions/", world.get_absolute_url(), "/search/?q=water", "/styleguide/"):
        visitor.go(path)
        visitor.check()


def test_the_admin_is_open_to_everybody(visit, reader, world):
    visitor = visit(reader)
    for path in (
        "",
        "conversations/session/",
        "conversations/session/?q=tea&status__exact=active",
        f"conversations/session/{world.pk}/change/",
        f"conversations/session/{world.pk}/delete/",
        "conversations/project/add/",
        "auth/user/",
        "password_change/",
    ):
        visitor.go(f"/admin/{path}")
        for scheme in ("light", "dark"):
            visitor.page.emulate_media(color_scheme=scheme)
            visitor.check_access()
        assert visitor.troubles == []


def test_a_policy_with_a_hole_in_it_would_be_noticed(visit, reader, monkeypatch):
    add_message(make_session("Tea"), 1, "<b>")
    visitor = visit(reader)
    visitor.go("/sessions/")
    assert (visitor.pages, visitor.troubles) == (1, [])
    visitor.page.evaluate("document.body.setAttribute('style', 'color: red')")
    visitor.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')"
    )
    for _ in range(100):
        if visitor.troubles:
            break
        visitor.page.wait_for_timeout(50)
    assert any(re.match("error: violation: style-src", trouble) for trouble in visitor.troubles)
