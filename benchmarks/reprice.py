#!/usr/bin/env python3
"""Measure pricing messages anew: the dry run, applying, undoing, and a what-if.

    python benchmarks/reprice.py --messages 1000000

The database is filled without the program: a year of sessions of ten messages, seven models that
have a price and one that has none, no message with a cost yet. So every message changes, which is
the most that a run can have to do. The roll-ups are checked at the end.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET = 60  # seconds for a million messages, on two cores
MODELS = (
    ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-1"), ("openai", "gpt-5"),
    ("openai", "gpt-4o"), ("google", "gemini-2.5-pro"), ("mistral", "mistral-large-latest"),
    ("ollama", "qwen3-coder:30b"), ("acme", "nobody-knows"),
)  # fmt: skip
SESSIONS = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO sessions (id, session_uuid, title, model_id, status, started_at, total_messages)
    SELECT n, 's-' || n, 'Session ' || n, n % 8 + 1, 'completed',
        datetime('2025-11-01', '+' || (n * 31536000 / :count) || ' seconds'), 10
    FROM numbers
"""
MESSAGES = """
    INSERT INTO messages (message_uuid, session_id, sequence_number, role, content, timestamp,
        input_tokens, output_tokens, cache_read_tokens, metadata)
    SELECT 'm-' || session.id || '-' || value, session.id, value, 'assistant', :text,
        datetime(session.started_at, '+' || value || ' minutes'),
        2000 + session.id % 7919, 300 + value * 37, session.id % 2000,
        CASE WHEN session.id % 9 THEN '{}' ELSE '{"usage": {"service_tier": "batch"}}' END
    FROM sessions AS session, json_each('[1,2,3,4,5,6,7,8,9,10]')
"""


def fill(path: Path, messages: int) -> None:
    """Store the messages past the triggers, then what the triggers would have kept."""
    manage("session_db_setup.py", "init", path=path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO bulk_load (id) VALUES (1)")
        db.executemany("INSERT INTO models (provider, model_name) VALUES (?, ?)", MODELS)
        db.execute(SESSIONS, {"count": messages // 10})
        db.execute(MESSAGES, {"text": "Twelve hours, or a night in a cold place. " * 5})
        db.execute(
            "UPDATE sessions SET (total_input_tokens, total_output_tokens) ="
            " (SELECT SUM(input_tokens), SUM(output_tokens) FROM messages"
            " WHERE session_id = sessions.id)"
        )
        db.execute("DELETE FROM bulk_load")
        db.commit()
    manage("manage.py", "rollups", "rebuild", path=path)


def manage(*command: str, path: Path) -> tuple[float, str]:
    """Run a command on the database; return the seconds it took and what it said."""
    environment = {
        **os.environ,
        "SESSIONS_DATA": str(path.parent / "data"),
        "DATABASE_URL": f"sqlite:///{path}",
    }
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return time.perf_counter() - began, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="keep the database here, and take it from here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"reprice-{options.messages}.db"
        if not path.exists():
            fill(path, options.messages)
        seconds, _ = manage("manage.py", "reprice", "--dry-run", path=path)
        print(f"dry run    {seconds:7.1f} s")
        seconds, said = manage("manage.py", "reprice", "--apply", path=path)
        budget = BUDGET * options.messages / 1_000_000
        print(f"apply      {seconds:7.1f} s  of at most {budget:.0f} s: {said.strip()}")
        run = said.strip().rstrip(".").rpartition(" ")[2]
        what_if, _ = manage("manage.py", "whatif", "--model", "openai/gpt-5-mini", path=path)
        print(f"what-if    {what_if:7.1f} s")
        undone, said = manage("manage.py", "reprice", "--undo", run, path=path)
        print(f"undo       {undone:7.1f} s  {said.strip()}")
        checked, said = manage("manage.py", "rollups", "check", path=path)
        print(f"roll-ups   {checked:7.1f} s  {said.strip()}")
        sys.exit(seconds > budget)


if __name__ == "__main__":
    main()
