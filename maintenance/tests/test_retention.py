"""Rules of retention: which sessions they are about, and what becomes of these."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.errors import InvalidValue
from conversations.models import Import, ImportChunk, Message, Session
from conversations.tests.factories import add_message, make_project, make_session
from maintenance import checking, erasing, receipts, retention
from maintenance.models import Erasure, MaintenanceRun, RetentionRule
from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


def aged(title: str, days: int, **fields) -> Session:
    then = timezone.now() - timedelta(days=days)
    session = make_session(title, started_at=then - timedelta(days=100), **fields)
    add_message(session, 1, f"{title} said", timestamp=then, input_tokens=5, cost=0.25)
    return session


@pytest.fixture
def history():
    kitchen = make_project("Kitchen")
    aged("new", 3)
    aged("old", 40)
    aged("kitchen", 40, project=kitchen)
    aged("codex", 40, source="codex")
    aged("failed", 40, status="failed")
    aged("trash", 40, deleted_at=timezone.now() - timedelta(days=35))


def rule(action: str = "archive", days: int = 30, **columns) -> RetentionRule:
    return retention.add_rule(f"{action} {days} {columns}", days=days, action=action, **columns)


def titles(planned: retention.Planned) -> set[str]:
    rows = Session.with_trash.filter(pk__in=planned.session_ids)
    return set(rows.values_list("title", flat=True))


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({}, {"old", "kitchen", "codex", "failed"}),
        ({"days": 60}, set()),
        ({"days": 1}, {"new", "old", "kitchen", "codex", "failed"}),
        ({"project": "Kitchen"}, {"kitchen"}),
        ({"source": "codex"}, {"codex"}),
        ({"status": "failed"}, {"failed"}),
        ({"is_trashed": True, "action": "delete"}, {"trash"}),
    ],
)
def test_a_rule_is_about_sessions_that_rest_for_so_long(history, columns, wanted):
    rule(**columns)
    [planned] = retention.plan()
    assert titles(planned) == wanted
    assert planned.messages == len(wanted)
    assert MaintenanceRun.objects.count() == 0


def test_a_session_that_two_rules_are_about_gets_the_strongest(history):
    rule("archive")
    rule("delete", project="Kitchen")
    assert [(one.rule.action, titles(one)) for one in retention.plan()] == [
        ("delete", {"kitchen"}),
        ("archive", {"old", "codex", "failed"}),
    ]


def test_old_sessions_are_archived_once(history):
    rule("archive")
    [done] = retention.apply()
    assert (done.sessions, done.messages) == (4, 4)
    assert set(Session.objects.filter(status="archived").values_list("title", flat=True)) == {
        "old", "kitchen", "codex", "failed"}  # fmt: skip
    run = MaintenanceRun.objects.get(kind="retention")
    assert len(run.report["session_uuids"]) == 4
    assert retention.apply() == []


def test_content_goes_and_figures_stay(history):
    rule("strip", project="Kitchen")
    retention.apply()
    session = Session.objects.get(title="(erased)")
    assert (session.total_cost, session.total_input_tokens) == (0.25, 5)
    assert Message.objects.get(session=session).content == ""
    assert checking.check() == []
    assert Erasure.objects.get().is_complete
    assert retention.apply() == []


def test_old_sessions_are_erased_with_a_receipt(history):
    rule("delete", days=30)
    rule("delete", days=30, is_trashed=True)
    retention.apply()
    assert list(Session.with_trash.values_list("title", flat=True)) == ["new"]
    assert sum(len(receipt.session_uuids) for receipt in Erasure.objects.all()) == 5
    assert all(receipt.is_complete and receipt.rule_name for receipt in Erasure.objects.all())
    assert checking.check() == []


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"days": 0}, "days"), ({"days": 10**6}, "days"), ({"action": "burn"}, "action"),
        ({"project": "Nowhere"}, "no project"), ({"status": "odd"}, "status"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(columns, reason):
    with pytest.raises(InvalidValue, match=reason):
        retention.add_rule("R", **{"days": 5, "action": "archive", **columns})
    assert not RetentionRule.objects.exists()


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("retention", *args, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_rules_are_added_listed_tried_run_and_removed_from_the_command_line(history):
    run("add", "Old kitchen", "--days", "30", "--action", "delete", "--project", "Kitchen")
    assert run("list") == "Old kitchen: after 30 days, erase it (project Kitchen)\n"
    with pytest.raises(CommandError, match="already"):
        run("add", "Old kitchen", "--days", "3", "--action", "archive")
    tried = json.loads(run("run", "--dry-run", "--json"))
    assert (tried["rules"][0]["sessions"], Session.with_trash.count()) == (1, 6)
    assert "Done, Old kitchen: 1 sessions, 1 messages" in run("run", "Old kitchen")
    assert Session.with_trash.count() == 5
    run("remove", "Old kitchen")
    with pytest.raises(CommandError, match="no rule"):
        run("remove", "Old kitchen")


def test_what_a_running_import_has_written_is_left_alone(history):
    rule("delete", project="Kitchen")
    rule("archive", source="codex")
    [kitchen, codex] = [Session.objects.get(title=title) for title in ("kitchen", "codex")]
    at_work = Import.objects.create(import_uuid="i", names=["file"], status="running")
    said = Message.objects.get(session=codex)
    ImportChunk.objects.create(of=at_work, first_session=kitchen.pk, last_session=kitchen.pk)
    ImportChunk.objects.create(of=at_work, first_message=said.pk, last_message=said.pk)
    assert retention.apply() == []
    Import.objects.update(status="done")
    assert len(retention.apply()) == 2


def test_a_session_that_is_used_after_the_plan_stays(history):
    named = rule("delete", project="Kitchen").name
    [planned] = retention.plan()
    session = Session.objects.get(title="kitchen")
    receipt = receipts.listed([session.pk], rule_name=named)
    add_message(session, 2, "said just now", timestamp=timezone.now())
    assert retention._still(planned, "default").sessions == 0
    [done] = erasing.complete()
    assert (done.pk, done.session_uuids, done.messages) == (receipt.pk, [], 0)
    assert Session.objects.filter(title="kitchen").exists()


def test_a_rule_that_was_killed_is_done_by_the_next_run(with_database):  # noqa: F811
    shell = with_database
    with closing(sqlite3.connect(shell.database)) as plain:
        plain.executemany(
            "INSERT INTO sessions (session_uuid, title, started_at) VALUES (?, 'old', ?)",
            [(f"{number:032}", "2020-01-01 00:00:00") for number in range(3000)],
        )
        plain.commit()
        shell.ok("python manage.py retention add old --days 30 --action delete")
        killed = subprocess.Popen(
            [sys.executable, "manage.py", "retention", "run"], cwd=shell.folder,
            env=shell.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        shown = "SELECT COUNT(*) FROM sessions WHERE title = 'old' AND deleted_at IS NULL"
        while killed.poll() is None and plain.execute(shown).fetchone() == (3000,):
            pass
        killed.kill()
        killed.wait()
    assert 0 < shell.rows(shown)[0][0] < 3000
    shell.ok("python manage.py retention run")
    assert shell.rows("SELECT COUNT(*) FROM sessions WHERE title = 'old'") == [(0,)]
    receipts = shell.rows("SELECT session_uuids, is_complete FROM erasures")
    named = [uuid for uuids, _ in receipts for uuid in json.loads(uuids)]
    assert sorted(named) == sorted({f"{number:032}" for number in range(3000)})
    assert all(complete for _, complete in receipts)


def test_a_rule_about_the_trash_spares_what_was_taken_out_of_it(history):
    named = rule("delete", is_trashed=True).name
    [planned] = retention.plan()
    receipts.listed(list(planned.session_ids), rule_name=named)
    Session.with_trash.filter(title="trash").update(deleted_at=None)
    [done] = erasing.complete()
    assert (done.session_uuids, Session.objects.filter(title="trash").exists()) == ([], True)
