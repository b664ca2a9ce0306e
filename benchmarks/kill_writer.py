#!/usr/bin/env python3
"""Kill processes that write, and check that nothing acknowledged is lost and all is sound.

    python benchmarks/kill_writer.py --rounds 1000

Two processes create, extend and delete sessions in one file, each change with its messages in one
transaction, and note what begins and what was stored. Both are killed (SIGKILL) at random moments.
Then the file must pass `integrity_check`, its references, search index, totals and roll-ups must be
exact, everything noted as stored must be there, and nothing may be there by half.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    from benchmarks.killing import options, run

    given = options(
        __doc__, rounds=1000, seed=0,
        writers=(2, "processes that write at once"),
        longest=(0.25, "seconds after which the last of them is killed at the latest"),
    )  # fmt: skip

    def rounds(folder, empty):
        from maintenance.tests.kills import kills_of_writers

        return kills_of_writers(
            folder, empty, rounds=given.rounds, writers=given.writers, longest=given.longest,
            seed=given.seed,
        )  # fmt: skip

    def summary(found):
        return f"{sum(map(int, found)):,} changes acknowledged"

    return run(given, "writers", rounds, summary)


if __name__ == "__main__":
    sys.exit(main())
