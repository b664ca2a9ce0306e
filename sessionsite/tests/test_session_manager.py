"""The Python API, on files of its own."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from conversations.errors import (
    AmbiguousId,
    DatabaseTrouble,
    InvalidValue,
    SessionsError,
    UnknownId,
)
from sessionsite.manager import SessionManager


@pytest.fixture(autouse=True)
def _own_files(django_db_blocker):
    """These tests use files of their own, not the test database."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def db(database_file):
    with SessionManager(database_file) as manager:
        yield manager


@pytest.fixture
def chat(db) -> str:
    """A session of three messages."""
    session = db.create_session("Chat", db.add_model("openai", "gpt-4"), tags=["work"])
    db.add_message(session, "user", "What is a list in Python?")
    db.add_message(
        session, "assistant", "A sequence.", input_tokens=20, output_tokens=5, cost=0.25,
        latency_ms=1200,
    )  # fmt: skip
    db.add_message(session, "user", "Thanks")
    return session


def stored(file: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(
            "SELECT (SELECT COUNT(*) FROM sessions), (SELECT COUNT(*) FROM messages)"
        ).fetchone()


# -- files ------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_made_whole(tmp_path):
    with SessionManager(tmp_path / "new.db") as db:
        session = db.create_session("First")
        assert db.get_session(session)["title"] == "First"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.db"]
    with closing(sqlite3.connect(tmp_path / "new.db")) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_two_managers_on_two_files_keep_to_their_own(tmp_path, database_file):
    with SessionManager(database_file) as one, SessionManager(tmp_path / "two.db") as two:
        session = one.create_session("Only in one")
        assert two.list_sessions() == []
        assert [row["session_uuid"] for row in one.list_sessions()] == [session]
        with pytest.raises(UnknownId):
            two.add_message(session, "user", "hello")


def test_the_default_database_is_not_opened_by_a_manager_on_another_file(db):
    connections["default"].close()
    db.create_session("Elsewhere")
    assert connections["default"].connection is None


def test_a_file_of_another_program_is_left_alone(tmp_path):
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE recipes (name)")
    before = file.read_bytes()
    with pytest.raises(DatabaseTrouble, match=r"other\.db is not a database of this program"):
        SessionManager(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_named(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("Just some notes, long enough to be looked at as a database file. " * 20)
    with pytest.raises(DatabaseTrouble, match=r"notes\.txt is not a SQLite database"):
        SessionManager(file)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DatabaseTrouble, match=r"there is no folder .*nowhere"):
        SessionManager(tmp_path / "nowhere" / "x.db")


def test_a_locked_database_says_so_and_stores_nothing(database_file):
    with SessionManager(database_file) as db, closing(sqlite3.connect(database_file)) as other:
        db.list_sessions()
        with connections[db.alias].cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 50")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseTrouble, match=r"sessions\.db is locked"):
            db.create_session("Too late")
        other.rollback()
        assert db.list_sessions() == []


# -- reading and writing ----------------------------------------------------------------------


def test_rows_are_mappings_with_the_names_of_the_columns(db, chat):
    [question, answer, _] = db.get_conversation(chat)
    assert (question["role"], question["content"]) == ("user", "What is a list in Python?")
    assert (answer["sequence_number"], answer["input_tokens"], answer["cost"]) == (2, 20, 0.25)
    session = db.get_session(chat)
    assert (session["model_full_name"], session["tags"]) == ("openai/gpt-4", ["work"])
    assert (session["total_messages"], session["total_cost"]) == (3, 0.25)
    json.dumps([question, session])  # plain values all through


def test_a_model_is_added_once(db):
    first = db.add_model("openai", "gpt-4", cost_per_1k_input_tokens=0.03)
    assert db.add_model("openai", "gpt-4") == first
    assert db.add_model("openai", "gpt-4", model_version="0613") != first
    assert db.get_model(first)["cost_per_1k_input_tokens"] == 0.03


def test_many_messages_are_stored_in_order(db, chat):
    ids = db.add_messages(chat, [{"role": "user", "content": str(n)} for n in range(100)])
    rows = db.get_conversation(chat)[3:]
    assert [row["message_uuid"] for row in rows] == ids
    assert [row["sequence_number"] for row in rows] == list(range(4, 104))


def test_of_many_messages_with_a_bad_one_none_is_stored(db, chat):
    with pytest.raises(InvalidValue, match="role must be one of"):
        db.add_messages(
            chat, [{"role": "user", "content": "fine"}, {"role": "robot", "content": "bad"}]
        )
    assert len(db.get_conversation(chat)) == 3


def test_sessions_are_listed_newest_first_and_filtered(db):
    old = db.create_session("Old", project="Apollo", started_at="2020-01-01")
    new = db.create_session("New")
    db.complete_session(old)
    assert [row["session_uuid"] for row in db.list_sessions()] == [new, old]
    assert [row["title"] for row in db.list_sessions(status="completed")] == ["Old"]
    assert [row["title"] for row in db.list_sessions(project="Apollo")] == ["Old"]
    assert [row["title"] for row in db.list_sessions(1, offset=1)] == ["Old"]


def test_completing_and_archiving_set_status_and_time(db, chat):
    db.complete_session(chat)
    completed_at = db.get_session(chat)["completed_at"]
    db.archive_session(chat)
    session = db.get_session(chat)
    assert session["status"] == "archived"
    assert session["completed_at"] == completed_at is not None


def test_deleting_takes_the_messages_along(db, chat, database_file):
    assert db.delete_session(chat) == 3
    assert stored(database_file) == (0, 0)
    assert db.search("python") == []


def test_a_unique_beginning_of_an_id_is_enough(db, chat):
    assert db.get_session(chat[:6])["session_uuid"] == chat


def test_an_ambiguous_beginning_lists_the_candidates(db, database_file):
    with closing(sqlite3.connect(database_file)) as plain:
        plain.executemany(
            "INSERT INTO sessions (session_uuid, title) VALUES (?, ?)",
            [("abc1", "One"), ("abc2", "Two"), ("abc", "Exact")],
        )
        plain.commit()
    with pytest.raises(AmbiguousId, match=r"(?s)abc1  One.*abc2  Two"):
        db.get_session("ab")
    assert db.get_session("abc")["title"] == "Exact"


def test_search_finds_words_and_marks_them(db, chat):
    [hit] = db.search("python list")
    assert hit["session_uuid"] == chat
    assert hit["snippet"] == "What is a <mark>list</mark> in <mark>Python</mark>?"


HOSTILE_QUERIES = [
    *("node.js", "c++", 'say "hi', "AND", "*", "(", "-x", "a:b", "NEAR(", "^", "{}", ""),
    *("x" * 20_000, "\0", "\ud800"),
]


@pytest.mark.parametrize("query", HOSTILE_QUERIES)
def test_no_query_is_an_error(db, chat, query):
    assert isinstance(db.search(query), list)


def test_the_syntax_of_old_scripts_keeps_its_meaning(db):
    session = db.create_session()
    for text in ("python error", "python", "error"):
        db.add_message(session, "user", text)
    assert len(db.search("python AND error")) == 1
    assert len(db.search("python OR error")) == 3
    assert len(db.search("python NOT error")) == 1
    assert len(db.search("pyth*")) == 2
    assert [hit["snippet"] for hit in db.search("error", 1, order="newest")] == [
        "<mark>error</mark>"
    ]


def test_stats_add_up_a_session(db, chat):
    stats = db.get_session_stats(chat)
    assert (stats["total_cost"], stats["total_input_tokens"], stats["total_output_tokens"]) == (
        0.25,
        20,
        5,
    )
    assert stats["messages_by_role"] == {"user": 2, "assistant": 1}
    assert stats["avg_latency_ms"] == 1200


def test_cost_is_summed_over_the_last_days_by_day_and_model(db, chat):
    db.add_message(chat, "assistant", "Old.", cost=9.0, timestamp="2020-01-01T00:00:00Z")
    summary = db.get_cost_summary(30)
    assert (summary["total_cost"], summary["message_count"], summary["session_count"]) == (
        0.25,
        3,
        1,
    )
    [model] = summary["by_model"]
    assert (model["provider"], model["model_name"], model["total_cost"]) == (
        "openai",
        "gpt-4",
        0.25,
    )
    assert sum(day["total_cost"] for day in summary["by_day"]) == 0.25
    assert db.get_cost_summary(36_500)["total_cost"] == 9.25


def test_performance_counts_a_message_for_the_model_that_answered(db, chat):
    other = db.add_model("anthropic", "claude")
    db.add_message(chat, "assistant", "Me instead.", model_id=other, latency_ms=100, cost=1.0)
    rows = {row["model_full_name"]: row for row in db.get_model_performance()}
    assert rows["openai/gpt-4"]["message_count"] == 3
    assert rows["anthropic/claude"]["avg_latency_ms"] == 100


def test_a_branch_repeats_what_was_said_and_not_what_it_cost(db, chat):
    branch = db.branch_session(chat, at=2)
    rows = db.get_conversation(branch)
    assert [row["content"] for row in rows] == ["What is a list in Python?", "A sequence."]
    session = db.get_session(branch)
    assert (session["total_messages"], session["total_cost"]) == (2, 0)
    assert session["parent_session_id"] == db.get_session(chat)["id"]
    assert rows[0]["metadata"]["copied_from"] == db.get_conversation(chat)[0]["message_uuid"]
    assert db.recover_session(chat)["snapshot_type"] == "branch_point"


def test_branching_where_there_is_no_message_is_refused(db, chat):
    with pytest.raises(UnknownId, match="has no message number 9"):
        db.branch_session(chat, at=9)


def test_a_snapshot_keeps_what_a_session_was(db, chat):
    db.create_snapshot(chat, description="before the experiment")
    db.add_message(chat, "user", "And one more")
    recovered = db.recover_session(chat)
    assert len(recovered["messages"]) == 3
    assert recovered["session"]["total_messages"] == 3
    assert (recovered["description"], recovered["messages_since"]) == ("before the experiment", 1)


def test_recovering_without_a_snapshot_says_so(db, chat):
    with pytest.raises(UnknownId, match="has no snapshot"):
        db.recover_session(chat)


def test_annotations_are_checked_and_stored(db, chat, database_file):
    db.annotate("session", chat, "rating", rating=5, annotator="alice")
    db.annotate("message", db.get_conversation(chat)[0]["message_uuid"], "note", content="good")
    with closing(sqlite3.connect(database_file)) as plain:
        rows = plain.execute(
            "SELECT entity_type, annotation_type, rating FROM annotations"
        ).fetchall()
    assert rows == [("session", "rating", 5), ("message", "note", None)]
    for wrong in ({"rating": 6}, {"rating": None}, {"rating": True}):
        with pytest.raises(InvalidValue, match="rating"):
            db.annotate("session", chat, "rating", **wrong)
    with pytest.raises(InvalidValue, match="entity_type"):
        db.annotate("planet", chat, "note", content="x")


@pytest.mark.parametrize("format", ["json", "markdown", "text"])
def test_a_session_is_exported(db, chat, format):
    text = db.export_session(chat, format)
    assert "What is a list in Python?" in text
    if format == "json":
        exported = json.loads(text)
        assert exported["session"]["session_uuid"] == chat
        assert exported["messages"] == db.get_conversation(chat)


# -- bad input --------------------------------------------------------------------------------

BAD_MESSAGES = [
    ({"role": "robot"}, "role must be one of system, user"),
    ({"content": None}, "content must be text, not NoneType"),
    ({"content": "a\0b"}, "content holds a NUL character at position 1"),
    ({"content": "\ud83d"}, "content holds half a character"),
    ({"input_tokens": -1}, "input_tokens must be from 0"),
    ({"output_tokens": 2**63}, "output_tokens must be from 0"),
    ({"input_tokens": 1.5}, "input_tokens must be a whole number"),
    ({"input_tokens": True}, "input_tokens must be a whole number"),
    ({"cost": -0.01}, "cost must be a number from 0"),
    ({"cost": float("nan")}, "cost must be a number"),
    ({"cost": "free"}, "cost must be a number"),
    ({"latency_ms": -5}, "latency_ms must be from 0"),
    ({"metadata": {"x": float("nan")}}, "metadata cannot be written as JSON"),
    ({"metadata": {"x": "\ud800"}}, "metadata holds a NUL character or half a character"),
    ({"metadata": [1]}, "metadata cannot be a list"),
    ({"tool_calls": "x"}, "tool_calls cannot be a str"),
    ({"timestamp": "yesterday"}, "timestamp must be a time"),
    ({"model_id": 999}, "there is no model 999"),
    ({"colour": "red"}, "there is no column 'colour'"),
    ({"sequence_number": 7}, "sequence_number is given by the database"),
]


@pytest.mark.parametrize(("wrong", "message"), BAD_MESSAGES)
def test_a_bad_message_is_refused_by_name_and_not_stored(db, chat, wrong, message):
    with pytest.raises(SessionsError, match=message):
        db.add_messages(chat, [{"role": "user", "content": "x", **wrong}])
    assert len(db.get_conversation(chat)) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"title": "x" * 2**20}, "title has 1,048,576 characters; the limit is 1,000"),
        ({"title": "a\0"}, "title holds a NUL"),
        ({"title": 5}, "title must be text, not int"),
        ({"model_id": 77}, "there is no model 77"),
        ({"status": "asleep"}, "status"),
        ({"temperature": "hot"}, "temperature"),
        ({"project": " "}, "project must not be empty"),
        ({"tags": [object()]}, "tags cannot be written as JSON"),
        ({"total_cost": 5}, "there is no column 'total_cost' that can be set"),
        ({"started_at": "soon"}, "started_at"),
    ],
)
def test_a_bad_session_is_refused_by_name_and_not_stored(db, database_file, wrong, message):
    with pytest.raises(SessionsError, match=message):
        db.create_session(**{"title": "fine", **wrong})
    assert stored(database_file) == (0, 0)


