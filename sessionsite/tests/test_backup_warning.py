"""Whether `manage.py check` says that there is no backup which could be restored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.utils import timezone

from conversations.tests.factories import add_message, make_session
from maintenance.models import Backup

pytestmark = pytest.mark.django_db


def warnings() -> list[str]:
    return [one.msg for one in run_checks(databases=["default"]) if one.id == "sessionsite.W002"]


@pytest.fixture
def history():
    add_message(make_session(), 1, "tea", timestamp=timezone.now() - timedelta(days=40))


def a_backup(path, *, days: int | None) -> None:
    path.write_text("a backup")
    proven = None if days is None else timezone.now() - timedelta(days=days)
    Backup.objects.create(path=str(path), sha256="", proven_at=proven)


def test_a_history_without_a_proven_backup_is_warned_of(history, tmp_path):
    assert "ever proven" in warnings()[0]
    a_backup(tmp_path / "unproven", days=None)
    assert "ever proven" in warnings()[0]
    a_backup(tmp_path / "old", days=30)
    assert "more than 7 days ago" in warnings()[0]
    a_backup(tmp_path / "new", days=1)
    assert warnings() == []
    (tmp_path / "new").unlink()
    assert "more than 7 days ago" in warnings()[0]


def test_a_young_history_and_an_empty_one_are_not_warned_of(settings):
    assert warnings() == []
    add_message(make_session(), 1, "tea", timestamp=timezone.now())
    assert warnings() == []


def test_who_wants_no_warning_gets_none(history, settings):
    settings.BACKUP_MAX_AGE_DAYS = 0
    assert warnings() == []
