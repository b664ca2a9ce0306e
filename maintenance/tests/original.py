"""A database as the original system left them: its schema, its triggers, its wrongs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    metadata JSON);
CREATE TABLE models (
    id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, model_name TEXT NOT NULL,
    model_version TEXT, endpoint_url TEXT, api_key_name TEXT, default_temperature REAL DEFAULT 0.7,
    default_max_tokens INTEGER, default_top_p REAL, context_window INTEGER,
    supports_streaming BOOLEAN DEFAULT 1, supports_functions BOOLEAN DEFAULT 0,
    cost_per_1k_input_tokens REAL, cost_per_1k_output_tokens REAL, is_active BOOLEAN DEFAULT 1,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, metadata JSON,
    UNIQUE (provider, model_name, model_version));
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_uuid TEXT NOT NULL UNIQUE,
    project_id INTEGER REFERENCES projects (id), session_type TEXT DEFAULT 'single', title TEXT,
    description TEXT, model_id INTEGER REFERENCES models (id), system_prompt TEXT,
    temperature REAL, max_tokens INTEGER, top_p REAL, status TEXT DEFAULT 'active',
    started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, completed_at TIMESTAMP,
    total_messages INTEGER DEFAULT 0, total_input_tokens INTEGER DEFAULT 0,
    total_output_tokens INTEGER DEFAULT 0, total_cost REAL DEFAULT 0.0,
    parent_session_id INTEGER REFERENCES sessions (id), tags JSON, metadata JSON, mood TEXT);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message_uuid TEXT NOT NULL UNIQUE,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    parent_message_id INTEGER REFERENCES messages (id), sequence_number INTEGER NOT NULL,
    role TEXT NOT NULL, content TEXT NOT NULL, content_type TEXT DEFAULT 'text',
    model_id INTEGER REFERENCES models (id), timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    input_tokens INTEGER, output_tokens INTEGER, cost REAL, latency_ms INTEGER,
    finish_reason TEXT, function_call JSON, tool_calls JSON, error_message TEXT, metadata JSON);
CREATE TABLE batch_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job_uuid TEXT NOT NULL UNIQUE, project_id INTEGER,
    name TEXT NOT NULL, description TEXT, job_type TEXT DEFAULT 'standard', model_id INTEGER,
    input_source TEXT, input_data JSON, status TEXT DEFAULT 'pending', total_items INTEGER,
    completed_items INTEGER DEFAULT 0, failed_items INTEGER DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP,
    error_message TEXT, metadata JSON);
CREATE TABLE batch_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, batch_job_id INTEGER NOT NULL, session_id INTEGER,
    item_index INTEGER NOT NULL, input_data JSON, status TEXT DEFAULT 'pending', result_data JSON,
    error_message TEXT, started_at TIMESTAMP, completed_at TIMESTAMP);
CREATE TABLE annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, annotation_uuid TEXT NOT NULL UNIQUE,
    entity_type TEXT NOT NULL, entity_id INTEGER NOT NULL, annotation_type TEXT NOT NULL,
    content TEXT, rating INTEGER, annotator TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, metadata JSON);
CREATE INDEX idx_messages_session ON messages (session_id);
CREATE VIRTUAL TABLE messages_fts USING fts5 (
    message_uuid, session_uuid, role, content, content = 'messages', content_rowid = 'id');
CREATE VIEW v_daily_stats AS SELECT DATE(started_at) AS date FROM sessions;
CREATE VIEW my_view AS SELECT session_uuid, title FROM sessions;
CREATE VIEW my_broken_view AS SELECT * FROM a_table_that_went;
CREATE TRIGGER update_session_stats AFTER INSERT ON messages BEGIN
    UPDATE sessions SET total_messages = total_messages + 1,
        total_input_tokens = total_input_tokens + COALESCE(NEW.input_tokens, 0),
        total_output_tokens = total_output_tokens + COALESCE(NEW.output_tokens, 0),
        total_cost = total_cost + COALESCE(NEW.cost, 0) WHERE id = NEW.session_id;
END;
CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages BEGIN
    INSERT INTO messages_fts (rowid, message_uuid, session_uuid, role, content)
    VALUES (NEW.id, NEW.message_uuid, '', NEW.role, NEW.content);
END;
CREATE TABLE my_notes (id INTEGER PRIMARY KEY, session_id INTEGER REFERENCES sessions (id),
    note TEXT, upper_note TEXT AS (upper(note)));
CREATE INDEX my_notes_by_session ON my_notes (session_id);
CREATE TABLE prices (what TEXT, usd REAL);
"""
ROWS = """
INSERT INTO projects (name, metadata) VALUES ('Research', '{"colour": "red"}');
INSERT INTO models (provider, model_name) VALUES ('openai', 'gpt-4');
INSERT INTO sessions (session_uuid, project_id, model_id, title, tags, mood)
    VALUES ('s1', 1, 1, 'First', '["a", "b"]', 'merry');
INSERT INTO sessions (session_uuid, project_id, title) VALUES ('s2', 44, 'Of a lost project');
INSERT INTO sessions (session_uuid, title, status, tags, started_at, parent_session_id)
    VALUES ('s3', 'Odd', 'paused', 'a, b', 'some day', 1);
INSERT INTO sessions (session_uuid, title) VALUES ('gone', 'Gone');
INSERT INTO messages (message_uuid, session_id, sequence_number, role, content, input_tokens, cost)
    VALUES ('m1', 1, 1, 'user', 'precious words', 10, 0.25),
           ('m2', 1, 2, 'assistant', 'an answer', 20, 0.5),
           ('m3', 2, 1, 'user', 'deleted later', 30, 0.1),
           ('m4', 3, 1, 'user', 'negative', -5, 1e99),
           ('m5', 3, 2, 'robot', 'beep', NULL, NULL),
           ('m6', 3, 2, 'user', 'second of its number', NULL, NULL),
           ('m7', 3, 2, 'user', 'third of its number', NULL, NULL),
           ('m8', 4, 1, 'user', 'words of a session that went', 7, 0.7);
INSERT INTO messages (message_uuid, session_id, sequence_number, role, content, timestamp, metadata)
    VALUES ('m9', 3, 9, 'user', CAST(x'6361e9' AS TEXT), 1736368245, '{not json');
DELETE FROM messages WHERE message_uuid = 'm3';
DELETE FROM sessions WHERE session_uuid = 'gone';
INSERT INTO annotations (annotation_uuid, entity_type, entity_id, annotation_type, content, rating)
    VALUES ('a1', 'message', 1, 'rating', 'good', 5), ('a2', 'message', 1, 'rating', '', 11),
           ('a3', 'message', 8, 'note', 'on what went', NULL);
INSERT INTO batch_jobs (job_uuid, name, status, total_items, completed_items)
    VALUES ('j1', 'Job', 'running', 2, 0);
INSERT INTO batch_items (batch_job_id, item_index, status, session_id)
    VALUES (1, 0, 'completed', 1), (1, 1, 'completed', 4), (9, 0, 'pending', NULL);
INSERT INTO my_notes (session_id, note) VALUES (1, 'mine'), (4, 'of what went');
INSERT INTO prices VALUES ('tea', 2.5);
CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages BEGIN
    DELETE FROM messages_fts WHERE rowid = OLD.id;
END;
"""


def make(file: Path, rows: str = ROWS) -> Path:
    """Make such a database, with foreign keys off as it had them, and return it."""
    with closing(sqlite3.connect(file)) as plain:
        plain.executescript(SCHEMA)
        plain.executescript(rows)
    return file


def make_large(file: Path, sessions: int, messages: int = 10) -> Path:
    """Make one with so many sessions of so many messages each."""
    make(file, "")
    with closing(sqlite3.connect(file)) as plain:
        plain.executemany(
            "INSERT INTO sessions (id, session_uuid, title) VALUES (?, ?, ?)",
            ((n, f"s{n}", f"Session {n}") for n in range(1, sessions + 1)),
        )
        plain.executemany(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content,"
            " input_tokens, cost) VALUES (?, ?, ?, 'user', ?, 7, 0.01)",
            (
                (f"m{n}-{m}", n, m, f"message {m} of session {n} " * 8)
                for n in range(1, sessions + 1)
                for m in range(messages)
            ),
        )
        plain.commit()
    return file
