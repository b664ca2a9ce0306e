"""Making and changing sessions. Each verb is one transaction: all of it is stored, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.db.models.expressions import RawSQL
from django.utils import timezone

from . import pricing, reading, values
from .errors import InvalidValue, UnknownId
from .models import Annotation, LanguageModel, Message, Project, Session, SessionSnapshot
from .models.choices import AnnotatedEntity, AnnotationType, Role, SessionStatus, SnapshotType
from .models.sessions import MOST_COST, MOST_LATENCY, MOST_TOKENS, TOKEN_COLUMNS

MOST_SEQUENCE = 2**31 - 1


class Eraser(Protocol):
    """What deletes for good: the app that looks after the file adds its own to `erasers`."""

    def purge(
        self, ids: list[int], *, may_wait: bool, user: AbstractBaseUser | None, using: str
    ) -> bool:
        """Delete trashed sessions, or have it done by the worker; say whether they are gone."""

    def going(self) -> RawSQL:
        """Return the uuids of sessions that the worker is yet to delete, as a subquery."""


erasers: list[Eraser] = []
# A branch repeats what was said, not what it cost: that counts once, where it was spent.
COPIED = (
    "role",
    "content",
    "content_type",
    "model_id",
    "timestamp",
    "finish_reason",
    "function_call",
    "tool_calls",
    "error_message",
    "is_hidden",
    "is_sidechain",
)


def new_id() -> str:
    """Return an id that nobody has had: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def add_model(provider: str, model_name: str, *, using: str = "default", **columns: Any) -> int:
    """Return the number of a model, adding it if it is not known yet.

    `columns` are those of the table `models`; they are not applied to a model that is known.
    """
    names = {
        "provider": values.field_text(LanguageModel, "provider", provider),
        "model_name": values.field_text(LanguageModel, "model_name", model_name),
        "model_version": values.field_text(
            LanguageModel, "model_version", columns.pop("model_version", "")
        ),
    }
    for name in ("provider", "model_name"):
        if not names[name].strip():
            raise InvalidValue(f"{name} must not be empty")
    _refuse_unknown(columns, LanguageModel)
    with transaction.atomic(using):
        model = LanguageModel.objects.using(using).filter(**names).first()
        if model is None:
            model = values.validated(LanguageModel(**names, **columns))
            model.save(using=using)
        return model.id


def create_session(
    title: str = "",
    model_id: int | None = None,
    *,
    project: str | None = None,
    tags: Iterable[str] = (),
    metadata: Mapping[str, Any] | None = None,
    using: str = "default",
    **columns: Any,
) -> str:
    """Make a session and return its id.

    `project` is a name; a project of that name is made if there is none. `columns` are others of
    the table `sessions`, such as `system_prompt` and `temperature`.
    """
    values.field_text(Session, "title", title)
    _refuse_unknown(columns, Session)
    for name in {"started_at", "completed_at"} & set(columns):
        columns[name] = values.time(name, columns[name])
    with transaction.atomic(using):
        if model_id is not None:
            reading.find_model(model_id, using=using)
        session = Session(
            session_uuid=new_id(),
            title=title,
            model_id=model_id,
            project=_project(project, using),
            tags=values.as_json("tags", list(tags), list),
            metadata=values.as_json("metadata", dict(metadata or {}), dict),
            **columns,
        )
        values.validated(session).save(using=using)
        return session.session_uuid


def _project(name: str | None, using: str) -> Project | None:
    if name is None:
        return None
    values.field_text(Project, "name", name)
    if not name.strip():
        raise InvalidValue("project must not be empty")
    return Project.objects.using(using).get_or_create(name=name)[0]


def _refuse_unknown(columns: dict[str, Any], model: type) -> None:
    """Refuse columns that the table lacks or that this program keeps itself; check the text."""
    known = {field.attname: field for field in model._meta.concrete_fields if field.editable}
    for name, value in columns.items():
        if name not in known:
            raise InvalidValue(f"there is no column {name!r} that can be set")
        if isinstance(value, str):
            values.field_text(model, name, value)


def add_message(session_uuid: str, role: str, content: str, *, using: str = "default", **columns):
    """Append a message to a session and return its id.

    `columns` are those of the table `messages`: `input_tokens` and the other counts (tokens),
    `cost` (USD), `latency_ms`, `model_id`, `tool_calls` and so on.
    """
    [message_uuid] = add_messages(
        session_uuid, [{"role": role, "content": content, **columns}], using=using
    )
    return message_uuid


def add_messages(
    session_uuid: str, messages: Iterable[Mapping[str, Any]], *, using: str = "default"
) -> list[str]:
    """Append many messages, all of them or none, and return their ids in order.

    Each is a mapping of columns of the table `messages`; `role` and `content` are required. A cost
    that is not given is computed from the tokens, where the price of the model is known.
    """
    made = [_message(given) for given in messages]
    with transaction.atomic(using):
        session = reading.find_session(session_uuid, using=using)
        # The write lock is held from here on, so nobody else can take these numbers.
        first = _last_sequence(session) + 1
        ids = {message.model_id for message in made} - {None}
        models = {id: reading.find_model(id, using=using) for id in ids}
        for number, message in enumerate(made, first):
            message.session_id = session.id
            message.sequence_number = number
            message.model = models.get(message.model_id)
        pricing.price_new(session, made)
        if len(made) == 1:
            made[0].save(using=using, force_insert=True)
        else:
            Message.objects.using(using).bulk_create(made)
    return [message.message_uuid for message in made]


