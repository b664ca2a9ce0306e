"""One import from its start to its undoing: what is kept of it, and what survives the next."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from conversations import importing, locks, writing
from conversations.errors import InvalidValue
from conversations.importers import places
from conversations.models import (
    Annotation,
    Deletion,
    Import,
    ImportStatus,
    LanguageModel,
    Message,
    Project,
    RejectedRecord,
    Session,
)
from conversations.search import index
from conversations.tests.factories import make_session
from conversations.tests.test_import_command import CHAT, log

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    """A data folder of its own, in which no worker runs."""
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def logs(tmp_path) -> Path:
    log(tmp_path / "logs", "one", "hello", "again")
    log(tmp_path / "logs", "two", "how are you?")
    return tmp_path / "logs"


def take_in(*paths: Path, **options) -> tuple[Import, importing.ImportReport]:
    entry = importing.begin(map(str, paths))
    return entry, importing.run(paths, importing.Options(**options), entry=entry)


def command(*arguments: str, **options) -> str:
    out = StringIO()
    call_command("import", *arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


# -- what is kept of it ----------------------------------------------------------------------------


def test_an_import_keeps_what_was_given_how_far_it_is_and_what_it_did(logs):
    entry, report = take_in(logs)
    entry.refresh_from_db()
    assert (entry.status, entry.names) == (ImportStatus.DONE, [str(logs)])
    size = sum(file.stat().st_size for file in logs.iterdir())
    assert entry.bytes_total == entry.bytes_done == size
    assert entry.report["new"] == report.new == 2
    assert entry.started_at <= entry.finished_at


def test_an_import_without_any_session_has_failed_and_says_why(tmp_path):
    (tmp_path / "notes.txt").write_text("shopping")
    entry, _ = take_in(tmp_path / "notes.txt")
    entry.refresh_from_db()
    assert (entry.status, entry.error) == (ImportStatus.FAILED, importing.NOTHING_FOUND)
    assert "notes.txt" in entry.report["failed_records"][0]["place"]


def test_an_error_is_kept_and_raised(logs, monkeypatch):
    entry = importing.begin(["logs"])
    options = importing.Options(on_bytes=lambda count: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        importing.run([logs], options, entry=entry)
    entry.refresh_from_db()
    assert (entry.status, entry.error) == (ImportStatus.FAILED, "division by zero")


def test_a_trial_stores_nothing_and_can_not_be_undone(logs):
    entry, report = take_in(logs, dry_run=True)
    assert report.new == 2
    assert not Session.objects.exists()
    assert not entry.can_be_undone


def test_an_import_whose_process_has_died_is_said_to_be_stopped():
    dead = importing.begin(["a"])
    alive = importing.begin(["b"])
    Import.objects.update(status=ImportStatus.RUNNING)
    with locks.held(f"import-{alive.import_uuid}"):
        importing.settle()
    for entry in (dead, alive):
        entry.refresh_from_db()
    assert (dead.status, dead.error) == (ImportStatus.FAILED, importing.STOPPED)
    assert alive.status == ImportStatus.RUNNING


def test_a_cancelled_import_keeps_what_it_had_stored_and_the_next_completes_it(logs, monkeypatch):
    monkeypatch.setattr("conversations.storing.CHUNK_MESSAGES", 1)
    entry = importing.begin(["logs"])
    importing.cancel(entry)
    Import.objects.update(status=ImportStatus.WAITING)
    report = importing.run([logs], importing.Options(), entry=entry)
    entry.refresh_from_db()
    assert entry.status == ImportStatus.CANCELLED
    assert report.new == 1 == Session.objects.count()
    assert take_in(logs)[1].new == 1


# -- undo ------------------------------------------------------------------------------------------


def state() -> tuple:
    """Return what an import may change."""
    return (
        list(Session.with_trash.order_by("id").values()),
        list(Message.objects.order_by("id").values()),
        list(Project.objects.values_list("name")),
        list(LanguageModel.objects.values_list("model_name")),
    )


def test_an_import_is_undone_as_a_whole(logs, tmp_path):
    make_session("Mine", "hello", "hi")
    before = state()
    entry, _ = take_in(logs)
    Annotation.objects.create(
        annotation_uuid="n", entity_type="session", entity_id=Session.objects.last().pk,
        annotation_type="note", content="since then",
    )  # fmt: skip
    undone = importing.undo(entry)
    assert (undone.sessions, undone.messages) == (2, 6)
    assert state() == before
    assert not Annotation.objects.exists()
    assert not Deletion.objects.exists()
    assert not index.check()
    assert take_in(logs)[1].new == 2


def test_what_an_import_added_to_older_sessions_goes_and_what_it_changed_is_set_back(tmp_path):
    file = log(tmp_path / "logs", "one", "hello")
    take_in(file)
    before = state()
    log(tmp_path / "logs", "one", "hello", "and more")
    title = {"type": "custom-title", "customTitle": "Named", "sessionId": "one"}
    with file.open("a") as lines:
        lines.write(json.dumps(title) + "\n")
    entry, report = take_in(file)
    assert (report.updated, report.messages_new) == (1, 2)
    assert Session.objects.get().title == "Named"
    importing.undo(entry)
    assert state() == before


def test_what_was_changed_again_since_stays(tmp_path):
    file = log(tmp_path / "logs", "one", "hello")
    take_in(file)
    with file.open("a") as lines:
        title = {"type": "custom-title", "customTitle": "Named", "sessionId": "one"}
        lines.write(json.dumps(title) + "\n")
    entry, _ = take_in(file)
    Session.objects.update(title="Mine")
    importing.undo(entry)
    assert Session.objects.get().title == "Mine"


def test_an_import_is_undone_once(logs):
    entry, _ = take_in(logs)
    importing.undo(entry)
    with pytest.raises(InvalidValue, match="nothing that could be taken back"):
        importing.undo(entry)


def test_undoing_goes_on_where_it_was_stopped(logs, monkeypatch):
    monkeypatch.setattr("conversations.storing.CHUNK_MESSAGES", 1)
    entry, _ = take_in(logs)
    monkeypatch.setattr(importing, "STOP", type("Set", (), {"is_set": lambda self: True})())
    assert not importing.undo(entry).is_whole
    entry.refresh_from_db()
    assert entry.status == ImportStatus.UNDOING
    monkeypatch.undo()
    importing.undo(entry)
    assert not Session.objects.exists()


# -- what was deleted here -------------------------------------------------------------------------


def test_a_deleted_session_does_not_come_back_unless_it_is_asked_for(logs):
    take_in(logs)
    gone = Session.objects.get(external_id="one")
    writing.delete_session(gone.session_uuid)
    _, report = take_in(logs)
    assert (report.new, report.unchanged) == (0, 2)
    assert Deletion.objects.count() == 1  # its messages need no mark of their own
    _, report = take_in(logs, with_deleted=True)
    assert report.new == 1
    assert not Deletion.objects.exists()


def test_a_deleted_message_does_not_come_back_and_the_rest_still_grows(tmp_path):
    file = log(tmp_path / "logs", "one", "hello", "secret")
    take_in(file)
    Message.objects.get(content="secret").delete()
    log(tmp_path / "logs", "one", "hello", "secret", "news")
    _, report = take_in(file)
    assert report.messages_new == 2
    texts = set(Message.objects.values_list("content", flat=True))
    assert "secret" not in texts
    assert {"Answer to secret", "news"} <= texts


@pytest.mark.django_db(transaction=True)
def test_what_plain_sql_deletes_does_not_come_back(logs):
    take_in(logs)
    file = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("DELETE FROM sessions WHERE external_id = 'one'")
        plain.commit()
    assert take_in(logs)[1].new == 0


def test_titles_tags_and_notes_made_here_survive(logs):
    take_in(logs)
    session = Session.objects.get(external_id="one")
    Session.objects.filter(pk=session.pk).update(title="Mine", tags=["kept"])
    writing.annotate("session", session.session_uuid, "note", content="mind this")
    take_in(logs)
    session.refresh_from_db()
    assert (session.title, session.tags) == ("Mine", ["kept"])
    assert Annotation.objects.get().content == "mind this"


# -- another try -----------------------------------------------------------------------------------


def test_what_could_not_be_read_is_kept_as_it_was_and_read_by_another_try(tmp_path):
    broken = '{"type":"user","uuid":"u9","sessionId":"one","message":7}'
    file = log(tmp_path / "logs", "one", "hello")
    with file.open("a") as lines:
        lines.write(broken + "\n")
    _, report = take_in(file)
    assert report.failed == 1
    kept = RejectedRecord.objects.get()
    assert kept.place.endswith("one.jsonl, line 3")
    entry = importing.begin(["again"])
    importing.retry(importing.Options(), entry=entry)
    assert RejectedRecord.objects.get().of == entry  # no better than before
    # As after an update that can read it.
    mended = broken.replace("7", '{"role":"user","content":"found again"}')
    RejectedRecord.objects.update(content=zlib.compress(mended.encode()))
    report = importing.retry(importing.Options(), entry=importing.begin(["again"]))
    assert report.messages_new == 1
    assert not RejectedRecord.objects.exists()
    assert Message.objects.get(content="found again").session.external_id == "one"


def test_a_conversation_that_could_not_be_read_is_kept_whole(tmp_path):
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps([CHAT, {"id": "bad", "title": "Ü", "mapping": {"a": 5}}]))
    take_in(file)
    kept = json.loads(zlib.decompress(RejectedRecord.objects.get().content))
    assert kept == {"id": "bad", "title": "Ü", "mapping": {"a": 5}}


def test_a_trial_or_a_stopped_retry_forgets_nothing(tmp_path):
    file = log(tmp_path / "logs", "one", "hello")
    with file.open("a") as lines:
        lines.write('{"type":"user","uuid":"u9","sessionId":"one","message":7}\n')
    take_in(file)
    place = RejectedRecord.objects.get().place
    importing.retry(importing.Options(dry_run=True), entry=importing.begin(["again"]))
    assert RejectedRecord.objects.count() == 1
    mended = (
        b'{"type":"user","uuid":"u9","sessionId":"one","message":{"role":"user","content":"x"}}'
    )
    RejectedRecord.objects.update(content=zlib.compress(mended))
    entry = importing.begin(["again"])
    importing.cancel(entry)
    importing.retry(importing.Options(), entry=entry)
    entry.refresh_from_db()
    assert entry.status == ImportStatus.CANCELLED
    assert RejectedRecord.objects.get().place == place


def test_a_record_that_is_read_but_finds_no_place_is_kept(tmp_path):
    """A message of our own export whose session is not here."""
    message = {"record": "message", "session": "gone", "message_uuid": "m", "role": "user"}
    RejectedRecord.objects.create(
        of=importing.begin(["own"]), source="own", place="own.jsonl, line 9", reason="", digest="d",
        content=zlib.compress(json.dumps(message).encode()),
    )  # fmt: skip
    report = importing.retry(importing.Options(), entry=importing.begin(["again"]))
    assert report.skipped == 1
    assert RejectedRecord.objects.count() == 1


def test_nothing_to_try_again_is_said():
    with pytest.raises(InvalidValue, match="Nothing to try again"):
        importing.retry(importing.Options(), entry=importing.begin(["again"]))


# -- the command -----------------------------------------------------------------------------------


def test_the_command_lists_imports_and_undoes_one_by_the_start_of_its_id(logs):
    command(str(logs))
    [listed] = json.loads(command("--history", "--json"))["imports"]
    assert (listed["status"], listed["report"]["new"]) == ("done", 2)
    assert listed["import_uuid"][:8] in command("--history")
    done = json.loads(command("--undo", listed["import_uuid"][:6], "--json"))
    assert (done["sessions"], done["messages"]) == (2, 6)
    with pytest.raises(CommandError, match="No import has an id"):
        command("--undo", "zzz")


@pytest.mark.parametrize("arguments", [[], ["x", "--auto"], ["--retry", "--history"]])
def test_the_command_does_one_thing_at_a_time(arguments):
    with pytest.raises(CommandError, match="Give paths, or one of"):
        command(*arguments)


def test_the_usual_places_are_found_and_imported(tmp_path, monkeypatch, settings):
    home = tmp_path / "home"
    log(home / ".claude" / "projects" / "-home-x", "one", "hello")
    log(tmp_path / "elsewhere" / "projects" / "-y", "two", "hello")
    (home / ".codex" / "sessions" / "2026").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    settings.TOOL_FOLDERS = {"CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")}
    found = places.find(settings.TOOL_FOLDERS)
    assert [(place.label, place.files) for place in found] == [("Claude Code", 1)] * 2
    with pytest.raises(CommandError, match="Add --yes"):
        command("--auto")
    command("--auto", "--yes")
    assert {session.external_id for session in Session.objects.all()} == {"one", "two"}


def test_without_any_of_the_usual_places_the_command_says_so(tmp_path, monkeypatch, settings):
    monkeypatch.setenv("HOME", str(tmp_path))
    settings.TOOL_FOLDERS = {}
    with pytest.raises(CommandError, match="No tool has kept"):
        command("--auto", "--yes")
