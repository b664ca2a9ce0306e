#!/usr/bin/env python3
"""Write and read through the server and the Python API at once, with backups all the while.

    python benchmarks/soak.py --minutes 5 --writers 8 --readers 20 --backup-every 20

Half of the writers are processes that post forms, half use `SessionManager` on the same file; each
numbers what it writes, and notes what was acknowledged. In the end nothing acknowledged may be
missing, no answer may be a 5xx or speak of a locked database, and every backup must be a moment of
the history: of each writer a prefix, neither shorter than what was acknowledged before it began nor
longer than what had been sent when it ended. Exit code 1 if anything is not so.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
READ = ("/sessions/", "/search/?q=tea", "/analytics/", "/analytics/costs/", "/go/?q=soak",
        "/sessions/?status=active", "/projects/")  # fmt: skip
PAUSE = 0.02  # seconds between two writes of a writer
SAID = {
    "role": "user", "content": "", "model": "", "input_tokens": "7", "output_tokens": "",
    "cost": "", "latency_ms": "", "finish_reason": "", "error_message": "",
}  # fmt: skip
LOCKED = b"is locked"


@dataclass
class Seen:
    """What readers and writers met."""

    statuses: Counter = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, status: int, body: bytes, began: float) -> None:
        """Note an answer."""
        with self.lock:
            self.statuses[status] += 1
            self.milliseconds.append((time.perf_counter() - began) * 1000)
            if status >= 500 or LOCKED in body:
                self.wrong.append(f"{what}: {status} {body[:200]!r}")


# -- writers, each a process ----------------------------------------------------------------------


class Notes:
    """What a writer has sent and what was acknowledged, with times, in a file of its own."""

    def __init__(self, file: Path) -> None:
        self.stream = file.open("w", buffering=1)

    def write(self, what: str, number: int) -> None:
        self.stream.write(f"{what} {number} {time.time()}\n")


def write_by_api(name: str, notes: Notes, stop: Path) -> None:
    """Add pairs of messages, each in one transaction."""
    from sessionsite.manager import SessionManager

    with SessionManager() as manager:
        session = manager.create_session(f"soak {name}")
        number = 0
        while not stop.exists():
            number += 1
            notes.write("sent", number)
            pair = [
                {"role": "user", "content": f"{name} {number} a tea", "input_tokens": 5},
                {"role": "assistant", "content": f"{name} {number} b", "output_tokens": 7},
            ]  # fmt: skip
            manager.add_messages(session, pair)
            notes.write("acknowledged", number)
            time.sleep(PAUSE)


def write_by_web(name: str, notes: Notes, stop: Path, port: int) -> None:
    """Post messages by the form of a session."""
    from sessionsite.manager import SessionManager

    with SessionManager() as manager:
        session = manager.create_session(f"soak {name}")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/sessions/{session}/")
    answer = connection.getresponse()
    answer.read()
    cookies = "; ".join(
        value.split(";")[0] for key, value in answer.getheaders() if key.lower() == "set-cookie"
    )
    token = re.search(r"csrftoken=(\w+)", cookies)[1]
    headers = {
        "Cookie": cookies, "X-CSRFToken": token,
        "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    number = 0
    while not stop.exists():
        number += 1
        body = urlencode({**SAID, "content": f"{name} {number} a tea"})
        notes.write("sent", number)
        connection.request("POST", f"/sessions/{session}/messages/", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 302:
            notes.write(f"status-{answer.status}", number)
            sys.exit(f"{answer.status}: {said[:300]!r}")
        notes.write("acknowledged", number)
        time.sleep(PAUSE)


# -- readers --------------------------------------------------------------------------------------


def read(port: int, seen: Seen, until: float, place: int) -> None:
    """Fetch pages one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.time() < until:
        address = READ[place % len(READ)]
        place += 1
        began = time.perf_counter()
        try:
            connection.request("GET", address)
            answer = connection.getresponse()
            seen.add(address, answer.status, answer.read(), began)
        except (OSError, http.client.HTTPException) as error:
            with seen.lock:
                seen.wrong.append(f"{address}: {error!r}")
            connection.close()


# -- the whole ------------------------------------------------------------------------------------


