#!/usr/bin/env python3
"""Damage backups, one bit or one cut at a time, and see that each damage is refused.

    python benchmarks/damage_backup.py --samples 1000

Half of the samples flip one bit, half cut the file short, at places that are drawn evenly over a
backup of each kind: plain, compressed, encrypted for a key, both. The bits at both ends, where a
format has some that nobody reads, are all flipped besides.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
EDGE = 120  # bytes at each end whose every bit is flipped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1_000, help="of each kind of backup")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DATABASE_URL"] = f"sqlite:///{folder / 'sessions.db'}"
        os.environ["SESSIONS_DATA"] = str(folder / "data")
        os.environ["DJANGO_SETTINGS_MODULE"] = "sessionsite.settings"
        import django

        django.setup()
        fill()
        return 1 if sum(damaged(folder, options)) else 0


def fill() -> None:
    """Make a database of some hundred messages."""
    from django.core.management import call_command

    from sessionsite.manager import SessionManager

    call_command("migrate", verbosity=0)
    with SessionManager() as manager:
        for number in range(50):
            session = manager.create_session(f"Session {number}")
            manager.add_messages(
                session, [{"role": "user", "content": f"tea and bread {n} " * 9} for n in range(10)]
            )


def damaged(folder: Path, options):
    """Yield for each kind of backup how many damages were accepted."""
    import pyrage

    from maintenance import backups
    from maintenance.tests import damage

    key = pyrage.x25519.Identity.generate()
    for name, compress, is_encrypted in (
        ("plain", False, False), ("zstd", True, False), ("age", False, True),
        ("zstd and age", True, True),
    ):  # fmt: skip
        recipients = [str(key.to_public())] if is_encrypted else []
        file = backups.backup(folder / "copy", compress=compress, recipients=recipients).path
        given = {"identities": [str(key)]} if is_encrypted else {}
        began = time.perf_counter()
        tried = [
            *damage.tried(file, options.samples // 2, seed=options.seed, **given),
            *damage.tried_at_the_ends(file, EDGE, **given),
        ]
        accepted = [what for what, is_refused in tried if not is_refused]
        backups.verify(file, **given)  # whole again
        print(
            f"{name:<14} {file.stat().st_size:>10,} bytes: {len(tried):,} damages,"
            f" {len(tried) - len(accepted):,} refused, {len(accepted)} accepted"
            f" ({time.perf_counter() - began:.0f} s)", flush=True,
        )  # fmt: skip
        for what in accepted[:10]:
            print(f"    {what}")
        yield len(accepted)


if __name__ == "__main__":
    sys.exit(main())
