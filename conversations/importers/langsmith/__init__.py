"""Runs of LangSmith: lists, lines, tables, and what programs send to it ({post, patch})."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..chat import as_text
from ..reading.csv_rows import header_of
from ..reading.files import SourceFile
from ..reading.rows import Take, each_row
from ..reading.shape import shape_of
from ..records import Item, Rejected
from ..structure.trace_sessions import Traces
from ..values.fields import Unusable, kind, present
from ..values.inline import without_bytes
from .runs import add_run, run_id

LABEL = "LangSmith runs"

WRAPPER = "runs"
POST, PATCH, CHILDREN = "post", "patch", "child_runs"
PLACES = ("", "[].", "runs[].", "post[].", "patch[].", "[].post[].")
FIELDS = (
    {"dotted_order", "trace_id"},
    {"dotted_order", "run_type"},
    {"run_type", "start_time", "name"},
)
COLUMNS = ({"run_type", "inputs", "outputs"}, {"run_type", "trace_id"}, {"dotted_order"})


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of runs."""
    if columns := header_of(sample):
        names = {_snake_case(name) for name in columns}
        return any(some <= names for some in COLUMNS)
    shape = shape_of(sample)
    return any(
        shape.has(*(f"{place}{name}" for name in names)) for place in PLACES for names in FIELDS
    )


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, a file at a time."""
    for file in files:
        reader = _Reader()
        yield from each_row(file, WRAPPER, reader.take)
        yield from reader.finish()


class _Reader:
    """Takes the records of a file; what was sent about one run in several belongs together."""

    def __init__(self) -> None:
        self._traces = Traces()
        self._sent: dict[str, tuple[str, dict[str, Any]]] = {}  # by id: its place, what is known

    def take(self, row: dict[str, Any], place: str) -> Iterator[Rejected]:
        """Take a run or what was sent about several; yield what in it could not be read."""
        row = {_snake_case(name): value for name, value in row.items()}
        if isinstance(row.get(POST), list) or isinstance(row.get(PATCH), list):
            yield from self._each(row, POST, place, self._send)
            yield from self._each(row, PATCH, place, self._send)
        else:
            add_run(row, self._traces, place)
            yield from self._each(row, CHILDREN, place, self.take)

    def finish(self) -> Iterator[Item]:
        """Yield the sessions of the runs that were taken, and those that cannot be read."""
        for place, row in self._sent.values():
            try:
                add_run(row, self._traces, place)
            except Unusable as error:
                yield Rejected(place, str(error), as_text(row).encode())
        yield from self._traces.sessions()

    def _send(self, row: dict[str, Any], place: str) -> Iterator[Rejected]:
        """Take what was sent about a run, first that it began, then how it ended."""
        id = run_id(row)
        if not id:
            raise Unusable("the run has no id")
        if known := self._sent.get(id):
            place, row = known[0], known[1] | present(row)
        self._sent[id] = place, without_bytes(row)
        return iter(())

    def _each(self, row: dict[str, Any], name: str, place: str, take: Take) -> Iterator[Rejected]:
        runs = row.get(name)
        for number, run in enumerate(runs if isinstance(runs, list) else (), start=1):
            part = f"{place}, {name} {number}"
            try:
                if not isinstance(run, dict):
                    raise Unusable(f"the run is {kind(run)}, not an object")
                yield from take(run, part)
            except Unusable as error:
                yield Rejected(part, str(error))


def _snake_case(name: str) -> str:
    """Return the name of a field for that of a column: run_type, Run Type."""
    return name.strip().lower().replace(" ", "_")
