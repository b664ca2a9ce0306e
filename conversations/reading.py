"""Finding sessions and reading them, as rows: plain dicts that say what the columns hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Avg, Count, F, Max, Q, Sum

from .errors import AmbiguousId, UnknownId
from .models import LanguageModel, Message, Session

Row = dict[str, Any]

SESSION_COLUMNS = [
    field.attname
    for field in Session._meta.concrete_fields
    if field.name not in {"parent_external_id", "total_cost_nanos", "deleted_at"}
]
MESSAGE_COLUMNS = [
    field.attname for field in Message._meta.concrete_fields if field.name != "cost_nanos"
]
MODEL_COLUMNS = [field.attname for field in LanguageModel._meta.concrete_fields]
CANDIDATES = 10


def row(values: dict[str, Any]) -> Row:
    """Return `values` with times as the database writes them: UTC text without a zone."""
    return {
        name: value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
        if isinstance(value, datetime)
        else value
        for name, value in values.items()
    }


def _clean_id(identifier: Any) -> str:
    # What no id can hold must not reach the database: it would be an error of another kind.
    return identifier if isinstance(identifier, str) and identifier.isprintable() else ""


def find_session(identifier: str, *, in_trash: bool = False, using: str = "default") -> Session:
    """Return the session with this id, or the one whose id starts with it.

    `in_trash` looks in the trash, and nowhere else. Raises `UnknownId`, or `AmbiguousId` with the
    candidates.
    """
    kept, trashed = Session.objects.using(using), Session.with_trash.using(using).trashed()
    sessions, others = (trashed, kept) if in_trash else (kept, trashed)
    known = _clean_id(identifier)
    if session := sessions.filter(session_uuid=known).first():
        return session
    found = list(sessions.whose_id_starts_with(known)[: CANDIDATES + 1]) if known else []
    if len(found) == 1:
        return found[0]
    if not found:
        if known and others.whose_id_starts_with(known).exists():
            where = "is not in the trash" if in_trash else "is in the trash; bring it back first"
            raise UnknownId(f"session {identifier!r:.100} {where}")
        raise UnknownId(f"there is no session {identifier!r:.100}")
    listed = "".join(f"\n  {s.session_uuid}  {s.title[:60]}" for s in found[:CANDIDATES])
    more = "\n  and more" if len(found) > CANDIDATES else ""
    raise AmbiguousId(f"several sessions start with {identifier!r}:{listed}{more}")


def find_message(identifier: str, *, using: str = "default") -> Message:
    """Return the message with this id. Raises `UnknownId`."""
    messages = Message.objects.using(using).filter(session__deleted_at__isnull=True)
    message = messages.filter(message_uuid=_clean_id(identifier)).first()
    if message is None:
        raise UnknownId(f"there is no message {identifier!r:.100}")
    return message


def find_model(model_id: int, *, using: str = "default") -> LanguageModel:
    """Return the model with this number. Raises `UnknownId`."""
    known = isinstance(model_id, int) and 0 < model_id < 2**63
    model = known and LanguageModel.objects.using(using).filter(id=model_id).first()
    if not model:
        raise UnknownId(f"there is no model {model_id!r:.100}")
    return model


def model_row(model: LanguageModel) -> Row:
    """Return the columns of a model."""
    return row({name: getattr(model, name) for name in MODEL_COLUMNS})


def list_sessions(
    *,
    limit: int | None = 20,
    offset: int = 0,
    status: str | None = None,
    project: str | None = None,
    using: str = "default",
) -> list[Row]:
    """Return sessions as rows, newest first, with `project_name` and `model_full_name`."""
    sessions = Session.objects.using(using).newest_first()
    if status is not None:
        sessions = sessions.filter(status=status)
    if project is not None:
        sessions = sessions.filter(project__name=project)
    end = None if limit is None else offset + limit
    return [_named(values) for values in _with_names(sessions)[offset:end]]


def session_row(session: Session) -> Row:
    """Return the columns of a session, with `project_name` and `model_full_name`."""
    sessions = Session.with_trash.using(session._state.db).filter(id=session.id)
    return _named(_with_names(sessions).get())


def _with_names(sessions):
    return sessions.values(
        *SESSION_COLUMNS,
        project_name=F("project__name"),
        provider=F("model__provider"),
        model_name=F("model__model_name"),
    )


def _named(values: dict[str, Any]) -> Row:
    provider, model_name = values.pop("provider"), values["model_name"]
    values["model_full_name"] = model_name and f"{provider}/{model_name}"
    return row(values)


def conversation(session: Session) -> list[Row]:
    """Return the messages of a session in order, as rows."""
    messages = Message.objects.using(session._state.db).filter(session=session).in_order()
    return [row(values) for values in messages.values(*MESSAGE_COLUMNS).iterator(1000)]


def session_stats(session: Session) -> Row:
    """Return what the session adds up to: totals, duration (ms), latency (ms), roles, models."""
    messages = Message.objects.using(session._state.db).filter(session=session)
    summed = messages.aggregate(
        avg_latency_ms=Avg("latency_ms"),
        max_latency_ms=Max("latency_ms"),
        error_count=Count("id", filter=~Q(error_message="")),
        cache_read_tokens=Sum("cache_read_tokens"),
        reasoning_tokens=Sum("reasoning_tokens"),
        last_message_at=Max("timestamp"),
    )
    roles = messages.values_list("role").annotate(Count("id")).order_by("role")
    models = (
        messages.filter(model__isnull=False)
        .values_list("model__provider", "model__model_name")
        .annotate(Count("id"))
        .order_by("-id__count")
    )
    end = session.completed_at or summed["last_message_at"] or session.started_at
    return row(
        {
            "session_uuid": session.session_uuid,
            "title": session.title,
            "status": session.status,
            "started_at": session.started_at,
            "completed_at": session.completed_at,
            "duration_ms": max(0, round((end - session.started_at).total_seconds() * 1000)),
            "total_messages": session.total_messages,
            "total_input_tokens": session.total_input_tokens,
            "total_output_tokens": session.total_output_tokens,
            "total_tokens": session.total_input_tokens + session.total_output_tokens,
            "total_cost": session.total_cost,
            **summed,
            "messages_by_role": dict(roles),
            "messages_by_model": {f"{provider}/{name}": n for provider, name, n in models},
        }
    )
