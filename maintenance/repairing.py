"""Repair: making anew what can be made anew, and putting aside what cannot stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connections, transaction

from conversations import databases, schema
from conversations.errors import explained

from . import checking, copies, runs, space
from .checking import Finding, Kind
from .models import MaintenanceRun, RunKind
from .setting_aside import Aside, clear_references

REBUILT = {Kind.DEFINITION, Kind.REFERENCE, Kind.SEARCH, Kind.DERIVED}
SEARCH_TABLES = "SELECT name FROM sqlite_master WHERE name GLOB '*_fts' OR name GLOB '*_fts_*'"


@dataclass(frozen=True)
class Repaired:
    """What a repair found, what of it is left, what it put aside, and where the old file is."""

    found: list[Finding]
    left: list[Finding]
    copy: Path | None
    set_aside: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.found:
            return "Everything is sound; nothing had to be repaired."
        if not self.left:
            return f"All {len(self.found)} problems are repaired."
        return f"{len(self.left)} problems are left of {len(self.found)}."

    def as_dict(self) -> dict[str, Any]:
        return {
            "found": [finding.as_dict() for finding in self.found],
            "left": [finding.as_dict() for finding in self.left],
            "copy": self.copy and str(self.copy),
            "set_aside": self.set_aside,
            "failures": self.failures,
        }


def repair(
    *,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> Repaired:
    """Make anew what can be made anew, then check again; the file as it was is kept beside it.

    Rows that refer to nothing are moved into the table `set_aside`. Damage of the file itself is
    not repaired: `left` has it. Raises `SessionsError` if no copy can be kept.
    """
    with (
        explained(using),
        checking.recorded_if_possible(RunKind.REPAIR, user=user, entry=entry, using=using) as run,
    ):
        found = checking.findings(using=using, at=run.at)
        result = Repaired(found, found, None)
        if any(finding.can_be_mended for finding in found):
            run.at("Keeping a copy")
            copy = copies.keep("before-repair", using=using)
            aside, failures = _mend({finding.kind for finding in found}, run, using)
            with suppress(DatabaseError):  # what is not repaired may keep it from being listed
                copies.record(copy, using=using)
            left = checking.findings(using=using, at=run.at)
            result = Repaired(found, left, copy, aside, failures)
        run.summary, run.report = str(result), result.as_dict()
    return result


def _mend(
    kinds: set[Kind], run: runs.Recorder, using: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """Do what helps against these kinds; return what was put aside, and what failed."""
    aside: list[dict[str, Any]] = []
    failures: list[str] = []

    def attempt(step: str, work: Callable[[], Any]) -> bool:
        run.at(step)
        try:
            work()
        except (DatabaseError, sqlite3.DatabaseError) as error:
            if checking.PASSING.search(str(error)):
                raise  # nothing that another try would mend
            failures.append(f"{step}: {error}")
            return False
        return True

    if Kind.INDEX in kinds:
        attempt("Making indexes anew", lambda: _index(using))
    if Kind.SEQUENCE in kinds:
        attempt("Setting sequences right", lambda: _set_sequences(using))
    if kinds & REBUILT and not attempt(
        "Making anew what is derived", lambda: aside.extend(_rebuild(kinds, using))
    ):
        # A search index may be so broken that it cannot even be emptied.
        drop = attempt("Dropping the search indexes", lambda: _drop_search(using))
        if drop and attempt("Making all anew", lambda: aside.extend(_rebuild(kinds, using))):
            del failures[:]
    if Kind.PAGES in kinds:
        attempt("Writing the file anew", lambda: space.write_anew(using))
    return aside, failures


def _rebuild(kinds: set[Kind], using: str) -> list[dict[str, Any]]:
    """In one transaction: put references right, put up definitions, make anew what is derived."""
    connection = connections[using]
    kept = kept_apps()
    put_aside: list[dict[str, Any]] = []
    with without_foreign_keys(using), transaction.atomic(using), connection.cursor() as cursor:
        # Without the triggers, which would delete or write what hangs on a row.
        for app in reversed(kept):
            schema.take_down(app, connection)
        if Kind.REFERENCE in kinds:
            aside = Aside(connection.connection)
            clear_references(aside)
            put_aside = aside.report()
        cursor.execute("DROP TABLE IF EXISTS bulk_load")
        put_up_again(kept, cursor)
    return put_aside


def kept_apps() -> list[schema.KeptApp]:
    """Return the apps that keep triggers, views and derived tables, the lowest first."""
    return [app for app in apps.get_app_configs() if isinstance(app, schema.KeptApp)]


def put_up_again(kept: list[schema.KeptApp], cursor) -> None:
    """Put up what was taken down, with all that is derived made anew; in a transaction."""
    # Counted while there are no triggers yet, which would each time write the roll-ups.
    databases.of(cursor.db).recount(cursor)
    for app in kept:
        schema.put_up(app, cursor.db)
    for app in kept:
        app.rebuild(cursor)
    # Wakes the trigger that completes jobs whose items are all done.
    cursor.execute("UPDATE batch_jobs SET status = status WHERE status = 'running'")


@contextmanager
def without_foreign_keys(using: str) -> Iterator[None]:
    """Switch foreign keys off around a transaction of its own; inside one that has no effect."""
    was_on = connections[using].disable_constraint_checking()
    try:
        yield
    finally:
        if was_on:
            connections[using].enable_constraint_checking()


def _drop_search(using: str) -> None:
    """Drop search indexes that cannot be opened any more, with all that they consist of."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(SEARCH_TABLES)
        names = sorted((name for [name] in cursor.fetchall()), key=len)
        left = []
        for name in names:
            try:
                cursor.execute(f'DROP TABLE IF EXISTS "{name}"')
            except DatabaseError:
                left.append(name)
        if left:
            # It refuses to be dropped, since it cannot be opened: only its name is taken away.
            cursor.execute("PRAGMA writable_schema = ON")
            for name in left:
                cursor.execute("DELETE FROM sqlite_master WHERE name = %s AND rootpage = 0", [name])
            cursor.execute("PRAGMA writable_schema = RESET")
    connection.close()  # with what it remembers of the old schema
    with connection.cursor() as cursor:
        cursor.execute(SEARCH_TABLES)
        for [name] in cursor.fetchall():
            cursor.execute(f'DROP TABLE IF EXISTS "{name}"')


def _index(using: str) -> None:
    connection = connections[using]
    editor = connection.SchemaEditorClass(connection)
    with connection.cursor() as cursor:
        for model, index in checking.missing_indexes(using):
            cursor.execute(str(index.create_sql(model, editor)))
        cursor.execute("REINDEX")


def _set_sequences(using: str) -> None:
    with transaction.atomic(using), connections[using].cursor() as cursor:
        for table in checking.low_sequences(using):
            cursor.execute(
                f'UPDATE sqlite_sequence SET seq = (SELECT MAX(rowid) FROM "{table}")'
                " WHERE name = %s",
                [table],
            )


def aside_in_words(entries: list[dict[str, Any]]) -> list[str]:
    """Return a line for each reason for which rows or values were put aside."""
    return [_line(entry) for entry in entries]


def _line(entry: dict[str, Any]) -> str:
    count, column = entry["count"], entry["column"]
    things = ("row" if column is None else "value") + ("" if count == 1 else "s")
    place = entry["table"] if column is None else f"{entry['table']}.{column}"
    return f"{count:,} {things} of {place}: {entry['reason']}"
