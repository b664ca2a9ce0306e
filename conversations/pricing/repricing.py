"""Pricing messages anew, in runs that can be stopped, continued and taken back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from conversations import bulk, databases, locks
from conversations.errors import InvalidValue, UnknownId
from conversations.models import RepriceChange, RepriceRun, RepriceStatus
from conversations.writing import new_id

from . import requests
from .cost import Cost
from .planning import Change, Repricer
from .requests import Request, Scope

AT_ONCE = 10_000  # messages of a transaction
SHORTEST_ID = 6  # characters of a run's id that are enough, if no other begins like this
KEEP = """
    INSERT INTO reprice_changes
        (run_id, message_id, old_cost, new_cost, old_basis_id, new_basis_id)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
KEPT = "SELECT message_id FROM reprice_changes WHERE run_id = %s AND id > %s"
# Costs go from column to column: as text they would lose their last bits.
SET = """
    UPDATE messages SET cost = change.{which}_cost, cost_basis_id = change.{which}_basis_id
    FROM reprice_changes AS change
    WHERE change.run_id = %s AND change.id {ids} AND change.message_id = messages.id
"""
UNCHANGED = """
    SELECT message.id
    FROM reprice_changes AS change JOIN messages AS message ON message.id = change.message_id
    WHERE change.run_id = %s AND change.id BETWEEN %s AND %s
        AND message.cost IS NOT DISTINCT FROM change.new_cost
        AND message.cost_basis_id IS NOT DISTINCT FROM change.new_basis_id
"""


class _Batch(NamedTuple):
    """Requests, what others had written when they were read, and what they are found to cost."""

    found: list[Request]
    written: int
    costs: Future[list[tuple[Request, Cost | None]]]


def begin(
    scope: Scope,
    *,
    words: str = "",
    user: AbstractBaseUser | None = None,
    in_background: bool = False,
    using: str = "default",
) -> RepriceRun:
    """Make the row of a run that has yet to do it. `words` say for people what is meant."""
    options = {"scope": scope.as_json(), "words": words, "in_background": in_background}
    runs = RepriceRun.objects.using(using)
    return runs.create(run_uuid=new_id(), user=user, options=options, status=RepriceStatus.WAITING)


def apply(
    scope: Scope,
    *,
    words: str = "",
    user: AbstractBaseUser | None = None,
    progress: Callable[[RepriceRun], None] = lambda run: None,
    using: str = "default",
) -> RepriceRun:
    """Price these messages anew, and return the run, which `undo` takes back."""
    return run(begin(scope, words=words, user=user, using=using), progress=progress)


def run(
    entry: RepriceRun,
    *,
    progress: Callable[[RepriceRun], None] = lambda run: None,
    should_stop: Callable[[], bool] = lambda: False,
    at_once: int = AT_ONCE,
) -> RepriceRun:
    """Do a run from its start, or from where it was stopped, and return it.

    What a transaction has written is whole whenever the process ends. Raises `InvalidValue` if
    the run is at its end already, or another process is at it.
    """
    if not locks.is_free(_lock(entry)):
        raise InvalidValue(f"Another process is at run {entry.run_uuid}.")
    if entry.status not in (RepriceStatus.WAITING, RepriceStatus.RUNNING, RepriceStatus.STOPPED):
        raise InvalidValue(f"Run {entry.run_uuid} is {entry.get_status_display().lower()}.")
    using = entry._state.db
    scope, repricer = Scope.from_json(entry.options["scope"]), Repricer(using)
    with (
        locks.held(_lock(entry)),
        connections[using].cursor() as cursor,
        ThreadPoolExecutor(1) as beside,
    ):

        def read(last: int) -> _Batch:
            """Read what comes behind a message, and have it priced beside."""
            written = databases.of(cursor.db).written_by_others(cursor.db)
            found = requests.after(cursor, scope, last, at_once)
            return _Batch(found, written, beside.submit(repricer.costs, found))

        _set(entry, status=RepriceStatus.RUNNING)
        try:
            batch = read(entry.last_message_id)
            while batch.found:
                # The next is priced while the database writes this one, which takes as long.
                following = read(batch.found[-1].id)
                _reprice(cursor, entry, repricer, batch)
                batch = following
                progress(entry)
                if should_stop():
                    _set(entry, status=RepriceStatus.WAITING)
                    return entry
        except BaseException:
            _set(entry, status=RepriceStatus.STOPPED)
            raise
        _set(entry, status=RepriceStatus.DONE)
    return entry


def _reprice(cursor, entry: RepriceRun, repricer: Repricer, batch: _Batch) -> None:
    # Prices are looked up before the transaction, so that other writers wait for it less.
    changes, found = repricer.changes(batch.costs.result()), batch.found
    with transaction.atomic(entry._state.db):
        if changes and databases.of(cursor.db).written_by_others(cursor.db) != batch.written:
            # Somebody has written since, these messages perhaps.
            ids = [request.id for request, _ in changes]
            changes = repricer.changes(repricer.costs(requests.of_ids(cursor, ids)))
        after = _write(cursor, entry, changes) if changes else 0
        at = RepriceRun.objects.using(entry._state.db).filter(
            pk=entry.pk, last_message_id=entry.last_message_id, status=RepriceStatus.RUNNING
        )
        columns = {
            "last_message_id": found[-1].id,
            "checked": entry.checked + len(found),
            "messages": entry.messages + len(changes),
            "nanos_before": entry.nanos_before + sum(r.cost_nanos or 0 for r, _ in changes),
            "nanos_after": entry.nanos_after + after,
        }
        if not at.update(**columns):
            raise InvalidValue(f"Another process is at run {entry.run_uuid}.")
    for name, value in columns.items():
        setattr(entry, name, value)