def _last_sequence(session: Session) -> int:
    messages = Message.objects.using(session._state.db).filter(session=session)
    return messages.aggregate(last=Max("sequence_number"))["last"] or 0


def _message(given: Mapping[str, Any]) -> Message:
    """Return an unsaved message of checked values."""
    columns = dict(given)
    for name in ("role", "content"):
        if name not in columns:
            raise InvalidValue(f"a message needs its {name}")
    values.choice("role", columns["role"], Role)
    values.text("content", columns["content"])
    values.number("cost", columns.get("cost"), most=MOST_COST)
    values.integer("latency_ms", columns.get("latency_ms"), most=MOST_LATENCY)
    for name in TOKEN_COLUMNS:
        values.integer(name, columns.get(name), most=MOST_TOKENS)
    for name, kind in (
        ("metadata", dict),
        ("tool_calls", (list, dict, type(None))),
        ("function_call", (dict, type(None))),
    ):
        if name in columns:
            values.as_json(name, columns[name], kind)
    if columns.get("timestamp") is not None:
        columns["timestamp"] = values.time("timestamp", columns["timestamp"])
    else:
        columns.pop("timestamp", None)
    for taken in ("session_id", "sequence_number", "message_uuid"):
        if taken in columns:
            raise InvalidValue(f"{taken} is given by the database, not by the caller")
    _refuse_unknown({k: v for k, v in columns.items() if k != "content"}, Message)
    return Message(message_uuid=new_id(), **columns)


def set_status(session_uuid: str, status: str, *, using: str = "default") -> None:
    """Give a session a status; one that is completed also gets the time, if it has none."""
    values.choice("status", status, SessionStatus)
    with transaction.atomic(using):
        session = reading.find_session(session_uuid, using=using)
        session.status = status
        if status == SessionStatus.COMPLETED and session.completed_at is None:
            session.completed_at = timezone.now()
        session.save(using=using, update_fields=["status", "completed_at"])


def trash_session(session_uuid: str, *, using: str = "default") -> None:
    """Move a session to the trash: it leaves lists, search and figures, and can come back."""
    with transaction.atomic(using):
        session = reading.find_session(session_uuid, using=using)
        session.deleted_at = timezone.now()
        session.save(using=using, update_fields=["deleted_at"])


def restore_session(session_uuid: str, *, using: str = "default") -> None:
    """Bring a session back from the trash."""
    with transaction.atomic(using):
        session = reading.find_session(session_uuid, in_trash=True, using=using)
        session.deleted_at = None
        session.save(using=using, update_fields=["deleted_at"])


def delete_session(session_uuid: str, *, using: str = "default") -> int:
    """Delete a session for good, with all that hangs on it; return how many messages went."""
    session = reading.find_session(session_uuid, using=using)
    Session.objects.using(using).filter(pk=session.pk).update(deleted_at=timezone.now())
    erase([session.pk], using=using)
    return session.total_messages


def erase(
    ids: list[int],
    *,
    may_wait: bool = False,
    user: AbstractBaseUser | None = None,
    using: str = "default",
) -> bool:
    """Delete trashed sessions for good, as the apps above want it done; say whether they are gone.

    What `may_wait` may be left to the worker, if it takes long.
    """
    options = {"may_wait": may_wait, "user": user, "using": using}
    gone = [eraser.purge(ids, **options) for eraser in erasers] if ids else []
    return all(gone)


def branch_session(
    session_uuid: str, at: int | None = None, *, title: str | None = None, using: str = "default"
) -> str:
    """Make a session that repeats another up to message number `at`, and return its id.

    Without `at` it repeats all. The copies carry no tokens and no cost, which were spent once; each
    names its original in `metadata["copied_from"]`. The place is kept as a snapshot of the
    original.
    """
    with transaction.atomic(using):
        origin = reading.find_session(session_uuid, using=using)
        last = _last_sequence(origin)
        at = last if values.integer("at", at, most=MOST_SEQUENCE) is None else at
        originals = list(origin.messages.using(using).filter(sequence_number__lte=at).in_order())
        if at and (not originals or originals[-1].sequence_number != at):
            raise UnknownId(f"session {origin.session_uuid} has no message number {at}")
        branch = Session(
            session_uuid=new_id(),
            title=origin.title if title is None else values.field_text(Session, "title", title),
            parent_session=origin,
            tags=origin.tags if isinstance(origin.tags, list) else [],
            metadata={"branched_at": at},
            **{
                name: getattr(origin, name)
                for name in (
                    "project_id", "session_type", "description", "model_id", "system_prompt",
                    "temperature", "max_tokens", "top_p",
                )
            },
        )  # fmt: skip
        branch.save(using=using)
        Message.objects.using(using).bulk_create(
            Message(
                message_uuid=new_id(),
                session=branch,
                sequence_number=number,
                metadata={**_dict(original.metadata), "copied_from": original.message_uuid},
                **{name: getattr(original, name) for name in COPIED},
            )
            for number, original in enumerate(originals, 1)
        )
        _snapshot(origin, at, SnapshotType.BRANCH_POINT, f"Branched as {branch.session_uuid}")
        return branch.session_uuid


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def create_snapshot(
    session_uuid: str,
    *,
    snapshot_type: str = "checkpoint",
    description: str = "",
    using: str = "default",
) -> int:
    """Keep what a session is now, with its messages, and return the snapshot's number.

    A session has one snapshot per message; a second one there replaces the first.
    """
    values.choice("snapshot_type", snapshot_type, SnapshotType)
    values.text("description", description)
    with transaction.atomic(using):
        session = reading.find_session(session_uuid, using=using)
        return _snapshot(session, _last_sequence(session), snapshot_type, description)


