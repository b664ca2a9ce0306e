"""`manage.py vacuum`: give free pages back to the disk."""

from __future__ import annotations

from conversations import commands
from maintenance import database as database_file


class Command(commands.Command):
    help = "Give the free space inside the database file back to the disk."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="only say what it would do"
        )
        commands.add_format(parser)

    def handle(self, *, dry_run, format, **_):
        before, after = database_file.vacuum(dry_run=dry_run)
        if format == "json":
            self.print_json({"schema": 1, "dry_run": dry_run, "before": before, "after": after})
        else:
            would = "Would be vacuumed" if dry_run else "Vacuumed"
            self.print(f"{would}: {before / 1e6:.2f} MB before, {after / 1e6:.2f} MB after")
