"""`manage.py restore FILE`: put a backup in the database's place."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from conversations import commands
from maintenance import preparing, restoring
from maintenance.backups import packing
from maintenance.management import keys
from maintenance.previews import Figures, Preview, Sessions
from maintenance.restoring import Restored


class Command(commands.Command):
    help = "Replace the database by a backup; what was there is kept beside it."

    def add_arguments(self, parser):
        parser.add_argument("file", help="what `backup` has written; - for standard input")
        parser.add_argument("--noinput", "--no-input", action="store_true", help="do not ask")
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="check the file; say what would change"
        )
        parser.add_argument(
            "--keep-erased",
            action="store_true",
            help="have sessions back that were erased with a receipt since",
        )
        keys.add_unlocking(parser)
        commands.add_format(parser)

    def handle(self, *, file, noinput, dry_run, keep_erased, format, database="default", **options):
        with ExitStack() as stack:
            path = Path(file).expanduser()
            if file == "-":
                beside = Path(connections[database].settings_dict["NAME"])
                path = stack.enter_context(preparing.room(beside)) / "standard input"
                with path.open("wb") as spooled:
                    shutil.copyfileobj(sys.stdin.buffer, spooled)
            if not noinput and not dry_run and not sys.stdin.isatty():
                raise CommandError(
                    "Nothing was restored. Without a terminal to ask on, give --noinput.",
                    returncode=commands.USAGE,
                )
            given = self.unlocking(path, options) | {"using": database}
            if dry_run:
                self.show(file, restoring.preview(path, **given), keep_erased, format)
                return
            if not noinput:
                self.ask(file, restoring.preview(path, **given), keep_erased)
            restored = restoring.restore(path, keep_erased=keep_erased, **given)
        self.report(file, restored, format)

    def unlocking(self, path: Path, options: dict[str, Any]) -> dict[str, Any]:
        """Return what opens the file; asks for a passphrase if it takes one and none is given."""
        is_asked = path.is_file() and packing.is_locked(path) and sys.stdin.isatty()
        return keys.unlocking(options, is_asked=is_asked)

    def show(self, file: str, seen: Preview, keep_erased: bool, format: str) -> None:
        """Print what would change."""
        if format == "json":
            self.print_json(
                {"schema": 1, "dry_run": True, "restored": file, "kept": None, **as_json(seen)}
            )
            return
        self.print(f"{file} can be restored.")
        for line in changes(seen, keep_erased):
            self.print(line)

    def ask(self, file: str, seen: Preview, keep_erased: bool) -> None:
        """Go on only if whoever runs this wants to, having seen what would change."""
        for line in changes(seen, keep_erased):
            self.say(line)
        if input(f"Replace the database by {file}? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was restored.", returncode=commands.FAILED)

    def report(self, file: str, restored: Restored, format: str) -> None:
        """Print what was done."""
        if format == "json":
            found = {"schema": 1, "dry_run": False, **dataclasses.asdict(restored)}
            self.print_json({**found, "restored": file})
            return
        self.print(f"Restored: {file}")
        if restored.migrated:
            self.say(f"Brought up to this version: {', '.join(restored.migrated)}")
        if restored.erased_again:
            self.say(f"Erased again: {', '.join(restored.erased_again)}")
        if restored.kept:
            self.say(f"What was there before is in {restored.kept}")
            if not restored.is_kept_sound:
                self.say("It was damaged, and is kept as it was; it cannot be restored.")


def changes(seen: Preview, keep_erased: bool) -> list[str]:
    """Return what a restore would change, in lines for people."""
    lines = [f"{'':<16} {'now':>20} {'then':>20}"]
    for name, now, then in zip(NAMES, shown(seen.now), shown(seen.then), strict=True):
        lines.append(f"{name:<16} {now:>20} {then:>20}")
    if seen.now is None:
        lines.append(f"The database is {seen.condition.value}.")
    if seen.waiting:
        lines.append(f"To be brought up to this version: {', '.join(seen.waiting)}")
    erased = "Erased since, and back" if keep_erased else "Erased since, and erased again"
    for text, sessions in (
        ("Would be gone", seen.only_now), ("Would come back", seen.only_then), (erased, seen.erased)
    ):  # fmt: skip
        lines += named(text, sessions)
    return lines


NAMES = ("Sessions", "Messages", "Projects", "Models", "Cost", "Newest message", "Schema version")


def shown(figures: Figures | None) -> list[str]:
    """Return the figures of a database as text, in the order of `NAMES`."""
    if figures is None:
        return ["-"] * len(NAMES)
    counts = (figures.sessions, figures.messages, figures.projects, figures.models)
    return [
        *(f"{count:,}" for count in counts),
        commands.dollars(figures.cost),
        (figures.newest_message or "-")[:16],
        figures.schema.get("conversations", "-")[:20],
    ]


def named(text: str, sessions: Sessions) -> list[str]:
    """Return how many sessions there are, and the first of them, one a line."""
    if not sessions.count:
        return []
    unit = "session" if sessions.count == 1 else "sessions"
    rest = sessions.count - len(sessions.named)
    return [
        f"{text}: {sessions.count:,} {unit}",
        *(f"  {one_line(uuid)}  {one_line(title)}" for uuid, title in sessions.named),
        *([f"  and {rest:,} more"] if rest else []),
    ]


def one_line(text: str) -> str:
    """Return a text without what would move the cursor of a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:80]


def as_json(seen: Preview) -> dict[str, Any]:
    """Return a preview as programs read it."""
    found = dataclasses.asdict(dataclasses.replace(seen, manifest=None))
    del found["manifest"], found["file"]
    found["condition"] = seen.condition.value
    for name in ("now", "then"):
        if found[name]:
            found[name]["cost"] = commands.exact(found[name]["cost"])
    for name in ("only_now", "only_then", "erased"):
        found[name]["named"] = [
            {"session_uuid": uuid, "title": title} for uuid, title in found[name]["named"]
        ]
    return found
