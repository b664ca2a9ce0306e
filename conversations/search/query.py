"""From what a user typed to what the index is asked."""

from __future__ import annotations

import re

WORD = re.compile(r'"[^"]*"|\S+')
LONGEST_QUERY = 10_000


def literal(typed: str) -> str:
    """Return a query that asks for every word, and every "quoted phrase", as it stands.

    Each is quoted for FTS5, so that no character in it is an operator. Empty when there is no word.
    """
    words = (word.strip('"').replace('"', '""') for word in WORD.findall(typed[:LONGEST_QUERY]))
    return " ".join(f'"{word}"' for word in words if any(c.isalnum() for c in word))
