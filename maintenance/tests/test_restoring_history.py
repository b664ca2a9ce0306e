"""What a restore must not take back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session as SignIn
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from conversations.models import Session
from maintenance import backups, runs
from maintenance.models import Backup, Erasure, MaintenanceRun, RunKind, RunStatus
from maintenance.restoring import preview, restore
from maintenance.tests.kills import problems

from .restores import changed, titles

# -- what a restore must not take back -------------------------------------------------------------


def test_the_history_of_maintenance_is_kept(manager, copy):
    history = MaintenanceRun.objects.using(manager.alias)
    count = history.count()
    history.create(run_uuid="since", kind=RunKind.VACUUM, status=RunStatus.DONE, summary="Smaller.")
    Backup.objects.using(manager.alias).update_or_create(path="/far/away.db", defaults={"bytes": 7})
    Erasure.objects.using(manager.alias).create(receipt_uuid="paper", session_uuids=["gone"])
    restore(copy, using=manager.alias)
    assert history.get(run_uuid="since").summary == "Smaller."
    assert Backup.objects.using(manager.alias).get(path="/far/away.db").bytes == 7
    assert Erasure.objects.using(manager.alias).get().session_uuids == ["gone"]
    last = history.first()
    assert (last.kind, last.status, history.count()) == (RunKind.RESTORE, RunStatus.DONE, count + 2)
    assert "1 session" in last.summary
    kept = Backup.objects.using(manager.alias).get(path=last.report["kept"])
    assert kept.bytes == Path(kept.path).stat().st_size
    assert kept.manifest["counts"]["erasures"] == 1


def test_a_run_that_waited_for_a_restore_is_done_in_the_restored_database(manager, copy):
    waiting = runs.begin(RunKind.RESTORE, options={"file": "copy.db"}, using=manager.alias)
    restore(copy, entry=waiting, using=manager.alias)
    run = MaintenanceRun.objects.using(manager.alias).get(kind="restore")
    assert (run.run_uuid, run.status) == (waiting.run_uuid, RunStatus.DONE)
    assert run.options == {"file": "copy.db"}


def test_a_run_at_work_finds_itself_in_the_restored_database(manager, copy):
    history = MaintenanceRun.objects.using(manager.alias)
    history.create(run_uuid="other", kind=RunKind.VACUUM)
    working = history.create(run_uuid="working", kind=RunKind.CHECK, status=RunStatus.RUNNING)
    restore(copy, using=manager.alias)
    assert history.get(pk=working.pk).run_uuid == "working"


def test_who_is_signed_in_stays_so_and_old_tasks_do_not_run_again(manager, copy):
    signed_in = SignIn.objects.using(manager.alias)
    tasks = DBTaskResult.objects.using(manager.alias)
    signed_in.create(session_key="then", session_data="", expire_date=timezone.now())
    tasks.create(task_path="then", args_kwargs={}, backend_name="default")
    then = backups.backup(copy.with_name("then.db"), using=manager.alias).path
    signed_in.all().delete()
    tasks.all().delete()
    signed_in.create(session_key="now", session_data="", expire_date=timezone.now())
    tasks.create(task_path="now", args_kwargs={}, backend_name="default")
    restore(then, using=manager.alias)
    assert [row.session_key for row in signed_in.all()] == ["now"]
    assert [row.task_path for row in tasks.all()] == ["now"]


def test_users_are_found_again_by_name_or_let_go_of(manager, tmp_path, database_file):
    users = get_user_model().objects.using(manager.alias)
    users.create(username="filler")
    users.create(username="ann")
    copy = backups.backup(tmp_path / "copy.db", using=manager.alias).path
    with connections[manager.alias].cursor() as cursor:
        cursor.execute("UPDATE auth_user SET id = 70 WHERE username = 'ann'")
    ann, new = users.get(username="ann"), users.create(username="new")
    history = MaintenanceRun.objects.using(manager.alias)
    history.create(run_uuid="hers", kind=RunKind.VACUUM, user=ann)
    restore(copy, user=new, using=manager.alias)
    assert history.get(run_uuid="hers").user.username == "ann"
    assert history.first().user is None
    assert problems(database_file) == []


@pytest.fixture
def receipt(manager, copy):
    """The session of the backup is erased, and there is a receipt of it."""
    [row] = manager.list_sessions()
    manager.delete_session(row["session_uuid"])
    manager.create_session("Another")
    Erasure.objects.using(manager.alias).create(
        receipt_uuid="paper", session_uuids=[row["session_uuid"]]
    )
    return row["session_uuid"]


def test_what_was_erased_does_not_come_back(manager, copy, receipt, database_file):
    seen = preview(copy, using=manager.alias)
    assert (seen.erased.count, seen.erased.named) == (1, [(receipt, "Keep me")])
    restored = restore(copy, using=manager.alias)
    assert restored.erased_again == [receipt]
    assert titles(database_file) == []
    assert Erasure.objects.using(manager.alias).filter(is_complete=True).count() == 1
    manager.close()
    assert b"precious" not in database_file.read_bytes()
    assert problems(database_file) == []


def test_figures_that_an_erasure_kept_are_kept_again(manager, copy, database_file):
    [row] = manager.list_sessions()
    with changed(database_file) as plain:
        plain.execute("UPDATE sessions SET session_uuid = 'x', title = '(erased)'")
    Erasure.objects.using(manager.alias).create(
        receipt_uuid="paper", session_uuids=[row["session_uuid"]], keeps_figures=True
    )
    restore(copy, using=manager.alias)
    with closing(sqlite3.connect(database_file)) as plain:
        found = plain.execute(
            "SELECT title, total_messages, total_cost, session_uuid FROM sessions"
        ).fetchall()
    assert [(title, count, cost) for title, count, cost, _ in found] == [("(erased)", 1, 0.25)]
    assert found[0][3] != row["session_uuid"]
    manager.close()
    assert b"precious" not in database_file.read_bytes()
    assert problems(database_file) == []


def test_what_was_erased_comes_back_if_asked_for(manager, copy, receipt, database_file):
    assert restore(copy, keep_erased=True, using=manager.alias).erased_again == []
    assert titles(database_file) == ["Keep me"]


def test_what_was_imported_again_after_it_was_erased_stays(manager, copy, receipt, database_file):
    Session.objects.using(manager.alias).create(session_uuid=receipt, title="Back again")
    assert preview(copy, using=manager.alias).erased.count == 0
    assert restore(copy, using=manager.alias).erased_again == []
    assert titles(database_file) == ["Keep me"]
