"""Whether the program can do its work: what `/readyz` tells."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from conversations import databases, schema

LEAST_FREE_BYTES = 100 * 1024 * 1024


def problems() -> dict[str, str]:
    """Return what keeps the program from working, by the name of the check."""
    checks = {
        "database": _database,
        "migrations": _migrations,
        "schema": _schema,
        "disk": _disk,
    }
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            problem = check()
        except DatabaseError as error:
            path = str(connection.settings_dict["NAME"])
            problem = databases.of(connection).explain(error, path) or str(error)
        if problem:
            found[name] = problem
        if "database" in found:
            break  # the others would say the same
    return found


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"not applied: {', '.join(str(step) for step, _ in waiting)}" if waiting else ""


def _schema() -> str:
    lacking = schema.missing(connection)
    return f"the database lacks: {', '.join(lacking)}" if lacking else ""


def _disk() -> str:
    folder = Path(connection.settings_dict["NAME"]).parent
    free = shutil.disk_usage(folder).free
    if free >= LEAST_FREE_BYTES:
        return ""
    return f"{free // 1024**2} MB free in {folder}; {LEAST_FREE_BYTES // 1024**2} MB are needed"
