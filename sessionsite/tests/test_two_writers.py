"""Two processes write to one session at once. benchmarks/two_writers.py does it with more."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "two_writers.py"


def test_of_two_processes_that_add_messages_at_once_none_loses_any(
    database_file, django_db_blocker
):
    two_writers = runpy.run_path(str(SCRIPT))
    with django_db_blocker.unblock():
        two_writers["run"](database_file, writers=2, messages=300)
