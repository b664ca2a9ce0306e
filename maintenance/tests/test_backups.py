"""Backups, on real files."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from backports import zstd
from django.db import connections

from conversations.errors import SessionsError
from maintenance import backups
from maintenance.backups import manifest
from maintenance.tests import damage
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


def test_the_database_is_never_its_own_backup(db, database_file):
    for name in (database_file, Path(f"{database_file}-wal")):
        with pytest.raises(SessionsError, match="is the database itself"):
            backups.backup(name, using=db.alias)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: os.mkfifo(path), "is no file"),
        (lambda path: path.parent.joinpath("x").write_text("x"), "cannot be made"),
    ],
)
def test_a_name_that_cannot_be_a_backup_is_refused(db, tmp_path, make, reason):
    output = tmp_path / "out" if "made" not in reason else tmp_path / "x" / "copy.db"
    make(output if "made" not in reason else tmp_path / "other")
    with pytest.raises(SessionsError, match=reason):
        backups.backup(output, using=db.alias)


def test_a_backup_says_what_it_holds(db, tmp_path):
    made = backups.backup(tmp_path / "copy.db", using=db.alias).manifest
    assert (made.counts["sessions"], made.counts["messages"]) == (1, 1)
    assert "0001_initial" in made.schema["conversations"]
    assert made.problems == []
    assert backups.verify(tmp_path / "copy.db") == made


def test_a_backup_of_a_database_with_orphans_says_so(db, tmp_path, database_file):
    with closing(sqlite3.connect(database_file)) as other:
        other.execute("DROP TRIGGER IF EXISTS projects_delete_cascade")
        other.execute("PRAGMA foreign_keys = OFF")
        other.execute("UPDATE sessions SET project_id = 77")
        other.commit()
    copy = backups.backup(tmp_path / "copy.db", using=db.alias)
    assert copy.manifest.problems == [
        "sessions row 1 refers to a row of projects that is not there"
    ]
    assert backups.prove(copy.path, using=db.alias).sessions == 1


def test_a_damaged_database_makes_no_backup(db, tmp_path, database_file):
    old = backups.backup(tmp_path / "copy.db", using=db.alias).path.read_bytes()
    connections[db.alias].close()
    with database_file.open("rb+") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096 * 3)
    with pytest.raises(SessionsError, match="no backup"):
        backups.backup(tmp_path / "copy.db", is_recorded=False, using=db.alias)
    assert (tmp_path / "copy.db").read_bytes() == old
    assert [path.name for path in tmp_path.glob("*.part*")] == []


# -- wrapped ------------------------------------------------------------------------------------


def test_a_compressed_backup_is_smaller_and_other_programs_can_read_it(db, tmp_path):
    db.add_message(db.list_sessions()[0]["session_uuid"], "user", "tea " * 100_000)
    plain = backups.backup(tmp_path / "copy.db", using=db.alias)
    small = backups.backup(tmp_path / "copy.db.zst", compress=True, using=db.alias)
    assert small.size < plain.size / 3
    with zstd.open(small.path) as stream:
        assert stream.read(16) == b"SQLite format 3\0"
    with backups.opened(small.path) as (path, manifest):
        assert titles(path) == ["Keep me"]
        assert manifest == small.manifest
    assert sorted(path.name for path in tmp_path.glob("*copy*")) == ["copy.db", "copy.db.zst"]


def test_an_encrypted_backup_says_nothing_without_its_passphrase(db, tmp_path):
    copy = backups.backup(tmp_path / "c", compress=True, passphrase="sesame", using=db.alias)
    assert b"precious" not in copy.path.read_bytes()
    for wrong in ({}, {"passphrase": "other"}):
        with pytest.raises(backups.UnusableBackup, match="passphrase"):
            backups.verify(copy.path, **wrong)
    with backups.opened(copy.path, passphrase="sesame") as (path, _):
        assert titles(path) == ["Keep me"]


def test_a_backup_for_a_recipient_is_opened_by_its_key_alone(db, tmp_path):
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    copy = backups.backup(tmp_path / "c.age", recipients=[str(key.to_public())], using=db.alias)
    with pytest.raises(backups.UnusableBackup, match="cannot be decrypted"):
        backups.verify(copy.path, identities=[str(other)])
    with pytest.raises(backups.UnusableBackup, match="no identity"):
        backups.verify(copy.path)
    assert backups.verify(copy.path, identities=[str(key)]) == copy.manifest
    with pytest.raises(SessionsError, match="is no recipient"):
        backups.backup(tmp_path / "d", recipients=["me@example.org"], using=db.alias)


# -- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_no_flipped_bit_and_no_cut_goes_unnoticed(db, tmp_path, compress, is_encrypted):
    key = pyrage.x25519.Identity.generate()
    recipients = [str(key.to_public())] if is_encrypted else []
    copy = backups.backup(
        tmp_path / "copy", compress=compress, recipients=recipients, using=db.alias
    )
    tried = damage.tried(copy.path, 60, seed=1, identities=[str(key)])
    assert [what for what, is_refused in tried if not is_refused] == []


def test_damage_of_a_backup_with_a_passphrase_is_noticed(db, tmp_path):
    copy = backups.backup(tmp_path / "copy", passphrase="sesame", using=db.alias)
    tried = damage.tried(copy.path, 1, seed=1, passphrase="sesame")
    assert [what for what, is_refused in tried if not is_refused] == []


def test_every_bit_of_a_trailer_counts(db, tmp_path):
    copy = backups.backup(tmp_path / "copy.db", using=db.alias)
    content, start = copy.path.read_bytes(), copy.manifest.bytes
    for place in [*range(start, len(content), 97), *range(len(content) - 60, len(content))]:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        copy.path.write_bytes(changed)
        with pytest.raises(backups.UnusableBackup):
            backups.verify(copy.path)
    for end in (start, start + 1, len(content) - 1):
        copy.path.write_bytes(content[:end])
        with pytest.raises(backups.UnusableBackup):
            backups.verify(copy.path)
    copy.path.write_bytes(content + b"\0")
    with pytest.raises(backups.UnusableBackup):
        backups.verify(copy.path)


def test_a_plain_copy_that_somebody_made_can_be_opened(db, tmp_path):
    with closing(sqlite3.connect(tmp_path / "plain.db")) as plain:
        connections[db.alias].connection.backup(plain)
    with backups.opened(tmp_path / "plain.db") as (path, manifest):
        assert titles(path) == ["Keep me"]
        assert manifest is None


# -- proofs and rotation ------------------------------------------------------------------------


def test_a_proven_backup_is_known_as_such_until_its_file_is_gone(db, tmp_path):
    copy = backups.backup(tmp_path / "copy.db", using=db.alias)
    assert backups.last_proven(db.alias) is None
    proof = backups.prove(copy.path, using=db.alias)
    assert (proof.sessions, proof.messages) == (1, 1)
    assert backups.last_proven(db.alias).path == str(copy.path)
    assert [row.path for row in backups.known(db.alias)] == [str(copy.path)]
    copy.path.unlink()
    assert backups.last_proven(db.alias) is None
    assert backups.known(db.alias) == []


def test_a_backup_that_is_not_what_it_says_is_not_proven(db, tmp_path):
    copy = backups.backup(tmp_path / "copy.db", using=db.alias)
    said = copy.manifest.as_dict()
    wrong = said | {"counts": said["counts"] | {"messages": 5}}
    del wrong["bytes"], wrong["sha256"], wrong["program"], wrong["format"]
    with copy.path.open("rb+") as file:
        file.truncate(copy.manifest.bytes)
    manifest.append(copy.path, wrong, manifest.hashed(copy.path))
    with pytest.raises(backups.UnusableBackup, match="messages has 1 rows and should have 5"):
        backups.prove(copy.path, using=db.alias)
    assert backups.last_proven(db.alias) is None


@pytest.fixture
def aged(db, database_file):
    """Files with default names: one for each of 60 days."""
    day = datetime(2026, 3, 31, 3)
    names = []
    for age in range(60):
        name = f"{database_file.stem}_backup_{day - timedelta(days=age):%Y%m%d_%H%M%S}.db"
        database_file.with_name(name).write_text(name)
        names.append(name)
    database_file.with_name("mine.db").write_text("mine")
    return names


def there(file: Path) -> set[str]:
    return {path.name for path in file.parent.glob("*_backup_*")}


def test_the_newest_are_kept_and_nothing_else_is_touched(db, aged, database_file):
    assert len(backups.keep_newest(5, dry_run=True, using=db.alias)) == 55
    assert there(database_file) == set(aged)
    backups.keep_newest(5, using=db.alias)
    assert there(database_file) == set(aged[:5])
    backups.keep_newest(0, using=db.alias)
    assert there(database_file) == set(aged[:1])
    assert database_file.with_name("mine.db").exists()


def test_some_of_each_day_week_and_month_are_kept(db, aged, database_file):
    backups.rotate(daily=3, weekly=2, monthly=3, using=db.alias)
    dates = sorted(re.search(r"_(\d{8})_", name)[1] for name in there(database_file))
    assert dates == ["20260131", "20260228", "20260329", "20260330", "20260331"]


def test_the_last_proven_backup_stays(db, aged, database_file):
    proven = database_file.with_name(aged[40])
    backups.backup(proven, using=db.alias)
    backups.prove(proven, using=db.alias)
    backups.keep_newest(2, using=db.alias)
    assert there(database_file) == {*aged[:2], aged[40]}
