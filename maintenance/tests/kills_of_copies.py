"""Backups and restores that are killed at random moments, and what must hold then."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from django.db import connections

from conversations.databases import files
from maintenance import backups, restoring

from .kills import (
    CONTENT,
    Child,
    Round,
    content,
    digest,
    duration,
    ended,
    fill,
    kept,
    problems,
    write,
)

# -- a backup ----------------------------------------------------------------------------------


# What the work takes varies with what else the machine does: the span of the draws follows it.
LONGER, SHORTER = 1.02, 0.9


def kills_of_backups(
    folder: Path, empty: Path, *, rounds: int, messages: int, seed: int
) -> Iterator[Round]:
    """Kill backups while another process writes; yield a `Round` for each.

    Every second pair is killed near its end, where the file gets its name.
    Found is `nothing`, the `older` backup that was to be replaced, or a `new` one.
    """
    chance = random.Random(seed)
    file = folder / "written.db"
    file.write_bytes(empty.read_bytes())
    alias = files.connect(file)
    fill(alias, messages=messages, seed=seed)
    into = folder / "backups"
    into.mkdir()
    name = into / "copy.db"

    def make(say):
        say(str(backups.backup(name, using=alias).path))

    # It pauses: SQLite's lock is not fair, and the notes of the backup would wait for it long.
    luck = random.Random(seed)
    work = partial(write, alias, "writer", luck, pause=0.02)
    writer = Child(folder / "words-of-writer", work)
    try:
        seconds = duration(folder, make)
        for number in range(rounds):
            if number % 2:
                name.unlink(missing_ok=True)
            before = digest(name)
            moment = chance.uniform(0.7 if number % 4 > 1 else 0, 1.05) * seconds
            child = Child(folder / "words-of-backup", make)
            time.sleep(moment)
            code = child.kill()
            seconds *= LONGER if code else SHORTER
            wrong, after = ended(code), digest(name)
            if child.said and after in (None, before):
                wrong.append("a backup that was said to be made is not there")
            if after is not None:
                wrong += unsound(name)
            if number % 10 == 9:  # the next that is not killed leaves nothing but itself
                wrong += ended(Child(folder / "words-of-backup", make).end()) + unsound(name)
                wrong += [f"{path.name} was left" for path in into.glob(f".{name.name}*")]
            found = "nothing" if after is None else "older" if after == before else "new"
            yield Round(moment, code != 0, found, wrong)
    finally:
        writer.kill()
    wrong = problems(file)
    yield Round(0, True, "written", wrong)


def unsound(file: Path) -> list[str]:
    """Return what is wrong with a backup: that it is refused, or holds half a transaction."""
    try:
        with backups.opened(file) as (plain, _manifest):
            counted = kept(Path(plain))[1]
            with closing(sqlite3.connect(f"{Path(plain).as_uri()}?mode=ro", uri=True)) as db:
                [[result]] = db.execute("PRAGMA integrity_check(1)").fetchall()
    except backups.UnusableBackup as error:
        return [f"{file.name} looks like a backup, but: {error}"]
    return counted + ([] if result == "ok" else [f"{file.name}: {result}"])


# -- a restore ---------------------------------------------------------------------------------


def kills_of_restores(
    folder: Path, empty: Path, *, rounds: int, messages: int, seed: int
) -> Iterator[Round]:
    """Kill restores, in turn of two backups, while others read; yield a `Round` for each.

    Every other is killed at any moment, the rest after what is there has been copied: while it is
    replaced. Found is the `old` database or the `new` one.
    """
    chance = random.Random(seed)
    file = folder / "restored.db"
    file.write_bytes(empty.read_bytes())
    alias = files.connect(file)
    copies = []
    for number in range(2):
        fill(alias, messages=messages * (number + 1) // 2, seed=seed + number)
        copies.append(backups.backup(folder / f"copy-{number}.db", using=alias).path)
    with backups.opened(copies[0]) as (plain, _):
        first = content(Path(plain))
    states = [first, content(file)]
    connections[alias].close()
    at = 1

    def put_back(say):
        restoring.restore(copies[1 - at], using=alias)
        say("done")

    again = partial(restoring.restore, copies[1], using=alias)
    seconds = duration(folder, lambda say: again())
    clear(file)
    child = Child(folder / "words-of-first", lambda say: again())
    wait_for_copy(file, seconds)
    copied = time.perf_counter()
    child.end()
    late = time.perf_counter() - copied
    clear(file)
    reader = Child(folder / "words-of-reader", lambda say: read(file, states, say))
    try:
        for number in range(rounds):
            started = time.perf_counter()
            child = Child(folder / "words-of-restore", put_back)
            if number % 2:
                wait_for_copy(file, seconds)
            time.sleep(chance.uniform(0, late if number % 2 else seconds))
            moment = time.perf_counter() - started
            code = child.kill()
            if number % 2:
                late *= LONGER if code else SHORTER
            else:
                seconds *= LONGER if code else SHORTER
            wrong, now = ended(code), content(file)
            if now not in states:
                wrong.append("the database is neither the old nor the new one")
            elif child.said and now != states[1 - at]:
                wrong.append("a restore that was said to be done is not")
            found = "old" if now == states[at] else "new"
            for copy in file.parent.glob(f"{file.name}.before-restore-*"):
                wrong += unsound(copy) or same_content(copy, states[at])
                copy.unlink()
            wrong += problems(file)
            if number % 10 == 9:  # the next that is not killed leaves nothing but itself
                at = states.index(now) if now in states else at
                wrong += ended(Child(folder / "words-of-restore", put_back).end())
                wrong += [f"{path.name} was left" for path in leftovers(file)]
                now = content(file)
                clear(file)
            at = states.index(now) if now in states else at
            yield Round(moment, code != 0, found, wrong)
    finally:
        reader.kill()
    torn = [line for line in reader.said if line != "read"]
    yield Round(0, True, f"{len(reader.said)} times read", torn)


def read(file: Path, states: list[str], say: Callable[[str], None]) -> None:
    """Read the whole content again and again, saying whether it was one of the known states."""
    whole = set()
    with closing(sqlite3.connect(file, timeout=20)) as db:  # one connection, as a server keeps it
        while True:
            digest = hashlib.sha256()
            db.execute("BEGIN")
            for table in CONTENT:
                for row in db.execute(f"SELECT * FROM {table} ORDER BY id"):
                    digest.update(repr(row).encode("utf-8", "surrogatepass"))
            db.execute("COMMIT")
            whole = digest.hexdigest()
            say("read" if whole in states else f"a reader met {whole}, neither old nor new")
            time.sleep(0.05)


def same_content(copy: Path, state: str) -> list[str]:
    with backups.opened(copy) as (plain, _):
        return [] if content(Path(plain)) == state else [f"{copy.name} is not what was replaced"]


def leftovers(file: Path) -> list[Path]:
    """Return what lies beside the database and is neither it nor a safety copy."""
    return [path for path in file.parent.iterdir()
            if path.name.startswith(f".{file.name}")]  # fmt: skip


def wait_for_copy(file: Path, longest: float) -> None:
    """Wait until the copy of what a restore replaces has its name, but not for ever."""
    end = time.perf_counter() + longest
    while time.perf_counter() < end and not any(file.parent.glob(f"{file.name}.before-restore-*")):
        time.sleep(0.001)


def clear(file: Path) -> None:
    for copy in file.parent.glob(f"{file.name}.before-restore-*"):
        copy.unlink()
