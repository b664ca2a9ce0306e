"""`manage.py export [SESSION…]`: sessions as JSON, Markdown or text."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands, exporters, reading
from conversations.models import Session


class Command(commands.Command):
    help = "Write sessions out."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "sessions", nargs="*", metavar="SESSION", help="ids, or how they start; default: all"
        )
        parser.add_argument("--format", choices=list(exporters.FORMATS), default="json")
        parser.add_argument("--project", help="only the sessions of this project")
        parser.add_argument("--output", "-o", metavar="FILE", help="default: standard output")

    def handle(self, *, sessions, format, project, output, **_):
        if sessions and project:
            raise CommandError("Give sessions or --project, not both.", returncode=commands.USAGE)
        with ExitStack() as stack:
            write = self.stdout._out.write
            chosen = [reading.find_session(id) for id in sessions] or self._all(project)
            if output not in (None, "-"):
                path = Path(output).expanduser()
                draft = path.with_name(f".{path.name}.part")
                file = stack.enter_context(draft.open("w", encoding="utf-8"))
                stack.callback(draft.unlink, missing_ok=True)
                write = file.write
            count = self.write(chosen, exporters.FORMATS[format], format == "json", write)
            if output not in (None, "-"):
                file.close()
                draft.replace(path)
        if output not in (None, "-"):
            self.say(f"Exported {count} sessions to {path}")

    def write(self, sessions, pieces, as_array: bool, write) -> int:
        """Write the sessions one after another; several in JSON are an array."""
        count = 0
        array = as_array and not (isinstance(sessions, list) and len(sessions) == 1)
        if array:
            write("[")
        for count, session in enumerate(sessions, 1):
            if array:
                write(",\n" if count > 1 else "\n")
            for piece in pieces(session):
                write(piece)
            if not as_array and count:
                write("\n")
        if array:
            write("]\n")
        return count

    def _all(self, project: str | None):
        sessions = Session.objects.order_by("id")
        if project is not None:
            sessions = sessions.filter(project__name=project)
        # By id, a page at a time: a cursor that stays open keeps the WAL from being emptied.
        last = 0
        while page := list(sessions.filter(id__gt=last)[:500]):
            yield from page
            last = page[-1].id
