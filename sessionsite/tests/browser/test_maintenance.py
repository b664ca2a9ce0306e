"""The maintenance pages in a real browser: usable by everybody, wide and narrow, light and dark."""

from __future__ import annotations

import pytest

from conversations.tests.factories import add_message, make_session
from maintenance import backups, erasing, retention

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = ("", "backups/", "runs/", "sizes/", "retention/?count=1", "retention/new/", "erasures/")


@pytest.fixture
def looked_after(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    add_message(make_session("Tea"), 1, "leaves")
    backups.backup(tmp_path / "llm_sessions_backup_20260101_030000.db")
    retention.add_rule("Empty the trash", days=30, action="delete", is_trashed=True)
    gone = make_session("Gone", deleted_at="2026-01-01 00:00:00+00:00")
    erasing.erase([gone.pk], finish=False)


def test_maintenance_is_usable_wide_narrow_light_and_dark(visit, reader, looked_after):
    visitor = visit(reader)
    for page in PAGES:
        visitor.go(f"/maintenance/{page}")
        visitor.check_all()
    visitor.page.get_by_role("link", name="Backups", exact=True).click()
    visitor.page.get_by_role("link", name="Restore").click()
    visitor.page.get_by_role("heading", name="What would change").wait_for()
    visitor.check_all()
