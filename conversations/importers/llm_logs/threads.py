"""The log since 0.32: threads, which point at messages, and turns, which are calls of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..chat import Turn
from ..records import MessageRecord, Rejected
from ..structure.tree import Node, grow
from ..values.fields import Unusable, text_in
from ..values.text import read_time
from . import answers
from .chain import Chain, Said
from .contents import Contents
from .database import DAMAGES, Database, Row, verbatim

TURN_COLUMNS = (*answers.COLUMNS, "parent_message_hash", "tip_message_hash")
THREAD_COLUMNS = ("id", "name", "tip_message_hash", "forked_from", "datetime_utc")


class Threads:
    """The threads of a database: `rowids` are those of the turns of each."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents
        order = "datetime_utc, rowid" if database.has("turns", "datetime_utc") else "rowid"
        self.rowids: dict[str, list[int]] = {id: [] for id in database.grouped("threads", "id")}
        self.rowids |= database.grouped("turns", "thread_id", order)

    def head(self, id: str) -> Row:
        """Return the row of a thread, {} if there is none."""
        return self._database.one("threads", THREAD_COLUMNS, "WHERE id = ?", id) or {}

    def messages(
        self, id: str, tip: str, place: str, older: list[MessageRecord]
    ) -> Iterator[MessageRecord | Rejected]:
        """Yield the messages of a thread that ends with `tip`, and what cannot be read.

        `older` is the conversation of the same id in the older log, if there is one. A thread that
        goes on from it repeats its messages, which are left out here.
        """
        chain = Chain(self._database, self._contents, place)
        chain.load(tip)
        known = {message.key for message in older}
        for rowid in self.rowids.get(id, ()):
            row: Row | None = None
            try:
                row = self._database.one("turns", TURN_COLUMNS, "WHERE rowid = ?", rowid) or {}
                name = text_in(row, "id") or str(rowid)
                # A version between the two wrote both logs.
                if f"{id}/{name}" not in known:
                    _add_call(chain, row, name)
            except (Unusable, *DAMAGES) as error:
                yield Rejected(f"{place}, turn {rowid}", str(error), verbatim(row))
        yield from chain.rejected
        yield from self._messages(chain, id, tip, place, older)

    def _messages(
        self, chain: Chain, id: str, tip: str, place: str, older: list[MessageRecord]
    ) -> Iterator[MessageRecord | Rejected]:
        nodes = {name: Node(said.parent, time=said.time) for name, said in chain.said.items()}
        tree = grow(nodes, tip)
        repeated = _repeated(chain, older)
        last: dict[str, str | None] = {}  # the key of the last message of a node, or above it
        for name in tree.order:
            above = last.get(tree.parents.get(name, ""))
            if name in repeated:
                above = older[-1].key
            else:
                for number, turn in enumerate(chain.said[name].turns):
                    message = turn.message(f"{id}/{name}/{number}" if number else f"{id}/{name}")
                    message.parent_key = above
                    message.timestamp = chain.said[name].time
                    message.is_active_path = name in tree.active
                    call = chain.said[name].call
                    try:
                        if call and not number:
                            self._describe(message, call)
                    except (Unusable, *DAMAGES) as error:
                        yield Rejected(f"{place}, message {name}", str(error), verbatim(call))
                    else:
                        above = message.key
                        yield message
            last[name] = above

    def _describe(self, message: MessageRecord, call: Row) -> None:
        ids = self._contents.linked("turn_tools", "tool_id", call.get("id"), "turn_id")
        answers.describe(message, call, self._contents, self._contents.tool_names(ids))


def _add_call(chain: Chain, row: Row, name: str) -> None:
    """Take one call of a model: its facts belong to the last message of its answer."""
    sent, tip = text_in(row, "parent_message_hash"), text_in(row, "tip_message_hash")
    time = read_time(row.get("datetime_utc"))
    chain.load(sent)
    chain.load(tip)
    answer = ""
    for hash in chain.up(tip, sent):
        said = chain.said[hash]
        said.time = said.time or time
        if said.is_answer and not answer:
            answer = hash
    # What was sent with this call is what no call before it had.
    for hash in chain.up(sent):
        if chain.said[hash].time:
            break
        chain.said[hash].time = time
    if not answer:
        answer, chain.said[name] = name, Said(sent, [Turn("assistant")], time=time)
    elif chain.said[answer].call:  # another call was answered by the same words
        again = chain.said[answer]
        answer, chain.said[name] = name, Said(again.parent, again.turns, time=time)
    chain.said[answer].call = row


def _repeated(chain: Chain, older: list[MessageRecord]) -> set[str]:
    """Return which messages of a thread are in the older log: answers without a call, and above."""
    known = {_sense(message) for message in older}
    found: set[str] = set()
    for name, said in chain.said.items() if older else ():
        if said.is_answer and not said.call and name not in found:
            found.update(
                hash
                for hash in chain.up(name)
                if all(_sense(turn.message("")) in known for turn in chain.said[hash].turns)
            )
    return found


def _sense(message: MessageRecord) -> tuple[Any, ...]:
    calls = tuple(call["id"] for call in message.tool_calls or ())
    return message.role, message.content.strip(), calls
