"""The promises of the schema, kept for a plain `sqlite3` connection that knows no Django."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

TABLES = {
    "projects": "id name description created_at updated_at metadata",
    "models": "id provider model_name model_version endpoint_url api_key_name default_temperature"
    " default_max_tokens default_top_p context_window supports_streaming supports_functions"
    " cost_per_1k_input_tokens cost_per_1k_output_tokens is_active created_at metadata",
    "sessions": "id session_uuid project_id session_type title description model_id system_prompt"
    " temperature max_tokens top_p status started_at completed_at total_messages"
    " total_input_tokens total_output_tokens total_cost parent_session_id tags metadata",
    "messages": "id message_uuid session_id parent_message_id sequence_number role content"
    " content_type model_id timestamp input_tokens output_tokens cost latency_ms finish_reason"
    " function_call tool_calls error_message metadata",
    "comparison_groups": "id group_uuid project_id name description comparison_type created_at"
    " completed_at metadata",
    "comparison_sessions": "id comparison_group_id session_id variant_name variant_config"
    " created_at",
    "comparison_results": "id comparison_group_id session_id message_id metric_name metric_value"
    " metric_unit evaluator notes evaluated_at metadata",
    "batch_jobs": "id job_uuid project_id name description job_type model_id input_source"
    " input_data status total_items completed_items failed_items created_at started_at completed_at"
    " error_message metadata",
    "batch_items": "id batch_job_id session_id item_index input_data status result_data"
    " error_message started_at completed_at",
    "workflows": "id workflow_uuid project_id name description workflow_definition status version"
    " created_at updated_at metadata",
    "workflow_executions": "id execution_uuid workflow_id status input_data output_data"
    " current_step started_at completed_at error_message metadata",
    "workflow_steps": "id workflow_execution_id step_name step_index session_id status input_data"
    " output_data started_at completed_at error_message",
    "performance_metrics": "id metric_type entity_type entity_id metric_name metric_value"
    " metric_unit period_start period_end sample_count recorded_at metadata",
    "session_snapshots": "id session_id snapshot_type sequence_number session_state context_window"
    " created_at description",
    "annotations": "id annotation_uuid entity_type entity_id annotation_type content rating"
    " annotator created_at updated_at metadata",
}
VIEWS = {
    "v_session_summary": "id session_uuid title session_type status project_name model_full_name"
    " total_messages total_input_tokens total_output_tokens total_cost started_at completed_at"
    " duration_ms",
    "v_message_details": "id message_uuid session_uuid session_title sequence_number role content"
    " timestamp input_tokens output_tokens cost latency_ms model_full_name",
    "v_comparison_summary": "id group_uuid name comparison_type variant_count avg_cost"
    " avg_total_tokens avg_duration_ms created_at",
    "v_model_performance": "id provider model_name session_count message_count total_input_tokens"
    " total_output_tokens avg_latency_ms total_cost",
    "v_daily_stats": "date session_count total_messages total_input_tokens total_output_tokens"
    " total_cost avg_cost_per_session",
}
# The least that an INSERT must name, per table; all else has its default in the database.
LEAST = {
    "projects": {"name": "p"},
    "models": {"provider": "p", "model_name": "m"},
    "sessions": {"session_uuid": "s"},
    "messages": {"message_uuid": "m", "session_id": 1, "sequence_number": 1, "role": "user"},
    "comparison_groups": {"group_uuid": "g", "name": "n"},
    "comparison_sessions": {"comparison_group_id": 1, "session_id": 1},
    "comparison_results": {"comparison_group_id": 1, "metric_name": "latency"},
    "batch_jobs": {"job_uuid": "j", "name": "n"},
    "batch_items": {"batch_job_id": 1, "item_index": 0},
    "workflows": {"workflow_uuid": "w", "name": "n", "workflow_definition": "{}"},
    "workflow_executions": {"execution_uuid": "e", "workflow_id": 1},
    "workflow_steps": {"workflow_execution_id": 1, "step_name": "s", "step_index": 0},
    "performance_metrics": {"metric_type": "daily", "entity_type": "global", "metric_name": "n"},
    "session_snapshots": {"session_id": 1, "sequence_number": 1, "session_state": "{}"},
    "annotations": {
        "annotation_uuid": "a",
        "entity_type": "session",
        "entity_id": 1,
        "annotation_type": "note",
    },
}


@pytest.fixture(params=[True, False], ids=["foreign keys on", "foreign keys off"])
def db(database_file, request):
    """A plain connection, with and without foreign keys: SQLite's default is without."""
    with closing(sqlite3.connect(database_file)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA foreign_keys = {request.param:d}")
        yield connection
        connection.commit()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute(
            "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
        )


def insert(db, table: str, **values) -> int:
    values = {**LEAST[table], **values}
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    return db.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())
    ).lastrowid


