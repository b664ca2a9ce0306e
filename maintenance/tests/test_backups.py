"""Backup and restore, on real files."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from conversations.errors import SessionsError
from maintenance import backups
from sessionsite.manager import SessionManager


@pytest.fixture
def db(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        session = manager.create_session("Keep me")
        manager.add_message(session, "user", "precious words")
        yield manager


def titles(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [title for [title] in plain.execute("SELECT title FROM sessions ORDER BY id")]


def test_a_backup_holds_everything_in_one_file(db, tmp_path):
    copy = backups.backup(tmp_path / "new folder" / "copy.db", using=db.alias)
    assert titles(copy.path) == ["Keep me"]
    assert [path.name for path in copy.path.parent.iterdir()] == ["copy.db"]
    assert copy.size == copy.path.stat().st_size


def test_a_backup_while_others_write_is_consistent(db, tmp_path):
    session = db.list_sessions()[0]["session_uuid"]
    stop = threading.Event()

    def write():
        while not stop.is_set():
            db.add_messages(session, [{"role": "user", "content": "x" * 500}] * 20)
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            copy = backups.backup(tmp_path / f"{number}.db", using=db.alias)
            with closing(sqlite3.connect(copy.path)) as plain:
                total, counted = plain.execute(
                    "SELECT total_messages, (SELECT COUNT(*) FROM messages) FROM sessions"
                ).fetchone()
                assert total == counted
                assert counted % 20 == 1  # whole transactions only
                plain.execute(
                    "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
                )
    finally:
        stop.set()
        writer.join()


def test_a_restore_brings_back_what_was_and_keeps_what_is(db, tmp_path, database_file):
    copy = backups.backup(tmp_path / "copy.db", using=db.alias)
    db.create_session("Too new")
    kept = backups.restore(copy.path, using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Keep me"]
    assert titles(kept.path) == ["Keep me", "Too new"]
    assert [hit["snippet"] for hit in db.search("precious")] == ["<mark>precious</mark> words"]
    with connections[db.alias].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)


def test_another_connection_sees_the_restored_data(db, tmp_path, database_file):
    copy = backups.backup(tmp_path / "copy.db", using=db.alias)
    with closing(sqlite3.connect(database_file)) as reader:
        db.create_session("Too new")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (2,)
        backups.restore(copy.path, using=db.alias)
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.unlink(), "there is no such file"),
        (lambda file: file.write_text("not a database at all " * 50), "cannot be restored"),
        (lambda file: file.write_bytes(file.read_bytes()[:8192]), "damaged|cannot be restored"),
        (lambda file: file.write_bytes(b""), "is not a backup of this program"),
        (damaged, "damaged|cannot be restored"),
    ],
)
def test_a_file_that_is_no_sound_backup_is_refused(db, tmp_path, database_file, spoil, message):
    copy = backups.backup(tmp_path / "copy.db", using=db.alias).path
    spoil(copy)
    with pytest.raises(backups.UnusableBackup, match=message):
        backups.restore(copy, using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Keep me"]


def test_a_database_of_another_program_is_refused(db, tmp_path):
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as plain:
        plain.execute("CREATE TABLE recipes (name)")
    with pytest.raises(backups.UnusableBackup, match="is not a backup of this program"):
        backups.restore(other, using=db.alias)


def test_the_database_is_never_its_own_backup(db, database_file):
    with pytest.raises(SessionsError, match="is the database itself"):
        backups.backup(database_file, using=db.alias)
    with pytest.raises(SessionsError, match="is the database itself"):
        backups.restore(database_file, using=db.alias)