def _snapshot(session: Session, at: int, snapshot_type: str, description: str) -> int:
    using = session._state.db
    messages = session.messages.using(using).filter(sequence_number__lte=at).in_order()
    snapshot, _ = SessionSnapshot.objects.using(using).update_or_create(
        session=session,
        sequence_number=at,
        defaults={
            "snapshot_type": snapshot_type,
            "description": description,
            "session_state": reading.session_row(session),
            "context_window": list(
                messages.values("message_uuid", "sequence_number", "role", "content")
            ),
        },
    )
    return snapshot.id


def recover_session(
    session_uuid: str, *, sequence_number: int | None = None, using: str = "default"
) -> dict[str, Any]:
    """Return a session as a snapshot kept it: the newest, or the one at `sequence_number`.

    Keys: `session`, `messages` (as they were), `snapshot_type`, `sequence_number`, `created_at`,
    `description`, `messages_since` (how many came later). Nothing is changed. Raises `UnknownId`.
    """
    session = reading.find_session(session_uuid, using=using)
    snapshots = session.snapshots.using(using).order_by("-sequence_number")
    if sequence_number is not None:
        snapshots = snapshots.filter(sequence_number=sequence_number)
    snapshot = snapshots.first()
    if snapshot is None:
        at = "" if sequence_number is None else f" at message {sequence_number}"
        raise UnknownId(f"session {session.session_uuid} has no snapshot{at}")
    later = session.messages.using(using).filter(sequence_number__gt=snapshot.sequence_number)
    return reading.row(
        {
            "session": snapshot.session_state,
            "messages": snapshot.context_window or [],
            "snapshot_type": snapshot.snapshot_type,
            "sequence_number": snapshot.sequence_number,
            "created_at": snapshot.created_at,
            "description": snapshot.description,
            "messages_since": later.count(),
        }
    )


def annotate(
    entity_type: str,
    entity_uuid: str,
    annotation_type: str,
    *,
    content: str = "",
    rating: int | None = None,
    annotator: str = "",
    using: str = "default",
) -> str:
    """Attach a rating (1 to 5), tag, note or correction to a session or message; return its id."""
    values.choice("annotation_type", annotation_type, AnnotationType)
    values.text("content", content)
    values.field_text(Annotation, "annotator", annotator)
    if annotation_type == AnnotationType.RATING:
        if values.integer("rating", rating, most=5) not in {1, 2, 3, 4, 5}:
            raise InvalidValue(f"rating must be from 1 to 5, not {rating}")
    elif rating is not None:
        raise InvalidValue(f"a {annotation_type} has no rating")
    elif not content:
        raise InvalidValue(f"a {annotation_type} needs content")
    find = {
        AnnotatedEntity.SESSION: reading.find_session,
        AnnotatedEntity.MESSAGE: reading.find_message,
    }.get(entity_type)
    if find is None:
        raise InvalidValue(f"entity_type must be session or message, not {entity_type!r:.50}")
    with transaction.atomic(using):
        annotation = Annotation(
            annotation_uuid=new_id(),
            entity_type=entity_type,
            entity_id=find(entity_uuid, using=using).id,
            annotation_type=annotation_type,
            content=content,
            rating=rating,
            annotator=annotator,
        )
        annotation.save(using=using)
        return annotation.annotation_uuid


def rate(
    entity_type: str,
    entity_uuid: str,
    rating: int | None,
    *,
    annotator: str,
    using: str = "default",
) -> str | None:
    """Give the one rating that `annotator` has of a session or message; None takes it away."""
    find = {"session": reading.find_session, "message": reading.find_message}[entity_type]
    with transaction.atomic(using):
        Annotation.objects.using(using).filter(
            entity_type=entity_type,
            entity_id=find(entity_uuid, using=using).id,
            annotation_type=AnnotationType.RATING,
            annotator=annotator,
        ).delete()
        if rating is None:
            return None
        return annotate(
            entity_type, entity_uuid, "rating", rating=rating, annotator=annotator, using=using
        )
