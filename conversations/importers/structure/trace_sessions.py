"""Sessions from the traces of a file, whose rows stand in it in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ..chat import Conversation
from ..records import SessionRecord, Skipped
from ..values.text import as_title
from .spans import Trace, add_traces

EMPTY = "a trace without messages"


class Traces:
    """The traces of a file by their ids."""

    def __init__(self) -> None:
        self._traces: dict[str, Trace] = {}

    def get(self, id: str, place: str) -> Trace:
        """Return the trace of this id, a new one if it was not seen before."""
        return self._traces.setdefault(id, Trace(id, place))

    def sessions(self) -> Iterator[SessionRecord | Skipped]:
        """Yield a session for the traces of each session id, or of each trace that has none."""
        by_session: dict[str, list[Trace]] = {}
        for trace in self._traces.values():
            by_session.setdefault(trace.session_id or trace.id, []).append(trace)
        for id, traces in by_session.items():
            yield _session(id, sorted(traces, key=_moment))


def _session(id: str, traces: list[Trace]) -> SessionRecord | Skipped:
    place = traces[0].place
    conversation = Conversation(id)
    add_traces(conversation, traces)
    if conversation.is_empty:
        return Skipped(place, EMPTY)
    session = conversation.session(
        place,
        project=_first(trace.project for trace in traces),
        tags=list(dict.fromkeys(tag for trace in traces for tag in trace.tags)),
        metadata={"traces": [{"id": trace.id, **trace.metadata} for trace in traces]},
    )
    session.title = session.title or as_title(_first(trace.title for trace in traces))
    return session


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")


def _moment(trace: Trace) -> float:
    times: list[datetime] = [span.started_at for span in trace.spans.values() if span.started_at]
    if trace.whole and trace.whole.started_at:
        times.append(trace.whole.started_at)
    return min(times).timestamp() if times else 0.0


def tags_in(row: dict[str, Any], name: str) -> list[str]:
    """Return the tags under `name`, whatever is no text left out."""
    tags = row.get(name)
    return [tag for tag in tags if isinstance(tag, str) and tag] if isinstance(tags, list) else []
