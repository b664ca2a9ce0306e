"""`manage.py export [SESSION…]`: sessions as a file of many formats."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands, exporters, exporting
from conversations.models.choices import SessionStatus
from conversations.redacting import Redactor
from conversations.sources import SOURCES

FILTERS = {
    "tag": "only those with this tag",
    "title": "only those whose title holds this",
    "since": "only those begun on this day or later (2025-01-31)",
    "until": "only those begun on this day or earlier",
}


class Command(commands.Command):
    help = "Write sessions out: one, all, or those that filters let through."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "sessions", nargs="*", metavar="SESSION", help="ids, or how they start; default: all"
        )
        parser.add_argument("--format", "-f", choices=list(exporters.FORMATS), default="json")
        parser.add_argument("--project", help="only the sessions of this project; `none`: of none")
        parser.add_argument("--model", help="only those with this model, `name` or `provider/name`")
        parser.add_argument("--status", choices=SessionStatus.values)
        parser.add_argument("--source", choices=[name for name, _ in SOURCES])
        for name, help in FILTERS.items():
            parser.add_argument(f"--{name}", help=help)
        parser.add_argument("--search", metavar="QUERY", help="only those that a search finds")
        parser.add_argument(
            "--redact", action="store_true", help="mask secrets and personal data, and say how many"
        )
        parser.add_argument("--output", "-o", metavar="FILE", help="default: standard output")
        formats = (f"{name} ({one.label})" for name, one in exporters.FORMATS.items())
        parser.epilog = f"Formats: {', '.join(formats)}."

    def handle(self, *, sessions, format, project, model, search, redact, output, **options):
        names = ("status", "source", *FILTERS)
        given = {name: options[name] for name in names if options[name] is not None}
        is_filtered = bool(given or project is not None or model or search)
        if sessions and is_filtered:
            raise CommandError("Give sessions or filters, not both.", returncode=commands.USAGE)
        chosen = exporting.of_options(sessions, project=project, model=model, typed=search, **given)
        redactor = Redactor() if redact else None
        if len(sessions) == 1:
            pieces = exporting.write_one(chosen.get(), format, redactor=redactor)
        else:
            is_all = not sessions and not is_filtered
            pieces = exporting.write(chosen, format, redactor=redactor, with_catalog=is_all)
        is_file = output not in (None, "-")
        path = Path(output).expanduser() if is_file else None
        self.write(pieces, path)
        if path:
            self.say(f"Exported {chosen.count()} sessions to {path}")
        if redactor:
            self.say(redactor.summary())

    def write(self, pieces, path: Path | None) -> None:
        """Write the pieces to a file, which appears whole or not at all, or to standard output."""
        with ExitStack() as stack:
            if path:
                draft = path.with_name(f".{path.name}.part")
                file = stack.enter_context(draft.open("wb"))
                stack.callback(draft.unlink, missing_ok=True)
                write = file.write
            else:
                write = self.write_out
            for piece in pieces:
                write(piece if isinstance(piece, bytes) else piece.encode("utf-8", "replace"))
            if path:
                file.close()
                draft.replace(path)

    def write_out(self, piece: bytes) -> None:
        out = self.stdout._out
        if out is sys.stdout:
            out.buffer.write(piece)
        else:  # a test's, which takes text
            out.write(piece.decode("utf-8", "replace"))
