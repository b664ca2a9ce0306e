"""Lists as files: CSV for spreadsheets, JSON for programs, streamed however long they are."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

FORMATS = {"csv": "text/csv", "json": "application/json"}
# What a spreadsheet may take for a formula (OWASP, CSV injection), full-width forms too.
FORMULA = re.compile(r"^\s*[=+\-@|%\t\r\n\0＝＋－＠]")  # noqa: RUF001 - these very characters
NUMBER = re.compile(r"^-?\d+(\.\d+)?$")

Row = dict[str, Any]


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def download(name: str, format: str, rows: Iterable[Row], columns: list[str]):
    """Return rows as a file that the browser saves, under a name with the day."""
    pieces = {"csv": as_csv, "json": as_json}[format](rows, columns)
    file = f"{name}-{timezone.localdate():%Y-%m-%d}.{format}"
    return StreamingHttpResponse(
        pieces,
        content_type=f"{FORMATS[format]}; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(True, file)},
    )


def as_csv(rows: Iterable[Row], columns: list[str]) -> Iterator[str]:
    """Yield lines of CSV (RFC 4180); what could be a formula has an apostrophe in front."""
    writer = csv.writer(_Echo())
    yield writer.writerow([cell(column) for column in columns])
    for row in rows:
        yield writer.writerow([cell(row[column]) for column in columns])


def as_json(rows: Iterable[Row], columns: list[str]) -> Iterator[str]:
    """Yield a JSON array of objects, a row at a time."""
    yield "["
    separator = "\n"
    for row in rows:
        kept = {column: row[column] for column in columns}
        yield separator + json.dumps(kept, ensure_ascii=False, default=_plain)
        separator = ",\n"
    yield "\n]\n"


def cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    text = "" if value is None else str(_plain(value))
    return f"'{text}" if FORMULA.match(text) and not NUMBER.match(text) else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return format(value, "f") if isinstance(value, Decimal) else value
