"""Backups from the command line: files, standard output, secrets, rotation, proofs."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

import pyrage
import pytest

from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)


@pytest.fixture
def run(with_database):  # noqa: F811
    """Return what runs `manage.py` in a folder with a database, and says how it ended."""

    def go(line: str, *, code: int = 0, **environment: str) -> CompletedProcess[str]:
        done = with_database.shell(f"python manage.py {line}", **environment)
        assert done.returncode == code, done.stderr
        return done

    go.folder = with_database.folder
    return go


def test_a_backup_is_verified_listed_and_found_damaged(run):
    done = run("backup -o copy.db --verify")
    assert done.stdout.startswith("Backup created: copy.db (")
    assert "Proven" in done.stderr
    [listed] = json.loads(run("backups list --json").stdout)["backups"]
    assert listed["path"].endswith("/copy.db")
    assert listed["proven_at"]
    with (run.folder / "copy.db").open("ab") as file:
        file.write(b"x")
    assert "is damaged" in run("backups prove copy.db", code=4).stderr


def test_a_passphrase_comes_from_a_file_or_the_environment(run):
    (run.folder / "secret").write_text("open sesame\n")
    run("backup -o copy.locked --passphrase-file secret --compress")
    assert "passphrase" in run("restore copy.locked --noinput", code=1).stderr
    run("restore copy.locked --dry-run", BACKUP_PASSPHRASE="open sesame")
    assert "no terminal" in run("backup -o no.locked --encrypt < /dev/null", code=2).stderr
    assert not (run.folder / "no.locked").exists()


def test_a_backup_for_a_recipient_is_proven_with_the_key(run):
    key = pyrage.x25519.Identity.generate()
    (run.folder / "key").write_text(f"# mine\n{key}\n")
    run(f"backup -o copy.age --recipient {key.to_public()}")
    assert "no identity" in run("backups prove", code=4).stderr
    assert "Proven" in run("backups prove --identity key").stdout


def test_older_backups_are_deleted_once_the_new_one_is_there(run):
    for day in ("01", "02", "03"):
        (run.folder / f"llm_sessions_backup_202601{day}_030000.db").write_text("old")
    assert run("backup --keep 2 --dry-run").stderr.count("Would delete") == 1
    assert run("backup --keep 2").stderr.count("Deleted") == 2
    assert len(list(run.folder.glob("llm_sessions_backup_*"))) == 2
    assert "days/weeks/months" in run("backup --rotate a/b/c", code=2).stderr


def test_standard_output_gets_a_whole_backup(run):
    run("backup -o - --verify | python manage.py restore - --noinput")
