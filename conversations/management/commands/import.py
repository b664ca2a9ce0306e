"""`manage.py import PATH…`: conversations from other programs' files."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from conversations import commands, importers, storing
from conversations.databases import files
from conversations.importers.records import Rejected, Skipped

SHOWN = 20


class Command(commands.Command):
    help = (
        "Store conversations from files, folders or zip archives of other programs."
        " What is stored already is left alone, so the same import may be run again."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "paths", nargs="+", metavar="PATH", help="file, folder, .zip, or - for standard input"
        )
        parser.add_argument("--project", help="file new sessions under this project")
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="do all but store; other writers wait"
        )
        commands.add_format(parser)
        parser.epilog = f"Formats: {', '.join(f.LABEL for f in importers.FORMATS.values())}."

    def handle(self, *, paths, project, dry_run, format, verbosity, **_):
        if project is not None and not project.strip():
            raise CommandError("--project must not be empty.", returncode=commands.USAGE)
        files.create_or_check("default")
        with ExitStack() as stack:
            on_bytes = None
            if verbosity and sys.stderr.isatty():
                bar = stack.enter_context(progress_bar())
                task = bar.add_task("Importing", total=None)
                on_bytes = lambda count: bar.advance(task, count)  # noqa: E731
            found = importers.find([p if p == "-" else Path(p) for p in paths], on_bytes=on_bytes)
            if on_bytes:
                bar.update(task, total=found.total_bytes)
            left_out = (("", item) for item in found.unrecognised)
            items = chain(left_out, importers.read(found))
            report = storing.store(items, project=project, dry_run=dry_run)
        if format == "json":
            self.print_json({"schema": 1, "dry_run": dry_run, **report.as_dict()})
        else:
            self.summarise(report, dry_run)
        if not (report.new or report.updated or report.unchanged):
            raise CommandError(
                "No session was found in what was given.", returncode=commands.FAILED
            )
        if report.failed:
            sys.exit(commands.REJECTED)

    def summarise(self, report: storing.ImportReport, dry_run: bool) -> None:
        nothing = not (report.new or report.updated or report.unchanged)
        self.list("skipped", report.skipped, report.skipped_records, level=1 if nothing else 2)
        self.list("failed", report.failed, report.failed_records, level=1)
        would = "Would be stored: " if dry_run else ""
        if self.verbosity:
            self.print(
                f"{would}{report.new} new, {report.updated} updated, {report.unchanged} unchanged,"
                f" {report.skipped} skipped, {report.failed} failed"
                f" ({report.messages_new} messages new, {report.messages_updated} updated)"
            )

    def list(self, kind: str, count: int, records: list[Skipped | Rejected], *, level: int) -> None:
        shown = records if self.verbosity > level else records[:SHOWN]
        for record in shown:
            self.say(f"{kind}: {record.place}: {record.reason}", level=level)
        if count > len(shown):
            self.say(
                f"{kind}: and {count - len(shown)} more (-v {level + 1} lists them)", level=level
            )


def progress_bar() -> Progress:
    """Return a bar over bytes, on standard error, that is gone when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
