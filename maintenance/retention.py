"""Retention: what rules say of old sessions: counted first, then done, each run recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections, transaction
from django.utils import timezone

from conversations import databases
from conversations.errors import InvalidValue
from conversations.models import Project, Session
from conversations.models.choices import SessionStatus

from . import erasing, runs
from .models import MaintenanceRun, RetentionAction, RetentionRule, RunKind

AT_ONCE = 500  # sessions of a transaction
# The strongest first: a session that two rules are about gets that alone.
STRENGTH = (RetentionAction.DELETE, RetentionAction.STRIP, RetentionAction.ARCHIVE)
# The last message counts, not when the session began.
MATCHING = """
    SELECT session.id, (SELECT COUNT(*) FROM messages WHERE session_id = session.id),
        (SELECT COALESCE(SUM(length(CAST(content AS BLOB))), 0) FROM messages
         WHERE session_id = session.id)
    FROM sessions AS session
    WHERE {conditions}
    ORDER BY session.id
"""
# While an import is at work, what it has written is left alone.
NOT_BEING_IMPORTED = """
    NOT EXISTS (
        SELECT 1 FROM import_chunks AS chunk JOIN imports ON imports.id = chunk.of_id
        WHERE imports.status IN ('waiting', 'running', 'undoing')
            AND (session.id BETWEEN chunk.first_session AND chunk.last_session OR EXISTS (
                SELECT 1 FROM messages WHERE session_id = session.id
                    AND id BETWEEN chunk.first_message AND chunk.last_message))
    )
"""
LAST = """
    COALESCE((SELECT MAX(timestamp) FROM messages WHERE session_id = session.id),
        session.completed_at, session.started_at)
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a rule would do: to which sessions, of how many messages and bytes of text."""

    rule: RetentionRule
    session_ids: tuple[int, ...]
    messages: int
    bytes: int

    @property
    def sessions(self) -> int:
        return len(self.session_ids)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a rule has done, and the run that recorded it."""

    rule: RetentionRule
    sessions: int
    messages: int
    bytes: int
    run_uuid: str


def plan(rules: Iterable[RetentionRule] | None = None, *, using: str = "default") -> list[Planned]:
    """Return what each rule would do now, the strongest action first; nothing is changed.

    Without `rules`, all active ones. A session is planned once.
    """
    if rules is None:
        rules = RetentionRule.objects.using(using).filter(is_active=True)
    in_order = sorted(rules, key=lambda rule: (STRENGTH.index(rule.action), rule.name))
    seen: set[int] = set()
    planned = []
    for rule in in_order:
        rows = [row for row in _matching(rule, using) if row[0] not in seen]
        seen.update(id for id, _, _ in rows)
        planned.append(_planned(rule, rows))
    return planned


