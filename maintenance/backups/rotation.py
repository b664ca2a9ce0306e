"""Keeping enough backups, and no more: the newest, or some of each day, week and month."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import connections
from django.utils import timezone

from maintenance.models import Backup

NAME = r"{stem}_backup_(?P<time>\d{{8}}_\d{{6}})\.db(\.zst)?(\.age|\.locked)?"
Aged = tuple[datetime, Path]
PERIODS: dict[str, Callable[[datetime], object]] = {
    "daily": lambda time: time.date(),
    "weekly": lambda time: time.isocalendar()[:2],
    "monthly": lambda time: (time.year, time.month),
}


def keep_newest(
    count: int, folder: Path | None = None, *, dry_run: bool = False, using: str = "default"
) -> list[Path]:
    """Delete all but the newest backups with default names in a folder; return which."""
    found = _backups(folder, using)
    return _delete(found, [path for _, path in found[: max(count, 1)]], dry_run, using)


def rotate(
    folder: Path | None = None,
    *,
    daily: int = 7,
    weekly: int = 4,
    monthly: int = 12,
    dry_run: bool = False,
    using: str = "default",
) -> list[Path]:
    """Delete backups with default names but the newest of so many days, weeks and months.

    Returns which. The newest and the last proven one always stay.
    """
    found = _backups(folder, using)
    kept = [path for _, path in found[:1]]
    for name, count in (("daily", daily), ("weekly", weekly), ("monthly", monthly)):
        newest: dict[object, Path] = {}
        for time, path in found:
            newest.setdefault(PERIODS[name](time), path)
        kept += list(newest.values())[:count]
    return _delete(found, kept, dry_run, using)


def _backups(folder: Path | None, using: str) -> list[Aged]:
    """Return the backups of this database with default names in a folder, newest first."""
    database = Path(connections[using].settings_dict["NAME"])
    pattern = re.compile(NAME.format(stem=re.escape(database.stem)))
    found = []
    for path in (folder or database.parent).absolute().iterdir():
        matched = pattern.fullmatch(path.name)
        if matched and path.is_file() and not path.is_symlink():
            try:
                found.append((datetime.strptime(matched["time"], "%Y%m%d_%H%M%S"), path))
            except ValueError:
                continue  # no such day: not a name that was given here
    return sorted(found, reverse=True)


def _delete(found: list[Aged], kept: list[Path], dry_run: bool, using: str) -> list[Path]:
    rows = Backup.objects.using(using)
    proven = rows.filter(gone_at=None, proven_at__isnull=False).order_by("-proven_at", "-id")
    last = next((row.path for row in proven if Path(row.path).is_file()), None)
    gone = [path for _, path in found if path not in kept and str(path) != last]
    if not dry_run:
        for path in gone:
            path.unlink(missing_ok=True)
        rows.filter(path__in=[str(path) for path in gone]).update(gone_at=timezone.now())
    return gone
