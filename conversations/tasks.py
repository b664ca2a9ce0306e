"""What runs beside the pages, in the worker that `quickstart` starts (`manage.py worker`)."""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path

from django_tasks import task

from . import importing, locks
from .errors import InvalidValue
from .importers.reading.files import PlainFile
from .models import Import, ImportStatus, RepriceRun, RepriceStatus
from .pricing import repricing

RETRY = {"retry": True}  # the options of an import that reads again what could not be read
WORKER = "worker"  # the lock that a living worker holds
logger = logging.getLogger(__name__)


@task()
def run_import(import_uuid: str) -> None:
    """Store the uploaded files of an import, from the start or from where it was stopped."""
    entry = Import.objects.filter(import_uuid=import_uuid).first()
    if entry is None:
        return
    if not locks.is_free(f"import-{import_uuid}"):
        return  # another worker is at it
    folder = importing.upload_folder_of(entry)
    if entry.status not in (ImportStatus.WAITING, ImportStatus.RUNNING):
        _forget(folder)  # cancelled, or done by another worker
        return
    if entry.options == RETRY:
        with contextlib.suppress(InvalidValue):  # another was quicker, and left nothing
            importing.retry(importing.Options(), entry=entry)
        return
    files = sorted(folder.rglob("*"), key=lambda file: file.parts) if folder else []
    uploads = [PlainFile(f, f.stat().st_size, label=f.name) for f in files if f.is_file()]
    try:
        importing.run(uploads, importing.Options(**entry.options), entry=entry)
    except importing.Interrupted:
        return  # the files stay for the next worker
    except Exception:
        # What went wrong is on the page of the import; here it is for who looks after the server.
        logger.exception("Import %s failed", import_uuid)
    _forget(folder)


def _forget(folder: Path | None) -> None:
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


@task()
def undo_import(import_uuid: str) -> None:
    """Take an import back, from the end or from where it was stopped."""
    entry = Import.objects.filter(import_uuid=import_uuid).first()
    if entry is not None and entry.status == ImportStatus.UNDOING:
        importing.undo(entry)


@task()
def run_reprice(run_uuid: str) -> None:
    """Price messages anew, from the start or from where it was stopped."""
    entry = RepriceRun.objects.filter(run_uuid=run_uuid).first()
    can_run = (RepriceStatus.WAITING, RepriceStatus.RUNNING)
    if entry is None or entry.status not in can_run or repricing.is_being_done(entry):
        return
    try:
        repricing.run(entry, should_stop=importing.STOP.is_set)
    except Exception:
        # The page says that it was stopped; here is why, for who looks after the server.
        logger.exception("Pricing anew, run %s, failed", run_uuid)


@task()
def undo_reprice(run_uuid: str) -> None:
    """Take a run back that priced messages anew, from where it was stopped."""
    entry = RepriceRun.objects.filter(run_uuid=run_uuid).first()
    if entry is not None and entry.status == RepriceStatus.UNDOING:
        repricing.undo(entry, should_stop=importing.STOP.is_set)


def enqueue_unfinished() -> int:
    """Put in line again what a worker that has ended left behind; return how many jobs."""
    importing.settle()
    repricing.settle()
    count = 0
    for entry in Import.objects.filter(
        status__in=(ImportStatus.WAITING, ImportStatus.RUNNING, ImportStatus.UNDOING)
    ):
        if not locks.is_free(f"import-{entry.import_uuid}"):
            continue
        if entry.status == ImportStatus.UNDOING:
            undo_import.enqueue(entry.import_uuid)
        else:
            run_import.enqueue(entry.import_uuid)
        count += 1
    for run in RepriceRun.objects.filter(
        status__in=(RepriceStatus.WAITING, RepriceStatus.RUNNING, RepriceStatus.UNDOING)
    ):
        if repricing.is_being_done(run):
            continue
        (undo_reprice if run.status == RepriceStatus.UNDOING else run_reprice).enqueue(run.run_uuid)
        count += 1
    return count


def has_worker() -> bool:
    """Say whether a worker is alive on this machine."""
    return not locks.is_free(WORKER)
