"""The only writer of imported records: records in, report out.

Records are stored in chunks, each in one short transaction: a session is stored whole or not at
all, and an import that dies goes on from there when it is run again. What a record is, is told by
its identity (source and external id), so the same records twice write nothing. What people change
here (titles, tags) is theirs and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections, transaction

from conversations import databases
from conversations.importers.records import CatalogRecord, Item, Rejected, SessionRecord

from .chunk import Chunk
from .costs import Costs
from .identity import message_uuid, session_uuid
from .journal import Cancelled, Journal
from .names import Names
from .parents import link_parents
from .report import LISTED, ImportReport

__all__ = [
    "CHUNK_MESSAGES",
    "LISTED",
    "Cancelled",
    "ImportReport",
    "Journal",
    "message_uuid",
    "session_uuid",
    "store",
]

CHUNK_MESSAGES = 10_000  # large enough for the search index, small enough to hold the lock briefly
# Bytes of text, about: what the messages of a chunk may take in memory.
CHUNK_TEXT = 32_000_000
# What values raise that no column takes.
UNSTORABLE = (DatabaseError, OverflowError, ValueError, TypeError, ValidationError)


class _DryRun(Exception):
    """Thrown to take everything back."""


def store(
    items: Iterable[tuple[str, Item]],
    *,
    project: str | None = None,
    dry_run: bool = False,
    with_deleted: bool = False,
    using: str = "default",
    journal: Journal | None = None,
) -> ImportReport:
    """Store `(source, item)` pairs and return what was done.

    `project` files every new session under that name, whatever its record says. `dry_run` does all
    of it in one transaction that is taken back at the end, so other writers wait as long as it
    runs. `with_deleted` brings back what was deleted here. `journal` takes note of what is stored
    and may raise `Cancelled` after a chunk.
    """
    writer = _Writer(project, using, journal, with_deleted)
    try:
        with transaction.atomic(using) if dry_run else nullcontext():
            writer.run(items)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return writer.report


class _Writer:
    """Gathers records into chunks, and isolates the one that cannot be stored."""

    def __init__(
        self, project: str | None, using: str, journal: Journal | None, with_deleted: bool
    ) -> None:
        self.using = using
        self.connection = connections[using]
        self.database = databases.of(self.connection)
        self.names = Names(using, project)
        self.costs = Costs(using)
        self.journal = journal
        self.with_deleted = with_deleted
        self.parents: dict[str, str] = {}  # of our own export: id of a session -> of its parent
        self.report = ImportReport()

    def run(self, items: Iterable[tuple[str, Item]]) -> None:
        with self.database.in_large_steps(self.connection):
            self.store_all(items)
        with transaction.atomic(self.using), self.connection.cursor() as cursor:
            link_parents(cursor, self.database, self.parents)

    def store_all(self, items: Iterable[tuple[str, Item]]) -> None:
        records: dict[tuple[str, str], SessionRecord] = {}
        messages = text = 0
        for source, item in items:
            if isinstance(item, CatalogRecord):
                self.add_to_catalog(item)
                continue
            if not isinstance(item, SessionRecord):
                self.report.note(item)
                if self.journal and isinstance(item, Rejected):
                    self.journal.note_rejected(source, item)
                continue
            identity = (source, item.external_id)
            full = messages + len(item.messages) > CHUNK_MESSAGES or text > CHUNK_TEXT
            if full or identity in records:
                self.store(records)
                records, messages, text = {}, 0, 0
            records[identity] = item
            if item.own and item.own.parent:
                self.parents[item.external_id] = item.own.parent
            messages += len(item.messages) + 1
            text += sum(len(message.content) for message in item.messages)
        self.store(records)

    def add_to_catalog(self, item: CatalogRecord) -> None:
        try:
            with transaction.atomic(self.using):
                (self.costs if item.kind == "cost_basis" else self.names).add(item)
        except UNSTORABLE as error:
            self.report.note(Rejected(item.place, f"cannot be stored: {error}"))

    def store(self, records: dict[tuple[str, str], SessionRecord]) -> None:
        if not records:
            return
        chunk = Chunk(self.connection, self.names, self.costs, self.with_deleted)
        try:
            with transaction.atomic(self.using), self.connection.cursor() as cursor:
                chunk.write(cursor, records)
                if self.journal:
                    self.journal.note_chunk(chunk)
        except UNSTORABLE as error:
            self.names.forget()  # what the transaction had made is gone with it
            self.costs.forget()
            if self.database.explain(error, "") is not None:
                raise  # the whole database is in trouble, not one record
            if len(records) > 1:  # find the record that cannot be stored; keep the others
                for identity, record in records.items():
                    self.store({identity: record})
                return
            [record] = records.values()
            self.report.note(Rejected(record.place, f"cannot be stored: {error}"))
        else:
            chunk.add_to(self.report)
        if self.journal:
            self.journal.note_progress(self.report)
