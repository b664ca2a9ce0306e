"""Masks in place of values, the same for the same value, and how many there are."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from conversations.errors import SessionsError
from conversations.exporters.chats import Chat
from conversations.reading import Row

from .found import Found, plural

NOT_INSTALLED = "masking needs more libraries: pip install -r requirements-redact.txt"
TOO_DEEP = "[nested too deeply to be masked]"
# Columns, and fields of the own format's records, that name things and hold no text.
KEPT = {
    "session_uuid", "message_uuid", "annotation_uuid", "parent_uuid", "external_id",
    "parent_external_id", "session", "message", "parent", "record", "source", "session_type",
    "status", "role", "content_type", "finish_reason", "entity_type", "annotation_type",
    "snapshot_type", "provider", "model", "model_name", "model_version", "api_key_name",
    "timestamp", "started_at", "completed_at", "created_at", "updated_at", "digest", "kind", "rule",
    "origin", "rates",
}  # fmt: skip
# A key of JSON that can be shown to the detectors before its value.
NAME = re.compile(r"[A-Za-z_][\w-]{0,60}")


class Redactor:
    """Masks for one export: the same value has the same number wherever it is.

    The values are kept in memory as long as the redactor, and nowhere else. Raises
    `SessionsError` if the libraries are not installed.
    """

    def __init__(self) -> None:
        try:
            from . import personal, secrets
        except ImportError as error:
            raise SessionsError(NOT_INSTALLED) from error
        self._finders = (*secrets.FINDERS, *personal.FINDERS)
        self._masks: dict[str, tuple[str, int]] = {}
        self._values: Counter[str] = Counter()
        self._times: Counter[str] = Counter()

    def text(self, text: str, *, count: bool = True) -> str:
        """Return a text with masks. Without `count` they are not counted: it was read before."""
        for find in self._finders:
            if found := _apart(find(text)):
                text = self._masked(text, found, count)
        return text

    def value(self, value: Any, *, name: str = "", count: bool = True) -> Any:
        """Return a JSON value with masks in all its texts; keys are as they were."""
        match value:
            case str():
                return self._string(name, value, count)
            case dict():
                return {key: self.value(item, name=key, count=count) for key, item in value.items()}
            case list() | tuple():
                return [self.value(item, name=name, count=count) for item in value]
        return value

    def mask(self, row: Row, *, count: bool = True) -> Row:
        """Return a row, or a record of the own format, with masks in all that is text."""
        return {
            column: value if column in KEPT else self._column(value, count)
            for column, value in row.items()
        }

    def summary(self) -> str:
        """Return what was masked: `Masked: 3 e-mail addresses (7 times), 1 AWS access key`."""
        counts = []
        for kind, number in self._values.items():
            times = self._times[kind]
            again = f" ({times} times)" if times > number else ""
            counts.append(f"{number} {kind if number == 1 else plural(kind)}{again}")
        return f"Masked: {', '.join(counts) or 'nothing'}"

    def _column(self, value: Any, count: bool) -> Any:
        try:
            return self.value(value, count=count)
        except RecursionError:
            return TOO_DEEP

    def _string(self, name: str, text: str, count: bool) -> str:
        if text.startswith(("{", "[")) and (parsed := _parsed(text)) is not None:
            masked = self.value(parsed, count=count)
            if masked != parsed:  # else it stays as it is written
                text = json.dumps(masked, ensure_ascii=False)
        elif NAME.fullmatch(name) and not any(map(str.isspace, text)):
            # `{"password": "…"}` is a secret, the value alone is none.
            head, tail = f'"{name}": "', '"'
            return self.text(f"{head}{text}{tail}", count=count)[len(head) : -len(tail)]
        return self.text(text, count=count)

    def _masked(self, text: str, found: list[Found], count: bool) -> str:
        pieces, end = [], 0
        for part in found:
            kind, number = self._mask(part)
            self._times[kind] += count
            pieces += text[end : part.start], f"[{kind} {number}]"
            end = part.end
        return "".join(pieces) + text[end:]

    def _mask(self, part: Found) -> tuple[str, int]:
        """Return the kind that a value was taken for at first, and its number."""
        if part.value not in self._masks:
            self._values[part.kind] += 1
            self._masks[part.value] = part.kind, self._values[part.kind]
        return self._masks[part.value]


def redacted(chats: Iterable[Chat], redactor: Redactor) -> Iterator[Chat]:
    """Yield chats whose texts are masked, each when it is asked for.

    The own format fetches notes and snapshots itself: give it `mask=redactor.mask`.
    """
    for chat in chats:
        yield Chat(redactor.mask(chat.session), _Messages(chat, redactor))


class _Messages:
    """The masked messages of a chat; what is read twice is counted once."""

    def __init__(self, chat: Chat, redactor: Redactor) -> None:
        self._chat, self._redactor, self._counted = chat, redactor, 0

    def __call__(self) -> Iterator[Row]:
        for number, message in enumerate(self._chat.messages(), 1):
            is_new = number > self._counted
            self._counted = max(self._counted, number)
            yield self._redactor.mask(message, count=is_new)


def _parsed(text: str) -> Any:
    """Return what a text of JSON says, as arguments of a tool are; None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _apart(found: Iterable[Found]) -> list[Found]:
    """Return what was found in order; what overlaps is one, so that no end of it stays."""
    parts: list[Found] = []
    for part in sorted(found, key=lambda part: (part.start, -part.end)):
        if parts and part.start < parts[-1].end:
            if part.end > parts[-1].end:
                parts[-1] = parts[-1]._replace(end=part.end)
        else:
            parts.append(part)
    return parts
