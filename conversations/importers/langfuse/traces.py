"""Traces of Langfuse: what the runs of a program have in common."""

from __future__ import annotations

from typing import Any

from ..structure.spans import Trace
from ..structure.trace_sessions import Traces, tags_in
from ..values.fields import Unusable, present, text_in
from ..values.inline import without_bytes
from .observations import attributes_in, environment_in, resource_in, whole_of

MAPPED = {"id", "name", "timestamp", "sessionId", "input", "output", "metadata", "tags"}
MAPPED |= {"environment", "userId", "observations", "createdAt", "updatedAt", "projectId"}
NOISE = {"bookmarked", "public", "htmlPath", "latency", "level"}


def read_trace(row: dict[str, Any], traces: Traces, place: str) -> Trace:
    """Return the trace of a record, with what it says of itself; raises Unusable."""
    id = text_in(row, "id")
    if not id:
        raise Unusable("the trace has no id")
    whole = whole_of(row, id)
    rest = {name: row[name] for name in row.keys() - MAPPED - NOISE}
    about = {
        "name": text_in(row, "name"),
        "user": text_in(row, "userId"),
        "environment": environment_in(row),
        "extra": without_bytes(present(dict(sorted(rest.items())))),
        "metadata": attributes_in(row),
        "resource": resource_in(row),
    }
    tags = tags_in(row, "tags")
    session_id = text_in(row, "sessionId")
    trace = traces.get(id, place)
    if whole.said or whole.answered or trace.whole is None:
        trace.whole = whole
    trace.session_id = session_id or trace.session_id
    trace.title = about["name"] or trace.title
    trace.project = about["environment"] or trace.project
    trace.tags = tags or trace.tags
    trace.metadata |= present(about)
    return trace
