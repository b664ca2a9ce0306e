"""Writers that are killed at random moments, and what must hold then; and what such tests share.

Processes are forked from one that has Django loaded, so that a round takes milliseconds and the
moment of a kill falls into the work, not into the start. Connections are closed before each fork:
a SQLite connection must not be used on both sides of one.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from django.apps import apps
from django.db import connections, transaction

from conversations import writing
from conversations.databases import files
from conversations.schema import KeptApp
from conversations.tests.import_damage import inconsistencies

DELETED = -1
CONTENT = ("projects", "models", "sessions", "messages")
COUNTS = """
    SELECT session.title, session.total_messages, COUNT(message.id)
    FROM sessions AS session LEFT JOIN messages AS message ON message.session_id = session.id
    GROUP BY session.id
"""


class Round(NamedTuple):
    """What came of one kill: how it was found, in a word, and what was wrong."""

    moment: float  # seconds after the start
    was_killed: bool  # else it was done before
    found: str
    wrong: list[str]


class Child:
    """A forked process at work; `said` is what it has written to `say` so far."""

    def __init__(self, words: Path, work: Callable[[Callable[[str], None]], object]) -> None:
        connections.close_all()
        self.words = words
        words.write_bytes(b"")
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                # A file and no pipe: it is never full, and what was written outlives the kill.
                out = os.open(words, os.O_WRONLY | os.O_APPEND)
                work(lambda line: os.write(out, f"{line}\n".encode()))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)

    @property
    def said(self) -> list[str]:
        return self.words.read_text().splitlines()

    def kill(self) -> int:
        """Kill it and return how it ended: its exit code, or -SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)  # nobody has waited for it: the id is still its own
        return self.end()

    def end(self) -> int:
        """Wait for it and return how it ended."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def ended(code: int) -> list[str]:
    """Return what is wrong with how a process ended."""
    return [] if code in (0, -signal.SIGKILL) else [f"a process ended with exit code {code}"]


def problems(file: Path) -> list[str]:
    """Return what is wrong in a database: file, references, search index, totals, roll-ups."""
    found = inconsistencies(file)
    alias = files.connect(file)
    with connections[alias].cursor() as cursor:
        for app in apps.get_app_configs():
            if isinstance(app, KeptApp):
                found += app.check(cursor)
    connections[alias].close()
    return found


def content(file: Path) -> str:
    """Return a hash of every row of what people keep, in the database or a plain backup."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as db:
        db.execute("BEGIN")  # all tables as of one moment
        for table in CONTENT:
            for row in db.execute(f"SELECT * FROM {table} ORDER BY id"):
                digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def fill(alias: str, *, messages: int, seed: int) -> None:
    """Add sessions of 20 messages each, with texts that differ from seed to seed."""
    chance = random.Random(seed)
    words = [f"word{chance.randrange(5000)}" for _ in range(2000)]
    with transaction.atomic(alias):
        for number in range(messages // 20):
            uuid = writing.create_session(f"Seed {seed}, session {number}", using=alias)
            texts = (" ".join(chance.choices(words, k=60)) for _ in range(20))
            writing.add_messages(
                uuid, [{"role": "user", "content": text} for text in texts], using=alias
            )


def said_messages(count: int) -> list[dict]:
    return [
        {"role": "user", "content": f"killed words {n}", "input_tokens": n} for n in range(count)
    ]


def duration(folder: Path, work: Callable[[Callable[[str], None]], object]) -> float:
    """Return the seconds that undisturbed work takes in a process: the middle of three."""
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        assert Child(folder / "words-of-first", work).end() == 0
        taken.append(time.perf_counter() - started)
    return sorted(taken)[1]


def digest(file: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it is not there."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


# -- a writer ----------------------------------------------------------------------------------


def write(
    alias: str, name: str, chance: random.Random, say: Callable[[str], None], pause: float = 0
) -> None:
    """Create, extend and delete sessions without end, saying what begins and what is stored."""
    mine: dict[str, tuple[str, int]] = {}
    for number in range(1_000_000):
        count = chance.randint(1, 6)
        what = chance.choices(("create", "extend", "delete"), (5, 4, 1 if mine else 0))[0]
        if what == "create" or not mine:
            title = f"{name}.{number}"
            say(f"begin {title} {count}")
            with transaction.atomic(alias):
                uuid = writing.create_session(title, using=alias)
                writing.add_messages(uuid, said_messages(count), using=alias)
            mine[title] = uuid, count
        elif what == "extend":
            title = chance.choice(list(mine))
            uuid, before = mine[title]
            count += before
            say(f"begin {title} {count}")
            writing.add_messages(uuid, said_messages(count - before), using=alias)
            mine[title] = uuid, count
        else:
            title = chance.choice(list(mine))
            count = DELETED
            say(f"begin {title} {count}")
            writing.delete_session(mine.pop(title)[0], using=alias)
        say(f"done {title} {count}")
        time.sleep(pause)


def kept(file: Path) -> tuple[dict[str, int], list[str]]:
    """Return the messages of each session by its title, and the sessions counted wrongly."""
    with closing(sqlite3.connect(file)) as db:
        rows = db.execute(COUNTS).fetchall()
    wrong = [f"{title} has {count} messages, not {total}" for title, total, count in rows
             if total != count]  # fmt: skip
    return {title: count for title, _, count in rows}, wrong


def lost(said: list[str], known: dict[str, int], there: dict[str, int]) -> list[str]:
    """Return what was said to be stored and is not; brings `known` up to what is there.

    What had begun and was not acknowledged may be there or not, but whole.
    """
    begun: dict[str, int] = {}
    for line in said:
        state, title, count = line.split()
        if state == "begin":
            begun = {title: int(count)}
        else:
            known[title], begun = int(count), {}
    wrong = []
    for title in {line.split()[1] for line in said}:
        found = there.get(title, DELETED)
        if found not in (known.get(title, DELETED), begun.get(title, known.get(title, DELETED))):
            wrong.append(f"{title}: {known.get(title)} messages were stored, {found} are there")
        known[title] = found
    return wrong


def kills_of_writers(
    folder: Path, empty: Path, *, rounds: int, writers: int, longest: float, seed: int
) -> Iterator[Round]:
    """Kill processes that write at once, each at a moment of its own; yield what came of each.

    Every hundred rounds begin with an empty file, so that the checks stay quick.
    """
    chance = random.Random(seed)
    file, known = folder / "never.db", {}
    for number in range(rounds):
        if number % 100 == 0:
            file, known = folder / f"writers-{number}.db", {}
            file.write_bytes(empty.read_bytes())
        alias = files.connect(file)
        moments = sorted(chance.uniform(0, longest) for _ in range(writers))
        children = []
        for writer in range(writers):
            work = partial(write, alias, f"r{number}w{writer}", random.Random(chance.random()))
            children.append(Child(folder / f"words-{writer}", work))
        started, wrong = time.perf_counter(), []
        for child, moment in zip(children, moments, strict=True):
            time.sleep(max(0.0, started + moment - time.perf_counter()))
            if (code := child.kill()) != -signal.SIGKILL:
                wrong.append(f"a writer ended by itself, with exit code {code}")
        wrong += problems(file)
        there, miscounted = kept(file)
        wrong += miscounted
        stored = 0
        for child in children:
            wrong += lost(child.said, known, there)
            stored += sum(line.startswith("done") for line in child.said)
        wrong += [f"{title} of an earlier round has changed" for title, count in known.items()
                  if there.get(title, DELETED) != count]  # fmt: skip
        yield Round(moments[-1], True, str(stored), wrong)
