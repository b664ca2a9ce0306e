"""Sessions from spans and log records, which come in any order and from any file.

What is held in memory is a few hundred bytes for each span of the import, whatever program wrote
it, and the messages of one session at a time. The spans of calls and tools wait in a temporary
file, since one of them may hold the whole conversation so far.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from ..records import Item, Rejected
from ..structure.links import cut_cycles
from ..values.fields import Unusable
from ..values.text import as_title
from . import dialects
from .building import Building, tells_of_session
from .dialects import first_text
from .envelope import Log, Span
from .json_form import as_request
from .messages import calls_in_logs, with_logs
from .spans import (
    CALL_KINDS,
    UNKNOWN,
    Counts,
    Kind,
    counts_of,
    innermost,
    kind_of,
    nearest,
    session_of,
)
from .spool import Spool


@dataclass(slots=True)
class Known:
    """What is held of a span while the others are read."""

    parent_id: str = ""
    kind: Kind = Kind.OTHER
    start: int = 0
    session: str = ""
    counts: Counts = UNKNOWN
    place: int = -1  # in the spool, if it is there
    weight: int = 0  # how much it says
    title: str = ""


@dataclass(slots=True)
class Trace:
    """The spans of a trace by their ids, and the log records of each."""

    spans: dict[str, Known] = field(default_factory=dict)
    logs: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # time, place in the spool
    sessions: dict[str, str] = field(default_factory=dict)  # what log records of a span name


@dataclass(frozen=True, slots=True)
class Step:
    """A call or the work of a tool, with the ids of the spans around it that tell of the same."""

    start: int
    trace_id: str
    span_id: str
    kind: Kind
    around: tuple[str, ...] = ()

    @property
    def is_call(self) -> bool:
        """Whether a model was called."""
        return self.kind is Kind.CALL


class Collection:
    """Takes spans and log records, and makes sessions of them when all are there."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._traces: dict[str, Trace] = {}

    def add(self, entry: Span | Log) -> bool:
        """Take a span or log record; return whether it tells of a call of a model."""
        return self._add_span(entry) if isinstance(entry, Span) else self._add_log(entry)

    def sessions(self) -> Iterator[Item]:
        """Yield the sessions in the order they began, and what could not be read."""
        steps: dict[str, list[Step]] = {}
        for trace_id, trace in self._traces.items():
            for session, step in _steps(trace_id, trace):
                steps.setdefault(session, []).append(step)
        of_calls = {id: some for id, some in steps.items() if any(step.is_call for step in some)}
        for some in of_calls.values():
            some.sort(key=lambda step: step.start)
        for id, some in sorted(of_calls.items(), key=lambda item: item[1][0].start):
            yield from self._session(id, some)

    def _add_span(self, span: Span) -> bool:
        trace = self._traces.setdefault(span.trace_id, Trace())
        kind = kind_of(span)
        weight = len(span.attributes) + len(span.events) + bool(span.end)
        known = trace.spans.get(span.span_id)
        if known is None or known.weight < weight:  # else it was exported twice
            says_something = kind is not Kind.OTHER or tells_of_session(span)
            trace.spans[span.span_id] = Known(
                span.parent_id,
                kind,
                span.start,
                session_of(span.attributes),
                counts_of(span) if kind in CALL_KINDS else UNKNOWN,
                self._spool.put(span) if says_something else -1,
                weight,
                "" if span.parent_id else as_title(span.name),
            )
        return kind in CALL_KINDS

    def _add_log(self, log: Log) -> bool:
        log.name = log.name or first_text(log.attributes, dialects.EVENT_NAMES)
        if log.name not in dialects.MESSAGE_EVENTS:
            return False
        if not log.trace_id:
            # Written outside any span; what it says tells it from others.
            content = orjson.dumps([log.name, log.time, log.body, log.attributes])
            log.trace_id = hashlib.sha256(content).hexdigest()[:32]
        trace = self._traces.setdefault(log.trace_id, Trace())
        trace.logs.setdefault(log.span_id, []).append((log.time, self._spool.put(log)))
        if session := session_of(log.attributes):
            trace.sessions.setdefault(log.span_id, session)
        return True

    def _session(self, id: str, steps: list[Step]) -> Iterator[Item]:
        building = Building(id)
        for step in steps:
            for span, around in self._spans_of(step):
                try:
                    building.add(step.kind, span, around)
                except Unusable as error:
                    yield Rejected(span.place, str(error), as_request(span))
        if session := building.session():
            session.title = session.title or self._root_of(steps)
            yield session

    def _root_of(self, steps: list[Step]) -> str:
        """Return the name of the first span with none around it, "" if there is none."""
        traces = dict.fromkeys(step.trace_id for step in steps)
        known = (known for id in traces for known in self._traces[id].spans.values())
        return next((span.title for span in known if span.title), "")

    def _spans_of(self, step: Step) -> Iterator[tuple[Span, list[Span]]]:
        """Yield the span of a step with those around it; without a span, one for its records."""
        trace = self._traces[step.trace_id]
        known = trace.spans.get(step.span_id)
        if known is not None and (known.kind in CALL_KINDS or not step.is_call):
            yield self._span(trace, step.span_id), [self._span(trace, id) for id in step.around]
            return
        for span in calls_in_logs(self._logs(trace, step.span_id)):
            yield span, []

    def _span(self, trace: Trace, id: str) -> Span:
        return with_logs(self._spool.span(trace.spans[id].place), self._logs(trace, id))

    def _logs(self, trace: Trace, span_id: str) -> list[Log]:
        return [self._spool.log(place) for _, place in trace.logs.get(span_id, ())]


def _steps(trace_id: str, trace: Trace) -> Iterator[tuple[str, Step]]:
    """Yield what counts in a trace, with the id of the session that it belongs to.

    A span belongs to the session that it names, or one around it, or else any of the trace.
    """
    spans = trace.spans
    parents = {id: known.parent_id for id, known in spans.items() if known.parent_id in spans}
    cut_cycles(parents)
    named = {id: known.session for id, known in spans.items() if known.session}
    named = {id: session for id, session in trace.sessions.items() if id not in named} | named
    in_order = sorted(named, key=lambda id: (id not in spans, id in spans and spans[id].start))
    anyone = named[in_order[0]] if in_order else trace_id
    around = nearest(parents, named)

    def session_for(id: str) -> str:
        return named.get(id) or named.get(around.get(id, ""), anyone)

    calls = {id: (s.kind, s.counts) for id, s in spans.items() if s.kind in CALL_KINDS}
    for id, same in innermost(calls, nearest(parents, calls)).items():
        yield session_for(id), Step(spans[id].start, trace_id, id, Kind.CALL, tuple(same))
    for id, known in spans.items():
        if known.kind not in CALL_KINDS and known.place >= 0:
            yield session_for(id), Step(known.start, trace_id, id, known.kind)
    for id, logs in trace.logs.items():
        if id not in calls:
            yield session_for(id), Step(min(logs)[0], trace_id, id, Kind.CALL)
