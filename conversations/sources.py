"""Where sessions come from: what `sessions.source` may hold, and how it is said."""

from __future__ import annotations

from .importers import FORMATS

HERE = "here"  # in addresses and queries: the column is empty then
SOURCES = [
    *((name, module.LABEL) for name, module in FORMATS.items()),
    ("demo", "Demo data"),
    (HERE, "Made here"),
]
