"""The tree of a session's branches: what was split off from what."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

from .models import Session

DEEPEST = 50  # also what ends a circle, which a script may have written
MOST = 500

ROOT = """
    WITH RECURSIVE above (id, parent_session_id, steps) AS (
        SELECT id, parent_session_id, 0 FROM sessions WHERE id = %s
        UNION ALL
        SELECT session.id, session.parent_session_id, above.steps + 1
        FROM above
        JOIN sessions AS session ON session.id = above.parent_session_id
        WHERE above.steps < %s AND session.deleted_at IS NULL
    )
    SELECT id FROM above ORDER BY steps DESC LIMIT 1
"""
BELOW = """
    WITH RECURSIVE below (id, steps) AS (
        SELECT %s, 0
        UNION ALL
        SELECT session.id, below.steps + 1
        FROM below
        JOIN sessions AS session ON session.parent_session_id = below.id
        WHERE below.steps < %s AND session.deleted_at IS NULL
    )
    SELECT DISTINCT id FROM below LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Branch:
    """A session in the tree, `depth` steps below its root."""

    session: Session
    depth: int
    at: int | None  # number of the last message that it repeats


def tree(session: Session) -> list[Branch]:
    """Return the whole tree that a session is part of, each above its branches; at most `MOST`."""
    with connections[session._state.db].cursor() as cursor:
        cursor.execute(ROOT, [session.pk, DEEPEST])
        [root] = cursor.fetchone()
        cursor.execute(BELOW, [root, DEEPEST, MOST])
        ids = [pk for (pk,) in cursor.fetchall()]
    sessions = Session.with_trash.using(session._state.db).with_names().filter(pk__in=ids)
    children: dict[int | None, list[Session]] = {}
    for found in sessions.defer("system_prompt", "description").order_by("-started_at", "-id"):
        children.setdefault(None if found.pk == root else found.parent_session_id, []).append(found)
    branches, seen, waiting = [], set(), [(found, 0) for found in children.get(None, [])]
    while waiting:
        found, depth = waiting.pop()
        if found.pk in seen:
            continue
        seen.add(found.pk)
        branches.append(Branch(found, depth, _branched_at(found)))
        waiting += [(below, depth + 1) for below in children.get(found.pk, [])]
    return branches


def _branched_at(session: Session) -> int | None:
    at = session.metadata.get("branched_at") if isinstance(session.metadata, dict) else None
    return at if isinstance(at, int) else None
