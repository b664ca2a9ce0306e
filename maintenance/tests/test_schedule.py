"""Scheduled maintenance: what is due is done, one process at a time."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import locks
from maintenance import backups, schedule
from maintenance.models import Backup, MaintenanceRun
from sessionsite.manager import SessionManager
from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)


@pytest.fixture
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def alias(database_file, data_folder, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        manager.add_message(manager.create_session("Tea"), "user", "leaves")
        yield manager.alias


def states(found) -> dict[str, str]:
    return {one.name: one.state for one in found}


def test_all_steps_are_done_the_first_time_and_then_when_they_are_due(alias, data_folder):
    assert set(states(schedule.run(using=alias)).values()) == {"done"}
    assert backups.last_proven(alias).path.startswith(str(data_folder / "backups"))
    again = states(schedule.run(using=alias))
    assert again.pop("erasures") == "done"
    assert set(again.values()) == {"not due"}
    MaintenanceRun.objects.using(alias).update(
        started_at=timezone.now() - timedelta(days=1, minutes=-5)
    )
    due = states(schedule.run(using=alias, dry_run=True))
    assert [name for name, state in due.items() if state == "due"] == [
        "backup", "retention", "erasures", "cleanup"]  # fmt: skip
    assert set(states(schedule.run(using=alias, is_all=True, skip=["backup"])).values()) == {"done"}


def test_a_step_that_fails_is_told_and_tried_again_and_the_others_are_done(alias, data_folder):
    data_folder.mkdir()
    (data_folder / "backups").write_text("in the way")
    found = schedule.run(using=alias, only=["backup", "cleanup"])
    assert states(found) == {"backup": "failed", "cleanup": "done"}
    (data_folder / "backups").unlink()
    assert states(schedule.run(using=alias, only=["backup", "cleanup"])) == {
        "backup": "done", "cleanup": "not due"}  # fmt: skip
    run = MaintenanceRun.objects.using(alias).filter(kind="scheduled").latest("id")
    assert run.report["backup"]["state"] == "done"


def test_a_step_that_breaks_leaves_the_others_to_be_done(alias, monkeypatch):
    def broken(folder, using):
        raise LookupError("nobody foresaw this")

    monkeypatch.setitem(schedule.STEPS, "backup", schedule.Step("backup", schedule.DAY, broken))
    broke, done = schedule.run(using=alias, only=["backup", "cleanup"])
    assert (broke.state, broke.said) == ("failed", "LookupError: nobody foresaw this")
    assert done.state == "done"


def test_scheduled_backups_are_locked_if_there_is_a_passphrase(alias, settings):
    settings.BACKUP_PASSPHRASE = "sesame"
    schedule.run(using=alias, only=["backup"])
    row = Backup.objects.using(alias).get()
    assert (row.is_encrypted, row.path.endswith(".db.zst.locked")) == (True, True)
    assert row.proven_at


def test_two_never_run_at_once(alias):
    with locks.alone(schedule.LOCK), pytest.raises(schedule.Busy):
        schedule.run(using=alias)


def test_the_command_says_what_came_of_each_step_and_fails_with_one(with_database):  # noqa: F811
    shell = with_database
    done = json.loads(shell.ok("python manage.py run_maintenance --only cleanup --json"))
    assert done["steps"] == [
        {"step": "cleanup", "state": "done", "said": "0 expired sign-ins deleted"}
    ]
    (shell.folder / "file").write_text("in the way")
    failed = shell.shell("python manage.py run_maintenance --only backup --backups file")
    assert (failed.returncode, "Failed: backup." in failed.stderr) == (1, True)
    assert shell.shell("python manage.py run_maintenance --only tea").returncode == 1
