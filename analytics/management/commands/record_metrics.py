"""`manage.py record_metrics`: figures of hours or days, for programs that read the table."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from django.core.management.base import CommandError
from django.http import QueryDict

from analytics import recording
from analytics.ranges import Range
from conversations import commands


class Command(commands.Command):
    help = (
        "Write the figures of each hour or day, of all messages, each project and each model, into"
        " the table performance_metrics. What is there of these periods is replaced."
    )
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("--period", choices=["hourly", "daily"], required=True)
        for name, words in (("since", "first"), ("until", "last")):
            parser.add_argument(
                f"--{name}",
                metavar="DAY",
                help=f"the {words} day, such as 2026-01-31 or now-7d; without both, the last"
                f" {recording.WHOLE_PERIODS} whole periods and the running one",
            )
        commands.add_format(parser)

    def handle(self, *, period, since, until, format, **_):
        done = recording.record(period, day_said("from", since), day_said("to", until))
        if format == "json":
            self.print_json({"schema": 1, **asdict(done)})
        else:
            self.print(
                f"{done.rows:,} figures recorded, {done.period}, from {done.begin:%Y-%m-%d %H:%M}"
                f" to {done.end:%Y-%m-%d %H:%M} UTC."
            )


def day_said(name: str, text: str | None) -> date | None:
    """Return the day that is meant, as the pages read it; None if none is said."""
    if text is None:
        return None
    query = QueryDict(mutable=True)
    query[name] = text
    found = Range.of(query)
    if found.notices or not text.strip():
        option = {"from": "--since", "to": "--until"}[name]
        raise CommandError(
            f"{option}: {text[:40]!r} is no day; give one such as 2026-01-31 or now-7d.",
            returncode=commands.USAGE,
        )
    return found.first if name == "from" else found.last
