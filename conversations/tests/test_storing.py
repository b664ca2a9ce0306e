"""Storing imported records: identity, chunks, what people changed, what cannot be stored."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection, transaction

from conversations import bulk, databases, importing, schema, storing
from conversations.importers.records import MessageRecord, Rejected, SessionRecord, Skipped
from conversations.models import LanguageModel, Message, Project, Session

pytestmark = pytest.mark.django_db

NOON = datetime(2025, 1, 8, 12, tzinfo=UTC)


def message(key: str, **fields) -> MessageRecord:
    return MessageRecord(**{"key": key, "role": "user", "content": f"text of {key}", **fields})


def session(external_id: str, *keys: str, **fields) -> SessionRecord:
    return SessionRecord(
        external_id=external_id,
        place=f"{external_id}.json",
        messages=[message(key) for key in keys],
        **{"started_at": NOON, **fields},
    )


def store(*records, **options) -> storing.ImportReport:
    return storing.store([("test", copy.deepcopy(record)) for record in records], **options)


def contents(external_id: str) -> list[str]:
    stored = Session.objects.get(external_id=external_id)
    return [message.content for message in stored.messages.in_order()]


def everything() -> list:
    return [
        list(table.objects.order_by("id").values())
        for table in (Session, Message, Project, LanguageModel)
    ]


def assert_sound() -> None:
    """Totals and index are those of the messages, and the triggers are back in force."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)"
        )
        cursor.execute("SELECT COUNT(*) FROM bulk_load")
        assert cursor.fetchone() == (0,)
        before = list(Session.objects.order_by("id").values())
        databases.of(connection).rebuild(cursor)
        assert list(Session.objects.order_by("id").values()) == before
    assert schema.missing(connection) == []


def test_a_session_is_stored_whole():
    record = session("s", title="Trip", project="Apollo", tags=["fun"], system_prompt="Be kind.")
    record.messages = [
        message("a", timestamp=NOON),
        message("b", role="assistant", parent_key="a", provider="openai", model="gpt-4",
                input_tokens=10, output_tokens=4, cache_read_tokens=3, cost=0.000_000_123,
                latency_ms=900, finish_reason="stop", tool_calls=[{"name": "look"}],
                metadata={"thinking": ["hm"]}, is_hidden=True),
    ]  # fmt: skip
    report = store(record)
    assert (report.new, report.messages_new, report.failed) == (1, 2, 0)
    stored = Session.objects.get()
    assert (stored.title, stored.project.name, stored.tags) == ("Trip", "Apollo", ["fun"])
    assert (stored.started_at, stored.system_prompt) == (NOON, "Be kind.")
    assert (stored.total_messages, stored.total_input_tokens) == (2, 10)
    assert stored.exact_cost == Decimal("0.000000123")
    question, answer = stored.messages.in_order()
    assert answer.parent_message_id == question.id
    assert (answer.model.full_name, answer.tool_calls) == ("openai/gpt-4", [{"name": "look"}])
    assert (answer.metadata, answer.is_hidden, answer.cache_read_tokens) == (
        {"thinking": ["hm"]},
        True,
        3,
    )
    assert answer.timestamp == NOON  # the source did not say; the message before it did
    assert_sound()


def test_the_same_records_twice_write_nothing():
    records = [
        session("one", "a", "b", title="T"),
        session("two", "c", model="m", provider="p"),
        session("empty"),
    ]
    store(*records)
    before = everything()
    report = store(*records)
    assert (report.new, report.updated, report.unchanged) == (0, 0, 3)
    assert (report.messages_new, report.messages_updated) == (0, 0)
    assert everything() == before


def test_ids_are_the_same_in_every_database():
    store(session("one", "a"))
    assert Session.objects.get().session_uuid == storing.session_uuid("test", "one")
    assert Message.objects.get().message_uuid == storing.message_uuid("test", "a")


def test_a_longer_copy_adds_what_is_new():
    store(session("s", "a", "b"))
    report = store(session("s", "a", "b", "c"))
    assert (report.new, report.updated, report.messages_new) == (0, 1, 1)
    assert contents("s") == ["text of a", "text of b", "text of c"]
    assert Session.objects.get().total_messages == 3
    assert_sound()


