"""System checks: what `manage.py check` says about this machine."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.db import DatabaseError
from django.utils import timezone

from conversations.models import Message
from maintenance import backups

# https://sqlite.org/wal.html, "The WAL-Reset Bug": two connections that write and checkpoint at
# the same instant may, rarely, lose a commit or damage the file.
FIRST_AFFECTED = (3, 7, 0)
FIXED = (3, 51, 3)
BACKPORTS = {(3, 50): 7, (3, 44): 6}


def has_wal_reset_defect(version: tuple[int, int, int]) -> bool:
    """Say whether this version of SQLite has the defect."""
    backport = BACKPORTS.get(version[:2])
    if backport is not None and version[2] >= backport:
        return False
    return FIRST_AFFECTED <= version < FIXED


def wal_reset_warning(version: tuple[int, int, int]) -> str | None:
    """Return what is wrong with this version of SQLite, or None."""
    if not has_wal_reset_defect(version):
        return None
    return (
        f"SQLite {'.'.join(map(str, version))} has the WAL-reset defect: two programs writing at"
        " the same instant may, very rarely, damage the database."
    )


WAY_OUT = (
    "Install a newer SQLite for this program alone:"
    " .venv/bin/pip install -r requirements-sqlite.txt (Linux x86-64, macOS arm64, Windows),"
    " or use a Python with SQLite 3.51.3 or newer."
)


@register(Tags.database)
def check_sqlite(databases, **_):
    """Warn of a SQLite that can damage a database in WAL mode, and name the way out."""
    text = wal_reset_warning(sqlite3.sqlite_version_info)
    return [Warning(text, hint=WAY_OUT, id="sessionsite.W001")] if text and databases else []


def backup_warning(using: str = "default") -> str | None:
    """Return that there is no proven backup, or none of late, or None.

    A history that is younger than a backup may be old needs none yet.
    """
    days = settings.BACKUP_MAX_AGE_DAYS
    if not days:
        return None
    since = timezone.now() - timedelta(days=days)
    try:
        is_old = Message.objects.using(using).filter(timestamp__lt=since).exists()
        last = backups.last_proven(using)
    except DatabaseError:
        return None  # there are no tables yet
    if not is_old or (last and last.proven_at >= since):
        return None
    if last is None:
        return "No backup of this history was ever proven to be one that can be restored."
    return f"The last proven backup is of {last.made_at:%Y-%m-%d}, more than {days} days ago."


@register(Tags.database)
def check_backups(databases, **_):
    """Warn when the last proven backup is old."""
    text = backup_warning() if databases and "default" in databases else None
    hint = "Make one: manage.py backup --verify, or daily by manage.py run_maintenance."
    return [Warning(text, hint=hint, id="sessionsite.W002")] if text else []
