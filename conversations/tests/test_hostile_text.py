"""Whatever a message, a title or a name says, a page never runs it and never fetches it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from conversations.models import Session
from conversations.rendering import render_markdown
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
)

OWN = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "</title><script>alert(1)</script>",
    "</pre><iframe srcdoc='<script>alert(1)</script>'>",
    "</textarea></details></article><form action=//evil.org>",
    "<style>@import '//evil.org'</style>",
    "<meta http-equiv=refresh content='0;url=//evil.org'>",
    "<base href=//evil.org>",
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](https://evil.org/pixel.png)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    '![x](x "\\" onerror=alert(1) x=\\"")',
    '[x](https://e.org "\\"onmouseover=alert(1)")',
    '```" onload=alert(1)\n</code></pre><script>alert(1)</script>\n```',
    "{{ 7|add:7 }} {% include '/etc/passwd' %}",
    "{{constructor.constructor('alert(1)')()}}",
    "\u202e\u2066evil\u2069",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src onerror=alert(1)>'>",
]
MARKDOWN = ("{}", "[x]({})", "![{}]({})", "`{}`", "```{}\n{}\n```", "> {}\n\n| {} |\n|-|", "<{}>")
ELEMENTS_IN_MESSAGES = """
    a blockquote br code div em h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr
    ul
"""
IN_MESSAGES = frozenset(ELEMENTS_IN_MESSAGES.split())
SCHEMES = {"http", "https", "mailto"}
# What a page has of its own. An <img> is the site's sign.
ELEMENTS_IN_PAGES = """
    article aside bdi body button caption data datalist dd details dialog dl dt fieldset figcaption
    figure footer form h1 h2 head header html i img input kbd label legend link main mark meta meter
    nav option path progress script section select summary svg textarea time title use
"""
IN_PAGES = IN_MESSAGES | frozenset(ELEMENTS_IN_PAGES.split())


class Page(HTMLParser):
    """Every element of a page, as a browser's parser would find it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))


def check_message(html: str) -> None:
    """Assert that there is nothing in rendered text but what is allowed in it."""
    for tag, attributes in Page(html).elements:
        assert tag in IN_MESSAGES, html
        for name, value in attributes.items():
            assert name in {"class", "href", "title", "rel", "start", "tabindex", "role"} or (
                name in {"aria-label", "data-language", "dir"}
            ), html
            if name == "href":
                assert urlsplit(value or "").scheme in SCHEMES, html


def check_page(html: str) -> None:
    """Assert that a page runs and fetches nothing but its own files."""
    for tag, attributes in Page(html).elements:
        assert tag in IN_PAGES, tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "action", "formaction", "hx-get", "hx-post", "data-copy-from"):
            if name in attributes:
                assert attributes[name][:1] in "/?", attributes
                assert not attributes[name].startswith("//")
        if tag == "script":
            assert attributes["src"].startswith("/static/")
        if tag == "use":
            assert attributes["href"].startswith("/static/")
        if tag in {"img", "link"}:
            assert (attributes.get("src") or attributes.get("href")).startswith("/static/")
        if tag == "a" and "href" in attributes:
            address = urlsplit(attributes["href"])
            assert address.scheme in SCHEMES or not (address.scheme or address.netloc)
        if tag == "meta":
            assert "http-equiv" not in attributes


def wrapped(payload: str) -> list[str]:
    return [pattern.replace("{}", payload) for pattern in MARKDOWN]


@pytest.fixture
def payloads(shared) -> list[str]:
    file = shared / "corpora" / "xss-payload-list.txt"
    if not file.exists():
        pytest.skip(f"no {file}")
    return file.read_text(encoding="utf-8", errors="replace").splitlines()


@pytest.mark.parametrize("payload", OWN)
def test_rendered_text_holds_nothing_that_runs(payload):
    for text in wrapped(payload):
        check_message(render_markdown(text))


def test_no_known_payload_runs_in_rendered_text(payloads):
    for payload in payloads:
        check_message(render_markdown("\n\n".join(wrapped(payload))))


@pytest.mark.django_db
@pytest.mark.parametrize("payload", OWN)
def test_no_text_that_people_or_files_give_runs_on_a_page(client, payload):
    session = make_session(
        payload,
        session_uuid=payload[:64].replace("/", "_"),
        description=payload,
        system_prompt=payload,
        project=make_project(payload),
        model=make_model(payload, payload),
        tags=[payload],
        source=payload[:50],
        external_id=payload,
    )
    call = {"id": payload, "name": payload, "arguments": {payload: payload}}
    for number, role in enumerate(("user", "assistant", "system", "tool", "function"), 1):
        add_message(
            session,
            number,
            payload,
            message_uuid=f"{number}{payload}"[:64].replace("/", "_"),
            role=role,
            tool_calls=[call, payload, {"function": {"name": payload, "arguments": payload}}],
            function_call={"name": payload, "arguments": json.dumps({payload: [payload]})},
            error_message=payload,
            is_hidden=number == 3,
            metadata={
                "thinking": [payload, {payload: payload}],
                "attachments": [{"name": payload}, payload],
                "tool_results": [{"text": payload}, payload],
            },
        )
    make_session(payload, session_uuid="child", parent_session=session)
    for address in (
        "/sessions/",
        session.get_absolute_url(),
        "/sessions/child/",
        f"{session.get_absolute_url()}?page={payload}&message={payload}",
    ):
        response = client.get(address)
        html = response.content.decode()
        check_page(html)
        assert "alert(1)" not in "".join(
            part.partition("</script>")[0] for part in html.split("<script")[1:]
        )
    page = client.get("/sessions/", {"sort": payload, "page": payload, payload: payload})
    check_page(page.content.decode())


@pytest.mark.django_db
def test_no_known_payload_runs_on_a_page(client, payloads):
    sample = payloads[::20]
    for number, payload in enumerate(sample):
        session = make_session(payload[:1000], session_uuid=f"s{number}")
        if number % 50 == 0:
            holder = session
        add_message(holder, number, payload)
    count = Session.objects.count()
    for number in range(1, count // 100 + 2):
        check_page(client.get(f"/sessions/?per_page=100&page={number}").content.decode())
    for number in range(0, count, 50):
        check_page(client.get(f"/sessions/s{number}/").content.decode())


@pytest.mark.django_db
def test_a_message_served_as_text_is_never_taken_for_a_page(client):
    session = make_session("Tea", "<script>alert(1)</script>")
    uuid = session.messages.get().message_uuid
    response = client.get(f"{session.get_absolute_url()}messages/{uuid}.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response["Content-Security-Policy"]
