"""Ten thousand random changes by two programs; then totals and indexes are still exact."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from pathlib import Path

from django.db import connections
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from conversations.databases import files
from conversations.tests.search_indexed import assert_exact

WORDS = st.sampled_from(
    ["apple", "banana", "running", "Élan", "日本", "<b>x</b>", "a\"b'", "ünï", "🙂", "—",
     "ภาษาไทย", "がんばる", "한국어", "🥰done", "getElementById", "parseHTMLText", "c++", "C#7",
     "foo_bar", "x" * 70 + "Y", "aB,cD\nEfG", "\u3000", "don\u2019t", "Ümlaut+aB",
     "\\n\\u0041bC", "\x01aB\x1f"]
)  # fmt: skip
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CALLS = st.none() | JSON.map(json.dumps) | JSON.map(lambda value: json.dumps([value], indent=1))
METADATA = st.fixed_dictionaries(
    {"other": JSON}, optional={"tool_results": JSON, "thinking": JSON}
).map(lambda value: json.dumps(value, ensure_ascii=False))
TAGS = st.lists(TEXTS, max_size=3).map(lambda value: json.dumps(value, ensure_ascii=False))
TOKENS = st.none() | st.integers(0, 10**9)
COSTS = st.none() | st.integers(0, 10**15).map(lambda nanos: nanos / 1e9)

TOTALS_ARE_RIGHT = """
    SELECT s.id FROM sessions s LEFT JOIN messages m ON m.session_id = s.id
    GROUP BY s.id
    HAVING s.total_messages <> COUNT(m.id)
        OR s.total_input_tokens <> COALESCE(SUM(m.input_tokens), 0)
        OR s.total_output_tokens <> COALESCE(SUM(m.output_tokens), 0)
        OR s.total_cost_nanos <> COALESCE(SUM(CAST(ROUND(m.cost * 1e9) AS INTEGER)), 0)
        OR s.total_cost <> s.total_cost_nanos / 1e9
        OR s.total_unpriced <> COALESCE(SUM(
            m.cost IS NULL AND (m.input_tokens > 0 OR m.output_tokens > 0 OR m.cost_basis_id = 3)
        ), 0)