def one(db, sql: str, *parameters):
    return db.execute(sql, parameters).fetchone()


def totals(db, session_id: int) -> tuple:
    return tuple(
        one(
            db,
            "SELECT total_messages, total_input_tokens, total_output_tokens, total_cost"
            " FROM sessions WHERE id = ?",
            session_id,
        )
    )


def everything(db) -> None:
    """Insert a row into every table, in an order in which each finds its parents."""
    for table in LEAST:
        insert(db, table)


@pytest.mark.parametrize(("table", "columns"), [*TABLES.items(), *VIEWS.items()])
def test_every_table_and_view_has_its_columns(db, table, columns):
    there = [column["name"] for column in db.execute(f"PRAGMA table_xinfo({table})")]
    assert set(columns.split()) <= set(there)
    if table in VIEWS:
        assert there == columns.split()


def test_every_column_that_may_be_left_out_has_its_default(db):
    everything(db)
    session = one(db, "SELECT * FROM sessions")
    assert session["status"] == "active"
    assert session["session_type"] == "single"
    assert (session["tags"], session["metadata"]) == ("[]", "{}")
    model = one(db, "SELECT * FROM models")
    assert (model["default_temperature"], model["supports_streaming"]) == (0.7, 1)
    assert (model["supports_functions"], model["is_active"]) == (0, 1)
    assert one(db, "SELECT comparison_type FROM comparison_groups")[0] == "model"
    assert one(db, "SELECT status, total_items FROM batch_jobs")[:] == ("pending", 0)
    assert one(db, "SELECT version, status FROM workflows")[:] == (1, "draft")
    assert one(db, "SELECT content_type, content FROM messages")[:] == ("text", "")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("sessions", "started_at"),
        ("messages", "timestamp"),
        ("projects", "updated_at"),
        ("batch_jobs", "created_at"),
        ("annotations", "created_at"),
    ],
)
def test_times_are_utc_text_that_sqlite_reads(db, table, column):
    everything(db)
    seconds = one(
        db, f"SELECT (julianday('now') - julianday({column})) * 86400 FROM {table} LIMIT 1"
    )
    assert 0 <= seconds[0] + 0.01 < 60
    assert one(db, f"SELECT DATE({column}) = DATE('now') FROM {table}")[0] == 1


@pytest.mark.parametrize(
    "junk", ["yesterday", "", "12:30", 1700000000, "0000-01-01", "2025-13-01", "10000-01-01"]
)
def test_a_time_that_nobody_can_read_is_refused(db, junk):
    with pytest.raises(sqlite3.IntegrityError):
        insert(db, "sessions", started_at=junk)


