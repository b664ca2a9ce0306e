"""The pages of imports: what waits, what was done, stopping, taking back, trying again."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations import importing, locks, tasks
from conversations.models import Import, ImportStatus, RejectedRecord, Session
from conversations.tests.factories import work
from conversations.tests.test_import_command import CHAT, log

pytestmark = pytest.mark.django_db
AS_PART = {"HX-Request": "true", "HX-Target": "import-state"}


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


def upload(client, content: bytes, name: str = "chats.json", **form: str) -> Import:
    file = SimpleUploadedFile(name, content)
    response = client.post("/import/", {"files": file, "project": "", **form})
    entry = Import.objects.get()
    assert response.url == entry.get_absolute_url()
    return entry


def page(client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_an_upload_waits_and_says_so_until_it_is_done(client, reader):
    entry = upload(client, json.dumps([CHAT]).encode())
    html = page(client, entry.get_absolute_url())
    assert "Waiting for its turn" in html
    assert 'hx-trigger="every 1s"' in html
    assert "no worker runs" in html
    with locks.held(tasks.WORKER):
        assert "no worker runs" not in page(client, entry.get_absolute_url())
    work()
    part = page(client, entry.get_absolute_url(), **AS_PART)
    assert "<html" not in part
    assert "hx-trigger" not in part
    assert "Imported" in part
    assert Session.objects.get().title == "Moon"
    assert Import.objects.get().user == reader
    assert not importing.upload_folder_of(entry)


def test_a_large_upload_is_moved_and_not_copied(client, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    entry = upload(client, json.dumps([CHAT]).encode())
    work()
    entry.refresh_from_db()
    assert (entry.status, entry.report["new"]) == (ImportStatus.DONE, 1)


def test_how_far_an_import_is_is_shown(client):
    entry = importing.begin(["large.json"])
    columns = {"status": "running", "bytes_total": 1000, "bytes_done": 250}
    with locks.held(f"import-{entry.import_uuid}"):
        Import.objects.update(**columns, report={"new": 7})
        html = page(client, entry.get_absolute_url())
    assert '<progress class="progress-bar-wide" max="100" value="25"' in html
    assert "Stored so far" in html


def test_an_import_that_waits_is_stopped_at_once_and_one_that_runs_soon(client):
    entry = upload(client, json.dumps([CHAT]).encode())
    client.post(f"{entry.get_absolute_url()}cancel/")
    entry.refresh_from_db()
    assert entry.status == ImportStatus.CANCELLED
    work()
    assert not Session.objects.exists()
    assert not importing.upload_folder_of(entry)
    assert "It was stopped." in page(client, entry.get_absolute_url())
    Import.objects.update(status=ImportStatus.RUNNING)
    client.post(f"{entry.get_absolute_url()}cancel/")
    assert Import.objects.get().is_cancel_asked


def test_an_import_is_taken_back(client):
    entry = upload(client, json.dumps([CHAT]).encode())
    work()
    address = entry.get_absolute_url()
    assert "Take this import back" in page(client, address)
    client.post(f"{address}undo/")
    assert "Being taken back" in page(client, address)
    work()
    assert not Session.with_trash.exists()
    html = page(client, address)
    assert "It was taken back" in html
    assert "Take this import back" not in html
    client.post(f"{address}undo/")
    assert "nothing that could be taken back" in page(client, "/import/")


def test_what_could_not_be_read_is_offered_for_another_try(client, tmp_path):
    assert "Try again" not in page(client, "/import/")
    file = log(tmp_path, "one", "hello")
    entry = upload(client, file.read_bytes() + b'{"type":"user","sessionId":"one"}\n', "a.jsonl")
    work()
    assert RejectedRecord.objects.count() == 1
    assert "1 record is kept as it was" in page(client, "/import/")
    response = client.post("/import/retry/")
    work()
    assert "Another try" in page(client, response.url)
    RejectedRecord.objects.all().delete()
    client.post("/import/retry/")
    assert "Nothing is waiting" in page(client, "/import/")
    assert entry.get_absolute_url() in page(client, "/import/")


def test_the_history_is_in_pages(client):
    for number in range(30):
        importing.begin([f"file-{number:02}.json"])
    first, second = page(client, "/import/"), page(client, "/import/?page=2")
    assert "file-29.json" in first
    assert "file-04.json" not in first
    assert "file-04.json" in second
    assert page(client, "/import/?page=no")


@pytest.mark.parametrize("verb", ["", "cancel/", "undo/"])
def test_an_import_that_is_not_there_is_not_found(client, verb):
    send = client.post if verb else client.get
    assert send(f"/import/nobody/{verb}").status_code == 404


def test_strangers_see_and_start_nothing(client):
    entry = importing.begin(["mine.json"])
    client.logout()
    for verb in ("", "cancel/", "undo/"):
        response = (client.post if verb else client.get)(entry.get_absolute_url() + verb)
        assert response.status_code == 302
        assert "sign-in" in response.url
    entry.refresh_from_db()
    assert not entry.is_cancel_asked
