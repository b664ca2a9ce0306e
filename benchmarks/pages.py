#!/usr/bin/env python3
"""Measure the pages as a browser gets them: server time, bytes, and the largest paint.

    python benchmarks/pages.py --database FILE

FILE is a database such as `benchmarks/import.py --messages 1000000 --sessions 100000 --keep FILE`
leaves; it is copied first unless --in-place is given, since a session of 50,000 messages is added.
Pages are fetched one after the other through gunicorn, as `manage.py quickstart` starts it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
LONG = 50_000  # messages of the longest session
BUDGET_MS = 100
WARM_UP = 24  # three for each thread of the server, which has a connection and a cache of its own


def add_long_session(path: Path) -> None:
    """Add a session of 50,000 messages and one of 50, if they are not there."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        [[text]] = db.execute(
            "SELECT content FROM messages WHERE role = 'assistant'"
            " AND length(content) BETWEEN 900 AND 1100 LIMIT 1"
        )
        for uuid, count in (("bench-long", LONG), ("bench-short", 50)):
            if db.execute("SELECT 1 FROM sessions WHERE session_uuid = ?", [uuid]).fetchone():
                continue
            [[session]] = db.execute(
                "INSERT INTO sessions (session_uuid, title) VALUES (?, ?) RETURNING id",
                [uuid, f"{count} messages"],
            ).fetchall()
            db.executemany(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    (f"{uuid}-{n}", session, n, ("assistant", "user")[n % 2], f"{n}: {text}")
                    for n in range(1, count + 1)
                ),
            )
        db.commit()


@contextmanager
def served(path: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """Serve the database as `manage.py quickstart` does; yield host and port."""
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{path}",
        "SESSIONS_DATA": str(folder / "data"),
        "SINGLE_USER": "1",
        "LOG_LEVEL": "WARNING",
    }
    server = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "quickstart", "--port", "18100"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        for line in server.stdout:
            if found := re.search(r"Open\s+http://([^:]+):(\d+)", line):
                yield found[1], int(found[2])
                break
        else:
            sys.exit("The server did not start.")
    finally:
        server.terminate()
        server.wait(30)


