"""Answers that are remembered for as long as nothing changes in the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from django.db import connection, transaction

from conversations import databases
from conversations.filters import totals
from conversations.models import Session
from conversations.tests.factories import make_session, make_sessions

pytestmark = pytest.mark.django_db(transaction=True)


class Counter:
    """Something to ask, which counts how often it was asked."""

    asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return Session.objects.count()


def ask(counter: Counter) -> int:
    return databases.remembered(connection, "sessions", counter)


def test_what_was_asked_once_is_not_asked_again():
    make_sessions(3)
    counter = Counter()
    assert [ask(counter), ask(counter), counter.asked] == [3, 3, 1]
    assert databases.remembered(connection, "other", lambda: "another key") == "another key"


def test_what_this_connection_writes_is_seen():
    counter = Counter()
    assert ask(counter) == 0
    make_session("Tea")
    assert ask(counter) == 1
    Session.objects.all().delete()
    assert ask(counter) == 0


def test_what_another_program_writes_is_seen():
    make_session("Tea")
    counter = Counter()
    assert ask(counter) == 1
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("INSERT INTO sessions (session_uuid) VALUES ('x')")
        other.commit()
    assert ask(counter) == 2
    assert ask(counter) == 2
    assert counter.asked == 2


def test_what_a_transaction_takes_back_was_never_remembered():
    counter = Counter()
    with transaction.atomic():
        make_session("Tea")
        assert ask(counter) == 1
        transaction.set_rollback(True)
    assert ask(counter) == 0


def test_no_more_is_remembered_than_fits():
    for number in range(databases.MOST_REMEMBERED * 3):
        databases.remembered(connection, number, lambda: number)  # noqa: B023
    _, answers = connection.remembered_answers
    assert len(answers) <= databases.MOST_REMEMBERED


def test_the_sums_of_a_list_follow_what_others_write(client, alice):
    make_session("Tea")
    assert totals(Session.objects.all()).cost == 0
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, cost)"
            " SELECT 'm', id, 1, 'user', 0.25 FROM sessions"
        )
        other.commit()
    assert totals(Session.objects.all()).cost == Decimal("0.25")
    assert totals(Session.objects.filter(pk__in=[])).sessions == 0
