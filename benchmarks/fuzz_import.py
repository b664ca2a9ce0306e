#!/usr/bin/env python3
"""Import thousands of damaged files of every format into one database, and check what comes of it.

    python benchmarks/fuzz_import.py --files 5000 --seed 1

Every file must end in a report within the limit, and the database must be consistent in the end:
sound pages, no links to nowhere, totals that are the sums of the messages, an exact search index,
and everything in it can be exported. The exit status is 1 if anything is wrong; what was wrong can
be had again with the same seed, and the files are kept if `--keep` names a folder.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conversations.importers import FORMATS  # noqa: E402


def manage(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command of the program on the database of this process."""
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments], cwd=ROOT, capture_output=True
    )


def fuzz(folder: Path, options: argparse.Namespace) -> list[str]:
    """Import the files one after the other; print a summary and return what was wrong."""
    from conversations.exporters import FORMATS as EXPORTS
    from conversations.tests import import_damage

    problems: list[str] = []
    formats: dict[str, Counter[str]] = {}
    slowest = (0.0, "")
    started = time.perf_counter()
    files = import_damage.Damage(options.seed, options.formats)
    for number, file in enumerate(files, start=1):
        if number > options.files:
            break
        path = folder / file.name
        path.write_bytes(file.content)
        outcome = import_damage.checked(path, seconds=options.seconds_per_file)
        counted = formats.setdefault(file.format, Counter())
        counted["files"] += 1
        counted["with sessions"] += outcome.is_found
        slowest = max(slowest, (outcome.seconds, str(file)))
        if outcome.problem:
            counted["wrong"] += 1
            problems.append(f"{file}: {outcome.problem}")
            print(problems[-1], flush=True)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / file.name).write_bytes(file.content)
        path.unlink()
    taken = time.perf_counter() - started
    wrong = import_damage.inconsistencies(folder / "fuzz.db")
    index = manage("search_index", "check")
    wrong += index.stdout.decode().splitlines() if index.returncode else []
    for name in EXPORTS:
        done = manage("export", "--format", name, "--output", str(folder / "export"))
        if done.returncode and b"pyarrow" not in done.stderr:
            wrong.append(f"export {name}: {done.stderr.decode()[-500:]}")
    for name, counted in formats.items():
        print(f"{name:<16} {counted['files']:>6} files {counted['with sessions']:>6} with sessions"
              f" {counted['wrong']:>4} wrong")  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{number - 1:,} files in {taken:.0f} s, the slowest {slowest[0]:.2f} s: {slowest[1]};"
          f" peak memory {memory:.0f} MB")  # fmt: skip
    print(*wrong[:50], sep="\n")
    return problems + wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS, metavar="NAME")
    parser.add_argument("--seconds-per-file", type=float, default=20)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what went wrong there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-import-") as name:
        folder = Path(name)
        os.environ |= {
            "SESSIONS_DATA": str(folder / "data"),
            "DATABASE_URL": f"sqlite:///{folder / 'fuzz.db'}",
            "DJANGO_SETTINGS_MODULE": "sessionsite.settings",
        }
        import django

        django.setup()
        from conversations.databases import files

        files.create_or_check("default")
        problems = fuzz(folder, options)
    print(f"{len(problems)} problems" if problems else "Nothing wrong.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
