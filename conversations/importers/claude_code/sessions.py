"""The sessions of one Claude Code log file, put together from its records."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import orjson

from ..fields import Unusable, flag_in, kind, present, text_in
from ..inline import without_bytes
from ..records import MessageRecord, SessionRecord
from .blocks import read_blocks
from .messages import (
    MESSAGES,
    PROVIDER,
    SESSION_FIELDS,
    agent_of,
    finish,
    merge,
    typed_texts,
    unknown_message,
)
from .outline import Outline

# Book-keeping of the program: counted, not kept.
COUNTED = {
    "summary",
    "progress",
    "file-history-snapshot",
    "file-history-delta",
    "queue-operation",
    "last-prompt",
    "ai-title",
    "custom-title",
    "started",
    "result",
}
# Counted too, but the last of each says something about the session.
STATES = {
    "permission-mode",
    "mode",
    "agent-name",
    "pr-link",
    "worktree-state",
    "relocated",
    "bridge-session",
    "frame-link",
}
AGENT_TOOLS = ("Task", "Agent")
# What the editor or an interruption puts before a prompt makes no title.
NO_TITLE = ("<ide_", "[Request interrupted", "<bash-")
TITLE_LENGTH = 200
DIGEST_LENGTH = 16


@dataclass(slots=True)
class Entry:
    """A message and the place in the graph of records that it came from."""

    message: MessageRecord
    uuid: str
    parent: str
    is_prompt: bool = False


@dataclass(slots=True)
class Draft:
    """A session in the making."""

    session_id: str
    agent_id: str
    place: str
    entries: list[Entry] = field(default_factory=list)
    responses: dict[str, Entry] = field(default_factory=dict)  # message.id -> its entry
    tool_calls: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> message key, name
    facts: dict[str, str] = field(default_factory=dict)
    records: Counter[str] = field(default_factory=Counter)
    states: dict[str, Any] = field(default_factory=dict)
    digests: Counter[str] = field(default_factory=Counter)
    prompt: str = ""
    summary: tuple[int, str] = (-1, "")
    last_uuid: str = ""

    @property
    def external_id(self) -> str:
        return f"{self.session_id}/{self.agent_id}" if self.agent_id else self.session_id


class LogFile:
    """The records of one file, taken one by one, and the sessions they make up."""

    def __init__(self, name: str, outline: Outline) -> None:
        self._name = name
        self._outline = outline
        self._drafts: dict[tuple[str, str], Draft] = {}
        self._current: Draft | None = None
        self._unclaimed: Counter[str] = Counter()  # records before the first with a sessionId
        self._parents: dict[str, str] = {}  # uuid -> parentUuid, "" at roots
        self._messages: dict[str, MessageRecord] = {}  # uuid -> the message it became or joined
        self._drafts_of: dict[str, Draft] = {}

    @property
    def counts(self) -> Counter[str]:
        """How many records of each type stood in the file without making a message."""
        return sum((draft.records for draft in self._drafts.values()), self._unclaimed)

    def add(self, number: int, record: Any) -> None:
        """Take the record of line `number`; raises Unusable, and then nothing has changed."""
        if not isinstance(record, dict):
            raise Unusable(f"the line is {kind(record)}, not an object")
        type = text_in(record, "type")
        if not type:
            raise Unusable("type is missing")
        uuid = text_in(record, "uuid")
        if uuid and uuid in self._parents:
            return  # written twice
        parent = text_in(record, "parentUuid") or text_in(record, "logicalParentUuid")
        draft = self._draft_of(record, number)
        if type in COUNTED or type in STATES:
            self._count(draft, type, record)
        elif draft is None:
            raise Unusable("sessionId is missing")
        else:
            self._add_message(draft, record, type, uuid, parent)
        if uuid:
            self._parents[uuid] = parent
        if draft is not None:
            self._settle(draft, record, uuid)

    def sessions(self) -> Iterator[SessionRecord]:
        """Yield the sessions of the file in the order they begin, those without messages left out."""
        drafts = [draft for draft in self._drafts.values() if draft.entries]
        if drafts:
            drafts[0].records += self._unclaimed
        for draft in drafts:
            self._link(draft)
            self._leave_path(draft)
            yield self._session(draft)

    # -- taking records ----------------------------------------------------------------------------

    def _draft_of(self, record: dict[str, Any], number: int) -> Draft | None:
        session_id = text_in(record, "sessionId")
        agent_id = text_in(record, "agentId") if flag_in(record, "isSidechain") else ""
        if not session_id:
            return self._current
        draft = self._drafts.get((session_id, agent_id))
        return draft or Draft(session_id, agent_id, f"{self._name}, line {number}")

    def _settle(self, draft: Draft, record: dict[str, Any], uuid: str) -> None:
        """Note what the record says about its session."""
        self._current = self._drafts.setdefault((draft.session_id, draft.agent_id), draft)
        if len(draft.facts) < len(SESSION_FIELDS):
            for name in SESSION_FIELDS:
                value = record.get(name)
                if name not in draft.facts and isinstance(value, str) and value:
                    draft.facts[name] = value
        if uuid:
            if draft.agent_id or not record.get("isSidechain"):
                draft.last_uuid = uuid
            summary = self._outline.summaries.get(uuid)
            if summary is not None and summary > draft.summary:
                draft.summary = summary

    def _count(self, draft: Draft | None, type: str, record: dict[str, Any]) -> None:
        (self._unclaimed if draft is None else draft.records)[type] += 1
        if draft is not None and type in STATES:
            state = {
                key: value
                for key, value in present(record).items()
                if key not in ("type", "sessionId", "timestamp", "uuid", "parentUuid")
            }
            draft.states[type] = without_bytes(state)

    def _add_message(
        self, draft: Draft, record: dict[str, Any], type: str, uuid: str, parent: str
    ) -> None:
        key = uuid or self._digest_key(draft, record)
        if type == "assistant":
            envelope = record.get("message")
            response = text_in(envelope, "id") if isinstance(envelope, dict) else ""
            message = MESSAGES[type](record, response or key)
            if response in draft.responses:
                first = draft.responses[response].message
                merge(first, message)
                entry = None
                message = first
            else:
                entry = Entry(message, uuid, parent)
                if response:
                    draft.responses[response] = entry
            for call in message.tool_calls or ():
                draft.tool_calls[call["id"]] = (message.key, call["name"])
        else:
            message = MESSAGES.get(type, unknown_message)(record, key)
            is_prompt = type == "user" and message.role == "user" and not message.is_hidden
            entry = Entry(message, uuid, parent, is_prompt)
            if is_prompt and not draft.prompt:
                draft.prompt = _title_of(record)
            if message.role == "tool":
                self._note_agent(draft, record, message)
        if entry:
            draft.entries.append(entry)
        if not uuid:
            draft.digests[key] += 1
        else:
            self._messages[uuid] = message
            self._drafts_of[uuid] = draft
