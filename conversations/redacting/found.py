"""What a search of a text gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Found(NamedTuple):
    """A part of a text that is to be masked; the same `value` is the same thing."""

    start: int
    end: int
    kind: str
    value: str


Finder = Callable[[str], Iterator[Found]]


def plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"
