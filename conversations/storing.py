"""The only writer of imported records: records in, report out.

Records are stored in chunks, each in one short transaction: a session is stored whole or not at
all, and an import that dies goes on from there when it is run again. What a record is, is told by
its identity (source and external id), so the same records twice write nothing. What people change
here (titles, tags) is theirs and stays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from . import databases
from .importers.records import Item, MessageRecord, Rejected, SessionRecord, Skipped
from .models import LanguageModel, Message, Project, Session

CHUNK_MESSAGES = 10_000  # large enough for the search index, small enough to hold the lock briefly
LISTED = 1_000  # of skipped and of rejected records, the first so many are listed in the report
TITLE_LENGTH = Session._meta.get_field("title").max_length

USAGE = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "cost",
)
PLAIN = ("role", "content_type", "latency_ms", "finish_reason", "error_message")
FLAGS = ("is_active_path", "is_hidden", "is_sidechain")

INSERT_SESSION = """
    INSERT INTO sessions
        (id, session_uuid, project_id, title, model_id, system_prompt, status, started_at,
         completed_at, tags, metadata, source, external_id, parent_external_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
INSERT_MESSAGE = """
    INSERT INTO messages
        (id, message_uuid, session_id, parent_message_id, sequence_number, role, content,
         content_type, model_id, timestamp, input_tokens, output_tokens, cache_read_tokens,
         cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, cost, latency_ms,
         finish_reason, tool_calls, error_message, metadata, external_id, is_active_path,
         is_hidden, is_sidechain)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
            %s, %s, %s, %s)
"""
LINK_PARENTS = """
    UPDATE sessions
    SET parent_session_id = (
        SELECT parent.id FROM sessions AS parent
        WHERE parent.source = sessions.source
            AND parent.external_id = sessions.parent_external_id
    )
    WHERE parent_session_id IS NULL
        AND parent_external_id IS NOT NULL
        AND EXISTS (
            SELECT 1 FROM sessions AS parent
            WHERE parent.source = sessions.source
                AND parent.external_id = sessions.parent_external_id
        )
"""


@dataclass
class ImportReport:
    """What an import did: sessions by outcome, messages written, what was left out and why."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    messages_new: int = 0
    messages_updated: int = 0
    skipped_records: list[Skipped] = field(default_factory=list)
    failed_records: list[Rejected] = field(default_factory=list)

    def note(self, item: Skipped | Rejected) -> None:
        """Count what was left out; the first thousand of a kind are listed."""
        if isinstance(item, Skipped):
            self.skipped += 1
            listed = self.skipped_records
        else:
            self.failed += 1
            listed = self.failed_records
        if len(listed) < LISTED:
            listed.append(item)


class _DryRun(Exception):
    """Thrown to take everything back."""


def store(
    items: Iterable[tuple[str, Item]],
    *,
    project: str | None = None,
    dry_run: bool = False,
    using: str = "default",
    on_progress: Callable[[ImportReport], None] | None = None,
) -> ImportReport:
    """Store `(source, item)` pairs and return what was done.

    `project` files every new session under that name, whatever its record says. `dry_run` does all
    of it in one transaction that is taken back at the end, so other writers wait as long as it
    runs. `on_progress` is called after each chunk.
    """
    writer = _Writer(project, using, on_progress)
    try:
        with transaction.atomic(using) if dry_run else nullcontext():
            writer.run(items)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return writer.report


def session_uuid(source: str, external_id: str) -> str:
    """Return the id a session of that source always gets: the same on every import."""
    return _digest(f"session\0{source}\0{external_id}")


def message_uuid(source: str, key: str) -> str:
    """Return the id a message of that source always gets: the same on every import."""
    return _digest(f"message\0{source}\0{key}")


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _json(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number beyond 64 bits
        return json.dumps(value, ensure_ascii=False)


def _rank(record: Any) -> tuple[bool, int]:
    """Order copies of one response: the main conversation's first, then the greatest usage."""
    return not record.is_sidechain, (record.input_tokens or 0) + (record.output_tokens or 0)


@dataclass(slots=True)
class _Known:
    """A message that is stored already, or will be by this chunk."""

    id: int
    session_id: int
    message: Any  # Message or MessageRecord: both have the fields of USAGE


class _Writer:
    def __init__(self, project, using, on_progress):
        self.using = using
        self.connection = connections[using]
        self.database = databases.of(self.connection)
        self.time = self.connection.ops.adapt_datetimefield_value
        self.project = project
        self.on_progress = on_progress
        self.report = ImportReport()
        self.projects: dict[str, int] = {}
        self.models: dict[tuple[str, str], int] = {}

    def run(self, items: Iterable[tuple[str, Item]]) -> None:
        chunk: dict[tuple[str, str], SessionRecord] = {}
        size = 0
        for source, item in items:
            if not isinstance(item, SessionRecord):
                self.report.note(item)
                continue
            identity = (source, item.external_id)
            if identity in chunk or size + len(item.messages) > CHUNK_MESSAGES:
                self._store_chunk(chunk)
                chunk, size = {}, 0
            chunk[identity] = item
            size += len(item.messages) + 1
        self._store_chunk(chunk)
        with self.connection.cursor() as cursor:
            cursor.execute(LINK_PARENTS)

    def _store_chunk(self, chunk: dict[tuple[str, str], SessionRecord]) -> None:
        if not chunk:
            return
        counts = _Chunk(self)
        try:
            with transaction.atomic(self.using), self.connection.cursor() as cursor:
                counts.write(cursor, chunk)
        except (DatabaseError, OverflowError, UnicodeEncodeError, ValueError) as error:
            self.projects.clear()  # what the transaction had made is gone with it
            self.models.clear()
            if self.database.explain(error, "") is not None:
                raise  # the whole database is in trouble, not one record
            if len(chunk) > 1:  # find the record that cannot be stored; keep the others
                for identity, record in chunk.items():
                    self._store_chunk({identity: record})
                return
            [record] = chunk.values()
            self.report.note(Rejected(record.place, f"cannot be stored: {error}"))
        else:
            counts.add_to(self.report)
        if self.on_progress:
            self.on_progress(self.report)

    def project_id(self, record: SessionRecord) -> int | None:
        name = (self.project or record.project)[:200]
        if name and name not in self.projects:
            project, _ = Project.objects.using(self.using).get_or_create(name=name)
            self.projects[name] = project.id
        return self.projects[name] if name else None

    def model_id(self, record: SessionRecord | MessageRecord) -> int | None:
        if not record.model:
            return None
        key = (record.provider[:100], record.model[:200])
        if key not in self.models:
            model, _ = LanguageModel.objects.using(self.using).get_or_create(
                provider=key[0], model_name=key[1], model_version=""
            )
            self.models[key] = model.id
        return self.models[key]


class _Chunk:
    """Writes some sessions inside one transaction, and counts what it did."""

    def __init__(self, writer: _Writer) -> None:
        self.writer = writer
        self.new = self.updated = self.unchanged = self.messages_updated = 0
        self.skipped: list[Skipped] = []
        self.session_rows: list[tuple] = []
        # New messages: (id, message_uuid, session id, sequence number, time, record).
        self.inserts: list[tuple[int, str, int, int, datetime, MessageRecord]] = []
        self.source_of: dict[int, str] = {}

    def add_to(self, report: ImportReport) -> None:
        report.new += self.new
        report.updated += self.updated
        report.unchanged += self.unchanged
        report.messages_new += len(self.inserts)
        report.messages_updated += self.messages_updated
        for skipped in self.skipped:
            report.note(skipped)

    def write(self, cursor, chunk: dict[tuple[str, str], SessionRecord]) -> None:
        records = list(chunk.items())
        total = sum(len(record.messages) for _, record in records)
        self.message_ids = self.writer.database.reserve_ids(cursor, "messages", total)
        self.session_ids = iter(
            self.writer.database.reserve_ids(cursor, "sessions", len(records))
        )
        stored = self._stored_sessions(records)
        self.known = self._known_messages(records)
        for (source, external_id), record in records:
            session = stored.get((source, external_id))
            if session is None:
                self._add_session(source, record)
            else:
                self._update_session(session, record)
        self._insert(cursor)

    # -- what is there already --------------------------------------------------------------

    def _stored_sessions(self, records) -> dict[tuple[str, str], Session]:
        uuids = [session_uuid(*identity) for identity, _ in records]
        found = Session.objects.using(self.writer.using).in_bulk(uuids, field_name="session_uuid")
        return {
            (session.source, session.external_id): session for session in found.values()
        }

    def _known_messages(self, records) -> dict[str, _Known]:
        """Return, by uuid, the stored messages among the records and their parents."""
        uuids = set()
        for (source, _), record in records:
            for message in record.messages:
                uuids.add(message_uuid(source, message.key))
                if message.parent_key is not None:
                    uuids.add(message_uuid(source, message.parent_key))
        found = self.writer.database.with_uuids(
            Message.objects.using(self.writer.using), uuids
        ).defer("content", "metadata", "tool_calls", "function_call")
        return {
            message.message_uuid: _Known(message.id, message.session_id, message)
            for message in found
        }

    # -- one session ------------------------------------------------------------------------

    def _add_session(self, source: str, record: SessionRecord) -> None:
        session_id = next(self.session_ids)
        before = len(self.inserts)
        parent_session = self._add_messages(session_id, source, record, 1)
        if record.messages and len(self.inserts) == before:
            self.skipped.append(
                Skipped(record.place, "all of its messages are stored in other sessions already")
            )
            return
        writer = self.writer
        title = record.title[:TITLE_LENGTH]
        times = [message.timestamp for message in record.messages if message.timestamp]
        started = record.started_at or (times[0] if times else timezone.now())
        self.session_rows.append(
            (
                session_id,
                session_uuid(source, record.external_id),
                writer.project_id(record),
                title,
                writer.model_id(record),
                record.system_prompt,
                "completed" if record.completed_at else "active",
                writer.time(started),
                record.completed_at and writer.time(record.completed_at),
                _json(record.tags),
                _json({**record.metadata, "import": {"title": title}}),
                source,
                record.external_id,
                record.parent_external_id or parent_session,
            )
        )
        self.new += 1

    def _update_session(self, session: Session, record: SessionRecord) -> None:
        source = session.source
        messages = list(session.messages.all())
        ours = {m.message_uuid: m for m in messages if m.external_id is not None}
        given = {message_uuid(source, message.key): message for message in record.messages}
        added = [
            uuid
            for uuid in given
            if uuid not in self.known or self.known[uuid].session_id == session.id
        ]
        fresh = [uuid for uuid in added if uuid not in ours]
        changed = 0
        # An older, shorter copy knows less than we do: it changes nothing.
        if fresh or len(added) >= len(ours):
            for uuid, message in ours.items():
                if uuid in given and self._update_message(message, given[uuid]):
                    changed += 1
            changed += self._update_head(session, record)
        self.messages_updated += changed
        before = len(self.inserts)
        if fresh:
            last = max((message.sequence_number for message in messages), default=0)
            self._add_messages(session.id, source, record, last + 1)
        if len(self.inserts) > before or changed:
            self.updated += 1
        else:
            self.unchanged += 1

    def _update_head(self, session: Session, record: SessionRecord) -> int:
        """Follow a title that people have not changed here; fill what was unknown."""
        imported = session.metadata.get("import", {})
        title = record.title[:TITLE_LENGTH]
        changes = {}
        if title and title != session.title and session.title == imported.get("title"):
            changes["title"] = title
            changes["metadata"] = {**session.metadata, "import": {**imported, "title": title}}
        if record.completed_at and session.completed_at is None:
            changes["completed_at"] = record.completed_at
        if record.model and session.model_id is None:
            changes["model_id"] = self.writer.model_id(record)
        if changes:
            Session.objects.using(self.writer.using).filter(id=session.id).update(**changes)
        return bool(changes)

    def _update_message(self, message: Message, record: MessageRecord) -> bool:
        changes: dict[str, Any] = {
            name: getattr(record, name)
            for name in (*PLAIN, *FLAGS)
            if getattr(record, name) != getattr(message, name)
        }
        # A message that was still being written when it was imported has grown since.
        if not message.content.startswith(record.content):
            changes["content"] = record.content
        if len(record.tool_calls or []) > len(message.tool_calls or []):
            changes["tool_calls"] = record.tool_calls
        if merged := {k: v for k, v in record.metadata.items() if message.metadata.get(k) != v}:
            changes["metadata"] = {**message.metadata, **merged}
        if _rank(record) > _rank(message):
            changes |= {name: getattr(record, name) for name in USAGE}
        if changes:
            Message.objects.using(self.writer.using).filter(id=message.id).update(**changes)
        return bool(changes)

    def _add_messages(
        self, session_id: int, source: str, record: SessionRecord, sequence: int
    ) -> str | None:
        """Queue the messages that nobody has yet; return the session they were split off from.

        A resumed conversation repeats the messages of the one it goes on from. They stay where
        they are; what is new points back at them.
        """
        self.source_of[session_id] = source
        origin = None
        time = record.started_at
        for message in record.messages:
            uuid = message_uuid(source, message.key)
            time = message.timestamp or time
            known = self.known.get(uuid)
            if known is None:
                id = self.message_ids[len(self.inserts)]
                self.known[uuid] = _Known(id, session_id, message)
                self.inserts.append(
                    (id, uuid, session_id, sequence, time or timezone.now(), message)
                )
                sequence += 1
            elif known.session_id != session_id:
                origin = known.session_id
                self._keep_greater_usage(known, message)
        return origin and self._external_id(origin)

    def _external_id(self, session_id: int) -> str | None:
        for row in self.session_rows:
            if row[0] == session_id:
                return row[12]
        return (
            Session.objects.using(self.writer.using)
            .filter(id=session_id)
            .values_list("external_id", flat=True)
            .first()
        )

    def _keep_greater_usage(self, known: _Known, record: MessageRecord) -> None:
        if _rank(record) <= _rank(known.message):
            return
        usage = {name: getattr(record, name) for name in USAGE}
        for name, value in usage.items():
            setattr(known.message, name, value)
        if isinstance(known.message, Message):
            Message.objects.using(self.writer.using).filter(id=known.id).update(**usage)
            self.messages_updated += 1

    # -- writing ----------------------------------------------------------------------------

    def _insert(self, cursor) -> None:
        database = self.writer.database
        cursor.executemany(INSERT_SESSION, self.session_rows)
        if not self.inserts:
            return
        rows = [self._row(*insert) for insert in self.inserts]
        ids = self.message_ids[: len(rows)]
        with database.bulk_load(cursor):
            cursor.executemany(INSERT_MESSAGE, rows)
            database.catch_up(cursor, ids)

    def _row(self, id, uuid, session_id, sequence, time, record: MessageRecord) -> tuple:
        writer = self.writer
        parent = None
        if record.parent_key is not None:
            known = self.known.get(message_uuid(self.source_of[session_id], record.parent_key))
            parent = known and known.id
        return (
            id,
            uuid,
            session_id,
            parent,
            sequence,
            record.role,
            record.content,
            record.content_type,
            writer.model_id(record),
            writer.time(time),
            record.input_tokens,
            record.output_tokens,
            record.cache_read_tokens,
            record.cache_write_5m_tokens,
            record.cache_write_1h_tokens,
            record.reasoning_tokens,
            record.cost,
            record.latency_ms,
            record.finish_reason,
            _json(record.tool_calls),
            record.error_message,
            _json(record.metadata) if record.metadata else "{}",
            record.key,
            record.is_active_path,
            record.is_hidden,
            record.is_sidechain,
        )
