"""Taking an import back, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.apps import apps
from django.db import connections, transaction

from conversations import bulk, changes, databases
from conversations.models import Import, ImportChunk, Message, Project, Session

MADE_MESSAGES = "SELECT id FROM messages WHERE id BETWEEN %s AND %s OR session_id BETWEEN %s AND %s"
MADE_SESSIONS = "SELECT id FROM sessions WHERE id BETWEEN %s AND %s"
DELETE_MARKS = "DELETE FROM import_deletions WHERE record_uuid IN {listed}"


@dataclass(slots=True)
class Undone:
    """How much was taken back; `is_whole` unless it was stopped before its end."""

    sessions: int = 0
    messages: int = 0
    changes: int = 0
    is_whole: bool = True


def undo(
    entry: Import, *, should_stop: Callable[[], bool] = lambda: False, using: str = "default"
) -> Undone:
    """Delete what an import made and set back what it changed, the last chunk first.

    Each chunk is one transaction, so that others can write in between.
    """
    undone = Undone()
    while chunk := entry.chunks.using(using).order_by("-id").first():
        if should_stop():
            undone.is_whole = False
            break
        with transaction.atomic(using):
            _undo_chunk(chunk, undone, using)
    return undone


def _undo_chunk(chunk: ImportChunk, undone: Undone, using: str) -> None:
    for step in reversed(chunk.steps):
        undone.changes += changes.set_again(step)
    own = (chunk.first_session or 0, chunk.last_session or 0)
    new = (chunk.first_message or 0, chunk.last_message or 0)
    messages = Message.objects.using(using).filter(id__range=new)
    sessions = Session.with_trash.using(using).filter(id__range=own)
    marks = list(sessions.values_list("session_uuid", flat=True))
    added = messages.exclude(session__in=sessions)
    marks += added.values_list("message_uuid", flat=True)
    undone.messages += messages.count()
    undone.sessions += sessions.count()
    with connections[using].cursor() as cursor:
        # Not through Django, which would fetch every row to delete each by itself.
        with bulk.changing(
            cursor, bulk.Selection(MADE_MESSAGES, new + own), bulk.Selection(MADE_SESSIONS, own)
        ):
            cursor.execute("DELETE FROM sessions WHERE id BETWEEN %s AND %s", own)
            cursor.execute("DELETE FROM messages WHERE id BETWEEN %s AND %s", new)
        # Undone is not deleted: the same import may be run again.
        cursor.execute(*databases.of(connections[using]).with_list(DELETE_MARKS, marks))
    for step in chunk.steps:
        if "made" in step:
            _unmake(step, using)
    chunk.delete(using=using)


def _unmake(step: changes.Step, using: str) -> None:
    """Delete a project or model that the import made, unless something refers to it now."""
    model = apps.get_model(step["made"])
    name = "project" if model is Project else "model"
    is_used = Session.with_trash.using(using).filter(**{name: step["pk"]}).exists() or (
        model is not Project and Message.objects.using(using).filter(model=step["pk"]).exists()
    )
    if not is_used:
        model.objects.using(using).filter(pk=step["pk"]).delete()
