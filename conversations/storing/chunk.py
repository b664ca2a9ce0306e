"""One transaction of an import: some sessions, written together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from conversations import bulk, changes, databases
from conversations.importers.records import MessageRecord, SessionRecord, Skipped
from conversations.importers.structure.links import cut_cycles
from conversations.models import Deletion, Message, Session

from .costs import Costs
from .identity import OWN, message_uuid, session_uuid
from .names import Names
from .notes import Notes
from .report import ImportReport
from .stored import Known, Stored, differences, known_messages, messages_of, rank, to_json, usage

TITLE_LENGTH = Session._meta.get_field("title").max_length
VERY_LONG = 5_000  # messages of a session
MESSAGES_AT_ONCE = 500  # texts that are held a second time, as the database takes them
Records = dict[tuple[str, str], SessionRecord]

SESSION_COLUMNS = (
    "id", "session_uuid", "project_id", "session_type", "title", "description", "model_id",
    "system_prompt", "temperature", "max_tokens", "top_p", "status", "started_at",
    "completed_at", "tags", "metadata", "source", "external_id", "parent_external_id",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "id", "message_uuid", "session_id", "parent_message_id", "sequence_number", "role", "content",
    "content_type", "model_id", "timestamp", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_5m_tokens", "cache_write_1h_tokens", "reasoning_tokens", "cost",
    "cost_basis_id", "latency_ms", "finish_reason", "function_call", "tool_calls",
    "error_message", "metadata", "external_id", "is_active_path", "is_hidden", "is_sidechain",
)  # fmt: skip
# What a session that was said elsewhere has in the columns that only our own export fills.
SESSION_DEFAULTS = {
    "session_type": "single", "description": "", "temperature": None, "max_tokens": None,
    "top_p": None,
}  # fmt: skip


def _insert_into(table: str, columns: tuple[str, ...]) -> str:
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"


INSERT_SESSION = _insert_into("sessions", SESSION_COLUMNS)
INSERT_MESSAGE = _insert_into("messages", MESSAGE_COLUMNS)


class Queued(NamedTuple):
    """A message to insert; `source` and `session` are where it comes from."""

    id: int
    uuid: str
    session_id: int
    parent_uuid: str | None
    sequence_number: int
    time: datetime
    record: MessageRecord
    source: str
    session: SessionRecord


class Chunk:
    """Writes some sessions inside one transaction, and counts what it did."""

    def __init__(self, connection, names: Names, costs: Costs, with_deleted: bool = False) -> None:
        self.using = connection.alias
        self.database = databases.of(connection)
        self.time = self.database.time_text
        self.uuids: dict[tuple[str, str], str] = {}  # of messages, by source and key
        self.names = names
        self.costs = costs
        self.with_deleted = with_deleted
        self.new = self.updated = self.unchanged = self.messages_updated = 0
        self.skipped: list[Skipped] = []
        self.steps: list[changes.Step] = []  # what sets changed values back
        self.sessions: dict[int, tuple] = {}  # rows to insert, by id
        self.notes = Notes(self.using)
        self.messages: list[Queued] = []

    def add_to(self, report: ImportReport) -> None:
        """Add what was done to a report."""
        report.new += self.new
        report.updated += self.updated
        report.unchanged += self.unchanged
        report.messages_new += len(self.messages)
        report.messages_updated += self.messages_updated
        for skipped in self.skipped:
            report.note(skipped)

    def write(self, cursor, records: Records) -> None:
        """Store each session whole. The write lock must be held."""
        self.cursor = cursor
        count = sum(len(record.messages) for record in records.values())
        # A very long session is a chunk by itself and is not tried a second time: each of its texts
        # is dropped from the record when it is written.
        self.drops_texts = len(records) == 1 and count > VERY_LONG
        self.message_ids = self.database.reserve_ids(cursor, "messages", count)
        self.session_ids = self.database.reserve_ids(cursor, "sessions", len(records))
        stored = self._stored_sessions(records)
        uuids = self._all_uuids(records)
        self.known = known_messages(cursor, self.database, uuids)
        self.deleted = self._deleted_here(records, uuids)
        messages = messages_of(cursor, self.database, (s.id for s in stored.values()))
        for (source, external_id), record in records.items():
            session = stored.get((source, external_id))
            if session is None and session_uuid(source, external_id) in self.deleted:
                self.unchanged += 1
            elif session is None:
                self._add_session(source, record)
            else:
                self._update_session(source, session, messages[session.id], record)
        self._insert(cursor)
        self.notes.store(self.known)
        self.steps += self.names.take_made()

    def _all_uuids(self, records: Records) -> list[str]:
        """Return the ids of all messages of the records, and of their parents."""
        for (source, _), record in records.items():
            for message in record.messages:
                for key in (message.key, message.parent_key):
                    if key is not None and (source, key) not in self.uuids:
                        self.uuids[source, key] = message_uuid(source, key)
        return list(self.uuids.values())

    def _stored_sessions(self, records: Records) -> dict[tuple[str, str], Session]:
        identities = {session_uuid(*identity): identity for identity in records}
        sessions = Session.with_trash.using(self.using).defer("description", "system_prompt")
        found = sessions.in_bulk(list(identities), field_name="session_uuid")
        return {identities[uuid]: session for uuid, session in found.items()}

    def _deleted_here(self, records: Records, uuids: list[str]) -> set[str]:
        """Return which of these sessions and messages were deleted here and not put back."""
        deletions = Deletion.objects.using(self.using)
        if not deletions.exists():
            return set()
        asked = [*uuids, *(session_uuid(*identity) for identity in records)]
        found = deletions.in_bulk(asked)
        if self.with_deleted:
            deletions.filter(pk__in=list(found)).delete()
            return set()
        return set(found) - self.known.keys()

    # -- sessions ---------------------------------------------------------------------------

    def _add_session(self, source: str, record: SessionRecord) -> None:
        if record.own and record.own.is_part:
            self.skipped.append(Skipped(record.place, "the session it belongs to is not here"))
            return
        session_id = self.session_ids[len(self.sessions)]
        before = len(self.messages)
        origin = self._add_messages(session_id, source, record, 1)
        if record.messages and len(self.messages) == before:
            self.skipped.append(
                Skipped(record.place, "all of its messages are stored in other sessions already")
            )
            return
        title = record.title[:TITLE_LENGTH]
        times = (message.timestamp for message in record.messages if message.timestamp)
        started = record.started_at or next(times, None) or timezone.now()
        columns = SESSION_DEFAULTS | {
            "id": session_id,
            "session_uuid": session_uuid(source, record.external_id),
            "project_id": self.names.project_id(record),
            "title": title,
            "model_id": self.names.model_id(record),
            "system_prompt": record.system_prompt,
            "status": "completed" if record.completed_at else "active",
            "started_at": self.time(started),
            "completed_at": record.completed_at and self.time(record.completed_at),
            "tags": to_json(record.tags),
            "source": source,
            "external_id": record.external_id,
            "parent_external_id": record.parent_external_id or origin,
        }
        if not record.own:
            columns["metadata"] = to_json({**record.metadata, "import": {"title": title}})
        else:
            here = {"status": "active", "source": "", "external_id": None}
            columns |= here | {"metadata": to_json(record.metadata)} | record.own.columns
            self.notes.take(session_id, record)
        self.sessions[session_id] = tuple(columns[name] for name in SESSION_COLUMNS)
        self.new += 1

    def _update_session(
        self, source: str, session: Session, messages: list[Stored], record: SessionRecord
    ) -> None:
        ours = {
            message.message_uuid: message
            for message in messages
            if message.is_imported or source == OWN
        }
        given = {self.uuids[source, message.key]: message for message in record.messages}
        here = [
            uuid
            for uuid in given
            if uuid not in self.deleted
            and (uuid not in self.known or self.known[uuid].session_id == session.id)
        ]
        fresh = any(uuid not in ours for uuid in here)
        changed = 0
        # An older, shorter copy knows less than we do: it changes nothing.
        if fresh or len(here) >= len(ours):
            for uuid in here:
                if uuid in ours and (columns := differences(self.cursor, ours[uuid], given[uuid])):
                    columns = self._with_cost(columns, source, record, given[uuid])
                    self._update(Message, ours[uuid].id, columns)
                    changed += 1
        self.messages_updated += changed
        before = len(self.messages)
        taken = {message.sequence_number for message in messages}
        self._add_messages(session.id, source, record, max(taken, default=0) + 1, taken)
        if (fresh or len(here) >= len(ours)) and source != OWN:
            changed += self._update_head(session, record)
        if changed or len(self.messages) > before:
            self.updated += 1
        else:
            self.unchanged += 1

    def _update_head(self, session: Session, record: SessionRecord) -> bool:
        """Follow a title that people have not changed here; fill what was unknown."""
        imported = session.metadata.get("import", {})
        title = record.title[:TITLE_LENGTH]
        columns: dict[str, Any] = {}
        if title and title != session.title and session.title == imported.get("title"):
            columns["title"] = title
            columns["metadata"] = {**session.metadata, "import": {**imported, "title": title}}
        if record.completed_at and session.completed_at is None:
            columns["completed_at"] = record.completed_at
        if record.model and session.model_id is None:
            columns["model_id"] = self.names.model_id(record)
        if columns:
            self._update(Session, session.id, columns)
        return bool(columns)

    def _update(self, table: type[Message | Session], id: int, columns: dict[str, Any]) -> None:
        rows = table._base_manager.using(self.using).filter(id=id)
        self.steps += changes.set_columns(rows, **columns)

    # -- messages ---------------------------------------------------------------------------

    def _add_messages(
        self,
        session_id: int,
        source: str,
        record: SessionRecord,
        sequence: int,
        taken: Collection[int] = (),
    ) -> str | None:
        """Queue the messages that nobody has yet; return the session they were split off from.

        A resumed conversation repeats the messages of the one it goes on from. They stay where
        they are; what is new points back at them.
        """
        origin = None
        time = record.started_at
        for message in record.messages:
            uuid = self.uuids[source, message.key]
            time = message.timestamp or time
            if uuid in self.deleted:
                continue
            known = self.known.get(uuid)
            if known is None:
                id = self.message_ids[len(self.messages)]
                self.known[uuid] = Known(
                    id, session_id, message.is_sidechain, message.input_tokens,
                    message.output_tokens, message,
                )  # fmt: skip
                parent = message.parent_key
                number = message.own and message.own.columns.get("sequence_number")
                if type(number) is not int or number in taken:
                    number = sequence
                self.messages.append(
                    Queued(
                        id,
                        uuid,
                        session_id,
                        None if parent is None else self.uuids[source, parent],
                        number,
                        time or timezone.now(),
                        message,
                        source,
                        record,
                    )
                )
                sequence = max(sequence, number) + 1
            elif known.session_id != session_id:
                origin = known.session_id
                self._keep_greater_usage(known, message, source, record)
        return origin and self._external_id(origin)

    def _external_id(self, session_id: int) -> str | None:
        if session_id in self.sessions:
            return self.sessions[session_id][SESSION_COLUMNS.index("external_id")]
        sessions = Session.with_trash.using(self.using).filter(id=session_id)
        return sessions.values_list("external_id", flat=True).first()

    def _keep_greater_usage(
        self, known: Known, record: MessageRecord, source: str, session: SessionRecord
    ) -> None:
        if rank(record) <= rank(known):
            return
        columns = usage(record)
        known.input_tokens, known.output_tokens = record.input_tokens, record.output_tokens
        if known.record is None:
            self._update(Message, known.id, self._with_cost(columns, source, session, record))
            self.messages_updated += 1
        else:  # not written yet
            for name, value in columns.items():
                setattr(known.record, name, value)

    def _with_cost(
        self, columns: dict[str, Any], source: str, session: SessionRecord, record: MessageRecord
    ) -> dict[str, Any]:
        """Return the columns of a stored message that change, with its cost if its usage does."""
        if "cost" not in columns:
            return columns
        time = record.timestamp or session.started_at or timezone.now()
        return columns | self.costs.of(source, session, record, time)._asdict()

    def _insert(self, cursor) -> None:
        # Only what is new can close a circle: nothing that is stored waits for a parent.
        parents = {each.uuid: each.parent_uuid for each in self.messages if each.parent_uuid}
        cut_cycles(parents)
        with self.database.bulk_load(cursor):
            cursor.executemany(INSERT_SESSION, list(self.sessions.values()))
            for start in range(0, len(self.messages), MESSAGES_AT_ONCE):
                some = self.messages[start : start + MESSAGES_AT_ONCE]
                rows = [self._row(parents.get(each.uuid), each) for each in some]
                cursor.executemany(INSERT_MESSAGE, rows)
                if self.drops_texts:
                    for each in some:
                        each.record.content = ""
            sessions, messages = (
                self.session_ids[: len(self.sessions)],
                self.message_ids[: len(self.messages)],
            )
            bulk.catch_up(cursor, self.database, sessions, messages)

    def _row(self, parent_uuid: str | None, queued: Queued) -> tuple:
        id, uuid, session_id, _, sequence, time, record, source, session = queued
        parent = parent_uuid and self.known.get(parent_uuid)
        external_id, function_call = record.key, None
        if record.own:
            external_id = record.own.columns.get("external_id")
            function_call = record.own.columns.get("function_call")
        return (
            id,
            uuid,
            session_id,
            parent.id if parent else None,
            sequence,
            record.role,
            record.content,
            record.content_type,
            self.names.model_id(record),
            self.time(time),
            record.input_tokens,
            record.output_tokens,
            record.cache_read_tokens,
            record.cache_write_5m_tokens,
            record.cache_write_1h_tokens,
            record.reasoning_tokens,
            *self.costs.of(source, session, record, time),
            record.latency_ms,
            record.finish_reason,
            to_json(function_call),
            to_json(record.tool_calls),
            record.error_message,
            to_json(record.metadata) if record.metadata else "{}",
            external_id,
            record.is_active_path,
            record.is_hidden,
            record.is_sidechain,
        )
