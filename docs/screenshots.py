#!/usr/bin/env python3
"""Take the README's screenshots, the same on every run: `python3 docs/screenshots.py`.

Fills a database of its own in a temporary folder with the demo data, serves it as `manage.py
quickstart` does, and takes pictures of it with headless Chromium. Your data is not touched.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sessionsite import testing  # noqa: E402
from start import set_up_django, use_own_python  # noqa: E402

OUT = ROOT / "docs" / "screenshots"
SESSIONS, SEED, UNTIL = 500, 42, datetime(2026, 7, 1, tzinfo=UTC)
COMPARED = "short-or-long"  # the comparison that is shown
START_SECONDS = PAGE_SECONDS = STOP_SECONDS = 60
MOST_BYTES = 250_000
# What else is set in the environment would be settings of the server.
KEPT = {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV"}
BROWSER_OPTIONS = [
    "--no-sandbox",  # in a container there is none
    "--disable-gpu",
    "--disable-partial-raster",  # what is drawn over again differs by a shade, now and then
    "--disable-lcd-text",  # depends on the screen
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
]
# A question with code and, at once, a call of a tool: both are seen without scrolling.
SHOWN_SESSION = """
    SELECT session_uuid
    FROM sessions JOIN messages ON messages.session_id = sessions.id
    WHERE parent_session_id IS NULL AND project_id IS NOT NULL AND sessions.tags <> '[]'
    GROUP BY sessions.id
    HAVING MIN(CASE WHEN content LIKE '%```%' THEN sequence_number END) = 1
       AND MIN(CASE WHEN json_array_length(tool_calls) > 0 THEN sequence_number END) = 2
    ORDER BY started_at DESC, sessions.external_id
    LIMIT 1
