#!/usr/bin/env python3
"""Fill the disk, and see what writing says, and that nothing is lost or left half done.

    python benchmarks/disk_full.py

Database and data folder lie on a small file system of their own (tmpfs), so it takes the right to
mount one: run it as root. Exit code 1 if anything was not as it should be.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    from maintenance.tests.full_disk import Disk, small_disk, tried

    bad = 0
    with tempfile.TemporaryDirectory() as name:
        try:
            with small_disk(Path(name, "disk")) as folder:
                disk = Disk(folder)
                disk.set_up()
                for one in tried(disk):
                    print(f"{one.what:<24} {'wrong' if one.wrong else 'ok':<6} {one.said[:150]}")
                    for text in one.wrong:
                        print(f"    {text}")
                    bad += bool(one.wrong)
        except OSError as error:
            sys.exit(f"No small file system can be mounted here: {error}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
