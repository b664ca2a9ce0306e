"""`manage.py vacuum`: give free pages back to the disk."""

from __future__ import annotations

from conversations import commands
from maintenance import database as database_file


class Command(commands.Command):
    help = "Give the free space inside the database file back to the disk."
    needs_database = True

    def handle(self, *, database="default", **_):
        before, after = database_file.vacuum(using=database)
        self.print(f"Vacuumed: {before / 1e6:.2f} MB before, {after / 1e6:.2f} MB after")
