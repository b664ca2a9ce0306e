"""`manage.py check_database`: is everything sound, and with --repair: make it so."""

from __future__ import annotations

from django.core.management.base import CommandError

from conversations import commands
from maintenance import checking, repairing
from maintenance.setting_aside import TABLE

UNSOUND = 4  # exit code: something was found, or is left after a repair
SHOWN = 20


class Command(commands.Command):
    help = "Check the file, references, search indexes, totals, roll-ups and triggers."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--repair",
            action="store_true",
            help="make anew what can be made anew; the file as it was is kept beside it",
        )
        commands.add_format(parser)

    def handle(self, *, repair, format, database="default", **_):
        if repair:
            repaired = repairing.repair(using=database)
            found, shown = repaired.left, {"schema": 1, **repaired.as_dict()}
        else:
            found = checking.check(using=database)
            shown = {"schema": 1, "findings": [finding.as_dict() for finding in found]}
        if format == "json":
            self.print_json(shown)
        elif repair:
            for line in repair_lines(repaired):
                self.print(line)
        if found:
            raise CommandError(in_words(found), returncode=UNSOUND)
        if format != "json":
            self.print("Integrity check: ok")


def repair_lines(repaired: repairing.Repaired) -> list[str]:
    """Return what a repair did, for people."""
    result = [f"  found: {finding}" for finding in repaired.found[:SHOWN]]
    if repaired.copy:
        result.append(f"The file as it was is kept: {repaired.copy}")
    result += [
        f"Put aside, in the table {TABLE}: {line}"
        for line in repairing.aside_in_words(repaired.set_aside)
    ]
    result += [f"Failed: {failure}" for failure in repaired.failures]
    return [*result, str(repaired)]


def in_words(found: list[checking.Finding]) -> str:
    """Return what a check found as the text of an error."""
    shown = [f"{finding}" for finding in found[:SHOWN]]
    if len(found) > SHOWN:
        shown.append(f"and {len(found) - SHOWN} more")
    can = sum(finding.can_be_mended for finding in found)
    hint = f"\n{can} of {len(found)} can be repaired: manage.py check_database --repair"
    return "Integrity check found:\n  " + "\n  ".join(shown) + (hint if can else "")
