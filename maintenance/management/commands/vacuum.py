"""`manage.py vacuum`: give free pages back to the disk."""

from __future__ import annotations

from dataclasses import asdict

from conversations import commands
from maintenance import space


class Command(commands.Command):
    help = "Give the free space inside the database file back to the disk, if it is worth it."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("--force", action="store_true", help="even if there is little to gain")
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="only say what it would do"
        )
        commands.add_format(parser)

    def handle(self, *, force, dry_run, format, database="default", **_):
        result = space.vacuum(force=force, dry_run=dry_run, using=database)
        if format == "json":
            self.print_json({"schema": 1, **asdict(result)})
        else:
            self.print(str(result))
