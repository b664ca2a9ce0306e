"""The requests of a batch, which stand in a file of their own, by their ids."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import IO, Any

import orjson

from ..reading.files import SourceFile, sample_of
from ..reading.json_values import Elements, line_value, lines
from ..reading.shape import shape_of
from ..values.fields import Unusable

WRAPPER = "requests"


@dataclass(slots=True)
class Ids:
    """The ids in a file, and whether it is one of requests or one of answers."""

    file: SourceFile
    is_requests: bool
    ids: set[str] = field(default_factory=set)


class Requests:
    """The bodies of requests by id, in a temporary file."""

    def __init__(self, copy: IO[bytes]) -> None:
        self._copy = copy
        self._places: dict[str, tuple[int, int]] = {}

    def add(self, id: str, body: dict[str, Any]) -> None:
        """Keep a body; the first one of an id stays, one nested too deep does not."""
        if id in self._places:
            return
        with suppress(orjson.JSONEncodeError):
            content = orjson.dumps(body)
            self._places[id] = (self._copy.tell(), len(content))
            self._copy.write(content)

    def body(self, id: str) -> dict[str, Any] | None:
        """Return the body of the request with this id, None if there is none."""
        if id not in self._places:
            return None
        start, length = self._places[id]
        self._copy.seek(start)
        return orjson.loads(self._copy.read(length))


def id_of(value: Any) -> str:
    """Return the id of a request or an answer; raises Unusable if there is none."""
    id = value.get("custom_id") if isinstance(value, dict) else None
    if isinstance(id, str) and id:
        return id
    raise Unusable("custom_id is missing or no text")


def ids_in(file: SourceFile, name: str, answers: Sequence[str]) -> Ids:
    """Return the ids in a file, in which a request stands under `name`; raises UnreadableFile.

    A file whose first record has one of `answers` is one of answers.
    """
    found: Ids | None = None
    for value in _values(file, counted=False):
        if isinstance(value, dict) and isinstance(value.get("custom_id"), str):
            if found is None:
                is_answer = any(value.get(answer) is not None for answer in answers)
                found = Ids(file, name in value and not is_answer)
            found.ids.add(value["custom_id"])
    return found or Ids(file, is_requests=False)


@contextmanager
def requests_of(file: SourceFile | None, name: str) -> Iterator[Requests]:
    """Open the requests of a file, in which each stands under `name`; raises UnreadableFile."""
    with tempfile.TemporaryFile(prefix="import-") as copy:
        requests = Requests(copy)
        for value in _values(file, counted=True) if file else ():
            if not isinstance(value, dict):
                continue
            id, body = value.get("custom_id"), value.get(name)
            if isinstance(id, str) and isinstance(body, dict):
                requests.add(id, body)
        yield requests


def closest(answers: Ids, requests: Sequence[Ids]) -> Ids | None:
    """Return the requests that were answered: those of most ids in common, then of most like name.

    Many batches count their ids from zero, so the names of the files have to tell them apart.
    """

    def likeness(one: Ids) -> tuple[int, int, int]:
        pairs = zip(answers.file.name, one.file.name, strict=False)
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        return len(answers.ids & one.ids), alike, -len(one.ids)

    best = max(requests, key=likeness, default=None)
    return best if best and answers.ids & best.ids else None


def _values(file: SourceFile, *, counted: bool) -> Iterator[Any]:
    """Yield what can be read of a file: lines, or the list in the body of a call that made it."""
    is_list = shape_of(sample_of(file)).has(WRAPPER)
    with file.open(counted=counted) as stream:
        if is_list:
            try:
                yield from Elements(stream, WRAPPER)
            except Unusable:
                return
        else:
            for line in lines(stream):
                try:
                    yield line_value(line)
                except Unusable:
                    continue
