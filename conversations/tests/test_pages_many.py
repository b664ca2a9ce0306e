"""Many sessions at once: bulk verbs, undo, trash, import, demo data, programs that connect."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations import locks, tasks
from conversations.models import Change, Message, Project, Session
from conversations.tests.factories import make_project, make_session, make_sessions, work
from conversations.tests.pages import LIST, page
from conversations.tests.test_import_command import CHAT, log

pytestmark = pytest.mark.django_db
AS_PART = {"HX-Request": "true", "HX-Target": "sessions-table"}
BULK = "/sessions/bulk/"
VERBS = {
    "complete": {"status": "completed"},
    "archive": {"status": "archived"},
    "reopen": {"status": "active"},
    "trash": {},
    "tag": {"tags": ["old", "new"]},
    "untag": {"tags": []},
    "move": {},
}


@pytest.fixture
def other(django_user_model) -> Client:
    client = Client()
    client.force_login(django_user_model.objects.create(username="other"))
    return client


def send(client, address: str, form=(), **headers: str) -> str:
    response = client.post(address, dict(form), follow=True, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def undo(client) -> str:
    change = Change.objects.order_by("-id").first()
    return send(client, f"/changes/{change.change_uuid}/undo/")


def stored() -> list[dict]:
    return list(Session.with_trash.order_by("pk").values())


@pytest.mark.parametrize("way", ["plain", "htmx"])
@pytest.mark.parametrize("how", ["selected", "all"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_changes_what_it_is_meant_for_and_can_be_taken_back(client, verb, how, way):
    for title, status in (("Tea 1", "failed"), ("Tea 2", "active"), ("Coffee", "failed")):
        make_session(title, status=status, tags=["old"], project=Project.objects.first())
    project, before = make_project("Shed"), stored()
    form = {"verb": verb, "tag": {"tag": "new", "untag": "old"}.get(verb, ""),
            "project": str(project.pk)}  # fmt: skip
    tea = Session.objects.filter(title__startswith="Tea")
    picked = {"all": "2"} if how == "all" else {"selected": [s.pk for s in tea]}
    headers = AS_PART if way == "htmx" else {}
    html = send(client, f"{BULK}?title=Tea&sort=title&page=7", {**form, **picked}, **headers)
    assert ("<html" in html) == (way == "plain")
    assert "Coffee" not in html
    assert f"/changes/{Change.objects.get().change_uuid}/undo/" in html
    for session in Session.with_trash.all():
        is_meant = session.title != "Coffee"
        expected = VERBS[verb] if is_meant else {"status": "failed", "tags": ["old"]}
        assert {name: getattr(session, name) for name in expected} == expected
        assert (session.deleted_at is not None) == (is_meant and verb == "trash")
        assert (session.project == project) == (is_meant and verb == "move")
    assert "Taken back" in undo(client)
    assert stored() == before
    assert "taken back already" in undo(client)


@pytest.mark.parametrize(
    "form",
    [
        {"all": "1"}, {"all": "3"}, {"all": "x" * 5000}, {"all": "٢"}, {"all": "2.0"}, {},
        {"selected": ["x", "-1", "", "٣", "9" * 400]}, {"selected": "1", "verb": "eat"},
        {"selected": "1", "verb": "move", "project": ""}, {"selected": "1", "verb": ""},
        {"selected": "1", "verb": "move", "project": "999"},
        {"selected": "1", "verb": "tag", "tag": " , "},
        {"selected": "1", "verb": "tag", "tag": "x" * 101},
    ],
)  # fmt: skip
def test_a_bulk_form_that_cannot_be_meant_changes_nothing_and_says_so(client, form):
    make_sessions(2)
    before = stored()
    for headers in ({}, AS_PART):
        html = send(client, BULK, {"verb": "trash", **form}, **headers)
        assert 'data-kind="error"' in html
        assert stored() == before
    assert not Change.objects.exists()


def test_a_long_filter_does_not_lose_the_answer_of_a_bulk_verb(client):
    make_session("é" * 1000)
    html = send(client, f"{BULK}?title={'%C3%A9' * 1000}", {"verb": "complete", "all": "1"})
    assert "1 session completed." in html


def test_a_session_in_the_trash_is_not_reached_by_bulk_verbs(client):
    session = make_session("Gone", deleted_at="2026-01-01 00:00:00+00:00")
    send(client, BULK, {"verb": "tag", "tag": "x", "selected": session.pk})
    assert Session.with_trash.get().tags == []


def test_nobody_takes_back_what_somebody_else_did(client, other):
    session = make_session("Tea")
    send(client, BULK, {"verb": "trash", "selected": session.pk})
    change = Change.objects.get()
    assert other.post(f"/changes/{change.change_uuid}/undo/").status_code == 404
    assert Client().post(f"/changes/{change.change_uuid}/undo/").status_code == 302  # sign in
    assert Session.with_trash.get().deleted_at
    assert client.get(f"/changes/{change.change_uuid}/undo/").status_code == 405


def test_undo_leaves_what_somebody_else_has_set_since(client):
    first, second = make_session("A"), make_session("B")
    send(client, BULK, {"verb": "archive", "selected": [first.pk, second.pk]})
    Session.objects.filter(pk=second.pk).update(status="failed")
    undo(client)
    assert [s.status for s in Session.objects.order_by("pk")] == ["active", "failed"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gone", ["session", "project", "place"])
def test_undo_after_what_it_needs_is_gone_says_so(client, gone):
    session = make_session("Tea", "one", project=make_project("Old"))
    message = session.messages.get()
    if gone == "project":
        send(client, BULK, {"verb": "move", "project": "none", "selected": session.pk})
        Project.objects.all().delete()
    else:
        send(client, f"{session.get_absolute_url()}messages/{message.message_uuid}/delete/")
        if gone == "session":
            Session.objects.all().delete()
        else:
            client.post(f"{session.get_absolute_url()}messages/", {"role": "user", "content": "x"})
    before = (stored(), list(Message.objects.values()))
    assert "cannot be taken back" in undo(client)
    assert (stored(), list(Message.objects.values())) == before
    assert Change.objects.latest("id").undone_at is None


# -- the trash ------------------------------------------------------------------------------------


def test_the_trash_gives_back_and_deletes_for_good_only_at_the_word(client):
    make_sessions(3)
    first, second, kept = Session.objects.order_by("pk")
    send(client, BULK, {"verb": "trash", "selected": [first.pk, second.pk]})
    for word in ("", "yes", "deleted"):
        form = {"verb": "purge", "selected": first.pk, "confirm": word}
        assert "type the word" in send(client, "/trash/empty/", form)
        assert Session.with_trash.count() == 3
    assert "type the word" in send(client, "/trash/empty/", {"selected": first.pk})
    assert "brought back" in send(
        client, "/trash/empty/", {"verb": "restore", "selected": [first.pk, kept.pk]}
    )
    assert set(Session.objects.all()) == {first, kept}
    undo(client)
    assert set(Session.objects.all()) == {kept}
    form = {"verb": "purge", "selected": [first.pk, kept.pk], "confirm": " Delete "}
    assert "1 session deleted for good." in send(client, "/trash/empty/", form)
    assert set(Session.with_trash.all()) == {second, kept}
    form = {"verb": "purge", "all": "1", "confirm": "delete"}
    assert "1 session deleted for good." in send(client, "/trash/empty/", form)
    assert "Nothing was changed" in send(client, "/trash/empty/", form)
    assert "No session is selected." in send(client, "/trash/empty/", {**form, "all": ""})
    assert set(Session.with_trash.all()) == {kept}


def test_many_are_deleted_for_good_by_the_worker_and_the_page_says_so(client):
    make_sessions(300)
    taken_back = Session.objects.latest("pk")
    send(client, BULK, {"verb": "trash", "all": "300"})
    with locks.held(tasks.WORKER):
        said = send(client, "/trash/empty/", {"verb": "purge", "all": "300", "confirm": "delete"})
        assert "300 sessions on the way to be deleted for good." in said
        assert "300 sessions are being deleted for good.</p>" in said
        assert "The trash is empty" in said
    assert "no worker runs" in page(client, "/trash/")
    Session.with_trash.filter(pk=taken_back.pk).update(deleted_at=None)
    work()
    assert list(Session.with_trash.all()) == [taken_back]
    part = client.get("/trash/", headers={"HX-Request": "true", "HX-Target": "purging"})
    assert part.content.strip() == b""


def test_a_few_are_deleted_for_good_at_once_though_there_is_a_worker(client):
    make_sessions(3)
    send(client, BULK, {"verb": "trash", "all": "3"})
    with locks.held(tasks.WORKER):
        form = {"verb": "purge", "all": "3", "confirm": "delete"}
        assert "3 sessions deleted for good." in send(client, "/trash/empty/", form)
    assert not Session.with_trash.exists()


# -- import ---------------------------------------------------------------------------------------


def upload(client, *files: tuple[str, bytes], **form: str) -> str:
    given = [SimpleUploadedFile("x", data) for _, data in files]
    for file, (name, _) in zip(given, files, strict=True):
        file._name = name
    address = client.post("/import/", {"files": given, "project": "", **form}).url
    work()
    return page(client, address)


def figures(html: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html))


CHATS = json.dumps([CHAT]).encode()


def test_a_chatgpt_export_is_imported_once_and_rehearsed_first(client):
    assert figures(upload(client, ("c.json", CHATS), dry_run="on"))["New sessions"] == "1"
    assert not Session.objects.exists()
    html = upload(client, ("c.json", CHATS), project="History")
    assert (figures(html)["New sessions"], figures(html)["New messages"]) == ("1", "2")
    assert Session.objects.get().project.name == "History"
    assert figures(upload(client, ("c.json", CHATS)))["Unchanged"] == "1"


def test_a_zip_and_logs_of_one_name_are_imported_together(client, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("conversations.json", CHATS)
        zipped.writestr("../../evil.json", b"{}")
    logs = [log(tmp_path / name, name, "hello").read_bytes() for name in ("one", "two")]
    html = upload(client, ("e.zip", archive.getvalue()), ("a.jsonl", logs[0]), ("a.jsonl", logs[1]))
    assert figures(html)["New sessions"] == "3"
    assert {s.source for s in Session.objects.all()} == {"chatgpt", "claude-code"}


@pytest.mark.parametrize(
    "data", [b"", b"junk", b"\xff\xfe\x00", b"[]", b"{}", b"[[[[", b"PK\x03\x04x"]
)
def test_a_file_that_is_no_conversation_is_named_and_stores_nothing(client, data):
    html = upload(client, ("mine.json", data))
    assert "mine.json" in html
    assert not Session.objects.exists()


def test_without_a_file_the_form_comes_back(client):
    html = send(client, "/import/", {"project": "x"})
    assert "is-wrong" in html
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["会" * 120 + ".json", "👍" * 100, "../../etc/passwd", "a/b\\c.json", "...", "-rf", " ",
     "<script>alert(1)</script>.json", "a\nb.json", "con", "x" * 250 + ".json", "%00", "é" * 200],
)  # fmt: skip
def test_any_name_of_a_file_is_taken(client, name):
    html = upload(client, (name, CHATS))
    assert figures(html)["New sessions"] == "1"
    assert "<script>alert" not in html
    upload(client, (name, b"junk"))


def test_demo_data_comes_and_goes_and_leaves_the_rest(client):
    make_session("Mine")
    assert "Demo data added" in send(client, "/demo/")
    assert Session.objects.count() > 400
    assert "demo-banner" in page(client, LIST)
    send(client, "/demo/")
    count = Session.objects.count()
    assert "Demo data removed" in send(client, "/demo/", {"remove": ""})
    assert [s.title for s in Session.with_trash.all()] == ["Mine"]
    assert count > 400
    assert "demo-banner" not in page(client, LIST)


# -- programs that connect ------------------------------------------------------------------------


def test_the_snippets_for_programs_run_as_they_stand(client, reader, settings, database_file):
    assert str(site.BASE_DIR) not in page(client, "/connect/")
    reader.is_staff = True
    reader.save()
    html = page(client, "/connect/")
    blocks = dict(re.findall(r'data-language="(\w+)"><code>(.*?)</code>', html, re.S))
    path = re.search(r'SessionManager\("(.*?)"\)', unescape(blocks["python"]))[1]
    snippets = {
        name: unescape(code).replace(path, str(database_file)) for name, code in blocks.items()
    }
    environment = {"DATABASE_URL": f"sqlite:///{database_file}", "LANG": "C.UTF-8"}
    environment["PATH"] = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(
        [sys.executable, "-c", snippets["python"]], check=True, env=environment, timeout=60, cwd="/"
    )
    with sqlite3.connect(database_file) as connection:
        connection.executescript(snippets["sql"])
    shell = snippets["shell"]
    made, add = shell.rsplit("python session_manager.py add", 1)
    done = subprocess.run(
        ["sh", "-ec", made], check=True, env=environment, timeout=60, capture_output=True, text=True
    )
    uuid = re.search(r"[0-9a-f-]{32,36}", done.stdout)[0]
    folder = made.splitlines()[0]
    line = f"{folder}\npython session_manager.py add{add}".replace("SESSION", uuid)
    subprocess.run(["sh", "-ec", line], check=True, env=environment, timeout=60)
    with sqlite3.connect(database_file) as connection:
        rows = connection.execute("SELECT title, total_messages FROM sessions ORDER BY id")
        assert rows.fetchall() == [("My first chat", 2), ("From SQL", 1), ("From the shell", 1)]
    connection.close()