@pytest.mark.parametrize("unknown", ["nope", "", "a\0b", "\ud800", "%", "_", None, 5, "x" * 10_000])
def test_an_unknown_id_is_an_error_of_its_own(db, chat, unknown):
    for verb in (db.get_session, db.get_conversation, db.get_session_stats, db.delete_session):
        with pytest.raises(UnknownId):
            verb(unknown)
    with pytest.raises(UnknownId):
        db.add_message(unknown, "user", "x")


@pytest.mark.parametrize("days", [0, -1, 10**9, "30", 1.5, None])
def test_a_range_of_days_is_checked(db, days):
    with pytest.raises(InvalidValue, match="days must be from 1"):
        db.get_cost_summary(days)


def test_threads_share_a_manager(db, chat):
    def add():
        for n in range(20):
            db.add_message(chat, "user", str(n))
        db.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [row["sequence_number"] for row in db.get_conversation(chat)]
    assert numbers == list(range(1, 84))


def test_a_session_goes_to_the_trash_and_comes_back(db):
    session = db.create_session("Tea")
    db.trash_session(session)
    assert db.list_sessions() == []
    with pytest.raises(UnknownId, match="is in the trash"):
        db.get_session(session)
    with pytest.raises(UnknownId, match="is in the trash"):
        db.delete_session(session)
    db.restore_session(session[:8])
    assert db.get_session(session)["title"] == "Tea"
    with pytest.raises(UnknownId, match="is not in the trash"):
        db.restore_session(session)
