"""`manage.py backup`, `restore` and `vacuum`, and their old names, as a shell runs them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.apps import apps

from maintenance.tests import original
from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)


@pytest.fixture
def shell(with_database):  # noqa: F811
    create(with_database, "Keep me")
    return with_database


def create(program, title: str) -> None:  # noqa: F811
    with closing(sqlite3.connect(program.database)) as plain:
        plain.execute("INSERT INTO sessions (session_uuid, title) VALUES (?, ?)", [title, title])
        plain.commit()


def titles(program) -> list[str]:  # noqa: F811
    return [title for [title] in program.rows("SELECT title FROM sessions ORDER BY id")]


def test_a_backup_has_a_name_with_the_time_and_can_be_restored(shell):
    printed = shell.ok("python manage.py backup")
    assert printed.startswith("Backup created: llm_sessions_backup_")
    name = printed.split()[2]
    create(shell, "Too new")
    done = shell.shell(f"python manage.py restore {name} --noinput")
    assert (done.returncode, done.stdout) == (0, f"Restored: {name}\n")
    assert "before-restore" in done.stderr
    listed = shell.ok("python session_manager.py list")
    assert "Keep me" in listed
    assert "Too new" not in listed


def test_a_restore_needs_to_be_confirmed(shell):
    shell.ok("python session_db_setup.py backup --output copy.db")
    done = shell.shell("python session_db_setup.py restore copy.db", input="")
    assert done.returncode == 2
    assert "Nothing was restored" in done.stderr


def test_a_dry_run_of_a_restore_only_checks(shell):
    shell.ok("python manage.py backup -o copy.db")
    create(shell, "Newer")
    shell.ok("python manage.py restore copy.db --dry-run")
    assert titles(shell) == ["Keep me", "Newer"]
    (shell.folder / "junk.db").write_text("junk " * 500)
    done = shell.shell("python manage.py restore junk.db --dry-run")
    assert done.returncode == 1
    assert "junk.db cannot be restored" in done.stderr


def test_a_backup_may_go_to_standard_output(shell):
    shell.ok("python manage.py backup --output - > piped.db")
    with closing(sqlite3.connect(shell.folder / "piped.db")) as plain:
        assert plain.execute("SELECT title FROM sessions").fetchall() == [("Keep me",)]


def test_a_backup_may_come_from_standard_input(shell):
    shell.ok("python manage.py backup -o - > piped.db")
    create(shell, "Too new")
    shell.ok("cat piped.db | python manage.py restore - --noinput")
    assert titles(shell) == ["Keep me"]


def test_the_results_may_be_json(shell):
    backup = json.loads(shell.ok("python manage.py backup --json"))
    assert Path(backup["path"]).stat().st_size == backup["size"]
    restored = json.loads(shell.ok(f"python manage.py restore {backup['path']} --noinput --json"))
    assert Path(restored["kept"]).exists()
    rehearsed = json.loads(shell.ok("python manage.py vacuum --dry-run --format json"))
    vacuumed = json.loads(shell.ok("python manage.py vacuum --format json"))
    assert rehearsed["before"] == vacuumed["before"] >= vacuumed["after"]
    info = json.loads(shell.ok("python session_db_setup.py info --json"))
    assert (info["schema"], info["tables"]["sessions"]) == (1, 1)


def test_vacuum_says_what_it_gained_or_why_it_did_nothing(shell):
    left_out = shell.ok("python manage.py vacuum")
    assert left_out.startswith("Not vacuumed: ")
    assert "it is worth it from 1 MB and 10% on" in left_out
    assert "MB before" in shell.ok("python manage.py vacuum --force")


def test_both_names_of_maintenance_do_the_same(shell):
    told = shell.ok("python manage.py maintenance --cleanup").splitlines()
    assert told[:2] == ["Expired sign-ins deleted: 0", "Statistics updated"]
    assert told[2].startswith("Not vacuumed: ")
    assert told[3] == "Integrity check: ok"
    assert told[4].split() == ["Table", "or", "index", "Rows", "MB"]
    old = json.loads(shell.ok("python session_db_setup.py maintenance --cleanup --json"))
    assert list(old) == ["schema", "cleanup", "analyze", "vacuum", "check", "sizes"]
    assert old["check"] == []
    assert old["sizes"]["largest_sessions"] == []
    kinds = [kind for [kind] in shell.rows("SELECT kind FROM maintenance_runs ORDER BY id")]
    assert kinds == ["cleanup", "analyze", "vacuum", "check"] * 2


def test_sizes_can_be_asked_for_by_programs(shell):
    sizes = json.loads(shell.ok("python manage.py sizes --json"))
    kinds = {part["name"]: part["kind"] for part in sizes["parts"]}
    assert (kinds["messages"], kinds["messages_fts"]) == ("table", "search index")
    assert sizes["file"] >= sizes["tables"] + sizes["indexes"]


def test_what_a_check_finds_is_repaired(shell):
    spoil(shell, "UPDATE sessions SET total_messages = 5", "DROP TRIGGER messages_insert_totals")
    done = shell.shell("python manage.py check_database --json")
    assert done.returncode == 4
    kinds = {finding["kind"] for finding in json.loads(done.stdout)["findings"]}
    assert kinds == {"definition", "derived"}
    assert "2 of 2 can be repaired: manage.py check_database --repair" in done.stderr
    repaired = shell.ok("python manage.py check_database --repair")
    assert "All 2 problems are repaired.\nIntegrity check: ok" in repaired
    [kept] = shell.folder.glob("llm_sessions.db.before-repair-*")
    assert str(kept) in repaired


def spoil(program, *statements: str) -> None:  # noqa: F811
    with closing(sqlite3.connect(program.database, isolation_level=None)) as plain:
        for statement in statements:
            plain.execute(statement)


def test_a_database_of_the_original_system_is_adopted(program):  # noqa: F811
    original.make(program.database)
    refused = program.shell("python session_manager.py list")
    assert (refused.returncode, "Adopt it: python session_db_setup.py" in refused.stderr) == (
        1,
        True,
    )
    done = json.loads(program.ok("python session_db_setup.py migrate --json"))
    assert done["adoption"]["tables"]["messages"] == {"rows": 8, "kept": 5, "set_aside": 3}
    assert Path(done["kept"]).exists()
    assert "First" in program.ok("python session_manager.py list")
    assert program.ok("python manage.py database migrate").endswith("Database is up to date\n")


def test_an_older_database_is_kept_beside_before_it_is_migrated(shell):
    tables = [model._meta.db_table for model in apps.get_app_config("maintenance").get_models()]
    spoil(
        shell,
        *(f"DROP TABLE {table}" for table in tables),
        "DELETE FROM django_migrations WHERE app = 'maintenance'",
    )
    told = shell.ok("python session_db_setup.py migrate")
    [kept] = shell.folder.glob("llm_sessions.db.before-migrate-*")
    assert f"As it was it is kept: {kept}\nDatabase is up to date" in told
    with closing(sqlite3.connect(kept)) as plain:
        assert plain.execute("SELECT title FROM sessions").fetchall() == [("Keep me",)]
    assert titles(shell) == ["Keep me"]
    [[path, manifest]] = shell.rows("SELECT path, manifest FROM maintenance_backups")
    assert path == str(kept)
    assert json.loads(manifest)["counts"]["sessions"] == 1


def test_another_programs_database_is_not_migrated(program):  # noqa: F811
    spoil(program, "CREATE TABLE recipes (name)")
    before = program.database.read_bytes()
    done = program.shell("python session_db_setup.py migrate")
    assert done.returncode == 1
    assert "is not a database of this program, and is left as it is" in done.stderr
    assert program.database.read_bytes() == before
    program.database.write_text("recipes " * 500)
    done = program.shell("python session_db_setup.py migrate")
    assert done.returncode == 1
    assert "is not a SQLite database" in done.stderr


def test_maintenance_without_a_task_says_what_there_is(shell):
    done = shell.shell("python session_db_setup.py maintenance")
    assert done.returncode == 2
    assert "--cleanup" in done.stderr


def test_damage_has_an_exit_code_of_its_own(shell):
    with closing(sqlite3.connect(shell.database)) as plain:
        plain.execute("UPDATE sessions SET model_id = 77")
        plain.commit()
    done = shell.shell("python session_db_setup.py maintenance --check")
    assert done.returncode == 4
    assert "refers to a row of models that is not there" in done.stderr


def test_without_a_database_the_way_to_make_one_is_named(shell):
    shell.database.unlink()
    for line in (
        "session_db_setup.py info",
        "session_db_setup.py backup",
        "manage.py backup",
        "manage.py vacuum",
        "manage.py maintenance --check",
        "manage.py export",
    ):
        done = shell.shell(f"python {line}")
        assert done.returncode == 1, line
        assert "Traceback" not in done.stderr, line
        assert "session_db_setup.py" in done.stderr, done.stderr
        assert not shell.database.exists(), line


def test_a_lost_database_is_brought_back(shell):
    shell.ok("python manage.py backup -o copy.db")
    shell.database.unlink()
    shell.ok("python manage.py restore copy.db --noinput")
    assert titles(shell) == ["Keep me"]
