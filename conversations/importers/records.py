"""What an importer yields: plain records, with no Django in them.

An importer turns files into `SessionRecord`s and says what it could not turn into one. The storing
layer (`conversations.storing`) takes these records from every format alike.

Token counts follow one convention: `input_tokens` is everything sent, cache reads and writes
included; `output_tokens` is everything generated, reasoning included; the other counts are parts
of those two. `None` means that the source does not say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class OwnColumns:
    """What only our own export says of a session or message, whose ids are those it had here.

    `columns` are stored as they are. `is_part` marks a session of which only messages are known.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    model_version: str = ""
    parent: str | None = None  # id of the session that this one was branched off from
    annotations: list[dict[str, Any]] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    is_part: bool = False


@dataclass(slots=True)
class MessageRecord:
    """One message, identified by `key`, which is unique among all messages of its source."""

    key: str
    role: str
    content: str = ""
    content_type: str = "text"
    parent_key: str | None = None
    timestamp: datetime | None = None
    provider: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None  # USD, as the source recorded it
    latency_ms: int | None = None
    finish_reason: str = ""
    error_message: str = ""
    tool_calls: list[dict[str, Any]] | None = None
    is_active_path: bool = True
    is_hidden: bool = False
    is_sidechain: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    own: OwnColumns | None = None


@dataclass(slots=True)
class SessionRecord:
    """One conversation, identified by `external_id` within its source."""

    external_id: str
    place: str  # where it was found, for the report: "conversations.json, record 12"
    title: str = ""
    project: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    provider: str = ""
    model: str = ""
    system_prompt: str = ""
    parent_external_id: str | None = None
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    messages: list[MessageRecord] = field(default_factory=list)
    own: OwnColumns | None = None


@dataclass(frozen=True, slots=True)
class CatalogRecord:
    """A project, model or basis of costs of our own export, which no session may refer to."""

    place: str
    kind: str  # "project", "model" or "cost_basis"
    columns: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that should have been a conversation, or a part of one, and could not be read.

    `content` is the record as its file has it, for another try; empty if it was never whole.
    """

    place: str
    reason: str
    content: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or record that holds no conversation and is none the worse for it."""

    place: str
    reason: str


Item = SessionRecord | CatalogRecord | Rejected | Skipped
