"""Choosing sessions and writing them out: what the page and the command share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Q
from django.http import QueryDict

from . import exporters, reading, search
from .errors import InvalidValue, TooSlow
from .exporters import Chat, Pieces
from .filters import NONE, SessionFilter, with_keys
from .models import LanguageModel, Project, Session
from .models.sessions import SessionQuerySet
from .redacting import Redactor, redacted

SEARCH_SECONDS = 60.0  # a file is worth more waiting than a page
LISTED = 5


def write(
    sessions: SessionQuerySet,
    format: str,
    *,
    redactor: Redactor | None = None,
    with_catalog: bool = False,
) -> Pieces:
    """Yield the file that holds these sessions, in one of `exporters.FORMATS`.

    `redactor` masks secrets and personal data and counts what it masked. `with_catalog` writes the
    projects and models too that no session refers to, where the format can hold them.
    """
    return _write(exporters.chats(sessions), format, redactor, with_catalog)


def write_one(session: Session, format: str, *, redactor: Redactor | None = None) -> Pieces:
    """Yield the file of one session, which in JSON is an object and no array."""
    chats = iter([exporters.chat(session)])
    if one := exporters.FORMATS[format].write_one:
        return one(next(redacted(chats, redactor) if redactor else chats))
    return _write(chats, format, redactor, with_catalog=False)


def _write(
    chats: Iterator[Chat], format: str, redactor: Redactor | None, with_catalog: bool
) -> Pieces:
    exporter = exporters.FORMATS[format]
    if redactor:
        chats = redacted(chats, redactor)
    if exporter.is_lossless:
        mask = redactor.mask if redactor else None
        return exporter.write(chats, with_catalog=with_catalog, mask=mask)
    return exporter.write(chats)


def filtered(query: QueryDict) -> SessionQuerySet:
    """Return the sessions of a list as its address says them: its filters, its search.

    `session` may name some by their ids. Raises `TooSlow` if the search finds no end.
    """
    if ids := query.getlist("session"):
        return Session.objects.filter(session_uuid__in=ids)
    rest = query.copy()
    typed = " ".join(rest.pop("q", []))
    sessions = SessionFilter(rest).qs
    return searched(sessions, typed) if typed.strip() else sessions


def searched(sessions: SessionQuerySet, typed: str) -> SessionQuerySet:
    """Return those of `sessions` that a search finds; raises `TooSlow` if it finds no end."""
    if search.read(typed, using=sessions.db).tree is None:
        return sessions
    keys, is_all = search.matching_sessions(typed, seconds=SEARCH_SECONDS, using=sessions.db)
    if not is_all:
        raise TooSlow(
            f"This search takes longer than {SEARCH_SECONDS:.0f} s: {typed[:100]!r}. Another word"
            " beside it, or a field such as after:7d, makes it quicker."
        )
    return with_keys(sessions, keys)


def of_options(
    ids: Iterable[str] = (),
    *,
    project: str | None = None,
    model: str | None = None,
    typed: str | None = None,
    **filters: str | None,
) -> SessionQuerySet:
    """Return the sessions that options of a command ask for; all without any.

    Raises `UnknownId` or `InvalidValue`, which name what is not there or cannot be meant.
    """
    if ids:
        found = [reading.find_session(id).pk for id in ids]
        return Session.objects.filter(pk__in=found)
    query = QueryDict(mutable=True)
    if project is not None:
        query["project"] = NONE if project == NONE else str(project_named(project).pk)
    for name, value in filters.items():
        if value is not None:
            query[name] = value
    chosen = SessionFilter(query)
    for name, (value, reason) in chosen.left_out.items():
        raise InvalidValue(f"--{name}: {value!r:.100}: {reason}")
    sessions = chosen.qs
    if model is not None:
        sessions = sessions.filter(model__in=models_named(model))
    return searched(sessions, typed) if typed else sessions


def project_named(name: str) -> Project:
    """Return the project of this name; raises `InvalidValue` if there is none."""
    project = Project.objects.filter(name=name).first()
    if project is None:
        known = ", ".join(Project.objects.values_list("name", flat=True)[:LISTED])
        raise InvalidValue(f"There is no project {name!r:.100}. There are: {known or 'none'}")
    return project


def models_named(name: str) -> list[LanguageModel]:
    """Return the models `name` or `provider/name`; raises `InvalidValue` if there is none."""
    provider, _, tail = name.partition("/")
    found = list(
        LanguageModel.objects.filter(Q(model_name=name) | Q(provider=provider, model_name=tail))
    )
    if not found:
        raise InvalidValue(f"There is no model {name!r:.100}.")
    return found