def apply(
    rules: Iterable[RetentionRule] | None = None,
    *,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> list[Applied]:
    """Do what the rules say now, and return what that was; a run records each rule.

    What is erased is erased with a receipt, and the file is written anew once, at the end. Killed
    in the midst, the next call does what is left.
    """
    done = []
    erasing.resume(user=user, using=using)
    for one in plan(rules, using=using):
        rule = one.rule
        one = _still(one, using)
        if not one.sessions:
            continue
        options = {"rule": rule.name, "action": rule.action, "days": rule.days}
        with runs.recorded(
            RunKind.RETENTION, user=user, options=options, entry=entry, using=using
        ) as run:
            run.at(f"{rule.get_action_display()}: {one.sessions:,} sessions", 0, one.sessions)
            _do(one, run, user, using)
            run.summary = (
                f"{rule.name}: {one.sessions:,} sessions, {one.messages:,} messages,"
                f" {one.bytes / 1e6:,.1f} MB of text."
            )
            uuids = list(_uuids(one, using))
            run.report = {
                "rule": rule.name, "sessions": one.sessions, "messages": one.messages,
                "bytes": one.bytes, "session_uuids": uuids,
            }  # fmt: skip
            done.append(Applied(rule, one.sessions, one.messages, one.bytes, run.entry.run_uuid))
        entry = None  # that run is of the first rule
    if not erasing.is_sound(using):
        erasing.complete(user=user, using=using)
    if entry is not None and not done:
        with runs.recorded(RunKind.RETENTION, user=user, entry=entry, using=using) as run:
            run.summary = "No session is as old as any rule says."
    return done


def _still(one: Planned, using: str) -> Planned:
    """Return what is left of a plan: sessions that were used since are not as old any more."""
    ids = set(one.session_ids)
    rows = [row for row in _matching(one.rule, using) if row[0] in ids]
    return _planned(one.rule, rows)


def _planned(rule: RetentionRule, rows: list[tuple[int, int, int]]) -> Planned:
    ids = tuple(id for id, _, _ in rows)
    return Planned(rule, ids, sum(count for _, count, _ in rows), sum(size for *_, size in rows))


def _do(one: Planned, run: runs.Recorder, user: AbstractBaseUser | None, using: str) -> None:
    rule = one.rule
    sessions = Session.with_trash.using(using)
    if rule.action == RetentionAction.ARCHIVE:
        for start in range(0, one.sessions, AT_ONCE):
            some = one.session_ids[start : start + AT_ONCE]
            with transaction.atomic(using):
                sessions.filter(pk__in=some).update(status=SessionStatus.ARCHIVED)
            run.at(run.entry.step, start + len(some), one.sessions)
        return
    is_stripped = rule.action == RetentionAction.STRIP
    erasing.erase(
        one.session_ids, keeps_figures=is_stripped or rule.keeps_figures, rule_name=rule.name,
        finish=False, user=user, using=using,
    )  # fmt: skip


def _uuids(one: Planned, using: str) -> Iterable[str]:
    """Return the ids of the sessions that are archived; a receipt has those that are erased."""
    if one.rule.action != RetentionAction.ARCHIVE:
        return ()
    rows = Session.with_trash.using(using).filter(pk__in=one.session_ids)
    return rows.order_by("pk").values_list("session_uuid", flat=True)


def _matching(rule: RetentionRule, using: str) -> list[tuple[int, int, int]]:
    """Return id, messages and bytes of text of the sessions that a rule is about."""
    connection = connections[using]
    limit = databases.of(connection).time_text(timezone.now() - timedelta(days=rule.days))
    if rule.is_trashed:
        conditions, params = ["session.deleted_at IS NOT NULL", "session.deleted_at < %s"], [limit]
    else:
        conditions, params = ["session.deleted_at IS NULL", f"{LAST} < %s"], [limit]
    if rule.project_id is not None:
        conditions.append("session.project_id = %s")
        params.append(rule.project_id)
    for column, value in (("status", rule.status), ("source", rule.source)):
        if value:
            conditions.append(f"session.{column} = %s")
            params.append(value)
    if rule.action == RetentionAction.ARCHIVE:
        conditions.append("session.status <> 'archived'")
    if rule.action == RetentionAction.STRIP or rule.keeps_figures:
        conditions.append("session.title <> '(erased)'")
    conditions.append(NOT_BEING_IMPORTED)
    with connection.cursor() as cursor:
        cursor.execute(MATCHING.format(conditions=" AND ".join(conditions)), params)
        return cursor.fetchall()


def add_rule(
    name: str,
    *,
    days: int,
    action: str,
    project: str = "",
    status: str = "",
    source: str = "",
    is_trashed: bool = False,
    keeps_figures: bool = False,
    using: str = "default",
) -> RetentionRule:
    """Store a rule and return it; raises `InvalidValue` naming what is wrong."""
    rules = RetentionRule.objects.using(using)
    if rules.filter(name=name).exists():
        raise InvalidValue(f"There is a rule {name!r:.100} already.")
    row = RetentionRule(
        name=name, days=days, action=action, status=status, source=source, is_trashed=is_trashed,
        keeps_figures=keeps_figures,
    )  # fmt: skip
    if project:
        row.project = Project.objects.using(using).filter(name=project).first()
        if row.project is None:
            raise InvalidValue(f"There is no project {project!r:.100}.")
    from django.core.exceptions import ValidationError

    try:
        row.clean_fields(exclude=["project"])
    except ValidationError as error:
        name_of, [first, *_] = next(iter(error.message_dict.items()))
        raise InvalidValue(f"{name_of}: {first}") from error
    row.save(using=using)
    return row
