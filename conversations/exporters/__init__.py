"""Writing sessions out. A format is a function from chats to pieces of a file; FORMATS has all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .chats import Chat, chat, chats
from .own import as_own
from .transcripts import as_json, as_json_object, as_markdown, as_text

__all__ = ["FORMATS", "Chat", "Exporter", "chat", "chats"]

Pieces = Iterator[str | bytes]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format: what people and programs call it, and the function that writes it."""

    label: str
    suffix: str
    content_type: str
    write: Callable[..., Pieces]  # of an iterable of chats
    write_one: Callable[[Chat], Pieces] | None = None  # where a single one has another form
    help: str = ""  # what it is for, in a sentence
    is_lossless: bool = False  # holds everything: `write` takes `with_catalog` and `mask` too


FORMATS = {
    "json": Exporter("JSON", "json", "application/json", as_json, as_json_object),
    "markdown": Exporter("Markdown", "md", "text/markdown", as_markdown),
    "text": Exporter("Plain text", "txt", "text/plain", as_text),
    "jsonl": Exporter(
        "Everything, for importing again", "jsonl", "application/jsonl", as_own, is_lossless=True
    ),
}
