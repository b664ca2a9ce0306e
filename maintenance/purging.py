"""Deleting for good what lies in the trash: at once, or by the worker where a page would wait."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Sum
from django.db.models.expressions import RawSQL

from conversations.models import Session
from conversations.tasks import has_worker

from . import erasing, receipts, runs
from .models import RunKind
from .tasks import do_run


def purge(
    ids: list[int], *, may_wait: bool = False, user: AbstractBaseUser | None, using: str
) -> bool:
    """Erase trashed sessions, and say whether they are gone already.

    If it `may_wait`, and there is a worker, that deletes what takes longer than one transaction.
    The file is written anew by the schedule.
    """
    if not (may_wait and has_worker() and _is_long(ids, using)):
        erasing.erase(ids, finish=False, user=user, using=using)
        return True
    receipt = receipts.listed(ids, user=user, using=using)
    options = {"receipt": receipt.receipt_uuid, "is_rows_only": True}
    do_run.enqueue(runs.begin(RunKind.ERASURE, user=user, options=options, using=using).run_uuid)
    return False


def going() -> RawSQL:
    """Return the uuids of sessions that are being deleted, as a subquery."""
    return receipts.going()


def _is_long(ids: list[int], using: str) -> bool:
    if len(ids) > erasing.AT_ONCE:
        return True
    found = (
        Session.with_trash.using(using).filter(pk__in=ids).aggregate(count=Sum("total_messages"))
    )
    return (found["count"] or 0) > erasing.MESSAGES_AT_ONCE
