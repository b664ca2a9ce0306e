"""Restoring, on real files that others read and write meanwhile."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pyrage
import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as SignIn
from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from conversations import locks
from conversations.databases import files
from conversations.errors import DatabaseTrouble, SessionsError
from conversations.models import Session
from maintenance import backups, restoring, runs
from maintenance.models import Backup, Erasure, MaintenanceRun, RunKind, RunStatus
from maintenance.restoring import preview, restore
from maintenance.swapping import Condition
from maintenance.tests.kills import problems
from sessionsite.manager import SessionManager


@pytest.fixture(autouse=True)
def own_data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def db(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        session = manager.create_session("Keep me")
        manager.add_message(session, "user", "precious words", cost=0.25)
        yield manager


@pytest.fixture
def copy(db, tmp_path) -> Path:
    """A backup of the database with one session in it."""
    return backups.backup(tmp_path / "copies" / "copy.db", using=db.alias).path


def titles(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [title for [title] in plain.execute("SELECT title FROM sessions ORDER BY id")]


def titles_in(backup: Path) -> list[str]:
    with backups.opened(backup) as (plain, _):
        return titles(plain)


@contextmanager
def changed(file: Path):
    """A connection to change a database in a way that this program does not."""
    with closing(sqlite3.connect(file)) as plain:
        yield plain
        plain.commit()


def beside(file: Path) -> set[str]:
    return {path.name for path in file.parent.iterdir() if path.is_file()} - {file.name}


def plain_copy(db, tmp_path, name: str = "plain.db") -> Path:
    """The database as a file without a manifest, as another tool would copy it."""
    with closing(sqlite3.connect(tmp_path / name)) as copy:
        connections[db.alias].ensure_connection()
        connections[db.alias].connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    return tmp_path / name


# -- what comes, and what is kept ------------------------------------------------------------------


def test_a_restore_brings_back_what_was_and_keeps_what_is(db, copy, database_file):
    db.create_session("Too new")
    restored = restore(copy, using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Keep me"]
    assert (restored.sessions, restored.messages) == (1, 1)
    assert restored.is_kept_sound
    assert restored.kept.name.startswith("sessions.db.before-restore-20")
    assert titles_in(restored.kept) == ["Keep me", "Too new"]
    assert [hit["snippet"] for hit in db.search("precious")] == ["<mark>precious</mark> words"]
    assert problems(database_file) == []


def test_what_a_restore_replaced_can_be_restored_in_turn(db, copy):
    db.create_session("Too new")
    kept = restore(copy, using=db.alias).kept
    restore(kept, using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Too new", "Keep me"]


def test_a_restore_leaves_nothing_but_the_copy_of_what_was(db, copy, database_file):
    before = beside(database_file)
    kept = restore(copy, using=db.alias).kept
    db.close()
    assert beside(database_file) - before == {kept.name}


def test_the_wal_is_cut_to_nothing_after_a_restore(db, copy, database_file):
    for number in range(20):
        db.create_session("x" * 900 + str(number))
    large = backups.backup(copy.with_name("large.db"), using=db.alias).path
    with closing(sqlite3.connect(database_file)) as reader:  # keeps the WAL from being deleted
        reader.execute("SELECT COUNT(*) FROM sessions").fetchone()
        restore(large, using=db.alias)
        wal = Path(f"{database_file}-wal")
        assert wal.stat().st_size < large.stat().st_size / 4  # the run's last words
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_copy_that_another_tool_made_is_restored_too(db, tmp_path):
    file = plain_copy(db, tmp_path)
    db.create_session("Too new")
    restore(file, using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Keep me"]


def test_a_backup_with_other_pages_fits(db, tmp_path, database_file):
    file = plain_copy(db, tmp_path)
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("PRAGMA page_size=8192")
        plain.execute("VACUUM")
    db.create_session("Too new")
    restore(file, using=db.alias)
    assert titles(database_file) == ["Keep me"]


# -- others at work --------------------------------------------------------------------------------


def test_a_reader_keeps_its_moment_and_then_sees_the_restored_data(db, copy, database_file):
    db.create_session("Too new")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (2,)
        restore(copy, using=db.alias)
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (2,)
        reader.execute("COMMIT")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)


def test_connections_that_stay_open_see_a_schema_that_has_changed(db, copy, database_file):
    with changed(database_file) as plain:
        plain.execute("CREATE TABLE of_another_version (id)")
    with closing(sqlite3.connect(database_file)) as reader:
        assert reader.execute("SELECT COUNT(*) FROM of_another_version").fetchone() == (0,)
        restore(copy, using=db.alias)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            reader.execute("SELECT COUNT(*) FROM of_another_version")
        assert reader.execute("SELECT COUNT(*) FROM sessions").fetchone() == (1,)


def test_threads_of_a_server_meet_the_old_data_or_the_new(db, copy):
    session = db.create_session("Too new")
    db.add_messages(session, [{"role": "user", "content": "x"}] * 30)
    stop, met, errors = threading.Event(), set(), []

    def read():
        try:
            while not stop.is_set():
                with connections[db.alias].cursor() as cursor:
                    cursor.execute(
                        "SELECT SUM(total_messages), (SELECT COUNT(*) FROM messages) FROM sessions"
                    )
                    met.add(cursor.fetchone())
        except Exception as error:
            errors.append(error)
        finally:
            db.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    restore(copy, using=db.alias)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert met <= {(31, 31), (1, 1)}


def test_nothing_that_was_stored_is_in_neither_the_kept_copy_nor_the_new_database(
    db, copy, database_file
):
    """A writer goes on all the while; what it was told is stored must be somewhere."""
    stored, stop = [], threading.Event()

    def write():
        while not stop.is_set():
            title = f"Session {len(stored)}"
            db.create_session(title)
            stored.append(title)
            time.sleep(0.005)  # SQLite's lock is not fair
        db.close()

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.1)
    kept = restore(copy, using=db.alias).kept
    time.sleep(0.1)
    stop.set()
    writer.join()
    replaced, now = titles_in(kept), titles(database_file)
    assert set(stored) <= {*replaced, *now}
    assert set(replaced).isdisjoint(set(now) - {"Keep me"})


def test_a_writer_that_does_not_let_go_is_waited_for_only_so_long(db, copy, database_file):
    connections[db.alias].close()
    connections[db.alias].settings_dict["OPTIONS"]["timeout"] = 0.4
    db.create_session("Still here")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as writer:
        blocking = threading.Event()

        def block():
            # Once the copy of what is there is made: what comes then is the exchange.
            while not list(database_file.parent.glob("*.before-restore-*")):
                time.sleep(0.001)
            blocking.set()

        thread = threading.Thread(target=block)
        thread.start()
        outcome = []

        def work():
            try:
                outcome.append(restore(copy, using=db.alias))
            except SessionsError as error:
                outcome.append(error)
            finally:
                db.close()

        restoring_thread = threading.Thread(target=work)
        writer.execute("PRAGMA busy_timeout=5000")
        restoring_thread.start()
        blocking.wait(20)
        writer.execute("BEGIN IMMEDIATE")
        restoring_thread.join(20)
        writer.execute("ROLLBACK")
        thread.join()
    [error] = outcome
    if isinstance(error, restoring.Restored):
        pytest.skip("the exchange was done before the lock was taken")
    assert isinstance(error, DatabaseTrouble)
    assert "locked" in str(error) or "another program has been writing" in str(error)
    assert titles(database_file) == ["Keep me", "Still here"]
    assert not list(database_file.parent.glob("*.before-restore-*"))


def test_two_restores_never_run_at_once(db, copy):
    with locks.alone(restoring.LOCK), pytest.raises(SessionsError, match="at it already"):
        restore(copy, using=db.alias)


# -- what is refused -------------------------------------------------------------------------------


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    file.write_bytes(content)


def make_newer(file: Path) -> None:
    with changed(file) as plain:
        plain.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('conversations', '0099_of_tomorrow', '2030-01-01')"
        )


def make_other(file: Path) -> None:
    file.unlink()
    with changed(file) as plain:
        plain.execute("CREATE TABLE recipes (name)")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.unlink(), "there is no"),
        (lambda file: file.write_text("not a database at all " * 500), "plain.db"),
        (lambda file: file.write_bytes(file.read_bytes()[:8192]), "plain.db"),
        (lambda file: file.write_bytes(b""), "plain.db"),
        (damage, "plain.db"),
        (make_other, "is not a backup of this program"),
        (make_newer, "newer version.*conversations.0099_of_tomorrow"),
    ],
)
def test_a_file_that_is_no_sound_backup_is_refused(db, tmp_path, database_file, spoil, message):
    file = plain_copy(db, tmp_path)
    spoil(file)
    for attempt in (restore, preview):
        with pytest.raises(backups.UnusableBackup, match=message):
            attempt(file, using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Keep me"]
    assert not list(database_file.parent.glob("*before-restore*"))


def test_the_restored_database_is_no_longer_marked_as_a_backup(db, copy, tmp_path):
    restore(copy, using=db.alias)
    restore(plain_copy(db, tmp_path), using=db.alias)


def test_a_compressed_and_encrypted_backup_is_restored(db, tmp_path):
    key = pyrage.x25519.Identity.generate()
    recipients = [str(key.to_public())]
    packed = backups.backup(
        tmp_path / "packed", compress=True, recipients=recipients, using=db.alias
    ).path
    db.create_session("Too new")
    for identities in ([], [str(pyrage.x25519.Identity.generate())]):
        with pytest.raises(backups.UnusableBackup, match="crypted"):
            restore(packed, identities=identities, using=db.alias)
    assert preview(packed, identities=[str(key)], using=db.alias).then.sessions == 1
    restore(packed, identities=[str(key)], using=db.alias)
    assert [row["title"] for row in db.list_sessions()] == ["Keep me"]


def test_a_refused_restore_stands_in_the_history(db, tmp_path):
    with pytest.raises(backups.UnusableBackup):
        restore(tmp_path / "nowhere.db", using=db.alias)
    run = MaintenanceRun.objects.using(db.alias).get(kind="restore")
    assert (run.kind, run.status) == (RunKind.RESTORE, RunStatus.FAILED)
    assert "nowhere.db" in run.error


def test_the_database_is_never_its_own_backup(db, database_file):
    with pytest.raises(SessionsError, match="is the database itself"):
        restore(database_file, using=db.alias)


# -- older versions --------------------------------------------------------------------------------


def older(db, tmp_path) -> Path:
    """A copy as a version made it that kept no history of maintenance."""
    file = plain_copy(db, tmp_path, "older.db")
    alias = files.connect(file)
    call_command("migrate", "maintenance", "zero", database=alias, verbosity=0, skip_checks=True)
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=DELETE")
    files.close(alias)
    return file


def test_an_older_backup_is_brought_up_to_this_version(db, tmp_path, database_file):
    file = older(db, tmp_path)
    before = file.read_bytes()
    db.create_session("Too new")
    assert preview(file, using=db.alias).waiting == ["maintenance.0001_first"]
    restored = restore(file, using=db.alias)
    assert restored.migrated == ["maintenance.0001_first"]
    assert files.pending(db.alias) is None
    assert titles(database_file) == ["Keep me"]
    assert problems(database_file) == []
    assert MaintenanceRun.objects.using(db.alias).get(kind="restore").status == RunStatus.DONE
    assert file.read_bytes() == before


def test_a_migration_that_fails_changes_nothing(db, tmp_path, database_file):
    file = older(db, tmp_path)
    with changed(file) as plain:
        plain.execute("CREATE TABLE maintenance_runs (id)")
    db.create_session("Still here")
    with pytest.raises(backups.UnusableBackup, match="cannot be brought up to this one"):
        restore(file, using=db.alias)
    assert titles(database_file) == ["Keep me", "Still here"]
    assert not list(database_file.parent.glob("*before-restore*"))


def test_a_backup_goes_into_the_place_of_an_older_database(db, copy, tmp_path, database_file):
    db.create_session("Too new")
    shutil.move(older(db, tmp_path), database_file)
    restored = restore(copy, using=db.alias)
    assert titles(database_file) == ["Keep me"]
    assert files.pending(db.alias) is None
    assert restored.kept.exists()
    assert MaintenanceRun.objects.using(db.alias).get(kind="restore").status == RunStatus.DONE


def test_a_database_of_another_program_is_kept_as_it_is(db, copy, database_file):
    db.close()
    database_file.unlink()
    with changed(database_file) as plain:
        plain.execute("CREATE TABLE recipes (name)")
        plain.execute("INSERT INTO recipes VALUES ('soup')")
    restored = restore(copy, using=db.alias)
    assert titles(database_file) == ["Keep me"]
    with closing(sqlite3.connect(restored.kept)) as kept:
        assert kept.execute("SELECT name FROM recipes").fetchall() == [("soup",)]


# -- a database that is lost -----------------------------------------------------------------------


def test_a_database_that_is_missing_is_brought_back(db, copy, database_file):
    db.close()
    database_file.unlink()
    restored = restore(copy, using=db.alias)
    assert (restored.kept, titles(database_file)) == (None, ["Keep me"])
    assert problems(database_file) == []
    assert MaintenanceRun.objects.using(db.alias).get(kind="restore").status == RunStatus.DONE


def test_a_wal_that_outlived_its_database_is_not_played_into_the_restored_one(
    db, copy, database_file
):
    with closing(sqlite3.connect(database_file)) as other:
        other.execute("UPDATE sessions SET title = 'Only in the WAL'")
        other.commit()
        wal = Path(f"{database_file}-wal").read_bytes()
    db.close()
    database_file.unlink()
    Path(f"{database_file}-wal").write_bytes(wal)
    restore(copy, using=db.alias)
    assert titles(database_file) == ["Keep me"]


def test_a_database_that_cannot_be_opened_is_moved_aside_whole(db, copy, database_file):
    db.close()
    junk = b"no database any more " * 1000
    database_file.write_bytes(junk)
    Path(f"{database_file}-wal").write_bytes(b"nor a WAL")
    assert preview(copy, using=db.alias).condition is Condition.UNREADABLE
    restored = restore(copy, using=db.alias)
    assert titles(database_file) == ["Keep me"]
    assert not restored.is_kept_sound
    assert restored.kept.read_bytes() == junk
    assert Path(f"{restored.kept}-wal").read_bytes() == b"nor a WAL"


def test_a_broken_database_that_another_program_has_open_is_left_alone(db, copy, database_file):
    db.close()
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        " c.execute('BEGIN'); c.execute('SELECT * FROM sessions').fetchall();"
        " print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, database_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"open\n"
        with database_file.open("r+b") as file:
            file.write(b"no database any more")
        with pytest.raises(SessionsError, match="Stop the server"):
            restore(copy, using=db.alias)
        assert database_file.read_bytes().startswith(b"no database any more")
        other.stdin.close()
    restore(copy, using=db.alias)
    assert titles(database_file) == ["Keep me"]


def test_a_database_damaged_within_is_replaced_and_kept_as_it_is(db, copy, database_file):
    session = db.create_session("Too new")
    db.add_messages(session, [{"role": "user", "content": "y" * 3000}] * 50)
    with connections[db.alias].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")
        page = cursor.fetchone()[0]
    db.close()
    with database_file.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    restored = restore(copy, using=db.alias)
    assert titles(database_file) == ["Keep me"]
    assert not restored.is_kept_sound
    assert restored.kept.stat().st_size > 150_000
    assert problems(database_file) == []


# -- what a restore must not take back -------------------------------------------------------------


def test_the_history_of_maintenance_is_kept(db, copy):
    history = MaintenanceRun.objects.using(db.alias)
    count = history.count()
    history.create(run_uuid="since", kind=RunKind.VACUUM, status=RunStatus.DONE, summary="Smaller.")
    Backup.objects.using(db.alias).update_or_create(path="/far/away.db", defaults={"bytes": 7})
    Erasure.objects.using(db.alias).create(receipt_uuid="paper", session_uuids=["gone"])
    restore(copy, using=db.alias)
    assert history.get(run_uuid="since").summary == "Smaller."
    assert Backup.objects.using(db.alias).get(path="/far/away.db").bytes == 7
    assert Erasure.objects.using(db.alias).get().session_uuids == ["gone"]
    last = history.first()
    assert (last.kind, last.status, history.count()) == (RunKind.RESTORE, RunStatus.DONE, count + 2)
    assert "1 session" in last.summary
    kept = Backup.objects.using(db.alias).get(path=last.report["kept"])
    assert kept.bytes == Path(kept.path).stat().st_size
    assert kept.manifest["counts"]["erasures"] == 1


def test_a_run_that_waited_for_a_restore_is_done_in_the_restored_database(db, copy):
    waiting = runs.begin(RunKind.RESTORE, options={"file": "copy.db"}, using=db.alias)
    restore(copy, entry=waiting, using=db.alias)
    run = MaintenanceRun.objects.using(db.alias).get(kind="restore")
    assert (run.run_uuid, run.status) == (waiting.run_uuid, RunStatus.DONE)
    assert run.options == {"file": "copy.db"}


def test_a_run_at_work_finds_itself_in_the_restored_database(db, copy):
    history = MaintenanceRun.objects.using(db.alias)
    history.create(run_uuid="other", kind=RunKind.VACUUM)
    working = history.create(run_uuid="working", kind=RunKind.CHECK, status=RunStatus.RUNNING)
    restore(copy, using=db.alias)
    assert history.get(pk=working.pk).run_uuid == "working"


def test_who_is_signed_in_stays_so_and_old_tasks_do_not_run_again(db, copy):
    signed_in = SignIn.objects.using(db.alias)
    tasks = DBTaskResult.objects.using(db.alias)
    signed_in.create(session_key="then", session_data="", expire_date=timezone.now())
    tasks.create(task_path="then", args_kwargs={}, backend_name="default")
    then = backups.backup(copy.with_name("then.db"), using=db.alias).path
    signed_in.all().delete()
    tasks.all().delete()
    signed_in.create(session_key="now", session_data="", expire_date=timezone.now())
    tasks.create(task_path="now", args_kwargs={}, backend_name="default")
    restore(then, using=db.alias)
    assert [row.session_key for row in signed_in.all()] == ["now"]
    assert [row.task_path for row in tasks.all()] == ["now"]


def test_users_are_found_again_by_name_or_let_go_of(db, tmp_path, database_file):
    users = get_user_model().objects.using(db.alias)
    users.create(username="filler")
    users.create(username="ann")
    copy = backups.backup(tmp_path / "copy.db", using=db.alias).path
    with connections[db.alias].cursor() as cursor:
        cursor.execute("UPDATE auth_user SET id = 70 WHERE username = 'ann'")
    ann, new = users.get(username="ann"), users.create(username="new")
    history = MaintenanceRun.objects.using(db.alias)
    history.create(run_uuid="hers", kind=RunKind.VACUUM, user=ann)
    restore(copy, user=new, using=db.alias)
    assert history.get(run_uuid="hers").user.username == "ann"
    assert history.first().user is None
    assert problems(database_file) == []


@pytest.fixture
def receipt(db, copy):
    """The session of the backup is erased, and there is a receipt of it."""
    [row] = db.list_sessions()
    db.delete_session(row["session_uuid"])
    db.create_session("Another")
    Erasure.objects.using(db.alias).create(
        receipt_uuid="paper", session_uuids=[row["session_uuid"]]
    )
    return row["session_uuid"]


def test_what_was_erased_does_not_come_back(db, copy, receipt, database_file):
    seen = preview(copy, using=db.alias)
    assert (seen.erased.count, seen.erased.named) == (1, [(receipt, "Keep me")])
    restored = restore(copy, using=db.alias)
    assert restored.erased_again == [receipt]
    assert titles(database_file) == []
    db.close()
    assert b"precious" not in database_file.read_bytes()
    assert problems(database_file) == []


def test_what_was_erased_comes_back_if_asked_for(db, copy, receipt, database_file):
    assert restore(copy, keep_erased=True, using=db.alias).erased_again == []
    assert titles(database_file) == ["Keep me"]


def test_what_was_imported_again_after_it_was_erased_stays(db, copy, receipt, database_file):
    Session.objects.using(db.alias).create(session_uuid=receipt, title="Back again")
    assert preview(copy, using=db.alias).erased.count == 0
    assert restore(copy, using=db.alias).erased_again == []
    assert titles(database_file) == ["Keep me"]


# -- what would change -----------------------------------------------------------------------------


def test_a_preview_says_what_would_change_and_changes_nothing(db, copy, database_file):
    new = db.create_session("Too new")
    db.add_message(new, "user", "more", cost=0.5)
    before = titles(database_file), beside(database_file)
    seen = preview(copy, using=db.alias)
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


def test_a_preview_without_a_database_makes_none(db, copy, database_file):
    db.close()
    database_file.unlink()
    seen = preview(copy, using=db.alias)
    assert (seen.condition, seen.now, seen.then.sessions) == (Condition.MISSING, None, 1)
    assert not database_file.exists()
