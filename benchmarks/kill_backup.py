#!/usr/bin/env python3
"""Kill backups, and check that what has the name of a backup is one.

    python benchmarks/kill_backup.py --rounds 200

While another process writes, a backup is killed (SIGKILL) at a moment that is drawn evenly from the
time that an undisturbed one takes; every second is to replace an older one. Under its name there
must be nothing, the older one, or a new one that is whole; what a killed one has left must be gone
after the next.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    from benchmarks.killing import options, run

    given = options(
        __doc__, rounds=200, seed=0, messages=(2_000, "in the database that is backed up")
    )

    def rounds(folder, empty):
        from maintenance.tests.kills_of_copies import kills_of_backups

        return kills_of_backups(
            folder, empty, rounds=given.rounds, messages=given.messages, seed=given.seed
        )

    def summary(found):
        counts = Counter(found[:-1])
        return ", ".join(f"{name} {counts[name]}" for name in ("nothing", "older", "new"))

    return run(given, "backups", rounds, summary)


if __name__ == "__main__":
    sys.exit(main())
