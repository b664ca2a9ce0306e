"""`manage.py rollups check|rebuild`: prove that roll-ups equal the messages, or make them so."""

from __future__ import annotations

from dataclasses import asdict

from django.core.management.base import CommandError
from django.db import connection, transaction

from analytics import rollups
from conversations import commands

DAMAGED = 4


class Command(commands.Command):
    help = (
        "Compare every sum that dashboards read with the messages themselves, to the token and the"
        " nano-dollar, or make the sums anew."
    )
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("verb", choices=["check", "rebuild"])
        commands.add_format(parser)

    def handle(self, *, verb, format, **_):
        if verb == "rebuild":
            with transaction.atomic(), connection.cursor() as cursor:
                rollups.rebuild(cursor, self.progress)
        with connection.cursor() as cursor:
            sizes = rollups.sizes(cursor)
            zone = rollups.zone_of(cursor)
            differences = list(rollups.check(cursor)) if verb == "check" else []
        wanted = rollups.zone_in_settings()
        if format == "json":
            self.print_json(
                {
                    "schema": 1,
                    "verb": verb,
                    "time_zone": zone,
                    "rows": sizes,
                    "differences": [asdict(difference) for difference in differences],
                }
            )
        else:
            self.tell(verb, zone, sizes, differences)
        if differences or zone != wanted:
            reason = (
                f"{len(differences)} rows differ"
                if differences
                else (f"The days are those of {zone}, and TIME_ZONE is {wanted}")
            )
            raise CommandError(f"{reason}; manage.py rollups rebuild mends it.", returncode=DAMAGED)

    def progress(self, messages: int) -> None:
        self.say(f"{messages:,} messages counted", level=2)

    def tell(self, verb, zone, sizes, differences) -> None:
        for difference in differences:
            key = ", ".join(f"{name}={value!r}" for name, value in difference.key.items())
            self.print(
                f"{difference.table} ({key}): kept {difference.kept}, counted {difference.counted}"
            )
        if not differences:
            verdict = "are right" if verb == "check" else "were made anew"
            self.print(f"The roll-ups {verdict}: {sum(sizes.values()):,} rows, days of {zone}.")
