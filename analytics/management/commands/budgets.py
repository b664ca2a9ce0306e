"""`manage.py budgets`: how far budgets are spent, for people and for cron; and setting them."""

from __future__ import annotations

from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandError

from analytics import budgets
from analytics.budgets import BudgetState, Overspend
from analytics.figures import in_words
from analytics.models import BudgetPeriod
from conversations import commands
from conversations.organising import counted

RETURNED = {"ok": 0, "soft": 3, "hard": 4}
TERMS = ("period", "hard", "soft", "project", "model", "tag")


class Command(commands.Command):
    help = (
        "Print how far each budget is spent. The exit code is 0 if all are below their lines, 3 if"
        " a soft line is reached, 4 if a hard line is; 1 and 2 are errors, as everywhere."
    )
    needs_database = True

    def add_arguments(self, parser):
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--name", help="look at this budget alone, also if it is switched off")
        what.add_argument("--set", metavar="NAME", help="make a budget, or give it other terms")
        what.add_argument("--remove", metavar="NAME", help="delete a budget")
        parser.add_argument(
            "--explain",
            action="store_true",
            help="also name the fewest sessions that make up most of what was spent too much",
        )
        commands.add_format(parser)
        terms = parser.add_argument_group("terms of a budget, with --set")
        terms.add_argument("--period", choices=BudgetPeriod.values, help="default: month")
        terms.add_argument("--hard", type=amount, metavar="USD", help="the hard line")
        terms.add_argument("--soft", type=amount, metavar="USD", help="the soft line, a warning")
        terms.add_argument("--project", help="name of the project")
        terms.add_argument("--model", metavar="PROVIDER/NAME")
        terms.add_argument("--tag", help="of the sessions")

    def handle(self, *, name, set, remove, explain, format, **terms):
        given = [f"--{term}" for term in TERMS if terms[term] is not None]
        if given and set is None:
            raise CommandError(f"{given[0]} goes with --set NAME.", returncode=commands.USAGE)
        if set is not None:
            self.set(set, terms)
        elif remove is not None:
            budgets.remove(remove)
            self.print(f"Budget {one_line(remove)} removed.")
        else:
            self.look(name, explain, format)

    def set(self, name: str, terms: dict[str, Any]) -> None:
        if terms["hard"] is None:
            raise CommandError("--set needs --hard USD.", returncode=commands.USAGE)
        budget, is_new = budgets.set_budget(
            name,
            period=terms["period"] or BudgetPeriod.MONTH,
            hard_limit=terms["hard"],
            soft_limit=terms["soft"],
            project=terms["project"] or "",
            model=terms["model"] or "",
            tag=terms["tag"] or "",
        )
        limit = in_words(budget.hard_limit, "usd")
        self.print(
            f"Budget {one_line(name)} {'made' if is_new else 'changed'}:"
            f" {limit} a {budget.period} for {one_line(budget.scope)}."
        )

    def look(self, name: str | None, explain: bool, format: str) -> None:
        found = budgets.states() if name is None else [budgets.state_of(budgets.find(name))]
        explained = {state.budget.pk: budgets.explain(state.budget) for state in found if explain}
        if format == "json":
            rows = [as_row(state, explained.get(state.budget.pk)) for state in found]
            self.print_json({"schema": 1, "budgets": rows})
        else:
            for state in found:
                self.tell(state, explained.get(state.budget.pk))
            if not found:
                self.say("There are no budgets that are switched on.")
        reached = [state for state in found if state.level != "ok"]
        if reached:
            names = ", ".join(f"{one_line(s.budget.name)} ({s.level})" for s in reached)
            raise CommandError(
                commands.printable(f"{counted(len(reached), 'budget')} reached a line: {names}."),
                returncode=max(RETURNED[state.level] for state in reached),
            )

    def tell(self, state: BudgetState, overspend: Overspend | None) -> None:
        budget = state.budget
        parts = [
            f"{one_line(budget.name)}: {in_words(state.spent, 'usd')} of"
            f" {in_words(budget.hard_limit, 'usd')} ({state.share:.1f} %)",
            state.level_in_words.lower(),
            f"{budget.period} {state.first} to {state.last}",
            one_line(budget.scope),
        ]
        if state.forecast is not None:
            parts.append(f"likely {in_words(state.forecast, 'usd')} at its end")
        if state.unpriced:
            parts.append(f"{counted(state.unpriced, 'message')} unpriced")
        self.print("; ".join(parts))
        if overspend:
            self.print(f"  {overspend.in_words}")
            for one in overspend.sessions:
                title = one_line(one.session.title)[:60] or "Untitled"
                cost = in_words(one.cost, "usd")
                self.print(f"  {cost:>12} {one.share:5.1f} %  {one.session.session_uuid}  {title}")


def amount(text: str) -> Decimal:
    """Return an amount of USD as typed."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text[:50]!r} is no amount such as 49.90") from error
    if not number.is_finite():
        raise ArgumentTypeError(f"{text[:50]!r} is no amount such as 49.90")
    return number


def one_line(text: str) -> str:
    """Return `text` in one line, without what a terminal would take for a command."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def exact(dollars: Decimal | None) -> str | None:
    """Return an amount with all its digits, never as 0E-9."""
    return None if dollars is None else f"{dollars:f}"


def as_row(state: BudgetState, overspend: Overspend | None) -> dict[str, Any]:
    """Return a budget for programs: USD as text with all digits, shares in percent."""
    budget = state.budget
    row = {
        "name": budget.name,
        "project": budget.project and budget.project.name,
        "model": budget.model and budget.model.full_name,
        "tag": budget.tag or None,
        "period": budget.period,
        "first_day": state.first,
        "last_day": state.last,
        "soft_limit": exact(budget.soft_limit),
        "hard_limit": exact(budget.hard_limit),
        "spent": exact(state.spent),
        "share": state.share,
        "level": state.level,
        "unpriced_messages": state.unpriced,
        "forecast": exact(state.forecast),
        "period_before": exact(state.before),
    }
    if overspend:
        row["explained"] = {
            "amount": exact(overspend.amount),
            "sessions": overspend.count,
            "cost": exact(overspend.cost),
            "listed": [
                {
                    "session_uuid": one.session.session_uuid,
                    "title": one.session.title,
                    "cost": exact(one.cost),
                    "share": one.share,
                }
                for one in overspend.sessions
            ],
        }
    return row
