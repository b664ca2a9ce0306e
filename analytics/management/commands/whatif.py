"""`manage.py whatif`: the same history on another model, with or without cache, or in batches."""

from __future__ import annotations

from decimal import Decimal

from django.core.management.base import CommandError

from analytics import whatif
from analytics.whatif import Recosted, Terms, WhatIf
from conversations import commands
from conversations.commands import dollars, exact
from conversations.pricing import choosing

FILTERS = ("project", "of_model", "source", "tag", "role", "since", "until", "session")


class Command(commands.Command):
    help = (
        "Say what requests would have cost on another model, each priced at its own time with the"
        " tokens that were used. No model is called."
    )
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--model",
            action="append",
            required=True,
            metavar="PROVIDER/NAME",
            help="the other model; may be given again, to compare several",
        )
        cache = parser.add_mutually_exclusive_group()
        cache.add_argument(
            "--no-cache", action="store_true", help="all of the input at its fresh price"
        )
        cache.add_argument(
            "--cache-share",
            metavar="PERCENT",
            help="as much of the input read from a cache, nothing written; default: as it was",
        )
        parser.add_argument("--batch", action="store_true", help="every request in a batch")
        choosing.add_filters(parser, "--of-model")
        commands.add_format(parser)

    def handle(self, *, model, no_cache, cache_share, batch, format, **options):
        if len(model) > whatif.MOST_MODELS:
            raise CommandError(f"At most {whatif.MOST_MODELS} models.", returncode=commands.USAGE)
        models = [whatif.named(text) for text in model]
        share = None if cache_share is None else whatif.percent(cache_share)
        terms = Terms(cache_share=Decimal(0) if no_cache else share, batch=batch)
        scope, _ = choosing.chosen(**{name: options[name] for name in FILTERS}, with_trash=False)
        found = whatif.recost(scope, models, terms, progress=self.tell)
        if format == "json":
            self.print_json(as_json(found))
            return
        known = found.requests - found.unpriced
        self.print(
            f"{found.requests:,} requests did cost {dollars(found.cost)}"
            f" ({known:,} of them have a cost)."
        )
        for recosted in found.models:
            self.print()
            self.show(recosted)

    def tell(self, requests: int) -> None:
        if requests and requests % 100_096 == 0:
            self.say(f"{requests:,} requests", level=2)

    def show(self, recosted: Recosted) -> None:
        self.print(f"{recosted.model.in_full}: {dollars(recosted.total)}")
        for name, part in recosted.parts.items():
            if part:
                self.print(f"  {name.replace('_', ' '):<16} {dollars(part):>20}")
        if recosted.difference is not None:
            sign = "+" if recosted.difference > 0 else ""
            rate = recosted.difference_percent
            words = f" ({rate:+,.1f} %)" if rate is not None else ""
            self.print(
                f"  {'difference':<16} {sign + dollars(recosted.difference):>20}{words}"
                f" over {recosted.compared:,} requests with a cost"
            )
        if recosted.unpriced:
            self.print(f"  {recosted.unpriced:,} requests could not be priced: not in the sum")


def as_json(found: WhatIf) -> dict[str, object]:
    """Return the answer as programs read it; USD as text, exact."""
    return {
        "requests": found.requests,
        "cost": exact(found.cost),
        "unpriced": found.unpriced,
        "models": [
            {
                "model": recosted.model.in_full,
                "total": exact(recosted.total),
                "parts": {name: exact(part) for name, part in recosted.parts.items()},
                "priced": recosted.priced,
                "unpriced": recosted.unpriced,
                "compared": recosted.compared,
                "difference": None if recosted.difference is None else exact(recosted.difference),
            }
            for recosted in found.models
        ],
    }
