"""Checks find what is wrong, and repair makes anew what can be made anew."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from django.apps import apps
from django.db import connections

from conversations.errors import DatabaseTrouble
from maintenance import checking, repairing, setting_aside
from maintenance.checking import Kind
from maintenance.models import MaintenanceRun
from sessionsite.manager import SessionManager


@pytest.fixture
def db(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        model = manager.add_model("openai", "gpt-4")
        session = manager.create_session("Keep me", model_id=model, tags=["red"])
        manager.add_message(session, "user", "precious words", input_tokens=5, cost=0.25)
        manager.add_message(session, "assistant", "more words", output_tokens=7)
        yield manager


@pytest.fixture
def spoil(database_file):
    """Run statements as a program does that knows nothing of foreign keys and triggers."""

    def run(*statements: str) -> None:
        with closing(sqlite3.connect(database_file, isolation_level=None)) as plain:
            for statement in statements:
                plain.execute(statement)

    return run


def found(db) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for finding in checking.check(using=db.alias):
        kinds.setdefault(str(finding.kind), []).append(finding.text)
    return kinds


def rows(db, sql: str) -> list[tuple]:
    with connections[db.alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_a_sound_database_has_nothing_to_repair(db, database_file):
    assert found(db) == {}
    repaired = repairing.repair(using=db.alias)
    assert (repaired.found, repaired.left, repaired.copy) == ([], [], None)
    kinds = MaintenanceRun.objects.using(db.alias).order_by("id").values_list("kind", "summary")
    assert list(kinds) == [
        ("check", "Everything is sound."),
        ("repair", "Everything is sound; nothing had to be repaired."),
    ]


UNTRIGGERED = "INSERT INTO bulk_load (id) VALUES (1)", "DELETE FROM bulk_load"
DAMAGE = {
    "totals": (
        ["UPDATE sessions SET total_messages = 9, total_cost = 1"],
        Kind.DERIVED,
        "the totals of 1 sessions differ from their messages",
    ),
    "tags": (["DELETE FROM session_tags"], Kind.DERIVED, "1 rows of session_tags differ"),
    "counters": (
        [
            "INSERT INTO batch_jobs (job_uuid, name) VALUES ('j', 'Job')",
            "INSERT INTO batch_items (batch_job_id, item_index, status) VALUES (1, 0, 'failed')",
            "UPDATE batch_jobs SET failed_items = 0",
        ],
        Kind.DERIVED,
        "1 batch jobs differ",
    ),
    "roll-ups": (
        ["DELETE FROM rollup_days WHERE tag = ''"],
        Kind.DERIVED,
        "roll-up rollup_days: 2 rows or more differ",
    ),
    "search index": (
        ["INSERT INTO messages_fts (rowid, content) VALUES (999, 'never said')"],
        Kind.SEARCH,
        "search index messages_fts",
    ),
    "trigger": (
        ["DROP TRIGGER messages_insert_totals"],
        Kind.DEFINITION,
        "messages_insert_totals is missing",
    ),
    "changed trigger": (
        [
            "DROP TRIGGER messages_insert_totals",
            "CREATE TRIGGER messages_insert_totals AFTER INSERT ON messages BEGIN SELECT 1; END",
        ],
        Kind.DEFINITION,
        "messages_insert_totals is missing, or not as it should be",
    ),
    "triggers off": (
        ["INSERT INTO bulk_load (id) VALUES (1)"],
        Kind.DEFINITION,
        "bulk_load holds a row",
    ),
    "view": (["DROP VIEW v_daily_stats"], Kind.DEFINITION, "v_daily_stats is missing"),
    "roll-up table": (["DROP TABLE rollup_hours"], Kind.DEFINITION, "rollup_hours is missing"),
    "index": (
        ["DROP INDEX messages_by_time"],
        Kind.INDEX,
        "the index messages_by_time of messages is missing",
    ),
    "unique index": (
        ["DROP INDEX sessions_imported_once"],
        Kind.INDEX,
        "the index sessions_imported_once of sessions is missing",
    ),
    "sequence": (
        ["UPDATE sqlite_sequence SET seq = 1 WHERE name = 'messages'"],
        Kind.SEQUENCE,
        "the next id of messages",
    ),
    "reference": (
        ["UPDATE sessions SET model_id = 77"],
        Kind.REFERENCE,
        "sessions row 1 refers to a row of models that is not there",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_can_be_made_anew_is_found_and_repaired(db, spoil, name):
    statements, kind, text = DAMAGE[name]
    before = rows(db, "SELECT title, total_messages, total_cost FROM sessions")
    spoil(*statements)
    problems = checking.check(using=db.alias)
    assert any(finding.kind == kind and text in finding.text for finding in problems), problems
    assert all(finding.can_be_mended for finding in problems)
    repaired = repairing.repair(using=db.alias)
    assert (repaired.left, repaired.failures) == ([], [])
    assert found(db) == {}
    assert rows(db, "SELECT title, total_messages, total_cost FROM sessions") == before
    assert len(db.search("precious")) == 1
    assert rows(db, "SELECT path FROM maintenance_backups") == [(str(repaired.copy),)]
    with closing(sqlite3.connect(repaired.copy)) as copy:
        assert copy.execute("SELECT COUNT(*) FROM messages").fetchone() == (2,)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM messages_fts_data",
        "UPDATE messages_fts_data SET block = zeroblob(length(block))",
        "DELETE FROM unspaced_fts_data",
        "DROP TABLE messages_fts_data",
        "DROP TABLE sessions_fts_config",
        "DROP TABLE search_extras",
        "DROP VIEW messages_search_source",
        "DROP TABLE messages_fts",
    ],
)
def test_a_search_index_that_is_broken_inside_is_made_anew(db, spoil, statement):
    spoil(statement)
    assert checking.check(using=db.alias)
    repaired = repairing.repair(using=db.alias)
    assert repaired.left == [], repaired
    assert len(db.search("precious")) == 1
    db.add_message(db.list_sessions()[0]["session_uuid"], "user", "later words")
    assert len(db.search("later")) == 1
    assert found(db) == {}


def test_rows_that_refer_to_nothing_are_put_aside_with_all_that_hangs_on_them(db, spoil):
    spoil(
        "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content)"
        " VALUES ('lost', 400, 1, 'user', 'words of a lost session')",
        "INSERT INTO annotations (annotation_uuid, entity_type, entity_id, annotation_type,"
        " content) SELECT 'a', 'message', id, 'note', 'a remark' FROM messages"
        " WHERE message_uuid = 'lost'",
        "INSERT INTO workflow_executions (execution_uuid, workflow_id) VALUES ('e', 9)",
        "INSERT INTO workflow_steps (workflow_execution_id, step_name, step_index)"
        " VALUES (1, 'step', 0)",
        "UPDATE sessions SET project_id = 12",
    )
    repaired = repairing.repair(using=db.alias)
    assert repaired.left == []
    kept = rows(db, "SELECT table_name, column_name, session_id, value FROM set_aside ORDER BY 1")
    assert [(table, column, session) for table, column, session, _ in kept] == [
        ("annotations", None, None),
        ("messages", None, 400),
        ("sessions", "project_id", 1),
        ("workflow_executions", None, None),
        ("workflow_steps", None, None),
    ]
    whole = {table: json.loads(value) for table, column, _, value in kept if column is None}
    assert whole["messages"]["content"] == "words of a lost session"
    assert whole["annotations"]["content"] == "a remark"
    assert whole["workflow_steps"]["step_name"] == "step"
    assert kept[2][3] == "12"
    assert {entry["table"] for entry in repaired.set_aside} == {row[0] for row in kept}
    assert rows(db, "SELECT COUNT(*) FROM messages") == [(2,)]


def test_a_value_that_no_repair_can_know_is_left_and_named(db, database_file):
    connections[db.alias].close()
    with closing(sqlite3.connect(database_file, isolation_level=None)) as plain:
        plain.execute("PRAGMA ignore_check_constraints = ON")
        plain.execute("UPDATE messages SET role = 'robot' WHERE id = 1")
    [finding] = checking.check(using=db.alias)
    assert (finding.kind, finding.can_be_mended) == (Kind.VALUE, False)
    repaired = repairing.repair(using=db.alias)
    assert [finding.kind for finding in repaired.left] == [Kind.VALUE]
    assert repaired.copy is None  # there was nothing that it could do


def test_damage_of_the_file_is_named_and_not_repaired(db, database_file):
    [[page, size]] = rows(
        db, "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size"
        " WHERE name = 'messages_facts'"
    )  # fmt: skip
    connections[db.alias].close()
    with database_file.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 200)
    problems = checking.check(using=db.alias)
    assert any(finding.kind == Kind.FILE for finding in problems)
    assert not all(finding.can_be_mended for finding in problems)


def test_an_index_that_lacks_rows_is_made_anew(db, database_file):
    with connections[db.alias].cursor() as cursor:
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages_by_time'")
        [root] = cursor.fetchone()
    connections[db.alias].close()
    with closing(sqlite3.connect(database_file, isolation_level=None)) as plain:
        # Its name is hidden while rows come, so that they are not in it.
        plain.execute("PRAGMA writable_schema = ON")
        sql = plain.execute("SELECT sql FROM sqlite_master WHERE rootpage = ?", [root]).fetchone()
        plain.execute("DELETE FROM sqlite_master WHERE rootpage = ?", [root])
    with closing(sqlite3.connect(database_file, isolation_level=None)) as plain:
        plain.execute(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role)"
            " VALUES ('m3', 1, 3, 'user')"
        )
        plain.execute("PRAGMA writable_schema = ON")
        plain.execute(
            "INSERT INTO sqlite_master VALUES ('index', 'messages_by_time', 'messages', ?, ?)",
            [root, *sql],
        )
    assert "missing from index messages_by_time" in found(db)["index"][0]
    assert repairing.repair(using=db.alias).left == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("row 3 missing from index messages_by_time", Kind.INDEX),
        ("wrong # of entries in index messages_facts", Kind.INDEX),
        ("Page 261 is never used", Kind.PAGES),
        ("CHECK constraint failed in messages", Kind.VALUE),
        ("NULL value in messages.role", Kind.VALUE),
        ("non-unique entry in index sqlite_autoindex_messages_1", Kind.VALUE),
        ("malformed inverted index for FTS5 table main.messages_fts", Kind.SEARCH),
        ("On tree page 5 cell 3: Rowid 7 out of order", Kind.FILE),
        ("2nd reference to page 12", Kind.FILE),
    ],
)
def test_what_sqlite_says_is_sorted_by_what_helps(text, kind):
    assert checking.kind_of_damage(text) == kind


def test_very_many_findings_are_counted(db, spoil):
    spoil(
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 150)"
        " INSERT INTO workflow_executions (execution_uuid, workflow_id) SELECT x, 900 + x FROM n"
    )
    problems = checking.check(using=db.alias)
    assert len(problems) == checking.MOST + 1
    assert problems[-1].text == "and 50 more such"


def test_a_lock_that_another_program_holds_is_no_fault_of_the_file(db, database_file):
    connections[db.alias].cursor().execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseTrouble, match="is locked: another program"):
            checking.check(using=db.alias)
    assert found(db) == {}


def test_what_was_put_aside_of_a_session_can_be_forgotten(db, database_file):
    session = db.list_sessions()[0]
    with closing(sqlite3.connect(database_file, isolation_level=None)) as plain:
        aside = setting_aside.Aside(plain)
        aside.keep("messages", 7, None, "a reason", {"session_id": 1, "content": "canary"})
        aside.keep("messages", 8, None, "a reason", {"session_id": 2, "content": "another"})
    assert session["id"] == 1
    app = apps.get_app_config("maintenance")
    with connections[db.alias].cursor() as cursor:
        app.forget(cursor, [1])
    assert rows(db, "SELECT row_id FROM set_aside") == [(8,)]


def test_a_repair_waits_for_no_other_program_and_leaves_the_indexes(db, spoil, database_file):
    spoil("UPDATE sessions SET total_messages = 9")
    connections[db.alias].cursor().execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseTrouble, match="is locked: another program"):
            repairing.repair(using=db.alias)
    assert len(db.search("precious")) == 1
