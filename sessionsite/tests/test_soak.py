"""Writers, readers and backups at once, in small; `benchmarks/soak.py` does it for minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_writers_readers_and_backups_at_once_lose_nothing():
    done = subprocess.run(
        [
            sys.executable, "benchmarks/soak.py", "--minutes", "0.1", "--writers", "2",
            "--readers", "3", "--backup-every", "2",
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each a moment of the history: yes" in done.stdout