def test_a_shorter_copy_removes_and_changes_nothing():
    store(session("s", "a", "b", title="Newer"))
    before = everything()
    older = session("s", "a", title="Older")
    older.messages[0].content = "text"
    assert store(older).unchanged == 1
    assert everything() == before


def test_a_message_that_has_grown_is_brought_up_to_date():
    store(session("s", "a"))
    longer = session("s", "a")
    longer.messages[0].content += " and more"
    longer.messages[0].output_tokens = 9
    report = store(longer)
    assert (report.updated, report.messages_updated) == (1, 1)
    assert contents("s") == ["text of a and more"]
    assert Session.objects.get().total_output_tokens == 9
    assert_sound()


def test_a_title_that_people_gave_survives_the_next_import():
    store(session("s", "a", title="Theirs"))
    Session.objects.update(title="Mine", tags=["mine"])
    store(session("s", "a", "b", title="Theirs again"))
    stored = Session.objects.get()
    assert (stored.title, stored.tags, stored.total_messages) == ("Mine", ["mine"], 2)


def test_a_title_that_nobody_touched_follows_its_source():
    store(session("s", "a", title="First"))
    store(session("s", "a", title="Second"))
    assert Session.objects.get().title == "Second"


def test_a_message_added_here_stays():
    store(session("s", "a"))
    ours = Session.objects.get()
    Message.objects.create(
        message_uuid="ours", session=ours, sequence_number=2, role="user", content="mine"
    )
    report = store(session("s", "a", "b"))
    assert report.messages_new == 1
    assert contents("s") == ["text of a", "mine", "text of b"]
    assert store(session("s", "a", "b")).unchanged == 1


def test_a_resumed_session_keeps_only_what_is_new_and_points_back():
    report = store(session("first", "a", "b"), resumed := session("second", "a", "b", "c"))
    assert report.messages_new == 3
    assert contents("first") == ["text of a", "text of b"]
    assert contents("second") == ["text of c"]
    assert Session.objects.get(external_id="second").parent_session.external_id == "first"
    assert store(resumed).unchanged == 1


def test_a_copy_with_nothing_new_is_skipped():
    report = store(session("first", "a"), session("copy", "a"))
    assert (report.new, report.skipped) == (1, 1)
    assert (
        report.skipped_records[0].reason
        == "all of its messages are stored in other sessions already"
    )


@pytest.mark.parametrize("together", [True, False], ids=["in one import", "one after the other"])
def test_of_two_copies_of_a_response_the_greater_usage_counts_once(together):
    first = session("first", "a")
    first.messages[0].input_tokens, first.messages[0].output_tokens = 5, 1
    second = session("second", "a", "b")
    second.messages[0].input_tokens, second.messages[0].output_tokens = 5, 40
    if together:
        store(first, second)
    else:
        store(first)
        store(second)
    assert Message.objects.get(external_id="a").output_tokens == 40
    assert Session.objects.get(external_id="first").total_output_tokens == 40
    assert Session.objects.get(external_id="second").total_output_tokens == 0
    report = store(first, second)
    assert (report.unchanged, report.messages_updated) == (2, 0)
    assert_sound()


def test_the_main_conversation_wins_over_a_sub_agent():
    side = session("side", "a")
    side.messages[0].is_sidechain, side.messages[0].output_tokens = True, 100
    main = session("main", "a", "b")
    main.messages[0].output_tokens = 7
    store(side, main)
    assert Message.objects.get(external_id="a").output_tokens == 7


def test_a_child_finds_its_parent_whenever_that_comes():
    store(session("child", "a", parent_external_id="parent"))
    assert Session.objects.get().parent_session is None
    store(session("parent", "b"))
    assert Session.objects.get(external_id="child").parent_session.external_id == "parent"


