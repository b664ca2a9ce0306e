"""What else speaks of sessions that are erased: undo history, imports, batches, workflows."""

from __future__ import annotations

import json
import re
import zlib

from . import changes
from .models import ImportChunk, RejectedRecord, Session

# The rows stay, as what a job or an execution consists of; their session is gone by its key.
REST = (
    """
    UPDATE batch_items SET input_data = NULL, result_data = NULL,
        error_message = CASE WHEN error_message <> '' THEN '(erased)' ELSE '' END
    WHERE session_id IN (SELECT value FROM json_each(%s))
    """,
    """
    UPDATE workflow_steps SET input_data = NULL, output_data = NULL,
        error_message = CASE WHEN error_message <> '' THEN '(erased)' ELSE '' END
    WHERE session_id IN (SELECT value FROM json_each(%s))
    """,
)
# Only chunks with a step about one of them: of an import of millions that is few or none.
CHUNKS = """
    SELECT chunk.id FROM import_chunks AS chunk
    WHERE chunk.steps <> '[]' AND EXISTS (
        SELECT 1 FROM json_each(chunk.steps) AS step,
            json_each(step.value, '$.was') AS was, json_each(was.value, '$[1]') AS pk
        WHERE (json_extract(step.value, '$.of') = 'conversations.Session'
                AND pk.value IN (SELECT value FROM json_each(%s)))
            OR (json_extract(step.value, '$.of') = 'conversations.Message'
                AND pk.value IN (SELECT id FROM messages WHERE session_id IN (
                    SELECT value FROM json_each(%s))))
    )
"""
SHORTEST_ID = 8  # of another program, to be known again inside a record


def forget(cursor, session_ids: list[int]) -> None:
    """Remove these sessions and their messages from all but their own tables."""
    using, ids = cursor.db.alias, json.dumps(session_ids)
    changes.forget(session_ids, using=using)
    cursor.execute(CHUNKS, [ids, ids])
    chunks = ImportChunk.objects.using(using).filter(pk__in=[id for [id] in cursor.fetchall()])
    for chunk in chunks.iterator():
        chunk.steps = changes.without(chunk.steps, session_ids, using=using)
        chunk.save(update_fields=["steps"])
    for statement in REST:
        cursor.execute(statement, [ids])
    _forget_rejected(session_ids, using)


def _forget_rejected(session_ids: list[int], using: str) -> None:
    """Delete records that could not be read and name one of these sessions as its program does."""
    sessions = Session.with_trash.using(using).filter(pk__in=session_ids)
    by_source: dict[str, list[bytes]] = {}
    for source, external_id in sessions.values_list("source", "external_id"):
        if len(external_id or "") >= SHORTEST_ID:
            by_source.setdefault(source, []).append(re.escape(external_id.encode()))
    for source, names in by_source.items():
        pattern = re.compile(rb'"(' + b"|".join(names) + rb')"')
        records = RejectedRecord.objects.using(using).filter(source=source)
        gone = [
            pk
            for pk, content in records.values_list("pk", "content").iterator(100)
            if pattern.search(zlib.decompress(content))
        ]
        records.filter(pk__in=gone).delete()
