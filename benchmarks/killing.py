"""What the scripts that kill processes share: options, a database of their own, the last line."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def options(doc: str, **numbers: Any) -> argparse.Namespace:
    """Return the options given: each a number with its default, or a pair of that and its help."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    for name, given in numbers.items():
        default, help = given if isinstance(given, tuple) else (given, None)
        parser.add_argument(f"--{name}", type=type(default), default=default, help=help)
    parser.add_argument("--verbose", action="store_true", help="a line for each round")
    return parser.parse_args()


def run(
    given: argparse.Namespace,
    what: str,
    rounds: Callable[[Path, Path], Iterator],
    summary: Callable[[list[str]], str],
) -> int:
    """Run the rounds in a folder of their own, print what was wrong and a line; 1 if any was."""
    with tempfile.TemporaryDirectory(prefix=f"kill-{what}-") as name:
        os.environ |= {
            "SESSIONS_DATA": f"{name}/data",
            "DATABASE_URL": f"sqlite:///{name}/unused.db",
            "DJANGO_SETTINGS_MODULE": "sessionsite.settings",
        }
        import django

        django.setup()
        from conversations.databases import files

        empty = Path(name, "empty.db")
        files.create_or_check(files.connect(empty))
        files.close(files.connect(empty))
        started = time.perf_counter()
        done, killed, bad, found = 0, 0, 0, []
        for number, one in enumerate(rounds(Path(name), empty)):
            if given.verbose or one.wrong:
                print(f"{number + 1:>5}: killed after {one.moment * 1000:.0f} ms"
                      f"{'' if one.was_killed else ' (too late)'}: {one.found}",
                      *one.wrong[:5], sep="\n       ", flush=True)  # fmt: skip
            done, killed, bad = done + 1, killed + one.was_killed, bad + bool(one.wrong)
            found.append(one.found)
        taken = time.perf_counter() - started
    print(f"{given.rounds} {what} in {taken:.0f} s (seed {given.seed}): killed in the midst"
          f" {min(killed, given.rounds)}; {summary(found)}; wrong {bad}")  # fmt: skip
    return 1 if bad else 0
