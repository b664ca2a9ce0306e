"""Where sessions come from: what `sessions.source` may hold, and how it is said."""

from __future__ import annotations

from .importers import FORMATS

OWN = "own"  # our own export, whose sessions keep the source that they had
HERE = "here"  # in addresses and queries: the column is empty then
SOURCES = [
    *((name, module.LABEL) for name, module in FORMATS.items() if name != OWN),
    ("demo", "Demo data"),
    (HERE, "Made here"),
]
