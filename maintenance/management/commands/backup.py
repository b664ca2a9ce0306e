"""`manage.py backup`: write a copy of the database that can be restored."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands
from maintenance import backups
from maintenance.management import keys

ROTATION = "7/4/12"


class Command(commands.Command):
    help = "Write a consistent copy of the database, checked, with a manifest."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--output", "-o", metavar="FILE", help="- for standard output; default: beside it"
        )
        parser.add_argument("--compress", action="store_true", help="with zstd (.zst)")
        keys.add_locking(parser)
        parser.add_argument(
            "--verify", action="store_true", help="restore it into a scratch file and compare"
        )
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--keep", type=int, metavar="N", help="then delete all but the N newest in its folder"
        )
        which.add_argument(
            "--rotate", nargs="?", const=ROTATION, metavar="D/W/M",
            help=f"then keep those of so many days, weeks and months (default {ROTATION})",
        )  # fmt: skip
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="only say what it would do"
        )
        commands.add_format(parser)

    def handle(self, *, output, dry_run, format, database="default", **options):
        rotation = _rotation(options)
        made = {"compress": options["compress"], **keys.locking(options), "using": database}
        if output == "-":
            self.to_standard_output(made, rotation, options["verify"], dry_run)
            return
        path = Path(output).expanduser() if output else None
        if dry_run:
            shown, size, copy = path or backups.default_path(database), None, None
        else:
            copy = backups.backup(path, **made)
            shown, size = path or copy.path, copy.size
            if options["verify"]:
                self._prove(copy, made, database)
        folder = shown.absolute().parent
        gone = rotation(folder, dry_run, database) if rotation and folder.is_dir() else []
        if format == "json":
            self.print_json(
                {
                    "schema": 1, "dry_run": dry_run, "path": str(shown.absolute()), "size": size,
                    "proven": options["verify"] and not dry_run,
                    "manifest": copy and copy.manifest.as_dict(),
                    "deleted": [str(path) for path in gone],
                }
            )  # fmt: skip
            return
        if dry_run:
            self.say(f"Would write a backup to {shown}")
        else:
            name = path if output else shown.name
            self.print(f"Backup created: {name} ({size / 1e6:.1f} MB)")
        if options["verify"] and not dry_run:
            self.say("Proven: it was restored into a scratch file and is equal.")
        for problem in copy.manifest.problems[:5] if copy else ():
            self.say(f"The database has, and so has the backup: {problem}")
        for old in gone:
            self.say(f"{'Would delete' if dry_run else 'Deleted'}: {old}")

    def to_standard_output(self, made, rotation, is_verified, dry_run) -> None:
        """Write the backup to standard output, once it is whole."""
        if rotation:
            raise CommandError(
                "--keep and --rotate are for files, not for standard output.",
                returncode=commands.USAGE,
            )
        if dry_run:
            self.say("Would write a backup to standard output")
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = backups.backup(Path(folder, "backup.db"), **made, is_recorded=False)
            if is_verified:
                self._prove(copy, made, made["using"], is_recorded=False)
            with copy.path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)

    def _prove(self, copy, made, using, *, is_recorded: bool = True) -> None:
        if made["recipients"]:
            raise CommandError(
                f"{copy.path} was written; to prove it takes the private key:"
                " manage.py backups prove FILE --identity KEYFILE",
                returncode=commands.FAILED,
            )
        backups.prove(
            copy.path, passphrase=made["passphrase"], is_recorded=is_recorded, using=using
        )


def _rotation(options):
    """Return what deletes older backups in a folder, None if all stay."""
    if options["keep"] is not None:
        if options["keep"] < 1:
            raise CommandError("--keep: at least 1 must stay.", returncode=commands.USAGE)
        return lambda folder, dry_run, using: backups.keep_newest(
            options["keep"], folder, dry_run=dry_run, using=using
        )
    if options["rotate"] is None:
        return None
    parts = options["rotate"].split("/")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise CommandError(
            f"--rotate: days/weeks/months, such as {ROTATION}, not {options['rotate']!r:.50}.",
            returncode=commands.USAGE,
        )
    daily, weekly, monthly = (int(part) for part in parts)
    return lambda folder, dry_run, using: backups.rotate(
        folder, daily=daily, weekly=weekly, monthly=monthly, dry_run=dry_run, using=using
    )
