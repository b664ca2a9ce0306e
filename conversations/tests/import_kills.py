"""An import as a process that is killed, and what must hold of what it had stored."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from .import_damage import inconsistencies
from .import_seeds import seeds

ROOT = Path(__file__).resolve().parents[2]
TIME = re.compile(rb'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"')
YEAR_OF_SEEDS = b'"2025-'

SESSIONS = """
    SELECT session.session_uuid, session.title, session.system_prompt, session.total_messages,
        message.message_uuid, message.sequence_number, message.role, message.content,
        message.tool_calls, message.metadata, message.input_tokens, message.output_tokens,
        message.cost, above.message_uuid
    FROM sessions AS session
    LEFT JOIN messages AS message ON message.session_id = session.id
    LEFT JOIN messages AS above ON above.id = message.parent_message_id
    ORDER BY session.id, message.sequence_number
"""
Sessions = dict[bytes, list[tuple]]


class Round(NamedTuple):
    """What came of one import that was killed and then completed."""

    moment: float  # seconds after its start
    was_killed: bool  # else it was done before
    stored: int  # sessions that it had stored when it was killed
    total: int
    wrong: list[str]


class Importing:
    """The files, and a database of its own into which they are imported by `manage.py import`."""

    def __init__(self, folder: Path, files: Path) -> None:
        self.folder = folder
        self.files = files
        self.database = folder / "killed.db"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SESSIONS_DATA": str(self.folder / "data"),
            "DATABASE_URL": f"sqlite:///{self.database}",
        }

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def start_import(self) -> subprocess.Popen[bytes]:
        return self.start("manage.py", "import", str(self.files), "--verbosity", "0")

    def create_database(self) -> None:
        output_of(self.start("session_db_setup.py", "init"))

    def complete(self) -> float:
        """Import to the end; return the seconds it took."""
        started = time.perf_counter()
        output_of(self.start_import())
        return time.perf_counter() - started

    def kill_after(self, seconds: float) -> bool:
        """Start the import and kill it; return whether it was still running."""
        process = self.start_import()
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        return process.returncode == -signal.SIGKILL

    def kill_when_something_is_stored(self) -> bool:
        """Start the import and kill it as soon as it has stored a session."""
        process = self.start_import()
        with closing(sqlite3.connect(self.database)) as db:
            while not db.execute("SELECT COUNT(*) FROM sessions").fetchone()[0]:
                if process.poll() is not None:
                    break
                time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def sessions(self) -> Sessions:
        """Return what is stored of every session and its messages, by session."""
        found: Sessions = {}
        if self.database.exists():
            with closing(sqlite3.connect(self.database)) as db:
                db.text_factory = bytes
                if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchone():
                    for uuid, *rest in db.execute(SESSIONS):
                        found.setdefault(uuid, []).append(tuple(rest))
        return found

    def exported(self) -> list[bytes]:
        """Return our own export of everything, sessions in the order of their ids.

        Times that say when something was imported are left out.
        """
        return sorted(by_session(output_of(self.start("manage.py", "export", "-f", "jsonl"))))


def output_of(process: subprocess.Popen[bytes]) -> bytes:
    output, errors = process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    return output


def by_session(export: bytes) -> Iterator[bytes]:
    """Yield each session of an export with all that belongs to it; projects and models alone."""
    session: list[bytes] = []
    for line in TIME.sub(_known_time, export).splitlines():
        if line.startswith((b'{"record":"project"', b'{"record":"model"', b'{"record":"export"')):
            yield line
        else:
            if line.startswith(b'{"record":"session"') and session:
                yield b"\n".join(session)
                session = []
            session.append(line)
    yield b"\n".join(session)


def _known_time(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(YEAR_OF_SEEDS) else b'"when it was imported"'


def write_files(folder: Path, *, copies: int, turns: int) -> int:
    """Write files of all formats about `copies` conversations each; return how many files.

    Every other folder is there twice: a session that comes again ends a chunk, so that there are
    many between which an import can be killed.
    """
    files = 0
    for number in range(copies):
        for name in (f"{number:03}", f"{number:03}-again")[: 1 + number % 2]:
            (folder / name).mkdir(parents=True)
            for seed in seeds(number, turns):
                (folder / name / seed.name).write_bytes(seed.content)
                files += 1
    return files


def half_stored(stored: Mapping[bytes, list], whole: Mapping[bytes, list]) -> list[str]:
    """Return the sessions that are not stored as an undisturbed import stores them."""
    return [
        f"session {uuid.decode()} has {len(rows)} messages, not {len(whole.get(uuid, ()))},"
        " or other ones"
        for uuid, rows in stored.items()
        if rows != whole.get(uuid)
    ]


def kills(folder: Path, *, rounds: int, copies: int, turns: int, seed: int) -> Iterator[Round]:
    """Kill imports of the same files at random moments; yield what was wrong after each.

    Every tenth begins without a database, and may be killed while that is made.
    """
    chance = random.Random(seed)
    files = folder / "files"
    write_files(files, copies=copies, turns=turns)
    undisturbed = Importing(folder / "undisturbed", files)
    undisturbed.create_database()
    empty = shutil.copy(undisturbed.database, folder / "empty.db")
    seconds = undisturbed.complete()
    whole, exported = undisturbed.sessions(), undisturbed.exported()
    wrong = inconsistencies(undisturbed.database)
    for number in range(rounds):
        importing = Importing(folder / f"round-{number}", files)
        if number % 10 < 9:
            shutil.copy(empty, importing.database)
        moment = chance.uniform(0, seconds)
        was_killed = importing.kill_after(moment)
        stored = importing.sessions()
        if stored:
            wrong += inconsistencies(importing.database)
        wrong += half_stored(stored, whole)
        importing.complete()
        wrong += inconsistencies(importing.database)
        wrong += half_stored(importing.sessions(), whole)
        if importing.exported() != exported:
            wrong.append("the completed import is exported otherwise than the undisturbed one")
        yield Round(moment, was_killed, len(stored), len(whole), wrong)
        wrong = []
