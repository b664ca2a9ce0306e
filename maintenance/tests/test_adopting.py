"""A database of the original system becomes one of this version, and nothing of it is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from conversations.databases import files
from conversations.errors import DatabaseTrouble, SessionsError
from maintenance import adopting, checking
from maintenance.adopting import adoption
from maintenance.models import Backup, MaintenanceRun
from maintenance.tests import original
from sessionsite.manager import SessionManager

ROOT = Path(__file__).resolve().parents[2]


def rows(file: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(file)) as plain:
        return plain.execute(sql).fetchall()


def dump(file: Path) -> list[str]:
    """Everything in a database as SQL, but the insides of the search index."""
    with closing(sqlite3.connect(file)) as plain:
        plain.text_factory = bytes
        tables = [name.decode() for [name] in plain.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '*fts*'"
            " ORDER BY name")]  # fmt: skip
        return [f"{table} {plain.execute(f'SELECT * FROM {table}').fetchall()}" for table in tables]


@pytest.fixture(scope="module")
def adopted(tmp_path_factory, django_db_blocker, empty_database):
    """A database with every wrong there is, adopted: its file and the report."""
    file = original.make(tmp_path_factory.mktemp("adopted") / "old.db")
    before = dump(file)
    with django_db_blocker.unblock():
        report = adopting.adopt(empty=empty_database, using=files.connect(file))
    assert dump(Path(report.copy)) == before
    return file, report


@pytest.fixture
def unblocked(django_db_blocker):
    with django_db_blocker.unblock():
        yield


def test_every_row_is_kept_or_set_aside(adopted):
    file, report = adopted
    for table, copied in report.tables.items():
        assert rows(file, f"SELECT COUNT(*) FROM {table}") == [(copied.kept,)]
        whole = f"FROM set_aside WHERE table_name = '{table}' AND column_name IS NULL"
        assert rows(file, f"SELECT COUNT(*) {whole}") == [(copied.set_aside,)]
        old = rows(Path(report.copy), "SELECT name FROM sqlite_master")
        if (table,) in old:
            assert rows(Path(report.copy), f"SELECT COUNT(*) FROM {table}") == [(copied.rows,)]
    assert (report.tables["messages"].kept, report.tables["messages"].set_aside) == (5, 3)


def test_an_adopted_database_is_sound_and_in_use(adopted, unblocked):
    file, report = adopted
    with SessionManager(file) as db:
        found = [str(finding) for finding in checking.check(using=db.alias)]
        assert found == report.left
        assert found == ["my_notes row 2 refers to a row of sessions that is not there"]
        assert [row["message_uuid"] for row in db.search("precious")] == ["m1"]
        assert db.get_session("s1")["total_cost"] == 0.75
        db.add_message("s1", "user", "one more")
        assert db.get_session("s1")["total_messages"] == 3
        run = MaintenanceRun.objects.using(db.alias).get(kind="adoption")
        assert (run.status, run.summary) == ("done", str(report))
        assert run.report["tables"]["sessions"] == {"rows": 3, "kept": 3, "set_aside": 0}
        [copy] = Backup.objects.using(db.alias).all()  # for an erasure to name it
        assert copy.path == report.copy
    json.dumps(report.as_dict())


def test_what_is_wrong_with_a_row_goes_aside_with_its_reason(adopted):
    file, _ = adopted
    asked = "SELECT table_name, row_id, column_name, reason, value FROM set_aside"
    aside = {row[:3]: (row[3], json.loads(row[4])) for row in rows(file, asked)}
    lost = "that is not there"
    assert aside["sessions", 2, "project_id"] == (f"it names a row of projects {lost}", 44)
    assert aside["sessions", 3, "tags"] == ("tags is no JSON", "a, b")
    assert aside["sessions", 3, "started_at"][1] == "some day"
    assert aside["sessions", 3, "status"][1] == "paused"
    assert aside["messages", 4, "cost"] == ("cost is out of range", 1e99)
    assert aside["annotations", 2, "rating"] == ("rating is out of range", 11)
    reason, value = aside["messages", 9, "content"]
    assert reason == "it is no UTF-8"
    assert value.encode("utf-8", "surrogateescape") == b"ca\xe9"
    for row, words, reason in (
        (5, "beep", "role has a value"),
        (7, "third of its number", "another row has the same session_id, sequence_number"),
        (8, "words of a session that went", f"session_id names a row of sessions {lost}"),
    ):
        told, whole = aside["messages", row, None]
        assert told.startswith(reason)
        assert whole["content"] == words
    assert aside["batch_items", 3, None][1]["batch_job_id"] == 9
    assert aside["annotations", 3, None][1]["content"] == "on what went"


def test_what_can_be_read_is_kept_in_its_place(adopted):
    file, _ = adopted
    [[time]] = rows(file, "SELECT timestamp FROM messages WHERE id = 9")
    assert time == "2025-01-08 20:30:45"
    [[tags, metadata]] = rows(file, "SELECT tags, metadata FROM sessions WHERE id = 1")
    assert json.loads(tags) == ["a", "b"]
    assert json.loads(metadata) == {"original": {"mood": "merry"}}  # a column of its own
    assert rows(file, "SELECT parent_session_id FROM sessions WHERE id = 3") == [(1,)]
    assert rows(file, "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'") == [(4,)]


def test_totals_and_counters_are_corrected_and_told(adopted):
    file, report = adopted
    assert (report.totals.sessions, report.totals.corrected) == (3, 2)
    [second, _] = report.totals.examples
    assert second == {
        "session_uuid": "s2", "messages": -1, "input_tokens": -30, "output_tokens": 0, "cost": -0.1
    }  # fmt: skip
    assert report.jobs_corrected == 1
    assert rows(file, "SELECT status, completed_items FROM batch_jobs") == [("completed", 2)]


def test_what_people_added_is_kept_as_it_is(adopted):
    file, report = adopted
    assert rows(file, "SELECT * FROM my_notes") == [
        (1, 1, "mine", "MINE"), (2, 4, "of what went", "OF WHAT WENT")
    ]  # fmt: skip
    assert rows(file, "SELECT * FROM original_prices") == [("tea", 2.5)]
    assert rows(file, "SELECT title FROM my_view") == [("First",), ("Of a lost project",), ("Odd",)]
    assert rows(file, "SELECT 1 FROM sqlite_master WHERE name = 'my_notes_by_session'")
    left_out = {entry.name: entry.sql for entry in report.left_out}
    assert left_out["my_broken_view"].startswith("CREATE VIEW my_broken_view AS")
    assert {"v_daily_stats", "update_session_stats", "idx_messages_session"} <= set(left_out)


def test_a_broken_search_index_is_told_and_made_anew(tmp_path, empty_database, unblocked):
    file = original.make(tmp_path / "old.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        plain.execute("DELETE FROM messages_fts_data")
    report = adopting.adopt(empty=empty_database, using=files.connect(file))
    assert any("search index messages_fts" in text for text in report.damage)
    with SessionManager(file) as db:
        assert len(db.search("precious")) == 1


def test_a_dry_run_tells_the_same_and_changes_no_byte(tmp_path, empty_database, unblocked):
    file = original.make(tmp_path / "old.db")
    before = file.read_bytes()
    report = adopting.adopt(dry_run=True, empty=empty_database, using=files.connect(file))
    assert "2 of 3 sessions corrected" in "\n".join(adopting.lines(report))
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["old.db"]


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["DROP TABLE messages"], "is not a database of the original system"),
        (
            ["DROP VIEW my_broken_view", "ALTER TABLE messages RENAME COLUMN content TO said"],
            "it lacks its tables sessions and messages, or columns of theirs",
        ),
        (["PRAGMA user_version = 7"], "says in PRAGMA user_version that it is of version 7"),
        (
            ["CREATE TABLE schema_version (version)", "INSERT INTO schema_version VALUES ('2.1')"],
            "says in the table schema_version that it is of version 2.1",
        ),
    ],
)
def test_another_version_or_program_is_refused(
    tmp_path, empty_database, unblocked, statements, message
):
    file = original.make(tmp_path / "old.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        for statement in statements:
            plain.execute(statement)
    before = file.read_bytes()
    with pytest.raises(DatabaseTrouble, match=message):
        adopting.adopt(empty=empty_database, using=files.connect(file))
    assert file.read_bytes() == before


def test_what_is_written_meanwhile_is_not_lost(tmp_path, empty_database, unblocked):
    file = original.make(tmp_path / "old.db")

    def write(step: str) -> None:
        if step == "Checking":
            with closing(sqlite3.connect(file)) as plain:
                plain.execute("INSERT INTO sessions (session_uuid, title) VALUES ('new', 'New')")
                plain.commit()

    with pytest.raises(SessionsError, match="was written to by another program meanwhile"):
        adopting.adopt(empty=empty_database, using=files.connect(file), on_step=write)
    assert files.is_original(file)
    assert rows(file, "SELECT title FROM sessions WHERE session_uuid = 'new'") == [("New",)]
    assert {path.name for path in tmp_path.iterdir()} <= {"old.db", "old.db-wal", "old.db-shm"}


def test_readers_see_the_old_database_or_the_new(tmp_path, empty_database, unblocked):
    file = original.make(tmp_path / "old.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM messages").fetchone() == (8,)
        adopting.adopt(empty=empty_database, using=files.connect(file))
        assert reader.execute("SELECT COUNT(*) FROM messages").fetchone() == (8,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT COUNT(*) FROM messages").fetchone() == (5,)


def test_a_file_of_another_page_size_is_adopted(tmp_path, empty_database, unblocked):
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA page_size = 1024")
        plain.execute("VACUUM")
    original.make(file)
    adopting.adopt(empty=empty_database, using=files.connect(file))
    assert rows(file, "PRAGMA page_size") == [(1024,)]
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert not files.is_original(file)


def test_killed_at_any_moment_it_is_the_old_database_or_the_new(tmp_path):
    """More often by `python benchmarks/kill_adoption.py`."""
    counts = kill(tmp_path, moments=[("Swapping", 0.0)])
    assert sum(counts.values()) == 1


def kill(folder: Path, moments: Iterable[tuple[str, float]]) -> Counter:
    """Kill adoptions, each so many seconds after a step begins; return what each left, counted.

    At last one may end.
    """
    file = original.make(folder / "old.db")
    before = dump(file)
    counts: Counter = Counter()
    for step, delay in moments:
        with start(file) as adoption_process:
            for line in adoption_process.stderr:
                if step in line:
                    break
            time.sleep(delay)
            adoption_process.kill()
        assert rows(file, "PRAGMA integrity_check") == [("ok",)]
        if files.is_original(file):
            counts["old"] += 1
            assert dump(file) == before
        else:
            counts["new"] += 1
            assert rows(file, "SELECT COUNT(*) FROM messages") == [(5,)]
            file.unlink()
            original.make(file)
            before = dump(file)
    with start(file) as adoption_process:
        adoption_process.communicate()
    assert adoption_process.returncode == 0
    assert rows(file, "SELECT COUNT(*) FROM messages") == [(5,)]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return counts


def start(file: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "session_db_setup.py", "--db", str(file), "migrate"],
        cwd=ROOT, env={**os.environ, "SESSIONS_DATA": str(file.parent / "data")},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_too_small_a_disk_is_named_before_anything_is_done(
    tmp_path, empty_database, unblocked, monkeypatch
):
    file = original.make(tmp_path / "old.db")
    monkeypatch.setattr(adoption, "TIMES_DISK", 10**12)
    with pytest.raises(SessionsError, match=r"needs [\d,]+ bytes of free disk"):
        adopting.adopt(empty=empty_database, using=files.connect(file))
    assert [path.name for path in tmp_path.iterdir()] == ["old.db"]


def test_pages_that_cannot_be_read_stop_it_and_nothing_is_changed(
    tmp_path, empty_database, unblocked
):
    file = original.make_large(tmp_path / "old.db", 30, 20)
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [[root]] = plain.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")
    with file.open("r+b") as pages:
        pages.seek((root - 1) * 4096)
        pages.write(b"\xff" * 64)
    before = file.read_bytes()
    with pytest.raises(DatabaseTrouble, match=r"cannot be read to its end|is damaged"):
        adopting.adopt(empty=empty_database, using=files.connect(file))
    assert file.read_bytes()[100:] == before[100:]


def test_connections_that_were_open_find_the_new_tables(tmp_path, empty_database, unblocked):
    file = original.make(tmp_path / "old.db")
    alias = files.connect(file)
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM messages")
    adopting.adopt(empty=empty_database, using=alias)
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM maintenance_runs")
        assert cursor.fetchone() == (1,)
