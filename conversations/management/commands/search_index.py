"""`manage.py search_index check|rebuild|optimize`: look after the search indexes."""

from __future__ import annotations

from django.core.management.base import CommandError

from conversations import commands
from conversations.search import index

DAMAGED = 4


class Command(commands.Command):
    help = "Check the search indexes against all texts, make them anew, or merge their parts."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("verb", choices=["check", "rebuild", "optimize"])
        commands.add_format(parser)

    def handle(self, *, verb, format, **_):
        before = index.size()
        result = {"schema": 1, "verb": verb, **getattr(self, verb)(), "bytes": index.size()}
        if format == "json":
            self.print_json({**result, "bytes_before": before})
        else:
            self.tell(verb, result, sum(before.values()))
        if problems := result.get("problems"):
            raise CommandError(
                f"{len(problems)} problems; manage.py search_index rebuild mends them.",
                returncode=DAMAGED,
            )

    def check(self) -> dict:
        return {"problems": index.check()}

    def rebuild(self) -> dict:
        return {"rows": index.rebuild(on_progress=self.progress)}

    def optimize(self) -> dict:
        index.optimize()
        return {}

    def progress(self, rows: int) -> None:
        self.say(f"{rows:,} rows indexed", level=2)

    def tell(self, verb: str, result: dict, before: int) -> None:
        after = sum(result["bytes"].values())
        if verb == "check":
            for problem in result["problems"]:
                self.print(problem)
            if not result["problems"]:
                self.print(f"The search indexes are right: {after / 1e6:,.1f} MB.")
        elif verb == "rebuild":
            self.print(f"Indexed {result['rows']:,} rows: {after / 1e6:,.1f} MB.")
        else:
            self.print(f"Merged: {before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB after.")
