"""Ten thousand random changes to messages and sessions; then totals and index are still exact."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

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

WORDS = st.sampled_from(
    ["apple", "banana", "cherry", "running", "Élan", "日本", "<b>x</b>", "a\"b'", "ünï", "🙂", "—"]
)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)
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
"""


def machine(template: Path) -> type[RuleBasedStateMachine]:
    class Writers(RuleBasedStateMachine):
        """Two connections, one with foreign keys and one without, change the same file."""

        sessions = Bundle("sessions")
        messages = Bundle("messages")
        changes = 0

        def __init__(self):
            super().__init__()
            self.folder = tempfile.TemporaryDirectory()
            file = shutil.copy(template, Path(self.folder.name, "random.db"))
            self.connections = [sqlite3.connect(file, isolation_level=None) for _ in range(2)]
            for number, connection in enumerate(self.connections):
                connection.execute(f"PRAGMA foreign_keys = {number}")
                connection.execute("PRAGMA synchronous = OFF")
            self.number = 0

        def execute(self, sql, *parameters):
            Writers.changes += 1
            self.number += 1
            return self.connections[self.number % 2].execute(sql, parameters)

        @rule(target=sessions)
        def add_session(self):
            return self.execute(
                "INSERT INTO sessions (session_uuid) VALUES (hex(randomblob(16)))"
            ).lastrowid

        @rule(target=messages, session=sessions, text=TEXTS, tokens=TOKENS, cost=COSTS)
        def add_message(self, session, text, tokens, cost):
            return self.execute(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content,"
                " input_tokens, output_tokens, cost)"
                " SELECT hex(randomblob(16)), id, ?, 'user', ?, ?, ?, ? FROM sessions WHERE id = ?",
                self.number, text, tokens, tokens, cost, session,
            ).lastrowid  # fmt: skip

        @rule(message=messages, text=TEXTS)
        def change_text(self, message, text):
            self.execute("UPDATE messages SET content = ? WHERE id = ?", text, message)

        @rule(message=messages, tokens=TOKENS, cost=COSTS)
        def change_usage(self, message, tokens, cost):
            self.execute(
                "UPDATE messages SET input_tokens = ?, cost = ? WHERE id = ?", tokens, cost, message
            )

        @rule(message=messages, session=sessions)
        def move(self, message, session):
            self.execute(
                "UPDATE OR IGNORE messages SET session_id = ?, sequence_number = ? WHERE id = ?"
                " AND EXISTS (SELECT 1 FROM sessions WHERE id = ?)",
                session, self.number, message, session,
            )  # fmt: skip

        @rule(message=consumes(messages))
        def delete_message(self, message):
            self.execute("DELETE FROM messages WHERE id = ?", message)

        @rule(session=consumes(sessions))
        def delete_session(self, session):
            self.execute("DELETE FROM sessions WHERE id = ?", session)

        @rule(text=TEXTS)
        def change_many(self, text):
            self.execute("UPDATE messages SET content = content || ' ' || ? WHERE id % 3 = 0", text)

        @invariant()
        def totals_are_right(self):
            assert self.connections[0].execute(TOTALS_ARE_RIGHT).fetchall() == []

        def teardown(self):
            one = self.connections[0].execute
            one("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
            assert one("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert one(
                "SELECT COUNT(*) FROM messages WHERE session_id NOT IN (SELECT id FROM sessions)"
            ).fetchone() == (0,)
            indexed = one(
                "SELECT rowid FROM messages_fts WHERE messages_fts MATCH 'apple'"
            ).fetchall()
            texts = one("SELECT id FROM messages WHERE content LIKE '%apple%'").fetchall()
            assert sorted(indexed) == sorted(texts)
            for connection in self.connections:
                connection.close()
            self.folder.cleanup()

    return Writers


def test_totals_and_index_are_exact_after_ten_thousand_random_changes(empty_database):
    writers = machine(empty_database)
    run_state_machine_as_test(
        writers,
        settings=settings(
            max_examples=110,
            stateful_step_count=150,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert writers.changes >= 10_000
