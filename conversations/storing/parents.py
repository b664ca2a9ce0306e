"""Sessions that were split off from others, which may be stored before them, later, or never."""

from __future__ import annotations

from conversations.importers.structure.links import without_circles

AWAITING = """
    SELECT child.id, parent.id
    FROM sessions AS child
    JOIN sessions AS parent
        ON parent.source = child.source AND parent.external_id = child.parent_external_id
    WHERE child.parent_session_id IS NULL AND child.parent_external_id IS NOT NULL
    ORDER BY child.id
"""
NAMED = """
    SELECT child.id, parent.id
    FROM sessions AS child
    JOIN sessions AS parent ON parent.session_uuid = %s
    WHERE child.session_uuid = %s AND child.parent_session_id IS NULL
"""
ABOVE = """
    WITH RECURSIVE above (id, parent) AS (
        SELECT id, parent_session_id FROM sessions WHERE id IN {listed}
        UNION
        SELECT session.id, session.parent_session_id
        FROM above
        JOIN sessions AS session ON session.id = above.parent
    )
    SELECT id, parent FROM above WHERE parent IS NOT NULL
"""
LINK = "UPDATE sessions SET parent_session_id = %s WHERE id = %s"


def link_parents(cursor, database, named: dict[str, str]) -> None:
    """Link sessions to those they were split off from, now that all are stored.

    `named` are ids of sessions of our own export and of their parents. A link that would close a
    circle is left out.
    """
    cursor.execute(AWAITING)
    links = dict(cursor.fetchall())
    for child, parent in named.items():
        cursor.execute(NAMED, [parent, child])
        links.update(cursor.fetchall())
    if not links:
        return
    cursor.execute(*database.with_list(ABOVE, set(links.values())))
    stored = cursor.fetchall()
    sound = set(without_circles([*stored, *links.items()]))
    cursor.executemany(LINK, [(p, c) for c, p in links.items() if (c, p) in sound])
