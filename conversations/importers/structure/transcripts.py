"""Conversations that are written down as their turns, one after the other, without ids."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..chat import Turn, name_in, parsed, read_turns
from ..records import MessageRecord, SessionRecord
from ..usage import Usage, read_usage
from ..values.fields import present
from ..values.inline import without_bytes
from ..values.text import as_title, read_time

KEY_LENGTH = 24  # hexadecimal digits of a digest, enough for all messages of a data set
TIMES = ("timestamp", "created_at", "create_time", "created", "time", "date", "tstamp")
MODELS = ("model", "model_name", "model_id")
TOOLS = ("tools", "functions")
MEDIA = {
    "image": ("images", "image"),
    "video": ("videos", "video"),
    "audio": ("audios", "audio"),
}
MAPPED = {"title", "usage", "provider", *TIMES, *MODELS, *TOOLS}


class Transcript:
    """Makes the messages of a session from its turns.

    A message is told by all that was said before it: a longer copy of the conversation keeps the
    keys of the shorter one, and another course of it becomes a branch.
    """

    def __init__(self, external_id: str, place: str) -> None:
        self.session = SessionRecord(external_id, place)
        self._keys: set[str] = set()

    def say(
        self,
        turns: Iterable[Turn],
        after: MessageRecord | None = None,
        *,
        model: str = "",
        is_active: bool = True,
    ) -> MessageRecord | None:
        """Add turns below `after`, spoken by `model`; return the last message on this branch."""
        for turn in turns:
            if turn.is_empty:
                continue
            message = turn.message(self._key(after, turn))
            message.is_active_path = is_active
            if after:
                message.parent_key = after.key
            if message.role == "assistant":
                message.model = model
            _take_from_extra(message)
            self.session.messages.append(message)
            after = message
        return after

    def prefer(
        self, before: list[Turn], chosen: list[Turn], rejected: list[Turn], *, model: str = ""
    ) -> None:
        """Add two courses of a conversation, of which one was preferred.

        Some write down in both all that was said `before`, too.
        """
        shared = 0
        for turn, other in zip(chosen, rejected, strict=False):
            if turn.digest() != other.digest():
                break
            shared += 1
        repeated = {turn.digest() for turn in chosen[:shared]}
        if repeated & {turn.digest() for turn in before}:
            before = [t for t in before if t.role == "system" and t.digest() not in repeated]
        fork = self.say([*before, *chosen[:shared]], model=model)
        for turns, name in ((rejected[shared:], "rejected"), (chosen[shared:], "chosen")):
            for turn in turns:
                turn.extra["preference"] = name
            self.say(turns, fork, model=model, is_active=name == "chosen")

    def finish(self, row: dict[str, Any], read: Iterable[str] = ()) -> SessionRecord:
        """Return the session with what a row says about it; `read` are fields of it read elsewhere.

        Raises Unusable.
        """
        session = self.session
        rest = {name: row[name] for name in sorted(row.keys() - MAPPED - set(read))}
        usage = read_usage(row.get("usage")) if isinstance(row.get("usage"), dict) else Usage()
        answers = [said for said in session.messages if said.role == "assistant"]
        if answers and not usage.says_nothing:
            usage.give(answers[-1])
        session.provider = session.provider or name_in(row, "provider")
        models = Counter(said.model for said in answers if said.model)
        if models and not session.model:
            [(session.model, _)] = models.most_common(1)
        for said in answers:
            said.provider = said.provider or (session.provider if said.model else "")
        session.started_at = session.started_at or time_in(row)
        session.title = session.title or as_title(name_in(row, "title") or self._first("user"))
        session.system_prompt = session.system_prompt or self._first("system")
        session.metadata |= present({"tools": tools_in(row), "extra": without_bytes(present(rest))})
        return session

    def _key(self, after: MessageRecord | None, turn: Turn) -> str:
        text = f"{after.key if after else self.session.external_id}\0{turn.digest()}"
        key = ""
        while not key or key in self._keys:
            text = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
            key = f"{self.session.external_id}/{text[:KEY_LENGTH]}"
        self._keys.add(key)
        return key

    def _first(self, role: str) -> str:
        said = (message.content for message in self.session.messages if message.role == role)
        return next((text for text in said if text.strip()), "")


def as_turns(value: Any, role: str) -> list[Turn]:
    """Return what messages say, or a text by `role`, also one that looks like JSON.

    Raises Unusable.
    """
    return [Turn(role, [value])] if isinstance(value, str) else read_turns(value, role)


def first_said(turns: Iterable[Turn]) -> str:
    """Return the first text of a user, else the first text."""
    said = [turn for turn in turns if turn.text.strip()]
    return next((turn.text for turn in said if turn.role == "user"), said[0].text if said else "")


def time_in(row: dict[str, Any]) -> Any:
    """Return the first time that a row tells, None if it tells none."""
    return next((time for name in TIMES if (time := read_time(row.get(name)))), None)


def tools_in(row: dict[str, Any]) -> Any:
    """Return the tools that were on offer, which some write as JSON text. Raises Unusable."""
    found = next((row[name] for name in TOOLS if row.get(name)), None)
    return without_bytes(parsed(found) if isinstance(found, str) else found)


def attach_media(turns: Iterable[Turn], row: dict[str, Any]) -> set[str]:
    """Give the files of a row to the turns that mark them, `<image>`; return the fields read.

    What nobody marks belongs to the first turn of the user. Raises Unusable.
    """
    turns = list(turns)
    asking = next((turn for turn in turns if turn.role == "user"), None)
    read: set[str] = set()
    for type, names in MEDIA.items():
        name = next((name for name in names if row.get(name)), None)
        if name is None or asking is None:
            continue
        read.add(name)
        marked = _marked(turns, f"<{type}>")
        files = row[name] if isinstance(row[name], list) else [row[name]]
        for file in files:
            next(marked, asking).attachments.append(_described(type, file))
    return read


def _marked(turns: list[Turn], mark: str) -> Iterator[Turn]:
    for turn in turns:
        for _ in range(turn.text.count(mark)):
            yield turn


def _described(type: str, file: Any) -> dict[str, Any]:
    found = without_bytes(file)
    if isinstance(found, str):
        return {"type": type, "name": found}
    return {**found, "type": type} if isinstance(found, dict) else {"type": type, "file": found}


def _take_from_extra(message: MessageRecord) -> None:
    """Move what a message says about itself to where it belongs."""
    extra = message.metadata.get("extra")
    if not extra:
        return
    for name in TIMES:
        if message.timestamp is None and (time := read_time(extra.get(name))):
            message.timestamp = time
            del extra[name]
    if message.role == "assistant":
        for name in MODELS:
            if isinstance(extra.get(name), str) and extra[name]:
                message.model = extra.pop(name)
                break
        if isinstance(extra.get("usage"), dict):
            read_usage(extra.pop("usage")).give(message)
    if not extra:
        del message.metadata["extra"]
