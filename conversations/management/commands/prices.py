"""`manage.py prices list|export|import|lookup|missing`: the price book."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time
from pathlib import Path

from django.core.management.base import CommandError
from django.db.models import Q
from django.utils import timezone

from conversations import commands
from conversations.errors import InvalidValue
from conversations.models import Price, PriceKind
from conversations.pricing import files, lookup, missing

STANDARD = "-"  # input or output


class Command(commands.Command):
    help = (
        "Your own price book, which comes before the published prices: show it, write it to a file,"
        " read it from one, ask which price holds, list the models that have none."
    )
    needs_database = True

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = verbs.add_parser("list", help="show the book")
        listing.add_argument("words", nargs="?", help="only what has this in provider or model")
        export = verbs.add_parser("export", help="write the book to a file, .csv or .json")
        export.add_argument("file", nargs="?", default=STANDARD)
        export.add_argument("--format", choices=files.FORMATS, help="default: by the file's name")
        taking_in = verbs.add_parser("import", help="add the rows of a file, all or none")
        taking_in.add_argument("file")
        taking_in.add_argument("--format", choices=files.FORMATS, help="default: by its name")
        asking = verbs.add_parser("lookup", help="say which price would be used")
        asking.add_argument("provider")
        asking.add_argument("model")
        asking.add_argument("--at", metavar="DAY", help="at noon UTC of this day; default: now")
        asking.add_argument("--tier", default="", help="service tier, such as priority or batch")
        lacking = verbs.add_parser("missing", help="list models with unpriced messages")
        for verb in (listing, asking, lacking):
            commands.add_format(verb)

    def handle(self, *, verb, **options):
        verbs = {
            "list": self.list,
            "export": self.export,
            "import": self.take_in,
            "lookup": self.look_up,
            "missing": self.missing,
        }
        verbs[verb](**options)

    def list(self, *, words, format, **_):
        rows = Price.objects.all()
        if words:
            rows = rows.filter(Q(provider__icontains=words) | Q(model_pattern__icontains=words))
        if format == "json":
            self.print_json([row_as_json(row) for row in rows])
            return
        for row in rows:
            self.print(in_words(row))
        if not rows:
            self.say("There is no price in the book.")

    def export(self, *, file, format, **_):
        is_file = file != STANDARD
        format = format or (files.format_of(file) if is_file else "csv")
        pieces = files.write(format)
        if not is_file:
            self.stdout.write("".join(pieces), ending="")
            return
        path = Path(file).expanduser()
        draft = path.with_name(f".{path.name}.part")  # the file appears whole or not at all
        try:
            with draft.open("w", encoding="utf-8", newline="") as out:
                out.writelines(pieces)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        self.say(f"{Price.objects.count():,} prices written to {path}")

    def take_in(self, *, file, format, **_):
        if file == STANDARD:
            content = sys.stdin.buffer.read()
        else:
            format = format or files.format_of(file)
            content = Path(file).expanduser().read_bytes()
        try:
            stored = files.store(files.read(files.text_of(content), format or "csv"))
        except InvalidValue as error:
            raise CommandError(f"{file}: {str(error).rstrip('.')}. Nothing was stored.") from error
        self.print(f"{stored.new:,} new, {stored.changed:,} changed, {stored.same:,} as they were")

    def look_up(self, *, provider, model, at, tier, format, **_):
        moment = timezone.now() if at is None else noon(at)
        answers = lookup.look_up(provider, model, moment, tier=tier)
        if format == "json":
            self.print_json(
                [
                    {
                        "above_input_tokens": answer.above,
                        **answer.basis._asdict(),
                        "rates": dict(answer.basis.rates),
                    }
                    for answer in answers
                ]
            )
            return
        for answer in answers:
            basis = answer.basis
            above = f"Above {answer.above:,} input tokens: " if answer.above else ""
            named = "/".join(filter(None, [basis.provider, basis.model]))
            origin = ", ".join(filter(None, [basis.origin, named]))
            rule = f" (matched by: {basis.rule})" if basis.rule else ""
            self.print(f"{above}{basis.kind}{': ' if origin else ''}{origin}{rule}")
            for name, rate in answer.rates:
                self.print(f"  {name:<22} {rate}")

    def missing(self, *, format, **_):
        found = missing.missing()
        if format == "json":
            self.print_json(
                [
                    {
                        "provider": each.model.provider if each.model else None,
                        "model": each.model.model_name if each.model else None,
                        "messages": each.messages,
                        "input_tokens": each.input_tokens,
                        "output_tokens": each.output_tokens,
                    }
                    for each in found
                ]
            )
            return
        for each in found:
            name = each.model.full_name if each.model else "(no model)"
            self.print(f"{name}  {each.messages:,} messages, {each.tokens:,} tokens")
        if not found:
            self.say("Every message with tokens has a cost.")


def noon(day: str) -> datetime:
    """Return noon of a day, UTC; raises `InvalidValue` if it is none."""
    try:
        return datetime.combine(date.fromisoformat(day), time(12), tzinfo=UTC)
    except ValueError as error:
        raise InvalidValue(f"--at: {day!r:.50} is no day such as 2026-01-31") from error


def row_as_json(row: Price) -> dict[str, object]:
    """Return a price as programs read it; USD per million tokens as text, exact."""
    return {"id": row.pk, **files.as_text(row)}


def in_words(row: Price) -> str:
    """Return a price in one line."""
    texts = files.as_text(row)
    since, until = texts["valid_from"], texts["valid_to"]
    parts = [
        str(row),
        f"from {since}" if since else "",
        f"before {until}" if until else "",
        f"tier {row.service_tier}" if row.service_tier else "",
        f"above {row.above_input_tokens:,} input tokens" if row.above_input_tokens else "",
    ]
    if row.kind == PriceKind.PER_TOKEN:
        names = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
        parts += [f"{name} {texts[name]}" for name in names if texts[name]]
    else:
        parts.append(row.kind)
    return "  ".join(filter(None, [*parts, row.note]))
