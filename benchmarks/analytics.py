#!/usr/bin/env python3
"""Measure the pages that add up, and the questions behind them asked in three ways.

    python benchmarks/analytics.py --messages 1000000 --messages 10000000 [--keep FOLDER]

Each size gets a database of its own, filled without the program: a year of sessions of about ten
messages, with eight models, twenty projects, tags and short texts (the pages never read a text).
Then every page is fetched through gunicorn, as `manage.py quickstart` starts it, and the same
questions are asked of the roll-ups, of the messages by plain SQL, and of DuckDB (if it is
installed: pip install duckdb) on a columnar copy of the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pages import ROOT, measure, served

END = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
DAYS, PER_SESSION, CHUNK = 365, 10, 100_000
BASE = 1_000_000  # messages that are made up; more are copies of them, sessions and all
MODELS = (
    ("anthropic", "claude-sonnet-4-5", 3, 15), ("anthropic", "claude-opus-4-1", 15, 75),
    ("openai", "gpt-5", 1.25, 10), ("openai", "gpt-4o", 2.5, 10),
    ("google", "gemini-2.5-pro", 1.25, 10), ("mistral", "mistral-large-latest", 2, 6),
    ("deepseek", "deepseek-chat", 0.27, 1.1), ("ollama", "qwen3-coder:30b", 0, 0),
)  # fmt: skip
PROJECTS = 20
TAGS = ("idea", "bug", "review", "docs", "spike", "customer", "ops", "research")
TOOLS = ("Read", "Edit", "Bash", "Grep", "Write", "WebSearch")
BUDGET_MS = {1_000_000: 150, 10_000_000: 250}
RATIO = 1.5
SESSION = (
    "INSERT INTO sessions (id, session_uuid, project_id, title, model_id, status, started_at,"
    " completed_at, tags, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
MESSAGE = (
    "INSERT INTO messages (id, message_uuid, session_id, sequence_number, role, content, model_id,"
    " timestamp, input_tokens, output_tokens, cache_read_tokens, cost, latency_ms, finish_reason,"
    " tool_calls, error_message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

COPIED_SESSIONS = "project_id, title, model_id, status, started_at, completed_at, tags, source"
COPY_SESSIONS = f"""
    INSERT INTO sessions (id, session_uuid, {COPIED_SESSIONS})
    SELECT id + :copy * :sessions, session_uuid || '-' || :copy, {COPIED_SESSIONS}
    FROM sessions WHERE id <= :sessions
"""
COPIED_MESSAGES = (
    "sequence_number, role, content, model_id, timestamp, input_tokens, output_tokens,"
    " cache_read_tokens, cost, latency_ms, finish_reason, tool_calls, error_message"
)
COPY_MESSAGES = f"""
    INSERT INTO messages (id, message_uuid, session_id, {COPIED_MESSAGES})
    SELECT id + :copy * :messages, message_uuid || '-' || :copy, session_id + :copy * :sessions,
           {COPIED_MESSAGES}
    FROM messages WHERE id <= :messages