@pytest.mark.parametrize(
    "good",
    [
        "2025-01-08",
        "2025-01-08 20:30:45",
        "2025-01-08T20:30:45.123456+00:00",
        "1999-12-31T00:00:00Z",
    ],
)
def test_the_usual_ways_to_write_a_time_are_taken(db, good):
    insert(db, "sessions", started_at=good)
    assert one(db, "SELECT DATE(started_at) FROM sessions")[0] == good[:10]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("sessions", "status", "asleep"),
        ("sessions", "session_type", "other"),
        ("sessions", "tags", "not json"),
        ("messages", "role", "robot"),
        ("messages", "input_tokens", -1),
        ("messages", "input_tokens", "many"),
        ("messages", "cost", -0.1),
        ("messages", "cost", "free"),
        ("messages", "cost", 1e300),
        ("messages", "content", b"bytes"),
        ("annotations", "rating", 6),
        ("annotations", "annotation_type", "shout"),
        ("batch_items", "status", "lost"),
        ("comparison_results", "evaluator", "oracle"),
    ],
)
def test_values_outside_the_contract_are_refused(db, table, column, value):
    for parent in ("sessions", "batch_jobs", "comparison_groups"):
        if parent != table:
            insert(db, parent)
    with pytest.raises(sqlite3.IntegrityError):
        insert(db, table, **{column: value})


def test_what_must_be_unique_is(db):
    everything(db)
    for table in ("projects", "models", "sessions", "messages", "batch_items", "workflow_steps"):
        with pytest.raises(sqlite3.IntegrityError):
            insert(db, table)


# -- totals -----------------------------------------------------------------------------------


def test_totals_follow_insert_update_move_and_delete(db):
    first, second = insert(db, "sessions"), insert(db, "sessions", session_uuid="t")
    usage = {"input_tokens": 10, "output_tokens": 5, "cost": 0.25}
    message = insert(db, "messages", session_id=first, **usage)
    insert(db, "messages", message_uuid="n", session_id=first, sequence_number=2)
    assert totals(db, first) == (2, 10, 5, 0.25)

    db.execute("UPDATE messages SET input_tokens = 7, cost = NULL WHERE id = ?", [message])
    assert totals(db, first) == (2, 7, 5, 0)

    db.execute("UPDATE messages SET session_id = ?, cost = 0.5 WHERE id = ?", [second, message])
    assert totals(db, first) == (1, 0, 0, 0)
    assert totals(db, second) == (1, 7, 5, 0.5)

    db.execute("DELETE FROM messages WHERE id = ?", [message])
    assert totals(db, second) == (0, 0, 0, 0)


def test_the_cost_of_many_messages_adds_up_to_the_nano_dollar(db):
    session = insert(db, "sessions")
    costs = [f"0.{n:09d}" for n in range(1, 30_000_000, 9_973)]
    db.executemany(
        "INSERT INTO messages (message_uuid, session_id, sequence_number, role, cost)"
        " VALUES (?, ?, ?, 'user', ?)",
        [(f"m{i}", session, i, float(cost)) for i, cost in enumerate(costs)],
    )
    nanos = one(db, "SELECT total_cost_nanos FROM sessions")[0]
    assert Decimal(nanos) / 10**9 == sum(map(Decimal, costs))
    assert totals(db, session)[3] == nanos / 1e9


def test_an_upsert_keeps_totals_and_index(db):
    insert(db, "sessions")
    for tokens, text in ((1, "apple"), (2, "banana")):
        db.execute(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content,"
            " input_tokens) VALUES ('m', 1, 1, 'user', ?, ?) ON CONFLICT (message_uuid)"
            " DO UPDATE SET content = excluded.content, input_tokens = excluded.input_tokens",
            [text, tokens],
        )
    assert totals(db, 1)[:2] == (1, 2)
    assert found(db, "banana") == [1]
    assert found(db, "apple") == []


# -- deleting ---------------------------------------------------------------------------------


def test_deleting_a_session_leaves_no_orphan(db):
    everything(db)
    insert(db, "sessions", session_uuid="child", parent_session_id=1)
    insert(db, "comparison_results", session_id=1, message_id=1)
    insert(db, "annotations", annotation_uuid="b", entity_type="message", entity_id=1)
    insert(db, "messages", message_uuid="reply", sequence_number=2, parent_message_id=1)
    db.execute("UPDATE batch_items SET session_id = 1")
    db.execute("UPDATE workflow_steps SET session_id = 1")

    db.execute("DELETE FROM sessions WHERE id = 1")

    for table in ("messages", "session_snapshots", "comparison_sessions", "annotations"):
        assert one(db, f"SELECT COUNT(*) FROM {table}")[0] == 0, table
    assert one(db, "SELECT COUNT(*) FROM comparison_results WHERE session_id = 1")[0] == 0
    assert one(db, "SELECT parent_session_id FROM sessions")[0] is None
    assert one(db, "SELECT session_id FROM batch_items")[0] is None
    assert one(db, "SELECT session_id FROM workflow_steps")[0] is None


