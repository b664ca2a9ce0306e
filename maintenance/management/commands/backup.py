"""`manage.py backup`: a consistent copy of the database, also while it is in use."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from conversations import commands
from maintenance import backups


class Command(commands.Command):
    help = "Write a consistent copy of the database."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--output", "-o", metavar="FILE", help="- for standard output; default: beside it"
        )
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="only say what it would do"
        )

    def handle(self, *, output, dry_run, database="default", **_):
        if output == "-":
            with tempfile.TemporaryDirectory() as folder:
                copy = backups.backup(Path(folder, "backup.db"), using=database)
                with copy.path.open("rb") as file:
                    shutil.copyfileobj(file, self.stdout._out.buffer)
            return
        path = Path(output).expanduser() if output else backups.default_path(database)
        if dry_run:
            self.say(f"Would write a backup to {path}")
            return
        copy = backups.backup(path, using=database)
        shown = copy.path if output else copy.path.name
        self.print(f"Backup created: {shown} ({copy.size / 1e6:.1f} MB)")
