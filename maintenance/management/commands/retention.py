"""`manage.py retention`: rules of how long sessions are kept, and doing what they say."""

from __future__ import annotations

from conversations import commands
from conversations.errors import UnknownId
from conversations.models.choices import SessionStatus
from maintenance import retention
from maintenance.models import RetentionAction, RetentionRule


class Command(commands.Command):
    help = "List, add and remove rules of retention, and run them."
    needs_database = True

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        listing = verbs.add_parser("list", help="list the rules")
        commands.add_format(listing)
        add = verbs.add_parser("add", help="add a rule")
        add.add_argument("name")
        add.add_argument("--days", type=int, required=True, help="since the last message")
        add.add_argument("--action", choices=RetentionAction.values, required=True)
        add.add_argument("--project", default="", help="of this project alone")
        add.add_argument("--status", choices=SessionStatus.values, default="")
        add.add_argument("--source", default="", help="imported from there alone")
        add.add_argument("--trash", action="store_true", help="sessions in the trash, not others")
        add.add_argument("--keep-figures", action="store_true", help="when erased, keep figures")
        remove = verbs.add_parser("remove", help="remove a rule")
        remove.add_argument("name")
        run = verbs.add_parser("run", help="do what the rules say")
        run.add_argument("rule", nargs="*", help="names of rules; default: all that are active")
        run.add_argument("--dry-run", "-n", action="store_true", help="only count")
        commands.add_format(run)

    def handle(self, *, verb, **options):
        getattr(self, verb)(options)

    def list(self, options) -> None:
        """Print the rules."""
        rules = list(RetentionRule.objects.select_related("project"))
        if options["format"] == "json":
            self.print_json({"schema": 1, "rules": [as_json(rule) for rule in rules]})
            return
        for rule in rules:
            self.print(f"{rule.name}: {in_words(rule)}")
        if not rules:
            self.say("There is no rule: everything is kept.")

    def add(self, options) -> None:
        """Add a rule."""
        rule = retention.add_rule(
            options["name"], days=options["days"], action=options["action"],
            project=options["project"], status=options["status"], source=options["source"],
            is_trashed=options["trash"], keeps_figures=options["keep_figures"],
        )  # fmt: skip
        self.print(f"Added {rule.name}: {in_words(rule)}")

    def remove(self, options) -> None:
        """Remove a rule."""
        find(options["name"]).delete()
        self.print(f"Removed {options['name']}")

    def run(self, options) -> None:
        """Do what the rules say, or count what they would do."""
        rules = [find(name) for name in options["rule"]] or None
        done = retention.plan(rules) if options["dry_run"] else retention.apply(rules)
        if options["format"] == "json":
            rows = [
                {
                    "rule": one.rule.name, "action": one.rule.action, "sessions": one.sessions,
                    "messages": one.messages, "bytes": one.bytes,
                }
                for one in done
            ]  # fmt: skip
            self.print_json({"schema": 1, "dry_run": options["dry_run"], "rules": rows})
            return
        for one in done:
            self.print(
                f"{'Would be' if options['dry_run'] else 'Done'}, {one.rule.name}:"
                f" {one.sessions:,} sessions, {one.messages:,} messages,"
                f" {one.bytes / 1e6:,.2f} MB of text ({one.rule.get_action_display().lower()})"
            )
        if not done:
            self.say("No session is as old as any rule says.")


def find(name: str) -> RetentionRule:
    """Return the rule of this name; raises `UnknownId`."""
    rule = RetentionRule.objects.filter(name=name).first()
    if rule is None:
        raise UnknownId(f"There is no rule {name!r:.100}; `retention list` lists them.")
    return rule


def in_words(rule: RetentionRule) -> str:
    """Return what a rule says: `after 90 days, archive it (project Kitchen)`."""
    of = [
        f"project {rule.project.name}" if rule.project else "",
        f"status {rule.status}" if rule.status else "",
        f"source {rule.source}" if rule.source else "",
        "in the trash" if rule.is_trashed else "",
        "" if rule.is_active else "switched off",
    ]
    said = ", ".join(filter(None, of))
    text = f"after {rule.days:,} days, {rule.get_action_display().lower()}"
    return f"{text} ({said})" if said else text


def as_json(rule: RetentionRule) -> dict[str, object]:
    """Return a rule as JSON has it."""
    names = ("name", "is_active", "status", "source", "is_trashed", "days", "action")
    return {
        **{name: getattr(rule, name) for name in (*names, "keeps_figures")},
        "project": rule.project and rule.project.name,
    }
