"""Messages that name the one they answer, put together to a conversation with its branches."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..chat.turns import Turn, as_text
from ..records import MessageRecord, Rejected, SessionRecord
from ..values.fields import Unusable, kind, list_in, text_in
from ..values.inline import without_bytes
from ..values.text import as_title
from .tree import Node, grow, inherit_times

ReadMessage = Callable[[dict[str, Any], str], list[MessageRecord]]

DIGEST_LENGTH = 32


@dataclass(slots=True)
class Said:
    """A message of the source taken apart: what its sender says, and what each tool gave back."""

    turn: Turn
    results: list[Turn] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return self.turn.is_empty and not self.results

    def records(self, key: str, time: datetime | None) -> list[MessageRecord]:
        """Return the message to store under `key`, and those of the tools behind it."""
        records = [self.turn.message(key)]
        for number, result in enumerate(self.results, start=1):
            records.append(result.message(f"{key}/result-{number}"))
        for record in records:
            record.timestamp = time
        return records


@dataclass(slots=True)
class MessageNode(Node):
    """A message of the source and what became of it: what was said, then what tools answered."""

    messages: list[MessageRecord] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    names_parent: bool = True


@dataclass(slots=True)
class Thread:
    """Takes the messages of a conversation one by one.

    `id`, `parent` and `children` are the names of the fields that link them. `read` returns the
    records of one message for a key, none if it says nothing; it may raise Unusable.
    """

    session: SessionRecord
    read: ReadMessage
    id: str
    parent: str
    children: str = ""
    nodes: dict[str, MessageNode] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, raw: Any, position: int, name: str = "") -> None:
        """Take a message, under `name` if it is given; one without an id goes by its position."""
        label = name or str(position)
        try:
            if not isinstance(raw, dict):
                raise Unusable(f"the message is {kind(raw)}, not an object")
            name = name or text_in(raw, self.id) or f"#{position}"
            if name in self.nodes:
                if raw != self.nodes[name].raw:
                    raise Unusable(f"{name} is the id of another message")
                return
            node = self._node(raw)
        except Unusable as error:
            self._reject(label, error)
            return
        self.nodes[name] = node
        try:
            node.messages = self.read(raw, f"{self.session.external_id}/{name}")
        except Unusable as error:
            # The node stays, so that the answers to it hang where they belong.
            self._reject(label, error)
        else:
            node.time = node.messages[0].timestamp if node.messages else None

    def follow_list(self, roots: Collection[str] = ()) -> None:
        """Let messages follow the one before them in the list where no other link is known.

        That is all of them if none names a parent, else those without that field and those whose
        parent is not there; answers to the same missing parent stay side by side. `roots` are the
        names that stand for no parent.
        """
        is_list = not any(node.parent for node in self.nodes.values())
        stand_ins = dict.fromkeys(roots, "")
        previous = ""
        for name, node in self.nodes.items():
            if is_list or not node.names_parent:
                node.parent = previous
            elif node.parent and node.parent not in self.nodes:
                node.parent = stand_ins.setdefault(node.parent, previous)
            previous = name

    def finish(self, current: str = "") -> None:
        """Give the session its messages, with `current` at the end of the active path."""
        tree = grow(self.nodes, current)
        times = inherit_times(tree, {name: node.time for name, node in self.nodes.items()})
        last: dict[str, str] = {}  # the key of the last message at a node or above it
        for name in tree.order:
            above = last.get(tree.parents.get(name, ""))
            for message in self.nodes[name].messages:
                message.parent_key, above = above, message.key
                message.is_active_path = name in tree.active
                if message.timestamp is None and times[name]:
                    message.timestamp = times[name]
                    message.metadata["time_is_inherited"] = True
                self.session.messages.append(message)
            if above:
                last[name] = above
        _sum_up(self.session)

    def _node(self, raw: dict[str, Any]) -> MessageNode:
        children = list_in(raw, self.children) if self.children else []
        return MessageNode(
            parent=text_in(raw, self.parent),
            children=[child for child in children if isinstance(child, str)],
            raw=raw,
            names_parent=self.parent in raw,
        )

    def _reject(self, label: str, error: Unusable) -> None:
        self.rejected.append(Rejected(f"{self.session.place}, message {label}", str(error)))


def _sum_up(session: SessionRecord) -> None:
    """Fill in what the messages tell about the session, where the source does not say it."""
    messages = session.messages
    answers = [message for message in messages if message.model]
    if not session.model and answers:
        session.model = Counter(message.model for message in answers).most_common(1)[0][0]
    if not session.provider:
        session.provider = next((answer.provider for answer in answers if answer.provider), "")
    if session.started_at is None:
        session.started_at = next((said.timestamp for said in messages if said.timestamp), None)
    session.title = session.title or next(
        (as_title(said.content) for said in messages if said.role == "user" and said.content), ""
    )
    session.system_prompt = session.system_prompt or next(
        (said.content for said in messages if said.role == "system" and said.is_active_path), ""
    )


def made_up_id(*values: Any) -> str:
    """Return an id for what has none, which follows from `values`. Raises Unusable."""
    return hashlib.sha256(as_text(list(values)).encode()).hexdigest()[:DIGEST_LENGTH]


def unread(record: dict[str, Any], read: Collection[str]) -> dict[str, Any]:
    """Return those fields that nobody reads and that say something, without encoded bytes.

    Raises Unusable if they are nested too deep.
    """
    return {
        name: without_bytes(record[name])
        for name in sorted(record.keys() - set(read))
        if record[name] is not False and record[name] not in (None, "", [], {})
    }
