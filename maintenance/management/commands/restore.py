"""`manage.py restore FILE`: put a backup in the database's place."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands
from maintenance import backups


class Command(commands.Command):
    help = "Replace the database by a backup; what was there is kept beside it."

    def add_arguments(self, parser):
        parser.add_argument("file", help="what `backup` has written; - for standard input")
        parser.add_argument("--noinput", "--no-input", action="store_true", help="do not ask")
        parser.add_argument("--dry-run", "-n", action="store_true", help="only check the file")
        commands.add_format(parser)

    def handle(self, *, file, noinput, dry_run, format, database="default", **_):
        with ExitStack() as stack:
            path = Path(file).expanduser()
            if file == "-":
                path = Path(stack.enter_context(tempfile.TemporaryDirectory()), "standard input")
                with path.open("wb") as spooled:
                    shutil.copyfileobj(sys.stdin.buffer, spooled)
            backups.verify(path)
            kept = None
            if not dry_run:
                self.ask(noinput, file)
                kept = backups.restore(path, using=database)
        if format == "json":
            kept_path = kept and str(kept.path)
            self.print_json({"schema": 1, "dry_run": dry_run, "restored": file, "kept": kept_path})
        elif dry_run:
            self.say(f"{file} can be restored.")
        else:
            self.print(f"Restored: {file}")
            if kept:
                self.say(f"What was there before is in {kept.path}")

    def ask(self, noinput: bool, file: str) -> None:
        """Go on only if whoever runs this wants to."""
        if noinput:
            return
        if not sys.stdin.isatty():
            raise CommandError(
                "Nothing was restored. Without a terminal to ask on, give --noinput.",
                returncode=commands.USAGE,
            )
        if input(f"Replace the database by {file}? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was restored.", returncode=commands.FAILED)
