"""What a restore would change: figures now and then, and the sessions that come and go."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import histories, swapping

NAMED = 20  # sessions that are listed by name; the rest are counted
TABLES = ("sessions", "messages", "projects", "models")
LAST = "SELECT app, MAX(name) FROM django_migrations GROUP BY app ORDER BY app"


@dataclass(frozen=True)
class Figures:
    """What a database holds: rows, cost in USD, the time of the newest message, migrations."""

    sessions: int
    messages: int
    projects: int
    models: int
    cost: Decimal
    newest_message: str | None
    schema: dict[str, str]  # the last migration of each app


@dataclass(frozen=True)
class Sessions:
    """Some sessions: how many, and the id and title of the first of them."""

    count: int
    named: list[tuple[str, str]]


NONE = Sessions(0, [])


@dataclass(frozen=True)
class Preview:
    """What a restore would change. Without a database that can be read there is no `now`."""

    file: Path
    condition: swapping.Condition
    now: Figures | None
    then: Figures
    waiting: list[str]  # migrations that would be run
    only_now: Sessions = NONE  # would be gone
    only_then: Sessions = NONE  # would come back
    erased: Sessions = NONE  # of those, erased with a receipt: they come back only if asked for
    manifest: Any = field(default=None, repr=False)


def figures(database: sqlite3.Connection) -> Figures:
    """Return what a database holds, of this version or an older one."""

    def one(sql: str) -> Any:
        return database.execute(sql).fetchone()[0]

    there = {name for [name] in database.execute("SELECT name FROM sqlite_master")}
    counts = {name: one(f"SELECT COUNT(*) FROM {name}") if name in there else 0 for name in TABLES}
    if "cost_nanos" in histories.columns_of(database, "messages"):
        cost = Decimal(one("SELECT COALESCE(SUM(cost_nanos), 0) FROM messages")) / 10**9
    else:
        cost = Decimal(str(one("SELECT COALESCE(SUM(cost), 0) FROM messages")))
    return Figures(
        **counts,
        cost=cost,
        newest_message=one("SELECT MAX(timestamp) FROM messages"),
        schema=dict(database.execute(LAST) if "django_migrations" in there else ()),
    )


def compare(file: Path, plain: Path, database: Path, waiting: list[str], manifest: Any) -> Preview:
    """Return what would change if the database in `plain` came in the place of `database`."""
    state = swapping.condition(database)
    with closing(swapping.opened(plain)) as new:
        then = figures(new)
        if state is not swapping.Condition.SOUND:
            return Preview(file, state, None, then, waiting, manifest=manifest)
        with closing(swapping.opened(database)) as old:
            old.execute("BEGIN")  # all of it as of one moment
            if not histories.columns_of(old, "sessions"):
                return Preview(file, state, None, then, waiting, manifest=manifest)
            new.execute("ATTACH ? AS other", [f"{database.resolve().as_uri()}?mode=ro"])
            erased = histories.erased(old, new)
            return Preview(
                file,
                state,
                figures(old),
                then,
                waiting,
                only_now=_missing(new, there="other", here="main"),
                only_then=_missing(new, there="main", here="other"),
                erased=_named(new, list(erased)),
                manifest=manifest,
            )


def _missing(database: sqlite3.Connection, *, there: str, here: str) -> Sessions:
    """Return the sessions of one attached database that the other one has not."""
    condition = (
        f"FROM {there}.sessions AS session WHERE session_uuid NOT IN"
        f" (SELECT session_uuid FROM {here}.sessions)"
    )
    [count] = database.execute(f"SELECT COUNT(*) {condition}").fetchone()
    rows = database.execute(f"SELECT session_uuid, title {condition} ORDER BY id LIMIT {NAMED}")
    return Sessions(count, rows.fetchall())


def _named(database: sqlite3.Connection, uuids: list[str]) -> Sessions:
    rows = [
        database.execute(
            "SELECT session_uuid, title FROM main.sessions WHERE session_uuid = ?", [uuid]
        ).fetchone()
        for uuid in uuids[:NAMED]
    ]
    return Sessions(len(uuids), rows)
