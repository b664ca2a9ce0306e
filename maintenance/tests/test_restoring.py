"""Restoring, on real files that others read and write meanwhile."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from conversations import locks
from conversations.errors import DatabaseTrouble, SessionsError
from maintenance import backups, restoring
from maintenance.restoring import preview, restore
from maintenance.swapping import Condition
from maintenance.tests.kills import problems

from .restores import beside, changed, plain_copy, titles, titles_in

# -- what comes, and what is kept ------------------------------------------------------------------


def test_a_restore_brings_back_what_was_and_keeps_what_is(manager, copy, database_file):
    manager.create_session("Too new")
    restored = restore(copy, using=manager.alias)
    assert [row["title"] for row in manager.list_sessions()] == ["Keep me"]
    assert (restored.sessions, restored.messages) == (1, 1)
    assert restored.is_kept_sound
    assert restored.kept.name.startswith("sessions.db.before-restore-20")
    assert titles_in(restored.kept) == ["Keep me", "Too new"]
    assert [hit["snippet"] for hit in manager.search("precious")] == ["<mark>precious</mark> words"]
    assert problems(database_file) == []


def test_what_a_restore_replaced_can_be_restored_in_turn(manager, copy):
    manager.create_session("Too new")
    kept = restore(copy, using=manager.alias).kept
    restore(kept, using=manager.alias)
    assert [row["title"] for row in manager.list_sessions()] == ["Too new", "Keep me"]


def test_a_restore_leaves_nothing_but_the_copy_of_what_was(manager, copy, database_file):
    before = beside(database_file)
    kept = restore(copy, using=manager.alias).kept
    manager.close()
    assert beside(database_file) - before == {kept.name}


def test_what_a_killed_restore_had_unpacked_is_removed_by_the_next(manager, copy, database_file):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = database_file.with_name(f".{database_file.name}.{dead.pid}.unpacked")
    left.mkdir()
    (left / "unpacked.db").write_text("what somebody said")
    preview(copy, using=manager.alias)
    assert not list(database_file.parent.glob("*.unpacked"))


def test_the_wal_is_cut_to_nothing_after_a_restore(manager, copy, database_file):
    for number in range(20):
        manager.create_session("x" * 900 + str(number))
    large = backups.backup(copy.with_name("large.db"), using=manager.alias).path
    with closing(sqlite3.connect(database_file)) as reader:  # keeps the WAL from being deleted
        reader.execute("SELECT COUNT(*) FROM sessions").fetchone()
        restore(large, using=manager.alias)
        wal = Path(f"{database_file}-wal")
        assert wal.stat().st_size < large.stat().st_size / 4  # the run's last words
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_copy_that_another_tool_made_is_restored_too(manager, tmp_path):
    file = plain_copy(manager, tmp_path)
    manager.create_session("Too new")
    restore(file, using=manager.alias)
    assert [row["title"] for row in manager.list_sessions()] == ["Keep me"]


def test_a_backup_with_other_pages_fits(manager, tmp_path, database_file):
    file = plain_copy(manager, tmp_path)
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA page_size=8192")
        plain.execute("VACUUM")
    manager.create_session("Too new")
    restore(file, using=manager.alias)
    assert titles(database_file) == ["Keep me"]


# -- others at work --------------------------------------------------------------------------------


def test_a_reader_keeps_its_moment_and_then_sees_the_restored_data(manager, copy, database_file):
    manager.create_session("Too new")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (2,)
        restore(copy, using=manager.alias)
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (2,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)


def test_connections_that_stay_open_see_a_schema_that_has_changed(manager, copy, database_file):
    with changed(database_file) as plain:
        plain.execute("CREATE TABLE of_another_version (id)")
    with closing(sqlite3.connect(database_file)) as reader:
        assert reader.execute("SELECT COUNT(*) FROM of_another_version").fetchone() == (0,)
        restore(copy, using=manager.alias)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            reader.execute("SELECT COUNT(*) FROM of_another_version")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)


def test_threads_of_a_server_meet_the_old_data_or_the_new(manager, copy):
    session = manager.create_session("Too new")
    manager.add_messages(session, [{"role": "user", "content": "x"}] * 30)
    stop, met, errors = threading.Event(), set(), []

    def read():
        try:
            while not stop.is_set():
                with connections[manager.alias].cursor() as cursor:
                    cursor.execute(
                        "SELECT SUM(total_messages), (SELECT COUNT(*) FROM messages) FROM sessions"
                    )
                    met.add(cursor.fetchone())
        except Exception as error:
            errors.append(error)
        finally:
            manager.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    restore(copy, using=manager.alias)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert met <= {(31, 31), (1, 1)}


def test_nothing_that_was_stored_is_in_neither_the_kept_copy_nor_the_new_database(
    manager, copy, database_file
):
    """A writer goes on all the while; what it was told is stored must be somewhere."""
    stored, stop = [], threading.Event()

    def write():
        while not stop.is_set():
            title = f"Session {len(stored)}"
            manager.create_session(title)
            stored.append(title)
            time.sleep(0.005)  # SQLite's lock is not fair
        manager.close()

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.1)
    kept = restore(copy, using=manager.alias).kept
    time.sleep(0.1)
    stop.set()
    writer.join()
    replaced, now = titles_in(kept), titles(database_file)
    assert set(stored) <= {*replaced, *now}
    assert set(replaced).isdisjoint(set(now) - {"Keep me"})


def test_a_writer_that_does_not_let_go_is_waited_for_only_so_long(manager, copy, database_file):
    manager.create_session("Still here")
    manager.close()
    connections[manager.alias].settings_dict["OPTIONS"]["timeout"] = 0.3
    with closing(sqlite3.connect(database_file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseTrouble, match="another program has been writing"):
            restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me", "Still here"]
    assert not list(database_file.parent.glob("*before-restore*"))


def test_two_restores_never_run_at_once(manager, copy):
    with locks.alone(restoring.LOCK), pytest.raises(SessionsError, match="at it already"):
        restore(copy, using=manager.alias)


# -- what would change -----------------------------------------------------------------------------


def test_a_preview_says_what_would_change_and_changes_nothing(manager, copy, database_file):
    new = manager.create_session("Too new")
    manager.add_message(new, "user", "more", cost=0.5)
    before = titles(database_file), beside(database_file)
    seen = preview(copy, using=manager.alias)
    assert seen.condition is Condition.SOUND
    assert (seen.now.sessions, seen.then.sessions) == (2, 1)
    assert (seen.now.messages, seen.then.messages) == (2, 1)
    assert (float(seen.now.cost), float(seen.then.cost)) == (0.75, 0.25)
    assert seen.now.newest_message > seen.then.newest_message
    assert seen.only_now.named == [(new, "Too new")]
    assert (seen.only_then.count, seen.erased.count, seen.waiting) == (0, 0, [])
    assert seen.then.schema["conversations"].startswith("00")
    json.dumps(seen.only_now.named)
    assert (titles(database_file), beside(database_file)) == before


def test_a_preview_without_a_database_makes_none(manager, copy, database_file):
    manager.close()
    database_file.unlink()
    seen = preview(copy, using=manager.alias)
    assert (seen.condition, seen.now, seen.then.sessions) == (Condition.MISSING, None, 1)
    assert not database_file.exists()
