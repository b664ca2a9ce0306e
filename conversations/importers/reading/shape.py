"""The outline of a JSON file as its first bytes show it, by which its format is recognised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

BOM = b"\xef\xbb\xbf"
# A string, with the colon if it is a name; a bracket; a literal; a string that the sample cuts off.
TOKEN = re.compile(
    rb'"([^"\\]*(?:\\.[^"\\]*)*)"\s*(:?)|[\[\]{}]|-?\d[\d.eE+-]*|true|false|null|"', re.DOTALL
)
DEEPEST = 6  # below this nothing tells formats apart
MOST_LINES = 40
LONGEST_VALUE = 200  # bytes of a string that is kept


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands where. A path is names joined by dots, `[]` for a list: `[].chat.history`.

    `paths` has every path that was seen, `values` the strings at it, the first few. `is_lines`
    tells that one value follows another, as in JSON Lines; their paths come together.
    """

    paths: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    is_lines: bool = False

    def has(self, *paths: str) -> bool:
        """Say whether all of these paths are there."""
        return all(path in self.paths for path in paths)

    def under(self, *names: str) -> bool:
        """Say whether these names stand in the value itself or in the elements of its list."""
        return self.has(*names) or self.has(*(f"[].{name}" for name in names))

    def says(self, path: str, *words: str) -> bool:
        """Say whether one of these strings stands at `path`."""
        return any(value in words for value in self.values.get(path, ()))


NOTHING = Shape()


@lru_cache(maxsize=4)
def shape_of(sample: bytes) -> Shape:
    """Return the outline of the JSON in `sample`, which may end anywhere; empty if it is none."""
    text = sample.removeprefix(BOM).lstrip()
    if not text.startswith((b"{", b"[")):
        return NOTHING
    paths: set[str] = set()
    values: dict[str, list[str]] = {}
    stack: list[tuple[str, bool]] = []  # the path of each open list or object, and if it is a list
    name, lines, place = "", 0, 0
    for token in TOKEN.finditer(text):
        start = token.group(0)[:1]
        if not stack and text[place : token.start()].strip():
            break  # something between two values: no JSON any more
        place = token.end()
        if start in (b"{", b"["):
            path = _below(stack, name)
            if start == b"[":
                path += "[]"
            if not stack:
                lines += 1
                if lines > MOST_LINES:
                    break
            stack.append((path, start == b"["))
            paths.add(path)
        elif start in (b"}", b"]"):
            if not stack:
                break
            stack.pop()
        elif start == b'"':
            if token.group(0) == b'"':
                break  # cut off
            content = token.group(1)
            if not stack:
                break
            if token.group(2):
                name = content.decode("utf-8", "replace")
                if len(stack) <= DEEPEST:
                    paths.add(_below(stack, name))
            elif len(content) <= LONGEST_VALUE and len(stack) <= DEEPEST:
                values.setdefault(_below(stack, name), []).append(
                    content.decode("utf-8", "replace")
                )
    paths.discard("")
    kept = {path: tuple(some[:MOST_LINES]) for path, some in values.items()}
    return Shape(frozenset(paths), MappingProxyType(kept), lines > 1)


def _below(stack: list[tuple[str, bool]], name: str) -> str:
    """Return the path of what stands next: under `name` of an object, or in a list."""
    if not stack:
        return ""
    above, is_list = stack[-1]
    if is_list:
        return above
    return f"{above}.{name}" if above else name
