"""`manage.py database <verb>`, and the command line of session_db_setup.py: the same verbs."""

from __future__ import annotations

from pathlib import Path

from django.db import connections

from conversations import commands
from conversations.databases import files
from maintenance import adopting, database, migrating
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
        is_json = format == "json"
        done = migrating.migrate(
            dry_run=dry_run,
            verbosity=0 if is_json else options["verbosity"],
            using=alias,
            on_step=self.say,
        )
        if is_json:
            self.print_json({"schema": 1, **done.as_dict()})
            return
        if done.adoption:
            for line in adopting.lines(done.adoption):
                self.print(line)
        elif done.kept:
            self.print(f"As it was it is kept: {done.kept}")
        if dry_run and done.was == "older":
            self.print("Would be migrated")
        elif not (dry_run and done.adoption):
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
