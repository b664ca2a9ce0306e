"""`manage.py backup`: a consistent copy of the database, also while it is in use."""

from __future__ import annotations

import shutil
import sys
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
        commands.add_format(parser)

    def handle(self, *, output, dry_run, format, database="default", **_):
        if output == "-":
            with tempfile.TemporaryDirectory() as folder:
                copy = backups.backup(Path(folder, "backup.db"), using=database)
                with copy.path.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
            return
        path = Path(output).expanduser() if output else backups.default_path(database)
        size = None if dry_run else backups.backup(path, using=database).size
        if format == "json":
            self.print_json(
                {"schema": 1, "dry_run": dry_run, "path": str(path.absolute()), "size": size}
            )
        elif dry_run:
            self.say(f"Would write a backup to {path}")
        else:
            self.print(f"Backup created: {path if output else path.name} ({size / 1e6:.1f} MB)")
