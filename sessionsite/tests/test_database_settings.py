"""The database connection is what the settings promise, and the schema looks after itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from analytics import rollups
from conversations import schema
from conversations.databases import files
from conversations.models import Deletion, Message, Session
from conversations.tests.factories import add_message, make_session
from sessionsite import checks


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL
        ("busy_timeout", 20_000),
        ("foreign_keys", 1),
        ("temp_store", 2),  # MEMORY
        ("cache_size", -16_000),
        ("journal_size_limit", 67_108_864),
        ("mmap_size", 0),
    ],
)
def test_every_connection_has_the_pragmas_of_the_settings(pragma, value):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {pragma}")
        assert cursor.fetchone() == (value,)


@pytest.mark.django_db
def test_transactions_take_the_write_lock_when_they_begin():
    assert connection.transaction_mode == "IMMEDIATE"
    assert connection.settings_dict["CONN_MAX_AGE"] is None
    assert connection.settings_dict["ATOMIC_REQUESTS"] is False


def test_tests_run_on_a_file():
    assert Path(connections["default"].settings_dict["TEST"]["NAME"]).name.startswith("test.db")


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_a_sqlite_with_the_wal_reset_defect_is_known(version, affected):
    assert checks.has_wal_reset_defect(version) is affected


def test_the_check_names_the_version_and_the_way_out(monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    [warning] = checks.check_sqlite(databases=["default"])
    assert "SQLite 3.40.1" in warning.msg
    assert "requirements-sqlite.txt" in warning.hint
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 53, 4))
    assert checks.check_sqlite(databases=["default"]) == []


@pytest.fixture
def damaged(transactional_db):
    """The test database without one of its triggers and one of its views."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER messages_insert_totals")
        cursor.execute("DROP VIEW v_daily_stats")
    yield
    call_command("migrate", verbosity=0)


def test_a_missing_trigger_is_reported_and_put_back_by_migrate(damaged):
    assert set(schema.missing(connection)) == {"messages_insert_totals", "v_daily_stats"}
    [warning] = schema.check_definitions(databases=["default"])
    assert "messages_insert_totals" in warning.msg
    call_command("migrate", verbosity=0)
    assert schema.missing(connection) == []


def test_a_trigger_of_other_words_is_replaced(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER batch_jobs_complete")
        cursor.execute(
            "CREATE TRIGGER batch_jobs_complete AFTER INSERT ON batch_jobs BEGIN SELECT 1; END"
        )
    assert schema.missing(connection) == ["batch_jobs_complete"]
    call_command("migrate", verbosity=0)
    assert schema.missing(connection) == []


def test_after_flush_nothing_counts_as_deleted_by_hand(transactional_db):
    """Emptying the sessions fires the trigger that remembers what was deleted."""
    make_session("Tea", source="chatgpt", external_id="c-1")
    Deletion.objects.create(record_uuid="written-by-a-trigger")
    schema._after_migrate(schema.apps.get_app_config("conversations"), using="default")
    assert not Deletion.objects.exists()
    call_command("flush", interactive=False, verbosity=0)
    assert not Deletion.objects.exists()
    assert not Session.objects.exists()


def test_migrating_with_nothing_to_migrate_never_takes_the_triggers_down(
    transactional_db, monkeypatch
):
    dropped = []
    monkeypatch.setattr(schema, "take_down", lambda app, connection: dropped.append(app.label))
    call_command("migrate", verbosity=0)
    assert dropped == []


def test_a_migration_that_was_killed_is_made_good_by_the_next(transactional_db):
    ours = [schema.apps.get_app_config(name) for name in ("conversations", "analytics")]
    for app in ours:  # and then its process ended
        schema.take_down(app, connection)
    session = make_session("Tea")
    add_message(session, 1, "Assam", cost=0.25)
    session.refresh_from_db()
    assert session.total_messages == 0
    call_command("migrate", verbosity=0)
    session.refresh_from_db()
    assert (session.total_messages, session.total_cost) == (1, 0.25)
    with connection.cursor() as cursor:
        assert list(rollups.check(cursor)) == []


def test_a_migration_of_an_index_leaves_the_triggers_up(transactional_db, monkeypatch):
    dropped = []
    monkeypatch.setattr(schema, "take_down", lambda app, connection: dropped.append(app.label))
    for name in ("0009", "0010"):
        call_command("migrate", "conversations", name, verbosity=0)
    assert dropped == []
    assert schema.missing(connection) == []


def test_values_that_comparisons_refuse_now_are_failures_after_the_migration(
    database_file, django_db_blocker
):
    alias = files.connect(database_file)
    with django_db_blocker.unblock():
        back = {"database": alias, "verbosity": 0, "skip_checks": True}
        call_command("migrate", "analytics", "0003", **back)
        with closing(sqlite3.connect(database_file)) as plain:
            plain.execute(
                "INSERT INTO comparison_groups (group_uuid, name, planned_prompts)"
                " VALUES ('g', 'Tea', 'some')"
            )
            plain.executemany(
                "INSERT INTO comparison_results (comparison_group_id, metric_name, metric_value,"
                " scale_high, error) VALUES (1, 'quality', ?, 'five', ?)",
                [(4, ""), ("good", ""), (9e999, "timeout")],
            )
            plain.commit()
        call_command("migrate", **back)
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT metric_value, scale_high, error FROM comparison_results")
            assert cursor.fetchall() == [
                (4, None, ""),
                (None, None, "The value was no number that can be compared."),
                (None, None, "timeout"),
            ]
            cursor.execute("SELECT planned_prompts FROM comparison_groups")
            assert cursor.fetchall() == [(None,)]
        assert schema.missing(connections[alias]) == []
        connections[alias].close()


def test_a_migration_that_rebuilds_tables_loses_no_trigger_and_no_row(
    database_file, django_db_blocker
):
    """Django rebuilds a SQLite table to change it; afterwards totals and index are right again."""
    with closing(sqlite3.connect(database_file)) as plain:
        plain.execute("INSERT INTO sessions (session_uuid) VALUES ('s')")
        plain.execute(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, cost)"
            " VALUES ('m', 1, 1, 'user', 0.25)"
        )
        plain.commit()
    alias = files.connect(database_file)
    with django_db_blocker.unblock():
        other = connections[alias]
        migration = MigrationExecutor(other).loader.get_migration("conversations", "0001_initial")
        plan = [(migration, False)]
        ours = [schema.apps.get_app_config(name) for name in ("conversations", "analytics")]
        for app in ours:
            schema._before_migrate(app, using=alias, plan=plan)
        with other.schema_editor() as editor:
            for table, name in ((Session, "title"), (Message, "role"), (Session, "status")):
                field = table._meta.get_field(name)
                wider = field.clone()
                wider.max_length = 2000
                wider.set_attributes_from_name(name)
                wider.model = table
                editor.alter_field(table, field, wider)
        with other.cursor() as cursor:  # what a migration of data may do, while nobody watches
            cursor.execute(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content,"
                " cost) VALUES ('n', 1, 2, 'user', 'unseen', 0.5)"
            )
        for app in ours:
            schema._after_migrate(app, using=alias, plan=plan)
        session = Session.objects.using(alias).get()
        assert (session.total_messages, session.total_cost) == (2, 0.75)
        with other.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM messages_fts WHERE messages_fts MATCH 'unseen'")
            assert cursor.fetchone() == (1,)
            cursor.execute("PRAGMA foreign_key_check")
            assert cursor.fetchall() == []
        assert schema.missing(other) == []
        other.close()
