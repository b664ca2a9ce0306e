"""The kinds of text that are searched, each with an index of its words."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.search.fields import Condition


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the texts of one kind are, and how they are joined to what they belong to."""

    name: str
    index: str  # FTS5 table; its rowid is `key`
    key: str
    document: str  # the number under which the other indexes have a text (sql/sqlite/search.sql)
    key_of_document: str
    columns: dict[str, str]  # of the index, by the part that they are (fields.PARTS)
    places: dict[str, int]  # of these columns among all of the index
    source: str  # view with these columns
    joined: str  # what is joined to the key, as SQL behind FROM
    weights: str  # of the columns of the index, for bm25
    time: str
    newest: str  # the keys, newest first, read off an index

    @property
    def facts(self) -> str:
        """What is told of a hit: (time, session, role, model, project, cost in nano-dollars)."""
        return FACTS[self.name]

    @property
    def rows(self) -> str:
        """The table of the texts themselves, without what is joined to it."""
        return self.joined.partition(" CROSS JOIN")[0]


MESSAGES = Kind(
    name="message",
    index="messages_fts",
    key="message.id",
    document="message.id",
    key_of_document="number.document",
    columns={"text": "content", "tools": "tools"},
    places={"content": 2, "tools": 4},
    source="messages_search_source",
    joined="messages AS message INDEXED BY messages_facts"
    " CROSS JOIN sessions AS session ON session.id = message.session_id",
    weights="0, 0, 1, 0, 0.5, 0.5",
    time="message.timestamp",
    newest="SELECT id FROM messages INDEXED BY messages_by_time ORDER BY timestamp DESC, id DESC",
)
SESSIONS = Kind(
    name="session",
    index="sessions_fts",
    key="session.id",
    document="-2 * session.id",
    key_of_document="-number.document / 2",
    columns={
        "title": "title",
        "tags": "tags",
        "description": "description",
        "system": "system_prompt",
    },
    places={"title": 0, "description": 1, "system_prompt": 2, "tags": 3},
    source="sessions_search_source",
    joined="sessions AS session",
    weights="3, 1, 0.5, 3, 1",
    time="session.started_at",
    newest="SELECT id FROM sessions WHERE deleted_at IS NULL ORDER BY started_at DESC, id DESC",
)
NOTES = Kind(
    name="note",
    index="annotations_fts",
    key="note.id",
    document="-2 * note.id - 1",
    key_of_document="(-number.document - 1) / 2",
    columns={"notes": "content"},
    places={"content": 0},
    source="annotations_search_source",
    joined="annotations AS note"
    " LEFT JOIN messages AS message"
    " ON note.entity_type = 'message' AND message.id = note.entity_id"
    " CROSS JOIN sessions AS session ON session.id = CASE note.entity_type"
    " WHEN 'session' THEN note.entity_id ELSE message.session_id END",
    weights="2, 1",
    time="note.created_at",
    newest="SELECT id FROM annotations ORDER BY created_at DESC, id DESC",
)
KINDS = (MESSAGES, SESSIONS, NOTES)
# Times as text: as times, Django would read each of them, thousands that nobody sees.
FACTS = {
    "message": "CAST(message.timestamp AS TEXT), message.session_id, message.role,"
    " COALESCE(message.model_id, session.model_id), session.project_id, message.cost_nanos",
    "session": "CAST(session.started_at AS TEXT), session.id, '', session.model_id,"
    " session.project_id, session.total_cost_nanos",
    "note": "CAST(note.created_at AS TEXT), session.id, COALESCE(message.role, ''),"
    " COALESCE(message.model_id, session.model_id), session.project_id,"
    " COALESCE(message.cost_nanos, session.total_cost_nanos)",
}


def condition_for(kind: Kind, condition: Condition) -> tuple[str, list]:
    """Return a field's condition on a text of this kind, as SQL and values."""
    of_message, of_session, values = (
        condition.of_message,
        condition.of_session or "1 = 0",
        list(condition.values),
    )
    if kind is MESSAGES:
        return of_message, values
    if kind is SESSIONS:
        return of_session, values if condition.of_session else []
    if condition.of_session is None:
        return f"(message.id IS NOT NULL AND {of_message})", values
    return (
        f"CASE WHEN message.id IS NOT NULL THEN {of_message} ELSE {of_session} END",
        values * 2,
    )
