"""Everything about sessions, one JSON object a line: the format that is imported again.

The first line names the format and its version; docs/export.schema.json describes all lines. What
a line leaves out has its default, so the same database gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from conversations.models import (
    Annotation,
    CostBasis,
    LanguageModel,
    Message,
    Project,
    SessionSnapshot,
)
from conversations.models.choices import AnnotatedEntity
from conversations.reading import Row, row

from .chats import Chat

FORMAT, VERSION = "llm-sessions", 1
CHATS_AT_ONCE = 200

# The columns of each kind of line, with the value that a line leaves out.
PROJECT = {"name": None, "description": "", "created_at": None, "updated_at": None, "metadata": {}}
MODEL = {
    field.attname: None if field.name in ("provider", "model_name") else ""
    for field in LanguageModel._meta.concrete_fields
    if field.name != "id"
}
COST_BASIS = {
    "digest": None, "kind": None, "rule": "", "origin": "", "provider": "", "model": "",
    "rates": {},
}  # fmt: skip
SESSION = {
    "session_uuid": None, "title": "", "session_type": "single", "description": "",
    "system_prompt": "", "temperature": None, "max_tokens": None, "top_p": None,
    "status": "active", "started_at": None, "completed_at": None, "tags": [], "metadata": {},
    "source": "", "external_id": None, "parent_external_id": None,
}  # fmt: skip
MESSAGE = {
    "message_uuid": None, "sequence_number": None, "role": None, "content": "",
    "content_type": "text", "timestamp": None, "input_tokens": None, "output_tokens": None,
    "cache_read_tokens": None, "cache_write_5m_tokens": None, "cache_write_1h_tokens": None,
    "reasoning_tokens": None, "cost": None, "latency_ms": None, "finish_reason": "",
    "function_call": None, "tool_calls": None, "error_message": "", "metadata": {},
    "external_id": None, "is_active_path": True, "is_hidden": False, "is_sidechain": False,
}  # fmt: skip
ANNOTATION = {
    "annotation_uuid": None, "annotation_type": None, "content": "", "rating": None,
    "annotator": "", "created_at": None, "updated_at": None, "metadata": {},
}  # fmt: skip
SNAPSHOT = {
    "snapshot_type": "checkpoint", "sequence_number": None, "session_state": None,
    "context_window": None, "created_at": None, "description": "",
}  # fmt: skip
TIMES = ("created_at", "updated_at", "started_at", "completed_at", "timestamp")


Mask = Callable[[Row], Row]


def as_own(
    chats: Iterable[Chat], *, with_catalog: bool = False, mask: Mask | None = None
) -> Iterator[bytes]:
    """Yield sessions with their messages, notes and snapshots, each after what it refers to.

    `with_catalog` writes all projects and models first, those too that no session refers to: then
    the file is the whole database as far as it is about conversations. `mask` is for the records
    that are fetched here and come with no chat.
    """
    mask = mask or _as_it_is
    yield line({"record": "export", "format": FORMAT, "version": VERSION})
    catalog = _Catalog(mask)
    if with_catalog:
        yield from catalog.all_lines()
    chats = iter(chats)
    while some := list(islice(chats, CHATS_AT_ONCE)):
        ids = [chat.session["id"] for chat in some]
        notes, snapshots = _notes(ids), _snapshots(ids)
        for chat in some:
            yield from catalog.lines_of(chat.session)
            yield line(_session(chat.session))
            uuid = chat.session["session_uuid"]
            for message in chat.messages():
                yield from catalog.lines_of(message)
                yield line(_message(message, uuid, catalog.digests))
            for kind, rows in (("annotation", notes), ("snapshot", snapshots)):
                for values in rows.get(chat.session["id"], ()):
                    yield line(mask({"record": kind, "session": uuid, **values}))


def _as_it_is(values: Row) -> Row:
    return values


class _Catalog:
    """The projects, models and bases of costs that were written already."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._projects: set[int] = set()
        self._models: set[int] = set()
        self.digests: dict[int, str] = {}  # of bases, by id

    def all_lines(self) -> Iterator[bytes]:
        for project in Project.objects.order_by("id").values():
            self._projects.add(project["id"])
            yield line(self._project(project))
        for model in LanguageModel.objects.order_by("id").values():
            self._models.add(model["id"])
            yield line(self._model(model))

    def lines_of(self, referring: Row) -> Iterator[bytes]:
        project, model = referring.get("project_id"), referring["model_id"]
        if project and project not in self._projects:
            self._projects.add(project)
            yield line(self._project(Project.objects.filter(pk=project).values().get()))
        if model and model not in self._models:
            self._models.add(model)
            yield line(self._model(LanguageModel.objects.filter(pk=model).values().get()))
        basis = referring.get("cost_basis_id")
        if basis and basis not in self.digests:
            values = CostBasis.objects.filter(pk=basis).values().get()
            self.digests[basis] = values["digest"]
            if basis not in CostBasis.FIXED:
                yield line(self._mask({"record": "cost_basis", **_said(values, COST_BASIS)}))

    def _project(self, values: dict[str, Any]) -> Row:
        return self._mask({"record": "project", **_said(row(values), PROJECT)})

    def _model(self, values: dict[str, Any]) -> Row:
        return self._mask({"record": "model", **_said(row(values), MODEL)})


