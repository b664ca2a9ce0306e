#!/usr/bin/env python3
"""Kill restores, and check that the database is the old one or the new one, whole.

    python benchmarks/kill_restore.py --rounds 200

Two backups are restored in turn while another process reads. Each restore is killed (SIGKILL) at a
moment that is drawn evenly from the time that an undisturbed one takes. The content must then equal
one of the two to the byte, the file be sound, the reader never have met anything else, and the copy
of what was replaced, if it has its name, be a good backup of just that.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    from benchmarks.killing import options, run

    given = options(__doc__, rounds=200, seed=0, messages=(2_000, "in the larger backup"))

    def rounds(folder, empty):
        from maintenance.tests.kills_of_copies import kills_of_restores

        return kills_of_restores(
            folder, empty, rounds=given.rounds, messages=given.messages, seed=given.seed
        )

    def summary(found):
        counts = Counter(found[:-1])
        return f"the old one {counts['old']}, the new one {counts['new']}, {found[-1]}"

    return run(given, "restores", rounds, summary)


if __name__ == "__main__":
    sys.exit(main())
