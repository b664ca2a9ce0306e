"""How long adopting a database of the original system takes, and caring for what it becomes.

python benchmarks/adoption.py [--sessions 10000] [--messages 10]
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=10, help="of each session")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SESSIONS_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "sessionsite.settings"
        import django

        django.setup()
        measure(Path(folder, "old.db"), options.sessions, options.messages)


def measure(file: Path, sessions: int, messages: int) -> None:
    """Print the seconds that each task takes, and the most memory until then."""
    from django.db import connections

    from conversations.databases import files
    from maintenance import adopting, checking, database, repairing, space
    from maintenance.tests import original

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.monotonic()
        result = work()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:<40} {time.monotonic() - start:>9.2f} s {memory:>8.0f} MB", flush=True)
        return result

    original.make_large(file, sessions, messages)
    print(f"{sessions * messages:,} messages in {file.stat().st_size / 1e6:.1f} MB")
    alias = files.connect(file)
    report = timed("adoption", lambda: adopting.adopt(using=alias))
    assert report.tables["messages"].kept == sessions * messages
    print(f"adopted: {file.stat().st_size / 1e6:.1f} MB")
    assert timed("check", lambda: checking.check(using=alias)) == []
    timed("sizes", lambda: database.sizes(using=alias))
    timed("analyze", lambda: database.analyze(using=alias))
    with connections[alias].cursor() as cursor:
        cursor.execute("UPDATE sessions SET total_messages = 0 WHERE id = 1")
    assert not timed("repair", lambda: repairing.repair(using=alias)).left
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM sessions WHERE id <= %s", [sessions // 3])
    done = timed("vacuum, a third deleted", lambda: space.vacuum(force=True, using=alias))
    print(done)


if __name__ == "__main__":
    main()
