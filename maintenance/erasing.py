"""Erasing sessions: from every table, the search index, the WAL and free pages, with a receipt.

First a receipt says what is to be erased, so that a process that is killed leaves its work to be
completed. Then rows go, in short transactions; last the file is written anew, since SQLite leaves
what was deleted, or edited long ago, in pages that are free or half full.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connections, transaction

from conversations import databases, locks, schema
from conversations.errors import SessionsError, explained
from conversations.models import Session
from conversations.search import index

from . import receipts, runs, space
from .models import Erasure, MaintenanceRun, RetentionRule, RunKind

AT_ONCE = 200  # sessions of a transaction, at most
MESSAGES_AT_ONCE = 1_000  # of a transaction, unless one session has more: 0.2 s of others' waiting
PAUSE = 0.11  # s between two transactions: who waits for the lock looks every 0.1 s
LOCK = "erasing"
# What stays of a message are its figures, so that totals and roll-ups are as they were.
STRIP_MESSAGES = """
    UPDATE messages SET
        message_uuid = lower(hex(randomblob(16))), content = '', content_type = 'text',
        function_call = NULL, tool_calls = NULL, external_id = NULL,
        error_message = CASE WHEN error_message <> '' THEN '(erased)' ELSE '' END,
        metadata = CASE
            WHEN json_valid(metadata) AND COALESCE(json_extract(metadata, '$.is_error'), 0) = 1
            THEN '{"is_error": true}' ELSE '{}'
        END
    WHERE session_id = %s
"""
STRIP_SESSION = """
    UPDATE sessions SET
        session_uuid = lower(hex(randomblob(16))), title = '(erased)', description = '',
        system_prompt = '', tags = '[]', metadata = '{}', external_id = NULL,
        parent_external_id = NULL, status = 'archived', deleted_at = NULL
    WHERE id = %s
"""
STRIP_REST = (
    "DELETE FROM session_snapshots WHERE session_id = %s",
    "DELETE FROM annotations WHERE entity_type = 'session' AND entity_id = %s",
    "DELETE FROM annotations WHERE entity_type = 'message'"
    " AND entity_id IN (SELECT id FROM messages WHERE session_id = %s)",
)
# Not what somebody took out of the trash meanwhile. What a rule is about need not be there, but
# stays if something was said since.
STILL_TO_GO = """
    SELECT id FROM sessions AS session
    WHERE session_uuid = %s AND (deleted_at IS NOT NULL OR %s OR (%s AND NOT EXISTS (
        SELECT 1 FROM messages WHERE session_id = session.id AND timestamp >= %s
    )))
"""
# Figures leave roll-ups with the trash: what is deleted goes through it, in one transaction.
TRASH = "UPDATE sessions SET deleted_at = %s WHERE id = %s AND deleted_at IS NULL"
# No import brings them back (conversations/sql/*/imports.sql keeps the same for what is deleted).
FORBID = """
    INSERT OR IGNORE INTO import_deletions (record_uuid)
    SELECT session_uuid FROM sessions WHERE id = %s AND external_id IS NOT NULL
"""
FORGET_LOG = """
    DELETE FROM django_admin_log
    WHERE (object_id = %s AND content_type_id = (
        SELECT id FROM django_content_type WHERE app_label = 'conversations' AND model = 'session'
    )) OR (object_id IN (SELECT id FROM messages WHERE session_id = %s) AND content_type_id = (
        SELECT id FROM django_content_type WHERE app_label = 'conversations' AND model = 'message'
    ))
