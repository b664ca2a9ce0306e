"""The records of one rollout, put together into a session."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..chat import as_text
from ..records import MessageRecord, SessionRecord
from ..values.fields import Unusable, count_of, kind, object_in, present, text_in
from ..values.inline import without_bytes
from ..values.text import as_title, joined, read_time
from .counters import Meter
from .head import Description, first_prompt
from .items import (
    INJECTED,
    call_in,
    duration_ms,
    read_parts,
    rest_of,
    result_in,
    thoughts_in,
)
from .outline import Head, Outline
from .transcript import Bill, Transcript, between, finish

# What these say is said again by an item, or is the state of the program.
COUNTED_EVENTS = {
    *("task_started", "turn_started", "turn_complete", "turn_diff", "thread_settings_applied"),
    *("agent_reasoning_raw_content", "agent_reasoning_section_break", "item_started"),
    *("view_image_tool_call", "dynamic_tool_call_request", "image_generation_end"),
    *("session_configured", "plan_update", "background_event", "sub_agent_activity"),
    *("context_compacted", "task_complete"),
}
COUNTED_ITEMS = {"ghost_snapshot", "compaction", "compaction_summary", "context_compaction"}
COUNTED_RECORDS = {"world_state", "inter_agent_communication_metadata", "session_meta", "state"}
BARE_RECORDS = COUNTED_RECORDS | {"turn.completed"}


@dataclass(slots=True)
class Outcome:
    """How the run of a tool went."""

    is_error: bool = False
    exit_code: int | None = None
    duration_ms: int | None = None

    def tell(self, message: MessageRecord) -> None:
        """Add it to the message that holds what the tool gave back."""
        if self.exit_code is not None:
            message.metadata["exit_code"] = self.exit_code
        if self.is_error or self.exit_code:
            message.metadata["is_error"] = True
        if self.duration_ms is not None:
            message.latency_ms = self.duration_ms


@dataclass(slots=True)
class Tools:
    """The calls of a session by their id: when each began, how it went, what it gave back."""

    starts: dict[str, datetime | None] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    results: dict[str, MessageRecord] = field(default_factory=dict)


class Rollout:
    """Takes the records of one file one by one and makes a session of them."""

    def __init__(self, name: str, head: Head, outline: Outline) -> None:
        self._name = name
        self._head = head
        self._copied = outline.copied.get(head.id, 0)  # the last line that repeats the parent's
        self._is_copy = self._copied > 0  # what has been read so far
        self._title = outline.titles.get(head.id, "")
        self._parent_is_missing = bool(head.parent_id) and head.parent_id not in outline.ids
        self._description = Description()
        self._transcript = Transcript(head.id)
        self._meter = Meter(goes_on=bool(head.parent_id))
        self._tools = Tools()
        self._records: Counter[str] = Counter()

    def add(self, number: int, record: Any) -> None:
        """Take the record of line `number`; raises Unusable for one that cannot be read."""
        if not isinstance(record, dict):
            raise Unusable(f"the line is {kind(record)}, not an object")
        if self._is_copy and number > self._copied:
            self._drop_copied()
        time = read_time(record.get("timestamp"))
        type, payload = _opened(record)
        match type:
            case "session_meta":
                self._description.take_meta(payload)
            case "turn_context":
                self._description.take_turn(payload)
            case "response_item":
                self._add_item(number, time, payload)
                return
            case "event_msg":
                self._add_event(number, time, payload)
                return
            case "compacted":
                self._add_summary(number, time, payload)
            case "turn.completed":
                self._add_turn_usage(number, time, payload)
            case _ if type not in COUNTED_RECORDS:
                self._keep_unknown(number, time, type, payload)
        self._records[type] += 1

    def session(self) -> SessionRecord | None:
        """Return the session, None if the file holds no messages of its own."""
        self._transcript.end_response()
        if self._is_copy:
            self._drop_copied()
        messages = self._transcript.messages
        if not messages:
            return None
        for message in messages:
            finish(message)
            message.is_sidechain = self._description.is_agent
        models = Counter(message.model for message in messages if message.model)
        began = read_time(self._description.meta.get("timestamp"))
        return SessionRecord(
            external_id=self._head.id,
            place=self._name,
            title=as_title(self._title or first_prompt(messages)),
            project=self._description.project,
            started_at=began or next((one.timestamp for one in messages if one.timestamp), None),
            provider=self._description.speaker.provider,
            model=models.most_common(1)[0][0] if models else "",
            system_prompt=self._description.instructions,
            parent_external_id=self._head.parent_id or None,
            metadata=self._metadata(),
            messages=messages,
        )

    def why_empty(self) -> str:
        """Return for the report what stands in a file without messages."""
        if self._copied:
            return f"holds nothing but what it repeats of session {self._head.parent_id}"
        counts = [f"{number} {type}" for type, number in sorted(self._records.items())]
        return ", ".join(["holds no messages", *counts])

    def _metadata(self) -> dict[str, Any]:
        metadata = self._description.metadata()
        if self._records:
            metadata["records"] = dict(self._records)
        if self._copied:
            metadata["copied_lines"] = self._copied
        if self._parent_is_missing:
            metadata["parent_is_missing"] = True  # so what was copied from it is here as well
        return metadata

    def _drop_copied(self) -> None:
        """Forget the messages so far: they are the parent's. What they set goes on to hold."""
        self._is_copy = False
        self._transcript = Transcript(self._head.id)

    # -- items -------------------------------------------------------------------------------------

    def _add_item(self, number: int, time: datetime | None, item: dict[str, Any]) -> None:
        type = text_in(item, "type")
        if type == "message":
            if text_in(item, "role") == "assistant":
                self._add_answer(number, time, item)
            else:
                self._add_input(number, time, item)
        elif type == "reasoning":
            thoughts = thoughts_in(item)
            _extend(self._respond(number, time, item), "thinking", thoughts)
        elif type == "agent_message":
            self._add_agent_message(number, time, item)
        elif type.endswith("_output"):
            self._add_result(number, time, item)
        elif type.endswith("_call"):
            call, pictures = call_in(item)
            response = self._respond(number, time, item)
            response.tool_calls = [*(response.tool_calls or ()), call]
            _extend(response, "attachments", pictures)
            self._tools.starts[call["id"]] = time
        elif type in COUNTED_ITEMS:
            self._records[type] += 1
        else:
            self._keep_unknown(number, time, type, item)

    def _respond(self, number: int, time: datetime | None, item: dict[str, Any]) -> MessageRecord:
        rest = rest_of(item)
        response = self._transcript.respond(number, time, self._description.speaker)
        if rest:
            response.metadata["extra"] = response.metadata.get("extra", {}) | rest
        return response

    def _add_answer(self, number: int, time: datetime | None, item: dict[str, Any]) -> None:
        said = read_parts(item.get("content"))
        response = self._respond(number, time, item)
        response.content = joined((response.content, *said.texts))
        response.error_message = response.error_message or said.error
        _extend(response, "attachments", said.attachments)

    def _add_input(self, number: int, time: datetime | None, item: dict[str, Any]) -> None:
        role = "user" if text_in(item, "role") == "user" else "system"
        said = read_parts(item.get("content"))
        rest = rest_of(item)
        if said.is_empty:
            return
        message = MessageRecord("", role, said.text)
        message.metadata.update(present({"attachments": said.attachments, "extra": rest}))
        was_injected = INJECTED.match(said.text) and not self._transcript.was_typed(said.texts)
        if role == "system" or was_injected:
            message.content_type = "context"
            message.is_hidden = True
        self._transcript.enter(number, time, message)

    def _add_agent_message(self, number: int, time: datetime | None, item: dict[str, Any]) -> None:
        """Take what another agent sent, to this one or from it."""
        said = read_parts(item.get("content"))
        who = {name: text_in(item, name) for name in ("author", "recipient")}
        if not said.is_empty:
            message = MessageRecord("", "user", said.text, "context", is_hidden=True)
            message.metadata.update(present(who))
            self._transcript.enter(number, time, message)

    def _add_result(self, number: int, time: datetime | None, item: dict[str, Any]) -> None:
        result = result_in(item)
        id = result.call_id
        message = MessageRecord("", "tool", result.text, "tool_result")
        message.latency_ms = between(self._tools.starts.get(id), time)
        _extend(message, "tool_call_ids", [id] if id else [])
        _extend(message, "attachments", result.attachments)
        Outcome(result.is_error, result.exit_code, result.duration_ms).tell(message)
        if outcome := self._tools.outcomes.get(id):
            outcome.tell(message)
        if id:
            self._tools.results[id] = message
        self._transcript.enter(number, time, message)

    def _add_summary(self, number: int, time: datetime | None, payload: dict[str, Any]) -> None:
        """Take the summary that replaced the history; the history itself stands above already."""
        if text := text_in(payload, "message"):
            message = MessageRecord("", "system", text, "summary", is_hidden=True)
            self._transcript.enter(number, time, message)

    # -- events ------------------------------------------------------------------------------------

    def _add_event(self, number: int, time: datetime | None, event: dict[str, Any]) -> None:
        type = text_in(event, "type")
        if type == "token_count":
            if usage := self._meter.spent(event):
                self._transcript.pay(Bill(usage, number, time, self._description.speaker))
        elif type == "user_message":
            self._transcript.confirm(text_in(event, "message").strip())
        elif type in ("agent_message", "agent_reasoning"):
            text = text_in(event, "message") or text_in(event, "text")
            self._transcript.announce(text.strip())
        elif type == "thread_name_updated":
            self._title = text_in(event, "thread_name") or self._title
        elif type == "thread_rolled_back":
            self._transcript.roll_back(count_of(event.get("num_turns")) or 0)
        elif type in ("error", "stream_error") or (type == "task_complete" and event.get("error")):
            self._add_error(number, time, event)
        elif _is_said_elsewhere(type, event):
            pass
        elif type.endswith(("_end", "_tool_call_response")):
            self._note_outcome(event)
        else:
            self._keep_unknown(number, time, type, event)
        self._records[type] += 1

    def _add_error(self, number: int, time: datetime | None, event: dict[str, Any]) -> None:
        error = event.get("error") or event.get("message")
        text = as_text(error.get("message", error) if isinstance(error, dict) else error)
        message = MessageRecord("", "system", text, "event", error_message=text)
        if code := event.get("codex_error_info"):
            message.metadata["extra"] = {"codex_error_info": without_bytes(code)}
        self._transcript.note(number, time, message)

    def _note_outcome(self, event: dict[str, Any]) -> None:
        code = event.get("exit_code")
        outcome = Outcome(
            exit_code=code if type(code) is int else None,
            duration_ms=duration_ms(event.get("duration")),
        )
        match event:
            case {"success": False} | {"result": {"Err": _} | {"Ok": {"isError": True}}}:
                outcome.is_error = True
        if id := text_in(event, "call_id"):
            self._tools.outcomes[id] = outcome
            if message := self._tools.results.get(id):
                outcome.tell(message)

    def _add_turn_usage(self, number: int, time: datetime | None, turn: dict[str, Any]) -> None:
        """Take what a whole turn used, unless it was told call by call."""
        if self._meter.before is None and (usage := self._meter.spent(object_in(turn, "usage"))):
            self._transcript.pay(Bill(usage, number, time, self._description.speaker))

    def _keep_unknown(
        self, number: int, time: datetime | None, type: str, payload: dict[str, Any]
    ) -> None:
        """Keep a record of a type that nobody knows yet, hidden, with all that it holds."""
        message = MessageRecord("", "system", content_type="event", is_hidden=True)
        message.metadata["record"] = without_bytes({"type": type} | payload)
        self._transcript.note(number, time, message)


def _opened(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the type of a record and what is in its envelope."""
    type = text_in(record, "type") or text_in(record, "record_type")
    if "payload" in record:
        return type, object_in(record, "payload")
    # Until mid-2025 there was no envelope, and the head had no type.
    if not type and "id" in record:
        type = "session_meta"
    return (type if type in BARE_RECORDS else "response_item"), record


def _is_said_elsewhere(type: str, event: dict[str, Any]) -> bool:
    if type == "item_completed":  # of the things that can be completed, plans alone are no items
        return object_in(event, "item").get("type") != "Plan"
    return type in COUNTED_EVENTS or type.endswith("_begin")


def _extend(message: MessageRecord, name: str, values: list[Any]) -> None:
    """Add to a list in the metadata of a message, which has none while it would be empty."""
    if values:
        message.metadata.setdefault(name, []).extend(values)
