"""The nodes of a ChatGPT conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..structure.tree import Node
from ..values.fields import list_in, object_in, text_in
from ..values.text import read_time

FIELDS = {"id", "message", "parent", "children"}


@dataclass(slots=True)
class MessageNode(Node):
    """A node of `mapping`: a message, or nothing but links."""

    message: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


def read_node(node: dict[str, Any]) -> MessageNode:
    """Return a node of `mapping`; raises Unusable if a value in it has the wrong type."""
    message = object_in(node, "message")
    return MessageNode(
        parent=text_in(node, "parent"),
        children=[child for child in list_in(node, "children") if isinstance(child, str)],
        time=read_time(message.get("create_time")),
        message=message,
        extra={} if node.keys() <= FIELDS else {name: node[name] for name in node.keys() - FIELDS},
    )
