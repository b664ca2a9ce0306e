"""`manage.py reprice`: the past at the prices that are known now, with a way back."""

from __future__ import annotations

from django.core.management.base import CommandError

from conversations import commands
from conversations.commands import dollars, exact
from conversations.models import RepriceRun
from conversations.pricing import choosing, planning, repricing
from conversations.pricing.planning import Line, Plan

LISTED = 50
VERBS = ("dry_run", "apply", "list", "undo", "continue")


class Command(commands.Command):
    help = (
        "Price messages anew, each at its own time, by the price book and price list as they are"
        " now. Costs that a source recorded are left alone."
    )
    needs_database = True

    def add_arguments(self, parser):
        verb = parser.add_mutually_exclusive_group(required=True)
        verb.add_argument(
            "--dry-run", "-n", action="store_true", help="say what would change; write nothing"
        )
        verb.add_argument("--apply", action="store_true", help="do it, as a run that can be undone")
        verb.add_argument("--undo", metavar="RUN", help="give back the costs of before a run")
        verb.add_argument("--continue", metavar="RUN", help="go on with a run that was stopped")
        verb.add_argument("--list", action="store_true", help="list the runs, the last one first")
        choosing.add_filters(parser)
        commands.add_format(parser)

    def handle(self, *, dry_run, apply, undo, list, format, **options):
        repricing.settle()
        filters = {name: options[name] for name in FILTERS}
        if not (dry_run or apply) and any(value is not None for value in filters.values()):
            raise CommandError(
                "Filters go with --dry-run and --apply alone.", returncode=commands.USAGE
            )
        is_json = format == "json"
        if list:
            runs = RepriceRun.objects.select_related("user")[:LISTED]
            self.print_json([as_json(run) for run in runs]) if is_json else self.list_runs(runs)
        elif undo:
            run = repricing.undo(repricing.find_run(undo), progress=self.tell_undoing)
            self.print_json(as_json(run)) if is_json else self.print(undone_in_words(run))
        elif dry_run:
            scope, _ = choosing.chosen(**filters)
            plan = planning.plan(scope, progress=self.tell_checked)
            self.print_json(plan_as_json(plan)) if is_json else self.show_plan(plan)
        else:
            if apply:
                scope, words = choosing.chosen(**filters)
                entry = repricing.begin(scope, words=words)
            else:
                entry = repricing.find_run(options["continue"])
            try:
                run = repricing.run(entry, progress=lambda run: self.tell_checked(run.checked))
            except KeyboardInterrupt:
                self.say(
                    f"Stopped. Go on with --continue {entry.run_uuid}, or take back what was done"
                    f" with --undo {entry.run_uuid}."
                )
                raise
            self.print_json(as_json(run)) if is_json else self.print(done_in_words(run))

    def tell_checked(self, checked: int) -> None:
        self.say(f"{checked:,} messages looked at", level=2)

    def tell_undoing(self, run: RepriceRun) -> None:
        if self.verbosity > 1:  # to count a million takes a while
            self.say(f"{run.changes.count():,} messages to go")

    def show_plan(self, plan: Plan) -> None:
        width = max([len(line.model or NO_MODEL) for line in plan.lines] + [5])
        head = (
            f"{'Month':<8} {'Model':<{width}} {'Messages':>10} {'Changed':>10} {'Before':>16}"
            f" {'After':>16} {'Unpriced':>10} {'then':>10}"
        )
        self.print(head)
        for line in [*plan.lines, plan.total]:
            is_total = not line.month
            name = "" if is_total else line.model or NO_MODEL
            self.print(
                f"{line.month or 'Total':<8} {name:<{width}} {line.messages:>10,}"
                f" {line.changed:>10,} {dollars(line.cost_before):>16}"
                f" {dollars(line.cost_after):>16} {line.unpriced_before:>10,}"
                f" {line.unpriced_after:>10,}"
            )
        self.print(f"{plan.recorded:,} messages keep the cost that was recorded for them.")
        self.say("Nothing was written. Do it with --apply.")

    def list_runs(self, runs) -> None:
        if not runs:
            self.say("No run yet.")
        for run in runs:
            words = run.options.get("words") or "all messages"
            self.print(
                f"{run.run_uuid}  {run.made_at:%Y-%m-%d %H:%M}  {run.get_status_display():<8}"
                f" {run.messages:>10,} changed  {dollars(run.cost_before)} ->"
                f" {dollars(run.cost_after)}  {words}"
            )


NO_MODEL = "(no model)"
FILTERS = ("project", "of_model", "source", "tag", "role", "since", "until", "session")


def done_in_words(run: RepriceRun) -> str:
    """Return what a run did."""
    return (
        f"{run.checked:,} messages looked at, {run.messages:,} changed:"
        f" {dollars(run.cost_before)} -> {dollars(run.cost_after)}."
        f" Take it back with --undo {run.run_uuid}."
    )


def undone_in_words(run: RepriceRun) -> str:
    """Return what undoing a run did."""
    return (
        f"{run.messages - run.left_alone:,} messages have the cost again that they had before;"
        f" {run.left_alone:,} were changed or deleted since and are left alone."
    )


def as_json(run: RepriceRun) -> dict[str, object]:
    """Return a run as programs read it; USD as text, exact."""
    return {
        "run": run.run_uuid,
        "status": run.status,
        "scope": run.options.get("words", ""),
        "made_at": run.made_at.isoformat(),
        "undone_at": run.undone_at and run.undone_at.isoformat(),
        "user": run.user and run.user.get_username(),
        "checked": run.checked,
        "changed": run.messages,
        "left_alone": run.left_alone,
        "cost_before": exact(run.cost_before),
        "cost_after": exact(run.cost_after),
    }


def plan_as_json(plan: Plan) -> dict[str, object]:
    """Return a plan as programs read it; USD as text, exact."""
    return {
        "lines": [line_as_json(line) for line in plan.lines],
        "total": line_as_json(plan.total),
        "recorded": plan.recorded,
    }


def line_as_json(line: Line) -> dict[str, object]:
    """Return a line of a plan."""
    named = {"month": line.month, "model": line.model} if line.month else {}
    return {
        **named,
        "messages": line.messages,
        "changed": line.changed,
        "cost_before": exact(line.cost_before),
        "cost_after": exact(line.cost_after),
        "unpriced_before": line.unpriced_before,
        "unpriced_after": line.unpriced_after,
    }
