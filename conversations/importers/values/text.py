"""Cleaning and reading of the values that foreign files hold. Knows no Django."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

# NUL cuts text short in SQL functions; a lone surrogate cannot be written as UTF-8 at all.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
TITLE_LENGTH = 200


def clean_text(text: str) -> str:
    """Return `text` with NUL and unpaired surrogates replaced by U+FFFD."""
    return UNSTORABLE.sub("\ufffd", text)


def clean(value: Any) -> Any:
    """Return a JSON value with every string in it, keys too, passed through `clean_text`."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(str(key)): clean(item) for key, item in value.items()}
    return value


def joined(texts: Iterable[str]) -> str:
    """Return `texts` with a blank line between them, those that are only white space left out."""
    return "\n\n".join(text for text in texts if text and not text.isspace())


def as_title(text: str) -> str:
    """Return the start of `text` as one line that is short enough for a list."""
    line = " ".join(text[: 8 * TITLE_LENGTH].split())
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…"


def read_time(value: Any) -> datetime | None:
    """Return a UTC datetime from ISO 8601 text or a number of s, ms, µs or ns; None if it is none.

    Times without a zone are UTC. Times outside 2015-2100 are taken for mistakes and give None.
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            time = datetime.fromisoformat(value)
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        else:
            seconds = float(value)
            for limit, scale in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
                if seconds > limit:
                    seconds /= scale
                    break
            time = datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return time if EARLIEST <= time < LATEST else None