"""


def machine(template: Path) -> type[RuleBasedStateMachine]:
    class Writers(RuleBasedStateMachine):
        """Two connections, one with foreign keys and one without, change the same file."""

        sessions = Bundle("sessions")
        messages = Bundle("messages")
        notes = Bundle("notes")
        changes = 0

        def __init__(self):
            super().__init__()
            self.folder = tempfile.TemporaryDirectory()
            self.file = shutil.copy(template, Path(self.folder.name, "random.db"))
            self.connections = [sqlite3.connect(self.file, isolation_level=None) for _ in range(2)]
            for number, connection in enumerate(self.connections):
                connection.execute(f"PRAGMA foreign_keys = {number}")
                connection.execute("PRAGMA synchronous = OFF")
            self.number = 0

        def execute(self, sql, *parameters):
            Writers.changes += 1
            self.number += 1
            return self.connections[self.number % 2].execute(sql, parameters)

        @rule(target=sessions, title=TEXTS, prompt=TEXTS, tags=TAGS)
        def add_session(self, title, prompt, tags):
            return self.execute(
                "INSERT INTO sessions (session_uuid, title, system_prompt, tags)"
                " VALUES (hex(randomblob(16)), ?, ?, ?)",
                title, prompt, tags,
            ).lastrowid  # fmt: skip

        @rule(
            target=messages, session=sessions, text=TEXTS, calls=CALLS, metadata=METADATA,
            tokens=TOKENS, cost=COSTS,
        )  # fmt: skip
        def add_message(self, session, text, calls, metadata, tokens, cost):
            return self.execute(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content,"
                " tool_calls, metadata, input_tokens, output_tokens, cost)"
                " SELECT hex(randomblob(16)), id, ?, 'user', ?, ?, ?, ?, ?, ?"
                " FROM sessions WHERE id = ?",
                self.number, text, calls, metadata, tokens, tokens, cost, session,
            ).lastrowid  # fmt: skip

        @rule(target=notes, message=messages, session=sessions, text=TEXTS)
        def add_note(self, message, session, text):
            kind, id = ("message", message) if self.number % 2 else ("session", session)
            return self.execute(
                "INSERT INTO annotations (annotation_uuid, entity_type, entity_id,"
                " annotation_type, content) VALUES (hex(randomblob(16)), ?, ?, 'note', ?)",
                kind, id, text,
            ).lastrowid  # fmt: skip

        @rule(message=messages, text=TEXTS)
        def change_text(self, message, text):
            self.execute("UPDATE messages SET content = ? WHERE id = ?", text, message)

        @rule(message=messages, calls=CALLS, call=CALLS, metadata=METADATA, error=TEXTS)
        def change_tools(self, message, calls, call, metadata, error):
            self.execute(
                "UPDATE messages SET tool_calls = ?, function_call = ?, metadata = ?,"
                " error_message = ? WHERE id = ?",
                calls, call, metadata, error, message,
            )  # fmt: skip

        @rule(message=messages, tokens=TOKENS, cost=COSTS)
        def change_usage(self, message, tokens, cost):
            self.execute(
                "UPDATE messages SET input_tokens = ?, cost = ? WHERE id = ?", tokens, cost, message
            )

        @rule(session=sessions, text=TEXTS, other=TEXTS)
        def change_title(self, session, text, other):
            self.execute(
                "UPDATE sessions SET title = ?, description = ? WHERE id = ?", text, other, session
            )

        @rule(session=sessions, text=TEXTS, tags=TAGS)
        def change_head(self, session, text, tags):
            self.execute(
                "UPDATE sessions SET system_prompt = ?, tags = ? WHERE id = ?", text, tags, session
            )

        @rule(session=sessions)
        def move_to_trash(self, session):
            self.execute(
                "UPDATE sessions SET deleted_at = CASE WHEN deleted_at IS NULL"
                " THEN CURRENT_TIMESTAMP END WHERE id = ?",
                session,
            )

        @rule(note=notes, text=TEXTS)
        def change_note(self, note, text):
            self.execute("UPDATE annotations SET content = ? WHERE id = ?", text, note)

        @rule(message=messages, session=sessions)
        def move(self, message, session):
            self.execute(
                "UPDATE OR IGNORE messages SET session_id = ?, sequence_number = ? WHERE id = ?"
                " AND EXISTS (SELECT 1 FROM sessions WHERE id = ?)",
                session, self.number, message, session,
            )  # fmt: skip

        @rule(message=messages)
        def renumber(self, message):
            for table in ("messages", "annotations"):
                self.execute(
                    f"UPDATE {table} SET id = (SELECT MAX(id) + 1 FROM {table}) WHERE id = ?",
                    message,
                )

        @rule(message=consumes(messages))
        def delete_message(self, message):
            self.execute("DELETE FROM messages WHERE id = ?", message)

        @rule(session=consumes(sessions))
        def delete_session(self, session):
            self.execute("DELETE FROM sessions WHERE id = ?", session)

        @rule(note=consumes(notes))
        def delete_note(self, note):
            self.execute("DELETE FROM annotations WHERE id = ?", note)

        @rule(text=TEXTS)
        def change_many(self, text):
            self.execute("UPDATE messages SET content = content || ' ' || ? WHERE id % 3 = 0", text)

        @rule(text=TEXTS)
        def take_back(self, text):
            """A transaction that is rolled back leaves nothing behind."""
            connection = self.connections[self.number % 2]
            connection.execute("BEGIN IMMEDIATE")
            self.number += 2
            connection.execute("UPDATE messages SET content = ? WHERE id % 2 = 0", [text])
            connection.execute("DELETE FROM sessions WHERE id % 2 = 1")
            connection.execute("ROLLBACK")

        @invariant()
        def totals_are_right(self):
            assert self.connections[0].execute(TOTALS_ARE_RIGHT).fetchall() == []

        def teardown(self):
            one = self.connections[0].execute
            assert one("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert one(
                "SELECT COUNT(*) FROM messages WHERE session_id NOT IN (SELECT id FROM sessions)"
            ).fetchone() == (0,)
            indexed = one(
                "SELECT rowid FROM messages_fts WHERE messages_fts MATCH 'content : apple'"
            ).fetchall()
            texts = one("SELECT id FROM messages WHERE content LIKE '%apple%'").fetchall()
            assert sorted(indexed) == sorted(texts)
            for connection in self.connections:
                connection.close()
            alias = files.connect(self.file)
            try:
                with connections[alias].cursor() as cursor:
                    cursor.execute("PRAGMA synchronous = OFF")
                assert_exact(alias)
            finally:
                files.close(alias)
                del connections[alias], connections.databases[alias]
            self.folder.cleanup()

    return Writers


def test_totals_and_indexes_are_exact_after_thousands_of_random_changes(
    empty_database, django_db_blocker
):
    writers = machine(empty_database)
    with django_db_blocker.unblock():
        run_state_machine_as_test(
            writers,
            settings=settings(
                max_examples=40,
                stateful_step_count=150,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert writers.changes >= 3_000
