"""Search in SQLite, through indexes of FTS5."""

from .running import Hit, Hits, Search, at_most
from .texts import texts_of

__all__ = ["Hit", "Hits", "Search", "at_most", "texts_of"]
