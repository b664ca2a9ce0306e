"""`manage.py maintenance --cleanup|...`, as `session_db_setup.py maintenance` has always had it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from conversations import commands
from maintenance import checking, repairing, space
from maintenance import database as database_file

from . import check_database, sizes


class Command(commands.Command):
    help = "Keep the file small, quick and sound."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("--cleanup", action="store_true", help="all of the following")
        parser.add_argument("--analyze", action="store_true", help="update statistics")
        parser.add_argument("--vacuum", action="store_true", help="reclaim space, if worth it")
        parser.add_argument("--check", action="store_true", help="check integrity")
        parser.add_argument("--sizes", action="store_true", help="show table sizes")
        parser.add_argument("--force", action="store_true", help="vacuum for little gain too")
        parser.add_argument("--repair", action="store_true", help="check, and repair what can be")
        commands.add_format(parser)

    def handle(self, *, cleanup, analyze, vacuum, check, database="default", **options):
        show_sizes, repair = options["sizes"], options["repair"]
        if not (cleanup or analyze or vacuum or check or show_sizes or repair):
            raise CommandError(
                "Say what to do: --cleanup (all of it), --analyze, --vacuum, --check, --sizes.",
                returncode=commands.USAGE,
            )
        is_json = options["format"] == "json"
        result: dict[str, Any] = {"schema": 1}
        found: list[checking.Finding] = []

        def tell(name: str, value: Any, *lines: str) -> None:
            result[name] = value
            for line in () if is_json else lines:
                self.print(line)

        if cleanup:
            count = database_file.cleanup(using=database)
            tell("cleanup", {"sign_ins": count}, f"Expired sign-ins deleted: {count}")
        if analyze or cleanup:
            database_file.analyze(using=database)
            tell("analyze", True, "Statistics updated")
        if vacuum or cleanup:
            vacuumed = space.vacuum(force=options["force"], using=database)
            tell("vacuum", asdict(vacuumed), str(vacuumed))
        if repair:
            repaired = repairing.repair(using=database)
            found = repaired.left
            tell("repair", repaired.as_dict(), *check_database.repair_lines(repaired))
        elif check or cleanup:
            found = checking.check(using=database)
        if check or cleanup or repair:
            sound = () if found else ("Integrity check: ok",)
            tell("check", [finding.as_dict() for finding in found], *sound)
        if show_sizes or cleanup:
            measured = database_file.sizes(using=database)
            tell("sizes", sizes.as_dict(measured), *sizes.lines(measured))
        if is_json:
            self.print_json(result)
        if found:
            raise CommandError(check_database.in_words(found), returncode=check_database.UNSOUND)
