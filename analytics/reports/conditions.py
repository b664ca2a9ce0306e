"""Filters as conditions on the table of sessions, for the few questions no roll-up answers."""

from __future__ import annotations

from typing import Any

from analytics.filters import Where

# Asked of each session: `IN` would list all that have the tag first, however few are wanted.
TAGGED = "EXISTS (SELECT 1 FROM session_tags WHERE session_id = session.id AND name = %s)"


def of_session(where: Where) -> tuple[str, list[Any]]:
    """Return what a row named `session` must be, as SQL with its parameters, the trash left out.

    Models and roles are those of messages: they are not in it.
    """
    parts, params = ["session.deleted_at IS NULL"], []
    for condition, value in (
        ("session.project_id = %s", where.project_id),
        ("session.source = %s", where.source),
        (TAGGED, where.tag),
    ):
        if value is not None:
            parts.append(condition)
            params.append(value)
    if where.no_project:
        parts.append("session.project_id IS NULL")
    return " AND ".join(parts), params
