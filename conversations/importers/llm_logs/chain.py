"""The messages that the log keeps since 0.32: each once, under a hash, after the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..chat import Turn, as_text, name_in, role_of
from ..chat.parts import read_call
from ..records import Rejected
from ..values.fields import Unusable, list_in, object_in, present, text_in
from ..values.inline import without_bytes
from .contents import Contents
from .database import DAMAGES, Database, Row, json_in, object_in_json, verbatim

MESSAGE_COLUMNS = ("parent_hash", "role", "provider_metadata")
PART_COLUMNS = ("type", "text", "payload")
READ = {
    "text", "text_ref", "name", "arguments", "output", "tool_call_id", "exception", "attachment",
    "attachments",
}  # fmt: skip


@dataclass(slots=True)
class Said:
    """One message: what is in it, and the row of the call that it answers."""

    parent: str
    turns: list[Turn] = field(default_factory=list)
    call: Row | None = None
    time: datetime | None = None

    @property
    def is_answer(self) -> bool:
        return bool(self.turns) and self.turns[0].role == "assistant"


class Chain:
    """The messages of one thread by their hashes, read on demand, each of them once."""

    def __init__(self, database: Database, contents: Contents, place: str) -> None:
        self.said: dict[str, Said] = {}
        self.rejected: list[Rejected] = []
        self._database = database
        self._contents = contents
        self._place = place

    def load(self, tip: str) -> None:
        """Take the message `tip` and those before it, as far as they are not here yet."""
        while tip and tip not in self.said:
            row: Row | None = None
            try:
                row = self._database.one("messages", MESSAGE_COLUMNS, "WHERE hash = ?", tip)
                if row is None:
                    raise Unusable("the message is missing")
                self.said[tip] = Said(text_in(row, "parent_hash"))
                self.said[tip].turns = list(self._turns(tip, row))
            except (Unusable, *DAMAGES) as error:
                where = f"{self._place}, message {tip}"
                self.rejected.append(Rejected(where, str(error), verbatim(row)))
                self.said.setdefault(tip, Said(""))
            tip = self.said[tip].parent

    def up(self, tip: str, end: str = "") -> Iterator[str]:
        """Yield the messages from `tip` up to `end`, which is not among them."""
        seen = {end}
        while tip in self.said and tip not in seen:
            seen.add(tip)
            yield tip
            tip = self.said[tip].parent

    def _turns(self, hash: str, row: Row) -> Iterator[Turn]:
        """Yield what one message says: each result of a tool is a turn of its own."""
        turn, results = Turn(role_of(row.get("role"))), []
        parts = "WHERE message_hash = ? ORDER BY position"
        for part in self._database.select("parts", PART_COLUMNS, parts, hash):
            if result := self._add(turn, part):
                results.append(result)
        if about := json_in(row, "provider_metadata"):
            turn.extra["provider_metadata"] = without_bytes(about)
        if not results or not turn.is_empty:
            yield turn
        yield from results

    def _add(self, turn: Turn, part: Row) -> Turn | None:
        """Add a part of a message to its turn, or return the result of a tool that it is."""
        type, payload = text_in(part, "type"), object_in_json(part, "payload")
        place, result = turn, None
        match type:
            case "text":
                turn.texts.append(self._text(turn, part, payload))
            case "reasoning":
                if thought := self._text(turn, part, payload):
                    turn.thinking.append(thought)
            case "tool_call":
                turn.tool_calls.append(read_call(payload))
            case "tool_result":
                place = result = self._result(payload)
            case "attachment":
                turn.attachments.append(self._attachment(object_in(payload, "attachment")))
            case _:
                turn.others.append(without_bytes(present({**part, "payload": payload})))
                return None
        if rest := present({key: payload[key] for key in payload.keys() - READ}):
            place.extra.setdefault("parts", []).append(without_bytes({"type": type, **rest}))
        return result

    def _text(self, turn: Turn, part: Row, payload: dict[str, Any]) -> str:
        """Return the text of a part, with the fragments in it where they stand."""
        if part.get("text") is not None:
            return text_in(part, "text")
        pieces, fragments = [], []
        for piece in list_in(payload, "text_ref"):
            if not isinstance(piece, dict):
                raise Unusable("text_ref holds what is no object")
            if "literal" in piece:
                pieces.append(text_in(piece, "literal"))
            else:
                fragments.append(piece.get("fragment"))
                pieces.append(self._contents.fragment(fragments[-1]))
        if sources := self._contents.sources(fragments):
            turn.extra["fragments"] = sources
        return "".join(pieces)

    def _result(self, payload: dict[str, Any]) -> Turn:
        turn = Turn("tool", [as_text(payload.get("output"))], name=name_in(payload, "name"))
        if id := name_in(payload, "tool_call_id"):
            turn.tool_call_ids.append(id)
        turn.error = as_text(payload.get("exception"))
        turn.is_error = bool(turn.error)
        turn.attachments = [self._attachment(ref) for ref in list_in(payload, "attachments")]
        return turn

    def _attachment(self, reference: Any) -> dict[str, Any]:
        if not isinstance(reference, dict):
            raise Unusable("an attachment is no object")
        return self._contents.attachment(reference.get("id"))
