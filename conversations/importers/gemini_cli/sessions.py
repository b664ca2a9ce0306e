"""The records of one Gemini CLI session, of which later ones correct earlier ones."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

from ..records import MessageRecord, SessionRecord
from ..values.fields import Unusable, kind, list_in, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import as_title, read_time
from .messages import PROVIDER, read_message, shown

SUB_AGENT = "subagent"
PROJECT_HASH = re.compile("[0-9a-f]{64}")
NAMES = {
    "projectHash": "project_hash",
    "directories": "directories",
    "lastUpdated": "last_updated",
    "kind": "kind",
}
MAPPED = {*NAMES, "sessionId", "startTime", "summary"}


class Log:
    """Takes the records of one file one by one and makes a session of them.

    What the user took back stays, off the active path: it was said, and it was paid for.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._head: dict[str, Any] = {}
        # By id, in the order they were said: a message and what its tools gave back.
        self._groups: dict[str, list[MessageRecord]] = {}
        self._above: dict[str, str] = {}  # id -> the id of the message before it, "" for the first
        self._path: dict[str, None] = {}  # the ids that were not taken back
        self._unnamed = 0

    def add(self, record: Any) -> None:
        """Take a line; raises Unusable, and then nothing has changed."""
        if not isinstance(record, dict):
            raise Unusable(f"the line is {kind(record)}, not an object")
        if "$rewindTo" in record:
            self._rewind(text_in(record, "$rewindTo"))
        elif "$set" in record:
            self._set(object_in(record, "$set"))
        elif "sessionId" in record:
            self._set(record)
        elif "type" in record or "content" in record:
            self.add_message(record)
        else:
            raise Unusable("neither a message nor anything else that is known")

    def add_message(self, record: Any) -> None:
        """Take a message, in place of the one with its id; raises Unusable."""
        self._enter(*self._read(record))

    def describe(self, head: dict[str, Any]) -> None:
        """Take what the session says of itself, over what it said before; raises Unusable."""
        for name in ("sessionId", "projectHash", "summary", "kind"):
            text_in(head, name)
        list_in(head, "directories")
        self._head |= without_bytes(present(head))

    def session(self) -> SessionRecord | None:
        """Return the session, None if it holds no messages."""
        if not self._groups:
            return None
        id = self._head.get("sessionId") or _elements(self._name)[-1].partition(".")[0]
        self._link(id)
        messages = [message for group in self._groups.values() for message in group]
        models = Counter(message.model for message in messages if message.model)
        is_agent = self._head.get("kind") == SUB_AGENT
        for message in messages:
            message.is_sidechain = is_agent
        began = read_time(self._head.get("startTime"))
        return SessionRecord(
            external_id=id,
            place=self._name,
            title=as_title(self._title(messages)),
            project=self._project(),
            started_at=began or next((one.timestamp for one in messages if one.timestamp), None),
            provider=PROVIDER,
            model=models.most_common(1)[0][0] if models else "",
            parent_external_id=self._parent() if is_agent else None,
            metadata=self._metadata(),
            messages=messages,
        )

    # -- taking records ----------------------------------------------------------------------------

    def _read(self, record: Any) -> tuple[str, list[MessageRecord]]:
        id = text_in(record, "id") if isinstance(record, dict) else ""
        name = id or f"#{self._unnamed + 1}"
        group = read_message(record, name)
        self._unnamed += not id
        return name, group

    def _enter(self, id: str, group: list[MessageRecord]) -> None:
        if id not in self._path:
            self._groups.pop(id, None)  # taken back, and now said once more
            self._above[id] = next(reversed(self._path), "")
            self._path[id] = None
        self._groups[id] = group

    def _set(self, values: dict[str, Any]) -> None:
        head = {name: value for name, value in values.items() if name != "messages"}
        if values.get("messages") is None:
            self.describe(head)
            return
        groups = [self._read(record) for record in list_in(values, "messages")]
        self.describe(head)
        self._path.clear()
        for id, group in groups:
            self._enter(id, group)

    def _rewind(self, id: str) -> None:
        """Take back the message `id` and all after it; all that there are if there is none."""
        while self._path:
            last, _ = self._path.popitem()
            if last == id:
                return

    # -- making the session ------------------------------------------------------------------------

    def _link(self, session_id: str) -> None:
        """Give the messages their keys, their parents, and the answers their latency."""
        for group in self._groups.values():
            for message in group:
                message.key = f"{session_id}/{message.key}"
        for id, group in self._groups.items():
            above = self._groups.get(self._above[id], [None])[-1]
            for message in group:
                message.is_active_path = id in self._path
                message.parent_key = above.key if above else None
                _measure_latency(message, above)
                above = message

    def _title(self, messages: list[MessageRecord]) -> str:
        prompts = (
            shown(message)
            for message in messages
            if message.role == "user" and not message.is_hidden
        )
        return self._head.get("summary") or next((prompt for prompt in prompts if prompt), "")

    def _project(self) -> str:
        """Return the name of the folder worked in, as far as it can be told."""
        for folder in self._head.get("directories", ()):
            if isinstance(folder, str) and (name := _elements(folder)[-1]):
                return name
        folders = _elements(self._name)
        if "chats" in folders[1:]:
            name = folders[folders.index("chats", 1) - 1]
            if not PROJECT_HASH.fullmatch(name):
                return name
        return self._head.get("projectHash", "")

    def _parent(self) -> str | None:
        """Return the id of the session that a sub-agent worked for: the folder has its name."""
        match _elements(self._name)[-3:]:
            case ["chats", parent, _]:
                return parent
        return None

    def _metadata(self) -> dict[str, Any]:
        named = {new: self._head.get(name) for name, new in NAMES.items()}
        rest = {name: value for name, value in self._head.items() if name not in MAPPED}
        return present(named | {"extra": rest})


def _elements(path: str) -> list[str]:
    return re.split(r"[/\\]", path.rstrip("/\\"))


def _measure_latency(message: MessageRecord, above: MessageRecord | None) -> None:
    if message.role != "assistant" or above is None or above.role not in ("user", "tool"):
        return
    if message.timestamp and above.timestamp and message.timestamp >= above.timestamp:
        waited = message.timestamp - above.timestamp
        message.latency_ms = waited // timedelta(milliseconds=1)
