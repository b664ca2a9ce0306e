#!/usr/bin/env python3
"""Let several processes add messages to one session at once, and check that none was lost.

python benchmarks/two_writers.py --writers 2 --messages 10000
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from session_manager import SessionManager
file, session, writer, count = sys.argv[2:]
db = SessionManager(file)
for number in range(int(count)):
    db.add_message(session, "user", f"{writer} {number}", input_tokens=1, cost=0.000000001)
"""


def run(file: Path, *, writers: int, messages: int) -> float:
    """Add `messages` from each of `writers` processes; return the seconds it took.

    Raises AssertionError if a message is missing, doubled, misnumbered, or counted wrongly.
    """
    from session_manager import SessionManager

    with SessionManager(file) as db:
        session = db.create_session("Two writers")
    started = time.perf_counter()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, ROOT, file, session, f"w{n}", str(messages)]
        )
        for n in range(writers)
    ]
    codes = [process.wait() for process in processes]
    seconds = time.perf_counter() - started
    assert codes == [0] * writers, codes
    with closing(sqlite3.connect(file)) as plain:
        total = writers * messages
        numbers = plain.execute("SELECT sequence_number FROM messages ORDER BY 1").fetchall()
        assert numbers == [(n,) for n in range(1, total + 1)]
        said = {text for [text] in plain.execute("SELECT content FROM messages")}
        assert said == {f"w{w} {n}" for w in range(writers) for n in range(messages)}
        totals = plain.execute(
            "SELECT total_messages, total_input_tokens, total_cost_nanos FROM sessions"
        ).fetchone()
        assert totals == (total, total, total), totals
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        plain.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--messages", type=int, default=10_000, help="of each writer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="two-writers-") as folder:
        seconds = run(
            Path(folder, "writers.db"), writers=options.writers, messages=options.messages
        )
    total = options.writers * options.messages
    print(f"{total:,} messages by {options.writers} processes in {seconds:.1f} s: none lost,"
          f" none doubled, totals right ({total / seconds:.0f} a second)")  # fmt: skip


if __name__ == "__main__":
    main()