def test_sessions_that_were_split_off_in_a_circle_are_linked_but_for_one_link():
    store(session("own", "o", parent_external_id="own"))
    store(
        session("a", "1", parent_external_id="c"),
        session("b", "2", parent_external_id="a"),
        session("c", "3", parent_external_id="b"),
    )
    # What is linked already counts: this one would close a circle with it.
    store(session("d", "4", parent_external_id="e"), session("e", "5", parent_external_id="f"))
    store(session("f", "6", parent_external_id="d"))
    parents = dict(Session.objects.values_list("external_id", "parent_session__external_id"))
    assert parents["own"] is None
    assert [parents[name] for name in "abc"] == ["c", "a", None]
    assert [parents[name] for name in "def"] == ["e", "f", None]


def test_messages_that_answer_each_other_in_a_circle_are_linked_but_for_one_link():
    record = session("s", "a", "b", "c", "self")
    for child, parent in zip(record.messages, "bca", strict=False):
        child.parent_key = parent
    record.messages[3].parent_key = "self"
    assert store(record).new == 1
    parents = dict(Message.objects.values_list("external_id", "parent_message__external_id"))
    assert (parents["self"], list(parents.values()).count(None)) == (None, 2)


def test_values_of_no_type_that_a_column_takes_are_rejected_with_their_record():
    odd = session("odd", "x", metadata=["no", "object"])
    report = store(session("first", "a"), odd, session("last", "b"))
    assert (report.new, report.failed) == (2, 1)
    assert report.failed_records[0].place == "odd.json"


def test_what_cannot_be_stored_is_rejected_and_the_rest_is_kept():
    bad = session("bad", "x", "y")
    bad.messages[1].role = "robot"
    huge = session("huge", "z")
    huge.messages[0].input_tokens = 2**70
    report = store(session("one", "a"), bad, huge, session("two", "b"))
    assert (report.new, report.failed, report.messages_new) == (2, 2, 2)
    assert [rejected.place for rejected in report.failed_records] == ["bad.json", "huge.json"]
    assert "messages_role_known" in report.failed_records[0].reason
    assert set(Session.objects.values_list("external_id", flat=True)) == {"one", "two"}
    assert Message.objects.count() == 2
    assert_sound()


def test_what_an_importer_left_out_is_counted_and_listed():
    report = store(Skipped("empty.jsonl", "is empty"), *[Rejected("f", "bad")] * 1500)
    assert (report.skipped, report.failed) == (1, 1500)
    assert len(report.failed_records) == storing.LISTED


def test_a_dry_run_counts_and_stores_nothing():
    records = [session("first", "a", project="P"), session("second", "a", "b")]
    rehearsed = store(*records, dry_run=True)
    assert everything() == [[], [], [], []]
    assert rehearsed == store(*records)


def test_a_project_may_be_given_for_all():
    store(session("s", "a", project="Theirs"), project="Ours")
    assert Session.objects.get().project.name == "Ours"
    assert not Project.objects.filter(name="Theirs").exists()


def test_many_sessions_are_stored_in_several_transactions(monkeypatch):
    monkeypatch.setattr(storing, "CHUNK_MESSAGES", 10)
    entry = importing.begin(["many"])
    report = storing.store(
        (("test", session(f"s{n}", *(f"{n}-{k}" for k in range(7)))) for n in range(10)),
        journal=storing.Journal(entry),
    )
    assert report.new == 10
    assert entry.chunks.count() == 10
    assert_sound()


def test_a_message_with_a_parent_in_a_later_session_of_the_chunk_is_still_stored():
    first = session("first", "a")
    first.messages[0].parent_key = "b"
    store(first, session("second", "b"))
    assert Message.objects.count() == 2


def test_the_triggers_are_off_only_inside_the_transaction():
    stored = Session.objects.create(session_uuid="plain")
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        databases.of(connection).bulk_load(cursor),
    ):
        Message.objects.create(message_uuid="quiet", session=stored, sequence_number=1, role="user")
        stored.refresh_from_db()
        assert stored.total_messages == 0
        message = Message.objects.get().id
        sqlite = databases.of(connection)
        bulk.catch_up(cursor, sqlite, range(0), range(message, message + 1))
    stored.refresh_from_db()
    assert stored.total_messages == 1
    assert_sound()


def test_a_very_long_title_is_cut():
    store(session("s", "a", title="x" * 5000))
    assert len(Session.objects.get().title) == 1000
