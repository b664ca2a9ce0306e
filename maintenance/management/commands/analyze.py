"""`manage.py analyze`: renew the statistics by which SQLite chooses its indexes."""

from __future__ import annotations

from conversations import commands
from maintenance import database as database_file


class Command(commands.Command):
    help = "Renew the statistics by which SQLite chooses its indexes."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--merge", action="store_true", help="merge the search indexes too: quicker to read"
        )
        commands.add_format(parser)

    def handle(self, *, merge, format, database="default", **_):
        database_file.analyze(merge=merge, using=database)
        if format == "json":
            self.print_json({"schema": 1, "merged": merge})
        else:
            self.print("Statistics updated" + (", search indexes merged" if merge else ""))
