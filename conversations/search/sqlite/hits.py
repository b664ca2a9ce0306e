"""What a search finds, and the time that it may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import OperationalError

from conversations.errors import TooSlow

STEPS = 20_000  # of SQLite's machine between two looks at the clock, a millisecond or so


@dataclass(slots=True)
class Hit:
    """A text that was found."""

    kind: str
    key: int
    score: float  # the greater the better; 0 where nothing is ranked
    time: str
    session: int
    role: str
    model: int | None
    project: int | None
    nanos: int | None  # of dollars


@dataclass(slots=True)
class Hits:
    """Hits in order, and how far one looked.

    `is_all`: there are no others. `ranked_of`: only the newest so many were ranked. `looked_at`:
    only the newest so many texts were looked at.
    """

    hits: list[Hit] = field(default_factory=list)
    is_all: bool = True
    ranked: int | None = None
    is_ranked: bool = True
    looked_at: int | None = None


@contextmanager
def until(connection, end: float | None) -> Iterator[None]:
    """Interrupt what the connection does inside when it is `end` (of time.monotonic()), with
    `TooSlow`."""
    if end is None:
        yield
        return
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    except OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise TooSlow("The search took longer than it may.") from error
    finally:
        connection.connection.set_progress_handler(None, 0)