@contextmanager
def served(environment: dict[str, str], port: int, log: Path):
    """Serve as `manage.py quickstart` does."""
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "quickstart", "--port", str(port)],
            cwd=ROOT, env=environment, stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        for _ in range(600):
            if re.search(r"Open\s+http://", log.read_text()):
                break
            if server.poll() is not None:
                sys.exit(f"The server did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def notes_of(file: Path) -> dict[str, dict[int, float]]:
    """Return when each number was sent and acknowledged."""
    found: dict[str, dict[int, float]] = {"sent": {}, "acknowledged": {}}
    for line in file.read_text().splitlines():
        what, number, at = line.split()
        found.setdefault(what, {})[int(number)] = float(at)
    return found


def numbers_in(database: sqlite3.Connection, name: str) -> dict[int, int]:
    """Return how many messages of each number of a writer there are."""
    rows = database.execute(
        "SELECT content FROM messages WHERE session_id ="
        " (SELECT id FROM sessions WHERE title = ?)", [f"soak {name}"],
    )  # fmt: skip
    return Counter(int(text.split()[1]) for [text] in rows)


def check_backup(file: Path, began: float, ended: float, folder: Path, environment) -> list[str]:
    """Return what is wrong with a backup that was made between these moments."""
    from maintenance import backups

    wrong = []
    with backups.opened(file) as (plain, _):
        scratch = folder / "scratch.db"
        scratch.write_bytes(plain.read_bytes())
    with closing(sqlite3.connect(scratch)) as database:
        if (found := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            wrong.append(f"integrity: {found}")
        if database.execute("PRAGMA foreign_key_check").fetchall():
            wrong.append("rows refer to nothing")
        for table in ("messages_fts", "sessions_fts"):
            database.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
        [[bad]] = database.execute(
            "SELECT COUNT(*) FROM sessions WHERE total_messages <>"
            " (SELECT COUNT(*) FROM messages WHERE session_id = sessions.id)"
        ).fetchall()
        if bad:
            wrong.append(f"{bad} sessions have wrong totals")
        for notes in sorted(folder.glob("notes-*")):
            name, said = notes.name.removeprefix("notes-"), notes_of(notes)
            counts = numbers_in(database, name)
            last = max(counts, default=0)
            if sorted(counts) != list(range(1, last + 1)):
                wrong.append(f"{name}: a gap before {last}")
            if name.startswith("api") and any(count != 2 for count in counts.values()):
                wrong.append(f"{name}: half a pair")
            before = max((n for n, at in said["acknowledged"].items() if at < began), default=0)
            after = max((n for n, at in said["sent"].items() if at <= ended), default=0)
            if not before <= last <= after:
                wrong.append(f"{name}: up to {last}, and {before} to {after} would be right")
    done = subprocess.run(
        [sys.executable, "manage.py", "rollups", "check"], cwd=ROOT, capture_output=True, text=True,
        env={**environment, "DATABASE_URL": f"sqlite:///{scratch}"},
    )  # fmt: skip
    if done.returncode:
        wrong.append(f"roll-ups: {done.stdout[-200:]}{done.stderr[-200:]}")
    for side in ("", "-wal", "-shm"):
        Path(f"{scratch}{side}").unlink(missing_ok=True)
    return [f"{file.name}: {text}" for text in wrong]


def percentiles(values: list[float]) -> str:
    if len(values) < 2:
        return "too few"
    marks = statistics.quantiles(values, n=100)
    return f"p50 {marks[49]:,.0f} ms, p95 {marks[94]:,.0f} ms, p99 {marks[98]:,.0f} ms"


def soak(folder: Path, options: argparse.Namespace) -> list[str]:
    """Do it all and return what was wrong."""
    environment, port, stop = dict(os.environ), free_port(), folder / "stop"
    log = folder / "server.log"
    seen, wrong, made = Seen(), [], []
    with served(environment, port, log):
        subprocess.run([sys.executable, "manage.py", "demo", "--sessions", "50"], cwd=ROOT,
                       env=environment, check=True, capture_output=True)  # fmt: skip
        until = time.time() + options.minutes * 60
        writers = []
        for place in range(options.writers):
            kind = "web" if place % 2 else "api"
            writers.append(
                subprocess.Popen(
                    [sys.executable, __file__, "--writer", f"{kind}{place}", "--port", str(port),
                     "--folder", str(folder)], env=environment, stderr=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
        readers = [
            threading.Thread(target=read, args=(port, seen, until, place))
            for place in range(options.readers)
        ]
        for reader in readers:
            reader.start()
        while time.time() < until:
            time.sleep(min(options.backup_every, max(0.0, until - time.time())))
            file, began = folder / f"backup-{len(made)}.db", time.time()
            done = subprocess.run(
                [sys.executable, "manage.py", "backup", "-o", str(file)], cwd=ROOT,
                env=environment, capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode:
                wrong.append(f"backup: {done.stderr[-300:]}")
            else:
                made.append((file, began, time.time()))
        stop.touch()
        for reader in readers:
            reader.join()
        for writer in writers:
            _, said = writer.communicate(timeout=60)
            if writer.returncode:
                wrong.append(f"a writer: {said[-300:]}")
    text = log.read_text()
    if "is locked" in text or "Traceback" in text:
        wrong.append(f"the server's log: {text[-1000:]}")
    wrong += seen.wrong[:20]
    waits, count = [], 0
    with closing(sqlite3.connect(folder / "sessions.db")) as database:
        for notes in sorted(folder.glob("notes-*")):
            said = notes_of(notes)
            lost = said["acknowledged"].keys() - numbers_in(
                database, notes.name.removeprefix("notes-")
            ).keys()  # fmt: skip
            count += len(said["acknowledged"])
            waits += [(at - said["sent"][n]) * 1000 for n, at in said["acknowledged"].items()]
            if lost:
                wrong.append(f"{notes.name}: {len(lost)} acknowledged are missing")
    for file, began, ended in made:
        wrong += check_backup(file, began, ended, folder, environment)
    statuses = ", ".join(f"{status}: {n:,}" for status, n in sorted(seen.statuses.items()))
    print(f"{options.writers} writers: {count:,} writes acknowledged, {percentiles(waits)}")
    print(f"{options.readers} readers: answers {statuses}; {percentiles(seen.milliseconds)}")
    print(f"{len(made)} backups, each a moment of the history: {'no' if wrong else 'yes'}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--backup-every", type=float, default=20, help="seconds")
    parser.add_argument("--writer", help=argparse.SUPPRESS)  # this process is one
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        import django

        django.setup()
        notes = Notes(options.folder / f"notes-{options.writer}")
        stop = options.folder / "stop"
        if options.writer.startswith("api"):
            write_by_api(options.writer, notes, stop)
        else:
            write_by_web(options.writer, notes, stop, options.port)
        return 0
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{name}/sessions.db", "SESSIONS_DATA": f"{name}/data",
            "DJANGO_SETTINGS_MODULE": "sessionsite.settings", "SINGLE_USER": "1",
            "LOG_LEVEL": "WARNING", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        import django

        django.setup()
        wrong = soak(Path(name), options)
    for text in wrong:
        print(f"wrong: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
