"""What is not restored, what is brought up to this version, and databases that are lost."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pyrage
import pytest
from django.core.management import call_command
from django.db import connections

from conversations.databases import files
from conversations.errors import SessionsError
from maintenance import backups
from maintenance.models import MaintenanceRun, RunKind, RunStatus
from maintenance.restoring import preview, restore
from maintenance.swapping import Condition
from maintenance.tests.kills import problems

from .restores import changed, plain_copy, titles

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
def test_a_file_that_is_no_sound_backup_is_refused(
    manager, tmp_path, database_file, spoil, message
):
    file = plain_copy(manager, tmp_path)
    spoil(file)
    for attempt in (restore, preview):
        with pytest.raises(backups.UnusableBackup, match=message):
            attempt(file, using=manager.alias)
    assert [row["title"] for row in manager.list_sessions()] == ["Keep me"]
    assert not list(database_file.parent.glob("*before-restore*"))


def test_the_restored_database_is_no_longer_marked_as_a_backup(manager, copy, tmp_path):
    restore(copy, using=manager.alias)
    restore(plain_copy(manager, tmp_path), using=manager.alias)


def test_a_compressed_and_encrypted_backup_is_restored(manager, tmp_path):
    key = pyrage.x25519.Identity.generate()
    recipients = [str(key.to_public())]
    packed = backups.backup(
        tmp_path / "packed", compress=True, recipients=recipients, using=manager.alias
    ).path
    manager.create_session("Too new")
    for identities in ([], [str(pyrage.x25519.Identity.generate())]):
        with pytest.raises(backups.UnusableBackup, match="crypted"):
            restore(packed, identities=identities, using=manager.alias)
    assert preview(packed, identities=[str(key)], using=manager.alias).then.sessions == 1
    restore(packed, identities=[str(key)], using=manager.alias)
    assert [row["title"] for row in manager.list_sessions()] == ["Keep me"]


def test_a_refused_restore_stands_in_the_history(manager, tmp_path):
    with pytest.raises(backups.UnusableBackup):
        restore(tmp_path / "nowhere.db", using=manager.alias)
    run = MaintenanceRun.objects.using(manager.alias).get(kind="restore")
    assert (run.kind, run.status) == (RunKind.RESTORE, RunStatus.FAILED)
    assert "nowhere.db" in run.error


def test_the_database_is_never_its_own_backup(manager, database_file):
    with pytest.raises(SessionsError, match="is the database itself"):
        restore(database_file, using=manager.alias)


# -- older versions --------------------------------------------------------------------------------


def older(manager, tmp_path) -> Path:
    """A copy as a version made it that kept no history of maintenance."""
    file = plain_copy(manager, tmp_path, "older.db")
    alias = files.connect(file)
    call_command("migrate", "maintenance", "zero", database=alias, verbosity=0, skip_checks=True)
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=DELETE")
    files.close(alias)
    return file


def test_an_older_backup_is_brought_up_to_this_version(manager, tmp_path, database_file):
    file = older(manager, tmp_path)
    before = file.read_bytes()
    manager.create_session("Too new")
    assert preview(file, using=manager.alias).waiting == ["maintenance.0001_first"]
    restored = restore(file, using=manager.alias)
    assert restored.migrated == ["maintenance.0001_first"]
    assert files.pending(manager.alias) is None
    assert titles(database_file) == ["Keep me"]
    assert problems(database_file) == []
    assert MaintenanceRun.objects.using(manager.alias).get(kind="restore").status == RunStatus.DONE
    assert file.read_bytes() == before


def test_a_migration_that_fails_changes_nothing(manager, tmp_path, database_file):
    file = older(manager, tmp_path)
    with changed(file) as plain:
        plain.execute("CREATE TABLE maintenance_runs (id)")
    manager.create_session("Still here")
    with pytest.raises(backups.UnusableBackup, match="cannot be brought up to this one"):
        restore(file, using=manager.alias)
    assert titles(database_file) == ["Keep me", "Still here"]
    assert not list(database_file.parent.glob("*before-restore*"))


def test_a_backup_goes_into_the_place_of_an_older_database(manager, copy, tmp_path, database_file):
    manager.create_session("Too new")
    shutil.move(older(manager, tmp_path), database_file)
    restored = restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me"]
    assert files.pending(manager.alias) is None
    assert restored.kept.exists()
    assert MaintenanceRun.objects.using(manager.alias).get(kind="restore").status == RunStatus.DONE


def test_a_database_of_another_program_is_kept_as_it_is(manager, copy, database_file):
    manager.close()
    database_file.unlink()
    with changed(database_file) as plain:
        plain.execute("CREATE TABLE recipes (name)")
        plain.execute("INSERT INTO recipes VALUES ('soup')")
    restored = restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me"]
    with closing(sqlite3.connect(restored.kept)) as kept:
        assert kept.execute("SELECT name FROM recipes").fetchall() == [("soup",)]


# -- a database that is lost -----------------------------------------------------------------------


def test_a_database_that_is_missing_is_brought_back(manager, copy, database_file):
    manager.close()
    database_file.unlink()
    restored = restore(copy, using=manager.alias)
    assert (restored.kept, titles(database_file)) == (None, ["Keep me"])
    assert problems(database_file) == []
    assert MaintenanceRun.objects.using(manager.alias).get(kind="restore").status == RunStatus.DONE


def test_a_wal_that_outlived_its_database_is_not_played_into_the_restored_one(
    manager, copy, database_file
):
    with closing(sqlite3.connect(database_file)) as other:
        other.execute("UPDATE sessions SET title = 'Only in the WAL'")
        other.commit()
        wal = Path(f"{database_file}-wal").read_bytes()
    manager.close()
    database_file.unlink()
    Path(f"{database_file}-wal").write_bytes(wal)
    restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me"]


def test_a_database_that_cannot_be_opened_is_moved_aside_whole(manager, copy, database_file):
    manager.close()
    junk = b"no database any more " * 1000
    database_file.write_bytes(junk)
    Path(f"{database_file}-wal").write_bytes(b"nor a WAL")
    assert preview(copy, using=manager.alias).condition is Condition.UNREADABLE
    restored = restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me"]
    assert not restored.is_kept_sound
    assert restored.kept.read_bytes() == junk
    assert Path(f"{restored.kept}-wal").read_bytes() == b"nor a WAL"


def test_a_broken_database_that_another_program_has_open_is_left_alone(
    manager, copy, database_file
):
    manager.close()
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
            restore(copy, using=manager.alias)
        assert database_file.read_bytes().startswith(b"no database any more")
        other.stdin.close()
    restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me"]


def test_a_database_damaged_within_is_replaced_and_kept_as_it_is(manager, copy, database_file):
    session = manager.create_session("Too new")
    manager.add_messages(session, [{"role": "user", "content": "y" * 3000}] * 50)
    with connections[manager.alias].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")
        page = cursor.fetchone()[0]
    manager.close()
    with database_file.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    restored = restore(copy, using=manager.alias)
    assert titles(database_file) == ["Keep me"]
    assert not restored.is_kept_sound
    assert restored.kept.stat().st_size > 150_000
    assert problems(database_file) == []
