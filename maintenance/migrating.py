"""Bringing a database up to this version, whatever it is; as it was it is kept beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from conversations.databases import files
from conversations.errors import DatabaseTrouble, SessionsError, explained

from . import adopting, backups, copies


@dataclass(frozen=True)
class Migrated:
    """What a database was before, and where that is kept."""

    was: str  # current, older, or original: of the system this grew out of
    kept: Path | None = None
    adoption: adopting.Adopted | None = None
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "was": self.was,
            "dry_run": self.dry_run,
            "kept": self.kept and str(self.kept),
            "adoption": self.adoption and self.adoption.as_dict(),
        }


def migrate(
    *,
    dry_run: bool = False,
    verbosity: int = 0,
    using: str = "default",
    on_step: Callable[[str], None] = lambda step: None,
) -> Migrated:
    """Bring the file of `using` up to this version; triggers and views are put up in any case.

    Raises `DatabaseTrouble`, having changed nothing, if it is another program's or of a later
    version.
    """
    path = Path(connections[using].settings_dict["NAME"])
    with explained(using):
        if not path.exists():
            raise DatabaseTrouble(f"There is no {path} to migrate; `init` makes one.")
        if files.is_original(path):
            report = adopting.adopt(dry_run=dry_run, using=using, on_step=on_step)
            return Migrated("original", report.copy and Path(report.copy), report, dry_run)
        is_older = files.is_older(using)
        if not is_older and (reason := files.pending(using)):
            raise DatabaseTrouble(reason)
        if dry_run:
            return Migrated("older" if is_older else "current", dry_run=True)
        kept, manifest = None, {}
        if is_older:
            on_step("Keeping a copy")
            kept, manifest = _keep(path, using)
        call_command("migrate", database=using, interactive=False, verbosity=verbosity)
        if kept:
            copies.record(kept, manifest=manifest, using=using)
        return Migrated("older" if is_older else "current", kept)


def _keep(path: Path, using: str) -> tuple[Path, dict[str, Any]]:
    """Make a backup of an older database, or, if it is not sound, a copy page by page."""
    aside = copies.free_name(path, "before-migrate")
    try:
        copy = backups.backup(aside, is_recorded=False, using=using)
    except SessionsError:
        return copies.keep("before-migrate", using=using), {}
    return copy.path, copy.manifest.as_dict()
