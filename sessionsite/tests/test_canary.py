"""What was erased is found in no byte of what this installation keeps."""

from __future__ import annotations

import importlib.util
import json
import random
import zlib
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections

from analytics.comparisons import recording, storing
from conversations import changes, organising
from conversations.models import (
    Annotation,
    BatchItem,
    BatchJob,
    Import,
    ImportChunk,
    Message,
    RejectedRecord,
    Session,
    SessionSnapshot,
)
from conversations.tests.factories import add_message, make_model, make_project, make_session
from maintenance import backups, checking, erasing, receipts
from maintenance.models import Erasure

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "xylophonequartz"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create(username="staff", is_staff=True)


@pytest.fixture
def everywhere(user):
    """A session whose text is in every place that may hold one, and another beside it."""
    project, model = make_project("Kitchen"), make_model("acme", "m-1")
    session = make_session(
        CANARY, description=CANARY, system_prompt=CANARY, project=project, model=model,
        tags=[CANARY, "shared"], metadata={"note": CANARY}, external_id=f"{CANARY}-1",
        source="codex",
    )  # fmt: skip
    question = add_message(
        session, 1, f"{CANARY} question", role="user", timestamp=session.started_at
    )
    add_message(
        session, 2, f"{CANARY} answer", model=model, input_tokens=7, output_tokens=9, cost=0.5,
        latency_ms=800, error_message=CANARY, metadata={"thinking": [CANARY], "is_error": True},
        tool_calls=[{"name": CANARY, "arguments": {"q": CANARY}}],
    )  # fmt: skip
    for kind, pk in (("session", session.pk), ("message", question.pk)):
        Annotation.objects.create(
            annotation_uuid=kind, entity_type=kind, entity_id=pk, annotation_type="note",
            content=CANARY,
        )  # fmt: skip
    SessionSnapshot.objects.create(
        session=session, sequence_number=1, session_state={"a": CANARY}, description=CANARY
    )
    changes.edit(session, {"title": f"{CANARY} again"}, "Title changed", user=user)
    gone = add_message(session, 3, f"{CANARY} deleted")
    changes.delete_and_keep(gone, "Message deleted", user=user)
    group = recording.create_group("A or B", primary_metric="latency_ms")
    recording.link_sessions(group, "A", [session.session_uuid])
    other = make_session("Other", model=model)
    add_message(other, 1, "plain question", role="user")
    add_message(other, 2, "plain answer", model=model, input_tokens=1, output_tokens=1, cost=0.25)
    recording.link_sessions(group, "B", [other.session_uuid])
    storing.report_of(group)
    LogEntry.objects.create(
        user=user, content_type=ContentType.objects.get_for_model(Session),
        object_id=str(session.pk), object_repr=CANARY, action_flag=CHANGE,
    )  # fmt: skip
    organising.trash(Session.objects.filter(pk=session.pk), user=user)
    session.refresh_from_db()
    return session


def places(folder: Path) -> list[str]:
    """Return the files that hold the canary, in any case and in UTF-16 too."""
    needles = [CANARY.encode(), CANARY.encode("utf-16-le"), CANARY.encode("utf-16-be")]
    return [
        file.name
        for file in folder.rglob("*")
        if file.is_file() and any(needle in file.read_bytes().lower() for needle in needles)
    ]


def data() -> Path:
    return Path(connection.settings_dict["NAME"]).parent


