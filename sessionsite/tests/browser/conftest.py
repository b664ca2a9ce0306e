"""A real browser, and pages in it that remember everything that went wrong."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, expect, sync_playwright

from conversations.tests.factories import add_message, make_model, make_project, make_session
from sessionsite import testing

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
OPTIONS = [
    "--no-sandbox",  # in a container there is none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Reported by the page itself: a browser's console does not have all of them.
LISTEN = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`violation: ${event.violatedDirective}: ${event.blockedURI}`));
"""
AXE_RUN = """
    async (rules) => (await axe.run(document, {
        runOnly: rules.length ? rules : ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
        resultTypes: ["violations"],
        preload: false,
    })).violations.map(
        (found) => `${found.id}: ${found.nodes.map((node) => node.html).slice(0, 5).join(" | ")}`)
"""
TOO_WIDE = """
    () => [...document.querySelectorAll("body *")].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width && box.right > innerWidth + 1 && !element.closest("pre, .scroll");
    }).slice(0, 5).map((element) => element.outerHTML.slice(0, 120))
"""
WIDTHS = (1280, 360)
PATIENCE = 10_000  # milliseconds
PAUSE = 50  # milliseconds
expect.set_options(timeout=PATIENCE)
RICH = """# Tea

Boil `water`, then [read](https://example.org) | and wait.

| leaf | minutes | and a column that is much too wide for a small screen | {wide} |
|:-----|--------:|---|---|
| green | 2 | x | y |

```python
def brew(leaf: str) -> int:
    '''Return minutes.'''  # {wide}
    return 2 if leaf == "green" else 3
```

> Patience.

![a cup](https://example.org/cup.png) <img src=x onerror=alert(1)>
""".replace("{wide}", "wide_" * 40)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = testing.browser()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("There is no Chromium, and in CI there must be one.")
        warnings.warn("NO CHROMIUM: THE BROWSER TESTS DID NOT RUN", stacklevel=1)
        pytest.skip("NO CHROMIUM: THE BROWSER TESTS DID NOT RUN")
    # Playwright runs an event loop in this thread, in which Django refuses to query otherwise.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Visitor:
    """A page in the browser, and what went wrong on it so far."""

    def __init__(self, page: Page, address: str, *, expects_errors: bool = False) -> None:
        self.page = page
        self.address = address
        self.expects_errors = expects_errors  # of the server, which the console tells
        self.troubles: list[str] = []
        self.pages = 0
        page.set_default_timeout(PATIENCE)
        page.add_init_script(LISTEN)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _heard(self, message: Any) -> None:
        if self.expects_errors and message.text.startswith("Failed to load resource"):
            return
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.troubles.append(f"request to another host: {request.url}")

    def _answered(self, response: Any) -> None:
        if response.status >= 300 or response.request.resource_type != "document":
            return
        self.pages += 1
        policy = response.headers.get("content-security-policy", "")
        if "default-src" not in policy or "unsafe-" in policy:
            self.troubles.append(f"policy of {response.url}: {policy or 'none'}")

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def comes_true(self, script: str, arg: Any = None) -> bool:
        """Return whether what the script asks is true, or becomes true in a while.

        Asked from here again and again: Playwright's `wait_for_function` asks a second time from
        within the page, where the policy refuses `eval`.
        """
        for _ in range(PATIENCE // PAUSE):
            if self.page.evaluate(script, arg):
                return True
            self.page.wait_for_timeout(PAUSE)
        return False

    def has_focus(self, selector: str) -> bool:
        """Return whether the focus is there, or comes there in a while."""
        return self.comes_true("(s) => document.activeElement.matches(s)", selector)

    def check(self) -> None:
        """Assert that nothing went wrong, and that the page does not scroll sideways."""
        assert self.troubles == []
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > self.page.viewport_size["width"]:
            assert self.page.evaluate(TOO_WIDE) == [], self.page.url

    def check_access(self, *rules: str) -> None:
        """Assert that axe finds nothing that keeps somebody from using the page."""
        # Evaluated, not added to the page: its policy would refuse the script.
        if self.page.evaluate("typeof axe == 'undefined'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(AXE_RUN, list(rules))
        assert not found, f"{self.page.url}, {self.page.viewport_size['width']} px: {found}"

    def check_all(self) -> None:
        """Check this page wide and narrow, light and dark, without asking for it again."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.emulate_media(color_scheme="light")
            self.check()
            self.check_access()
        # What colours change; an element has the same ones whatever the width.
        self.page.emulate_media(color_scheme="dark")
        self.check_access("color-contrast", "link-in-text-block")
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        self.check()


@pytest.fixture
def visit(browser, live_server) -> Iterator[Callable[..., Visitor]]:
    """Open a page; `user` is signed in on it, the rest are options of a browser context."""
    contexts = []

    def open_page(
        client: Any = None, *, width: int = 1280, expects_errors: bool = False, **options: Any
    ) -> Visitor:
        # Colours that change slowly would be looked at half-way.
        options = {"reduced_motion": "reduce", **options}
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        if client is not None:
            name = django_settings.SESSION_COOKIE_NAME
            cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
            context.add_cookies([cookie])
        return Visitor(context.new_page(), live_server.url, expects_errors=expects_errors)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def reader(client, django_user_model):
    """A client that is signed in; its cookie is the browser's."""
    client.force_login(django_user_model.objects.create_superuser("reader"))
    return client


@pytest.fixture
def rich():
    """A session with something of everything."""
    parent = make_session("Parent")
    session = make_session(
        "Tea " + "long " * 90,
        parent_session=parent,
        project=make_project("مطبخ"),
        model=make_model(),
        system_prompt="Be brief.",
    )
    make_session("", parent_session=session)
    add_message(session, 1, "كيف؟ " * 20, role="user")
    add_message(
        session,
        2,
        RICH,
        metadata={"thinking": ["Hm."], "attachments": [{"name": "cup.png"}]},
        tool_calls=[{"name": "kettle", "arguments": {"on": "x" * 500, "degrees": 80}}],
        input_tokens=1200,
        output_tokens=80,
        cost=0.0005,
        latency_ms=2100,
    )
    add_message(session, 3, "boiling\n" * 200, role="tool", error_message="it whistles")
    add_message(session, 4, "context", role="user", is_hidden=True, is_active_path=False)
    return session
