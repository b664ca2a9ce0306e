"""Pricing messages anew: what is planned is what is done, and undoing it leaves no trace."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.db import connection

from conversations.errors import InvalidValue, UnknownId
from conversations.models import (
    CostBasis,
    Message,
    Price,
    RepriceChange,
    RepriceRun,
    RepriceStatus,
    Session,
)
from conversations.pricing import planning, repricing
from conversations.pricing.requests import Request, Scope
from conversations.pricing.requests import after as requests_after

from .factories import NOON, add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


def book(pattern: str, input: object = 1, output: object = 2, **columns: object) -> Price:
    return Price.objects.create(
        model_pattern=pattern, input_price=D(str(input)), output_price=D(str(output)), **columns
    )


def used(session: Session, number: int, sent: int = 1_000_000, said: int = 0, **fields) -> Message:
    return add_message(session, number, input_tokens=sent, output_tokens=said, **fields)


def all_costs() -> list[tuple]:
    """Every cost to the last bit, with its basis and with the totals of the session."""
    rows = Message.objects.order_by("id").values_list(
        "id", "cost", "cost_basis_id", "session__total_cost", "session__total_cost_nanos"
    )
    return [
        (id, cost if cost is None else struct.pack("d", cost), *rest) for id, cost, *rest in rows
    ]


@pytest.fixture
def history():
    """Messages of every kind of cost, all of a model whose price nobody knows."""
    session = make_session(model=make_model("acme", "m-1"))
    used(session, 1, cost=0.1 + 0.2, cost_basis_id=CostBasis.RECORDED)
    used(session, 2, cost=0.7)  # by whoever wrote it
    used(session, 3, cost=0.0, cost_basis_id=CostBasis.RECORDED)
    used(session, 4, cost_basis_id=CostBasis.UNKNOWN)
    used(session, 5, 3, 7)
    used(session, 6, cost=0.0, cost_basis_id=CostBasis.LOCAL)
    add_message(session, 7, role="user")
    add_message(session, 8, cost_basis_id=CostBasis.SUBSCRIPTION)
    return session


def costs() -> list[float | None]:
    return list(Message.objects.order_by("id").values_list("cost", flat=True))


def test_recorded_costs_are_left_alone_and_all_others_priced(history):
    book("m-1")

    run = repricing.apply(Scope())

    assert costs() == [0.1 + 0.2, 0.7, 1.0, 1.0, 17e-6, 1.0, None, None]
    assert (run.status, run.checked, run.messages) == (RepriceStatus.DONE, 6, 4)
    assert (run.cost_before, run.cost_after) == (0, D("3.000017"))
    bases = Message.objects.filter(sequence_number__in=(3, 4, 5, 6)).values("cost_basis").distinct()
    assert CostBasis.objects.get(pk__in=bases).origin == "price book"
    history.refresh_from_db()
    assert history.total_cost_nanos == 4_000_017_000


def test_what_has_no_price_any_more_becomes_unpriced_and_not_free(history):
    price = book("m-1")
    repricing.apply(Scope())
    price.delete()

    repricing.apply(Scope())

    assert costs()[2:6] == [None] * 4
    assert set(Message.objects.filter(sequence_number__in=(3, 4, 5, 6)).values_list(
        "cost_basis_id", flat=True)) == {CostBasis.UNKNOWN}  # fmt: skip


def test_a_message_gets_the_price_of_its_own_time():
    session = make_session(model=make_model("acme", "m-1"))
    book("m-1", 1, valid_to=NOON.date())
    book("m-1", 5, valid_from=NOON.date())
    used(session, 1, timestamp=NOON - timedelta(days=1))
    used(session, 2, timestamp=NOON)

    repricing.apply(Scope())

    assert costs() == [1.0, 5.0]


def test_batches_tiers_and_the_model_that_answered_are_those_of_the_message():
    session = make_session(model=make_model("acme", "m-1"))
    book("m-1", 1)
    book("m-1", 9, service_tier="priority")
    book("other", 3)
    used(session, 1, metadata={"service_tier": "batch"})
    used(session, 2, metadata={"usage": {"service_tier": "priority"}})
    used(session, 3, model=make_model("acme", "other"))
    used(session, 4, metadata={"note": "at full speed"})

    repricing.apply(Scope())

    assert costs() == [0.5, 9.0, 3.0, 1.0]


def test_the_plan_says_what_is_then_done_and_writes_nothing(history):
    book("m-1", "0.333333", "0.777777")
    before = all_costs()

    plan = planning.plan(Scope())

    assert all_costs() == before
    assert not RepriceRun.objects.exists()
    [line] = plan.lines
    assert (line.month, line.model) == ("2026-03", "acme/m-1")
    assert (line.messages, line.changed, plan.recorded) == (4, 4, 2)
    assert (line.unpriced_before, line.unpriced_after) == (2, 0)
    run = repricing.apply(Scope())
    assert (plan.total.cost_before, plan.total.cost_after) == (run.cost_before, run.cost_after)
    again = planning.plan(Scope()).total
    assert (again.changed, again.cost_before) == (0, run.cost_after)


def test_a_plan_is_by_model_and_month_of_the_site(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    session = make_session()
    a, b = make_model("x", "a"), make_model("x", "b")
    used(session, 1, model=b, timestamp=datetime(2026, 3, 31, 14, 59, tzinfo=UTC))
    used(session, 2, model=b, timestamp=datetime(2026, 3, 31, 15, tzinfo=UTC))
    used(session, 3, model=a, timestamp=datetime(2026, 3, 1, tzinfo=UTC))

    lines = planning.plan(Scope()).lines

    assert [(line.month, line.model) for line in lines] == [
        ("2026-03", "x/a"), ("2026-03", "x/b"), ("2026-04", "x/b"),
    ]  # fmt: skip


def test_a_plan_that_gets_no_time_says_that_it_is_not_whole(history):
    book("m-1")

    plan = planning.plan(Scope(), seconds=0, at_once=2)

    assert not plan.is_whole
    assert plan.total.messages + plan.recorded == 2
    assert planning.plan(Scope()).is_whole


@pytest.mark.parametrize("chunk", [1, 3, 10_000])
def test_undoing_a_run_reverses_it_to_the_last_bit(history, chunk):
    third = used(history, 9, cost=1 / 3 * 1e-7, cost_basis_id=CostBasis.LOCAL)
    before = all_costs()
    book("m-1", "0.123457", "7.654321")
    run = repricing.run(repricing.begin(Scope()), at_once=chunk)
    assert all_costs() != before
    assert Message.objects.get(pk=third.pk).cost == 0.123457

    repricing.undo(run, at_once=chunk)

    assert all_costs() == before
    assert (run.status, run.left_alone) == (RepriceStatus.UNDONE, 0)
    assert run.undone_at is not None
    assert not RepriceChange.objects.exists()


def test_undoing_leaves_alone_what_was_changed_or_deleted_since_and_counts_it(history):
    book("m-1")
    run = repricing.apply(Scope())
    Message.objects.filter(sequence_number=3).update(cost=42)
    Message.objects.filter(sequence_number=4).delete()

    repricing.undo(run)

    assert costs() == [0.1 + 0.2, 0.7, 42, None, 0.0, None, None]
    assert run.left_alone == 2


def test_of_two_runs_the_first_takes_nothing_back_that_the_second_has_changed(history):
    price = book("m-1")
    first = repricing.apply(Scope())
    middle = all_costs()
    Price.objects.filter(pk=price.pk).update(input_price=D(9), output_price=D(9))
    second = repricing.apply(Scope())

    repricing.undo(first)
    assert first.left_alone == 4
    assert costs()[2] == 9.0

    repricing.undo(second)
    assert all_costs() == middle


def test_a_run_is_undone_once(history):
    book("m-1")
    run = repricing.apply(Scope())
    repricing.undo(run)

    with pytest.raises(InvalidValue, match="changed nothing"):
        repricing.undo(run)
    with pytest.raises(InvalidValue, match="is undone"):
        repricing.run(run)


def test_a_run_that_changed_nothing_has_nothing_to_undo():
    with pytest.raises(InvalidValue, match="changed nothing"):
        repricing.undo(repricing.apply(Scope()))


@pytest.mark.django_db(transaction=True)
def test_what_somebody_changes_meanwhile_is_priced_as_it_is_then(history):
    book("m-1")

    def edit(entry):
        """Change what has been read and priced already, by another program."""
        if entry.checked > 2:
            return
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
            other.execute("UPDATE messages SET input_tokens = 2000000 WHERE sequence_number = 3")
            other.execute("UPDATE messages SET cost = 8.5 WHERE sequence_number = 4")
            other.execute("DELETE FROM messages WHERE sequence_number = 6")
            other.commit()

    entry = repricing.run(repricing.begin(Scope()), progress=edit, at_once=2)

    assert costs()[2:5] == [2.0, 8.5, 17e-6]
    assert (entry.status, entry.messages) == (RepriceStatus.DONE, 2)


def test_a_stopped_run_goes_on_where_it_was(history):
    before = all_costs()
    book("m-1")
    entry = repricing.begin(Scope())
    fourth = Message.objects.get(sequence_number=4).pk
    repricing.run(entry, should_stop=lambda: entry.last_message_id >= fourth, at_once=2)
    assert (entry.status, costs()[3:6]) == (RepriceStatus.WAITING, [1.0, None, 0.0])

    repricing.run(RepriceRun.objects.get())

    run = RepriceRun.objects.get()
    assert (run.status, run.checked, run.messages) == (RepriceStatus.DONE, 6, 4)
    assert run.cost_after == D("3.000017")
    repricing.undo(run)
    assert all_costs() == before


# -- which messages -----------------------------------------------------------------------------


def ids(scope: Scope) -> list[int]:
    with connection.cursor() as cursor:
        found: list[Request] = requests_after(cursor, scope, 0, 100)
    return [request.id for request in found]


def test_messages_are_chosen_by_project_model_source_tag_role_time_and_session():
    kitchen, a, b = make_project(), make_model("x", "a"), make_model("x", "b")
    first = make_session(project=kitchen, model=a, source="codex")
    second = make_session(model=b, tags=["bread"])
    one = used(first, 1).pk
    two = used(first, 2, model=b, timestamp=NOON + timedelta(days=1)).pk
    three = used(second, 1, role="user").pk
    add_message(second, 2)

    assert ids(Scope()) == [one, two, three]
    assert ids(Scope(project_id=kitchen.pk)) == [one, two]
    assert ids(Scope(no_project=True)) == [three]
    assert ids(Scope(model_ids=(b.pk,))) == [two, three]
    assert ids(Scope(model_ids=())) == []
    assert ids(Scope(source="codex")) == [one, two]
    assert ids(Scope(source="")) == [three]
    assert ids(Scope(tag="bread")) == [three]
    assert ids(Scope(role="user")) == [three]
    assert ids(Scope(since=NOON + timedelta(days=1))) == [two]
    assert ids(Scope(until=NOON + timedelta(days=1))) == [one, three]
    assert ids(Scope(session_ids=(second.pk,))) == [three]


def test_what_is_in_the_trash_is_priced_too_unless_it_is_left_out(history):
    Session.objects.update(deleted_at=NOON)
    assert len(ids(Scope())) == 6
    assert ids(Scope(with_trash=False)) == []


def test_a_scope_is_kept_as_json_and_read_again():
    scope = Scope(
        project_id=3, model_ids=(1, 2), tag="a", since=NOON, session_ids=(), with_trash=False
    )
    assert Scope.from_json(scope.as_json()) == scope


def test_texts_are_not_read(history, django_assert_num_queries):
    with django_assert_num_queries(1) as asked:
        ids(Scope())
    assert "content" not in asked[0]["sql"]


def test_a_run_is_found_by_the_beginning_of_its_id():
    run = repricing.begin(Scope())
    assert repricing.find_run(run.run_uuid[:8]) == run
    for wrong in ("", run.run_uuid[:3], "nothing-like-it", "\x00" * 8):
        with pytest.raises(UnknownId, match="there is no run"):
            repricing.find_run(wrong)


# -- a process that is killed -------------------------------------------------------------------

MANY = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000)
    INSERT INTO messages (message_uuid, session_id, sequence_number, role, timestamp, input_tokens)
    SELECT 'm-' || n, 1, n, 'assistant', '2026-03-01 12:00:00', n FROM numbers
"""


