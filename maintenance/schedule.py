"""What is done regularly, each step when it is due; one entry for cron or systemd."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from conversations import locks
from conversations.errors import InvalidValue, SessionsError

from . import backups, checking, database, erasing, retention, runs, space
from .models import MaintenanceRun, RunKind, RunStatus

LOCK = "run-maintenance"


class Busy(SessionsError):
    """Another process is doing the scheduled maintenance already."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its name, how often it is due, and what does it, returning a sentence."""

    name: str
    every: timedelta
    run: Callable[[Path, str], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step: done, failed, not due, or (of a dry run) due."""

    name: str
    state: str
    said: str = ""


def _backup(folder: Path, using: str) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase = settings.BACKUP_PASSPHRASE or None
    name = backups.default_path(using).name + ".zst" + (".locked" if passphrase else "")
    copy = backups.backup(folder / name, compress=True, passphrase=passphrase, using=using)
    backups.prove(copy.path, passphrase=passphrase, using=using)
    gone = backups.rotate(folder, using=using)
    said = f"{copy.path.name}, {copy.size / 1e6:,.1f} MB, proven"
    return f"{said}; {len(gone)} older ones deleted" if gone else said


def _retention(folder: Path, using: str) -> str:
    done = retention.apply(using=using)
    return "; ".join(f"{one.rule.name}: {one.sessions:,} sessions" for one in done) or "nothing"


def _erasures(folder: Path, using: str) -> str:
    receipts = erasing.complete(using=using)
    if open_ := [receipt for receipt in receipts if not receipt.is_complete]:
        raise SessionsError(f"{len(open_)} are not complete: {open_[-1].steps[-1]}")
    return f"{len(receipts)} completed" if receipts else "nothing"


def _cleanup(folder: Path, using: str) -> str:
    return f"{database.cleanup(using=using):,} expired sign-ins deleted"


def _analyze(folder: Path, using: str) -> str:
    database.analyze(using=using)
    return "statistics renewed"


def _vacuum(folder: Path, using: str) -> str:
    return str(space.vacuum(using=using))


def _check(folder: Path, using: str) -> str:
    if found := checking.check(using=using):
        raise SessionsError(checking.in_words(found))
    return "sound"


DAY = timedelta(days=1)
# In this order: what is erased is in the backup of before, and not in the next.
STEPS = {
    step.name: step
    for step in (
        Step("backup", DAY, _backup),
        Step("retention", DAY, _retention),
        Step("erasures", timedelta(0), _erasures),
        Step("cleanup", DAY, _cleanup),
        Step("analyze", 7 * DAY, _analyze),
        Step("vacuum", 7 * DAY, _vacuum),
        Step("check", 7 * DAY, _check),
    )
}
EARLY = timedelta(hours=1)  # cron starts a little earlier one day than the other


def run(
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    is_all: bool = False,
    dry_run: bool = False,
    folder: Path | None = None,
    tell: Callable[[Outcome], None] = lambda outcome: None,
    using: str = "default",
) -> list[Outcome]:
    """Do the steps that are due, or `is_all`, and return what came of each.

    A step that fails leaves the others to be done. Raises `Busy` if another process is at it.
    """
    for name in (*only, *skip):
        if name not in STEPS:
            raise InvalidValue(f"There is no step {name!r:.50}; there are {', '.join(STEPS)}.")
    chosen = [step for step in STEPS.values() if step.name in (only or STEPS)]
    chosen = [step for step in chosen if step.name not in skip]
    folder = folder or Path(settings.DATA_DIR) / "backups"
    if dry_run:
        due = _done_last(using)
        return [
            Outcome(step.name, "due" if is_all or _is_due(step, due) else "not due")
            for step in chosen
        ]
    try:
        with locks.alone(LOCK):
            return _run(chosen, is_all, folder, tell, using)
    except locks.Taken as error:
        raise Busy("Scheduled maintenance is running already.") from error


def _run(chosen: list[Step], is_all: bool, folder: Path, tell, using: str) -> list[Outcome]:
    runs.settle(using)
    last = _done_last(using)
    found = []
    names = [step.name for step in chosen]
    with runs.recorded(RunKind.SCHEDULED, options={"steps": names}, using=using) as run:
        for place, step in enumerate(chosen):
            run.at(step.name, place, len(chosen))
            if not is_all and not _is_due(step, last):
                outcome = Outcome(step.name, "not due")
            else:
                outcome = _try(step, folder, using)
            tell(outcome)
            found.append(outcome)
        failed = [one for one in found if one.state == "failed"]
        done = [one.name for one in found if one.state == "done"]
        run.summary = f"Done: {', '.join(done) or 'nothing was due'}."
        if failed:
            run.summary += f" Failed: {', '.join(one.name for one in failed)}."
        run.report = {one.name: {"state": one.state, "said": one.said} for one in found}
    return found


def _try(step: Step, folder: Path, using: str) -> Outcome:
    try:
        return Outcome(step.name, "done", step.run(folder, using))
    except (SessionsError, DatabaseError, OSError) as error:
        return Outcome(step.name, "failed", str(error))
    except Exception as error:  # even one that nobody foresaw leaves the others to be done
        return Outcome(step.name, "failed", f"{type(error).__name__}: {error}")


def _done_last(using: str) -> dict[str, datetime]:
    """Return when each step was done last by the schedule."""
    last: dict[str, datetime] = {}
    rows = MaintenanceRun.objects.using(using).filter(
        kind=RunKind.SCHEDULED, status=RunStatus.DONE, started_at__gt=timezone.now() - 30 * DAY
    )
    for started, report in rows.order_by("started_at").values_list("started_at", "report"):
        for name, said in report.items():
            if said.get("state") == "done":
                last[name] = started
    return last


def _is_due(step: Step, last: dict[str, datetime]) -> bool:
    done = last.get(step.name)
    return done is None or timezone.now() - done >= step.every - EARLY
