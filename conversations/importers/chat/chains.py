"""Sessions put together from calls of models, each of which repeats all that was said before."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..records import MessageRecord, SessionRecord
from ..usage import Usage
from ..values.text import as_title
from .turns import Turn

KEY_LENGTH = 24  # hexadecimal digits of a digest, enough for all messages of a session


@dataclass(slots=True)
class Call:
    """One call of a model: what was said to it, what it answered, what that took."""

    id: str
    said: list[Turn] = field(default_factory=list)
    answered: list[Turn] = field(default_factory=list)
    started_at: datetime | None = None
    latency_ms: int | None = None
    provider: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None  # USD, as the source recorded it
    finish_reason: str = ""
    error: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class Conversation:
    """Takes the calls of one session in the order they began and makes its messages.

    A message is told by all that was said before it, so a history that is repeated adds nothing;
    where two histories part, there is a branch. System prompts do not count for that: they change
    from call to call, with the time of day for one.
    """

    def __init__(self, external_id: str) -> None:
        self.external_id = external_id
        self._nodes: dict[str, MessageRecord] = {}  # by the digest of the path to it
        self._order: list[MessageRecord] = []
        self._parents: dict[str, MessageRecord] = {}  # key -> the message before it
        self._calls: dict[str, str] = {}  # key of an answer -> the call that it came from
        self._seen: set[str] = set()  # ids of calls
        self._results: set[str] = set()  # ids of tool calls that have an answer
        self._callers: dict[str, MessageRecord] = {}  # id of a tool call -> who made it
        self._added: dict[str, list[MessageRecord]] = {}  # key of a caller -> added results
        self._beside: set[str] = set()  # keys of added results, which are no branches

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return not (self._order or self._added)

    def add(self, call: Call) -> None:
        """Take a call; one whose id is known already adds nothing."""
        if call.id in self._seen:
            return
        self._seen.add(call.id)
        path, parent = "", None
        for turn in call.said:
            if turn.is_empty:
                continue
            if turn.role == "system":
                self._enter(_digest("system", turn.digest()), turn, None, call.started_at)
                continue
            path = _digest(path, turn.digest())
            parent = self._enter(path, turn, parent, call.started_at)
        self._answer(call, path, parent)

    def add_tool_result(self, turn: Turn, time: datetime | None) -> None:
        """Take what a tool gave back, if no call repeats it; so after all calls.

        It stands below the message that called the tool, or else where its time belongs.
        """
        unknown = [id for id in turn.tool_call_ids if id not in self._results]
        if not unknown or turn.is_empty:
            return
        parent = self._callers.get(unknown[0])
        message = self._enter(_digest("tool", *unknown), turn, parent, time)
        if self._order and self._order[-1] is message:
            self._order.pop()
            self._beside.add(message.key)
            self._added.setdefault(parent.key if parent else "", []).append(message)

    def session(self, place: str, **columns: Any) -> SessionRecord:
        """Return the session with its messages; its model is the one that answered most."""
        self._place_results()
        self._mark_branches()
        record = SessionRecord(self.external_id, place, messages=self._order, **columns)
        models = Counter((m.provider, m.model) for m in self._order if m.model)
        if models and not record.model:
            (record.provider, record.model), _ = models.most_common(1)[0]
        system = (m.content for m in self._order if m.role == "system" and m.content)
        record.system_prompt = record.system_prompt or next(system, "")
        if not record.title:
            asked = (m.content for m in self._order if m.role == "user" and m.content.strip())
            record.title = as_title(next(asked, ""))
        if record.started_at is None:
            record.started_at = min((m.timestamp for m in self._order if m.timestamp), default=None)
        return record

    def _enter(
        self, path: str, turn: Turn, parent: MessageRecord | None, time: datetime | None
    ) -> MessageRecord:
        if message := self._nodes.get(path):
            return message
        message = turn.message(f"{self.external_id}/{path[:KEY_LENGTH]}")
        message.timestamp = time
        if parent:
            message.parent_key = parent.key
            self._parents[message.key] = parent
        self._nodes[path] = message
        self._order.append(message)
        self._results.update(turn.tool_call_ids)
        for tool_call in turn.tool_calls:
            self._callers.setdefault(tool_call["id"], message)
        return message

    def _answer(self, call: Call, path: str, parent: MessageRecord | None) -> None:
        """Add what a model answered; the facts of the call go to the first of several answers."""
        turns = [turn for turn in call.answered if not turn.is_empty]
        if not turns:
            # It failed, or its answer was not recorded: what it took is known all the same.
            turns = [Turn("assistant", error=call.error)]
            path = _digest(path, call.id)  # nothing else tells it from others in later files
        elif all(turn.is_empty for turn in call.said):
            path = _digest(call.id)
        ended = call.started_at
        if ended and call.latency_ms:
            ended += timedelta(milliseconds=call.latency_ms)
        for number, turn in enumerate(turns):
            node = _digest(path, turn.digest())
            known = self._nodes.get(node)
            if known is not None and known.key in self._calls:
                node = _digest(node, call.id, str(number))  # the same was answered twice
            message = self._enter(node, turn, parent, ended)
            self._calls[message.key] = call.id
            if known is message:
                message.finish_reason = message.finish_reason or turn.finish_reason
            if number == 0:
                _give(call, message)
            else:
                message.provider, message.model = call.provider, call.model
            message.metadata.setdefault("call_id", call.id)

    def _place_results(self) -> None:
        """Put the results that were added where they belong among the other messages."""
        if not self._added:
            return
        loose = sorted(self._added.pop("", []), key=_moment, reverse=True)
        order = []
        for message in self._order:
            while loose and message.timestamp and _moment(loose[-1]) < _moment(message):
                order.append(loose.pop())
            order += [message, *self._added.get(message.key, ())]
        self._order = order + loose[::-1]
        self._added = {}

    def _mark_branches(self) -> None:
        """Leave, of answers that stand side by side, the one that the conversation went on from."""
        depth: dict[str, int] = {}
        for message in self._order:
            above = self._parents.get(message.key)
            depth[message.key] = depth.get(above.key, 0) + 1 if above else 1
        kept: dict[str, MessageRecord] = {}  # key of a parent -> its child on the active path
        reach = dict(depth)
        for message in sorted(self._order, key=lambda m: depth[m.key], reverse=True):
            above = self._parents.get(message.key)
            if above and message.key not in self._beside:
                rival = kept.get(above.key)
                if rival is None or reach[message.key] > reach[rival.key]:
                    kept[above.key] = message
                    reach[above.key] = max(reach[above.key], reach[message.key])
        for message in sorted(self._order, key=lambda m: depth[m.key]):
            if above := self._parents.get(message.key):
                is_kept = message.key in self._beside or (
                    kept[above.key] is message or message.role == kept[above.key].role == "tool"
                )
                message.is_active_path = above.is_active_path and is_kept


def _give(call: Call, message: MessageRecord) -> None:
    message.provider, message.model = call.provider, call.model
    call.usage.give(message)
    message.cost = call.cost
    message.latency_ms = call.latency_ms
    message.finish_reason = message.finish_reason or call.finish_reason
    message.error_message = message.error_message or call.error
    extra = message.metadata.get("extra", {}) | call.metadata.get("extra", {})
    message.metadata |= call.metadata
    if extra:
        message.metadata["extra"] = extra


def _moment(message: MessageRecord) -> float:
    return message.timestamp.timestamp() if message.timestamp else 0.0


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def in_order(calls: Iterable[Call]) -> list[Call]:
    """Return calls in the order they began, those without a time where they stood."""
    last: datetime | None = None
    keyed = []
    for number, call in enumerate(calls):
        last = call.started_at or last
        keyed.append((last.timestamp() if last else 0.0, number, call))
    return [call for _, _, call in sorted(keyed, key=lambda item: item[:2])]
