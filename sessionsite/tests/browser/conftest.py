"""A real browser, and pages in it that remember everything that went wrong."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, Page, sync_playwright

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
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""
AXE_RUN = """
    async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
        (found) => `${found.id}: ${found.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`)
"""


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

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.troubles: list[str] = []
        page.add_init_script(LISTEN)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.troubles.append(f"request to another host: {request.url}")

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def check(self) -> None:
        """Assert that nothing went wrong, and that the page does not scroll sideways."""
        if self.page.evaluate("typeof violations") != "undefined":  # with JavaScript on
            self.troubles += self.page.evaluate("violations")
        assert self.troubles == []
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], self.page.url

    def check_access(self) -> None:
        """Assert that axe finds nothing that keeps somebody from using the page."""
        # Evaluated, not added to the page: its policy would refuse the script.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        assert self.page.evaluate(AXE_RUN) == []


@pytest.fixture
def visit(browser, live_server) -> Iterator[Callable[..., Visitor]]:
    """Open a page; `user` is signed in on it, the rest are options of a browser context."""
    contexts = []

    def open_page(client: Any = None, *, width: int = 1280, **options: Any) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        if client is not None:
            name = django_settings.SESSION_COOKIE_NAME
            cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
            context.add_cookies([cookie])
        return Visitor(context.new_page(), live_server.url)

    yield open_page
    for context in contexts:
        context.close()
