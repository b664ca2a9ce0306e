"""The sessions of an export as rows, fetched some at a time, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F

from conversations.models import Message, Session
from conversations.models.sessions import SessionQuerySet
from conversations.reading import MESSAGE_COLUMNS, SESSION_COLUMNS, Row, row

SESSIONS_AT_ONCE = 500
MESSAGES_AT_ONCE = 2_000
SESSION_NAMES = {
    "project_name": F("project__name"),
    "provider": F("model__provider"),
    "model_name": F("model__model_name"),
    "model_version": F("model__model_version"),
    "parent_uuid": F("parent_session__session_uuid"),
    "parent_deleted_at": F("parent_session__deleted_at"),
}
MESSAGE_NAMES = {
    "provider": F("model__provider"),
    "model_name": F("model__model_name"),
    "model_version": F("model__model_version"),
    "parent_uuid": F("parent_message__message_uuid"),
}


@dataclass(slots=True)
class Chat:
    """A session as a row of its columns and names, and its messages, which may be many.

    Times are UTC text as the database writes them, `2025-01-08 20:30:45`; money is USD. Beside the
    columns a session has `project_name`, and both have `provider`, `model_name`, `model_version`
    and `parent_uuid`.
    """

    session: Row
    read: Callable[[], Iterable[Row]]

    def messages(self) -> Iterator[Row]:
        """Yield the messages in order, from the first each time."""
        return iter(self.read())

    @property
    def title(self) -> str:
        return self.session["title"] or self.session["session_uuid"]


def chats(sessions: SessionQuerySet) -> Iterator[Chat]:
    """Yield the sessions of a query by their age in the database, with their messages.

    By pages, not by a cursor: one that stays open keeps the write-ahead log from being emptied.
    """
    last = 0
    sessions = sessions.order_by("id")
    while page := list(
        sessions.filter(id__gt=last).values(
            *SESSION_COLUMNS, "parent_external_id", "deleted_at", **SESSION_NAMES
        )[:SESSIONS_AT_ONCE]
    ):
        last = page[-1]["id"]
        for some in _small_batches(page):
            yield from _with_messages(some, sessions.db)


def chat(session: Session) -> Chat:
    """Return one session, in the trash or not."""
    rows = Session.with_trash.using(session._state.db).filter(pk=session.pk)
    return next(chats(rows))


def _small_batches(page: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield sessions together whose messages are few enough to be fetched at once."""
    batch, count = [], 0
    for session in page:
        if batch and count + session["total_messages"] > MESSAGES_AT_ONCE:
            yield batch
            batch, count = [], 0
        batch.append(session)
        count += session["total_messages"]
    yield batch


def _with_messages(sessions: list[dict[str, Any]], using: str) -> Iterator[Chat]:
    found: dict[int, list[Row]] = {}
    if len(sessions) > 1:
        ids = [session["id"] for session in sessions]
        rows = _messages(using).filter(session_id__in=ids)
        found = {id: list(some) for id, some in groupby(rows, itemgetter("session_id"))}
    for session in sessions:
        id = session["id"]
        if len(sessions) > 1:
            read: Callable[[], Iterable[Row]] = lambda id=id: map(row, found.get(id, ()))  # noqa: E731
        else:
            read = lambda id=id: _all_of(id, using)  # noqa: E731
        yield Chat(row(_named(session)), read)


def _named(session: dict[str, Any]) -> dict[str, Any]:
    if session.pop("parent_deleted_at"):  # what is in the trash is not exported
        session["parent_uuid"] = None
    return session


def _messages(using: str):
    messages = Message.objects.using(using).order_by("session_id", "sequence_number")
    return messages.values(*MESSAGE_COLUMNS, **MESSAGE_NAMES)


def _all_of(session_id: int, using: str) -> Iterator[Row]:
    last = -1
    messages = _messages(using).filter(session_id=session_id)
    while page := list(messages.filter(sequence_number__gt=last)[:MESSAGES_AT_ONCE]):
        last = page[-1]["sequence_number"]
        yield from map(row, page)
