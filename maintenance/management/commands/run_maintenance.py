"""`manage.py run_maintenance`: what is due, for one entry of cron or systemd."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands
from maintenance import schedule


class Command(commands.Command):
    help = "Back up, apply retention, complete erasures, clean up, analyze, vacuum and check."
    needs_database = True

    def add_arguments(self, parser):
        names = ", ".join(schedule.STEPS)
        parser.add_argument(
            "--only", action="append", default=[], metavar="STEP", help=f"one of {names}"
        )
        parser.add_argument("--skip", action="append", default=[], metavar="STEP")
        parser.add_argument("--all", action="store_true", help="whether due or not")
        parser.add_argument("--backups", metavar="FOLDER", help="default: data/backups")
        parser.add_argument("--dry-run", "-n", action="store_true", help="only say what is due")
        commands.add_format(parser)

    def handle(self, *, only, skip, backups, dry_run, format, **options):
        is_text = format != "json"
        try:
            found = schedule.run(
                only=only, skip=skip, is_all=options["all"], dry_run=dry_run,
                folder=Path(backups).expanduser() if backups else None,
                tell=self.tell if is_text and not dry_run else lambda outcome: None,
            )  # fmt: skip
        except schedule.Busy as error:
            self.say(str(error))  # two entries of cron that meet are no failure
            return
        if not is_text:
            rows = [{"step": one.name, "state": one.state, "said": one.said} for one in found]
            self.print_json({"schema": 1, "dry_run": dry_run, "steps": rows})
        elif dry_run:
            for outcome in found:
                self.tell(outcome)
        if failed := [one.name for one in found if one.state == "failed"]:
            raise CommandError(f"Failed: {', '.join(failed)}.", returncode=commands.FAILED)

    def tell(self, outcome: schedule.Outcome) -> None:
        """Print what came of a step."""
        self.print(f"{outcome.name:<10} {outcome.state:<8} {outcome.said}".rstrip())
