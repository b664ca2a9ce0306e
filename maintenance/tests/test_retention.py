"""Rules of retention: which sessions they are about, and what becomes of these."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.errors import InvalidValue
from conversations.models import Message, Session
from conversations.tests.factories import add_message, make_project, make_session
from maintenance import checking, retention
from maintenance.models import Erasure, MaintenanceRun, RetentionRule

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
