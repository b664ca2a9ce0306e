"""OTLP: traces and log records of calls of models, in JSON or protobuf.

What calls of models are, and what was said in them, is told by the names of attributes: those of
OpenTelemetry, now and before, of OpenInference, Traceloop, Langfuse, pydantic-ai and Vercel.
All files of an import are read together, since a trace may be spread over several of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.files import SourceFile, UnreadableFile, sample_of
from ..reading.shape import shape_of
from ..records import Item, Rejected, Skipped
from ..values.fields import Unusable
from .envelope import Entry
from .json_form import REQUESTS, as_request, read_json
from .protobuf import framing_of, read_protobuf
from .sessions import Collection

LABEL = "OpenTelemetry traces (OTLP)"

NO_CALLS = "holds no call of a model"


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of spans or log records."""
    shape = shape_of(sample)
    return any(shape.under(name) for name in REQUESTS) or framing_of(sample) is not None


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read."""
    collection = Collection()
    for file in files:
        yield from _read_file(file, collection)
    yield from collection.sessions()


def _read_file(file: SourceFile, collection: Collection) -> Iterator[Item]:
    """Put what a file holds into the collection; yield what could not be read."""
    has_calls = is_broken = False
    try:
        for entry in _entries(file):
            if not isinstance(entry, Rejected):
                try:
                    has_calls |= collection.add(entry)
                    continue
                except Unusable as error:
                    entry = Rejected(entry.place, str(error), as_request(entry))
            is_broken = True
            yield entry
    except UnreadableFile as error:
        is_broken = True
        yield Rejected(error.name, error.reason)
    if not (has_calls or is_broken):
        yield Skipped(file.name, NO_CALLS)


def _entries(file: SourceFile) -> Iterator[Entry]:
    is_protobuf = framing_of(sample_of(file)) is not None
    return read_protobuf(file) if is_protobuf else read_json(file)
