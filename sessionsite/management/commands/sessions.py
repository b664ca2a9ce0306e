"""`manage.py sessions <verb>`, and the command line of session_manager.py: the same verbs."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError

from conversations import commands, exporters
from conversations.models.choices import Role, SessionStatus
from conversations.search import GROUPS, ORDERS
from sessionsite.manager import SessionManager


class Command(commands.Command):
    help = "Make, read, search and change sessions."

    def add_arguments(self, parser):
        parser.add_argument("--db", metavar="FILE", help="another database file")
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        def verb(name: str, help: str):
            return verbs.add_parser(name, help=help, description=help)

        def about_a_session(name: str, help: str):
            parser = verb(name, help)
            parser.add_argument("session", help="id of the session, or how it starts")
            return parser

        create = verb("create", "Make a session and print its id.")
        create.add_argument("title")
        create.add_argument("--model", help="name of the model; made if it is not known")
        create.add_argument("--provider", default="", help="who serves the model")
        create.add_argument("--project", help="name of the project; made if it is not known")
        create.add_argument("--system-prompt", "--system", default="", metavar="TEXT")
        create.add_argument("--temperature", type=float)
        create.add_argument("--max-tokens", type=int)
        create.add_argument("--tag", action="append", default=[], dest="tags", metavar="TAG")

        add = about_a_session("add", "Append a message and print its id.")
        add.add_argument("role", help=", ".join(Role.values))
        add.add_argument("content", help="the text, or - to read it from standard input")
        add.add_argument("--tokens", type=int, help="input and output tokens at once")
        add.add_argument("--input-tokens", type=int)
        add.add_argument("--output-tokens", type=int)
        add.add_argument("--cost", type=float, help="in USD")
        add.add_argument("--latency", type=int, metavar="MS", help="in milliseconds")

        show = about_a_session("show", "Print a conversation.")
        commands.add_format(show)

        listing = verb("list", "List sessions, newest first.")
        listing.add_argument("--limit", type=int, default=20)
        listing.add_argument("--offset", type=int, default=0)
        listing.add_argument("--status", choices=SessionStatus.values)
        listing.add_argument("--project")
        commands.add_format(listing)

        search = verb("search", "Search messages, titles, tags and notes.")
        search.add_argument("query", help='such as: python error -java "exact phrase" role:user')
        search.add_argument("--limit", type=int, default=20)
        search.add_argument("--offset", type=int, default=0)
        search.add_argument("--order", choices=ORDERS, default="relevance")
        search.add_argument("--by", choices=GROUPS, default="message", help="a row for each")
        commands.add_format(search)

        commands.add_format(about_a_session("stats", "Print what a session adds up to."))

        cost = verb("cost", "Print what the last days cost.")
        cost.add_argument("--days", type=int, default=30)
        cost.add_argument("--by", choices=list(COST_BY), help="one table only")
        commands.add_format(cost)

        commands.add_format(verb("performance", "Compare the models that answered."))

        export = about_a_session("export", "Write a session out.")
        export.add_argument("--format", choices=list(exporters.FORMATS), default="json")
        export.add_argument("--output", "-o", metavar="FILE", help="default: standard output")

        about_a_session("complete", "Mark a session as completed.")
        about_a_session("archive", "Mark a session as archived.")

        branch = about_a_session("branch", "Make a session that repeats another up to a message.")
        branch.add_argument("--at", type=int, metavar="NUMBER", help="default: the last message")

        about_a_session("trash", "Move a session to the trash.")
        about_a_session("restore", "Bring a session back from the trash.")

        delete = about_a_session("delete", "Delete a session and its messages for good.")
        delete.add_argument("--confirm", action="store_true", help="really delete")

    def handle(self, *, verb, db, **options):
        if min(options.get("limit", 0), options.get("offset", 0)) < 0:
            raise CommandError("--limit and --offset must not be negative.", returncode=2)
        self.sessions = SessionManager(db)
        getattr(self, verb)(**options)

    # -- verbs ------------------------------------------------------------------------------

    def create(self, *, title, model, provider, project, system_prompt, tags, **options):
        model_id = self.sessions.add_model(provider or "unknown", model) if model else None
        columns = {name: options[name] for name in ("temperature", "max_tokens")}
        session = self.sessions.create_session(
            title, model_id, project=project, system_prompt=system_prompt, tags=tags, **columns
        )
        self.print(f"Created session: {session}")

    def add(self, *, session, role, content, tokens, cost, latency, **options):
        message = self.sessions.add_message(
            session,
            role,
            sys.stdin.read() if content == "-" else content,
            input_tokens=first(options["input_tokens"], tokens),
            output_tokens=first(options["output_tokens"], tokens),
            cost=cost,
            latency_ms=latency,
        )
        self.print(f"Added message: {message}")

    def show(self, *, session, format, **_):
        if format == "json":
            self.print_json(self.sessions.get_conversation(session))
        else:
            self.stdout.write(self.sessions.export_session(session, "text"), ending="")

    def list(self, *, format, limit, offset, status, project, **_):
        rows = self.sessions.list_sessions(limit, offset=offset, status=status, project=project)
        if format == "json":
            self.print_json(rows)
            return
        self.print(f"{'UUID':<36} {'Title':<30} {'Status':<10} {'Msgs':<6} Cost")
        self.print("-" * 95)
        for row in rows:
            self.print(
                f"{row['session_uuid']:<36} {one_line(row['title'], 30):<30}"
                f" {row['status']:<10} {row['total_messages']:<6} ${row['total_cost']:.4f}"
            )

    def search(self, *, query, format, limit, offset, order, by, **_):
        marks = ("<mark>", "</mark>") if format == "json" else ("[", "]")
        found = self.sessions.find(query, limit, offset=offset, order=order, by=by, marks=marks)
        if format == "json":
            self.print_json(found.rows)
        for row in found.rows if format == "text" else ():
            hits = f"  ({row['hits']} hits)" if by == "session" else ""
            self.print(f"{row['session_uuid']}  {one_line(row['title'], 60)}{hits}")
            where = row["role"] or row["found_in"]
            self.print(f"  [{where}] {one_line(row['snippet'], 400)}\n")
        self.tell(found, limit)

    def tell(self, found, limit) -> None:
        """Say how the query was read and how far the hits go, on standard error."""
        for note in found.reading.notes:
            self.say(note)
        for suggestion in found.reading.suggestions:
            self.say(f"Did you mean: {suggestion.query}")
        if found.within_words and found.rows:
            self.say("No text has these words; these hold the letters.")
        if found.ranked:
            self.say(f"Very many match: the {found.ranked:,} newest were ranked.")
        count = len(found.rows)
        self.say(f"The first {limit} are shown." if found.has_more else f"{count} found.")

    def stats(self, *, session, format, **_):
        stats = self.sessions.get_session_stats(session)
        if format == "json":
            self.print_json(stats)
            return
        for name, value in stats.items():
            if isinstance(value, dict):
                value = ", ".join(f"{key}: {count}" for key, count in value.items())
            if name.endswith("cost"):
                value = f"${value:.4f}"
            if value not in (None, ""):
                self.print(f"{name.replace('_', ' ').capitalize():<22} {value}")

    def cost(self, *, days, by, format, **_):
        summary = self.sessions.get_cost_summary(days)
        if format == "json":
            self.print_json(summary[f"by_{by}"] if by else summary)
            return
        self.print(f"Cost summary, last {days} days")
        self.print(f"  Total cost:    ${summary['total_cost']:.4f}")
        self.print(f"  Sessions:      {summary['session_count']:,}")
        self.print(f"  Messages:      {summary['message_count']:,}")
        self.print(f"  Input tokens:  {summary['total_input_tokens']:,}")
        self.print(f"  Output tokens: {summary['total_output_tokens']:,}")
        if summary["unpriced_count"]:
            self.print(f"  Unpriced:      {summary['unpriced_count']:,} messages, not in the cost")
        for name in [by] if by else COST_BY:
            key = COST_BY[name]
            self.print(f"\n{f'By {name}':<40} {'Messages':>9} {'Tokens':>14} {'Cost':>12}")
            self.print("-" * 78)
            for row in summary[f"by_{name}"]:
                tokens = row["total_input_tokens"] + row["total_output_tokens"]
                self.print(
                    f"{one_line(key(row), 40):<40} {row['message_count']:>9,} {tokens:>14,}"
                    f" {'$' + format_cost(row['total_cost']):>12}"
                )

    def performance(self, *, format, **_):
        rows = self.sessions.get_model_performance()
        if format == "json":
            self.print_json(rows)
            return
        self.print(
            f"{'Model':<40} {'Sessions':>8} {'Msgs':>8} {'Tokens in':>13} {'Tokens out':>12}"
            f" {'Latency':>9} {'p95':>9} {'Cost':>12}"
        )
        self.print("-" * 118)
        for row in rows:
            self.print(
                f"{one_line(row['model_full_name'], 40):<40} {row['session_count']:>8,}"
                f" {row['message_count']:>8,} {row['total_input_tokens']:>13,}"
                f" {row['total_output_tokens']:>12,}"
                f" {in_ms(row['avg_latency_ms']):>9} {in_ms(row['p95_latency_ms']):>9}"
                f" {'$' + format_cost(row['total_cost']):>12}"
            )

    def export(self, *, session, format, output, **_):
        text = self.sessions.export_session(session, format)
        if output in (None, "-"):
            self.stdout.write(text, ending="")
            return
        Path(output).expanduser().write_text(text, encoding="utf-8")
        self.say(f"Exported to {output}")

    def complete(self, *, session, **_):
        self.sessions.complete_session(session)
        self.print(f"Completed session: {session}")

    def trash(self, *, session, **_):
        self.sessions.trash_session(session)
        self.print(f"Moved session to the trash: {session}")

    def restore(self, *, session, **_):
        self.sessions.restore_session(session)
        self.print(f"Brought session back: {session}")

    def archive(self, *, session, **_):
        self.sessions.archive_session(session)
        self.print(f"Archived session: {session}")

    def branch(self, *, session, at, **_):
        self.print(f"Created session: {self.sessions.branch_session(session, at)}")

    def delete(self, *, session, confirm, **_):
        row = self.sessions.get_session(session)
        if not confirm:
            raise CommandError(
                f"Nothing was deleted. To delete session {row['session_uuid']}"
                f" ({one_line(row['title'], 60)}) and its {row['total_messages']} messages,"
                " add --confirm.",
                returncode=2,
            )
        count = self.sessions.delete_session(row["session_uuid"])
        self.print(f"Deleted session: {row['session_uuid']} ({count} messages)")


def first(*values):
    """Return the first value that is not None, or None."""
    return next((value for value in values if value is not None), None)


def one_line(text: str, width: int) -> str:
    """Return `text` in one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def format_cost(dollars: float) -> str:
    """Return USD with the four digits that small sums need."""
    return f"{dollars:,.4f}"


def model_name(row: dict) -> str:
    """Return `provider/model_name`, or what stands for an unknown one."""
    return f"{row['provider']}/{row['model_name']}" if row["model_name"] else "(no model)"


def in_ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}ms"


COST_BY = {
    "model": model_name,
    "project": lambda row: row["project"] or "(no project)",
    "day": lambda row: row["date"],
}
