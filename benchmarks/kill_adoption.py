#!/usr/bin/env python3
"""Kill adoptions of a database of the original system at random moments.

    python benchmarks/kill_adoption.py --rounds 50

After each kill the database must be sound, and either as it was or adopted as a whole; the adoption
that follows must end, and leave no file of the killed ones but the copies of the old database.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


# Half of them while the new database is put in the place of the old.
STEPS = ("Keeping a copy", "Copying", "Adding up", "Checking", *["Swapping"] * 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    import os

    os.environ["DJANGO_SETTINGS_MODULE"] = "sessionsite.settings"
    import django

    django.setup()
    from maintenance.tests.test_adopting import kill

    chance = random.Random(given.seed)
    moments = ((chance.choice(STEPS), chance.uniform(0, 0.3)) for _ in range(given.rounds))
    with tempfile.TemporaryDirectory() as folder:
        counts = kill(Path(folder), moments)
    print(f"{given.rounds} adoptions killed, none half done: {dict(counts)}")


if __name__ == "__main__":
    main()
