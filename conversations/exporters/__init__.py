"""Writing sessions out. A format is a function from chats to pieces of a file; FORMATS has all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .chats import Chat, chat, chats
from .csv import as_csv
from .html import as_html, as_html_of_one
from .openai import as_openai
from .otlp import as_otlp
from .own import as_own
from .parquet import as_parquet
from .sharegpt import as_sharegpt
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
    "json": Exporter(
        "JSON",
        "json",
        "application/json",
        as_json,
        as_json_object,
        help="A list of sessions with their messages, every column by its name.",
    ),
    "jsonl": Exporter(
        "Everything",
        "jsonl",
        "application/jsonl",
        as_own,
        help="With notes and snapshots, a record a line: to import again, here or elsewhere.",
        is_lossless=True,
    ),
    "markdown": Exporter(
        "Markdown", "md", "text/markdown", as_markdown, help="To read and to paste."
    ),
    "text": Exporter("Plain text", "txt", "text/plain", as_text, help="Words and figures alone."),
    "html": Exporter(
        "Web page",
        "html",
        "text/html",
        as_html,
        as_html_of_one,
        help="One file to read, print and keep, without scripts.",
    ),
    "csv": Exporter(
        "CSV", "csv", "text/csv", as_csv, help="A row for each message, for spreadsheets."
    ),
    "openai": Exporter(
        "OpenAI fine-tuning",
        "jsonl",
        "application/jsonl",
        as_openai,
        help="The shown path of each session that has an answer, as an example for training.",
    ),
    "sharegpt": Exporter(
        "ShareGPT",
        "jsonl",
        "application/jsonl",
        as_sharegpt,
        help="The same examples in the form that LLaMA-Factory and others read.",
    ),
    "otlp": Exporter(
        "OpenTelemetry traces (OTLP)",
        "jsonl",
        "application/jsonl",
        as_otlp,
        help="A trace for each session, a span for each answer, for tools that watch models.",
    ),
    "parquet": Exporter(
        "Parquet",
        "parquet",
        "application/vnd.apache.parquet",
        as_parquet,
        help="Everything as a table, for DuckDB, pandas and others. Needs pyarrow.",
        is_lossless=True,
    ),
}
