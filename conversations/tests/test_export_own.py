"""Our own export: everything comes back, byte for byte, into an empty database and into others."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from conversations import changes, exporters, importing, writing
from conversations.importers import own
from conversations.models import (
    Annotation,
    LanguageModel,
    Message,
    Project,
    RejectedRecord,
    Session,
    SessionSnapshot,
)
from conversations.search import index
from conversations.tests.factories import add_message, make_model, make_project, make_session
from conversations.tests.test_import_command import CHAT, log

FIXTURES = Path(__file__).parent / "fixtures"
SCHEMA = Path(__file__).parents[2] / "docs" / "export.schema.json"

pytestmark = pytest.mark.django_db


def exported() -> bytes:
    sessions = exporters.chats(Session.objects.all())
    return b"".join(exporters.FORMATS["jsonl"].write(sessions, with_catalog=True))


def records(content: bytes) -> list[dict]:
    return [json.loads(line) for line in content.splitlines()]


def take_in(path: Path, **options) -> importing.ImportReport:
    return importing.run([path], importing.Options(**options), entry=importing.begin(["own"]))


def empty() -> None:
    """Delete everything, and forget that it was deleted."""
    with connection.cursor() as cursor:
        for table in ("sessions", "projects", "models", "annotations", "import_deletions"):
            cursor.execute(f"DELETE FROM {table}")


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "everything.jsonl"


@pytest.fixture
def rich(tmp_path) -> Session:
    """A session in which every column says something, beside others that it belongs to."""
    make_project("Unused")
    project, model = make_project("Kitchen"), make_model("leaves", "tea-1")
    model.cost_per_1k_input_tokens = 0.1
    model.save()
    session = make_session(
        "Tea ☕ \x00 \ue000", project=project, model=model, tags=["a", "ü"], temperature=0.3,
        metadata={"big": 2**70, "nested": {"a": [1, None, 1e-7]}, "import": {"title": "x"}},
        description="d", system_prompt="be\x00brief", max_tokens=5, top_p=0.9, status="archived",
        session_type="batch",
    )  # fmt: skip
    first = add_message(session, 1, "hello \ud83d".encode("utf-8", "replace").decode())
    add_message(
        session, 5, "answer\x00 more", role="assistant", model=model, input_tokens=9,
        output_tokens=0, cache_read_tokens=1, cache_write_5m_tokens=2, cache_write_1h_tokens=3,
        reasoning_tokens=0, cost=1e-9, latency_ms=7, finish_reason="stop",
        tool_calls=[{"id": "c", "name": "f", "arguments": {"x": "\x00"}}],
        function_call={"name": "old"}, error_message="bad", metadata={"k": []},
        parent_message=first, is_hidden=True, is_sidechain=True, is_active_path=False,
    )  # fmt: skip
    uuid = session.session_uuid
    writing.annotate("session", uuid, "rating", rating=4, annotator="me")
    writing.annotate("message", first.message_uuid, "note", content="mind this")
    writing.create_snapshot(uuid, description="here")
    writing.branch_session(uuid, title="A branch")
    log(tmp_path / "logs", "one", "hello")
    take_in(tmp_path / "logs")
    return session


def test_everything_comes_back_byte_for_byte(rich, file):
    file.write_bytes(exported())
    before = {
        model: model.objects.count()
        for model in (Session, Message, Annotation, SessionSnapshot, Project, LanguageModel)
    }
    empty()
    report = take_in(file)
    assert (report.new, report.failed, report.skipped) == (3, 0, 0)
    assert exported() == file.read_bytes()
    assert before == {model: model.objects.count() for model in before}
    assert not index.check()
    again = take_in(file)
    assert (again.unchanged, again.messages_new) == (3, 0)


def test_samples_and_demo_come_back_byte_for_byte(shared, file):
    call_command("demo", stdout=StringIO())
    call_command(
        "import", str(shared / "samples" / "chatgpt"), stdout=StringIO(), stderr=StringIO()
    )
    file.write_bytes(exported())
    empty()
    take_in(file)
    assert exported() == file.read_bytes()


def test_a_session_from_elsewhere_is_the_same_one_there_and_here(tmp_path, file):
    """What a second database has exported meets what the first has imported by itself."""
    chats = tmp_path / "chats.json"
    chats.write_text(json.dumps([CHAT]))
    take_in(chats)
    file.write_bytes(exported())
    assert take_in(file).unchanged == 1
    empty()
    take_in(file)
    assert take_in(chats).unchanged == 1
    Session.objects.update(title="Mine")
    assert take_in(file).unchanged == 1
    assert Session.objects.get().title == "Mine"


def test_what_was_taken_away_here_stays_away(rich, file):
    file.write_bytes(exported())
    note = Annotation.objects.get(annotation_type="note")
    changes.delete(note)
    Message.objects.filter(session=rich, sequence_number=1).delete()
    take_in(file)
    assert not Annotation.objects.filter(annotation_type="note").exists()
    # A message that was made here has no mark: the file is a copy to restore it from.
    assert Message.objects.filter(session=rich, sequence_number=1).exists()


def test_a_longer_copy_adds_what_is_new_and_a_shorter_one_removes_nothing(rich, file):
    short = exported()
    writing.add_message(rich.session_uuid, "user", "and then?")
    file.write_bytes(exported())
    empty()
    shorter = file.with_name("short.jsonl")
    shorter.write_bytes(short)
    take_in(shorter)
    assert take_in(file).messages_new == 1
    assert take_in(shorter).unchanged == 3
    assert exported() == file.read_bytes()


def test_a_branch_whose_origin_lies_in_the_trash_comes_back_without_it(rich, file):
    writing.trash_session(rich.session_uuid)
    file.write_bytes(exported())
    assert rich.session_uuid not in file.read_text().split('"record":"session"')[1][:200]
    empty()
    take_in(file)
    assert exported() == file.read_bytes()


def test_what_was_written_by_a_newer_version_is_refused_whole(rich, file):
    head, _, rest = exported().partition(b"\n")
    file.write_bytes(head.replace(b'"version":1', b'"version":2') + b"\n" + rest)
    empty()
    report = take_in(file)
    assert (report.new, report.failed) == (0, 1)
    assert "newer version" in report.failed_records[0].reason


def test_a_bad_line_loses_nothing_else_and_can_be_tried_again(rich, file):
    lines = exported().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"sequence_number":5' in line)
    good, lines[at] = lines[at], lines[at].replace(b'"role":"assistant"', b'"role":"parrot"')
    file.write_bytes(b"".join(lines))
    empty()
    report = take_in(file)
    assert (report.new, report.failed) == (3, 1)
    assert f"line {at + 1}" in report.failed_records[0].place
    assert RejectedRecord.objects.count() == 1
    file.write_bytes(good)
    one = take_in(file)
    assert (one.updated, one.messages_new) == (0, 0)  # a line alone is no export
    lines[at] = good
    file.write_bytes(b"".join(lines))
    assert take_in(file).messages_new == 1


@pytest.mark.parametrize(
    "line",
    [
        b"[1]", b"7", b"{", b'{"record":"session"}', b'{"record":"session","session_uuid":5}',
        b'{"record":"message","session":"x","message_uuid":"y","role":"user","content":[]}',
        b'{"record":"message","session":"x","message_uuid":"y","role":"user","timestamp":"no"}',
        b'{"record":"session","session_uuid":"s","model":["a"]}', b'{"record":"poem"}',
        b'{"record":"session","session_uuid":"s","tags":7,"metadata":[],"temperature":"hot"}',
        b'{"record":"snapshot","session":"s","sequence_number":"x"}',
        b'{"record":"project","name":7}', b'{"record":"model","provider":"a","created_at":"x"}',
        b'{"record":"annotation","session":"s","annotation_uuid":"a","rating":99}',
        b'{"record":"session","session_uuid":"s","status":"asleep"}',
        b'{"record":"message","session":"s","message_uuid":"m","role":"user","cost":-1}',
        b'{"record":"session","session_uuid":"s","parent":"\\ud800"}',
        b'{"record":"session","session_uuid":"s","temperature":"0.5"}',
        b'{"record":"session","session_uuid":"s","temperature":1e999}',
        b'{"record":"session","session_uuid":"s","metadata":{"a":NaN}}',
        b'{"record":"session","session_uuid":"s","metadata":{"a":1e999,"b":99999999999999999999}}',
        b'{"record":"session","session_uuid":"s","external_id":["a"]}',
        b'{"record":"message","session":"good","message_uuid":"m","role":"user","is_hidden":"no"}',
        b'{"record":"message","session":"good","message_uuid":"m","role":"user","tool_calls":7}',
        b'{"record":"message","session":"good","message_uuid":"m","role":"user","content":null}',
        b'{"record":"annotation","session":"s","annotation_uuid":"a","rating":[]}',
        b'{"record":"annotation","session":"s","annotation_uuid":"a","message":{}}',
    ],
)  # fmt: skip
def test_no_line_whatever_is_an_error(file, line):
    head = b'{"record":"export","format":"llm-sessions","version":1}\n'
    good = (
        b'{"record":"session","session_uuid":"good","started_at":"2026-01-01T00:00:00Z"}\n'
        b'{"record":"message","session":"good","message_uuid":"m1","sequence_number":1,'
        b'"role":"user","content":"hello","timestamp":"2026-01-01T00:00:00Z"}\n'
    )
    file.write_bytes(head + line + b"\n" + good)
    take_in(file)
    assert Message.objects.get(message_uuid="m1").session.session_uuid == "good"


def test_a_file_without_a_session_says_so(file):
    head = b'{"record":"export","format":"llm-sessions","version":1}\n'
    for rest in (b"", b'{"record":"project","name":"Kitchen"}\n', b'{"record":"session","ses'):
        file.write_bytes(head + rest)
        report = take_in(file)
        assert (report.found, report.skipped) == (0, 1)


def test_the_files_of_every_version_are_read(file):
    """A file of each version that there ever was, written by hand."""
    files = sorted(FIXTURES.glob("export-v*.jsonl"))
    assert len(files) == own.NEWEST
    for old in files:
        report = take_in(old)
        assert (report.new, report.failed) == (2, 0), old
        session = Session.objects.get(session_uuid="tea")
        assert (session.title, session.project.name, session.total_messages) == (
            "Tea",
            "Kitchen",
            2,
        )
        assert session.branches.get().session_uuid == "tea-branch"
        assert session.snapshots.count() == 1
        assert Annotation.objects.filter(rating=5).count() == 1
        empty()


def test_every_line_is_as_the_schema_says(rich):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator(schema)
    lines = records(exported())
    assert {line["record"] for line in lines} == set(schema["$defs"]) - {"model_key", "time"}
    for line in lines:
        validator.validate(line)
    for old in FIXTURES.glob("export-v*.jsonl"):
        for line in records(old.read_bytes()):
            validator.validate(line)
    assert not validator.is_valid({"record": "message", "role": "parrot"})


def test_everything_comes_back_through_parquet_byte_for_byte(rich, file):
    pytest.importorskip("pyarrow")
    sessions = exporters.chats(Session.objects.all())
    before = exported()
    table = file.with_suffix(".parquet")
    table.write_bytes(b"".join(exporters.FORMATS["parquet"].write(sessions, with_catalog=True)))
    empty()
    assert take_in(table).new == 3
    assert exported() == before
