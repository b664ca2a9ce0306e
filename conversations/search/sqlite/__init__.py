"""Search in SQLite, through indexes of FTS5."""

from .hits import Hit, Hits, until
from .running import Search
from .texts import texts_of

__all__ = ["Hit", "Hits", "Search", "texts_of", "until"]
