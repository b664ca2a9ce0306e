"""Parent links between messages, which foreign files may draw in circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Node = TypeVar("Node")


def cut_cycles(parents: dict[Node, Node]) -> None:
    """Remove from a mapping of node to parent as many links as it takes to leave no circle."""
    safe: set[Node] = set()
    for start in list(parents):
        trail: dict[Node, None] = {}
        node = last = start
        while node in parents and node not in safe and node not in trail:
            trail[node] = None
            last, node = node, parents[node]
        if node in trail:
            del parents[last]
        safe.update(trail)


def without_circles(links: Iterable[tuple[Node, Node]]) -> Iterator[tuple[Node, Node]]:
    """Yield links of node to parent, one for each node, but those that would close a circle."""
    above: dict[Node, Node] = {}  # of a node: one above it, the topmost that was known
    for node, parent in links:
        top, trail = parent, []
        while top in above:
            trail.append(top)
            top = above[top]
        above.update(dict.fromkeys(trail, top))
        if top != node:
            above[node] = top
            yield node, parent
