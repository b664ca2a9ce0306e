"""Sessions and messages for tests, with no more said than a test cares about."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from conversations.models import LanguageModel, Message, Project, Session

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_session(title: str = "Tea", *messages: str, **fields: Any) -> Session:
    """Store a session in which user and assistant take turns to say `messages`."""
    fields = {"session_uuid": str(uuid.uuid4()), "started_at": NOON, **fields}
    session = Session.objects.create(title=title, **fields)
    for number, text in enumerate(messages, 1):
        add_message(session, number, text, role="user" if number % 2 else "assistant")
    session.refresh_from_db()
    return session


def add_message(session: Session, number: int, content: str = "", **fields: Any) -> Message:
    fields = {
        "message_uuid": str(uuid.uuid4()),
        "role": "assistant",
        "timestamp": NOON + timedelta(seconds=number),
        **fields,
    }
    return Message.objects.create(
        session=session, sequence_number=number, content=content, **fields
    )


def make_sessions(count: int, **fields: Any) -> None:
    """Store `count` sessions, each a minute older than the one before."""
    Session.objects.bulk_create(
        Session(
            session_uuid=f"s-{number:06}",
            title=f"Session {number}",
            started_at=NOON - timedelta(minutes=number),
            **fields,
        )
        for number in range(count)
    )


def make_messages(session: Session, count: int) -> None:
    """Store `count` short messages."""
    Message.objects.bulk_create(
        Message(
            message_uuid=f"{session.id}-{number}",
            session=session,
            sequence_number=number,
            role="user",
            content=f"Message {number}",
            timestamp=NOON + timedelta(seconds=number),
        )
        for number in range(count)
    )


def make_project(name: str = "Kitchen") -> Project:
    return Project.objects.create(name=name)


def make_model(provider: str = "anthropic", name: str = "claude-sonnet-4-5") -> LanguageModel:
    return LanguageModel.objects.create(provider=provider, model_name=name)


def work() -> None:
    """Do what pages have put in line, as the worker does.

    Not by its loop, which closes connections that are inside a transaction, as in a test.
    """
    worker = Worker(
        queue_names=["default"],
        excluded_queue_names=[],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="test",
    )
    while waiting := DBTaskResult.objects.ready().first():
        waiting.claim(worker.worker_id)
        worker.run_task(waiting)
