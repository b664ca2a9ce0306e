"""An adoption from its beginning to the swap, and what it reports."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections, transaction

from conversations import databases, locks, schema
from conversations.databases import files
from conversations.errors import DatabaseTrouble, SessionsError, explained
from maintenance import checking, copies, database, repairing, runs, swapping
from maintenance.models import RunKind
from maintenance.setting_aside import Aside, clear_references, lossless

from . import copying, others

VERSION = 1  # of the original system's schema, the only one that there has been
VERSION_TABLES = ("schema_version", "schema_versions", "schema_info", "db_version")
TIMES_DISK = 4  # the copy, the new file, its WAL, and the WAL of the swap
CORRECTED = """
    SELECT session.session_uuid,
           counted.messages - session.total_messages,
           counted.input_tokens - session.total_input_tokens,
           counted.output_tokens - session.total_output_tokens,
           counted.cost_nanos / 1e9 - session.total_cost
    FROM sessions AS session JOIN ({counted}) AS counted ON counted.id = session.id
    WHERE (total_messages, total_input_tokens, total_output_tokens)
            IS NOT (counted.messages, counted.input_tokens, counted.output_tokens)
        OR ABS(counted.cost_nanos / 1e9 - session.total_cost) > 1e-6
    ORDER BY session.id
"""
EXAMPLES = 20


@dataclass
class Totals:
    """By how much the totals of sessions were wrong, added up, and the first of them."""

    sessions: int = 0
    corrected: int = 0
    messages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    examples: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Adopted:
    """All that an adoption did. Every row of the old database is in one of the counts."""

    file: str
    copy: str | None  # of the database as it was
    dry_run: bool = False
    damage: list[str] = field(default_factory=list)  # of the old file
    tables: dict[str, copying.Copied] = field(default_factory=dict)
    set_aside: list[dict[str, Any]] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    jobs_corrected: int = 0
    other_tables: dict[str, others.Kept] = field(default_factory=dict)
    left_out: list[others.LeftOut] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # what is wrong with those other tables

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        return asdict(self)

    def __str__(self) -> str:
        rows = sum(copied.rows for copied in self.tables.values())
        kept = sum(copied.kept for copied in self.tables.values())
        return (
            f"{kept:,} of {rows:,} rows kept, {rows - kept:,} set aside,"
            f" totals of {self.totals.corrected:,} sessions corrected"
        )


def adopt(
    *,
    dry_run: bool = False,
    empty: Path | None = None,
    using: str = "default",
    on_step: Callable[[str], None] = lambda step: None,
) -> Adopted:
    """Make the file of `using`, of the original system, a database of this version.

    Raises `SessionsError` with the reason, having changed nothing, if it is another program's or
    a later version's, if its pages are damaged, if the disk is too small, or if another program
    writes to it meanwhile. `dry_run` does all of it but the swap, and keeps no file. `empty` is a
    database of this version without content; without it one is made, which takes seconds.
    """
    path = Path(connections[using].settings_dict["NAME"]).resolve()
    connections[using].close()
    with (
        locks.alone(f"adopting-{path.name}"),
        explained(using),
        closing(sqlite3.connect(path, isolation_level=None)) as original,
    ):
        original.text_factory = lossless
        _refuse_unknown(path, original)
        _remove_leftovers(path)
        if not dry_run:
            original.execute("PRAGMA journal_mode = WAL")  # readers need not wait for the swap
        [[version]] = original.execute("PRAGMA data_version")
        on_step("Keeping a copy")
        copy = copies.write(original, path, "before-adoption")
        report = Adopted(str(path), None if dry_run else str(copy), dry_run, _damage(original))
        try:
            with _new_file(path, original, empty) as alias:
                with runs.recorded(RunKind.ADOPTION, using=alias) as run:
                    _fill(alias, copy, report, run, on_step)
                    copies.record(copy, using=alias)
                    run.summary, run.report = str(report), report.as_dict()
                draft = Path(connections[alias].settings_dict["NAME"])
                connections[alias].close()
                if not dry_run:
                    on_step("Swapping")

                    def refuse_changed(_) -> None:
                        if original.execute("PRAGMA data_version").fetchone() != (version,):
                            raise SessionsError(
                                f"{path} was written to by another program meanwhile. Nothing was"
                                " changed; stop that program and try again."
                            )

                    swapping.exchange(draft, using=using, once_locked=refuse_changed)
        except BaseException:
            if files.is_original(path):
                copy.unlink()  # of what is still there
            raise
        if dry_run:
            copy.unlink()
    return report


def _refuse_unknown(path: Path, original: sqlite3.Connection) -> None:
    if not files.is_original(path):
        raise DatabaseTrouble(
            f"{path} is not a database of the original system: it lacks its tables sessions and"
            " messages, or columns of theirs. It is left as it is."
        )
    for where, found in _versions(original):
        if found > VERSION:
            raise DatabaseTrouble(
                f"{path} says in {where} that it is of version {found:g}; the original system had"
                f" version {VERSION} alone. It is left as it is."
            )
    left = shutil.disk_usage(path.parent).free
    needed = TIMES_DISK * path.stat().st_size
    if left < needed:
        raise SessionsError(
            f"Adopting {path} needs {needed:,} bytes of free disk for a while; {left:,} are free."
            " Nothing was changed."
        )


def _versions(original: sqlite3.Connection) -> Iterator[tuple[str, float]]:
    yield "PRAGMA user_version", original.execute("PRAGMA user_version").fetchone()[0]
    for table in VERSION_TABLES:
        if "version" in {row[1] for row in original.execute(f"PRAGMA table_info({table})")}:
            asked = f"SELECT MAX(CAST(version AS REAL)) FROM {table}"
            yield f"the table {table}", original.execute(asked).fetchone()[0] or 0


def _damage(original: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the old file and its search index."""
    found = [text for [text] in original.execute("PRAGMA integrity_check(20)") if text != "ok"]
    if original.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages_fts'").fetchone():
        try:
            original.execute("BEGIN IMMEDIATE")
            original.execute("INSERT INTO messages_fts (messages_fts) VALUES ('integrity-check')")
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise
            found.append(f"search index messages_fts: {error}")
        finally:
            if original.in_transaction:
                original.execute("ROLLBACK")
    return found


