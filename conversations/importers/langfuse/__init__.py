"""Traces of Langfuse: a trace as its page downloads it, answers of its API, exports of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..reading.csv_rows import header_of
from ..reading.files import SourceFile
from ..reading.rows import each_row
from ..reading.shape import Shape, shape_of
from ..records import Item, Rejected
from ..structure.trace_sessions import Traces
from ..values.fields import Unusable, kind
from .observations import TYPES, read_observation
from .traces import read_trace

LABEL = "Langfuse export"

WRAPPER = "data"
# Objects inside a record that are records themselves.
TRACES, OBSERVATIONS = "traces", "observations"
PLACES = ("", "[].", "data[].", "traces[].", "data[].traces[].")
OBSERVATION_PLACES = (*PLACES, *(f"{place}observations[]." for place in PLACES))
TRACE_FIELDS = (
    {"projectId", "timestamp", "observations[]"},
    {"projectId", "timestamp", "sessionId", "public"},
    {"timestamp", "sessionId", "bookmarked", "public"},
)
OBSERVATION_FIELDS = {"traceId", "startTime"}
COLUMNS = {"type", "usageDetails", "promptTokens", "parentObservationId"}


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of traces or observations."""
    if columns := header_of(sample):
        names = {_camel_case(name) for name in columns}
        is_observation = names >= OBSERVATION_FIELDS and bool(names & COLUMNS)
        return is_observation or TRACE_FIELDS[2] <= names
    shape = shape_of(sample)
    if shape.has("trace.id", "trace.timestamp") and shape.has("trace.projectId"):
        return True
    return any(_is_observation_at(shape, place) for place in OBSERVATION_PLACES) or any(
        fields <= {path.removeprefix(place) for path in shape.paths if path.startswith(place)}
        for place in PLACES
        for fields in TRACE_FIELDS
    )


def _is_observation_at(shape: Shape, place: str) -> bool:
    is_named = shape.has(f"{place}traceId", f"{place}startTime")
    is_snake = shape.has(f"{place}trace_id", f"{place}start_time", f"{place}usage_details")
    return (is_named or is_snake) and shape.says(f"{place}type", *TYPES)


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, a file at a time."""
    for file in files:
        reader = _Reader()
        yield from each_row(file, WRAPPER, reader.take)
        yield from reader.traces.sessions()


class _Reader:
    def __init__(self) -> None:
        self.traces = Traces()

    def take(self, row: dict[str, Any], place: str) -> Iterator[Rejected]:
        """Take a record of any table; yield what in it could not be read."""
        row = {_camel_case(name): value for name, value in row.items()}
        if isinstance(row.get("trace"), dict):  # as the page of a trace downloads it
            observations = row.get(OBSERVATIONS) or row["trace"].get(OBSERVATIONS)
            row = row["trace"] | {OBSERVATIONS: observations}
        if isinstance(row.get(TRACES), list):
            yield from self._each(row, TRACES, place)
        elif "traceId" in row:
            read_observation(row, self.traces, place)
        elif "id" in row:
            trace = read_trace(row, self.traces, place)
            yield from self._each(row, OBSERVATIONS, place, trace.id)
        else:
            raise Unusable("neither a trace nor an observation")

    def _each(
        self, row: dict[str, Any], name: str, place: str, trace_id: str = ""
    ) -> Iterator[Rejected]:
        records = row.get(name)
        for number, record in enumerate(records if isinstance(records, list) else (), start=1):
            if isinstance(record, str):
                continue  # its id, where it is not told in full
            part = f"{place}, {name.removesuffix('s')} {number}"
            try:
                if not isinstance(record, dict):
                    raise Unusable(f"it is {kind(record)}, not an object")
                record = record | {"traceId": trace_id} if trace_id else record
                yield from self.take(record, part)
            except Unusable as error:
                yield Rejected(part, str(error))


def _camel_case(name: str) -> str:
    """Return a name as the API writes it, for one as the database has it: traceId, trace_id."""
    if "_" not in name:
        return name
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
