"""Data sets of OpenAssistant: trees of messages, a tree a line or a message a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .reading.dataset_rows import NO_MESSAGES, Row, a_row, content_id, place_of, reason_for, rows
from .reading.files import SourceFile, UnreadableFile, sample_of
from .reading.shape import Shape, shape_of
from .records import Item, MessageRecord, Rejected, SessionRecord, Skipped
from .structure.links import cut_cycles
from .structure.threads import MessageNode, Thread, unread
from .values.fields import Unusable, list_in, object_in, text_in
from .values.text import read_time

LABEL = "OpenAssistant trees and messages"

ROLES = {"prompter": "user", "assistant": "assistant", "system": "system"}
READ = {
    *("message_id", "parent_id", "text", "role", "model_name", "created_date", "replies"),
    *("message_tree_id", "tree_state"),
}
TREE_READ = {"message_tree_id", "tree_state", "prompt"}


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of OpenAssistant's trees or messages."""
    return place_of(shape_of(sample), _is_row) is not None


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, a tree held at a time."""
    for file in files:
        try:
            yield from _read_file(file)
        except UnreadableFile as error:
            yield Rejected(error.name, error.reason)


def _is_row(shape: Shape, place: str) -> bool:
    if shape.has(f"{place}message_tree_id"):
        return shape.has(f"{place}prompt") or shape.has(f"{place}role")
    is_linked = shape.has(f"{place}parent_id") or shape.has(f"{place}replies[]")
    is_message = shape.has(f"{place}message_id", f"{place}text") and is_linked
    return is_message and shape.says(f"{place}role", *ROLES)


def _is_nested(shape: Shape, place: str) -> bool:
    return shape.has(f"{place}prompt.message_id") or shape.has(f"{place}replies[].message_id")


@dataclass(slots=True)
class Plan:
    """To which tree each message of a file belongs, and in which row a tree ends."""

    trees: dict[str, str] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)


def _read_file(file: SourceFile) -> Iterator[Item]:
    shape = shape_of(sample_of(file))
    place = place_of(shape, _is_row) or ""
    plan = Plan() if _is_nested(shape, place) else _plan(file)
    threads: dict[str, Thread] = {}
    for number, row in enumerate(rows(file, _is_row)):
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            value = a_row(row.value)
            if not _is_flat(value):
                thread = _tree(value, row.place)
                yield from _with_content(thread, row)
                yield _session(thread)
                continue
            id = text_in(value, "message_id")
            tree = text_in(value, "message_tree_id") or plan.trees.get(id) or id
            thread = threads.get(tree) or _thread(tree, row.place, value)
            threads[tree] = thread
            thread.add(value, len(thread.nodes))
        except (Unusable, RecursionError) as error:
            yield Rejected(row.place, reason_for(error), row.verbatim())
            continue
        yield from _with_content(thread, row)
        if plan.ends.get(tree) == number:
            yield _session(threads.pop(tree))
    for thread in threads.values():
        yield _session(thread)


def _is_flat(row: dict[str, Any]) -> bool:
    """Say whether a row is one message of a tree whose other messages have rows of their own."""
    if "prompt" in row or row.get("replies"):
        return False
    return "replies" not in row or bool(row.get("parent_id") or row.get("message_tree_id"))


def _plan(file: SourceFile) -> Plan:
    """Return where the trees of a flat file end, so that none is held longer than it must be."""
    parents: dict[str, str] = {}
    trees: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for number, row in enumerate(rows(file, _is_row, counted=False)):
        if isinstance(row, Rejected) or not isinstance(row.value, dict):
            continue
        value = a_row(row.value)
        id, parent, tree = (
            value.get(name) for name in ("message_id", "parent_id", "message_tree_id")
        )
        if not isinstance(id, str) or not _is_flat(value):
            continue
        numbers[id] = number
        if isinstance(tree, str) and tree:
            trees[id] = tree
        elif isinstance(parent, str) and parent:
            parents[id] = parent
    cut_cycles(parents)
    plan = Plan()
    for id, number in numbers.items():
        root = id
        while root not in trees and parents.get(root) in numbers:
            root = parents[root]
        plan.trees[id] = tree = trees.get(root, root)
        plan.ends[tree] = max(number, plan.ends.get(tree, 0))
    return plan


def _tree(row: dict[str, Any], place: str) -> Thread:
    """Return the thread of a tree whose messages stand inside one another. Raises Unusable."""
    top = object_in(row, "prompt") if "prompt" in row else row
    tree = text_in(row, "message_tree_id") or text_in(top, "message_id") or content_id(row)
    thread = _thread(tree, place, row)
    if "prompt" in row:
        thread.session.metadata |= _extra(row, TREE_READ)
    waiting: list[tuple[Any, Any]] = [(top, None)]
    while waiting:
        message, parent = waiting.pop()
        if isinstance(message, dict):
            replies = list_in(message, "replies")
            message = {name: message[name] for name in message if name != "replies"}
            message["parent_id"] = parent
            waiting += [(reply, message.get("message_id")) for reply in reversed(replies)]
        thread.add(message, len(thread.nodes))
    return thread


def _thread(tree: str, place: str, row: dict[str, Any]) -> Thread:
    session = SessionRecord(tree, place)
    if state := text_in(row, "tree_state"):
        session.metadata["tree_state"] = state
    return Thread(session, _read_message, id="message_id", parent="parent_id")


def _read_message(raw: dict[str, Any], key: str) -> list[MessageRecord]:
    role, text = text_in(raw, "role"), text_in(raw, "text")
    if not text.strip():
        return []
    message = MessageRecord(
        key,
        ROLES.get(role, "user"),
        text,
        timestamp=read_time(raw.get("created_date")),
        model=text_in(raw, "model_name") if role == "assistant" else "",
        metadata=_extra(raw, READ),
    )
    if role not in ROLES:
        message.metadata.setdefault("extra", {})["role"] = role
    return [message]


def _extra(record: dict[str, Any], read: set[str]) -> dict[str, Any]:
    extra = unread(record, read)
    return {"extra": extra} if extra else {}


def _session(thread: Thread) -> SessionRecord | Skipped:
    thread.finish(_best_leaf(thread.nodes))
    return thread.session if thread.session.messages else Skipped(thread.session.place, NO_MESSAGES)


def _best_leaf(nodes: dict[str, MessageNode]) -> str:
    """Return where the path ends that the best answers make: of the least rank, else the first."""
    children: dict[str, list[str]] = {}
    for name, node in nodes.items():
        children.setdefault(node.parent if node.parent in nodes else "", []).append(name)
    leaf, seen = "", set()
    while (below := children.get(leaf)) and leaf not in seen:
        seen.add(leaf)
        leaf = min(below, key=lambda name: _order(nodes[name].raw))
    return leaf


def _order(message: dict[str, Any]) -> tuple[bool, bool, float]:
    rank = message.get("rank")
    is_ranked = isinstance(rank, int | float) and not isinstance(rank, bool)
    return message.get("deleted") is True, not is_ranked, rank if is_ranked else 0.0


def _with_content(thread: Thread, row: Row) -> Iterator[Rejected]:
    """Yield what a thread could not read, with the row that it stood in."""
    for rejected in thread.rejected:
        yield replace(rejected, content=row.verbatim())
    thread.rejected.clear()
