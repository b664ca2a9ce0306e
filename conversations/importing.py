"""Taking conversations in, from a page or a command: one import from its start to its undoing."""

from __future__ import annotations

import gc
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from . import importers, locks, storing
from .errors import InvalidValue
from .importers import Found
from .importers.reading.files import MemoryFile, SourceFile
from .models import Import, ImportStatus, RejectedRecord
from .storing import Cancelled, ImportReport, Journal, undoing
from .writing import new_id

NOTHING_FOUND = "No session was found in what was given."
STOPPED = "It was stopped before its end; what it had stored is there. Run it again to complete it."
NOBODY_DOES_IT = (
    "Nothing to try again: no record of an earlier import is waiting (they are kept when they"
    " cannot be read)."
)
STOP = threading.Event()  # set when this process is to end


class Interrupted(Exception):
    """This process is to end; the import goes on when the next one starts."""


class Watched(Journal):
    """A journal that also stops when the process is to end."""

    def note_progress(self, report: ImportReport) -> None:
        super().note_progress(report)
        if STOP.is_set():
            raise Interrupted


@dataclass(slots=True)
class Options:
    """How an import is to be done, besides what it reads."""

    project: str | None = None
    dry_run: bool = False
    with_deleted: bool = False  # bring back what was deleted here
    on_bytes: Callable[[int], None] | None = None
    on_total: Callable[[int], None] | None = None


def begin(
    names: Iterable[str],
    *,
    user: AbstractBaseUser | None = None,
    options: dict | None = None,
) -> Import:
    """Make the row of an import that has yet to run."""
    return Import.objects.create(
        import_uuid=new_id(), user=user, names=list(names), options=options or {}
    )


def run(
    paths: Iterable[Path | str | SourceFile], options: Options, *, entry: Import | None = None
) -> ImportReport:
    """Store the conversations at `paths` and return what was done.

    `entry` keeps the progress, what is needed to undo it, and what became of it; a dry run has
    none. An import that somebody cancels returns what it had done; any error is raised again.
    """
    journal = Watched(entry) if entry else None

    def on_bytes(count: int) -> None:
        if journal:
            journal.count_bytes(count)
        if options.on_bytes:
            options.on_bytes(count)

    def look() -> Found:
        found = importers.find(paths, on_bytes=on_bytes)
        if options.on_total:
            options.on_total(found.total_bytes)
        return found

    return _run(look, options, entry, journal)


def retry(options: Options, *, entry: Import) -> ImportReport:
    """Read again what earlier imports could not read, and forget what can be read now.

    Raises `InvalidValue` if there is nothing to try again.
    """
    waiting = list(RejectedRecord.objects.values_list("pk", "source", "place", "content"))
    if not waiting:
        raise InvalidValue(NOBODY_DOES_IT)
    found, names = Found(), {}
    for pk, source, place, content in waiting:
        names[pk] = f"{place} (kept)"
        file = MemoryFile(names[pk], zlib.decompress(content))
        found.files.setdefault(source, []).append(file)
    report = _run(lambda: found, options, entry, Watched(entry))
    if entry.status != ImportStatus.CANCELLED and not options.dry_run:
        _forget_what_was_read(names, report, entry)
    return report


def _forget_what_was_read(names: dict[int, str], report: ImportReport, entry: Import) -> None:
    """Delete the kept records, by the names they were read under, of which nothing was left out."""
    left_out = [item.place for item in (*report.failed_records, *report.skipped_records)]
    if len(left_out) < report.failed + report.skipped:
        return  # not all are listed, so nobody can tell
    anew = dict(RejectedRecord.objects.filter(of=entry).values_list("pk", "place"))
    read = [
        pk
        for pk, name in names.items()
        if pk not in anew
        # One that was kept anew in other words takes the place of the old one.
        and (
            any(place.startswith(name) for place in anew.values())
            or not any(place.startswith(name) for place in left_out)
        )
    ]
    RejectedRecord.objects.filter(pk__in=read).delete()


