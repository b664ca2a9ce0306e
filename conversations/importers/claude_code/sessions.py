"""The sessions of one Claude Code log file, put together from its records."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from ..records import MessageRecord, SessionRecord
from ..structure.links import cut_cycles
from ..values.fields import Unusable, flag_in, kind, present, text_in
from ..values.inline import without_bytes
from ..values.text import as_title
from .blocks import read_blocks
from .messages import (
    MESSAGES,
    PROVIDER,
    SESSION_FIELDS,
    agent_of,
    assistant_message,
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
BOOK_KEEPING = ("type", "sessionId", "timestamp", "uuid", "parentUuid")
AGENT_TOOLS = ("Task", "Agent")
# What the editor or an interruption puts before a prompt makes no title.
NO_TITLE = ("<ide_", "[Request interrupted", "<bash-")
DIGEST_LENGTH = 16
# How many hooks and notes may stand between a prompt and the answer to it.
MAX_NOTES_BEFORE_ANSWER = 100


@dataclass(slots=True)
class Draft:
    """A session in the making."""

    session_id: str
    agent_id: str
    place: str
    entries: list[Entry] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    responses: dict[str, Entry] = field(default_factory=dict)  # message.id -> its entry
    tool_calls: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> message key, name
    facts: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=lambda: set(SESSION_FIELDS))  # facts not met yet
    records: Counter[str] = field(default_factory=Counter)
    states: dict[str, Any] = field(default_factory=dict)
    digests: Counter[str] = field(default_factory=Counter)
    prompt: str = ""
    summary: tuple[int, str] = (-1, "")
    last_uuid: str = ""

    @property
    def external_id(self) -> str:
        return f"{self.session_id}/{self.agent_id}" if self.agent_id else self.session_id


@dataclass(slots=True, eq=False)
class Entry:
    """A message and the place in the graph of records that it came from."""

    draft: Draft
    message: MessageRecord
    uuid: str
    parent: str
    position: int
    above: Entry | None = None
    is_prompt: bool = False


class LogFile:
    """Takes the records of one file one by one and makes sessions of them."""

    def __init__(self, name: str, outline: Outline) -> None:
        self._name = name
        self._outline = outline
        self._drafts: dict[tuple[str, str], Draft] = {}
        self._current: Draft | None = None
        self._unclaimed: Counter[str] = Counter()  # records before the first with a sessionId
        self._parents: dict[str, str] = {}  # uuid -> parentUuid, "" at roots
        self._entries: dict[str, Entry] = {}  # uuid -> the message it became or joined
        self._above: dict[str, Entry | None] = {}  # uuid without a message -> nearest above

    def counts(self) -> Counter[str]:
        """Return how many records of each type stood in the file without making a message."""
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
        elif type == "assistant":
            self._add_response(draft, record, uuid, parent)
        else:
            self._add_message(draft, record, type, uuid, parent)
        if uuid:
            self._parents[uuid] = parent
        if draft is not None:
            self._settle(draft, record, uuid)

    def sessions(self) -> Iterator[SessionRecord]:
        """Yield the sessions of the file in the order they begin, none without messages."""
        sessions = self._finished()
        # What the records were linked by takes a third as much again as what they say.
        for links in (self._parents, self._entries, self._above):
            links.clear()
        self._current = None
        while sessions:
            yield sessions.pop(0)

    def _finished(self) -> list[SessionRecord]:
        drafts = [draft for draft in self._drafts.values() if draft.entries]
        if drafts:
            drafts[0].records += self._unclaimed
        for draft in drafts:
            for entry in draft.entries:
                finish(entry.message)
            self._link(draft)
            self._mark_abandoned(draft)
        sessions = [self._session(draft) for draft in drafts]
        for draft in drafts:  # an entry knows its draft: without this they would be garbage
            draft.entries.clear()
            draft.responses.clear()
        return sessions

    # -- taking records ----------------------------------------------------------------------------

    def _draft_of(self, record: dict[str, Any], number: int) -> Draft | None:
        session_id = text_in(record, "sessionId")
        agent_id = text_in(record, "agentId") if flag_in(record, "isSidechain") else ""
        if not session_id:
            return self._current
        draft = self._drafts.get((session_id, agent_id))
        return draft or Draft(session_id, agent_id, f"{self._name}, line {number}")

    def _settle(self, draft: Draft, record: dict[str, Any], uuid: str) -> None:
        """Note what an accepted record says about its session."""
        if draft is not self._current:
            self._drafts[draft.session_id, draft.agent_id] = self._current = draft
        for name in draft.unknown & record.keys():
            value = record[name]
            if value and isinstance(value, str):
                draft.facts[name] = value
                draft.unknown.discard(name)
        if uuid:
            if _is_of(draft, record):
                draft.last_uuid = uuid
            if uuid in self._outline.summaries:
                draft.summary = max(draft.summary, self._outline.summaries[uuid])

    def _count(self, draft: Draft | None, type: str, record: dict[str, Any]) -> None:
        if draft is None:
            self._unclaimed[type] += 1
            return
        if type in STATES:
            state = {name: record[name] for name in record if name not in BOOK_KEEPING}
            draft.states[type] = without_bytes(present(state))
        draft.records[type] += 1

    def _add_response(self, draft: Draft, record: dict[str, Any], uuid: str, parent: str) -> None:
        envelope = record.get("message")
        response = text_in(envelope, "id") if isinstance(envelope, dict) else ""
        message = assistant_message(record, response or uuid or self._digest_key(draft, record))
        entry = draft.responses.get(response) if response else None
        if entry:
            merge(entry.message, message)
        else:
            entry = self._enter(draft, message, uuid, parent)
            if response:
                draft.responses[response] = entry
        for call in message.tool_calls or ():
            draft.tool_calls[call["id"]] = (entry.message.key, call["name"])
        if uuid:
            self._entries[uuid] = entry

    def _add_message(
        self, draft: Draft, record: dict[str, Any], type: str, uuid: str, parent: str
    ) -> None:
        message = MESSAGES.get(type, unknown_message)(
            record, uuid or self._digest_key(draft, record)
        )
        entry = self._enter(draft, message, uuid, parent)
        if uuid:
            self._entries[uuid] = entry
        if message.role == "tool":
            self._note_agent(draft, record, message)
        elif type == "user" and not message.is_hidden and _is_of(draft, record):
            entry.is_prompt = True
            draft.prompt = draft.prompt or _title_of(record)

    def _enter(self, draft: Draft, message: MessageRecord, uuid: str, parent: str) -> Entry:
        if message.key in draft.keys:
            raise Unusable(f"{message.key} is the id of another message")
        draft.keys.add(message.key)
        entry = Entry(draft, message, uuid, parent, len(draft.entries))
        draft.entries.append(entry)
        return entry

    def _digest_key(self, draft: Draft, record: dict[str, Any]) -> str:
        """Return a key for a record without uuid that is the same in every copy of the file."""
        content = orjson.dumps(without_bytes(record), option=orjson.OPT_SORT_KEYS)
        key = f"{draft.external_id}:{hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]}"
        draft.digests[key] += 1
        times = draft.digests[key]
        return key if times == 1 else f"{key}:{times}"

    def _note_agent(self, draft: Draft, record: dict[str, Any], message: MessageRecord) -> None:
        """Note which call started the sub-agent that this tool result reports about."""
        calls = [
            (call_id, *draft.tool_calls[call_id])
            for call_id in message.metadata.get("tool_call_ids", ())
            if call_id in draft.tool_calls
        ]
        for call_id, message_key, name in calls:
            if name in AGENT_TOOLS and (agent := agent_of(record, message)):
                start = {"tool_call_id": call_id, "message_key": message_key}
                self._outline.starts.setdefault((draft.session_id, agent), start)

    # -- making sessions ---------------------------------------------------------------------------

    def _nearest(self, uuid: str) -> Entry | None:
        """Return the message of the record `uuid`, or of the first record above that has one."""
        entry = self._entries.get(uuid)
        if entry or not uuid:
            return entry
        passed: dict[str, None] = {}
        while uuid and uuid not in passed and uuid not in self._above:
            if entry := self._entries.get(uuid):
                break
            passed[uuid] = None
            uuid = self._parents.get(uuid, "")
        entry = entry or self._above.get(uuid)
        self._above.update(dict.fromkeys(passed, entry))
        return entry

    def _link(self, draft: Draft) -> None:
        """Give each message its parent, one of the same session, and each response its latency."""
        has_forward_link = False
        for entry in draft.entries:
            above = self._nearest(entry.parent)
            if above is not entry:
                entry.above = above
                # Records are now and then written a line too early, so this alone is no cycle.
                if above and above.draft is draft and above.position > entry.position:
                    has_forward_link = True
        if has_forward_link:
            links = {entry: entry.above for entry in draft.entries if entry.above}
            cut_cycles(links)
            for entry in draft.entries:
                entry.above = links.get(entry)
        for entry in draft.entries:
            if entry.above and entry.above.draft is draft:
                entry.message.parent_key = entry.above.message.key
            elif entry.parent:
                entry.message.metadata["parent_uuid"] = entry.parent
            if entry.message.model:
                _measure_latency(entry)

    def _mark_abandoned(self, draft: Draft) -> None:
        """Take prompts that were withdrawn, and all that followed them, off the active path.

        Only prompts: parallel tool calls make forks too, in which nothing was withdrawn.
        """
        siblings: dict[str, list[Entry]] = {}
        for entry in draft.entries:
            if entry.is_prompt and entry.parent:
                siblings.setdefault(entry.parent, []).append(entry)
        forks = [prompts for prompts in siblings.values() if len(prompts) > 1]
        if not forks:
            return
        path: set[str] = set()
        uuid = draft.last_uuid
        while uuid and uuid not in path:
            path.add(uuid)
            uuid = self._parents.get(uuid, "")
        waiting = [
            prompt.uuid
            for prompts in forks
            if any(prompt.uuid in path for prompt in prompts)
            for prompt in prompts
            if prompt.uuid not in path
        ]
        children: dict[str, list[str]] = {}
        for uuid, parent in self._parents.items():
            children.setdefault(parent, []).append(uuid)
        passed = set(path)
        while waiting:
            uuid = waiting.pop()
            if uuid and uuid not in passed:
                passed.add(uuid)
                below = self._entries.get(uuid)
                if below and below.draft is draft:
                    below.message.is_active_path = False
                waiting += children.get(uuid, ())

    def _session(self, draft: Draft) -> SessionRecord:
        messages = [entry.message for entry in draft.entries]
        models = Counter(message.model for message in messages if message.model)
        metadata: dict[str, Any] = {
            new: draft.facts[name] for name, new in SESSION_FIELDS.items() if name in draft.facts
        }
        if draft.records:
            metadata["records"] = dict(draft.records)
        if draft.states:
            metadata["states"] = draft.states
        if draft.agent_id:
            metadata["agent_id"] = draft.agent_id
            if start := self._outline.starts.get((draft.session_id, draft.agent_id)):
                metadata["started_by"] = start
        return SessionRecord(
            external_id=draft.external_id,
            place=draft.place,
            title=self._title(draft),
            project=_last_element(draft.facts.get("cwd", "")),
            started_at=next((message.timestamp for message in messages if message.timestamp), None),
            provider=PROVIDER,
            model=models.most_common(1)[0][0] if models else "",
            parent_external_id=draft.session_id if draft.agent_id else None,
            metadata=metadata,
            messages=messages,
        )

    def _title(self, draft: Draft) -> str:
        given = "" if draft.agent_id else self._outline.title_of(draft.session_id)
        return as_title(given or draft.summary[1] or draft.prompt)


def _is_of(draft: Draft, record: dict[str, Any]) -> bool:
    """Return whether a record is of the conversation itself, not of one that old logs mix in."""
    return bool(draft.agent_id) or not record.get("isSidechain")


def _measure_latency(entry: Entry) -> None:
    message = entry.message
    above = entry.above
    for _ in range(MAX_NOTES_BEFORE_ANSWER):
        if above is None or above.message.role != "system":
            break
        above = above.above
    if above is None or above.message.role not in ("user", "tool"):
        return
    if message.timestamp and above.message.timestamp:
        waited = message.timestamp - above.message.timestamp
        if waited >= timedelta():
            message.latency_ms = waited // timedelta(milliseconds=1)


def _title_of(record: dict[str, Any]) -> str:
    for text in typed_texts(read_blocks(record["message"]["content"]).texts):
        if not text.lstrip().startswith(NO_TITLE):
            return as_title(text)
    return ""


def _last_element(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
