#!/usr/bin/env python3
"""Kill imports at random moments, and check that nothing is half stored, lost, or stored twice.

    python benchmarks/kill_import.py --rounds 200

A folder of files of all formats is imported once undisturbed. Then, in each round, an import of it
into an empty database is killed (SIGKILL) at a moment that is drawn evenly from the time that the
undisturbed one took. What is stored then must be sound, each session whole or absent; another
import must complete it to what the undisturbed one made, to the byte of its own export.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--copies", type=int, default=12, help="conversations of each format")
    parser.add_argument("--turns", type=int, default=4, help="questions in each conversation")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-import-") as name:
        os.environ |= {
            "SESSIONS_DATA": f"{name}/data",
            "DATABASE_URL": f"sqlite:///{name}/unused.db",
            "DJANGO_SETTINGS_MODULE": "sessionsite.settings",
        }
        import django

        django.setup()
        from conversations.tests.import_kills import kills

        started = time.perf_counter()
        before, within, after, wrong = 0, 0, 0, 0
        rounds = kills(
            Path(name), rounds=options.rounds, copies=options.copies, turns=options.turns,
            seed=options.seed,
        )  # fmt: skip
        for number, done in enumerate(rounds):
            print(f"{number + 1:>4}: killed at {done.moment:.2f} s"
                  f"{'' if done.was_killed else ' (too late)'}, {done.stored} of {done.total}"
                  f" sessions stored", *done.wrong[:5], sep="\n", flush=True)  # fmt: skip
            before += not done.stored
            within += 0 < done.stored < done.total
            after += done.stored == done.total
            wrong += bool(done.wrong)
            shutil.rmtree(Path(name, f"round-{number}"))
        taken = time.perf_counter() - started
    print(f"{options.rounds} rounds in {taken:.0f} s: killed before anything was stored {before},"
          f" between chunks {within}, when all was stored {after}; wrong {wrong}")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
