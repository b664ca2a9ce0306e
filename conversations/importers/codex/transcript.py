"""The messages of a rollout in their order, and which call of the model used what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..records import MessageRecord
from ..usage import Usage
from ..values.text import joined

NEAR = 8  # an event stands close to the item that says the same


@dataclass(frozen=True, slots=True)
class Speaker:
    """The model that answers at the moment, and how hard it is told to think."""

    provider: str = ""
    model: str = ""
    effort: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call used, and the line that says so."""

    usage: Usage
    line: int
    time: datetime | None
    speaker: Speaker


class Transcript:
    """Takes messages one by one.

    All that the model says between two inputs is one message, which bears what the call used. Until
    2025 the usage stood before the items of its call, later it stands behind them: it stands before
    them if an event has told already what no item has said yet, or if no item is left to pay for.
    """

    def __init__(self, session_id: str) -> None:
        self.messages: list[MessageRecord] = []
        self._session_id = session_id
        self._path: list[MessageRecord] = []  # those that were not rolled back
        self._prompts: Counter[str] = Counter()  # typed, by events, not met as an item yet
        self._response: MessageRecord | None = None  # the model may still go on with it
        self._unpaid: MessageRecord | None = None  # the last response whose usage is not known
        self._bill: Bill | None = None  # for items that have not been met
        self._is_announced = False  # an event told what no item has said yet
        self._asked_at: datetime | None = None  # the time of the last input

    def note(self, number: int, time: datetime | None, message: MessageRecord) -> None:
        """Add a message of line `number` that the model may never have seen."""
        message.key = f"{self._session_id}/{number}"
        message.timestamp = time
        message.parent_key = self._path[-1].key if self._path else None
        self.messages.append(message)
        self._path.append(message)

    def enter(self, number: int, time: datetime | None, message: MessageRecord) -> None:
        """Add a message of line `number` that the model answers."""
        self.end_response()
        self._asked_at = time
        self.note(number, time, message)

    # -- what was typed ----------------------------------------------------------------------------

    def confirm(self, text: str) -> None:
        """Note that `text` was typed, and show the item that holds it if it was taken for other."""
        for message in reversed(self.messages[-NEAR:]):
            if message.role == "user" and message.content.strip() == text:
                message.is_hidden = False
                message.content_type = "text"
                return
        self._prompts[text] += 1

    def was_typed(self, texts: list[str]) -> bool:
        """Return whether an event told already that one of these texts is what the user typed."""
        for text in (*texts, joined(texts)):
            if self._prompts[text.strip()]:
                self._prompts[text.strip()] -= 1
                return True
        return False

    def roll_back(self, turns: int) -> None:
        """Take the last `turns` prompts, and all that followed them, off the active path."""
        self.end_response()
        while turns > 0 and self._path:
            message = self._path.pop()
            message.is_active_path = False
            turns -= message.role == "user" and not message.is_hidden

    # -- what the model says -----------------------------------------------------------------------

    def announce(self, text: str) -> None:
        """Note an event that tells what the model says or thinks."""
        response = self._response
        is_said = response is not None and (
            text in response.content or text in response.metadata.get("thinking", ())
        )
        self._is_announced = self._is_announced or not is_said

    def respond(self, number: int, time: datetime | None, speaker: Speaker) -> MessageRecord:
        """Return the message that an item of the model's on line `number` belongs to."""
        self._is_announced = False
        if self._response is None:
            bill, self._bill = self._bill, None
            # By the line of its bill, under which it was stored if the file ended there.
            response = self._answer(bill.line if bill else number, time, speaker)
            if bill:
                bill.usage.give(response)
            self._response = response
            self._unpaid = None if bill else response
        self._response.latency_ms = between(self._asked_at, time)
        return self._response

    def pay(self, bill: Bill) -> None:
        """Give what a call used to the response that it belongs to, met already or not."""
        if self._unpaid and not self._is_announced:
            bill.usage.give(self._unpaid)
            self._response = None
        else:
            self.end_response()
            self._bill = bill
        self._unpaid = None
        self._is_announced = False

    def end_response(self) -> None:
        """Let what the model says next be another message."""
        self._response = None
        if bill := self._bill:  # nothing that the call said was recorded
            self._bill = None
            bill.usage.give(self._answer(bill.line, bill.time, bill.speaker))

    def _answer(self, number: int, time: datetime | None, speaker: Speaker) -> MessageRecord:
        message = MessageRecord("", "assistant", provider=speaker.provider, model=speaker.model)
        if speaker.effort:
            message.metadata["effort"] = speaker.effort
        self.note(number, time, message)
        return message


def finish(message: MessageRecord) -> None:
    """Give a whole response its kind, now that all of its items are there."""
    if message.role != "assistant" or message.content.strip():
        return
    if message.tool_calls:
        message.content_type = "tool_call"
    elif thoughts := message.metadata.pop("thinking", None):
        message.content_type = "thinking"
        message.content = joined(thoughts)
    elif "attachments" in message.metadata:
        message.content_type = "image"
    elif not message.error_message:
        message.content_type = "event"
        message.is_hidden = True


def between(began: datetime | None, ended: datetime | None) -> int | None:
    """Return the time from one to the other in ms, None if one is not known."""
    if began is None or ended is None or ended < began:
        return None
    return (ended - began) // timedelta(milliseconds=1)
