"""What dashboards read equals the messages, also where thousands of rows change at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from analytics import rollups
from conversations import bulk, demo, importing
from conversations.models import Message, Session
from conversations.tests.factories import NOON, add_message, make_model, make_session

pytestmark = pytest.mark.django_db

CHAT = [
    {
        "title": "Sourdough",
        "conversation_id": f"c-{number}",
        "create_time": 1_770_000_000 + number * 90_000,
        "current_node": "b",
        "mapping": {
            "a": {"id": f"{number}-a", "parent": None, "message": {
                "id": f"{number}-a", "author": {"role": "user"},
                "create_time": 1_770_000_000 + number * 90_000,
                "content": {"content_type": "text", "parts": ["How long?"]}}},
            "b": {"id": f"{number}-b", "parent": "a", "message": {
                "id": f"{number}-b", "author": {"role": "assistant"},
                "create_time": 1_770_000_060 + number * 90_000,
                "content": {"content_type": "text", "parts": ["Twelve hours"]}}},
        },
    }
    for number in range(30)
]  # fmt: skip


def differences() -> list[rollups.Difference]:
    with connection.cursor() as cursor:
        return list(rollups.check(cursor))


def asked(sql: str, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def messages_counted() -> int:
    return asked("SELECT COALESCE(SUM(messages), 0) FROM rollup_days WHERE tag = ''")[0][0]


def test_an_import_and_its_undoing_keep_the_rollups(tmp_path):
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(CHAT))
    demo.create()
    before = messages_counted()
    entry = importing.begin([file.name])
    importing.run([file], importing.Options(), entry=entry)
    assert messages_counted() == before + 60
    assert differences() == []
    entry.refresh_from_db()
    importing.undo(entry)
    assert messages_counted() == before
    assert differences() == []
    demo.remove()
    assert messages_counted() == 0
    assert differences() == []


def test_costs_changed_in_bulk_arrive_in_totals_and_rollups():
    session = make_session("Tea", tags=["hot"])
    for number in range(1, 6):
        add_message(session, number, cost=0.25, input_tokens=10)
    chosen = bulk.Selection("SELECT id FROM messages WHERE sequence_number > %s", (2,))
    with transaction.atomic(), connection.cursor() as cursor, bulk.changing(cursor, chosen):
        cursor.execute("UPDATE messages SET cost = 1.5 WHERE sequence_number > 2")
    session.refresh_from_db()
    assert session.total_cost_nanos == 5_000_000_000
    assert asked("SELECT tag, SUM(cost_nanos) FROM rollup_days GROUP BY tag") == [
        ("", 5_000_000_000),
        ("hot", 5_000_000_000),
    ]
    assert differences() == []


def test_what_lies_in_the_trash_counts_nowhere():
    session = make_session("Tea", "Hot?", "Hot.")
    session.deleted_at = NOON
    session.save()
    assert messages_counted() == 0
    assert differences() == []


def test_a_day_is_one_of_the_time_zone_through_both_changes_of_the_clocks(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    with transaction.atomic(), connection.cursor() as cursor:
        rollups.rebuild(cursor)
    session = make_session("Clocks")
    berlin = ZoneInfo("Europe/Berlin")
    times = [
        datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 28, 23, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC),
        datetime(2026, 3, 29, 22, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 23, 0, tzinfo=UTC),
    ]
    for number, time in enumerate(times, 1):
        add_message(session, number, timestamp=time)
    days = asked("SELECT day, SUM(messages) FROM rollup_days WHERE tag = '' GROUP BY day")
    epoch = datetime(1970, 1, 1, tzinfo=UTC).date()
    wanted = [time.astimezone(berlin).date() for time in times]
    assert {epoch + timedelta(days=day): count for day, count in days} == {
        day: wanted.count(day) for day in wanted
    }
    assert len(days) == 5


@pytest.mark.parametrize("value", [0, 1, 49, 50, 51, 99, 1_000, 12_345, 10**7, 10**10])
def test_the_middle_of_a_bucket_is_within_one_per_cent(value):
    low = max(low for low in rollups.LOWS if low <= value)
    assert abs(rollups.middle(low) - value) <= value * 0.01


def test_the_check_names_what_differs_and_rebuild_mends_it():
    model = make_model()
    add_message(make_session("Tea", model=model), 1, cost=0.5)
    asked("UPDATE rollup_days SET cost_nanos = cost_nanos + 1")
    asked("DELETE FROM rollup_sessions")
    output = StringIO()
    with pytest.raises(CommandError, match="2 rows differ") as error:
        call_command("rollups", "check", stdout=output)
    assert error.value.returncode == 4
    assert "rollup_days" in output.getvalue()
    assert "500000001" in output.getvalue()
    call_command("rollups", "rebuild", stdout=output)
    call_command("rollups", "check", stdout=output)
    assert "are right" in output.getvalue()


def test_another_time_zone_is_a_reason_to_make_them_anew(settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    with pytest.raises(CommandError, match="TIME_ZONE is Asia/Kolkata"):
        call_command("rollups", "check", stdout=StringIO())


def test_deleting_a_session_by_the_program_takes_it_off():
    make_session("Tea", "Hot?", "Hot.")
    session = make_session("Coffee", "Hot?", "Hot.")
    Session.objects.filter(pk=session.pk).delete()
    assert Message.objects.count() == messages_counted() == 2
    assert differences() == []
