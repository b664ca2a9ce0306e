"""`manage.py backups`: list the backups that are known, and prove them."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands
from maintenance import backups
from maintenance.backups import UnusableBackup
from maintenance.management import keys

UNPROVEN = 4


class Command(commands.Command):
    help = "List backups, or prove that they can be restored."
    needs_database = True

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", metavar="VERB")
        listing = verbs.add_parser("list", help="list the backups whose files are there")
        commands.add_format(listing)
        prove = verbs.add_parser("prove", help="restore into a scratch file and compare")
        prove.add_argument("file", nargs="*", help="default: the newest")
        prove.add_argument("--all", action="store_true", help="all that are known")
        keys.add_unlocking(prove)
        commands.add_format(prove)
        commands.add_format(parser)

    def handle(self, *, verb, database="default", **options):
        if verb == "prove":
            self.prove(options, database)
        else:
            self.list(options["format"], database)

    def list(self, format: str, using: str) -> None:
        """Print the known backups, newest first."""
        found = backups.known(using)
        if format == "json":
            rows = [
                {
                    "path": row.path, "bytes": row.bytes, "sha256": row.sha256,
                    "made_at": row.made_at, "proven_at": row.proven_at,
                    "encrypted": row.is_encrypted, "counts": row.manifest.get("counts", {}),
                }
                for row in found
            ]  # fmt: skip
            self.print_json({"schema": 1, "backups": rows})
            return
        if not found:
            self.say("There is no backup that is known. Make one: manage.py backup --verify")
            return
        self.print(f"{'Made':<17} {'Proven':<17} {'MB':>10} {'Messages':>12}  File")
        for row in found:
            proven = f"{row.proven_at:%Y-%m-%d %H:%M}" if row.proven_at else "-"
            messages = row.manifest.get("counts", {}).get("messages", 0)
            self.print(
                f"{row.made_at:%Y-%m-%d %H:%M}  {proven:<17} {row.bytes / 1e6:>10,.1f}"
                f" {messages:>12,}  {row.path}"
            )

    def prove(self, options, using: str) -> None:
        """Prove the files, the newest or all; exit 4 if one of them is none."""
        known = [Path(row.path) for row in backups.known(using)]
        files = [Path(name) for name in options["file"]]
        files = files or (known if options["all"] else known[:1])
        if not files:
            raise CommandError("There is no backup to prove.", returncode=commands.FAILED)
        unlocking, failed, rows = keys.unlocking(options), [], []
        for file in files:
            try:
                proof = backups.prove(file, **unlocking, using=using)
            except UnusableBackup as error:
                failed.append(str(error))
                rows.append({"path": str(file), "proven": False, "reason": str(error)})
                self.say(f"Not proven: {error}")
                continue
            rows.append({"path": proof.path, "proven": True, "messages": proof.messages})
            if options["format"] != "json":
                self.print(
                    f"Proven: {file} ({proof.sessions:,} sessions, {proof.messages:,} messages)"
                )
        if options["format"] == "json":
            self.print_json({"schema": 1, "backups": rows})
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(files)} cannot be restored.", returncode=UNPROVEN
            )