def test_deleting_a_message_lets_go_of_its_replies_and_results(db):
    everything(db)
    insert(db, "messages", message_uuid="reply", sequence_number=2, parent_message_id=1)
    insert(db, "comparison_results", message_id=1)
    db.execute("DELETE FROM messages WHERE id = 1")
    assert one(db, "SELECT parent_message_id FROM messages")[0] is None
    assert one(db, "SELECT COUNT(*) FROM comparison_results WHERE message_id = 1")[0] == 0


@pytest.mark.parametrize(
    ("parent", "column", "children"),
    [
        ("projects", "project_id", "sessions batch_jobs workflows comparison_groups"),
        ("models", "model_id", "sessions messages batch_jobs"),
    ],
)
def test_deleting_a_project_or_a_model_sets_the_reference_to_null(db, parent, column, children):
    everything(db)
    for child in children.split():
        db.execute(f"UPDATE {child} SET {column} = 1")
    db.execute(f"DELETE FROM {parent} WHERE id = 1")
    for child in children.split():
        assert one(db, f"SELECT COUNT(*), COUNT({column}) FROM {child}")[:] == (1, 0), child


@pytest.mark.parametrize(
    ("parent", "children"),
    [
        ("batch_jobs", "batch_items"),
        ("workflows", "workflow_executions workflow_steps"),
        ("workflow_executions", "workflow_steps"),
        ("comparison_groups", "comparison_sessions comparison_results"),
    ],
)
def test_deleting_a_whole_deletes_its_parts(db, parent, children):
    everything(db)
    db.execute(f"DELETE FROM {parent}")
    for child in children.split():
        assert one(db, f"SELECT COUNT(*) FROM {child}")[0] == 0, child


def test_the_schema_itself_says_on_delete(db):
    """Besides the triggers: the clauses act for tools that read the schema."""
    for table in TABLES:
        for key in db.execute(f"PRAGMA foreign_key_list({table})"):
            nullable = {
                c["name"]: not c["notnull"] for c in db.execute(f"PRAGMA table_info({table})")
            }
            expected = {"SET NULL"} if nullable[key["from"]] else {"CASCADE"}
            if table == "comparison_results" and key["from"] in ("session_id", "prompt_id"):
                expected = {"CASCADE"}  # a result may lack these, but not outlive them
            assert {key["on_delete"]} == expected, (table, key["from"])


# -- counters and times -----------------------------------------------------------------------


def test_job_counters_follow_the_items_in_every_direction(db):
    insert(db, "batch_jobs", total_items=3, status="running")
    insert(db, "batch_jobs", job_uuid="k")

    def counters(job):
        return one(
            db, "SELECT completed_items, failed_items, status FROM batch_jobs WHERE id = ?", job
        )[:]

    insert(db, "batch_items", item_index=0, status="completed")
    insert(db, "batch_items", item_index=1, status="failed")
    insert(db, "batch_items", item_index=2)
    assert counters(1) == (1, 1, "running")
    db.execute("UPDATE batch_items SET status = 'pending' WHERE item_index = 0")
    assert counters(1) == (0, 1, "running")
    db.execute("UPDATE batch_items SET batch_job_id = 2 WHERE item_index = 1")
    assert (counters(1), counters(2)) == ((0, 0, "running"), (0, 1, "pending"))
    db.execute("UPDATE batch_items SET batch_job_id = 1, status = 'completed' WHERE item_index = 1")
    assert (counters(1), counters(2)) == ((1, 0, "running"), (0, 0, "pending"))
    db.execute("DELETE FROM batch_items WHERE item_index = 1")
    assert counters(1) == (0, 0, "running")


