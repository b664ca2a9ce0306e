"""Recording what is done to the file: who did it, how far it is, what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.utils import timezone

from conversations import locks
from conversations.errors import SessionsError
from conversations.writing import new_id

from .models import MaintenanceRun, RunKind, RunStatus

PROGRESS_SECONDS = 0.5  # between two writes of how far a run is


class Recorder:
    """What a run says of itself while it is at work."""

    def __init__(self, entry: MaintenanceRun) -> None:
        self.entry = entry
        self.using: str = entry._state.db or "default"
        self.summary = ""
        self.report: dict[str, Any] = {}
        self._told = 0.0

    @property
    def is_kept(self) -> bool:
        """Whether the database has the run, and can have more of it."""
        return self.entry.pk is not None

    def at(self, step: str, done: int = 0, total: int = 0) -> None:
        """Say what the run is at; writes at most twice a second, and a new step at once."""
        now = time.monotonic()
        if not self.is_kept:
            return
        if step == self.entry.step and now - self._told < PROGRESS_SECONDS:
            return
        self._told = now
        self.entry.step, self.entry.done, self.entry.total = step[:200], done, total
        with suppress(DatabaseError):  # others keep the lock: the work itself goes on
            self.entry.save(update_fields=["step", "done", "total"])


def begin(
    kind: RunKind,
    *,
    user: AbstractBaseUser | None = None,
    options: dict[str, Any] | None = None,
    using: str = "default",
) -> MaintenanceRun:
    """Make the row of a run that waits for the worker."""
    runs = MaintenanceRun.objects.using(using)
    return runs.create(run_uuid=new_id(), kind=kind, user=user, options=options or {})


@contextmanager
def recorded(
    kind: RunKind,
    *,
    user: AbstractBaseUser | None = None,
    options: dict[str, Any] | None = None,
    entry: MaintenanceRun | None = None,
    is_recorded: bool = True,
    using: str = "default",
) -> Iterator[Recorder]:
    """Record what the block does as a run, `entry` or a new one; what it raises goes on.

    The block sets `summary` and `report`. A run whose process ends without a word is told apart
    by the lock that it held. Where the database cannot hold a run, of an older version or on a
    full disk, the block runs all the same.
    """
    if entry is None and is_recorded:
        with suppress(DatabaseError):
            entry = begin(kind, user=user, options=options, using=using)
    if entry is None:
        yield Recorder(MaintenanceRun(kind=kind, options=options or {}))
        return
    recorder = Recorder(entry)
    with locks.held(_lock(entry)):
        entry.status, entry.started_at = RunStatus.RUNNING, timezone.now()
        entry.save(update_fields=["status", "started_at"])
        try:
            yield recorder
        except BaseException as error:
            failed = isinstance(error, Exception)
            _end(recorder, RunStatus.FAILED if failed else RunStatus.STOPPED, _words(error))
            raise
        _end(recorder, RunStatus.DONE, "")


def is_dead(entry: MaintenanceRun) -> bool:
    """Say whether the process that was doing a run is gone."""
    return locks.is_free(_lock(entry))


def settle(using: str = "default") -> int:
    """Mark runs as stopped whose process is gone; return how many."""
    count = 0
    for entry in MaintenanceRun.objects.using(using).filter(status=RunStatus.RUNNING):
        if is_dead(entry):
            entry.status, entry.finished_at = RunStatus.STOPPED, timezone.now()
            entry.error = "The process ended in the midst of it."
            entry.save(update_fields=["status", "finished_at", "error"])
            count += 1
    return count


def _end(recorder: Recorder, status: RunStatus, error: str) -> None:
    entry = recorder.entry
    entry.status, entry.error, entry.finished_at = status, error, timezone.now()
    entry.summary, entry.report = recorder.summary, recorder.report
    values = {
        name: getattr(entry, name)
        for name in (
            "kind", "status", "user_id", "options", "step", "done", "total", "summary", "report",
            "error", "made_at", "started_at", "finished_at",
        )
    }  # fmt: skip
    runs = MaintenanceRun.objects.using(entry._state.db)
    for is_last in (False, False, True):  # others may keep the lock for longer than one waits
        try:
            # By its id, not by `save`: what was restored meanwhile may not have this row.
            runs.update_or_create(run_uuid=entry.run_uuid, defaults=values)
            return
        except DatabaseError as trouble:
            if error:
                return  # what had failed already says why; this would hide it
            if is_last or "locked" not in str(trouble):
                raise


def _words(error: BaseException) -> str:
    if isinstance(error, SessionsError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _lock(entry: MaintenanceRun) -> str:
    return f"maintenance-{entry.run_uuid}"
