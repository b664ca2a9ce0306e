"""Checks: is the file sound, and does everything derived still say what it is derived from?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, OperationalError, connections
from django.db.models import Index, Model, UniqueConstraint

from conversations import schema
from conversations.errors import explained
from conversations.search import index as search_index

from . import runs
from .models import MaintenanceRun, RunKind


class Kind(StrEnum):
    """What a finding is about."""

    FILE = "file"  # pages of the file: a backup is the cure
    PAGES = "unused pages"
    TABLE = "table"
    INDEX = "index"
    VALUE = "value"
    REFERENCE = "reference"
    DEFINITION = "definition"  # triggers, views, search indexes, roll-ups as SQL
    DERIVED = "derived"  # totals, tags, counters, roll-ups
    SEARCH = "search index"
    SEQUENCE = "sequence"


MENDABLE = set(Kind) - {Kind.FILE, Kind.TABLE, Kind.VALUE}
# What PRAGMA integrity_check says, by what helps; anything else is damage of the file itself.
SAYINGS = (
    (Kind.INDEX, re.compile(r"row \d+ missing from index |wrong # of entries in index ")),
    (Kind.PAGES, re.compile(r"Page \d+(: | is )never used|Freelist: ")),
    (Kind.SEARCH, re.compile(r"malformed inverted index|fts5")),
    (
        Kind.VALUE,
        re.compile(r"(CHECK constraint failed|NULL value|\w+ value) in |non-unique entry in index"),
    ),
)
# What keeps a database from being checked, and is no fault of it.
PASSING = re.compile("is locked|readonly database|disk is full|interrupted")
HEADING = re.compile(r"\*\*\* in database \w+ \*\*\*$")  # above lines on pages
MOST = 100  # findings of a kind that are listed one by one
TOO_LOW = """
    SELECT seq FROM sqlite_sequence WHERE name = %s AND seq < (SELECT MAX(rowid) FROM "{table}")
"""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    kind: Kind
    text: str

    @property
    def can_be_mended(self) -> bool:
        """Whether `repair` knows what to do about it."""
        return self.kind in MENDABLE

    def __str__(self) -> str:
        return self.text

    def as_dict(self) -> dict[str, object]:
        return {"kind": str(self.kind), "text": self.text, "can_be_mended": self.can_be_mended}


def check(
    *,
    user: AbstractBaseUser | None = None,
    entry: MaintenanceRun | None = None,
    using: str = "default",
) -> list[Finding]:
    """Return what is wrong with the file and with what is derived from it, empty if nothing is.

    It reads everything several times; others go on reading and writing. Raises `DatabaseTrouble`
    if another process keeps the lock, which the search indexes need to be checked.
    """
    with (
        explained(using),
        recorded_if_possible(RunKind.CHECK, user=user, entry=entry, using=using) as run,
    ):
        found = findings(using=using, at=run.at)
        run.summary = in_words(found)
        run.report = {"findings": [finding.as_dict() for finding in found]}
    return found


def in_words(found: list[Finding]) -> str:
    """Return in a sentence what a check came to."""
    if not found:
        return "Everything is sound."
    mendable = sum(finding.can_be_mended for finding in found)
    things = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    return f"{things} found, {mendable} of them can be repaired."


def findings(
    *, using: str = "default", at: Callable[[str], None] = lambda step: None
) -> list[Finding]:
    """Return what `check` finds, without a record of it; `at` is told each step.

    Raises the database's error where it says nothing of the file: that it is locked, say.
    """
    found: list[Finding] = []
    for kind, step, look in (
        (Kind.FILE, "Reading the file", _file),
        (Kind.REFERENCE, "Following references", _references),
        (Kind.TABLE, "Looking for tables and indexes", _tables),
        (Kind.DEFINITION, "Looking for triggers and views", _definitions),
        (Kind.SEQUENCE, "Comparing sequences", _sequences),
        (Kind.SEARCH, "Comparing the search indexes with the texts", _search),
        (Kind.DERIVED, "Adding up totals and roll-ups", _derived),
    ):
        at(step)
        try:
            found += _few(kind, look(using))
        except DatabaseError as error:
            if PASSING.search(str(error)):
                raise
            found.append(Finding(kind, f"{step} failed: {error}"))
    return found


def _few(kind: Kind, found: Iterator[Finding]) -> list[Finding]:
    """Return what was found, of very many the first and how many more there are."""
    everything = list(found)
    more = len(everything) - MOST
    rest = [Finding(everything[-1].kind, f"and {more} more such")] if more > 0 else []
    return everything[:MOST] + rest


def _file(using: str) -> Iterator[Finding]:
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA integrity_check(1000)")
        for [text] in cursor.fetchall():
            for line in text.splitlines():
                if line != "ok" and not HEADING.match(line):
                    yield Finding(kind_of_damage(line), line)


def kind_of_damage(text: str) -> Kind:
    """Return what a line of PRAGMA integrity_check is about."""
    return next((kind for kind, saying in SAYINGS if saying.search(text)), Kind.FILE)


def _references(using: str) -> Iterator[Finding]:
    with connections[using].cursor() as cursor:
        cursor.execute("PRAGMA foreign_key_check")
        for table, rowid, parent, _ in cursor.fetchall():
            text = f"{table} row {rowid} refers to a row of {parent} that is not there"
            yield Finding(Kind.REFERENCE, text)


def _tables(using: str) -> Iterator[Finding]:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'index')")
        there = {name for [name] in cursor.fetchall()}
    for model in _models():
        if model._meta.db_table not in there:
            yield Finding(Kind.TABLE, f"the table {model._meta.db_table} is missing")
    for model, index in missing_indexes(using):
        yield Finding(Kind.INDEX, f"the index {index.name} of {model._meta.db_table} is missing")


def missing_indexes(using: str) -> list[tuple[type[Model], Index | UniqueConstraint]]:
    """Return the indexes with names that tables should have and do not."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'index')")
        there = {name for [name] in cursor.fetchall()}
    return [
        (model, index)
        for model in _models()
        if model._meta.db_table in there
        for index in _indexes_of(model)
        if index.name not in there
    ]


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed
            and not model._meta.proxy]  # fmt: skip


