"""`manage.py erase SESSION...`: delete trashed sessions so that no byte of them is left."""

from __future__ import annotations

from django.core.management.base import CommandError

from conversations import commands
from maintenance import erasing
from maintenance.models import Erasure

INCOMPLETE = 4


class Command(commands.Command):
    help = "Erase sessions that are in the trash, with a receipt, and complete what was begun."
    needs_database = True

    def add_arguments(self, parser):
        parser.add_argument("session", nargs="*", help="ids of sessions in the trash")
        parser.add_argument(
            "--keep-figures", action="store_true",
            help="keep tokens, costs and times, without any text or name",
        )  # fmt: skip
        parser.add_argument(
            "--complete", action="store_true", help="complete the erasures that were begun"
        )
        parser.add_argument("--receipts", action="store_true", help="list the receipts")
        parser.add_argument(
            "--dry-run", "-n", action="store_true", help="only say what would be erased"
        )
        commands.add_format(parser)

    def handle(self, *, session, keep_figures, complete, receipts, dry_run, format, **_):
        if not (session or complete or receipts):
            raise CommandError(
                "Give ids of sessions in the trash, --complete or --receipts.",
                returncode=commands.USAGE,
            )
        ids = erasing.matching(session)
        if dry_run:
            self.print(f"Would erase {len(ids)} session{'s' * (len(ids) != 1)}.")
            return
        made = [erasing.erase(ids, keeps_figures=keep_figures)] if ids else []
        made += erasing.complete() if complete else []
        shown = list(Erasure.objects.all()) if receipts else made
        if format == "json":
            self.print_json({"schema": 1, "receipts": [as_json(receipt) for receipt in shown]})
        else:
            for receipt in shown:
                self.tell(receipt)
        if any(not receipt.is_complete for receipt in made):
            raise CommandError(
                "Not complete: run `manage.py erase --complete` again.", returncode=INCOMPLETE
            )

    def tell(self, receipt: Erasure) -> None:
        """Print a receipt."""
        count = len(receipt.session_uuids)
        self.print(
            f"Receipt {receipt.receipt_uuid}: {count} session{'s' * (count != 1)},"
            f" {receipt.messages:,} messages,"
            f" {'complete' if receipt.is_complete else 'not complete'}"
        )
        for step in receipt.steps:
            self.print(f"  {step}")
        for path in receipt.backups:
            self.print(f"  Still in a backup: {path}")


def as_json(receipt: Erasure) -> dict[str, object]:
    """Return a receipt as JSON has it."""
    names = ("session_uuids", "messages", "bytes", "keeps_figures", "is_complete", "steps")
    return {
        "receipt": receipt.receipt_uuid, "erased_at": receipt.erased_at, "backups": receipt.backups,
        **{name: getattr(receipt, name) for name in names},
    }  # fmt: skip
