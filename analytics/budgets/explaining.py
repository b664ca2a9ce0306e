"""Which sessions an overspend comes from, counted from the messages themselves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

from django.db import connections

from analytics import cube
from analytics.figures import in_words
from analytics.filters import Where
from analytics.models import Budget
from analytics.ranges import Range
from conversations.errors import TooSlow
from conversations.models import Session
from conversations.models.sessions import NANO
from conversations.organising import counted

from .spending import BudgetState, state_of, where_of

EXPLAINED = Decimal("0.8")  # of what was spent too much: so much the sessions must make up
MOST_LISTED = 100  # sessions that are named; how many there are is always said
DENSE = 8  # where a period has one message in so many, reading an index of all is quicker


@dataclass(frozen=True, slots=True)
class Explaining:
    """What one session cost in a period."""

    session: Session
    cost: Decimal  # USD, of its messages in the period
    share: float  # percent of all that was spent in the period


@dataclass(frozen=True, slots=True)
class Overspend:
    """The fewest sessions that together make up most (`EXPLAINED`) of what was spent too much.

    That is what was spent above the line that is reached; all that was spent if none is passed.
    """

    state: BudgetState
    amount: Decimal  # USD that are to be explained
    sessions: list[Explaining]  # the dearest first, `MOST_LISTED` at the most
    count: int  # of the sessions that it takes
    cost: Decimal  # USD, of these sessions together

    @property
    def is_over(self) -> bool:
        """Whether a line is passed."""
        return self.state.line is not None and self.state.spent > self.state.line

    @property
    def in_words(self) -> str:
        """One sentence on how few sessions it was."""
        if not self.count:
            return "Nothing was spent."
        if self.is_over:
            what = f"above the {self.state.level} line of {in_words(self.state.line, 'usd')}"
        else:
            what = "that was spent"
        listed = f", of which {MOST_LISTED} are listed" if self.count > MOST_LISTED else ""
        part = f"{EXPLAINED * 100:.0f} % or more of the {in_words(self.amount, 'usd')}"
        sessions = f"{counted(self.count)} of {in_words(self.cost, 'usd')}"
        verb = "accounts" if self.count == 1 else "together account"
        return f"{sessions} {verb} for {part} {what}{listed}."


def explain(
    budget: Budget,
    today: date | None = None,
    *,
    seconds: float | None = None,
    using: str = "default",
) -> Overspend:
    """Return the fewest sessions that explain what a budget's period cost too much.

    A session counts with its messages of the period, whenever it started. Raises `TooSlow` if that
    takes longer than `seconds`.
    """
    state = state_of(budget, today, using=using)
    over = state.spent - (state.line or 0)
    amount = over if over > 0 else state.spent
    wanted = amount * EXPLAINED * NANO
    count = nanos = 0
    listed: list[tuple[int, int]] = []
    for session_id, cost in _dearest(state, seconds, using) if amount else ():
        count, nanos = count + 1, nanos + cost
        if count <= MOST_LISTED:
            listed.append((session_id, cost))
        if nanos >= wanted:
            break
    rows = Session.objects.using(using).defer("system_prompt", "description", "metadata")
    sessions = rows.in_bulk([session_id for session_id, _ in listed])
    spent = state.spent * NANO
    return Overspend(
        state,
        amount,
        sessions=[
            Explaining(sessions[session_id], Decimal(cost) / NANO, float(cost / spent * 100))
            for session_id, cost in listed
            if session_id in sessions
        ],
        count=count,
        cost=Decimal(nanos) / NANO,
    )


# As text, days in the middle of the period are surely in it, and those far off are not: times may
# be written in other zones than UTC, 15 hours from it. Between them the seconds are counted. All is
# summed up before sessions are looked at: they are few beside the messages.
DEAREST = """
    WITH spent AS (
        SELECT session_id, model_id, SUM(cost_nanos) AS nanos
        FROM messages {index}
        WHERE timestamp >= %(first)s AND timestamp < %(last)s
            AND (
                (timestamp >= %(inner_first)s AND timestamp < %(inner_last)s)
                OR (
                    CAST(strftime('%%s', timestamp) AS INTEGER) >= %(begin)s
                    AND CAST(strftime('%%s', timestamp) AS INTEGER) < %(end)s
                )
            )
            AND cost_nanos > 0
        GROUP BY session_id, model_id
    )
    SELECT session.id, SUM(spent.nanos) AS nanos
    FROM spent
    CROSS JOIN sessions AS session ON session.id = spent.session_id
    WHERE session.deleted_at IS NULL {conditions}
    GROUP BY session.id
    ORDER BY nanos DESC, session.id
"""
SCOPES = {
    "project_id": "AND session.project_id = %(project_id)s",
    "model_id": "AND COALESCE(spent.model_id, session.model_id) = %(model_id)s",
    "tag": "AND session.id IN (SELECT session_id FROM session_tags WHERE name = %(tag)s)",
}
BY_TIME, WHOLE = "INDEXED BY messages_by_time", "INDEXED BY messages_facts"


def _dearest(state: BudgetState, seconds: float | None, using: str) -> list[tuple[int, int]]:
    """Return what each session cost in the period, in nano-dollars, the dearest first."""
    period, where = state.range, where_of(state.budget)
    begin, end, day = period.begins_at, period.ends_at, timedelta(days=1)
    params: dict[str, Any] = {
        "first": str(begin.date() - day),
        "inner_first": str(begin.date() + 2 * day),
        "inner_last": str(end.date() - day),
        "last": str(end.date() + 2 * day),
        "begin": int(begin.timestamp()),
        "end": int(end.timestamp()),
    }
    conditions = []
    for name, condition in SCOPES.items():
        if (value := getattr(where, name)) is not None:
            conditions.append(condition)
            params[name] = value
    connection = connections[using]
    backend = import_module(f"conversations.search.{connection.vendor}")
    give_up = None if seconds is None else time.monotonic() + seconds
    try:
        with backend.until(connection, give_up), connection.cursor() as cursor:
            sql = DEAREST.format(
                index=_index(cursor, period, using), conditions=" ".join(conditions)
            )
            cursor.execute(sql, params)
            return cursor.fetchall()
    except TooSlow as error:
        raise TooSlow(
            f"It takes longer than {seconds:g} seconds to find the sessions that explain"
            f" {in_words(state.spent, 'usd')} in this {state.budget.period}."
        ) from error


def _index(cursor, period: Range, using: str) -> str:
    """Return the index to read: of times, and then each row of a message; or all that is needed."""
    found = cube.by_day(Where(), period.first, period.last, using=using)
    messages = sum(sums.messages for sums in found.values())
    cursor.execute("SELECT COALESCE(MAX(id), 0) FROM messages")
    [total] = cursor.fetchone()
    return WHOLE if messages * DENSE > total else BY_TIME
