"""The commands as a shell runs them: exit codes, pipes, errors that are sentences."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Program


@pytest.fixture(scope="module")
def chat(tmp_path_factory, compiled_program, empty_database) -> tuple[Program, str]:
    """A program whose commands have made a session of two messages; and the session's id."""
    folder = tmp_path_factory.mktemp("chat") / "program"
    made = Program(Path(shutil.copytree(compiled_program, folder, copy_function=os.link)))
    shutil.copy(empty_database, made.database)
    printed = made.ok("python session_manager.py create Chat --model gpt-4 --provider openai")
    session = printed.split()[-1]
    made.ok(f"python session_manager.py add {session} user 'Hello Python'")
    made.ok(f"python manage.py sessions add {session} assistant Hi --input-tokens 7 --cost 0.1")
    with closing(sqlite3.connect(made.database)) as plain:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made, session


@pytest.fixture
def session(with_database, chat) -> str:
    """A session of two messages."""
    made, session = chat
    shutil.copy(made.database, with_database.database)
    shutil.copytree(made.folder / "data", with_database.folder / "data")
    return session


def test_a_value_may_be_set_for_one_direction_only(with_database, session):
    rows = json.loads(with_database.ok(f"python session_manager.py show {session} --format json"))
    assert (rows[1]["input_tokens"], rows[1]["output_tokens"]) == (7, None)


def test_the_same_verbs_give_the_same_answer_under_both_names(with_database, session):
    verbs = ["list", "list --json", "search python", "cost", "performance"]
    for verb in [*verbs, f"show {session}", f"stats {session}", f"export {session}"]:
        old = with_database.ok(f"python session_manager.py {verb}")
        assert old
        assert with_database.ok(f"python manage.py sessions {verb}") == old


def test_a_text_may_come_from_standard_input(with_database, session):
    text = "line one\n--not-an-option\n" * 10_000
    with_database.ok(f"python session_manager.py add {session} user -", input=text)
    rows = json.loads(with_database.ok(f"python session_manager.py show {session} --json"))
    assert rows[-1]["content"] == text


def test_deleting_needs_to_be_confirmed(with_database, session):
    done = with_database.shell(f"python session_manager.py delete {session}")
    assert done.returncode == 2
    assert "Nothing was deleted." in done.stderr
    assert session in with_database.ok("python session_manager.py list")
    with_database.ok(f"python session_manager.py delete {session} --confirm")
    assert session not in with_database.ok("python session_manager.py list")


def test_an_ambiguous_id_lists_the_candidates(with_database):
    with closing(sqlite3.connect(with_database.database)) as plain:
        plain.executemany("INSERT INTO sessions (session_uuid, title) VALUES (?, ?)",
                          [("aa1", "One"), ("aa2", "Two")])  # fmt: skip
        plain.commit()
    done = with_database.shell("python session_manager.py show aa")
    assert done.returncode == 1
    assert "aa1  One" in done.stderr
    assert "aa2  Two" in done.stderr


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("show nope", 1, "there is no session 'nope'"),
        ("add nope user x", 1, "there is no session 'nope'"),
        ("add {session} robot x", 1, "role must be one of system, user"),
        ("add {session} user x --tokens -5", 1, "input_tokens must be from 0"),
        ("add {session} user x --tokens many", 2, "invalid int value: 'many'"),
        ("add {session} user x --cost nan", 1, "cost must be a number from 0"),
        ("add {session} user $(printf '\\377')", 1, "content holds half a character"),
        ("create -- $(head -c 100000 /dev/zero | tr '\\0' x)", 1, "title has 100,000 characters"),
        ("list --limit -1", 2, "must not be negative"),
        ("cost --days 0", 1, "days must be from 1"),
        ("frobnicate", 2, "invalid choice: 'frobnicate'"),
        ("export {session} --output /nowhere/x.json", 1, "/nowhere/x.json: No such file"),
        ("--db /dev/null/x.db list", 1, "x.db"),
        ("--db start.py list", 1, "start.py is not a SQLite database"),
    ],
)
def test_bad_input_is_a_sentence_and_stores_nothing(with_database, session, line, code, message):
    done = with_database.shell(f"python session_manager.py {line.format(session=session)}")
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    stored = with_database.rows("SELECT session_uuid, total_messages FROM sessions")
    assert stored == [(session, 2)]


def test_a_locked_database_is_waited_for_and_then_named(with_database, session):
    with closing(sqlite3.connect(with_database.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = with_database.shell(
            f"python session_manager.py add {session} user x", SQLITE_TIMEOUT="1"
        )
    assert done.returncode == 1
    assert "llm_sessions.db is locked: another program is writing to it" in done.stderr
    assert "Traceback" not in done.stderr


# Root may write anywhere, unless it gives that privilege up.
AS_ANYBODY = "setpriv --bounding-set -dac_override,-dac_read_search " if os.geteuid() == 0 else ""


@pytest.mark.skipif(bool(AS_ANYBODY) and not shutil.which("setpriv"), reason="root without setpriv")
def test_a_read_only_folder_is_named(with_database, session):
    folder = with_database.folder
    with_database.database.chmod(0o444)
    folder.chmod(0o555)
    try:
        written = with_database.shell(f"{AS_ANYBODY}python session_manager.py add {session} user x")
        made = with_database.shell(f"{AS_ANYBODY}python session_manager.py --db new.db list")
    finally:
        folder.chmod(0o755)
        with_database.database.chmod(0o644)
    for done, name in ((written, "llm_sessions.db"), (made, "new.db")):
        assert done.returncode == 1
        assert f"{name} cannot be" in done.stderr
        assert "Traceback" not in done.stderr
    assert sorted(path.name for path in folder.glob("*new*")) == []


def test_a_reader_that_has_seen_enough_is_no_error(with_database, session):
    text = "word " * 200_000
    with_database.ok(f"python session_manager.py add {session} user -", input=text)
    done = with_database.shell(f"python session_manager.py show {session} | head -1")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_help_that_names_its_verbs(with_database):
    shown = with_database.ok("python session_manager.py --help")
    verbs = "create add show list search stats cost performance export complete archive branch"
    for verb in [*verbs.split(), "delete"]:
        assert verb in shown
    for verb in ("init", "info", "migrate", "backup", "restore", "maintenance"):
        assert verb in with_database.ok("python session_db_setup.py --help")
    for command in ("import", "export", "backup", "restore", "vacuum", "quickstart", "sessions"):
        assert "usage:" in with_database.ok(f"python manage.py {command} --help")


def test_a_wrong_setting_names_itself(with_database):
    for name, value in (
        ("DEBUG", "maybe"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("SQLITE_TIMEOUT", "soon"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://root@localhost/x"),
        ("SESSIONS_DATA", "start.py"),
        ("SECRET_KEY_FILE", "/nowhere/key"),
    ):
        done = with_database.shell("python session_manager.py list", **{name: value})
        assert done.returncode == 1, name
        assert name.removesuffix("_FILE") in done.stderr, done.stderr
        assert "Traceback" not in done.stderr, name


def test_the_secret_key_is_made_once_and_kept_private(program):
    program.ok("python manage.py check")
    file = program.folder / "data" / "secret_key"
    key = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(key) >= 50
    program.ok("python manage.py check")
    assert file.read_text() == key