def test_a_canary_is_in_no_byte_after_it_was_erased(everywhere, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    database = connection.settings_dict["NAME"]
    files = [Path(f"{database}{side}") for side in ("", "-wal", "-shm")]
    assert any(CANARY.encode() in file.read_bytes() for file in files if file.exists())
    receipt = erasing.erase([everywhere.pk])
    assert receipt.is_complete, receipt.steps
    connections.close_all()
    for file in files:
        assert not file.exists() or CANARY.encode() not in file.read_bytes().lower(), file.name
    assert places(tmp_path) == []
    assert CANARY not in json.dumps([receipt.steps, receipt.session_uuids])
    assert (receipt.messages, receipt.session_uuids) == (2, [everywhere.session_uuid])
    assert checking.check() == []
    assert list(Session.with_trash.values_list("title", flat=True)) == ["Other"]


def test_figures_stay_without_a_name_if_that_is_asked_for(everywhere, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    receipt = erasing.erase([everywhere.pk], keeps_figures=True)
    assert receipt.is_complete, receipt.steps
    connections.close_all()
    assert CANARY.encode() not in Path(connection.settings_dict["NAME"]).read_bytes().lower()
    session = Session.objects.get(title="(erased)")
    assert session.session_uuid != everywhere.session_uuid
    assert (session.total_cost, session.total_output_tokens, session.tags) == (0.5, 9, [])
    answer = Message.objects.get(session=session, sequence_number=2)
    assert (answer.latency_ms, answer.model_id, answer.content) == (800, everywhere.model_id, "")
    assert checking.check() == []


def test_a_backup_that_still_holds_it_is_named(everywhere, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    before = backups.backup(tmp_path / "before.db").path
    locked = backups.backup(tmp_path / "locked", passphrase="sesame").path
    receipt = erasing.erase([everywhere.pk])
    after = backups.backup(tmp_path / "after.db").path
    [named, encrypted] = sorted(receipt.backups)
    assert named == str(before)
    assert encrypted.startswith(str(locked))
    assert str(after) not in receipt.backups


def test_who_empties_the_trash_gets_a_receipt_that_is_completed_later(
    client, user, everywhere, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    client.force_login(user)
    client.post("/trash/empty/", {"selected": everywhere.pk, "confirm": "delete"})
    receipt = Erasure.objects.get()
    assert (receipt.user, receipt.is_complete) == (user, False)
    assert not Session.with_trash.filter(pk=everywhere.pk).exists()
    [done] = erasing.complete()
    assert done.is_complete
    connections.close_all()
    assert CANARY.encode() not in Path(connection.settings_dict["NAME"]).read_bytes().lower()


def test_what_other_tables_say_of_it_goes_and_what_they_say_of_others_stays(everywhere, user):
    other = Session.objects.get(title="Other")
    job = BatchJob.objects.create(job_uuid="b", name="Batch", job_type="standard")
    entry = Import.objects.create(import_uuid="i", names=["file"])
    steps = [
        {"set": ["title"], "of": "conversations.Session", "became": ["x"],
         "was": [[[CANARY], [everywhere.pk]], [["Another"], [other.pk]]]},
        {"made": "conversations.Project", "pk": 1},
    ]  # fmt: skip
    chunk = ImportChunk.objects.create(of=entry, steps=steps)
    for place, session in enumerate((everywhere, other)):
        BatchItem.objects.create(
            batch_job=job, session=session, item_index=place, input_data={"a": CANARY}
        )
        name = f"{CANARY}-1" if session == everywhere else "another-1"
        RejectedRecord.objects.create(
            of=entry, source="codex", place=name, reason="Broken", digest=name,
            content=zlib.compress(json.dumps({"id": name, "text": "said"}).encode()),
        )  # fmt: skip
    receipt = erasing.erase([everywhere.pk])
    assert receipt.is_complete
    assert list(job.items.order_by("item_index").values_list("input_data", flat=True)) == [
        None,
        {"a": CANARY},
    ]
    assert [record.place for record in RejectedRecord.objects.all()] == ["another-1"]
    chunk.refresh_from_db()
    assert chunk.steps == [
        {**steps[0], "was": [[["Another"], [other.pk]]]},
        steps[1],
    ]
    assert checking.check() == []


@pytest.mark.parametrize("keeps_figures", [False, True])
def test_no_place_that_the_benchmark_knows_keeps_a_word(keeps_figures, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    path = Path(__file__).parents[2] / "benchmarks/canary.py"
    spec = importlib.util.spec_from_file_location("canary", path)
    canary = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(canary)
    words = canary.Words(random.Random(0))
    session = canary.plant(words)
    database = Path(connection.settings_dict["NAME"])
    sides = [database, *(Path(f"{database}{side}") for side in ("-wal", "-shm"))]
    there = canary.found([file for file in sides if file.exists()], words)
    assert set(there) == set(words)
    receipt = erasing.erase([session.pk], keeps_figures=keeps_figures)
    assert receipt.is_complete, receipt.steps
    connections.close_all()
    files = [file for file in (*sides, *canary.files_in(tmp_path)) if file.exists()]
    assert canary.found(files, words) == {}
    assert checking.check() == []


def test_an_erasure_that_was_killed_is_not_called_complete_by_the_next(everywhere):
    killed = receipts.listed([everywhere.pk])
    other = Session.objects.get(title="Other")
    organising.trash(Session.objects.filter(pk=other.pk), user=None)
    assert erasing.erase([other.pk]).is_complete
    killed.refresh_from_db()
    assert (killed.is_complete, Session.with_trash.filter(pk=everywhere.pk).exists()) == (
        False,
        True,
    )
    [done] = erasing.complete()
    assert done.is_complete
    assert not Session.with_trash.exists()


def test_a_page_does_not_wait_until_backups_are_looked_into(everywhere, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    before = backups.backup(tmp_path / "before.db", compress=True).path
    receipt = erasing.erase([everywhere.pk], finish=False)
    assert receipt.backups == [f"{before} (made before: it may)"]
    [done] = erasing.complete()
    assert done.backups == [str(before)]


def test_a_receipt_does_not_name_what_was_taken_out_of_the_trash_meanwhile(everywhere, user):
    other = Session.objects.get(title="Other")
    organising.trash(Session.objects.filter(pk=other.pk), user=user)
    receipts.listed([everywhere.pk, other.pk])
    organising.restore(Session.with_trash.filter(pk=other.pk), user=user)
    [done] = erasing.complete()
    assert (done.session_uuids, done.messages) == ([everywhere.session_uuid], 2)
    assert "Not of 1 that" in done.steps[0]
    assert list(Session.objects.values_list("title", flat=True)) == ["Other"]
    assert checking.check() == []


def test_long_sessions_are_erased_in_more_transactions(everywhere):
    organising.trash(Session.objects.filter(title="Other"), user=None)
    Session.with_trash.update(total_messages=erasing.MESSAGES_AT_ONCE)
    uuids = list(Session.with_trash.order_by("pk").values_list("session_uuid", flat=True))
    assert list(erasing._batches(uuids, "default")) == [[uuid] for uuid in uuids]