def test_a_run_that_is_killed_is_consistent_and_can_be_continued_or_undone(database_file, tmp_path):
    with closing(sqlite3.connect(database_file)) as db:
        db.execute("INSERT INTO models (id, provider, model_name) VALUES (1, 'acme', 'm-1')")
        db.execute("INSERT INTO sessions (id, session_uuid, model_id) VALUES (1, 's', 1)")
        db.execute("INSERT INTO bulk_load (id) VALUES (1)")
        db.execute(MANY)
        db.execute("DELETE FROM bulk_load")
        db.execute("UPDATE sessions SET total_messages = 60000")
        db.execute(
            "INSERT INTO prices (model_pattern, input_micros, output_micros)"
            " VALUES ('m-1', 1000000, 1000000)"
        )
        db.commit()

    def reprice(*options: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{database_file}",
            "SESSIONS_DATA": str(tmp_path / "data"),
        }
        return subprocess.Popen(
            [sys.executable, "manage.py", "reprice", *options], cwd=ROOT, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def state() -> tuple[int, int, int, int, int]:
        with closing(sqlite3.connect(database_file)) as db:
            return db.execute(
                "SELECT COUNT(cost), COALESCE(SUM(cost_nanos), 0),"
                " (SELECT total_cost_nanos FROM sessions),"
                " COALESCE((SELECT SUM(messages) FROM reprice_runs), 0),"
                " (SELECT COUNT(*) FROM reprice_changes) FROM messages"
            ).fetchone()

    def finish(*options: str) -> None:
        process = reprice(*options)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()

    process = reprice("--apply")
    while state()[0] == 0 and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    priced, nanos, total, changed, kept = state()
    assert process.returncode == -signal.SIGKILL
    assert 0 < priced < 60_000
    assert priced == changed == kept
    assert nanos == total

    with closing(sqlite3.connect(database_file)) as db:
        [run] = db.execute("SELECT run_uuid FROM reprice_runs").fetchone()
    copy = tmp_path / "copy.db"
    shutil.copy(database_file, copy)
    finish("--continue", run)
    whole = 60_000 * 60_001 // 2 * 1000
    assert state() == (60_000, whole, whole, 60_000, 60_000)

    shutil.copy(copy, database_file)
    finish("--undo", run)
    assert state() == (0, 0, 0, priced, 0)