def _indexes_of(model: type[Model]) -> Iterator[Index | UniqueConstraint]:
    yield from model._meta.indexes
    for constraint in model._meta.constraints:
        # Without a condition or an expression it stands in the table's own definition.
        if isinstance(constraint, UniqueConstraint) and (
            constraint.condition is not None or constraint.expressions
        ):
            yield constraint


def _definitions(using: str) -> Iterator[Finding]:
    for name in schema.missing(connections[using]):
        yield Finding(Kind.DEFINITION, f"{name} is missing, or not as it should be")
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM bulk_load")
        if cursor.fetchone()[0]:
            yield Finding(Kind.DEFINITION, "bulk_load holds a row, which switches triggers off")


def _sequences(using: str) -> Iterator[Finding]:
    for table in low_sequences(using):
        yield Finding(Kind.SEQUENCE, f"the next id of {table} is one that it has already")


def low_sequences(using: str) -> list[str]:
    """Return the tables whose noted last id is below one that they have."""
    low = []
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT sequence.name FROM sqlite_sequence AS sequence"
            " JOIN sqlite_master AS kept ON kept.name = sequence.name AND kept.type = 'table'"
        )
        for [table] in cursor.fetchall():
            cursor.execute(TOO_LOW.format(table=table), [table])
            if cursor.fetchone():
                low.append(table)
    return low


def _search(using: str) -> Iterator[Finding]:
    for text in search_index.check(using=using):
        if PASSING.search(text):
            raise OperationalError(text)
        yield Finding(Kind.SEARCH, text)


def _derived(using: str) -> Iterator[Finding]:
    with connections[using].cursor() as cursor:
        for app in apps.get_app_configs():
            if isinstance(app, schema.KeptApp):
                for text in app.check(cursor):
                    yield Finding(Kind.DERIVED, text)


@contextmanager
def recorded_if_possible(kind: RunKind, **options) -> Iterator[runs.Recorder]:
    """Record the block as a run, or, where nothing can be written, do without.

    A file that is damaged, read-only or of a full disk can be looked at all the same.
    """
    entry = options.pop("entry", None)
    if entry is None:
        begun = {name: options[name] for name in ("user", "using", "options") if name in options}
        try:
            entry = runs.begin(kind, **begun)
        except DatabaseError:
            yield _Unrecorded()
            return
    with runs.recorded(kind, entry=entry, **options) as run:
        yield run


class _Unrecorded(runs.Recorder):
    def __init__(self) -> None:
        super().__init__(MaintenanceRun())

    def at(self, step: str, done: int = 0, total: int = 0) -> None:
        pass
