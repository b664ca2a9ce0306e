"""What people say about sessions: ratings, tags, notes, corrections, snapshots."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connections

from conversations import reading, storing
from conversations.importers.records import MessageRecord
from conversations.models import Annotation, Message, Session, SessionSnapshot

from .catalogue import CORRECTIONS, NOTES, TAGS
from .conversation import SOURCE, Conversation
from .rhythm import Rhythm

ANNOTATOR = "demo"
IDENTITY = uuid.UUID("6d1f7a3e-5f0c-4c55-9a59-0f4a2b7d9e10")  # of all ids made here

FINISH = """
    UPDATE sessions
    SET status = %s, session_type = %s, description = %s, temperature = %s
    WHERE session_uuid = %s
"""


def add(conversations: list[Conversation], *, seed: int, rhythm: Rhythm, using: str) -> None:
    """Add to stored sessions what their records could not say."""
    with connections[using].cursor() as cursor:
        cursor.executemany(
            FINISH,
            [
                (c.status, c.session_type, c.description, c.temperature, _uuid(c))
                for c in conversations
            ],
        )
    remarks = [
        remark
        for conversation in conversations
        for remark in _remarks(conversation, Random(f"{seed}/{conversation.number}/said"), rhythm)
    ]
    ids = {
        "session": _ids(Session, "session_uuid", remarks, using),
        "message": _ids(Message, "message_uuid", remarks, using),
    }
    Annotation._base_manager.using(using).bulk_create(
        Annotation(entity_id=ids[remark["entity_type"]][entity], annotator=ANNOTATOR, **remark)
        for entity, remark in remarks
    )
    _add_snapshots(conversations, seed, rhythm, using)


def _uuid(conversation: Conversation) -> str:
    return storing.session_uuid(SOURCE, conversation.record.external_id)


def _ids(
    table: type[Session | Message], name: str, remarks: Iterable[tuple[str, Any]], using: str
) -> dict[str, int]:
    kind = name.removesuffix("_uuid")
    uuids = {entity for entity, remark in remarks if remark["entity_type"] == kind}
    rows = table._base_manager.using(using).filter(**{f"{name}__in": uuids})
    return dict(rows.values_list(name, "id"))


def _remarks(
    conversation: Conversation, rng: Random, rhythm: Rhythm
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the uuid of what a remark is about, and the columns of the remark."""
    record = conversation.record
    ended = record.messages[-1].timestamp or rhythm.since
    count = 0

    def remark(entity_type: str, kind: str, content: str = "", rating: int | None = None):
        nonlocal count
        count += 1
        said = min(ended + timedelta(minutes=rng.expovariate(1 / 30)), rhythm.until)
        return {
            "annotation_uuid": uuid.uuid5(IDENTITY, f"{record.external_id}/{count}").hex,
            "entity_type": entity_type,
            "annotation_type": kind,
            "content": content,
            "rating": rating,
            "created_at": said,
            "updated_at": said,
        }

    whole = _uuid(conversation)
    if rng.random() < 0.35:
        yield whole, remark("session", "rating", rating=_rating(conversation, rng))
    if rng.random() < 0.08:
        yield whole, remark("session", "note", rng.choice(NOTES))
    if rng.random() < 0.12:
        yield whole, remark("session", "tag", rng.choice(TAGS))
    for message in record.messages:
        if message.role != "assistant" or not message.content or message.cost is None:
            continue
        about = storing.message_uuid(SOURCE, message.key)
        if rng.random() < 0.06:
            yield about, remark("message", "rating", rating=_rating(conversation, rng))
        if rng.random() < 0.012:
            yield about, remark("message", "tag", rng.choice(TAGS))
        if rng.random() < 0.008:
            yield about, remark("message", "note", rng.choice(NOTES))
        if rng.random() < 0.004:
            yield about, remark("message", "correction", rng.choice(CORRECTIONS))


def _rating(conversation: Conversation, rng: Random) -> int:
    mean = 2.3 + 2.5 * conversation.model.liked - 1.4 * (conversation.status == "failed")
    return max(1, min(5, round(rng.gauss(mean, 1.25))))


def _add_snapshots(
    conversations: list[Conversation], seed: int, rhythm: Rhythm, using: str
) -> None:
    """Keep the places where branches begin, where sessions failed, and a few on the way."""
    wanted: list[tuple[Conversation, int, str, str, datetime]] = []
    for conversation in conversations:
        last = len(conversation.record.messages)
        ended = conversation.record.messages[-1].timestamp or rhythm.since
        if conversation.origin:
            told = f"Branched as {_uuid(conversation)}"
            started = conversation.record.started_at or ended
            wanted.append(
                (conversation.origin, conversation.branched_at, "branch_point", told, started)
            )
        if conversation.status == "failed":
            wanted.append((conversation, last, "error_state", "Where it failed", ended))
        elif Random(f"{seed}/{conversation.number}/kept").random() < 0.03:
            wanted.append((conversation, last, "checkpoint", "Good so far", ended))
    uuids = {_uuid(conversation) for conversation, *_ in wanted}
    sessions = Session._base_manager.using(using).in_bulk(uuids, field_name="session_uuid")
    SessionSnapshot._base_manager.using(using).bulk_create(
        [
            SessionSnapshot(
                session=sessions[_uuid(conversation)],
                snapshot_type=kind,
                sequence_number=at,
                session_state=reading.session_row(sessions[_uuid(conversation)]),
                context_window=[
                    _seen(place, message)
                    for place, message in enumerate(conversation.record.messages[:at], 1)
                ],
                created_at=moment,
                description=told,
            )
            for conversation, at, kind, told, moment in wanted
        ],
        ignore_conflicts=True,  # a session has one snapshot per message
    )


def _seen(place: int, message: MessageRecord) -> dict[str, Any]:
    return {
        "message_uuid": storing.message_uuid(SOURCE, message.key),
        "sequence_number": place,
        "role": message.role,
        "content": message.content,
    }