def test_a_running_job_whose_items_are_all_done_is_completed(db):
    insert(db, "batch_jobs", total_items=2, status="running")
    insert(db, "batch_items", item_index=0, status="completed")
    insert(db, "batch_items", item_index=1, status="processing")
    assert one(db, "SELECT status, completed_at FROM batch_jobs")[:] == ("running", None)
    db.execute("UPDATE batch_items SET status = 'failed' WHERE item_index = 1")
    status, completed_at = one(db, "SELECT status, completed_at FROM batch_jobs")
    assert status == "completed"
    assert completed_at is not None


def test_a_job_that_is_not_running_is_not_completed_by_its_items(db):
    insert(db, "batch_jobs", total_items=1, status="cancelled")
    insert(db, "batch_items", status="completed")
    assert one(db, "SELECT status FROM batch_jobs")[0] == "cancelled"


@pytest.mark.parametrize(
    ("table", "column"),
    [("projects", "description"), ("workflows", "name"), ("annotations", "content")],
)
def test_updated_at_moves_with_every_change(db, table, column):
    everything(db)
    db.execute(f"UPDATE {table} SET updated_at = '2020-01-01 00:00:00'")
    assert one(db, f"SELECT updated_at FROM {table}")[0] == "2020-01-01 00:00:00"
    db.execute(f"UPDATE {table} SET {column} = 'changed'")
    assert one(db, f"SELECT updated_at > '2025' FROM {table}")[0] == 1


# -- search -----------------------------------------------------------------------------------


def found(db, query: str) -> list[int]:
    rows = db.execute("SELECT rowid FROM messages_fts WHERE messages_fts MATCH ?", [query])
    return sorted(row[0] for row in rows)


def test_both_ways_to_join_the_index_work(db):
    insert(db, "sessions", title="Chat")
    insert(db, "messages", content="running Python code")
    by_rowid = one(
        db,
        "SELECT m.role FROM messages_fts JOIN messages m ON messages_fts.rowid = m.id"
        " WHERE messages_fts MATCH 'run'",
    )
    by_uuid = one(
        db,
        "SELECT s.title FROM messages_fts JOIN sessions s"
        " ON messages_fts.session_uuid = s.session_uuid WHERE messages_fts MATCH 'python'",
    )
    assert (by_rowid[0], by_uuid[0]) == ("user", "Chat")


def test_the_third_column_of_the_index_is_the_content(db):
    insert(db, "sessions")
    insert(db, "messages", content="an error in Python")
    row = one(
        db,
        "SELECT snippet(messages_fts, 2, '<mark>', '</mark>', '...', 32), message_uuid,"
        " session_uuid, content, role FROM messages_fts"
        " WHERE messages_fts MATCH 'python AND error'",
    )
    assert row[:] == (
        "an <mark>error</mark> in <mark>Python</mark>", "m", "s", "an error in Python", "user",
    )  # fmt: skip


def test_the_index_follows_the_text(db):
    insert(db, "sessions")
    message = insert(db, "messages", content="apple")
    db.execute("UPDATE messages SET content = 'banana' WHERE id = ?", [message])
    assert (found(db, "apple"), found(db, "banana")) == ([], [message])
    db.execute("UPDATE sessions SET session_uuid = 'renamed'")
    assert (
        one(db, "SELECT session_uuid FROM messages_fts WHERE messages_fts MATCH 'banana'")[0]
        == "renamed"
    )
    db.execute("DELETE FROM sessions")
    assert found(db, "banana") == []


def test_words_are_found_without_accents_and_endings(db):
    insert(db, "sessions")
    message = insert(db, "messages", content="Les élèves étudiaient; they studied")
    assert found(db, "eleves") == found(db, "studies") == [message]


# -- views ------------------------------------------------------------------------------------