"""


def erase(
    session_ids: Iterable[int],
    *,
    keeps_figures: bool = False,
    rule_name: str = "",
    finish: bool = True,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> Erasure:
    """Erase these sessions, and return the receipt.

    With `keeps_figures` tokens, costs and times stay, under no name. Without `finish` the rows go,
    and `complete` has yet to write the file anew, which takes as long as copying it. Branches of a
    session are sessions of their own and stay.
    """
    ids = list(dict.fromkeys(session_ids))
    receipt = receipts.listed(
        ids, keeps_figures=keeps_figures, rule_name=rule_name, user=user, using=using
    )
    return _go_on(receipt, finish=finish, user=user, entry=entry, using=using)


def complete(
    *,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> list[Erasure]:
    """Complete the erasures that were begun, and return their receipts."""
    waiting = list(Erasure.objects.using(using).filter(is_complete=False).order_by("id"))
    if not waiting:
        if entry is not None:
            with runs.recorded(RunKind.ERASURE, user=user, entry=entry, using=using) as run:
                run.summary = "No erasure waits to be completed."
        return []
    *others, last = waiting
    for receipt in others:  # the file is written anew once, for all of them
        _go_on(receipt, finish=False, user=user, entry=None, using=using)
    _go_on(last, finish=True, user=user, entry=entry, using=using)
    for receipt in others:
        receipt.refresh_from_db()
    return waiting


def resume(
    *,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> None:
    """Delete the rows of erasures that wait, or were killed; `complete` has yet to finish them.

    `entry` is a run about the first of them; the others have runs of their own.
    """
    for receipt in receipts.going_on(using):
        _go_on(receipt, finish=False, user=user, entry=entry, using=using)
        entry = None
    if entry is not None:
        with runs.recorded(RunKind.ERASURE, user=user, entry=entry, using=using) as run:
            run.summary = "Nothing is left to be deleted."


def _go_on(receipt: Erasure, *, finish: bool, user, entry, using: str) -> Erasure:
    options = {"receipt": receipt.receipt_uuid}
    with (
        runs.recorded(RunKind.ERASURE, user=user, options=options, entry=entry, using=using) as run,
        explained(using),
    ):
        run.at("Counting")
        receipts.begin(receipt, using)
        _delete_rows(receipt, run, using)
        spared = _spare(receipt, using)
        steps = [
            "Rows deleted, with what was overwritten by zeros: messages, snapshots, annotations,"
            " tags, undo history, the administrator's log, notes and reports of comparisons,"
            " what batches, workflows and imports had of it."
            if not receipt.keeps_figures
            else "Texts, names and ids removed; tokens, costs and times stay."
        ]
        if spared:
            steps[0] += f" Not of {spared:,} that were taken back or used meanwhile: they stay."
        done = False
        receipt.steps = [*steps, "To be completed: the file has yet to be written anew."]
        receipt.backups = receipts.made_before(receipt, using)
        receipt.save(update_fields=["steps", "backups", "session_uuids", "messages", "bytes"])
        if finish:
            others = receipts.without_rows(receipt, using)
            with locks.alone(LOCK):
                receipt.steps, done = _write_anew(steps, run, using)
            # Written anew, the file holds nothing of the others either.
            finished = [receipt, *others] if done else [receipt]
            run.at("Looking into backups")
            receipts.note_backups(finished, using)
            for one in finished:
                one.steps, one.is_complete = [one.steps[0], *receipt.steps[1:]], done
                one.save(update_fields=["steps", "is_complete", "backups"])
        count = len(receipt.session_uuids)
        run.summary = f"{count:,} session{'s' * (count != 1)} erased"
        run.summary += "." if done else ", and the file is yet to be written anew."
        if receipt.backups:
            count, verb = len(receipt.backups), "still" if finish else "may still"
            run.summary += f" {count} backup{'s' * (count != 1)} {verb} hold some of it."
        run.report = {"receipt": receipt.receipt_uuid, "complete": done}
    return receipt


def _delete_rows(receipt: Erasure, run: runs.Recorder, using: str) -> None:
    kept_apps = [app for app in apps.get_app_configs() if isinstance(app, schema.KeptApp)]
    total, done = len(receipt.session_uuids), 0
    by_rule = _is_by_rule(receipt, using)
    is_anyhow = receipt.keeps_figures and not receipt.rule_name
    erased_at = databases.of(connections[using]).time_text(receipt.erased_at)
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten at once
    for uuids in _batches(receipt.session_uuids, using):
        run.at("Deleting", done, total)
        with transaction.atomic(using), connections[using].cursor() as cursor:
            ids = []
            for uuid in uuids:
                cursor.execute(STILL_TO_GO, [uuid, is_anyhow, by_rule, erased_at])
                ids += [id for [id] in cursor.fetchall()]
            for app in kept_apps:
                app.forget(cursor, ids)
            for id in ids:
                cursor.execute(FORGET_LOG, [str(id), id])
                if receipt.keeps_figures:
                    _strip(cursor, id)
                else:
                    cursor.execute(TRASH, [erased_at, id])
                    cursor.execute("DELETE FROM sessions WHERE id = %s", [id])
        done += len(uuids)
        if done < total:
            time.sleep(PAUSE)
    with transaction.atomic(using), connections[using].cursor() as cursor:
        for app in kept_apps:
            app.drop_empty(cursor)


def _is_by_rule(receipt: Erasure, using: str) -> bool:
    """Say whether a rule that is still there wants the sessions erased, in the trash or not."""
    rules = RetentionRule.objects.using(using).filter(is_trashed=False)
    return bool(receipt.rule_name) and rules.filter(name=receipt.rule_name).exists()


def _batches(uuids: list[str], using: str) -> Iterator[list[str]]:
    """Yield those that are still there, so many at a time that others need not wait long."""
    batch: list[str] = []
    messages = 0
    for uuid, count in _there(uuids, using):
        if batch and (len(batch) == AT_ONCE or messages + count > MESSAGES_AT_ONCE):
            yield batch
            batch, messages = [], 0
        batch.append(uuid)
        messages += count
    if batch:
        yield batch


def _there(uuids: list[str], using: str) -> Iterator[tuple[str, int]]:
    """Yield the sessions of these that there are, with how many messages they have."""
    sessions = Session.with_trash.using(using)
    for start in range(0, len(uuids), AT_ONCE):
        some = uuids[start : start + AT_ONCE]
        found = dict(
            sessions.filter(session_uuid__in=some).values_list("session_uuid", "total_messages")
        )
        yield from ((uuid, found[uuid]) for uuid in some if uuid in found)


def _spare(receipt: Erasure, using: str) -> int:
    """Take off a receipt the sessions that were not erased; return how many."""
    spared = {uuid for uuid, _ in _there(receipt.session_uuids, using)}
    if spared:
        messages, size = receipts.measured(spared, using)
        receipt.session_uuids = [uuid for uuid in receipt.session_uuids if uuid not in spared]
        receipt.messages = max(0, receipt.messages - messages)
        receipt.bytes = max(0, receipt.bytes - size)
    return len(spared)


def _strip(cursor, id: int) -> None:
    cursor.execute(FORBID, [id])
    for statement in STRIP_REST:
        cursor.execute(statement, [id])
    cursor.execute(STRIP_MESSAGES, [id])
    cursor.execute(STRIP_SESSION, [id])


def _write_anew(steps: list[str], run: runs.Recorder, using: str) -> tuple[list[str], bool]:
    """Write index and file anew; return what was done, and whether nothing is left anywhere."""
    run.at("Merging the search index, whose older parts hold what was deleted")
    index.optimize(using=using)
    steps = [*steps, "Search index merged: its older parts are gone."]
    run.at("Writing the file anew")
    try:
        done = space.vacuum(force=True, using=using)
    except (SessionsError, DatabaseError) as error:
        return [*steps, f"Not complete: the file could not be written anew: {error}"], False
    steps.append(f"File written anew: {done.before:,} bytes before, {done.after:,} after.")
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, *_ = cursor.fetchone()
    if is_busy:
        return [*steps, "Not complete: others are reading, so the WAL could not be emptied."], False
    return [*steps, "WAL emptied."], True


def matching(uuids: Iterable[str], *, using: str = "default") -> list[int]:
    """Return the ids of trashed sessions with these uuids; raises `SessionsError` for any other."""
    found = []
    for uuid in uuids:
        session = Session.with_trash.using(using).filter(session_uuid=uuid).first()
        if session is None:
            raise SessionsError(f"There is no session {uuid!r:.100}.")
        if session.deleted_at is None:
            raise SessionsError(f"Session {uuid} is not in the trash; put it there first.")
        found.append(session.pk)
    return found


def is_sound(using: str = "default") -> bool:
    """Say whether no erasure waits to be completed."""
    return not Erasure.objects.using(using).filter(is_complete=False).exists()
