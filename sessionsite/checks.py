"""System checks: what `manage.py check` says about this machine."""

from __future__ import annotations

import sqlite3

from django.core.checks import Tags, Warning, register

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
