"""`manage.py demo`: a made-up year of conversations to try the program with."""

from __future__ import annotations

from django.core.management.base import CommandError

from conversations import commands, demo
from conversations.databases import files

SESSIONS, SEED = 500, 42


class Command(commands.Command):
    help = (
        "Store a made-up year of conversations to try the program with, or remove it again."
        " Your own sessions are never touched."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--sessions", type=int, metavar="N", help=f"how many; default: {SESSIONS}"
        )
        parser.add_argument(
            "--seed", type=int, metavar="N", help=f"another number, another year; default: {SEED}"
        )
        parser.add_argument("--remove", action="store_true", help="delete it for good")

    def handle(self, *, sessions, seed, remove, **_):
        if remove and (sessions is not None or seed is not None):
            raise CommandError(
                "--remove takes neither --sessions nor --seed.", returncode=commands.USAGE
            )
        if remove:
            self.remove()
        else:
            self.create(SESSIONS if sessions is None else sessions, SEED if seed is None else seed)

    def create(self, sessions: int, seed: int) -> None:
        if not 1 <= sessions <= demo.MOST_SESSIONS:
            raise CommandError(
                f"--sessions must be from 1 to {demo.MOST_SESSIONS:,}, not {sessions:,}.",
                returncode=commands.USAGE,
            )
        files.create_or_check("default")
        report = demo.create(sessions=sessions, seed=seed)
        if report.new:
            self.print(
                f"Made {counted(report.new, 'demo session')} with"
                f" {counted(report.messages_new, 'message')}; `manage.py demo --remove` removes"
                " the demo again."
            )
        else:
            self.print(
                f"The demo is there already: {counted(report.unchanged, 'session')}, none new."
            )

    def remove(self) -> None:
        files.require("default")
        count = demo.remove()
        self.print(
            f"Removed {counted(count, 'demo session')}." if count else "There is no demo to remove."
        )


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
