#!/usr/bin/env python3
"""Everything that must hold before a change is trusted: `python3 start.py test [pytest options]`.

Lint, format, migrations, system checks, then all tests, those in a real browser too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """Return the path of a Chromium on this machine, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def install_browser() -> None:
    """Install Debian's Chromium where it is missing and may be installed."""
    if browser() or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print("Installing Chromium for the browser tests ...", flush=True)
    quiet = {
        "stdout": subprocess.DEVNULL,
        "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    }
    subprocess.run(["apt-get", "update", "-q"], **quiet)
    subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", "chromium"], **quiet)


def main(options: list[str]) -> int:
    """Run each step; return the exit code of the first that fails, or 0."""
    install_browser()
    if not browser():
        print("\n!!! NO CHROMIUM FOUND: THE BROWSER TESTS WILL NOT RUN !!!\n", flush=True)
    python = [sys.executable, "-m"]
    manage = [sys.executable, "manage.py"]
    # Each worker takes files that follow each other, whose fixtures are then made once; who is done
    # first helps the others. One more than there are cores: tests wait for browsers and disks.
    count = str(min((os.cpu_count() or 1) + 1, 8))
    workers = [] if options else ["-n", count, "--dist", "worksteal"]
    # Programs that tests start would otherwise compile all their modules each time.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for name, command in (
        ("lint", [*python, "ruff", "check", "."]),
        ("format", [*python, "ruff", "format", "--check", "."]),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        ("system checks", [*manage, "check", "--fail-level", "WARNING"]),
        ("tests", [*python, "pytest", *workers, *options]),
    ):
        started = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, env=environment).returncode
        print(
            f"{name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
