"""`manage.py restore` and `session_db_setup.py restore`, as a shell runs them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)


def create(program, title: str) -> None:  # noqa: F811
    with closing(sqlite3.connect(program.database)) as plain:
        plain.execute("INSERT INTO sessions (session_uuid, title) VALUES (?, ?)", [title, title])
        plain.commit()


def titles(program) -> list[str]:  # noqa: F811
    return [title for [title] in program.rows("SELECT title FROM sessions ORDER BY id")]


@pytest.fixture
def shell(with_database):  # noqa: F811
    create(with_database, "Keep me")
    with_database.ok("python manage.py backup --output copy.db")
    create(with_database, "Too \x1b[31mnew")
    return with_database


def test_a_dry_run_tells_what_would_change(shell):
    text = shell.ok("python manage.py restore copy.db --dry-run")
    assert "copy.db can be restored" in text
    assert "Would be gone: 1 session\n  Too  [31mnew  Too  [31mnew\n" in text
    told = json.loads(shell.ok("python session_db_setup.py restore copy.db -n --json"))
    assert (told["now"]["sessions"], told["then"]["sessions"]) == (2, 1)
    assert told["only_now"]["named"][0]["title"] == "Too \x1b[31mnew"
    assert titles(shell) == ["Keep me", "Too \x1b[31mnew"]


def test_a_restore_says_what_came_of_it(shell):
    told = json.loads(shell.ok("python manage.py restore copy.db --noinput --json"))
    assert (told["restored"], told["sessions"], told["migrated"]) == ("copy.db", 1, [])
    assert titles(shell) == ["Keep me"]
    [[kind, status]] = shell.rows(
        "SELECT kind, status FROM maintenance_runs WHERE kind = 'restore'"
    )
    assert (kind, status) == ("restore", "done")


def test_a_database_that_is_no_database_is_replaced_without_a_traceback(shell):
    shell.database.write_text("spilled coffee " * 1000)
    done = shell.shell("python session_db_setup.py restore copy.db --noinput")
    assert done.returncode == 0, done.stderr
    assert "damaged, and is kept as it was" in done.stderr
    assert titles(shell) == ["Keep me"]


def test_a_file_that_is_not_there_is_named(shell):
    for options in ("--noinput", "--dry-run"):
        done = shell.shell(f"python manage.py restore nowhere.db {options}")
        assert done.returncode == 1
        assert "nowhere.db" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_encrypted_backup_takes_its_passphrase(shell):
    (shell.folder / "secret").write_text("open sesame\n")
    shell.ok("python manage.py backup -o locked --passphrase-file secret")
    done = shell.shell("python manage.py restore locked --noinput")
    assert (done.returncode, "by a passphrase" in done.stderr) == (1, True), done.stderr
    shell.ok("python manage.py restore locked --dry-run --passphrase-file secret")
    shell.ok("python manage.py restore locked --noinput", BACKUP_PASSPHRASE="open sesame")
    assert titles(shell) == ["Keep me", "Too \x1b[31mnew"]
