"""What people come for, done from the first click to the last in a real browser."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from conversations import organising
from conversations.models import Message, Session
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
    make_sessions,
    work,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
with_and_without_javascript = pytest.mark.parametrize(
    "javascript", [True, False], ids=["with JavaScript", "without"]
)
CHATGPT = [
    {
        "id": "6900aaaa-0000-8000-8000-000000000001",
        "title": "Sourdough",
        "create_time": 1_760_000_000.5,
        "current_node": "answer",
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["question"]},
            "question": {
                "id": "question",
                "parent": "root",
                "children": ["answer"],
                "message": {
                    "id": "q",
                    "author": {"role": "user"},
                    "create_time": 1_760_000_001.0,
                    "content": {"content_type": "text", "parts": ["How long does it rise?"]},
                },
            },
            "answer": {
                "id": "answer",
                "parent": "question",
                "children": [],
                "message": {
                    "id": "a",
                    "author": {"role": "assistant"},
                    "create_time": 1_760_000_002.0,
                    "content": {"content_type": "text", "parts": ["**Twelve** hours."]},
                },
            },
        },
    }
]


def titles(page):
    return page.locator("#sessions-table a.title")


def toast(page, text: str):
    """Wait until a toast says this, and return it."""
    note = page.locator("#toasts .toast-note", has_text=text)
    note.wait_for()
    return note


def undo(page, text: str) -> None:
    """Take back what a toast says, by its button."""
    toast(page, text).get_by_role("button", name="Undo").click()
    toast(page, "Taken back")


def row(page, title: str):
    link = page.get_by_role("link", name=title, exact=True)
    return page.locator("#sessions-table tbody tr").filter(has=link)


def on_the_page(page, selector: str, count: int) -> None:
    """Wait until there are so many of these elements."""
    expect(page.locator(selector)).to_have_count(count)


@with_and_without_javascript
def test_from_an_empty_list_by_demo_data_to_a_conversation_and_back(visit, reader, javascript):
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    page.set_default_timeout(60_000)  # it makes five hundred sessions
    visitor.go("/")
    page.wait_for_url("**/sessions/")
    page.get_by_role("button", name="Add demo data").click()
    toast(page, "Demo data added: 500 sessions.")
    page.set_default_timeout(10_000)
    expect(page.locator("#sums")).to_have_text(re.compile(r"^\s*500 sessions"))
    first = titles(page).first.inner_text()
    page.locator("#sessions-table a.title").first.click()
    page.wait_for_url(re.compile("/sessions/[^/?]+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    expect(page.locator("#messages .message .text").nth(1)).to_be_visible()
    page.get_by_label("Breadcrumbs").get_by_role("link", name="Sessions").click()
    page.locator("#demo-banner").get_by_role("button", name="Remove it").click()
    toast(page, "Demo data removed: 500 sessions.")
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
    visitor.check()


@with_and_without_javascript
def test_an_exported_file_is_uploaded_reported_and_read(visit, reader, tmp_path, javascript):
    good, bad = tmp_path / "conversations.json", tmp_path / "notes.json"
    good.write_text(json.dumps(CHATGPT))
    bad.write_text('{"shopping": ["flour"]}')
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/import/")
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".wrong").first).to_contain_text("This field is required.")

    page.get_by_label("Files").set_input_files([good, bad])
    page.get_by_label("Project for new sessions").fill("Bakery")
    page.get_by_label("Only say what would be stored").check()
    page.get_by_role("button", name="Import").click()
    page.get_by_role("heading", name="Waiting for its turn").wait_for()
    work()
    if not javascript:
        page.reload()
    page.get_by_role("heading", name="This would be stored").wait_for()
    assert Session.objects.count() == 0

    visitor.go("/import/")
    page.get_by_label("Files").set_input_files([good, bad])
    page.get_by_label("Project for new sessions").fill("Bakery")
    page.get_by_role("button", name="Import").click()
    page.get_by_role("heading", name="Waiting for its turn").wait_for()
    work()
    if not javascript:
        page.reload()
    page.get_by_role("heading", name="Imported").wait_for()
    report = page.locator("#report")
    assert re.search(r"New sessions\s+1\b", report.inner_text())
    assert re.search(r"New messages\s+2\b", report.inner_text())
    assert "notes.json" in report.text_content()
    assert str(tmp_path) not in report.text_content()
    page.get_by_role("link", name="Open the sessions").click()
    row(page, "Sourdough").get_by_role("link", name="Bakery").wait_for()
    page.get_by_role("link", name="Sourdough", exact=True).click()
    page.wait_for_url(re.compile("/sessions/[^/?]+/$"))
    expect(page.locator(".message[data-role=assistant] strong")).to_have_text("Twelve")
    visitor.check()


@with_and_without_javascript
def test_filters_narrow_the_list_and_come_off_one_by_one(visit, reader, javascript):
    make_sessions(30, project=make_project("Kitchen"))
    make_session("Green tea", tags=["hot"], status="completed")
    make_session("Iced tea", tags=["cold"], status="completed")
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/sessions/?sort=title")
    if javascript:
        page.evaluate("window.stayed = true")
    fields = page.locator("#filters")
    if not javascript:
        page.locator(".filters > summary").click()
        fields.get_by_label("Status").select_option("completed")
        fields.get_by_label("Tag").fill("cold")
        fields.get_by_role("button", name="Apply").click()
    else:
        page.locator(".filters > summary").click()
        fields.get_by_label("Status").select_option("completed")
        on_the_page(page, "#sessions-table tbody tr", 2)
        assert page.url.endswith("/sessions/?status=completed&sort=title")
        fields.get_by_label("Tag").fill("cold")
        fields.get_by_label("Tag").press("Tab")
    page.wait_for_url("**tag=cold**")
    on_the_page(page, "#sessions-table tbody tr", 1)
    expect(titles(page)).to_have_text(["Iced tea"])
    assert "status=completed" in page.url
    assert "sort=title" in page.url
    assert "title=&" not in page.url or not javascript
    if javascript:
        assert page.evaluate("window.stayed")
        expect(page.locator("#announcement")).to_contain_text("sorted by title")
    chips = page.get_by_label("Filters that are on")
    expect(chips.get_by_role("listitem")).to_have_count(2)
    chips.get_by_role("link", name="Tag").click()
    on_the_page(page, "#sessions-table tbody tr", 2)

    fields.get_by_label("Title").fill("coffee")
    if not javascript:
        fields.get_by_role("button", name="Apply").click()
    page.get_by_role("heading", name="No session matches").wait_for()
    page.get_by_role("link", name="Show all sessions").click()
    on_the_page(page, "#sessions-table tbody tr", 25)
    if javascript:  # Back asks the server again
        page.go_back()
        page.get_by_role("heading", name="No session matches").wait_for()
        expect(page.locator("#id_title")).to_have_value("coffee")
    visitor.check()


def test_a_row_of_boxes_is_ticked_with_shift_tagged_and_untagged_by_undo(visit, reader):
    make_sessions(60)
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/sessions/?page=2")
    bar = page.locator(".bulk")
    expect(bar).to_be_hidden()
    boxes = page.locator("#sessions-table tbody input[name=selected]")
    boxes.nth(2).click()
    boxes.nth(6).click(modifiers=["Shift"])
    expect(bar.locator(".bulk-count")).to_have_text("5 selected")
    boxes.nth(4).click()
    expect(bar.locator(".bulk-count")).to_have_text("4 selected")
    bar.get_by_label("Tag", exact=True).fill("keep")
    bar.get_by_label("Tag", exact=True).press("Enter")
    toast(page, "4 sessions tagged keep.")
    assert sorted(Session.objects.filter(tags=["keep"]).values_list("title", flat=True)) == [
        "Session 27",
        "Session 28",
        "Session 30",
        "Session 31",
    ]
    assert not Session.objects.filter(status="completed").exists()
    page.get_by_role("link", name="keep").first.wait_for()
    expect(bar).to_be_hidden()
    undo(page, "4 sessions tagged keep.")
    assert not Session.objects.filter(tags=["keep"]).exists()
    assert "page=2" in page.url  # where they were

    page.get_by_label("Select all on this page").check()
    expect(bar.locator(".bulk-count")).to_have_text("25 selected")
    boxes.nth(0).uncheck()
    expect(page.get_by_label("Select all on this page")).not_to_be_checked()
    bar.get_by_role("button", name="Move", exact=True).click()
    toast(page, "Choose a project")
    visitor.check()


@with_and_without_javascript
def test_all_that_match_are_deleted_and_brought_back_by_undo(visit, reader, javascript):
    make_sessions(60, status="completed")
    make_session("Tea")
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/sessions/?status=completed")
    page.locator("#sessions-table tbody input[name=selected]").first.check()
    page.get_by_label("all 60 that match").check()
    if javascript:
        expect(page.locator(".bulk-count")).to_have_text("60 selected")
    page.locator(".bulk").get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="No session matches").wait_for()
    assert "status=completed" in page.url
    assert Session.objects.count() == 1
    undo(page, "60 sessions moved to the trash.")
    on_the_page(page, "#sessions-table tbody tr", 25)
    assert Session.objects.count() == 61

    # Somebody adds one meanwhile: not what was seen.
    page.locator("#sessions-table tbody input[name=selected]").first.check()
    page.get_by_label("all 60 that match").check()
    make_session("Late", status="completed")
    page.locator(".bulk").get_by_role("button", name="Archive").click()
    toast(page, "61 sessions match now, and not 60. Nothing was changed")
    assert not Session.objects.filter(status="archived").exists()
    visitor.check()


@with_and_without_javascript
def test_a_session_is_written_by_hand_mended_and_a_message_comes_back(visit, reader, javascript):
    make_model("openai", "gpt-4o")
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go("/sessions/")
    page.get_by_role("link", name="New session").click()
    page.get_by_label("Temperature").fill("9")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("alert").wait_for()
    expect(page.get_by_label("Temperature")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Temperature").fill("0.5")
    page.get_by_label("Title", exact=True).fill("Bread")
    page.get_by_label("Project", exact=True).fill("Bakery")
    page.get_by_label("Tags", exact=True).fill("rye, slow")
    page.get_by_label("Model", exact=True).select_option(label="openai/gpt-4o")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", level=1, name="Bread").wait_for()
    session = Session.objects.get(title="Bread")
    assert (session.project.name, session.tags) == ("Bakery", ["rye", "slow"])

    def add(role: str, text: str) -> None:
        page.get_by_role("link", name="Add a message").click()
        form = page.locator("main form.form")
        form.get_by_label("Role").select_option(role)
        form.get_by_label("Text").fill(text)
        form.locator(".btn-primary").click()
        page.locator("#messages .message", has_text=text.strip("*")).wait_for()

    add("user", "Which flour?")
    add("assistant", "**Rye**")
    expect(page.locator(".message strong")).to_have_text("Rye")
    page.get_by_role("link", name="Edit message 1").click()
    page.get_by_label("Text").fill("Which flour is best?")
    page.get_by_role("button", name="Save").click()
    page.locator("#messages .message", has_text="Which flour is best?").wait_for()
    page.get_by_role("link", name="Edit message 2").click()
    page.get_by_role("button", name="Delete this message").click()
    toast(page, "Message 2 deleted.")
    on_the_page(page, "#messages .message", 1)
    undo(page, "Message 2 deleted.")
    on_the_page(page, "#messages .message", 2)
    expect(page.locator(".message strong")).to_have_text("Rye")
    visitor.check()


@with_and_without_javascript
def test_a_branch_goes_on_from_a_message_and_stands_in_the_tree(visit, reader, javascript):
    session = make_session("Tea", "Green?", "Yes.", "Black?", "No.")
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    visitor.go(session.get_absolute_url())
    page.get_by_role("button", name="Branch from message 2").click()
    toast(page, "Branched at message 2.")
    assert not page.url.endswith(session.get_absolute_url())
    on_the_page(page, "#messages .message", 2)
    page.get_by_label("Parts of this session").get_by_role("link", name="Branches").click()
    tree = page.get_by_role("list", name="The tree of branches").get_by_role("listitem")
    expect(tree).to_have_count(2)
    expect(tree.nth(1)).to_contain_text("Level 2:")
    expect(tree.nth(1)).to_contain_text("from message 2")
    expect(tree.nth(1)).to_have_attribute("aria-current", "true")
    tree.nth(0).get_by_role("link").click()
    page.wait_for_url(f"**{session.get_absolute_url()}")

    page.get_by_label("Parts of this session").get_by_role("link", name="Snapshots").click()
    page.get_by_label("What the snapshot is for").fill("Before the milk")
    page.get_by_role("button", name="Take a snapshot").click()
    page.get_by_role("link", name="At message 4").click()
    on_the_page(page, ".message", 4)
    visitor.check()


@with_and_without_javascript
def test_what_is_deleted_comes_back_by_undo_and_from_the_trash_until_it_is_purged(
    visit, reader, javascript
):
    session = make_session("Tea", "Green?")
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page

    def delete() -> None:
        visitor.go(session.get_absolute_url())
        page.locator(".session-head .menu > summary").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        toast(page, "Session moved to the trash.")

    def pick() -> None:
        page.locator(".account > summary").click()
        page.get_by_role("link", name="Trash").click()
        page.get_by_label("Select Tea").check()

    delete()
    undo(page, "Session moved to the trash.")
    expect(titles(page)).to_have_text(["Tea"])
    delete()
    pick()
    page.get_by_role("button", name="Bring back").click()
    toast(page, "1 session brought back.")
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    delete()
    pick()
    page.get_by_role("button", name="Delete for good").click()
    toast(page, "type the word delete")
    page.get_by_label("Select Tea").check()
    page.get_by_label("Type delete to confirm").fill("Delete")
    page.get_by_label("Type delete to confirm").press("Enter")
    toast(page, "1 session deleted for good.")
    assert Session.with_trash.count() == Message.objects.count() == 0
    visitor.check()


def test_everything_is_found_and_opened_by_keyboard_alone(visit, reader):
    make_sessions(30)
    tea = make_session("Tea", "How long does sencha take?", project=make_project("Kitchen"))
    visitor = visit(reader)
    page, press = visitor.page, visitor.page.keyboard.press
    visitor.go("/sessions/")
    press("/")
    assert visitor.has_focus("#site-search")
    page.keyboard.type("sencha")
    press("Enter")
    page.wait_for_url("**/search/?q=sencha")
    press("Escape")  # leaves no key behind in a field
    page.locator("body").evaluate("document.activeElement.blur()")
    press("j")
    assert visitor.has_focus(".hit a.title")
    press("Enter")
    page.wait_for_url(f"**{tea.get_absolute_url()}?message=**")

    for typed, key, address in (
        ("kitch", "", r"/projects/\d+/$"),
        ("session 1", "ArrowDown", "/sessions/s-0000"),
        ("trash", "", "/trash/$"),
    ):
        press("Control+k")
        page.wait_for_selector("#palette[open]")
        assert visitor.has_focus("#palette input")
        page.keyboard.type(typed)
        if key:
            page.wait_for_selector(f'#palette-results[data-of="{typed}"]')
            press(key)
            on_the_page(page, "#palette [role=option][aria-selected=true]", 1)
            assert visitor.has_focus("#palette input[aria-activedescendant=found-option-1]")
        press("Enter")  # at once: what is chosen is what was typed, not what was there before
        page.wait_for_url(re.compile(address))

    press("g")
    press("p")
    page.wait_for_url("**/projects/")
    press("g")
    press("s")
    page.wait_for_url("**/sessions/")
    for _ in range(3):
        press("j")
    press("k")
    on_the_page(page, "tr.is-current", 1)
    second = titles(page).nth(1).inner_text()
    press("x")
    expect(row(page, second).locator("input")).to_be_checked()
    press("]")
    page.wait_for_selector('[aria-current="page"]#page-2')
    press("[")
    page.wait_for_selector('[aria-current="page"]#page-1')
    press("?")
    page.wait_for_selector("dialog#keys-sheet[open]")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press("j")  # the list behind it stays where it is
    assert page.locator("tr.is-current").count() == 0
    press("Escape")
    page.wait_for_selector("dialog#keys-sheet", state="hidden")
    press("j")
    press("j")
    press("Enter")
    page.get_by_role("heading", level=1, name=second).wait_for()
    press("j")
    # htmx tells the console of a request of the palette that a page left behind.
    left_behind = ("htmx:afterRequest", "htmx:sendAbort", "htmx:sendError")
    visitor.troubles = [
        said for said in visitor.troubles if not any(name in said for name in left_behind)
    ]
    visitor.check()


def test_single_keys_do_nothing_once_they_are_switched_off(visit, reader):
    make_session("Tea", "Green?")
    visitor = visit(reader)
    page, press = visitor.page, visitor.page.keyboard.press
    visitor.go("/account/")
    press("?")  # on this page too, before they are off
    page.wait_for_selector("dialog#keys-sheet[open]")
    press("Escape")
    page.get_by_label("Keyboard shortcuts of a single key").select_option("off")
    page.get_by_role("button", name="Save").click()
    toast(page, "Your preferences are kept")
    expect(page.locator("html")).to_have_attribute("data-keys", "off")
    visitor.go("/sessions/")
    page.evaluate("window.stayed = true")
    for key in ("j", "x", "?", "/", "g", "p"):
        press(key)
    assert page.locator(".is-current, dialog[open], input:checked").count() == 0
    assert visitor.has_focus("body")
    assert page.evaluate("window.stayed")
    press("Control+k")  # not a single key
    page.wait_for_selector("#palette[open]")
    visitor.check()


def test_a_message_is_rated_tagged_and_noted_where_it_stands(visit, reader):
    session = make_session("Tea", "Green?", "Yes.")
    visitor = visit(reader)
    page = visitor.page
    visitor.go(session.get_absolute_url())
    page.evaluate("window.stayed = true")
    answer = page.locator(".message[data-role=assistant]")
    answer.get_by_role("link", name="Rate or note message 2").click()
    answer.get_by_role("button", name="4 of 5 stars").click()
    toast(page, "Rated.")
    answer.locator(".remark .stars").wait_for()
    answer.get_by_label("Note", exact=True).fill("Too short")
    answer.get_by_role("button", name="Keep note").click()
    toast(page, "Note kept.")
    answer.locator(".remark", has_text="Too short").wait_for()
    answer.get_by_label("Tag", exact=True).fill("brief")
    answer.get_by_role("button", name="Add tag").click()
    toast(page, "Tagged.")
    answer.locator(".remark .tag", has_text="brief").wait_for()
    assert page.evaluate("window.stayed")
    answer.get_by_role("button", name="Delete this note").click()
    undo(page, "Note deleted.")
    page.locator(".message .remark", has_text="Too short").wait_for()
    visitor.check()


def test_copying_a_message_gives_its_markdown(visit, reader, live_server):
    session = make_session("Tea")
    add_message(session, 1, "# Tea\n\n*Green* `2 min`\n")
    visitor = visit(reader, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.page
    visitor.go(session.get_absolute_url())
    page.get_by_role("button", name="Copy message 1").click()
    expect(page.locator("#announcement")).to_have_text("Copied.")
    read = "navigator.clipboard.readText()"
    assert page.evaluate(read) == "# Tea\n\n*Green* `2 min`\n"
    page.get_by_role("button", name="Copy the ID").click()
    assert visitor.comes_true(f"(id) => {read}.then((text) => text == id)", session.session_uuid)
    page.context.clear_cookies()  # signed out: the sign-in page is not the message
    page.get_by_role("button", name="Copy message 1").click()
    toast(page, "could not be copied")
    assert page.evaluate(read) == session.session_uuid
    visitor.check()


@with_and_without_javascript
def test_filters_are_kept_as_a_view_opened_again_and_deleted(visit, reader, javascript):
    make_sessions(3)
    make_session("Tea", status="completed")
    visitor = visit(reader, java_script_enabled=javascript)
    page = visitor.page
    menu = page.locator(".page-head .menu")
    visitor.go("/sessions/?sort=title" if javascript else "/sessions/?status=completed&sort=title")
    if javascript:  # changed by a swap: the view is what is shown, not what the page began as
        page.locator(".filters > summary").click()
        page.locator("#filters").get_by_label("Status").select_option("completed")
        page.wait_for_url("**status=completed**")
    menu.locator("summary").click()
    menu.get_by_label("Save what is shown now").fill("Done")
    menu.get_by_role("button", name="Save").click()
    toast(page, "Saved as “Done”.")
    visitor.go("/sessions/")
    expect(titles(page)).to_have_count(4)
    menu.locator("summary").click()
    menu.get_by_role("link", name="Done").click()
    page.wait_for_url("**status=completed**")
    expect(titles(page)).to_have_text(["Tea"])
    assert page.url.endswith("?status=completed&sort=title")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Delete the view Done").click()
    undo(page, "View “Done” deleted.")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Done").wait_for()
    visitor.check()


def test_sessions_in_the_trash_are_brought_back_all_at_once(visit, reader, django_user_model):
    make_sessions(60)
    organising.trash(Session.objects.all(), user=django_user_model.objects.get())
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/trash/")
    page.get_by_label("Select all on this page").check()
    expect(page.locator(".bulk-count")).to_have_text("50 selected")
    page.get_by_label("all 60").check()
    expect(page.locator(".bulk-count")).to_have_text("60 selected")
    page.get_by_role("button", name="Bring back").click()
    toast(page, "60 sessions brought back.")
    assert Session.objects.count() == 60
    visitor.check()
