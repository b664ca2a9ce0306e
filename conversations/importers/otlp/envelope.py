"""Spans and log records as OTLP carries them, out of their JSON or protobuf."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..records import Rejected
from ..values.fields import MAX_DEPTH, Unusable
from ..values.inline import digest

LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**63 - 1
INTEGER = re.compile(r"-?\d{1,19}")
ERROR = 2  # the code of a status
# How deep a value may be nested; what it is put into for storing adds some levels.
MAX_VALUE_DEPTH = MAX_DEPTH - 8

Attributes = dict[str, Any]


@dataclass(slots=True)
class Event:
    """Something that happened at a moment of a span; `time` in ns since 1970, 0 if unknown."""

    name: str
    time: int = 0
    attributes: Attributes = field(default_factory=dict)


@dataclass(slots=True)
class Span:
    """A piece of work that was traced; ids in lower-case hex, times in ns since 1970 or 0.

    Raises Unusable without ids.
    """

    trace_id: str
    span_id: str
    place: str
    parent_id: str = ""
    name: str = ""
    start: int = 0
    end: int = 0
    attributes: Attributes = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    status_code: int = 0
    status_message: str = ""
    resource: Attributes = field(default_factory=dict)
    scope: str = ""  # what wrote it: name and version of a library

    def __post_init__(self) -> None:
        if not (self.trace_id and self.span_id):
            raise Unusable("a span without an id, its own or that of its trace")

    @property
    def failed(self) -> bool:
        """Whether the status says so."""
        return self.status_code == ERROR


@dataclass(slots=True)
class Log:
    """A log record; its ids are "" if it was written outside any span."""

    trace_id: str
    span_id: str
    place: str
    name: str = ""
    time: int = 0
    body: Any = None
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)
    scope: str = ""


Entry = Span | Log | Rejected


def integer(value: Any) -> Any:
    """Return a whole number that stands as text or as a float, what is none as it is.

    One beyond 64 bits is text.
    """
    is_text = isinstance(value, str) and INTEGER.fullmatch(value)
    if is_text or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if isinstance(value, int) and not LEAST_INTEGER <= value <= GREATEST_INTEGER:
        return str(value)
    return value


def nanoseconds(value: Any) -> int:
    """Return a time in ns since 1970, 0 if it is none."""
    value = integer(value)
    return value if type(value) is int and value > 0 else 0


def described(encoded: str) -> dict[str, Any]:
    """Return what an attribute of bytes becomes, from its base64."""
    return digest(encoded, type="data")


def scope_label(name: str, version: str) -> str:
    """Return name and version of a library in one text."""
    return f"{name} {version}".strip()
