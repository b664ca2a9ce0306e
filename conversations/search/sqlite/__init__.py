"""Search in SQLite, through indexes of FTS5."""

from .running import Hit, Hits, Search, until
from .texts import texts_of

__all__ = ["Hit", "Hits", "Search", "texts_of", "until"]
