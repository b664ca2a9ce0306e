#!/usr/bin/env python3
"""Measure a backup: its time beside `cp`, its memory, and what readers of the pages notice.

    python benchmarks/backup.py --database FILE

FILE is a database such as `benchmarks/import.py --messages 1000000 --keep FILE` leaves. A copy of
it is brought up to this version. Copying, checking and writing the manifest are timed apart.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from pages import ROOT, measure, served

PAGES = ("/sessions/", "/analytics/", "/search/?q=error")
FETCHED = 60
# Run in a process of its own, so that its memory is measured: prints when each step began.
BACKUP = """
import resource, sys, time
sys.path.insert(0, {root!r})
import django
django.setup()
from pathlib import Path
from django.db import connection
from maintenance import backups, runs
connection.ensure_connection()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
def at(self, step, done=0, total=0):
    print(f"{{time.perf_counter() - started:.2f}} {{step}}", flush=True)
runs.Recorder.at = at
backups.backup(Path({target!r}), compress={compress})
print(f"{{time.perf_counter() - started:.2f}} done", flush=True)
print("rss", before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def backed_up(folder: Path, *, compress: bool = False) -> tuple[dict[str, float], int]:
    """Make a backup; return the seconds of each step and the peak of memory (kB)."""
    target = folder / "backup.db"
    code = BACKUP.format(root=str(ROOT), target=str(target), compress=compress)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    steps = [(float(at), step) for at, step in re.findall(r"^([\d.]+) (.+)$", done.stdout, re.M)]
    taken = {step: later[0] - at for (at, step), later in itertools.pairwise(steps)}
    peak = int(re.search(r"rss \d+ (\d+)", done.stdout)[1])
    target.unlink()
    return taken, peak


def copied(source: Path, folder: Path) -> float:
    """Return the seconds that `cp` and a flush to the disk take."""
    target = folder / "cp.db"
    started = time.perf_counter()
    subprocess.run(["cp", str(source), str(target)], check=True)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    taken = time.perf_counter() - started
    target.unlink()
    return taken


@contextmanager
def backups_all_the_time(folder: Path):
    """Make one backup after the other while the block runs."""
    stop = threading.Event()

    def go() -> None:
        while not stop.is_set():
            backed_up(folder)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="where copies are written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        path = folder / "sessions.db"
        shutil.copyfile(options.database, path)
        os.environ |= {
            "DATABASE_URL": f"sqlite:///{path}", "SESSIONS_DATA": str(folder / "data"),
            "DJANGO_SETTINGS_MODULE": "sessionsite.settings",
        }  # fmt: skip
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        print(f"database of {path.stat().st_size / 1e6:,.0f} MB")
        copied(path, folder)  # into the page cache
        of_cp = min(copied(path, folder) for _ in range(3))
        print(f"{'cp and fsync':<34} {of_cp:7.2f} s")
        taken, peak = backed_up(folder)
        checks = taken.pop("Checking the copy")
        for step, seconds in taken.items():
            print(f"  {step:<32} {seconds:7.2f} s")
        whole = sum(taken.values())
        print(f"{'backup without its check':<34} {whole:7.2f} s  of at most {1.5 * of_cp:.2f}")
        print(f"{'its check':<34} {checks:7.2f} s")
        print(f"{'peak of memory':<34} {peak / 1024:7.0f} MB of at most 100")
        taken, peak = backed_up(folder, compress=True)
        print(f"{'compressed, in all':<34} {sum(taken.values()):7.2f} s, {peak / 1024:.0f} MB")
        with served(path, folder) as (host, port):
            for page in PAGES:
                alone = measure(host, port, lambda page=page: page, FETCHED)
                with backups_all_the_time(folder):
                    beside = measure(host, port, lambda page=page: page, FETCHED)
                ratio = beside["p95"] / alone["p95"]
                print(f"{page:<34} p95 {alone['p95']:6.1f} ms, during a backup"
                      f" {beside['p95']:6.1f} ms: {ratio:.1f} of at most 2")  # fmt: skip


if __name__ == "__main__":
    main()
