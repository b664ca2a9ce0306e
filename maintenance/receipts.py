"""Receipts of erasure: what is to go, is gone, and may lie in a backup still."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections
from django.db.models.expressions import RawSQL
from django.utils import timezone

from conversations.errors import SessionsError
from conversations.models import Session
from conversations.writing import new_id

from . import backups, swapping
from .models import Backup, Erasure

AT_ONCE = 200  # sessions of a statement
LISTED = "Listed: the sessions are to go."
BEGUN = "Begun: what they hold is counted."
# Of a receipt whose rows are gone, more than one step is told.
GOING = """
    SELECT listed.value FROM erasures, json_each(erasures.session_uuids) AS listed
    WHERE NOT erasures.is_complete AND json_array_length(erasures.steps) = 1
"""
MEASURE = """
    SELECT COUNT(message.id), COALESCE(SUM(length(CAST(message.content AS BLOB))), 0)
    FROM sessions AS session LEFT JOIN messages AS message ON message.session_id = session.id
    WHERE session.session_uuid = %s
"""


def listed(
    ids: list[int],
    *,
    keeps_figures: bool = False,
    rule_name: str = "",
    user: AbstractBaseUser | None = None,
    using: str = "default",
) -> Erasure:
    """Store and return the receipt of sessions that are to go; none is touched yet."""
    sessions = Session.with_trash.using(using)
    uuids = []
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        found = dict(sessions.filter(pk__in=some).values_list("pk", "session_uuid"))
        uuids += [found[id] for id in some if id in found]
    return Erasure.objects.using(using).create(
        receipt_uuid=new_id(), user=user, rule_name=rule_name, session_uuids=uuids,
        keeps_figures=keeps_figures, steps=[LISTED],
    )  # fmt: skip


def begin(receipt: Erasure, using: str) -> None:
    """Count what the sessions hold, while they hold it: a pass over their text."""
    if receipt.steps == [LISTED]:
        receipt.messages, receipt.bytes = measured(receipt.session_uuids, using)
        receipt.steps = [BEGUN]
        receipt.save(update_fields=["messages", "bytes", "steps"])


def has_rows(receipt: Erasure) -> bool:
    """Say whether rows are yet to go, not only bytes that they left behind."""
    return len(receipt.steps) == 1


def going_on(using: str = "default") -> list[Erasure]:
    """Return the receipts of which rows are yet to go, the oldest first."""
    waiting = Erasure.objects.using(using).filter(is_complete=False).order_by("id")
    return list(filter(has_rows, waiting))


def going() -> RawSQL:
    """Return the uuids of sessions whose rows are yet to go, as a subquery."""
    return RawSQL(GOING, [])


def measured(uuids: Iterable[str], using: str) -> tuple[int, int]:
    """Return how many messages sessions have, and bytes of text."""
    messages, size = 0, 0
    with connections[using].cursor() as cursor:
        for uuid in uuids:
            cursor.execute(MEASURE, [uuid])
            count, bytes_ = cursor.fetchone()
            messages, size = messages + count, size + bytes_
    return messages, size


def without_rows(receipt: Erasure, using: str) -> list[Erasure]:
    """Return the other receipts whose rows are gone by now, and only bytes may be left."""
    waiting = Erasure.objects.using(using).filter(is_complete=False).exclude(pk=receipt.pk)
    return [other for other in waiting if not has_rows(other)]


def made_before(receipt: Erasure, using: str) -> list[str]:
    """Return the backups that may hold a session of a receipt, without a look into them.

    Each has to be unpacked and checked for that, which is not for a page to wait for.
    """
    known = (row for row in backups.known(using) if row.made_at <= receipt.erased_at)
    return [f"{row.path} (made before: it may)" for row in known]


def note_backups(receipts: list[Erasure], using: str) -> None:
    """Look into the backups, each once; set in the receipts which hold their sessions."""
    held: dict[int, list[str]] = {receipt.pk: [] for receipt in receipts}
    for row in backups.known(using):
        if row.made_at > timezone.now():
            continue
        for receipt, said in _holding(row, receipts):
            held[receipt.pk].append(said)
    for receipt in receipts:
        receipt.backups = held[receipt.pk]


def _holding(row: Backup, receipts: list[Erasure]) -> Iterator[tuple[Erasure, str]]:
    """Yield the receipts of which a backup holds a session, or may, with how to name it."""
    path = Path(row.path)
    if row.is_encrypted:
        for receipt in receipts:
            if row.made_at <= receipt.erased_at:
                yield receipt, f"{path} (encrypted, made before: it may)"
        return
    found = []
    try:
        with backups.opened(path) as (plain, _), closing(swapping.opened(plain)) as database:
            sql = "SELECT 1 FROM sessions WHERE session_uuid = ?"
            for receipt in receipts:
                if any(database.execute(sql, [one]).fetchone() for one in receipt.session_uuids):
                    found.append((receipt, str(path)))
    except (SessionsError, sqlite3.Error):
        found = [(receipt, f"{path} (cannot be read)") for receipt in receipts]
    yield from found
