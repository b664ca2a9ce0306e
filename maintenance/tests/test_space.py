"""Vacuum: only when it is worth it and the disk can hold it; and where the bytes are."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest
from django.db import connections, transaction

from conversations.errors import DatabaseTrouble, SessionsError
from maintenance import checking, database, space
from maintenance.models import MaintenanceRun
from sessionsite.manager import SessionManager


@pytest.fixture
def db(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        session = manager.create_session("Keep me")
        manager.add_message(session, "user", "precious words")
        yield manager


def leave_holes(db) -> None:
    """Have most of the file be free pages."""
    session = db.create_session("Long")
    db.add_messages(session, [{"role": "user", "content": f"{n} " * 2000} for n in range(300)])
    db.delete_session(session)


def runs(db) -> list[MaintenanceRun]:
    """Return the runs, less those that erased what a test has deleted."""
    rows = MaintenanceRun.objects.using(db.alias).exclude(kind="erasure")
    return list(rows.order_by("id"))


def test_vacuum_gives_space_back(db, database_file):
    leave_holes(db)
    done = space.vacuum(using=db.alias)
    assert done.method == "full"
    assert done.after < done.before / 2
    assert done.after == database_file.stat().st_size
    assert done.free_before > space.WORTH_BYTES
    assert done.free_after == 0
    assert checking.check(using=db.alias) == []
    [run, _] = runs(db)
    assert (run.kind, run.status, run.summary) == ("vacuum", "done", str(done))
    assert run.report["before"] == done.before


def test_vacuum_is_left_out_when_there_is_little_to_gain(db):
    done = space.vacuum(using=db.alias)
    assert done.method == "none"
    assert "it is worth it from 1 MB" in str(done)
    assert done.before == done.after
    assert space.vacuum(using=db.alias, force=True).method == "full"


def test_a_dry_run_tells_and_changes_nothing(db):
    leave_holes(db)
    told = space.vacuum(dry_run=True, using=db.alias)
    assert "Would be vacuumed" in str(told)
    assert not runs(db)
    done = space.vacuum(using=db.alias)
    assert (told.before, told.method, told.free_before) == (done.before, "full", done.free_before)
    assert abs(told.after - done.after) < done.before / 10


def test_a_file_that_is_made_for_it_is_vacuumed_in_steps(db, database_file):
    connections[db.alias].close()
    with closing(sqlite3.connect(database_file)) as plain:
        plain.execute("PRAGMA auto_vacuum = INCREMENTAL")
        plain.execute("VACUUM")
    leave_holes(db)
    done = space.vacuum(using=db.alias)
    assert done.method == "incremental"
    assert done.after < done.before / 2
    assert done.after == database_file.stat().st_size
    assert checking.check(using=db.alias) == []


def test_a_vacuum_inside_a_transaction_is_refused(db):
    with transaction.atomic(db.alias), pytest.raises(SessionsError, match="inside a transaction"):
        space.vacuum(using=db.alias)


def test_a_lock_that_another_program_holds_is_named(db, database_file):
    leave_holes(db)
    connections[db.alias].cursor().execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseTrouble, match="is locked: another program"):
            space.vacuum(using=db.alias)


def test_the_settings_of_the_connection_are_as_before(db):
    leave_holes(db)
    with connections[db.alias].cursor() as cursor:
        asked = "SELECT * FROM pragma_temp_store, pragma_journal_mode, pragma_synchronous"
        before = cursor.execute(asked).fetchall()
        space.vacuum(using=db.alias)
        assert cursor.execute(asked).fetchall() == before


@contextmanager
def small_disk(folder, megabytes: int):
    """A file system of its own in `folder`; a test that needs it is skipped where none can be."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_cannot_hold_it_is_named_and_nothing_is_lost(
    empty_database, tmp_path, django_db_blocker
):
    folder = tmp_path / "disk"
    with small_disk(folder, 24), django_db_blocker.unblock():
        file = folder / "sessions.db"
        file.write_bytes(empty_database.read_bytes())
        with SessionManager(file) as db:
            keep = db.create_session("Keep me")
            words = [{"role": "user", "content": os.urandom(1500).hex()} for n in range(1000)]
            db.add_messages(keep, words)
            with connections[db.alias].cursor() as cursor:
                cursor.execute("CREATE TABLE hole (filling)")
                cursor.execute("INSERT INTO hole VALUES (zeroblob(2000000))")
                cursor.execute("DROP TABLE hole")
            with pytest.raises(space.NoRoom, match=r"needs [\d,]+ bytes of free disk .* are free"):
                space.vacuum(using=db.alias)
            assert checking.check(using=db.alias) == []
            assert len(db.get_conversation(keep)) == 1000
            [failed, _] = runs(db)
            assert (failed.status, "bytes of free disk" in failed.error) == ("failed", True)


def test_analyze_leaves_the_inner_tables_of_the_search_index_alone(db):
    """Statistics on them make every sixteenth message take a scan of the whole index."""
    with connections[db.alias].cursor() as cursor:
        cursor.execute("ANALYZE")  # as another program may do
        database.analyze(merge=True, using=db.alias)
        cursor.execute("SELECT DISTINCT tbl FROM sqlite_stat1")
        analysed = {name for [name] in cursor.fetchall()}
    assert {"sessions", "messages"} <= analysed
    assert not {name for name in analysed if name.startswith("messages_fts")}
    assert [run.kind for run in runs(db)] == ["analyze"]


def test_sizes_say_where_the_bytes_are(db, database_file):
    leave_holes(db)
    found = database.sizes(using=db.alias)
    parts = {part.name: part for part in found.parts}
    assert parts["messages"].rows == 1
    assert parts["messages"].bytes >= 4096
    assert parts["messages_by_time"].table == "messages"
    assert parts["messages_fts"].kind == "search index"
    assert not any("_fts_" in name for name in parts)
    [session] = found.largest
    assert (session.title, session.messages) == ("Keep me", 1)
    assert session.bytes >= len("precious words")
    kinds = ("table", "index", "search index")
    everything = sum(found.total(kind) for kind in kinds) + found.space.free
    assert everything == found.space.pages * found.space.page_size


def test_info_says_when_the_file_was_cared_for(db):
    info = database.info(using=db.alias)
    assert info["tables"] == {"sessions": 1, "messages": 1, "models": 0, "projects": 0}
    assert (info["last_check"], info["last_backup"]) == (None, None)
    assert info["pages"] * info["page_size"] >= info["free"]
    checking.check(using=db.alias)
    assert database.info(using=db.alias)["last_check"].endswith("+00:00")
    json.dumps(info)
