"""Erasing through the Python API and the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from maintenance.models import Erasure
from sessionsite.manager import SessionManager
from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)


def test_deleting_by_the_python_api_leaves_a_receipt(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        uuid = manager.create_session("Tea")
        manager.add_message(uuid, "user", "leaves")
        assert manager.delete_session(uuid) == 1
        assert Erasure.objects.using(manager.alias).get().session_uuids == [uuid]


def test_a_trashed_session_is_erased_from_the_command_line(with_database):  # noqa: F811
    shell = with_database
    uuid = shell.ok("python session_manager.py create Pomegranate").split()[-1]
    refused = shell.shell(f"python manage.py erase {uuid}")
    assert (refused.returncode, "is not in the trash" in refused.stderr) == (1, True)
    with closing(sqlite3.connect(shell.database)) as plain:
        plain.execute("UPDATE sessions SET deleted_at = '2026-01-01'")
        plain.commit()
    [receipt] = json.loads(shell.ok(f"python manage.py erase {uuid} --json"))["receipts"]
    assert (receipt["is_complete"], receipt["session_uuids"]) == (True, [uuid])
    assert b"omegranate" not in shell.database.read_bytes()
    assert shell.shell("python manage.py erase").returncode == 2
