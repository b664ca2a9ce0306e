"""`manage.py compare`: making comparisons, recording votes and results, and the verdict."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError

from analytics.comparisons import exporting, importing, recording, storing, telling
from analytics.models import ComparisonGroup, ComparisonType, Evaluator
from conversations import commands
from conversations.organising import counted


class Command(commands.Command):
    help = "Make comparisons of sessions (A/B), record votes and results, and print the verdict."
    needs_database = True

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        def verb(name: str, help: str, *, of_group: bool = True):
            added = verbs.add_parser(name, help=help, description=help)
            if of_group:
                added.add_argument("group", help="id, a unique beginning of it, or the name")
            return added

        create = verb("create", "make a comparison and print its id", of_group=False)
        create.add_argument("name")
        create.add_argument("--type", choices=ComparisonType.values, default="model")
        create.add_argument("--project", default="", help="name of the project")
        create.add_argument("--description", default="")
        create.add_argument("--primary", default="", metavar="METRIC", help="what decides")
        create.add_argument("--planned", type=int, metavar="N", help="prompts that are planned")
        create.add_argument("--baseline", default="", metavar="VARIANT")
        create.add_argument("--unpaired", action="store_true", help="prompts are not shared")
        add = verb("add", "make sessions part of a variant")
        add.add_argument("variant")
        add.add_argument("sessions", nargs="*", metavar="SESSION")
        add.add_argument("--filter", metavar="QUERY", help="as in the address of the list: tag=a")
        add.add_argument("--label", default="", help="what pages call the variant")
        add.add_argument("--share", type=float, help="of the traffic that was planned, 0 to 1")
        vote = verb("vote", "record a vote")
        for name in ("prompt", "a", "b"):
            vote.add_argument(name)
        vote.add_argument("winner", help="a, b, tie, failed, or the name of a variant")
        vote.add_argument("--first", default="", help="which was shown first: a, b or its name")
        vote.add_argument("--rater", default="")
        vote.add_argument("--judge", default="", help="a judge and its version, if no person")
        vote.add_argument("--score", type=float, help="a graded preference for b, 0 to 1")
        rate = verb("rate", "record a value of a metric, or why there is none")
        rate.add_argument("variant")
        rate.add_argument("metric")
        rate.add_argument("value", type=float, nargs="?")
        rate.add_argument("--prompt", default="", help="key of the prompt")
        rate.add_argument("--session", default="")
        rate.add_argument("--message", default="")
        rate.add_argument("--rater", default="")
        rate.add_argument("--unit", default="")
        rate.add_argument("--low", type=float, help="the least that the scale has")
        rate.add_argument("--high", type=float, help="the most that the scale has")
        rate.add_argument("--error", default="", help="why there is no value")
        imported = verb("import", "record votes, ratings, metrics and answers from files")
        imported.add_argument("files", nargs="+", type=Path, metavar="FILE")
        imported.add_argument("--strict", action="store_true", help="all lines of a file or none")
        show = verb("show", "print the report")
        show.add_argument("--refresh", action="store_true", help="compute it in any case")
        commands.add_format(show)
        export = verb("export", "write the report as a file")
        export.add_argument("--format", choices=list(exporting.FORMATS), default="html")
        export.add_argument("--output", default="-", metavar="FILE", help="- is standard output")
        verb("list", "list the comparisons", of_group=False)
        verb("delete", "delete a comparison; its sessions stay").add_argument(
            "--confirm", action="store_true", required=True
        )

    def handle(self, *, verb, **options):
        if "group" in options:
            options["group"] = recording.find_group(options["group"])
        getattr(self, f"handle_{verb}")(options)

    def handle_create(self, given):
        group = recording.create_group(
            given["name"],
            comparison_type=given["type"],
            project=given["project"],
            description=given["description"],
            primary_metric=given["primary"],
            planned_prompts=given["planned"],
            is_paired=not given["unpaired"],
            baseline=given["baseline"],
        )
        self.print(group.group_uuid)

    def handle_add(self, given):
        group, variant = given["group"], given["variant"]
        if given["filter"] is not None:
            new = recording.link_query(group, variant, given["filter"])
        else:
            new = recording.link_sessions(group, variant, given["sessions"])
        if given["label"] or given["share"] is not None:
            recording.name_variant(
                group, variant, label=given["label"], planned_share=given["share"]
            )
        self.print(f"{counted(new, 'session')} added to {variant}.")

    def handle_vote(self, given):
        recording.record_vote(
            given["group"],
            prompt=given["prompt"],
            a=given["a"],
            b=given["b"],
            winner=given["winner"],
            score=given["score"],
            first=given["first"],
            rater=given["rater"],
            judge_version=given["judge"],
            evaluator=Evaluator.LLM_JUDGE if given["judge"] else Evaluator.HUMAN,
        )
        self.print("Vote recorded.")

    def handle_rate(self, given):
        recording.record_result(
            given["group"],
            given["metric"],
            given["value"],
            variant=given["variant"],
            prompt=given["prompt"] or None,
            session=given["session"],
            message=given["message"],
            rater=given["rater"],
            evaluator=Evaluator.HUMAN if given["rater"] else Evaluator.AUTOMATED,
            unit=given["unit"],
            low=given["low"],
            high=given["high"],
            error=given["error"],
        )
        self.print("Result recorded.")

    def handle_import(self, given):
        failed = 0
        for path in given["files"]:
            outcome = importing.import_file(given["group"], path, is_strict=given["strict"])
            self.print(
                f"{path}: {outcome.new:,} new ({counted(outcome.votes, 'vote')},"
                f" {counted(outcome.results, 'result')}, {counted(outcome.sessions, 'session')}),"
                f" {outcome.known:,} known, {outcome.failed_count:,} wrong"
            )
            for line, reason in outcome.failed[:20]:
                self.say(f"  {path}, line {line}: {reason}")
            failed += outcome.failed_count
        if failed:
            raise CommandError(
                f"{counted(failed, 'line')} could not be used.", returncode=commands.REJECTED
            )

    def handle_show(self, given):
        stored = storing.report_of(given["group"], refresh=given["refresh"])
        if given["format"] == "json":
            self.stdout.write(exporting.as_json(stored.whole()), ending="")
            return
        for line in telling.told(stored.report):
            self.print(line)

    def handle_export(self, given):
        text = exporting.export(storing.report_of(given["group"]).whole(), given["format"])
        if given["output"] == "-":
            sys.stdout.write(text) if self.stdout._out is sys.stdout else self.stdout.write(text)
            return
        Path(given["output"]).write_text(text, encoding="utf-8")
        self.say(f"Written to {given['output']}.")

    def handle_list(self, given):
        groups = list(ComparisonGroup.objects.order_by("-created_at", "-pk"))
        verdicts = storing.stored_verdicts(groups)
        for group in groups:
            said = verdicts.get(group.pk, {}).get("short", "not computed yet")
            self.print(f"{group.group_uuid}  {group.created_at:%Y-%m-%d}  {group.name}  [{said}]")
        if not groups:
            self.say("There are no comparisons.")

    def handle_delete(self, given):
        given["group"].delete()
        self.print("Deleted.")
