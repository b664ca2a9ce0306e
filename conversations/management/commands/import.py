"""`manage.py import PATH…`: conversations from other programs' files."""

from __future__ import annotations

import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from conversations import commands, importers, importing
from conversations.databases import files
from conversations.importers import places
from conversations.importers.values.text import clean_text
from conversations.models import Import
from conversations.storing import ImportReport

SHOWN = 20
LISTED = 20  # of the imports before


class Command(commands.Command):
    help = (
        "Store conversations from files, folders, zip or gzip archives of other programs."
        " What is stored already is left alone, so the same import may be run again."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "paths", nargs="*", metavar="PATH", help="file, folder, .zip, or - for standard input"
        )
        parser.add_argument("--project", help="file new sessions under this project")
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="do all but store; other writers wait"
        )
        parser.add_argument(
            "--with-deleted", action="store_true", help="bring back what was deleted here"
        )
        parser.add_argument(
            "--auto",
            action="store_true",
            help="show what tools on this machine have kept in their usual places, and import it",
        )
        parser.add_argument("--yes", "-y", action="store_true", help="do not ask (with --auto)")
        parser.add_argument(
            "--retry", action="store_true", help="read again what earlier imports could not read"
        )
        parser.add_argument(
            "--history", action="store_true", help="list the imports before, the last one first"
        )
        parser.add_argument("--undo", metavar="ID", help="take an import back as a whole")
        commands.add_format(parser)
        parser.epilog = f"Formats: {', '.join(f.LABEL for f in importers.FORMATS.values())}."

    def handle(self, *, paths, auto, retry, history, undo, format, **options):
        chosen = [bool(paths), auto, retry, history, bool(undo)]
        if chosen.count(True) != 1:
            raise CommandError(
                "Give paths, or one of --auto, --retry, --history and --undo.",
                returncode=commands.USAGE,
            )
        files.create_or_check("default")
        if history:
            self.show_history(format)
        elif undo:
            self.undo(undo, format)
        else:
            found = self.look_around(options["yes"]) if auto else paths
            self.take_in(found, retry=retry, format=format, **options)

    # -- importing --------------------------------------------------------------------------

    def take_in(self, paths, *, retry, format, project, dry_run, with_deleted, **_) -> None:
        if project is not None and not project.strip():
            raise CommandError("--project must not be empty.", returncode=commands.USAGE)
        options = importing.Options(project, dry_run, with_deleted)
        names = ["Another try"] if retry else [clean_text(str(path)) for path in paths]
        entry = None if dry_run else importing.begin(names, options={"project": project})
        with self.progress(options):
            if retry:
                entry = entry or importing.begin(names)
                report = importing.retry(options, entry=entry)
            else:
                report = importing.run(
                    [p if p == "-" else Path(p) for p in paths], options, entry=entry
                )
        if format == "json":
            id = entry and entry.import_uuid
            self.print_json({"schema": 1, "dry_run": dry_run, "id": id, **report.as_dict()})
        else:
            self.summarise(report, dry_run)
            if entry and entry.chunks.exists():
                self.say(f"To take it back: manage.py import --undo {entry.import_uuid[:8]}")
        if not report.found:
            raise CommandError(importing.NOTHING_FOUND, returncode=commands.FAILED)
        if report.failed:
            sys.exit(commands.REJECTED)

    def look_around(self, is_agreed: bool) -> list[Path]:
        """Show what was found in the usual places and return it, if that is agreed to."""
        found = places.find(settings.TOOL_FOLDERS)
        if not found:
            raise CommandError(
                "No tool has kept conversations in its usual place on this machine.",
                returncode=commands.FAILED,
            )
        self.say("Found:")
        for place in found:
            size = place.size / 1_000_000
            self.say(f"  {place.label:<16} {place.files:>6} files {size:>9.1f} MB  {place.path}")
        if not is_agreed:
            if not sys.stdin.isatty():
                raise CommandError("Add --yes to import them.", returncode=commands.USAGE)
            if input("Import them? [y/N] ").strip().lower() not in ("y", "yes"):
                raise CommandError("Nothing was imported.", returncode=commands.FAILED)
        return [place.path for place in found]

    def summarise(self, report: ImportReport, dry_run: bool) -> None:
        nothing = not report.found
        self.list("skipped", report.skipped, report.skipped_records, level=1 if nothing else 2)
        self.list("failed", report.failed, report.failed_records, level=1)
        would = "Would be stored: " if dry_run else ""
        if self.verbosity:
            self.print(
                f"{would}{report.new} new, {report.updated} updated, {report.unchanged} unchanged,"
                f" {report.skipped} skipped, {report.failed} failed"
                f" ({report.messages_new} messages new, {report.messages_updated} updated)"
            )

    def list(self, kind: str, count: int, records: list, *, level: int) -> None:
        shown = records if self.verbosity > level else records[:SHOWN]
        for record in shown:
            self.say(f"{kind}: {record.place}: {record.reason}", level=level)
        if count > len(shown):
            self.say(
                f"{kind}: and {count - len(shown)} more (-v {level + 1} lists them)", level=level
            )

    def progress(self, options: importing.Options):
        """Return a context in which a bar over bytes stands on standard error, gone at its end."""
        if not self.verbosity or not sys.stderr.isatty():
            return nullcontext()
        stack = ExitStack()
        bar = stack.enter_context(
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
        )
        task = bar.add_task("Importing", total=None)
        options.on_bytes = lambda count: bar.advance(task, count)
        options.on_total = lambda total: bar.update(task, total=total)
        return stack

    # -- what was imported before -----------------------------------------------------------

    def show_history(self, format: str) -> None:
        importing.settle()
        entries = Import.objects.all()[:LISTED]
        if format == "json":
            fields = ("import_uuid", "status", "names", "made_at", "finished_at", "error", "report")
            self.print_json({"schema": 1, "imports": list(entries.values(*fields))})
            return
        for entry in entries:
            report = entry.report
            stored = f"{report.get('new', 0)} new, {report.get('updated', 0)} updated"
            self.print(
                f"{entry.import_uuid[:8]}  {entry.made_at:%Y-%m-%d %H:%M}  {entry.status:<9}"
                f"  {stored:<24}  {entry}"
            )
        if not entries:
            self.say("Nothing has been imported yet.")

    def undo(self, id: str, format: str) -> None:
        matches = Import.objects.filter(import_uuid__startswith=id)[:2]
        if len(matches) != 1:
            how = "Several imports have" if matches else "No import has"
            raise CommandError(
                f"{how} an id that starts with {id!r} (--history lists them).",
                returncode=commands.FAILED,
            )
        undone = importing.undo(matches[0])
        if format == "json":
            self.print_json(
                {"schema": 1, "sessions": undone.sessions, "messages": undone.messages,
                 "changes": undone.changes}
            )  # fmt: skip
        elif self.verbosity:
            self.print(
                f"Taken back: {undone.sessions} sessions and {undone.messages} messages deleted,"
                f" {undone.changes} values set back"
            )
