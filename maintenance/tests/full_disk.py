"""A disk that is full: a small file system of its own, and what is tried on it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = 32  # MB
LEFT = 300_000  # bytes that are free when something is tried
TEXT = "tea and bread " * 400
TRACEBACK = "Traceback (most recent call last)"
# Adds messages until that fails, and says which were stored.
WRITER = """
import django; django.setup()
from conversations.errors import SessionsError
from sessionsite.manager import SessionManager
manager = SessionManager()
session = manager.create_session("Writer")
try:
    for number in range(2000):
        print(manager.add_message(session, "user", str(number) + {text!r}), flush=True)
except SessionsError as error:
    raise SystemExit(str(error))
"""
# Sends a message by its form, as a page does.
PAGE = """
import django; django.setup()
from django.conf import settings
settings.ALLOWED_HOSTS = ["*"]
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"  # nothing was collected here
settings.STORAGES = {{**settings.STORAGES, "staticfiles": {{"BACKEND": plain}}}}
from django.contrib.auth.models import User
from django.test import Client
from conversations.models import Session
client = Client(raise_request_exception=False)
client.force_login(User.objects.get())
at = Session.objects.latest("id").get_absolute_url() + "messages/"
answer = client.post(at, {{"role": "user", "content": {text!r} * 300}})
text = answer.content.decode()
if answer.status_code not in (302, 503, 507):
    raise SystemExit(f"{{answer.status_code}}: {{text[:300]}}")
if answer.status_code != 302:
    raise SystemExit("The disk is full, says the page." if "is full" in text else text[:300])
"""


@dataclass
class Tried:
    """What was tried on a full disk, what was said, and all that was not as it should be."""

    what: str
    said: str = ""
    wrong: list[str] = field(default_factory=list)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 32 MB; raises `OSError` where that is not allowed."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        raise OSError(mounted.stderr.strip() or "mount failed")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


class Disk:
    """A small disk with a database and the data folder on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "sessions.db"
        self.filler = folder / "filler"
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "SESSIONS_DATA": str(folder / "data"),
            "DJANGO_SETTINGS_MODULE": "sessionsite.settings",
            "SESSIONS_ADMIN_PASSWORD": "",
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments on the database of this disk."""
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip

    def set_up(self) -> None:
        """Make a database of some megabytes, with a user."""
        done = self.run("session_db_setup.py", "init")
        assert done.returncode == 0, done.stderr
        code = WRITER.format(text=TEXT).replace("range(2000)", "range(400)")
        user = "from django.contrib.auth.models import User; User.objects.create(username='a')\n"
        done = self.run("-c", code + user)
        assert done.returncode == 0, done.stderr

    def fill(self, left: int = LEFT) -> None:
        """Fill the disk but for so many bytes."""
        with closing(sqlite3.connect(self.database)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        free = os.statvfs(self.folder)
        size = free.f_bavail * free.f_frsize - left
        with self.filler.open("wb") as file:
            for _ in range(max(0, size) // 65_536):
                file.write(b"x" * 65_536)

    def free(self) -> None:
        """Make room again."""
        self.filler.unlink(missing_ok=True)

    def uuids(self) -> set[str]:
        """Return the ids of all messages."""
        with closing(sqlite3.connect(self.database)) as db:
            return {uuid for [uuid] in db.execute("SELECT message_uuid FROM messages")}

    def wrong(self, before: set[str], acknowledged: set[str]) -> Iterator[str]:
        """Yield what is not as it should be after something failed."""
        with closing(sqlite3.connect(self.database)) as db:
            [[integrity]] = db.execute("PRAGMA integrity_check(1)").fetchall()
            if integrity != "ok":
                yield f"integrity_check: {integrity}"
            if found := db.execute("PRAGMA foreign_key_check").fetchall():
                yield f"{len(found)} rows refer to nothing"
        if lost := (before | acknowledged) - self.uuids():
            yield f"{len(lost)} acknowledged messages are gone"
        known = {"sessions.db", "sessions.db-wal", "sessions.db-shm", "data", "filler", "new.json"}
        if litter := {path.name for path in self.folder.iterdir()} - known:
            yield f"left behind: {', '.join(sorted(litter))}"


def tried(disk: Disk) -> Iterator[Tried]:
    """Try everything that writes on a full disk, and then again with room."""
    export = disk.folder / "new.json"
    lines = [{"role": "user", "content": f"{n} {TEXT}"} for n in range(300)]
    export.write_text(json.dumps([{"title": "Imported", "messages": lines}] * 2))
    writer, page = WRITER.format(text=TEXT), PAGE.format(text=TEXT)
    for what, command, again in (
        ("messages one by one", ("-c", writer), ("-c", writer.replace("2000", "3"))),
        ("import", ("manage.py", "import", str(export)), None),
        ("backup", ("manage.py", "backup", "-o", str(disk.folder / "copy.db")), None),
        ("backup --compress",
         ("manage.py", "backup", "--compress", "-o", str(disk.folder / "copy.zst")), None),
        ("vacuum", ("manage.py", "vacuum", "--force"), None),
        ("a message by its form", ("-c", page), None),
    ):  # fmt: skip
        disk.free()
        before = disk.uuids()
        disk.fill()
        done = disk.run(*command)
        found = Tried(what, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "")
        is_writer = what == "messages one by one"
        acknowledged = set(done.stdout.split()) if is_writer else set()
        if done.returncode == 0:
            found.wrong.append("it did not fail")
        if TRACEBACK in done.stderr:
            found.wrong.append("a traceback")
        if not any(word in done.stderr for word in ("full", "free", "No space")):
            found.wrong.append("the error does not say that there is no room")
        found.wrong += disk.wrong(before, acknowledged)
        disk.free()
        done = disk.run(*(again or command))
        if done.returncode:
            found.wrong.append(f"it fails with room, too: {done.stderr.strip()[-200:]}")
        for copy in disk.folder.glob("copy.*"):
            copy.unlink()
        yield found
