"""Every message keeps what it cost and how that is known, however it came here."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from io import BytesIO

import pytest
from django.db import connection
from django.urls import reverse

from conversations import changes, exporters, importing, storing, writing
from conversations.importers.records import MessageRecord, SessionRecord
from conversations.models import Change, CostBasis, Message, Price, Session

from .factories import add_message, make_model, make_session

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-5"}


def take_in(source: str = "test", head: dict | None = None, **fields) -> Message:
    """Import one answer and return it as it is stored."""
    answer = MessageRecord(key="a", role="assistant", content="Tea.", **fields)
    record = SessionRecord("s", "s.json", started_at=NOON, messages=[answer], **(head or {}))
    storing.store([(source, copy.deepcopy(record))])
    return Message.objects.select_related("cost_basis").get()


def test_an_import_prices_each_message_at_its_own_time():
    message = take_in(**SONNET, input_tokens=1000, output_tokens=100, cache_read_tokens=500)

    assert message.cost == (500 * 3 + 500 * 0.30 + 100 * 15) / 1e6
    assert message.cost_in_words == "computed, genai-prices 0.2.3, anthropic/claude-sonnet-4-5"
    assert message.session.total_cost_nanos == 3_150_000


def test_what_names_no_model_is_said_by_that_of_the_session():
    message = take_in(head=SONNET, input_tokens=1000)

    assert message.cost == 1000 * 3 / 1e6


def test_a_cost_that_the_source_recorded_wins():
    message = take_in(**SONNET, input_tokens=1000, output_tokens=100, cost=0.5)

    assert (message.cost, message.cost_basis_id) == (0.5, CostBasis.RECORDED)
    assert message.cost_in_words == "recorded by the source"


def test_a_recorded_cost_of_nothing_beside_tokens_is_none():
    assert take_in(**SONNET, input_tokens=1000, cost=0.0).cost == 0.003


def test_a_recorded_cost_of_nothing_without_tokens_is_one():
    message = take_in(**SONNET, cost=0.0)

    assert (message.cost, message.cost_basis_id) == (0.0, CostBasis.RECORDED)


def test_tokens_of_a_model_without_a_price_are_unpriced():
    message = take_in(provider="x", model="y", input_tokens=1000)

    assert (message.cost, message.cost_basis_id) == (None, CostBasis.UNKNOWN)
    assert (message.is_unpriced, message.cost_in_words) == (True, "unpriced")


def test_what_runs_locally_is_free():
    message = take_in(provider="ollama", model="llama3:8b", input_tokens=1000)

    assert (message.cost, message.cost_basis_id) == (0.0, CostBasis.LOCAL)


@pytest.mark.parametrize("source", ["chatgpt", "claude-ai"])
def test_answers_of_a_web_page_that_is_paid_by_the_month_say_so(source):
    message = take_in(source, **SONNET)

    assert (message.cost, message.cost_basis_id) == (None, CostBasis.SUBSCRIPTION)
    assert (message.is_unpriced, message.cost_in_words) == (True, "subscription")


def test_a_message_without_tokens_costs_nothing_that_is_not_known():
    message = take_in(**SONNET)

    assert (message.cost, message.cost_basis_id, message.is_unpriced) == (None, None, False)


def test_an_answer_of_a_batch_costs_half():
    message = take_in(
        **SONNET, input_tokens=1000, output_tokens=100, metadata={"service_tier": "batch"}
    )

    assert message.cost == (1000 * 3 + 100 * 15) / 2 / 1e6


def test_usage_that_grew_is_priced_again_and_an_undo_sets_back_how_it_came_about():
    first = take_in(**SONNET, input_tokens=1000)
    entry = importing.begin(["again"])
    grown = MessageRecord(key="a", role="assistant", content="Tea.", input_tokens=2000, **SONNET)
    record = SessionRecord("s", "s.json", started_at=NOON, messages=[grown])
    storing.store([("test", record)], journal=storing.Journal(entry))

    again = Message.objects.get()
    assert (first.cost, again.cost) == (0.003, 0.006)
    assert again.cost_basis_id == first.cost_basis_id >= CostBasis.FIRST
    storing.undoing.undo(entry)
    after = Message.objects.get()
    assert (after.cost, after.cost_basis_id) == (0.003, first.cost_basis_id)


def test_a_message_that_is_written_is_priced_unless_its_cost_is_given():
    model = make_model("anthropic", "claude-sonnet-4-5")
    session = make_session(model=model)
    writing.add_messages(
        session.session_uuid,
        [
            {"role": "assistant", "content": "", "input_tokens": 1000, "timestamp": NOON},
            {"role": "assistant", "content": "", "input_tokens": 1000, "cost": 0.25},
            {"role": "user", "content": ""},
        ],
    )

    stored = [(m.cost, m.cost_in_words) for m in session.messages.in_order()]
    computed = "computed, genai-prices 0.2.3, anthropic/claude-sonnet-4-5"
    assert stored == [(0.003, computed), (0.25, "recorded by the source"), (None, "")]


@pytest.fixture
def priced(client) -> Message:
    """An answer of 1,000 tokens whose cost was computed."""
    session = make_session(model=make_model("anthropic", "claude-sonnet-4-5"))
    writing.add_message(
        session.session_uuid, "assistant", "Tea.", input_tokens=1000, timestamp=NOON
    )
    return Message.objects.get()


def edit(client, message: Message, **fields) -> Message:
    address = reverse("message", args=[message.session.session_uuid, message.message_uuid])
    form = {"role": "assistant", "content": "Tea.", "input_tokens": 1000, "cost": message.cost}
    sent = {name: "" if value is None else value for name, value in (form | fields).items()}
    assert client.post(address, sent).status_code == 302
    return Message.objects.get()


def test_tokens_that_are_mended_are_priced_again_and_taken_back(client, priced):
    after = edit(client, priced, input_tokens=3000)

    assert (after.cost, after.cost_basis_id) == (0.009, priced.cost_basis_id)
    changes.undo(Change.objects.get())
    before = Message.objects.get()
    assert (before.cost, before.cost_basis_id) == (0.003, priced.cost_basis_id)


def test_a_cost_that_is_written_by_hand_is_recorded_and_stays(client, priced):
    after = edit(client, priced, cost=0.5)
    assert (after.cost, after.cost_basis_id) == (0.5, CostBasis.RECORDED)

    assert edit(client, after, input_tokens=3000).cost == 0.5


def test_a_cost_that_is_deleted_is_computed_again(client, priced):
    edit(client, priced, cost=0.5)

    after = edit(client, priced, cost=None)
    assert (after.cost, after.cost_basis_id) == (0.003, priced.cost_basis_id)


def test_another_text_leaves_the_cost_alone(client, priced):
    Price.objects.create(model_pattern="*", input_price=9, output_price=9)

    assert edit(client, priced, content="Coffee.").cost == 0.003


def test_pages_say_how_a_cost_came_about(client, priced):
    uuid = priced.session.session_uuid
    add_message(priced.session, 2, "?", input_tokens=5)
    page = client.get(reverse("session", args=[uuid])).content.decode()
    assert "computed, genai-prices 0.2.3, anthropic/claude-sonnet-4-5" in page
    assert ">unpriced</li>" in page

    page = client.get(reverse("message", args=[uuid, priced.message_uuid])).content.decode()
    assert "computed, genai-prices 0.2.3, anthropic/claude-sonnet-4-5" in page
    assert "name matched: <bdi>as written</bdi>" in page
    assert "<dt>Cache read</dt><dd><bdi>0.3</bdi></dd>" in page


def own_export() -> bytes:
    sessions = exporters.chats(Session.objects.all())
    return b"".join(exporters.FORMATS["jsonl"].write(sessions, with_catalog=True))


def test_an_export_brings_back_how_each_cost_came_about(tmp_path):
    session = make_session(model=make_model("anthropic", "claude-sonnet-4-5"))
    for fields in ({"input_tokens": 7}, {"input_tokens": 7, "cost": 1}, {"cost": 2}, {}):
        writing.add_message(session.session_uuid, "assistant", "", **fields)
    add_message(session, 8, cost=3, input_tokens=1)  # by a script that says nothing of it
    add_message(session, 9, cost=0, input_tokens=1, cost_basis_id=CostBasis.LOCAL)
    said = [(m.cost, m.cost_in_words) for m in session.messages.in_order()]
    exported = own_export()
    lines = [json.loads(line) for line in BytesIO(exported)]
    assert [line["record"] for line in lines].count("cost_basis") == 1
    with connection.cursor() as cursor:
        for table in ("sessions", "models", "import_deletions"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM cost_bases WHERE id >= 100")
    Price.objects.create(model_pattern="*", input_price=9, output_price=9)

    file = tmp_path / "own.jsonl"
    file.write_bytes(exported)
    importing.run([file], importing.Options(), entry=importing.begin(["own"]))

    assert own_export() == exported
    stored = Message.objects.select_related("cost_basis").in_order()
    assert [(message.cost, message.cost_in_words) for message in stored] == said


def test_an_export_with_masks_keeps_how_each_cost_came_about(tmp_path):
    redactor = pytest.importorskip("conversations.redacting").Redactor()
    session = make_session(model=make_model("anthropic", "claude-sonnet-4-5"))
    writing.add_message(session.session_uuid, "assistant", "", input_tokens=7)

    lines = [json.loads(line) for line in exporters.own.as_own(
        exporters.chats(Session.objects.all()), mask=redactor.mask
    )]  # fmt: skip
    [basis] = [line for line in lines if line["record"] == "cost_basis"]
    [message] = [line for line in lines if line["record"] == "message"]
    assert message["cost_basis"] == basis["digest"] == CostBasis.objects.latest("id").digest


def test_a_basis_of_an_export_that_makes_no_sense_is_said_and_loses_nothing_else(tmp_path):
    make_session("Tea", "Hello")
    exported = own_export().splitlines(keepends=True)
    bad = [
        {"record": "cost_basis", "digest": "a", "kind": "dear"},
        {"record": "cost_basis", "digest": 1, "kind": "computed"},
        {"record": "cost_basis", "digest": "b", "kind": "computed", "rates": {"input": 3}},
        {"record": "cost_basis", "digest": "c", "kind": "computed", "rates": []},
    ]
    Session.objects.all().delete()
    file = tmp_path / "own.jsonl"
    lines = [json.dumps(line).encode() + b"\n" for line in bad]
    file.write_bytes(b"".join([exported[0], *lines, *exported[1:]]))

    report = importing.run(
        [file], importing.Options(with_deleted=True), entry=importing.begin(["own"])
    )
    assert (report.failed, report.new) == (4, 1)
