"""The tree of a conversation with branches: which answers were kept, in what order to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..values.text import EARLIEST
from .links import cut_cycles


@dataclass(slots=True)
class Node:
    """A node of the tree, whose links may lead nowhere."""

    parent: str = ""
    children: list[str] = field(default_factory=list)
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """Node ids in reading order, parents before children; `parents` has no circles."""

    order: list[str]
    parents: dict[str, str]
    active: set[str]


def grow(nodes: Mapping[str, Node], current: str) -> Tree:
    """Return the tree that the links of `nodes` make, with `current` at the end of its active path.

    If there is no `current` among them, it is the leaf said last, the deepest of several.
    Depth first, the child on the active path last: so the active path reads on without a break
    from the last branch on, and what was discarded stands before what replaced it.
    """
    parents = _parents(nodes)
    children: dict[str, dict[str, None]] = {}
    for name, node in nodes.items():
        children[name] = {child: None for child in node.children if parents.get(child) == name}
    for child, parent in parents.items():
        children[parent].setdefault(child)
    if current not in nodes:
        current = _last_leaf(nodes, parents, children)
    active: set[str] = set()
    while current:
        active.add(current)
        current = parents.get(current, "")
    order: list[str] = []
    waiting = _active_first([name for name in nodes if name not in parents], active)
    while waiting:
        name = waiting.pop()
        order.append(name)
        waiting += _active_first(list(children[name]), active)
    return Tree(order, parents, active)


def _parents(nodes: Mapping[str, Node]) -> dict[str, str]:
    """Return the parent of each node: the one it names, else one that names it a child."""
    parents = {name: node.parent for name, node in nodes.items() if node.parent in nodes}
    for name, node in nodes.items():
        for child in node.children:
            if child in nodes and child != name:
                parents.setdefault(child, name)
    cut_cycles(parents)
    return parents


def _active_first(names: list[str], active: set[str]) -> list[str]:
    """Return `names` for a stack, where the one to be visited last comes first."""
    others = [name for name in reversed(names) if name not in active]
    return [name for name in names if name in active] + others


def _last_leaf(
    nodes: Mapping[str, Node], parents: dict[str, str], children: dict[str, dict[str, None]]
) -> str:
    """Return the leaf said last, the deepest of several; "" without nodes."""
    depths: dict[str, int] = {}
    for name in nodes:
        trail = []
        while name not in depths and name in parents:
            trail.append(name)
            name = parents[name]
        depth = depths.setdefault(name, 0)
        for above, below in enumerate(reversed(trail), start=1):
            depths[below] = depth + above

    def said(name: str) -> tuple[datetime, int]:
        return nodes[name].time or EARLIEST, depths[name]

    return max((name for name in nodes if not children[name]), key=said, default="")


def inherit_times(tree: Tree, times: dict[str, datetime | None]) -> dict[str, datetime | None]:
    """Return `times` with each missing one taken from the nearest node above or below it."""
    above: dict[str, tuple[int, datetime]] = {}
    below: dict[str, tuple[int, datetime]] = {}
    for name in tree.order:
        time = times.get(name)
        if time:
            above[name] = below[name] = (0, time)
        elif (parent := tree.parents.get(name, "")) in above:
            distance, time = above[parent]
            above[name] = (distance + 1, time)
    # Backwards, so the child on the active path, which comes last, speaks first for its parent.
    for name in reversed(tree.order):
        parent = tree.parents.get(name, "")
        if name in below and (parent not in below or below[parent][0] > below[name][0] + 1):
            distance, time = below[name]
            below[parent] = (distance + 1, time)
    inherited: dict[str, datetime | None] = {}
    for name in tree.order:
        found = [place[name] for place in (above, below) if name in place]
        inherited[name] = min(found, key=lambda pair: pair[0])[1] if found else None
    return inherited
