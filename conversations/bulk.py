"""Changes of very many rows at once.

Totals and roll-ups are kept by triggers, row by row, whoever writes. Where thousands of rows change
in one transaction, the triggers are switched off inside it (`bulk_load`, which no other connection
ever sees) and a few statements do the same for all of the rows. A crash rolls back both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from . import databases


@dataclass(frozen=True, slots=True)
class Selection:
    """A query for the ids of rows, and its parameters."""

    sql: str
    params: tuple = ()


class Keeper(Protocol):
    """What keeps sums of messages and sessions, and is told what to take off and to add."""

    def note(self, cursor, sign: int, messages: Selection, sessions: Selection) -> None:
        """Note these rows, as they are in the database now, to be added; with -1, taken off."""

    def apply(self, cursor) -> None:
        """Bring the sums up to date with what was noted."""


keepers: list[Keeper] = []  # apps above this one add theirs when they are ready
NOTHING = Selection("SELECT NULL WHERE 1 = 0")


def catch_up(cursor, database, sessions: range, messages: range) -> None:
    """Bring indexes, totals and roll-ups up to date with inserted sessions and messages.

    To be called inside `database.bulk_load`. The ids are those of the new rows; messages may belong
    to sessions that were there before.
    """
    database.index(cursor, sessions, messages)
    added, new = _range("messages", messages), _range("sessions", sessions)
    given = f"SELECT session_id FROM messages WHERE id IN ({added.sql})"
    params = added.params + new.params
    _note(cursor, -1, NOTHING, Selection(f"{given} EXCEPT {new.sql}", params))
    database.add_totals(cursor, added, 1)
    _note(cursor, 1, added, Selection(f"{given} UNION {new.sql}", params))
    _apply(cursor)


@contextmanager
def changing(cursor, messages: Selection, sessions: Selection = NOTHING) -> Iterator[None]:
    """Change the costs and counts of these messages, or delete them, with the triggers off.

    `sessions` are others that are deleted along. Raises what the body raises, and then the
    transaction must be rolled back.
    """
    database = databases.of(cursor.db)
    cursor.execute(
        f"SELECT session_id FROM messages WHERE id IN ({messages.sql}) UNION {sessions.sql}",
        messages.params + sessions.params,
    )
    sql, params = database.with_list(
        "SELECT id FROM sessions WHERE id IN {listed}", [id for [id] in cursor.fetchall()]
    )
    touched = Selection(sql, tuple(params))
    with database.bulk_load(cursor):
        _note(cursor, -1, messages, touched)
        database.add_totals(cursor, messages, -1)
        yield
        database.add_totals(cursor, messages, 1)
        _note(cursor, 1, messages, touched)
        _apply(cursor)


def _range(table: str, ids: range) -> Selection:
    if not ids:
        return Selection(f"SELECT id FROM {table} WHERE 1 = 0")
    return Selection(f"SELECT id FROM {table} WHERE id BETWEEN %s AND %s", (ids[0], ids[-1]))


def _note(cursor, sign: int, messages: Selection, sessions: Selection) -> None:
    for keeper in keepers:
        keeper.note(cursor, sign, messages, sessions)


def _apply(cursor) -> None:
    for keeper in keepers:
        keeper.apply(cursor)
