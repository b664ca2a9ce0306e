#!/usr/bin/env python3
"""Kill vacuums at random moments; no row may be lost, and the file must be sound.

python benchmarks/kill_vacuum.py --rounds 20
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
COUNTS = (
    "SELECT (SELECT COUNT(*) FROM messages), (SELECT COUNT(*) FROM sessions),"
    " (SELECT SUM(length(content)) FROM messages)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=3_000, help="of ten messages each")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SESSIONS_DATA"] = str(Path(folder, "data"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "sessionsite.settings"
        import django

        django.setup()
        from conversations.databases import files
        from maintenance import adopting
        from maintenance.tests import original

        file = original.make_large(Path(folder, "sessions.db"), given.sessions)
        adopting.adopt(using=files.connect(file))
        kill(file, given.rounds, random.Random(given.seed))


def kill(file: Path, rounds: int, chance: random.Random) -> None:
    """Kill that many vacuums, each soon after it has begun to write."""
    before = look(file)
    killed = cut_short = 0
    for _ in range(rounds):
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "vacuum", "--force"],
            env={**os.environ, "DATABASE_URL": f"sqlite:///{file}"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wal = Path(f"{file}-wal")
        while process.poll() is None and not (wal.exists() and wal.stat().st_size > 100_000):
            time.sleep(0.001)  # until it writes
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        killed += process.wait() < 0
        cut_short += wal.exists() and wal.stat().st_size > 0
        assert look(file) == before
    print(f"{rounds} vacuums: {killed} killed, {cut_short} with a WAL left; every row is there")


def look(file: Path) -> tuple[int, ...]:
    """Return what must stay the same, having seen that the file is sound."""
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return plain.execute(COUNTS).fetchone()


if __name__ == "__main__":
    main()