"""


class Trouble(Exception):
    """The pictures cannot be made; the message says why."""


@dataclass(frozen=True)
class Shot:
    """A picture of one page."""

    name: str
    path: str
    theme: str = "light"
    width: int = 1440
    height: int = 900
    is_phone: bool = False


def take(out: Path) -> None:
    """Make all pictures and put them into `out`, all of them or none."""
    executable = testing.browser()
    if executable is None:
        raise Trouble(f"No Chromium was found; looked for: {', '.join(testing.BROWSERS)}.")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as name:
        folder = Path(name)
        for variable in set(os.environ) - KEPT:
            del os.environ[variable]
        os.environ["SESSIONS_DATA"] = str(folder / "data")
        os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'demo.db'}"
        os.environ["SINGLE_USER"] = "1"
        session = fill()
        shots = (
            Shot("sessions-light", "/sessions/"),
            Shot("sessions-dark", "/sessions/", "dark"),
            Shot("session", f"/sessions/{session}/"),
            Shot("search", "/search/?q=retry&order=newest"),
            Shot("analytics", "/analytics/?from=2026-04-01&to=2026-06-30"),
            Shot("comparison", f"/comparisons/{COMPARED}/"),
            Shot("phone", "/sessions/", "dark", 390, 800, is_phone=True),
        )
        with serving(folder / "server.log") as address:
            photograph(shots, address, executable, folder)
        for shot in shots:
            picture = folder / f"{shot.name}.png"
            shutil.copyfile(picture, out / picture.name)
            print(f"{out / picture.name}  {picture.stat().st_size / 1000:.0f} kB")


def fill() -> str:
    """Make the database with the demo data in it; return the id of the session to show."""
    set_up_django()
    from django.core.management import call_command
    from django.db import connection

    from conversations import demo

    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    demo.create(sessions=SESSIONS, seed=SEED, until=UNTIL)
    compare()
    with connection.cursor() as cursor:
        cursor.execute(SHOWN_SESSION)
        found = cursor.fetchone()
    connection.close()
    if found is None:
        raise Trouble("The demo data has no session that begins with code and a tool call.")
    return found[0]


def compare() -> None:
    """Make a comparison with votes on sixty prompts, and what the answers took."""
    from analytics.comparisons import recording, storing
    from analytics.models import ComparisonGroup, ComparisonReport

    group = recording.create_group(
        "Short or long system prompt", comparison_type="prompt", primary_metric="votes"
    )
    pick = random.Random(SEED)
    for number in range(1, 61):
        prompt = f"question-{number:02}"
        winner = pick.choices(["short", "long", "tie"], [2, 9, 1])[0]
        recording.record_vote(
            group, prompt=prompt, a="short", b="long", winner=winner, first="ab"[number % 2],
            rater="ada",
        )  # fmt: skip
        for variant, factor in (("short", 1), ("long", 1.4)):
            for metric, unit, usual in (("latency_ms", "ms", 1800), ("cost", "USD", 0.004)):
                value = round(usual * factor * pick.lognormvariate(0, 0.3), 6)
                recording.record_result(
                    group, metric, value, variant=variant, prompt=prompt, unit=unit
                )
    ComparisonGroup.objects.update(group_uuid=COMPARED, baseline="short", primary_set_at=UNTIL)
    storing.report_of(ComparisonGroup.objects.get())
    ComparisonReport.objects.update(computed_at=UNTIL)


@contextlib.contextmanager
def serving(log: Path) -> Iterator[str]:
    """Run the server on a free port; yields its address."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "quickstart", "--port", "0"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield wait_until_ready(server, log)
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_until_ready(server: subprocess.Popen, log: Path) -> str:
    """Return the address that the server prints, once it answers there."""
    end = time.monotonic() + START_SECONDS
    while not (printed := re.search(r"Open +(http://127\.0\.0\.1:\d+)/", log.read_text())):
        if server.poll() is not None:
            raise Trouble(f"The server ended with exit code {server.returncode}:\n{said(log)}")
        if time.monotonic() > end:
            raise Trouble(f"The server printed no address in {START_SECONDS} s:\n{said(log)}")
        time.sleep(0.1)
    # The socket is open already: the request waits until somebody answers.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{printed[1]}/readyz", timeout=START_SECONDS):
            return printed[1]
    except urllib.error.HTTPError as error:
        raise Trouble(f"/readyz: {error.code} {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise Trouble(f"/readyz: {error}\n{said(log)}") from error


def said(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip()


def photograph(shots: tuple[Shot, ...], address: str, executable: str, folder: Path) -> None:
    """Write a picture of each page into `folder`."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=executable, args=BROWSER_OPTIONS, timeout=START_SECONDS * 1000
            )
            for shot in shots:
                context = browser.new_context(
                    viewport={"width": shot.width, "height": shot.height},
                    device_scale_factor=1,
                    color_scheme=shot.theme,
                    reduced_motion="reduce",
                    locale="en-US",
                    timezone_id="UTC",
                    is_mobile=shot.is_phone,
                    has_touch=shot.is_phone,
                )
                context.set_default_timeout(PAGE_SECONDS * 1000)
                page = context.new_page()
                answer = page.goto(address + shot.path)
                if answer is None or not answer.ok:
                    status = answer and answer.status
                    raise Trouble(f"{shot.path} answered {status}, so {shot.name} was not taken.")
                page.evaluate("document.fonts.ready.then(() => true)")
                picture = folder / f"{shot.name}.png"
                page.screenshot(path=picture, animations="disabled", caret="hide")
                if (size := picture.stat().st_size) > MOST_BYTES:
                    raise Trouble(f"{shot.name}.png has {size:,} bytes; {MOST_BYTES:,} at most.")
                context.close()
            browser.close()
    except Error as error:
        raise Trouble(f"The browser: {error}") from error


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the README's screenshots.")
    parser.add_argument(
        "--out", type=Path, default=OUT, metavar="FOLDER", help="default: docs/screenshots"
    )
    out = parser.parse_args().out
    try:
        take(out)
    except Trouble as error:
        print(error, file=sys.stderr)
    except ImportError as error:
        print(f"{error}. `python3 start.py test` installs what is needed.", file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or out}: {error.strerror or error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    use_own_python()
    sys.exit(main())
