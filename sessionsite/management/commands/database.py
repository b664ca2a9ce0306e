"""`manage.py database <verb>`, and the command line of session_db_setup.py: the same verbs."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from conversations import commands
from conversations.databases import files
from maintenance import database
from maintenance.management.commands import backup, restore


class Command(commands.Command):
    help = "Make a database file, and look after it."

    def add_arguments(self, parser):
        parser.add_argument("--db", metavar="FILE", help="another database file")
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        def verb(name: str, help: str):
            return verbs.add_parser(name, help=help, description=help)

        verb("init", "Make the database, if there is none.")
        about = verb("info", "Print path, size and counts.")
        commands.add_format(about)
        verb("migrate", "Bring the database up to this version of the program.")
        backup.Command().add_arguments(verb("backup", backup.Command.help))
        restore.Command().add_arguments(verb("restore", restore.Command.help))
        maintenance = verb("maintenance", "Keep the file small, quick and sound.")
        maintenance.add_argument("--cleanup", action="store_true", help="all of the following")
        maintenance.add_argument("--analyze", action="store_true", help="update statistics")
        maintenance.add_argument("--vacuum", action="store_true", help="reclaim space")
        maintenance.add_argument("--check", action="store_true", help="check integrity")
        maintenance.add_argument("--sizes", action="store_true", help="show table sizes")

    def handle(self, *, verb, db, **options):
        alias = files.connect(db) if db else "default"
        path = Path(connections[alias].settings_dict["NAME"])
        if verb not in {"init", "migrate", "restore"}:
            files.require(alias)
        getattr(self, verb)(alias, path, **options)

    def init(self, alias, path, **_):
        self.print(f"Initializing database at {shown(path)}...")
        files.create_or_check(alias)
        self.print("Database initialized successfully")
        database.analyze(using=alias)
        self.print("Database optimized")

    def info(self, alias, path, *, format, **_):
        info = database.info(using=alias)
        if format == "json":
            self.print_json({"schema": 1, **info})
            return
        self.print("Database Information:")
        self.print(f"  Path: {shown(path)}")
        self.print(f"  Size: {info['size'] / 1e6:.2f} MB")
        self.print(f"  Schema Version: {info['schema_version']}")
        self.print(f"  Journal Mode: {info['journal_mode']}")
        self.print(f"  Page Size: {info['page_size']}")
        self.print("\nTable Counts:")
        for name, count in info["tables"].items():
            self.print(f"  {name}: {count}")

    def migrate(self, alias, path, **options):
        if not path.exists():
            raise CommandError(f"There is no {path} to migrate; `init` makes one.")
        call_command("migrate", database=alias, interactive=False, verbosity=options["verbosity"])
        self.print("Database is up to date")

    def backup(self, alias, path, **options):
        self._hand_to(backup.Command, alias, options)

    def restore(self, alias, path, **options):
        self._hand_to(restore.Command, alias, options)

    def _hand_to(self, command, alias, options) -> None:
        other = command(stdout=self.stdout._out, stderr=self.stderr._out)
        other.verbosity = self.verbosity
        other.handle(**options, database=alias)

    def maintenance(self, alias, path, *, cleanup, analyze, vacuum, check, sizes, **_):
        if not (cleanup or analyze or vacuum or check or sizes):
            raise CommandError(
                "Say what to do: --cleanup (all of it), --analyze, --vacuum, --check, --sizes.",
                returncode=commands.USAGE,
            )
        if cleanup:
            self.print(f"Expired sign-ins deleted: {database.cleanup(using=alias)}")
        if analyze or cleanup:
            database.analyze(using=alias)
            self.print("Statistics updated")
        if vacuum or cleanup:
            before, after = database.vacuum(using=alias)
            self.print(f"Vacuumed: {before / 1e6:.2f} MB before, {after / 1e6:.2f} MB after")
        if check or cleanup:
            problems = database.check(using=alias)
            if problems:
                raise CommandError(
                    "Integrity check found:\n  " + "\n  ".join(problems[:20]), returncode=4
                )
            self.print("Integrity check: ok")
        if sizes or cleanup:
            self.print(f"{'Table or index':<50} {'Rows':>12} {'MB':>10}")
            for size in database.sizes(using=alias):
                rows = "" if size.rows is None else f"{size.rows:,}"
                self.print(f"{size.name:<50} {rows:>12} {size.bytes / 1e6:>10.2f}")


def shown(path: Path) -> str:
    """Return `path` as the reader would type it: relative where it lies below here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