def _run(
    look: Callable[[], Found], options: Options, entry: Import | None, journal: Journal | None
) -> ImportReport:
    if entry is None:
        return _store(look(), options, None)
    with locks.held(f"import-{entry.import_uuid}"):
        _set(entry, status=ImportStatus.RUNNING, started_at=timezone.now(), error="")
        try:
            found = look()
            _set(entry, bytes_total=found.total_bytes)
            report = _store(found, options, journal)
        except Cancelled:
            report = ImportReport(**(Import.objects.get(pk=entry.pk).report or {}))
            _finish(entry, ImportStatus.CANCELLED, report)
            return report
        except (Interrupted, SystemExit):
            _set(entry, status=ImportStatus.WAITING)
            raise
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            _set(
                entry,
                status=ImportStatus.CANCELLED if stopped else ImportStatus.FAILED,
                error=STOPPED if stopped else str(error) or type(error).__name__,
                finished_at=timezone.now(),
            )
            raise
        status = ImportStatus.DONE if report.found else ImportStatus.FAILED
        _finish(entry, status, report, bytes_done=found.total_bytes)
        return report


def _store(found: Found, options: Options, journal: Journal | None) -> ImportReport:
    left_out = (("", item) for item in found.unrecognised)
    with _few_collections():
        return storing.store(
            chain(left_out, importers.read(found)),
            project=options.project,
            dry_run=options.dry_run,
            with_deleted=options.with_deleted,
            journal=journal,
        )


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage that refers to itself less often: records are none, and are very many.

    The search for it took a sixth of an import's time.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def cancel(entry: Import) -> None:
    """Ask an import to stop after the chunk that it is storing; what is stored stays."""
    Import.objects.filter(pk=entry.pk).update(is_cancel_asked=True)
    waiting = Import.objects.filter(pk=entry.pk, status=ImportStatus.WAITING)
    waiting.update(status=ImportStatus.CANCELLED, finished_at=timezone.now())


def ask_to_undo(entry: Import) -> None:
    """Mark an import as one to be taken back; raises `InvalidValue` if it cannot be."""
    settle()
    with transaction.atomic():
        fresh = Import.objects.get(pk=entry.pk)
        if not fresh.can_be_undone and fresh.status != ImportStatus.UNDOING:
            raise InvalidValue("This import has stored nothing that could be taken back.")
        _set(entry, status=ImportStatus.UNDOING)


def undo(entry: Import) -> undoing.Undone:
    """Take back all that an import stored, and return how much that was.

    The sessions and messages it made go for good, with what hangs on them now; values it changed
    are set back, unless they were changed again since. It may be stopped and goes on when it is
    called again. Raises `InvalidValue` if there is nothing to take back.
    """
    ask_to_undo(entry)
    with locks.held(f"import-{entry.import_uuid}"):
        undone = undoing.undo(entry, should_stop=STOP.is_set)
        if undone.is_whole:
            _set(entry, status=ImportStatus.UNDONE, finished_at=timezone.now())
    return undone


def settle() -> None:
    """Say of imports whose process has died that they were stopped."""
    for entry in Import.objects.filter(status=ImportStatus.RUNNING):
        if not upload_folder_of(entry) and locks.is_free(f"import-{entry.import_uuid}"):
            _set(entry, status=ImportStatus.FAILED, error=STOPPED, finished_at=timezone.now())


def upload_folder_of(entry: Import) -> Path | None:
    """Return where the files of an upload lie until they are stored, None if nowhere."""
    folder = locks.folder() / "uploads" / entry.import_uuid
    return folder if folder.is_dir() else None


def _finish(entry: Import, status: str, report: ImportReport, **columns: int) -> None:
    _set(
        entry,
        status=status,
        report=report.as_dict(),
        error="" if report.found or status == ImportStatus.CANCELLED else NOTHING_FOUND,
        finished_at=timezone.now(),
        **columns,
    )


def _set(entry: Import, **columns: object) -> None:
    for name, value in columns.items():
        setattr(entry, name, value)
    Import.objects.filter(pk=entry.pk).update(**columns)
