"""The log as it was up to 0.31: a row for each prompt with its response."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ..chat import Turn
from ..chat.turns import arguments
from ..records import MessageRecord, Rejected
from ..values.fields import Unusable, present, text_in
from ..values.inline import without_bytes
from ..values.text import read_time
from . import answers
from .contents import Contents, combined
from .database import DAMAGES, Database, Row, verbatim

# `prompt_json` is left out: it repeats all that was said before.
COLUMNS = (*answers.COLUMNS, "prompt", "system", "response", "reasoning")
CALL_COLUMNS = ("name", "arguments", "tool_call_id")
RESULT_COLUMNS = ("id", "name", "output", "tool_call_id", "exception", "instance_id")


class Responses:
    """The conversations of a table of responses: that of 0.4 to 0.31, or the `logs` before it."""

    def __init__(
        self, database: Database, contents: Contents, table: str, conversation: str
    ) -> None:
        self._database = database
        self._contents = contents
        self._table = table
        order = "datetime_utc, rowid" if database.has(table, "datetime_utc") else "rowid"
        self.rowids = database.grouped(table, conversation, order)
        # What has no index by response; before 0.4 there was none of it.
        self._linked: dict[str, dict[str, list[int]]] = defaultdict(dict)
        if table == "responses":
            for name in ("tool_calls", "tool_results", "tool_responses"):
                self._linked[name] = database.grouped(name, "response_id")

    def messages(
        self, rowids: list[int], session_id: str, place: str
    ) -> Iterator[MessageRecord | Rejected]:
        """Yield the messages of a conversation, and which of its responses cannot be read."""
        parent: str | None = None
        system = ""
        for rowid in rowids:
            row: Row | None = None
            try:
                row = self._database.one(self._table, COLUMNS, "WHERE rowid = ?", rowid)
                if row is None:
                    continue  # deleted since
                name = str(row.get("id") or rowid)
                messages = list(self._messages(row, f"{session_id}/{name}", system))
            except (Unusable, *DAMAGES) as error:
                yield Rejected(f"{place}, row {rowid}", str(error), verbatim(row))
                continue
            for message in messages:
                if message.role == "system":
                    system = message.content
                message.parent_key = parent
                parent = message.key
                yield message

    def _messages(self, row: Row, key: str, system: str) -> Iterator[MessageRecord]:
        """Yield what a row says, in the order it was sent; a system prompt unless it is `system`.

        What tools gave back stands at the response that it was sent for, after that which called.
        """
        id = text_in(row, "id") if self._table == "responses" else ""
        said = []
        fragments = self._contents.linked("system_fragments", "fragment_id", id)
        prompt = combined(map(self._contents.fragment, fragments), text_in(row, "system"))
        if prompt and prompt != system:
            said.append((f"{key}/system", Turn("system", [prompt])))
        for number, turn in enumerate(self._results(id)):
            said.append((f"{key}/tool/{number}", turn))
        asked = Turn("user", attachments=self._attachments("prompt_attachments", id))
        fragments = self._contents.linked("prompt_fragments", "fragment_id", id)
        texts = [*map(self._contents.fragment, fragments), text_in(row, "prompt")]
        asked.texts = ["\n".join(text for text in texts if text)]
        if fragments:
            asked.extra["fragments"] = self._contents.sources(fragments)
        if not asked.is_empty:
            said.append((f"{key}/prompt", asked))
        time = read_time(row.get("datetime_utc"))
        for name, turn in said:
            message = turn.message(name)
            message.timestamp = time
            yield message
        yield self._answer(row, key, id)

    def _answer(self, row: Row, key: str, id: str) -> MessageRecord:
        thought = text_in(row, "reasoning")
        turn = Turn("assistant", [text_in(row, "response")], [thought] if thought else [])
        for call in self._rows("tool_calls", CALL_COLUMNS, id):
            turn.tool_calls.append(
                {
                    "id": text_in(call, "tool_call_id"),
                    "name": text_in(call, "name"),
                    "arguments": arguments(text_in(call, "arguments")),
                }
            )
        tools = [tool.get("tool_id") for tool in self._rows("tool_responses", ("tool_id",), id)]
        message = turn.message(key)
        answers.describe(message, row, self._contents, self._contents.tool_names(tools))
        return message

    def _results(self, id: str) -> Iterator[Turn]:
        for row in self._rows("tool_results", RESULT_COLUMNS, id):
            turn = Turn("tool", [text_in(row, "output")], name=text_in(row, "name"))
            if called := text_in(row, "tool_call_id"):
                turn.tool_call_ids.append(called)
            turn.error = text_in(row, "exception")
            turn.is_error = bool(turn.error)
            link = "tool_results_attachments"
            turn.attachments = self._attachments(link, row.get("id"), "tool_result_id")
            extra = {"instance": self._contents.instance(row.get("instance_id"))}
            turn.extra = without_bytes(present(extra))
            yield turn

    def _rows(self, table: str, columns: tuple[str, ...], id: str) -> Iterator[Row]:
        for rowid in self._linked[table].get(id, ()):
            yield from self._database.select(table, columns, "WHERE rowid = ?", rowid)

    def _attachments(self, link: str, id: Any, key: str = "response_id") -> list[dict[str, Any]]:
        ids = self._contents.linked(link, "attachment_id", id, key)
        return [self._contents.attachment(attachment) for attachment in ids]