def addresses(path: Path) -> dict[str, Callable[[], str]]:
    """Return what to fetch: a name, and a function to the next address under that name."""
    with closing(sqlite3.connect(path)) as db:

        def column(sql: str) -> list:
            return [row[0] for row in db.execute(sql)]

        projects, models = column("SELECT id FROM projects"), column("SELECT id FROM models")
        [count] = column("SELECT COUNT(*) FROM sessions")
        messages = column("SELECT message_uuid FROM messages ORDER BY id LIMIT 1000")
        sessions = column("SELECT session_uuid FROM sessions ORDER BY id LIMIT 1000")
    pick = random.Random(42).choice
    number = random.Random(42).randint
    last = -(-count // 25)
    long = "/sessions/bench-long/"
    return {
        "list": lambda: "/sessions/",
        "list, page in the middle": lambda: f"/sessions/?page={number(2, last)}",
        "list, last page": lambda: f"/sessions/?page={last}",
        "list, 100 rows": lambda: "/sessions/?per_page=100",
        "list, status and period": lambda: "/sessions/?status=completed&since=2025-06-01",
        "list, project": lambda: f"/sessions/?project={pick(projects)}",
        "list, model and cost": lambda: f"/sessions/?model={pick(models)}&cost_min=0.5",
        "list, title": lambda: f"/sessions/?title={pick(['test', 'error', 'zzz'])}",
        "list, search": lambda: f"/sessions/?q={pick(['test', 'error', 'the', 'role:user'])}",
        "list, tag": lambda: "/sessions/?tag=idea",
        "list, by cost": lambda: "/sessions/?sort=-cost",
        "list, by title": lambda: "/sessions/?sort=title",
        "list, by tokens": lambda: "/sessions/?sort=-tokens",
        "list, by project": lambda: "/sessions/?sort=project",
        "session, any": lambda: f"/sessions/{quote(pick(sessions))}/",
        "session, 50 messages": lambda: "/sessions/bench-short/",
        "session, 50,000 messages": lambda: long,
        "session, 50,000, any page": lambda: f"{long}?page={number(1, LONG // 50)}",
        "session, 50,000, at a message": lambda: f"{long}?message=bench-long-{number(1, LONG)}",
        "projects": lambda: "/projects/",
        "project": lambda: f"/projects/{pick(projects)}/",
        "models": lambda: "/models/",
        "model": lambda: f"/models/{pick(models)}/",
        "palette": lambda: f"/go/?q={pick(['test', 'error', 'fix'])}",
        "trash": lambda: "/trash/",
        "admin, sessions": lambda: "/admin/conversations/session/",
        "admin, sessions found": lambda: "/admin/conversations/session/?q=error",
        "admin, sessions by status": lambda: "/admin/conversations/session/?status__exact=failed",
        "admin, messages": lambda: "/admin/conversations/message/",
        "admin, messages, last page": lambda: "/admin/conversations/message/?p=200",
        "admin, a message found": lambda: f"/admin/conversations/message/?q={pick(messages)}",
        "admin, messages found": lambda: "/admin/conversations/message/?q=error",
    }


def measure(host: str, port: int, address: Callable[[], str], times: int) -> dict[str, float]:
    """Fetch an address many times; return p50 and p95 (ms) and the bytes of one answer."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    taken, size = [], 0
    for _ in range(times + WARM_UP):
        wanted = address()
        started = time.perf_counter()
        connection.request("GET", wanted, headers={"Accept-Encoding": "gzip, br"})
        answer = connection.getresponse()
        size = len(answer.read())
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status != 200:
            sys.exit(f"{wanted}: {answer.status}")
    connection.close()
    if not (taken := sorted(taken[WARM_UP:])):
        return {}
    return {
        "p50": statistics.median(taken),
        "p95": taken[min(len(taken) - 1, round(len(taken) * 0.95))],
        "kB": size / 1000,
    }


PAINT = """
    () => new Promise((done) => {
        new PerformanceObserver((list) => done({
            paint: list.getEntries().at(-1).startTime,
            bytes: [...performance.getEntriesByType("navigation"),
                    ...performance.getEntriesByType("resource")]
                .reduce((sum, entry) => sum + entry.transferSize, 0),
        })).observe({type: "largest-contentful-paint", buffered: true});
    })
"""


def paint(host: str, port: int) -> dict[str, dict[str, float]]:
    """Open pages in a fresh Chromium; return the largest paint (ms) and all bytes transferred."""
    from playwright.sync_api import sync_playwright

    from sessionsite.testing import browser

    results = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        for name, address in (("list", "/sessions/"), ("session", "/sessions/bench-long/")):
            page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.goto(f"http://{host}:{port}{address}", wait_until="load")
            results[name] = page.evaluate(PAINT)
        chromium.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--in-place", action="store_true", help="add to the database itself")
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = options.database.resolve()
        if not options.in_place:
            path = Path(shutil.copy(path, folder / "pages.db"))
        add_long_session(path)
        with served(path, folder) as (host, port):
            for address in addresses(path).values():  # caches of disk, database and program
                measure(host, port, address, 0)
            for name, address in addresses(path).items():
                if options.only in name:
                    results[name] = measure(host, port, address, options.times)
                    if not options.json:
                        figures = results[name]
                        print(
                            f"{name:<32} p50 {figures['p50']:7.1f}  p95 {figures['p95']:7.1f} ms"
                            f"  {figures['kB']:6.0f} kB"
                            f"{'' if figures['p95'] < BUDGET_MS else '   over budget'}",
                            flush=True,
                        )
            if not options.only:
                results["largest paint"] = paint(host, port)
                if not options.json:
                    for name, seen in results["largest paint"].items():
                        print(
                            f"largest paint, {name}: {seen['paint']:.0f} ms,"
                            f" {seen['bytes'] / 1000:.0f} kB transferred"
                        )
    if options.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
