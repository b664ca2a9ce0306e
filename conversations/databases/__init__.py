"""What differs between databases, one module each, named as Django names the vendor.

`of(connection)` returns the module. Each has: `split`, `installed`, `drop`, `rebuild`, `recount`,
`differences` for the schema; `reserve_ids`, `with_list`, `time_text`, `in_large_steps` for the
import; `bulk_load`, `index`, `add_totals` for bulk.py; `state` and `version` for what is
remembered; `explain` for errors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from importlib import import_module
from types import ModuleType
from typing import TypeVar

MOST_REMEMBERED = 100
Answer = TypeVar("Answer")


def of(connection) -> ModuleType:
    """Return the module for the connection's database."""
    return import_module(f"{__name__}.{connection.vendor}")


def remembered(connection, key: Hashable, ask: Callable[[], Answer]) -> Answer:
    """Return `ask()`, or what it answered before if nothing has changed in the database since.

    Remembered by each connection for itself, up to `MOST_REMEMBERED` answers.
    """
    state = of(connection).state(connection)
    if state is None:
        return ask()
    now = (connection.connection, state)
    before, answers = getattr(connection, "remembered_answers", (None, {}))
    if before != now or len(answers) >= MOST_REMEMBERED:
        answers = {}
        connection.remembered_answers = (now, answers)
    if key not in answers:
        answers[key] = ask()
    return answers[key]