def test_the_views_say_what_they_promise(db):
    project = insert(db, "projects", name="Apollo")
    ours = insert(db, "models", provider="openai", model_name="gpt-4")
    other = insert(db, "models", provider="anthropic", model_name="claude")
    times = {"started_at": "2025-01-08 20:00:00", "completed_at": "2025-01-08 20:00:01.500"}
    session = insert(db, "sessions", project_id=project, model_id=ours, title="T", **times)
    insert(db, "messages", input_tokens=3, cost=0.25, latency_ms=100)
    insert(
        db, "messages", message_uuid="n", sequence_number=2, role="assistant", model_id=other,
        output_tokens=4, cost=0.5, latency_ms=300,
    )  # fmt: skip
    group = insert(db, "comparison_groups")
    insert(db, "comparison_sessions", comparison_group_id=group, session_id=session)

    summary = one(db, "SELECT * FROM v_session_summary")
    assert (summary["project_name"], summary["model_full_name"]) == ("Apollo", "openai/gpt-4")
    assert summary["duration_ms"] == 1500
    details = db.execute("SELECT model_full_name FROM v_message_details ORDER BY id").fetchall()
    assert [row[0] for row in details] == ["openai/gpt-4", "anthropic/claude"]
    comparison = one(db, "SELECT * FROM v_comparison_summary")
    assert (comparison["variant_count"], comparison["avg_cost"]) == (1, 0.75)
    assert comparison["avg_total_tokens"] == 7
    assert comparison["avg_duration_ms"] == pytest.approx(1500, abs=0.1)
    models = {row["model_name"]: row for row in db.execute("SELECT * FROM v_model_performance")}
    assert (models["gpt-4"]["message_count"], models["gpt-4"]["total_cost"]) == (1, 0.25)
    assert (models["claude"]["session_count"], models["claude"]["avg_latency_ms"]) == (1, 300)
    assert one(db, "SELECT * FROM v_daily_stats")[:] == ("2025-01-08", 1, 2, 3, 4, 0.75, 0.75)


def test_the_days_are_newest_first(db):
    for day in ("2025-01-02", "2025-01-03", "2025-01-01"):
        insert(db, "sessions", session_uuid=day, started_at=day)
    days = [row[0] for row in db.execute("SELECT date FROM v_daily_stats")]
    assert days == ["2025-01-03", "2025-01-02", "2025-01-01"]


def test_an_unfinished_session_lasts_until_now(db):
    insert(db, "sessions")
    db.execute("UPDATE sessions SET started_at = datetime('now', '-2 hours')")
    assert one(db, "SELECT duration_ms FROM v_session_summary")[0] == pytest.approx(
        7_200_000, abs=5000
    )


def test_tags_have_a_row_each_whoever_writes_them(db):
    def tags() -> list[str]:
        return [row[0] for row in db.execute("SELECT name FROM session_tags ORDER BY name")]

    insert(db, "sessions", tags='["tea", "milk", "tea", 7, null, ["x"]]')
    assert tags() == ["milk", "tea"]
    db.execute("""UPDATE sessions SET tags = '["sugar"]'""")
    assert tags() == ["sugar"]
    for odd in ('"text"', "{}", "null", "7"):
        db.execute("UPDATE sessions SET tags = ?", [odd])
        assert tags() == []
    db.execute("""UPDATE sessions SET tags = '["sugar"]'""")
    db.execute("DELETE FROM sessions")
    assert tags() == []


def test_what_lies_in_the_trash_is_in_no_view(db):
    model = insert(db, "models")
    insert(db, "sessions", model_id=model)
    insert(db, "messages")
    group = insert(db, "comparison_groups")
    insert(db, "comparison_sessions", comparison_group_id=group, session_id=1)
    db.execute("UPDATE sessions SET deleted_at = datetime('now')")
    for view in ("v_session_summary", "v_message_details", "v_daily_stats"):
        assert db.execute(f"SELECT * FROM {view}").fetchall() == []
    assert one(db, "SELECT message_count FROM v_model_performance")[0] == 0
    assert one(db, "SELECT variant_count FROM v_comparison_summary")[0] == 0
