"""Comparisons in a real browser: made, voted on by keyboard, and read."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from analytics.comparisons import recording
from analytics.models import ComparisonVote
from conversations import writing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def ask(prompt: str, answer: str, latency: int) -> str:
    uuid = writing.create_session(prompt)
    writing.add_message(uuid, "user", prompt)
    writing.add_message(uuid, "assistant", answer, latency_ms=latency)
    return uuid


def test_a_comparison_is_made_voted_on_by_keys_and_read_wide_narrow_light_and_dark(visit, reader):
    visitor = visit(reader)
    page = visitor.page
    visitor.go("/comparisons/")
    visitor.check_all()
    page.get_by_role("link", name="Make the first").click()
    visitor.check_all()
    page.get_by_label("Name").fill("Short or long " + "and longer " * 12)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/add/")
    for variant, words in (("short", "Yes."), ("long", "Yes, `indeed`, " + "very " * 40)):
        ids = [ask(f"Question {n}?", f"{words} {n}", 100 * n + len(words)) for n in range(12)]
        page.get_by_role("textbox", name="Variant").fill(variant)
        page.get_by_role("textbox", name="Sessions").fill("\n".join(ids))
        page.get_by_role("button", name="Add sessions").click()
        page.get_by_text(f"12 sessions added to {variant}").wait_for()
    visitor.check_all()
    page.get_by_role("link", name="See the report").click()
    page.get_by_role("link", name="Vote").click()
    visitor.check_all()
    for number, key in enumerate(("ArrowLeft", "ArrowRight", "ArrowDown", "s"), start=1):
        page.keyboard.press(key)
        expect(page.get_by_text(f"{min(number, 3)} of 12", exact=True)).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("2 of 12", exact=True)).to_be_visible()
    assert ComparisonVote.objects.count() == 2
    page.get_by_role("link", name="Differences").click()
    visitor.check_all()
    page.get_by_role("link", name="To the report").click()
    expect(page.get_by_text("Too early: 2 votes.")).to_be_visible()
    visitor.check_all()


@pytest.mark.parametrize("is_scripted", [True, False], ids=["script", "plain"])
def test_sessions_picked_in_their_list_become_variants(visit, reader, is_scripted):
    for variant, latency in (("short", 100), ("long", 300)):
        for number in range(3):
            ask(f"{variant}, question {number}", "Yes.", latency)
    visitor = visit(reader, java_script_enabled=is_scripted)
    page = visitor.page
    for variant in ("short", "long"):
        visitor.go(f"/sessions/?q=title:{variant}")
        for box in page.locator('input[name="selected"]').all():
            box.check()
        page.get_by_role("button", name="Compare", exact=True).click()
        page.wait_for_url("**/comparisons/variant/")
        expect(page.get_by_text("3 sessions are selected")).to_be_visible()
        if is_scripted:  # what looks at a page is a script
            visitor.check_all()
        page.get_by_role("textbox", name="Variant").fill(variant)
        if variant == "short":
            page.get_by_role("textbox", name="Name of a new one").fill("Short or long")
        page.get_by_role("button", name="Add to comparison").click()
        page.get_by_role("heading", name="Short or long", exact=True).wait_for()


def test_a_comparison_of_many_is_usable_wide_narrow_light_and_dark(visit, reader):
    group = recording.create_group("Many", primary_metric="votes")
    names = ["alpha", "beta", "gamma " * 20]
    for number in range(30):
        for a, b in ((0, 1), (1, 2), (0, 2)):
            recording.record_vote(
                group, prompt=f"p{number}", a=names[a], b=names[b], winner="ab"[number % 3 == a],
                first="ab"[number % 2], rater="ada",
            )  # fmt: skip
        for place, name in enumerate(names):
            recording.record_result(
                group, "latency_ms", 100.0 + number * (place + 1), variant=name,
                prompt=f"p{number}", unit="ms",
            )  # fmt: skip
    visitor = visit(reader)
    visitor.go(group.get_absolute_url())
    visitor.check_all()
    visitor.page.get_by_text("Details of").first.click()
    visitor.page.get_by_text("How this was computed").click()
    visitor.check_all()
    visitor.go("/comparisons/")
    visitor.check_all()
    visitor.go(f"{group.get_absolute_url()}edit/")
    visitor.check_all()
