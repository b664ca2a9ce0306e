"""Finding the files of an import and opening them: folders, single files, zip archives."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

SAMPLE_BYTES = 64 * 1024
# A conversation export holds thousands of entries and text that packs 5 to 20 fold; these limits
# are far above that and far below what fills a disk.
ZIP_MAX_ENTRIES = 100_000
ZIP_MAX_BYTES = 8 * 1024**3
ZIP_MAX_RATIO = 200


class UnreadableFile(Exception):
    """A file of the import cannot be read; the message names it and says why."""


class SourceFile(Protocol):
    """A file to import, wherever it lies."""

    name: str

    def open(self) -> AbstractContextManager[IO[bytes]]: ...


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file on disk."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def open(self) -> IO[bytes]:
        return self.path.open("rb")
