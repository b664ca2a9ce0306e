"""The log of the command llm: logs.db, an SQLite database, in the schemas before and since 0.32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..reading.files import PlainFile, SourceFile, UnreadableFile
from ..records import Item, Rejected
from .database import DAMAGES, SIGNATURE, opened
from .sessions import read_sessions

LABEL = "logs of the command llm"


def recognises(sample: bytes) -> bool:
    """Return whether the first bytes of a file are those of an SQLite database.

    What is in it, only `read` can tell.
    """
    return sample.startswith(SIGNATURE)


def read(files: Sequence[SourceFile]) -> Iterator[Item]:
    """Yield the sessions of all files, and what could not be read, one conversation at a time."""
    for file in files:
        try:
            with opened(file) as database:
                yield from read_sessions(database, file.name)
        except UnreadableFile as error:
            yield Rejected(file.name, error.reason)
        except (*DAMAGES, OSError) as error:
            yield Rejected(file.name, f"cannot be read as an SQLite database: {error}")
        if isinstance(file, PlainFile) and file.on_bytes:
            file.on_bytes(file.size)