def _session(values: Row) -> Row:
    found = {"record": "session", **_said(values, SESSION)}
    for name, key in (("project", "project_name"), ("parent", "parent_uuid")):
        if values[key] is not None:
            found[name] = values[key]
    return _with_model(found, values)


def _message(values: Row, session: str, digests: dict[int, str]) -> Row:
    found = {"record": "message", "session": session, **_said(values, MESSAGE)}
    if values["cost_basis_id"] is not None:
        found["cost_basis"] = digests[values["cost_basis_id"]]
    if values["parent_uuid"] is not None:
        found["parent"] = values["parent_uuid"]
    return _with_model(found, values)


def _with_model(found: Row, values: Row) -> Row:
    if values["model_id"]:
        found["model"] = [values["provider"], values["model_name"], values["model_version"]]
    return found


def _notes(session_ids: list[int]) -> dict[int, list[Row]]:
    """Return the annotations of sessions and of their messages, by session."""
    found: dict[int, list[Row]] = {}
    of_sessions = Annotation.objects.filter(
        entity_type=AnnotatedEntity.SESSION, entity_id__in=session_ids
    )
    for values in of_sessions.order_by("id").values():
        found.setdefault(values["entity_id"], []).append(_said(row(values), ANNOTATION))
    messages = Message.objects.filter(session_id__in=session_ids)
    of_messages = Annotation.objects.filter(
        entity_type=AnnotatedEntity.MESSAGE, entity_id__in=messages.values("id")
    )
    rows = list(of_messages.order_by("id").values())
    places = messages.in_bulk([values["entity_id"] for values in rows])
    for values in rows:
        message = places[values["entity_id"]]
        note = {"message": message.message_uuid, **_said(row(values), ANNOTATION)}
        found.setdefault(message.session_id, []).append(note)
    return found


def _snapshots(session_ids: list[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    snapshots = SessionSnapshot.objects.filter(session_id__in=session_ids)
    for values in snapshots.order_by("session_id", "sequence_number").values():
        found.setdefault(values["session_id"], []).append(_said(row(values), SNAPSHOT))
    return found


def _said(values: Row, defaults: dict[str, Any]) -> Row:
    """Return the columns that have another value than their default, times in ISO 8601."""
    return {
        name: iso(value) if name in TIMES and value is not None else value
        for name, default in defaults.items()
        if (value := values[name]) != default or type(value) is not type(default)
    }


def iso(time: str) -> str:
    """Return a time of a row, `2025-01-08 20:30:45`, as `2025-01-08T20:30:45Z`."""
    return f"{time[:10]}T{time[11:]}Z"


def line(values: Row) -> bytes:
    """Return a record as a line of JSON."""
    try:
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a number beyond 64 bits
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass") + b"\n"
