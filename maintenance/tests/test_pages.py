"""The maintenance pages: for staff alone, from the state of the file to a restored backup."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from conversations.models import Session
from conversations.tests.factories import add_message, make_session, work
from maintenance import backups, erasing, runs
from maintenance.models import Backup, Erasure, MaintenanceRun, RetentionRule, RunKind

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/maintenance/"
PAGES = ["", "runs/", "backups/", "sizes/", "retention/", "retention/new/", "erasures/"]
EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def staff(client, django_user_model):
    client.force_login(django_user_model.objects.create(username="staff", is_staff=True))
    return client


def page(client, address: str) -> str:
    response = client.get(ROOT + address)
    assert response.status_code == 200, address
    return response.content.decode()


def start(client, kind: str, **fields) -> MaintenanceRun:
    """Press the button of a kind, let the worker do it, and return the run."""
    response = client.post(f"{ROOT}start/", {"kind": kind, **fields})
    assert response.status_code == 302
    work()
    return MaintenanceRun.objects.get(run_uuid=response.url.rstrip("/").rpartition("/")[2])


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_for_staff_alone(client, django_user_model, address):
    client.force_login(django_user_model.objects.create(username="reader"))
    assert client.get(ROOT + address).status_code == 403
    assert client.post(f"{ROOT}start/", {"kind": "vacuum"}).status_code == 403
    assert not MaintenanceRun.objects.exists()


@pytest.mark.parametrize("address", PAGES)
def test_an_installation_with_nothing_in_it_has_every_page(staff, address):
    assert "Maintenance" in page(staff, address)


def test_a_backup_is_made_proven_taken_along_and_deleted(staff, data_folder):
    add_message(make_session("Tea"), 1, "leaves")
    assert "No backup of this history was ever proven" in page(staff, "")
    run = start(staff, "backup")
    assert (run.status, run.user.username) == ("done", "staff")
    row = Backup.objects.get()
    assert Path(row.path).parent == data_folder / "backups"
    assert "Done" in page(staff, f"runs/{run.run_uuid}/")
    Backup.objects.update(proven_at=row.made_at)
    assert "was ever proven" not in page(staff, "")
    assert "1 session, 1 message" in page(staff, "backups/")
    sent = staff.get(f"{ROOT}backups/{row.pk}/download/")
    assert b"".join(sent.streaming_content) == Path(row.path).read_bytes()
    for said, stays in (("", True), ("delete", True)):
        staff.post(f"{ROOT}backups/{row.pk}/delete/", {"confirm": said})
        assert Path(row.path).exists() is stays
    backups.backup(data_folder / "other.db")
    Backup.objects.update(proven_at=row.made_at)
    staff.post(f"{ROOT}backups/{row.pk}/delete/", {"confirm": "delete"})
    assert not Path(row.path).exists()
    assert staff.get(f"{ROOT}backups/{row.pk}/download/").status_code == 404


def test_a_preview_names_what_a_restore_would_take(staff, data_folder):
    make_session("Kept")
    backups.backup(data_folder / "copy.db")
    make_session("Newer")
    row = Backup.objects.get()
    html = page(staff, f"backups/{row.pk}/restore/")
    assert "1 session is" in html
    assert "Newer" in html
    staff.post(f"{ROOT}backups/{row.pk}/restore/", {"confirm": "wrong"})
    assert not MaintenanceRun.objects.filter(kind=RunKind.RESTORE).exists()
    staff.post(f"{ROOT}backups/{row.pk}/restore/", {"confirm": "copy.db"})
    run = MaintenanceRun.objects.get(kind=RunKind.RESTORE)
    assert (run.status, run.options["file"]) == ("waiting", row.path)
    with Path(row.path).open("ab") as file:
        file.write(b"x")
    assert "is damaged" in page(staff, f"backups/{row.pk}/restore/")


@pytest.mark.parametrize("kind", ["check", "analyze", "vacuum", "retention", "erasure"])
def test_what_a_button_starts_is_done_and_recorded(staff, kind):
    add_message(make_session("Tea"), 1, "leaves")
    run = start(staff, kind)
    assert (run.kind, run.status) == (kind, "done"), run.error
    assert run.get_kind_display() in page(staff, "runs/")
    assert page(staff, f"runs/?kind={kind}&status=done").count("runs/") > 0


def test_what_cannot_be_started_is_refused(staff):
    for kind in ("restore", "", EVIL, "scheduled"):
        assert staff.post(f"{ROOT}start/", {"kind": kind}).url == ROOT
    staff.post(f"{ROOT}start/", {"kind": "proof", "backup": "9" * 30})
    assert not MaintenanceRun.objects.exists()
    for method in ("start/", "backups/1/delete/", "retention/1/delete/"):
        assert staff.get(ROOT + method).status_code == 405


def test_a_rule_is_made_counted_changed_and_deleted(staff):
    fields = {"name": "Old", "days": "30", "action": "archive", "is_active": "on"}
    staff.post(f"{ROOT}retention/new/", fields)
    rule = RetentionRule.objects.get()
    assert (rule.days, rule.action, rule.is_active) == (30, "archive", True)
    make_session("Rests", started_at="2020-01-01 00:00:00+00:00")
    assert "1 session," in page(staff, "retention/?count=1")
    staff.post(f"{ROOT}retention/{rule.pk}/", {**fields, "days": "0"})
    staff.post(f"{ROOT}retention/{rule.pk}/", {**fields, "name": "Older"})
    assert RetentionRule.objects.get().name == "Older"
    start(staff, "retention")
    assert Session.objects.get().status == "archived"
    staff.post(f"{ROOT}retention/{rule.pk}/delete/")
    assert not RetentionRule.objects.exists()


def test_a_rule_that_is_switched_off_takes_no_sessions_from_the_count_of_another(staff):
    RetentionRule.objects.create(name="Off", days=30, action="delete", is_active=False)
    RetentionRule.objects.create(name="On", days=30, action="archive")
    make_session("Rests", started_at="2020-01-01 00:00:00+00:00")
    shown = page(staff, "retention/?count=1")
    assert "1 session," in shown
    assert "nothing" in shown
    RetentionRule.objects.update(is_active=False)
    assert "1 session," not in page(staff, "retention/?count=1")


def test_a_receipt_says_what_was_erased_and_is_completed_by_a_button(staff):
    session = make_session("Secret", deleted_at="2026-01-01 00:00:00+00:00")
    erasing.erase([session.pk], finish=False)
    receipt = Erasure.objects.get()
    assert "not complete" in page(staff, "erasures/")
    assert session.session_uuid in page(staff, f"erasures/{receipt.receipt_uuid}/")
    start(staff, "erasure")
    html = page(staff, f"erasures/{receipt.receipt_uuid}/")
    assert "WAL emptied" in html
    assert "Secret" not in html


def test_sizes_name_the_largest_sessions(staff):
    session = make_session("Large one")
    add_message(session, 1, "x" * 100_000)
    html = page(staff, "sizes/")
    assert "Large one" in html
    assert session.get_absolute_url() in html
    assert "messages" in html


def test_a_run_whose_process_is_gone_is_shown_as_stopped(staff):
    entry = runs.begin(RunKind.BACKUP)
    MaintenanceRun.objects.update(status="running")
    assert "Stopped" in page(staff, f"runs/{entry.run_uuid}/")


@pytest.mark.parametrize("value", [EVIL, "%00", "%FF", "-1", "9" * 40, "..%2f..", "x" * 3000])
def test_no_address_is_an_error(staff, value):
    addresses = [
        f"runs/{value}/", f"runs/?kind={value}&status={value}&page={value}&sort={value}",
        f"backups/{value}/restore/", f"backups/{value}/download/", f"retention/{value}/",
        f"erasures/{value}/", f"erasures/?page={value}",
    ]  # fmt: skip
    for address in addresses:
        assert staff.get(ROOT + address).status_code in {200, 404}, address


def test_names_are_shown_as_they_are_and_run_nothing(staff, data_folder):
    RetentionRule.objects.create(name=EVIL, days=1, action="archive", source=EVIL)
    entry = runs.begin(RunKind.BACKUP, options={EVIL: EVIL})
    MaintenanceRun.objects.update(
        status="failed", error=EVIL, summary=EVIL, report={EVIL: EVIL, "findings": [EVIL]}
    )
    make_session(EVIL)
    backups.backup(data_folder / "a <b>.db")
    row = Backup.objects.get()
    for address in (*PAGES, f"runs/{entry.run_uuid}/", f"backups/{row.pk}/restore/"):
        assert EVIL not in page(staff, address)
    assert connection.settings_dict["NAME"]
