"""Which messages the options of a command mean."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date, timedelta

from conversations import exporting, reading
from conversations.errors import InvalidValue
from conversations.filters import NONE, midnight
from conversations.models.choices import Role
from conversations.sources import HERE, SOURCES

from .requests import Scope


def add_filters(parser: ArgumentParser, model: str = "--model") -> None:
    """Add the options that `chosen` takes; `model` is what the one of models is called."""
    parser.add_argument("--project", help="only of this project; `none`: of no project")
    parser.add_argument(
        model,
        dest="of_model",
        action="append",
        metavar="MODEL",
        help="only that this model answered, `name` or `provider/name`; may be given again",
    )
    parser.add_argument("--source", choices=[name for name, _ in SOURCES])
    parser.add_argument("--tag", help="only of sessions with this tag")
    parser.add_argument("--role", choices=Role.values)
    parser.add_argument("--since", metavar="DAY", help="only of this day or later (2026-01-31)")
    parser.add_argument("--until", metavar="DAY", help="only of this day or earlier")
    parser.add_argument(
        "--session",
        action="append",
        metavar="SESSION",
        help="only of this session, by its id or how it starts; may be given again",
    )


def chosen(
    *,
    project: str | None = None,
    of_model: Iterable[str] | None = None,
    source: str | None = None,
    tag: str | None = None,
    role: str | None = None,
    since: str | None = None,
    until: str | None = None,
    session: Iterable[str] | None = None,
    with_trash: bool = True,
) -> tuple[Scope, str]:
    """Return which messages are meant, and the same in words; "" for all.

    Raises `InvalidValue` or `UnknownId`, which name what is not there or cannot be meant.
    """
    has_project = project not in (None, NONE)
    models = [row for name in of_model or () for row in exporting.models_named(name)]
    sessions = [reading.find_session(id) for id in session or ()]
    first, last = _day("--since", since), _day("--until", until)
    if first and last and last < first:
        raise InvalidValue(f"--until: {until} is before --since {since}")
    scope = Scope(
        project_id=exporting.project_named(project).pk if has_project else None,
        no_project=project == NONE,
        model_ids=tuple(row.pk for row in models) if of_model else None,
        source="" if source == HERE else source,
        tag=tag,
        role=role,
        since=midnight(first) if first else None,
        until=midnight(last + timedelta(days=1)) if last and last != date.max else None,
        session_ids=tuple(row.pk for row in sessions) if session else None,
        with_trash=with_trash,
    )
    said = {
        "project": project,
        "model": ", ".join(row.full_name for row in models),
        "source": source,
        "tag": tag,
        "role": role,
        "from": since,
        "to": until,
        "session": ", ".join(row.session_uuid for row in sessions),
    }
    return scope, "; ".join(f"{name} {value}" for name, value in said.items() if value)


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(f"{option}: {text!r:.50} is no day such as 2026-01-31") from error