def _remove_leftovers(path: Path) -> None:
    """Remove what an adoption left that was killed; the lock says that none is at work."""
    for leftover in path.parent.glob(f".{path.name}.*.adopting*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def _new_file(path: Path, original: sqlite3.Connection, empty: Path | None) -> Iterator[str]:
    """Make an empty database of this version beside the old one, for as long as it is needed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.adopting")
    [[page_size]] = original.execute("PRAGMA page_size")
    alias = None
    try:
        draft.touch(mode=0o600)
        if empty:
            draft.write_bytes(empty.read_bytes())
        with closing(sqlite3.connect(draft, isolation_level=None)) as fresh:
            # As that of the old file, which cannot be changed while others have it open.
            fresh.execute("PRAGMA journal_mode = DELETE")
            fresh.execute(f"PRAGMA page_size = {page_size:d}")
            fresh.execute("VACUUM")
            fresh.execute("PRAGMA journal_mode = WAL")
        alias = files.connect(draft)
        call_command("migrate", database=alias, verbosity=0, interactive=False, skip_checks=True)
        yield alias
    finally:
        if alias:
            connections[alias].close()
            del connections.databases[alias]
        for side in ("", *swapping.SIDES):
            Path(f"{draft}{side}").unlink(missing_ok=True)


def _fill(
    alias: str,
    copy: Path,
    report: Adopted,
    run: runs.Recorder,
    on_step: Callable[[str], None],
) -> None:
    """Copy everything from `copy` into the new file, and make sure that it is sound."""
    connection = connections[alias]
    connection.ensure_connection()
    kept = repairing.kept_apps()
    connection.connection.execute("ATTACH ? AS original", [str(copy)])
    on_step("Copying")
    with repairing.without_foreign_keys(alias), transaction.atomic(alias):
        for app in reversed(kept):
            schema.take_down(app, connection)
        aside = Aside(connection.connection)
        with closing(sqlite3.connect(copy, isolation_level=None)) as source:
            source.text_factory = lossless
            for table in copying.TABLES:
                try:
                    report.tables[table] = copying.copy(table, source, aside)
                except sqlite3.DatabaseError as error:
                    raise DatabaseTrouble(
                        f"The table {table} cannot be read to its end: {error}. Nothing was"
                        " changed. Recover what can be read first:"
                        f" sqlite3 {report.file} .recover | sqlite3 recovered.db"
                    ) from error
            report.other_tables, report.left_out = others.copy(source, connection)
        clear_references(aside, leave=[entry.name for entry in report.other_tables.values()])
        for table, copied in report.tables.items():
            copied.set_aside = aside.rows(table)
            copied.kept = copied.rows - copied.set_aside
        report.set_aside = aside.report()
        with connection.cursor() as cursor:
            on_step("Adding up totals, making the search indexes and roll-ups")
            report.totals = _corrected(cursor)
            cursor.execute(databases.of(connection).WRONG_ITEMS)
            [report.jobs_corrected] = cursor.fetchone()
            repairing.put_up_again(kept, cursor)
            _count_again(cursor, report)
    connection.connection.execute("DETACH original")
    database.renew_statistics(using=alias)
    on_step("Checking")
    theirs = tuple(f"{entry.name} row" for entry in report.other_tables.values())
    for finding in checking.findings(using=alias, at=run.at):
        if not (theirs and str(finding).startswith(theirs)):
            raise SessionsError(
                f"{report.file} was not adopted, since the new file would not be sound: {finding}."
                " Nothing was changed."
            )
        report.left.append(str(finding))


def _corrected(cursor) -> Totals:
    """Return by how much the totals, as they were copied, are wrong."""
    cursor.execute("SELECT COUNT(*) FROM sessions")
    totals = Totals(sessions=cursor.fetchone()[0])
    cursor.execute(CORRECTED.format(counted=databases.of(cursor.db).COUNTED))
    for session, messages, input_tokens, output_tokens, cost in cursor.fetchall():
        wrong = {
            "messages": messages,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cost": round(cost, 9),
        }
        totals.corrected += 1
        for name, by in wrong.items():
            setattr(totals, name, getattr(totals, name) + by)
        if len(totals.examples) < EXAMPLES:
            totals.examples.append({"session_uuid": session, **wrong})
    totals.cost = round(totals.cost, 9)
    return totals


def _count_again(cursor, report: Adopted) -> None:
    """Make sure that no row was lost on the way: each is kept, or set aside."""
    for table, copied in report.tables.items():
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        [count] = cursor.fetchone()
        if count != copied.kept:
            raise SessionsError(
                f"{report.file} was not adopted: {copied.kept} rows of {table} should be kept,"
                f" and {count} are. Nothing was changed."
            )
