"""The requests of a history: what each used, when, of which model. Their texts are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections

from conversations import databases
from conversations.models import LanguageModel, Message

from .messages import ModelName

FETCHED = 1_000  # rows at once
NO_MODEL = ModelName()
# Only of these does the price depend; most metadata need not be decoded for that. An escape may
# stand for any of their letters.
SAYS_MORE = re.compile(r"service_tier|speed|web_search_requests|\\u")
METADATA = Message._meta.get_field("metadata")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which messages are meant; None is any. `since` is included, `until` is not (UTC)."""

    project_id: int | None = None
    no_project: bool = False
    model_ids: tuple[int, ...] | None = None  # that answered: the message's, else the session's
    source: str | None = None  # as `sessions.source` has it
    tag: str | None = None  # of the session
    role: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    session_ids: tuple[int, ...] | None = None
    unpriced: bool = False  # only those whose cost is not known
    with_trash: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_json` reads it."""
        times = {
            name: value.isoformat() if value else None
            for name, value in (("since", self.since), ("until", self.until))
        }
        return {**asdict(self), **times}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Scope:
        """Return what `as_json` has written."""
        lists = {
            name: None if kept[name] is None else tuple(kept[name])
            for name in ("model_ids", "session_ids")
        }
        times = {
            name: kept[name] and datetime.fromisoformat(kept[name]) for name in ("since", "until")
        }
        return cls(**{**kept, **lists, **times})


class Request(NamedTuple):
    """A message that used tokens: its columns, and the id of the model that answered."""

    id: int
    model_id: int | None
    timestamp: datetime  # UTC
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_5m_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    metadata: Any  # as the database holds it; see `decoded`
    cost: float | None
    cost_nanos: int | None
    cost_basis_id: int | None

    @property
    def decoded(self) -> Any:
        """What of the metadata a price may depend on; None if nothing."""
        text = self.metadata
        if text == "{}" or not (isinstance(text, str) and SAYS_MORE.search(text)):
            return None
        return METADATA.from_db_value(text, None, None)


# CROSS, so that SQLite walks along the messages, in their order, and sorts nothing.
READ = """
    SELECT
        message.id, COALESCE(message.model_id, session.model_id), message.timestamp,
        message.input_tokens, message.output_tokens, message.cache_read_tokens,
        message.cache_write_5m_tokens, message.cache_write_1h_tokens, message.reasoning_tokens,
        message.metadata, message.cost, message.cost_nanos, message.cost_basis_id
    FROM messages AS message CROSS JOIN sessions AS session ON session.id = message.session_id
    WHERE (message.input_tokens > 0 OR message.output_tokens > 0) AND {conditions}
"""
COUNT = """
    SELECT COUNT(*) FROM (
        SELECT 1
        FROM messages AS message CROSS JOIN sessions AS session ON session.id = message.session_id
        WHERE (message.input_tokens > 0 OR message.output_tokens > 0) AND {conditions}
        LIMIT %s
    ) AS counted
"""


def after(cursor, scope: Scope, id: int, limit: int) -> list[Request]:
    """Return the next requests behind the message `id`, in the order of ids."""
    conditions, params = _conditions(cursor.db, scope)
    sql = READ.format(conditions=f"{conditions} AND message.id > %s ORDER BY message.id LIMIT %s")
    cursor.execute(sql, [*params, id, limit])
    return [Request(*row) for row in cursor.fetchall()]


def of_ids(cursor, ids: list[int]) -> list[Request]:
    """Return the requests among these messages, as they are now."""
    listed, params = databases.of(cursor.db).with_list("message.id IN {listed}", ids)
    cursor.execute(READ.format(conditions=listed), params)
    return [Request(*row) for row in cursor.fetchall()]


def in_time(scope: Scope, *, using: str = "default") -> Iterator[Request]:
    """Yield the requests in the order of their times; no more than a few are held at once."""
    connection = connections[using]
    conditions, params = _conditions(connection, scope)
    with connection.cursor() as cursor:
        cursor.execute(
            READ.format(conditions=f"{conditions} ORDER BY message.timestamp, message.id"), params
        )
        while rows := cursor.fetchmany(FETCHED):
            yield from map(Request._make, rows)


def count(scope: Scope, most: int, *, using: str = "default") -> int:
    """Return how many requests there are; no more than `most` are counted."""
    connection = connections[using]
    conditions, params = _conditions(connection, scope)
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(conditions=conditions), [*params, most])
        return cursor.fetchone()[0]


def names(using: str = "default") -> dict[int | None, ModelName]:
    """Return what the models are called, by their ids; no model has no name."""
    columns = ("id", "provider", "model_name", "model_version")
    rows = LanguageModel.objects.using(using).values_list(*columns)
    return {None: NO_MODEL, **{id: ModelName(*name) for id, *name in rows}}


def _conditions(connection, scope: Scope) -> tuple[str, list[Any]]:
    database = databases.of(connection)
    parts: list[str] = ["1 = 1"]
    params: list[Any] = []

    def add(condition: str, *values: Any) -> None:
        parts.append(condition)
        params.extend(values)

    if scope.no_project:
        add("session.project_id IS NULL")
    for column, value in (
        ("session.project_id", scope.project_id),
        ("session.source", scope.source),
        ("message.role", scope.role),
    ):
        if value is not None:
            add(f"{column} = %s", value)
    for column, ids in (
        ("COALESCE(message.model_id, session.model_id)", scope.model_ids),
        ("message.session_id", scope.session_ids),
    ):
        if ids is not None:
            listed, values = database.with_list(f"{column} IN {{listed}}", ids)
            add(listed, *values)
    if scope.tag is not None:
        add(
            "message.session_id IN (SELECT session_id FROM session_tags WHERE name = %s)", scope.tag
        )
    for comparison, moment in ((">=", scope.since), ("<", scope.until)):
        if moment is not None:
            add(f"message.timestamp {comparison} %s", database.time_text(moment))
    if scope.unpriced:
        add("message.cost IS NULL")
    if not scope.with_trash:
        add("session.deleted_at IS NULL")
    return " AND ".join(parts), params
