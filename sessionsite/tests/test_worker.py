"""`manage.py worker`: what pages put in line is done, also when a worker dies over it."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from conversations.tests.test_import_command import CHAT

SECONDS = 60
ENQUEUE = """
from django.core.files.uploadedfile import SimpleUploadedFile
from conversations.views.imports import take_in
content = open("chats.json", "rb").read()
options = {"project": None, "dry_run": False, "with_deleted": False}
take_in([SimpleUploadedFile("chats.json", content)], user=None, options=options)
"""


def chats(count: int) -> str:
    return json.dumps([{**CHAT, "id": f"chat-{number}"} for number in range(count)])


def enqueue(program, count: int) -> None:
    (program.folder / "chats.json").write_text(chats(count))
    program.ok(f"python manage.py shell -v0 -c '{ENQUEUE}'")


def history(program) -> list[dict]:
    return json.loads(program.ok("python manage.py import --history --json"))["imports"]


def wait_for(condition) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def start(program, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        ["python", "manage.py", *arguments], cwd=program.folder, env=program.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_what_waits_is_done_and_the_upload_goes(with_database):
    program = with_database
    enqueue(program, 3)
    assert [entry["status"] for entry in history(program)] == ["waiting"]
    program.ok("python manage.py worker --once")
    [entry] = history(program)
    assert (entry["status"], entry["report"]["new"]) == ("done", 3)
    assert not list((program.folder / "data" / "uploads").iterdir())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_import_goes_on_when_its_worker_is_stopped(with_database, how):
    program = with_database
    enqueue(program, 10_000)
    worker = start(program, "worker")
    try:
        wait_for(lambda: program.rows("SELECT 1 FROM sessions LIMIT 1"))
    finally:
        worker.send_signal(how)
        worker.communicate(timeout=SECONDS)
    [(stored,)] = program.rows("SELECT COUNT(*) FROM sessions")
    assert 0 < stored < 10_000
    program.ok("python manage.py worker --once")
    [entry] = history(program)
    assert entry["status"] == "done"
    assert program.rows("SELECT COUNT(*), SUM(total_messages) FROM sessions") == [(10_000, 20_000)]


def test_the_worker_of_quickstart_ends_with_the_server(with_static_files, with_database):
    program = with_database
    server = start(program, "quickstart", "--port", "18200")
    lock = program.folder / "data" / "locks" / "worker.lock"
    try:
        wait_for(lock.exists)
        enqueue(program, 2)
        wait_for(lambda: program.rows("SELECT status FROM imports") == [("done",)])
    finally:
        server.kill()
        server.communicate(timeout=SECONDS)
    wait_for(lambda: not lock.exists())  # within a second or so, though nobody told it
