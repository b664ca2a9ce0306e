"""`manage.py database <verb>`, and the command line of session_db_setup.py: the same verbs."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from conversations import commands
from conversations.databases import files
from conversations.errors import DatabaseTrouble, explained
from maintenance import adopting, database, repairing
from maintenance.management.commands import backup, maintenance, restore


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
        migrate = verb(
            "migrate",
            "Bring the database up to this version of the program, or adopt one of the original"
            " system; it is kept beside it as it was.",
        )
        migrate.add_argument("--dry-run", "-n", action="store_true", help="only say what it does")
        commands.add_format(migrate)
        backup.Command().add_arguments(verb("backup", backup.Command.help))
        restore.Command().add_arguments(verb("restore", restore.Command.help))
        maintenance.Command().add_arguments(verb("maintenance", maintenance.Command.help))

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
        database.renew_statistics(using=alias)
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
        self.print(f"\nFree Pages: {info['free_pages']} of {info['pages']}"
                   f" ({info['free'] / 1e6:.2f} MB), WAL {info['wal'] / 1e6:.2f} MB")  # fmt: skip
        for name in ("last_backup", "last_proven_backup", "last_check", "last_vacuum"):
            self.print(f"{name.replace('_', ' ').capitalize()}: {info[name] or 'never'}")

    def migrate(self, alias, path, *, dry_run, format, **options):
        if not path.exists():
            raise CommandError(f"There is no {path} to migrate; `init` makes one.")
        with explained(alias):
            result = {"schema": 1, "dry_run": dry_run, "kept": None, "adoption": None}
            if files.is_original(path):
                report = adopting.adopt(dry_run=dry_run, using=alias, on_step=self.say)
                result |= {"kept": report.copy, "adoption": report.as_dict()}
                told = adopting.lines(report)
            elif files.is_older(alias):
                kept = None if dry_run else repairing.keep_copy("before-migrate", using=alias)
                result["kept"] = kept and str(kept)
                told = [f"As it was it is kept: {kept}" if kept else "Would be migrated"]
            elif reason := files.pending(alias):
                raise DatabaseTrouble(reason)
            else:
                told = []
            if not dry_run:
                call_command(
                    "migrate",
                    database=alias,
                    interactive=False,
                    verbosity=0 if format == "json" else options["verbosity"],
                    stdout=self.stdout._out,
                )
        if format == "json":
            self.print_json(result)
            return
        for line in told:
            self.print(line)
        if not dry_run or not told:
            self.print("Database is up to date")

    def backup(self, alias, path, **options):
        self._hand_to(backup.Command, alias, options)

    def restore(self, alias, path, **options):
        self._hand_to(restore.Command, alias, options)

    def _hand_to(self, command, alias, options) -> None:
        other = command(stdout=self.stdout._out, stderr=self.stderr._out)
        other.verbosity = self.verbosity
        other.handle(**options, database=alias)

    def maintenance(self, alias, path, **options):
        self._hand_to(maintenance.Command, alias, options)


def shown(path: Path) -> str:
    """Return `path` as the reader would type it: relative where it lies below here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