"""

# -- filling ------------------------------------------------------------------------------------


def environment(path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{path}",
        "SESSIONS_DATA": str(path.parent / "data"),
    }


def manage(path: Path, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment(path), check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def loading(db: sqlite3.Connection) -> Iterator[None]:
    """Change very much in one transaction, with the triggers off."""
    db.execute("BEGIN")
    db.execute("INSERT INTO bulk_load (id) VALUES (1)")
    yield
    db.execute("DELETE FROM bulk_load")
    db.execute("COMMIT")


def fill(path: Path, messages: int) -> None:
    """Make a database of so many messages; triggers are off, what they keep is made at the end."""
    manage(path, "migrate", "--verbosity", "0")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("synchronous=OFF", "cache_size=-200000", "temp_store=MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        db.executemany(
            "INSERT INTO models (id, provider, model_name) VALUES (?, ?, ?)",
            [(number, *model[:2]) for number, model in enumerate(MODELS, 1)],
        )
        db.executemany(
            "INSERT INTO projects (id, name) VALUES (?, ?)",
            [(number, f"Project {number}") for number in range(1, PROJECTS + 1)],
        )
        base = min(messages, BASE)
        pick = random.Random(42)
        for first in range(1, base + 1, CHUNK):
            count = min(CHUNK, base - first + 1)
            begin = (first - 1) // PER_SESSION + 1
            sessions = range(begin, begin + -(-count // PER_SESSION))
            made = [_session(pick, id, base // PER_SESSION) for id in sessions]
            with loading(db):
                db.executemany(SESSION, [row for row, _ in made])
                db.executemany(MESSAGE, _messages(pick, made, first, count))
        for copy in range(1, messages // base):
            with loading(db):
                db.execute(COPY_SESSIONS, {"copy": copy, "sessions": base // PER_SESSION})
                db.execute(
                    COPY_MESSAGES,
                    {"copy": copy, "messages": base, "sessions": base // PER_SESSION},
                )
        with loading(db):
            db.execute(
                "UPDATE sessions SET total_messages = c.n, total_input_tokens = c.i,"
                " total_output_tokens = c.o, total_cost_nanos = c.c, total_cost = c.c / 1e9"
                " FROM (SELECT session_id, COUNT(*) AS n, COALESCE(SUM(input_tokens), 0) AS i,"
                " COALESCE(SUM(output_tokens), 0) AS o, COALESCE(SUM(cost_nanos), 0) AS c"
                " FROM messages GROUP BY 1) AS c WHERE c.session_id = sessions.id"
            )
    started = time.perf_counter()
    manage(path, "rollups", "rebuild")
    print(f"  roll-ups made anew in {time.perf_counter() - started:.0f} s", flush=True)


def _session(pick: random.Random, id: int, count: int) -> tuple[tuple, tuple]:
    # In order of time, as they are when they are kept as they happen.
    started = END - timedelta(days=DAYS) * (1 - id / count)
    model, project = pick.randint(1, len(MODELS)), pick.randint(1, PROJECTS)
    tags = pick.sample(TAGS, pick.randint(1, 2)) if pick.random() < 0.3 else []
    ended = started + timedelta(seconds=pick.expovariate(1 / 900))
    status = "failed" if pick.random() < 0.02 else "completed"
    row = (
        id, f"s-{id:08}", project, f"Session {id}", model, status,
        started.strftime("%Y-%m-%d %H:%M:%S"), ended.strftime("%Y-%m-%d %H:%M:%S"),
        json.dumps(tags), ("claude-code", "chatgpt", "")[id % 3],
    )  # fmt: skip
    return row, (id, model, started)


def _messages(pick: random.Random, made: list, first: int, count: int) -> Iterator[tuple]:
    for number in range(count):
        _, (session, model, started) = made[number // PER_SESSION]
        place = number % PER_SESSION
        time_text = (started + timedelta(seconds=20 * place)).strftime("%Y-%m-%d %H:%M:%S")
        role = ("user", "assistant", "tool", "assistant")[place % 4]
        sent = output = read = cost = latency = calls = None
        reason = error = ""
        if role == "assistant":
            sent, output = pick.randint(200, 60_000), pick.randint(10, 2_000)
            read = sent // 2
            price_in, price_out = MODELS[model - 1][2:]
            cost = round((sent * price_in + output * price_out) / 1e6, 9)
            latency = int(pick.lognormvariate(8, 0.8))
            reason = "stop" if pick.random() < 0.8 else "tool_calls"
            calls = json.dumps([{"name": pick.choice(TOOLS)}]) if reason == "tool_calls" else None
            error = "overloaded" if pick.random() < 0.01 else ""
        id = first + number
        yield (
            id, f"m-{id:09}", session, place + 1, role, "What was said.", model, time_text, sent,
            output, read, cost, latency, reason, calls, error,
        )  # fmt: skip


# -- asking -------------------------------------------------------------------------------------


def addresses() -> dict[str, Callable[[], str]]:
    """Return what to fetch: a name, and a function to the next address under that name."""
    pick = random.Random(42).choice
    today = datetime.now(UTC).date()

    def days(count: int) -> str:
        first = today - timedelta(days=count - 1)
        return f"from={first}&to={today}"

    found = {}
    for page in ("", "costs/", "models/", "projects/", "tags/", "sessions/", "tools/", "errors/"):
        name = page.strip("/") or "overview"
        for count in (30, 365):
            found[f"{name}, {count} days"] = lambda page=page, count=count: (
                f"/analytics/{page}?{days(count)}"
            )
        found[f"{name}, a project, 365 days"] = lambda page=page: (
            f"/analytics/{page}?{days(365)}&project={pick(range(1, PROJECTS + 1))}"
        )
        found[f"{name}, a model, 90 days"] = lambda page=page: (
            f"/analytics/{page}?{days(90)}&model={pick(range(1, len(MODELS) + 1))}"
        )
        found[f"{name}, a tag, 90 days"] = lambda page=page: (
            f"/analytics/{page}?{days(90)}&tag={pick(TAGS)}"
        )
    for by in ("project", "tag", "source", "role", "kind"):
        found[f"costs by {by}, 365 days"] = lambda by=by: f"/analytics/costs/?{days(365)}&by={by}"
    found["overview by hour, 2 days"] = lambda: f"/analytics/?{days(2)}&grain=hour"
    found["budgets"] = lambda: "/analytics/budgets/"
    found["prices"] = lambda: "/prices/"
    found["models without a price"] = lambda: "/prices/missing/"
    return found


def questions(count: int) -> dict[str, tuple[str, str, str]]:
    """Return a question about the last `count` days for roll-ups, messages and DuckDB."""
    day = (END - timedelta(days=count - 1)).strftime("%Y-%m-%d")
    number = (
        datetime.fromisoformat(day).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    ).days
    cost = (
        f"SELECT day, model_id, SUM(cost_nanos) FROM rollup_days WHERE tag = '' AND day >= {number}"
        " GROUP BY 1, 2",
        "SELECT DATE(m.timestamp), COALESCE(m.model_id, s.model_id), SUM(m.cost_nanos)"
        " FROM messages m JOIN sessions s ON s.id = m.session_id"
        f" WHERE m.timestamp >= '{day}' AND s.deleted_at IS NULL GROUP BY 1, 2",
        f"SELECT CAST(timestamp AS DATE), model_id, SUM(cost_nanos) FROM m"
        f" WHERE timestamp >= '{day}' GROUP BY 1, 2",
    )
    latency = (
        "SELECT model_id, low, SUM(count) FROM rollup_histograms WHERE metric = 'latency_ms'"
        f" AND day >= {number}"
        " GROUP BY 1, 2",
        "SELECT model_id, latency_ms FROM messages"
        f" WHERE timestamp >= '{day}' AND latency_ms IS NOT NULL ORDER BY 1, 2",
        "SELECT model_id, quantile_cont(latency_ms, [0.5, 0.95, 0.99]) FROM m"
        f" WHERE timestamp >= '{day}' GROUP BY 1",
    )
    return {
        f"cost by day and model, {count} days": cost,
        f"latency percentiles by model, {count} days": latency,
    }


def columnar(path: Path):
    """Return a DuckDB connection with a columnar copy of the messages, None without DuckDB."""
    try:
        import duckdb
    except ImportError:
        return None
    copy = duckdb.connect()
    copy.execute("SET threads = 2")
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(path)) as db:
        file = Path(folder, "rows.csv")
        with file.open("w", encoding="utf-8") as out:
            for row in db.execute(
                "SELECT timestamp, model_id, cost_nanos, latency_ms FROM messages"
            ):
                out.write(",".join("" if value is None else str(value) for value in row) + "\n")
        copy.execute(
            "CREATE TABLE m AS SELECT * FROM read_csv(?, header = false, columns = {"
            "'timestamp': 'TIMESTAMP', 'model_id': 'INTEGER', 'cost_nanos': 'BIGINT',"
            " 'latency_ms': 'BIGINT'})",
            [str(file)],
        )
    return copy


def timed(ask: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def three_ways(path: Path) -> dict[str, dict[str, float | None]]:
    """Return the median time, in ms, of each question asked of all three."""
    found = {}
    copy = columnar(path)
    with closing(sqlite3.connect(path)) as db:
        for count in (30, 365):
            for name, (rollup, plain, duck) in questions(count).items():
                found[name] = {
                    "roll-up": timed(lambda sql=rollup: db.execute(sql).fetchall(), 9),
                    "messages": timed(lambda sql=plain: db.execute(sql).fetchall(), 2),
                    "DuckDB": copy and timed(lambda sql=duck: copy.execute(sql).fetchall(), 9),
                }
    return found


def pages(path: Path, times: int, only: str) -> dict[str, dict[str, float]]:
    found = {}
    with served(path, path.parent) as (host, port):
        for name, address in addresses().items():
            if only in name:
                found[name] = measure(host, port, address, times)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, action="append", required=True)
    parser.add_argument("--keep", type=Path, help="a folder in which the databases stay")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[int, dict] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for count in options.messages:
            path = Path(options.keep or temporary).resolve() / f"analytics-{count}.db"
            if not path.exists():
                print(f"Filling {count:,} messages ...", flush=True)
                fill(path, count)
            results[count] = {
                "pages": pages(path, options.times, options.only),
                "questions": {} if options.only else three_ways(path),
            }
            if not options.json:
                tell(count, results)
    if options.json:
        print(json.dumps(results, indent=2))


def tell(count: int, results: dict[int, dict]) -> None:
    smaller = min(results)
    print(f"{count:,} messages, server time in ms")
    for name, figures in results[count]["pages"].items():
        line = f"  {name:<36} p50 {figures['p50']:7.1f}  p95 {figures['p95']:7.1f}"
        if count != smaller:
            ratio = figures["p50"] / results[smaller]["pages"][name]["p50"]
            line += f"  x {ratio:.2f}{'' if ratio <= RATIO else ' over'}"
        budget = BUDGET_MS.get(count)
        print(line + ("  over budget" if budget and figures["p95"] > budget else ""))
    for name, ways in results[count]["questions"].items():
        print(
            f"  {name:<46}"
            + "  ".join(f"{way} {'-' if ms is None else f'{ms:,.1f}'}" for way, ms in ways.items())
        )


if __name__ == "__main__":
    main()
