"""Sessions as a page for keeping."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from conversations.exporters import FORMATS, chat, chats
from conversations.models import Session

from .factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"


def page_of_all() -> str:
    return "".join(FORMATS["html"].write(chats(Session.objects.all())))


def page_of_one() -> str:
    return "".join(FORMATS["html"].write_one(chat(Session.objects.get())))


class Tags(HTMLParser):
    """The tags of a page, each with its attributes; those that are not closed stay open."""

    VOID = ("meta", "br", "hr")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())


def test_a_page_stands_alone_and_its_policy_forbids_everything_but_its_style():
    make_session("Tea", "Tea?", "**Yes**, [here](https://tea.org)\n\n```python\nx = 1\n```")
    page = page_of_one()
    tags = Tags(page)
    assert tags.open == []
    policy = next(
        a["content"] for _, a in tags.found if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert {"script", "link", "img", "iframe", "form"}.isdisjoint(tag for tag, _ in tags.found)
    assert not any({"src", "style"} & attributes.keys() for _, attributes in tags.found)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "<strong>Yes</strong>" in page
    assert '<span class="mi">1</span>' in page


def test_a_session_has_its_facts_and_each_message_its_own():
    session = make_session("Tea", project=make_project(), model=make_model(), system_prompt="Brief")
    add_message(session, 1, "Yes", input_tokens=1200, cost=0.25, latency_ms=1500, is_hidden=True)
    page = page_of_one()
    for text in ("Kitchen", "anthropic/claude-sonnet-4-5", "Brief", "1.2k", "$0.2500", "1.5 s"):
        assert text in page
    assert "Hidden message" in page


def test_thoughts_calls_and_results_are_folded_and_not_cut():
    session = make_session("Sun", "High?")
    call = {"id": "c1", "name": "sun", "arguments": {"at": "noon"}}
    add_message(session, 2, "", tool_calls=[call], metadata={"thinking": ["Hm."]})
    add_message(session, 3, "6" * 300_000, role="tool", metadata={"is_error": True})
    page = page_of_one()
    assert page.count("<details") == 3
    assert "Tool call: sun" in page
    assert "6" * 300_000 in page
    assert 'data-kind="error"' in page


def test_several_sessions_are_listed_with_links_to_each():
    make_session("Tea", "Tea?", "Yes.")
    make_session("Coffee", "Coffee?")
    page = page_of_all()
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(set(ids)) == len(ids)
    targets = re.findall(r'href="#([^"]*)"', page)
    assert set(targets) <= set(ids)
    assert {"s1", "s2", "sessions"} <= set(targets)
    assert Tags(page).open == []


def test_no_text_gets_out_of_its_place():
    session = make_session(
        HOSTILE[:1000],
        session_uuid=f'"{HOSTILE}'[:64],
        project=make_project(HOSTILE),
        model=make_model(HOSTILE, HOSTILE),
        system_prompt=HOSTILE,
        description=HOSTILE,
    )
    kinds = ("text", "code", "thinking", "tool_result", HOSTILE[:50])
    for number, kind in enumerate(kinds, 1):
        add_message(
            session,
            number,
            HOSTILE,
            message_uuid=f'{number}"{HOSTILE}'[:64],
            content_type=kind,
            error_message=HOSTILE,
            finish_reason=HOSTILE[:50],
            tool_calls=[{"id": HOSTILE, "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}],
            metadata={
                "thinking": [HOSTILE],
                "attachments": [{"name": HOSTILE}, HOSTILE],
                "tool_results": [{"id": HOSTILE, "text": HOSTILE}],
            },
        )
    for page in (page_of_one(), page_of_all()):
        tags = Tags(page)
        assert tags.open == []
        assert {"script", "img"}.isdisjoint(tag for tag, _ in tags.found)
        names = {name for _, attributes in tags.found for name in attributes}
        assert not any(name.startswith("on") for name in names)


def test_no_session_is_a_page_too():
    assert "No session" in page_of_all()