def _write(cursor, entry: RepriceRun, changes: list[Change]) -> int:
    """Keep these changes and make them; return the nano-dollars of the messages thereafter."""
    cursor.execute("SELECT COALESCE(MAX(id), 0) FROM reprice_changes")
    [last] = cursor.fetchone()
    cursor.executemany(
        KEEP,
        [
            (entry.pk, r.id, r.cost, new.cost, r.cost_basis_id, new.cost_basis_id)
            for r, new in sorted(changes, key=lambda change: change[0].id)
        ],
    )
    written = bulk.Selection(KEPT, (entry.pk, last))
    with bulk.changing(cursor, written):
        cursor.execute(SET.format(which="new", ids="> %s"), written.params)
    cursor.execute(
        f"SELECT COALESCE(SUM(cost_nanos), 0) FROM messages WHERE id IN ({written.sql})",
        written.params,
    )
    return cursor.fetchone()[0]


def ask_to_continue(entry: RepriceRun) -> None:
    """Mark a run that was stopped as one that a worker goes on with; raises `InvalidValue`."""
    stopped = RepriceRun.objects.using(entry._state.db).filter(
        pk=entry.pk, status=RepriceStatus.STOPPED
    )
    entry.options = {**entry.options, "in_background": True}
    if not stopped.update(status=RepriceStatus.WAITING, options=entry.options):
        raise InvalidValue(f"Run {entry.run_uuid} was not stopped before its end.")


def ask_to_undo(entry: RepriceRun) -> None:
    """Mark a run as one to be taken back; raises `InvalidValue` if it cannot be."""
    settle(using=entry._state.db)
    with transaction.atomic(entry._state.db):
        entry.refresh_from_db()
        if entry.status == RepriceStatus.UNDOING:
            return
        if entry.is_busy:
            raise InvalidValue(f"Run {entry.run_uuid} is not at its end yet.")
        if not entry.can_be_undone:
            raise InvalidValue(f"Run {entry.run_uuid} has changed nothing that could be undone.")
        _set(entry, status=RepriceStatus.UNDOING)


def undo(
    entry: RepriceRun,
    *,
    progress: Callable[[RepriceRun], None] = lambda run: None,
    should_stop: Callable[[], bool] = lambda: False,
    at_once: int = AT_ONCE,
) -> RepriceRun:
    """Give messages the cost and basis back that they had before a run, to the last bit.

    What was changed or deleted since is left alone and counted in `left_alone`. May be stopped, and
    goes on when it is called again. Raises `InvalidValue` if there is nothing to take back.
    """
    ask_to_undo(entry)
    using = entry._state.db
    kept = RepriceChange.objects.using(using).filter(run=entry).order_by("id")
    with locks.held(_lock(entry)), connections[using].cursor() as cursor:
        while True:
            with transaction.atomic(using):
                ids = list(kept.values_list("id", flat=True)[:at_once])
                if not ids:
                    _set(entry, status=RepriceStatus.UNDONE, undone_at=timezone.now())
                    return entry
                left = len(ids) - _set_back(cursor, entry, ids[0], ids[-1])
                kept.filter(pk__lte=ids[-1]).delete()
                RepriceRun.objects.using(using).filter(pk=entry.pk).update(
                    left_alone=F("left_alone") + left
                )
            entry.refresh_from_db()
            progress(entry)
            if should_stop():
                return entry


def _set_back(cursor, entry: RepriceRun, first: int, last: int) -> int:
    """Set back what is as these changes left it; return how many messages that were."""
    of_changes = (entry.pk, first, last)
    cursor.execute(UNCHANGED, of_changes)
    listed, params = databases.of(cursor.db).with_list(
        "SELECT id FROM messages WHERE id IN {listed}", [id for [id] in cursor.fetchall()]
    )
    unchanged = bulk.Selection(listed, tuple(params))
    with bulk.changing(cursor, unchanged):
        cursor.execute(
            f"{SET.format(which='old', ids='BETWEEN %s AND %s')}"
            f" AND messages.id IN ({unchanged.sql})",
            of_changes + unchanged.params,
        )
        return cursor.rowcount


def settle(*, using: str = "default") -> None:
    """Say of runs whose process has died that they were stopped.

    Those that a worker does are left to it: it goes on with them when it starts again.
    """
    running = RepriceRun.objects.using(using).filter(status=RepriceStatus.RUNNING)
    for entry in running:
        if not entry.options.get("in_background") and locks.is_free(_lock(entry)):
            _set(entry, status=RepriceStatus.STOPPED)


def find_run(identifier: str, *, using: str = "default") -> RepriceRun:
    """Return the run with this id, or whose id begins like this; raises `UnknownId`."""
    runs = RepriceRun.objects.using(using)
    is_readable = identifier.isprintable()
    found = runs.filter(run_uuid=identifier).first() if is_readable else None
    if found is None and is_readable and len(identifier) >= SHORTEST_ID:
        alike = list(runs.filter(run_uuid__startswith=identifier)[:2])
        found = alike[0] if len(alike) == 1 else None
    if found is None:
        raise UnknownId(f"there is no run {identifier!r:.100}; `reprice --list` lists them")
    return found


def is_being_done(entry: RepriceRun) -> bool:
    """Return whether a living process is at a run."""
    return not locks.is_free(_lock(entry))


def _lock(entry: RepriceRun) -> str:
    return f"reprice-{entry.run_uuid}"


def _set(entry: RepriceRun, **columns: object) -> None:
    for name, value in columns.items():
        setattr(entry, name, value)
    RepriceRun.objects.using(entry._state.db).filter(pk=entry.pk).update(**columns)
