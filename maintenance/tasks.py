"""What the maintenance pages start, done in the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django_tasks import task

from conversations.errors import SessionsError

from . import backups, checking, database, erasing, receipts, restoring, retention, runs, space
from .models import MaintenanceRun, RunKind, RunStatus

logger = logging.getLogger(__name__)


def folder() -> Path:
    """Return where backups lie that nobody gave a name."""
    return Path(settings.DATA_DIR) / "backups"


def _backup(entry: MaintenanceRun) -> None:
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase = settings.BACKUP_PASSPHRASE or None
    name = backups.default_path().name + ".zst" + (".locked" if passphrase else "")
    given = {"compress": True, "passphrase": passphrase, "user": entry.user, "entry": entry}
    backups.backup(folder() / name, **given)


def _prove(entry: MaintenanceRun) -> None:
    passphrase = settings.BACKUP_PASSPHRASE or None
    file = Path(entry.options["file"])
    backups.prove(file, passphrase=passphrase, user=entry.user, entry=entry)


def _restore(entry: MaintenanceRun) -> None:
    passphrase = settings.BACKUP_PASSPHRASE or None
    file = Path(entry.options["file"])
    restoring.restore(file, passphrase=passphrase, user=entry.user, entry=entry)


def _analyze(entry: MaintenanceRun) -> None:
    database.analyze(user=entry.user, entry=entry)


def _erasure(entry: MaintenanceRun) -> None:
    is_rows_only = entry.options.get("is_rows_only")
    (erasing.resume if is_rows_only else erasing.complete)(user=entry.user, entry=entry)


JOBS: dict[str, Callable[[MaintenanceRun], object]] = {
    RunKind.BACKUP: _backup,
    RunKind.PROOF: _prove,
    RunKind.RESTORE: _restore,
    RunKind.ANALYZE: _analyze,
    RunKind.VACUUM: lambda entry: space.vacuum(user=entry.user, entry=entry),
    RunKind.CHECK: lambda entry: checking.check(user=entry.user, entry=entry),
    RunKind.RETENTION: lambda entry: retention.apply(user=entry.user, entry=entry),
    RunKind.ERASURE: _erasure,
}


@task()
def do_run(run_uuid: str) -> None:
    """Do a run that waits; what goes wrong stands in its row."""
    entry = MaintenanceRun.objects.select_related("user").filter(run_uuid=run_uuid).first()
    if entry is None or entry.status != RunStatus.WAITING or entry.kind not in JOBS:
        return
    try:
        JOBS[RunKind(entry.kind)](entry)
    except SessionsError:
        pass  # the run's page says it
    except Exception:
        logger.exception("Maintenance run %s failed", run_uuid)


def enqueue_waiting() -> int:
    """Put in line again what a worker that has ended left behind; return how many runs."""
    runs.settle()
    busy = MaintenanceRun.objects.filter(
        kind=RunKind.ERASURE, status__in=(RunStatus.WAITING, RunStatus.RUNNING)
    )
    if receipts.going_on() and not busy.exists():  # killed in the midst of deleting
        runs.begin(RunKind.ERASURE, options={"is_rows_only": True})
    waiting = MaintenanceRun.objects.filter(status=RunStatus.WAITING, kind__in=JOBS)
    uuids = list(waiting.order_by("id").values_list("run_uuid", flat=True))
    for uuid in uuids:
        do_run.enqueue(uuid)
    return len(uuids)
