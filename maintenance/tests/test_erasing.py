"""Erasing through the Python API and the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from conversations import organising
from conversations.models import Session
from conversations.tests.factories import make_sessions, work
from maintenance import receipts, tasks
from maintenance.models import Erasure, MaintenanceRun
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


@pytest.mark.django_db
def test_a_worker_goes_on_with_what_another_was_deleting_when_it_was_killed():
    make_sessions(3)
    organising.trash(Session.objects.all(), user=None)
    going = list(Session.with_trash.values_list("pk", flat=True))
    receipt = receipts.listed(going[:2])
    assert [session.pk for session in organising.in_trash()] == going[2:]
    assert tasks.enqueue_waiting() == 1
    assert tasks.enqueue_waiting() == 1  # the same, that still waits
    work()
    receipt.refresh_from_db()
    assert (len(receipt.session_uuids), receipt.is_complete) == (2, False)
    assert list(Session.with_trash.values_list("pk", flat=True)) == going[2:]
    assert [run.status for run in MaintenanceRun.objects.all()] == ["done"]
    assert tasks.enqueue_waiting() == 0
