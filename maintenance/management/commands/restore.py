"""`manage.py restore FILE`: put a backup in the database's place."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands
from maintenance import backups


class Command(commands.Command):
    help = "Replace the database by a backup; what was there is kept beside it."

    def add_arguments(self, parser):
        parser.add_argument("file", help="a file that `backup` has written")
        parser.add_argument("--noinput", "--no-input", action="store_true", help="do not ask")
        parser.add_argument("--dry-run", "-n", action="store_true", help="only check the file")

    def handle(self, *, file, noinput, dry_run, database="default", **_):
        file = Path(file).expanduser()
        backups.verify(file)
        if dry_run:
            self.say(f"{file} can be restored.")
            return
        if not noinput:
            if not sys.stdin.isatty():
                raise CommandError(
                    "Nothing was restored. Without a terminal to ask on, give --noinput.",
                    returncode=commands.USAGE,
                )
            if input(f"Replace the database by {file}? [y/N] ").strip().lower() not in {"y", "yes"}:
                raise CommandError("Nothing was restored.", returncode=commands.FAILED)
        kept = backups.restore(file, using=database)
        self.print(f"Restored: {file}")
        if kept:
            self.say(f"What was there before is in {kept.path}")
