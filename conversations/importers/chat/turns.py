"""What one party says at once, in whatever dialect it was written down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from ..reading.json_values import Line, line_value
from ..records import MessageRecord
from ..values.fields import MAX_DEPTH, Unusable, kind, present
from ..values.inline import without_bytes
from ..values.text import clean_text, joined

ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "gpt": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
LONGEST_ROLE = 50


@dataclass(slots=True)
class Turn:
    """What one party says: text, thoughts, calls of tools; or what one tool gave back.

    `extra` is what the other fields do not say.
    """

    role: str
    texts: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    tool_call_ids: list[str] = field(default_factory=list)  # the calls that it answers
    attachments: list[dict[str, Any]] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)
    name: str = ""
    finish_reason: str = ""
    error: str = ""
    is_error: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The pieces of text with a blank line between them."""
        return self.texts[0] if len(self.texts) == 1 else joined(self.texts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said, thought, called or attached."""
        said = (self.thinking, self.tool_calls, self.tool_call_ids, self.attachments, self.others)
        return not (self.text.strip() or self.error or any(said))

    def add(self, other: Turn) -> None:
        """Go on with what the same party says next."""
        for name in ("texts", "thinking", "tool_calls", "tool_call_ids", "attachments", "others"):
            getattr(self, name).extend(getattr(other, name))
        self.finish_reason = other.finish_reason or self.finish_reason
        self.error = other.error or self.error
        self.extra |= other.extra

    def digest(self) -> str:
        """Return what tells this turn from another: role, text and calls, not the thoughts.

        A history that a program sends repeats these, and often not the thoughts.
        """
        calls = [[call.get("id"), call.get("name")] for call in self.tool_calls]
        said = [self.role, self.text.strip(), calls, self.tool_call_ids]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()

    def message(self, key: str) -> MessageRecord:
        """Return the turn as a message to store under `key`."""
        message = MessageRecord(
            key,
            self.role,
            self.text,
            tool_calls=self.tool_calls or None,
            finish_reason=self.finish_reason,
            error_message=self.error,
            metadata=present(
                {
                    "name": self.name,
                    "attachments": self.attachments,
                    "other_blocks": self.others,
                    "tool_call_ids": self.tool_call_ids,
                    "extra": self.extra,
                }
            ),
        )
        if self.is_error:
            message.metadata["is_error"] = True
        if self.role == "tool":
            message.content_type = "tool_result"
        elif not message.content.strip() and self.tool_calls:
            message.content_type = "tool_call"
        elif not message.content.strip() and self.thinking:
            message.content_type = "thinking"
            message.content = joined(self.thinking)
            return message
        if self.thinking:
            message.metadata["thinking"] = self.thinking
        return message


def role_of(name: Any, default: str = "user") -> str:
    """Return one of our roles for a foreign one; an unknown one counts as `default`."""
    return ROLES.get(name.lower(), default) if isinstance(name, str) else default


def arguments(value: Any) -> Any:
    """Return the arguments of a call: an object, also where it stands as JSON text, else text.

    Some writers encode twice. Text that was cut off stays text.
    """
    found = value
    for _ in range(2):
        if not isinstance(found, str) or not found.lstrip().startswith(("{", '"')):
            break
        found = parsed(found)
    return without_bytes(found if isinstance(found, dict) else value)


def parsed(text: str) -> Any:
    """Return the JSON value that `text` holds, `text` itself if it holds none."""
    try:
        # Text inside JSON has escapes of its own: NUL and half characters are cleaned out here.
        value = line_value(Line(1, text.encode("utf-8", "replace")))
    except Unusable:
        return text
    without_bytes(value, MAX_DEPTH)  # raises Unusable if it is nested too deep
    return value


def decoded(value: Any) -> Any:
    """Return the object or list that stands in text as JSON, also where it was encoded twice."""
    found = value
    for _ in range(2):
        if not isinstance(found, str) or not found.lstrip().startswith(("{", "[", '"')):
            break
        found = parsed(found)
    return found if isinstance(found, dict | list) else value


def as_text(value: Any) -> str:
    """Return text as it is, any other value as JSON, nothing as ""."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean_text(value)
    return orjson.dumps(without_bytes(value), option=orjson.OPT_NON_STR_KEYS).decode()


def name_in(record: dict[str, Any], *names: str) -> str:
    """Return the first of these entries that is some text, "" if none is."""
    return next(
        (value for name in names if isinstance(value := record.get(name), str) and value), ""
    )


def an_object(value: Any, name: str) -> dict[str, Any]:
    """Return `value` if it is an object; raises Unusable, with what it should have been."""
    if not isinstance(value, dict):
        raise Unusable(f"{name} is {kind(value)}, not an object")
    return value
