"""What people do with many sessions at once. Each verb is one transaction and can be taken back."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from . import changes, values, writing
from .errors import InvalidValue
from .models import Change, Project, Session
from .models.choices import SessionStatus
from .models.sessions import SessionQuerySet

LONGEST_TAG = 100
MOST_TAGS = 50

DONE = {
    SessionStatus.ACTIVE: "reopened",
    SessionStatus.COMPLETED: "completed",
    SessionStatus.ARCHIVED: "archived",
    SessionStatus.FAILED: "marked as failed",
}


def counted(count: int, thing: str = "session") -> str:
    """Return `1 session`, `1,200 sessions`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def set_status(sessions: SessionQuerySet, status: str, *, user: AbstractBaseUser) -> Change:
    """Give sessions a status; those that are completed also get the time, if they have none."""
    values.choice("status", status, SessionStatus)
    with transaction.atomic():
        steps = []
        if status == SessionStatus.COMPLETED:
            unfinished = sessions.filter(completed_at=None)
            steps += changes.set_columns(unfinished, completed_at=timezone.now())
        steps += changes.set_columns(sessions, status=status)
        return changes.keep(f"{counted(_touched(steps))} {DONE[status]}", steps, user=user)


def move(sessions: SessionQuerySet, project: Project | None, *, user: AbstractBaseUser) -> Change:
    """File sessions under a project, or under none."""
    with transaction.atomic():
        steps = changes.set_columns(sessions, project_id=project and project.pk)
        where = f"moved to {project.name}" if project else "taken out of their project"
        return changes.keep(f"{counted(_touched(steps))} {where}", steps, user=user)


def tag(sessions: SessionQuerySet, name: str, *, user: AbstractBaseUser) -> Change:
    """Give sessions a tag; those that have it keep it once."""
    name = tag_name(name)
    with transaction.atomic():
        lacking = [
            (pk, tags, [*tags, name])
            for pk, tags in sessions.order_by().values_list("pk", "tags").iterator(1000)
            if isinstance(tags, list) and name not in tags and len(tags) < MOST_TAGS
        ]
        steps = changes.set_each(Session, "tags", lacking, using=sessions.db)
        return changes.keep(f"{counted(len(lacking))} tagged {name}", steps, user=user)


def untag(sessions: SessionQuerySet, name: str, *, user: AbstractBaseUser) -> Change:
    """Take a tag off sessions."""
    name = tag_name(name)
    with transaction.atomic():
        having = [
            (pk, tags, [other for other in tags if other != name])
            for pk, tags in sessions.order_by().values_list("pk", "tags").iterator(1000)
            if isinstance(tags, list) and name in tags
        ]
        steps = changes.set_each(Session, "tags", having, using=sessions.db)
        return changes.keep(f"Tag {name} taken off {counted(len(having))}", steps, user=user)


def tag_name(text: str) -> str:
    """Return `text` as a tag: one line without commas, which separate tags. Raises InvalidValue."""
    name = " ".join(values.text("tag", text).replace(",", " ").split())
    if not name:
        raise InvalidValue("Give a tag.")
    return values.text("tag", name, longest=LONGEST_TAG)


def trash(sessions: SessionQuerySet, *, user: AbstractBaseUser) -> Change:
    """Move sessions to the trash: they leave lists, search and figures, and can come back."""
    with transaction.atomic():
        steps = changes.set_columns(sessions, deleted_at=timezone.now())
        return changes.keep(f"{counted(_touched(steps))} moved to the trash", steps, user=user)


def restore(sessions: SessionQuerySet, *, user: AbstractBaseUser) -> Change:
    """Bring sessions back from the trash."""
    with transaction.atomic():
        steps = changes.set_columns(sessions, deleted_at=None)
        return changes.keep(f"{counted(_touched(steps))} brought back", steps, user=user)


def in_trash() -> SessionQuerySet:
    """Return the trashed sessions, without those that are being deleted for good."""
    sessions = Session.with_trash.trashed()
    for eraser in writing.erasers:
        sessions = sessions.exclude(session_uuid__in=eraser.going())
    return sessions


def being_deleted() -> int:
    """Return how many trashed sessions the worker is yet to delete for good."""
    trashed = Session.with_trash.trashed()
    return sum(
        trashed.filter(session_uuid__in=eraser.going()).count() for eraser in writing.erasers
    )


def purge(
    sessions: SessionQuerySet, *, may_wait: bool = False, user: AbstractBaseUser | None = None
) -> tuple[int, bool]:
    """Delete trashed sessions for good, with all that hangs on them.

    Return how many, and whether they are gone: if they `may_wait`, many are left to the worker.
    """
    ids = list(sessions.trashed().values_list("pk", flat=True))
    return len(ids), writing.erase(ids, may_wait=may_wait, user=user, using=sessions.db)


def _touched(steps: list[changes.Step]) -> int:
    return len({pk for step in steps for _, pks in step["was"] for pk in pks})
