"""Packed files: the entries of zip archives, gzip.

Nothing is ever unpacked to disk: what is packed is read in place, and the limits are held against
the bytes that really come out, not against what a directory says.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, cast

from ..values.text import clean_text
from .files import (
    BUFFER_BYTES,
    ByteCount,
    SourceFile,
    UnreadableFile,
    buffered,
    reason_of,
)

# A conversation export holds thousands of entries and text that packs 5 to 20 fold; these limits
# are far above that and far below what fills a disk.
MOST_ENTRIES = 100_000
MOST_BYTES = 8 * 1024**3
MOST_RATIO = 200
# Below this a high ratio is harmless, and short repetitive files do have one.
RATIO_FROM_BYTES = 1024**2
# The other methods are not what any product writes; LZMA may ask for gigabytes of memory.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file inside a zip archive."""

    archive: Archive
    info: zipfile.ZipInfo
    on_bytes: ByteCount | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.archive.name}/{clean_text(self.info.filename)}"

    @property
    def size(self) -> int:
        return self.info.file_size

    def open(self, *, counted: bool = True) -> IO[bytes]:
        if self.info.flag_bits & 0x1:
            raise UnreadableFile(self.name, "is encrypted; unpack the archive with its password")
        if self.info.compress_type not in ZIP_METHODS:
            method = self.info.compress_type
            reason = f"is packed by method {method}; only deflate (8) can be read"
            raise UnreadableFile(self.name, reason)
        try:
            stream = cast(zipfile.ZipExtFile, self.archive.zip.open(self.info))
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            OSError,
            ValueError,
        ) as error:
            raise UnreadableFile(self.name, reason_of(error)) from error
        return buffered(
            stream, self.name, self.on_bytes if counted else None, self.archive.check_of(self.info)
        )


class Archive:
    """A zip archive and how much has come out of it so far."""

    def __init__(self, file: SourceFile, *, on_bytes: ByteCount | None = None) -> None:
        """Open the archive; raises UnreadableFile if it is damaged or has too many entries."""
        self.name = file.name
        self.size = file.size
        self._file = file  # a spooled file lives as long as something refers to it
        self._on_bytes = on_bytes
        self._inflated: dict[int, int] = {}
        self._total = 0
        self._stream = file.open(counted=False)
        try:
            self.zip = self._opened()
        except UnreadableFile:
            self._stream.close()
            raise

    def _opened(self) -> zipfile.ZipFile:
        try:
            # Before zipfile makes an object of each entry: a million of them take a gigabyte.
            if _count_entries(self._stream) > MOST_ENTRIES:
                raise UnreadableFile(self.name, f"holds more than {MOST_ENTRIES:,} entries")
            return zipfile.ZipFile(self._stream)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            OSError,
            ValueError,
            struct.error,
        ) as error:
            raise UnreadableFile(self.name, reason_of(error)) from error

    def entries(self) -> Iterator[ArchiveEntry]:
        """Yield the files of the archive in the order of their names, folders left out."""
        for info in sorted(self.zip.infolist(), key=lambda info: info.filename):
            if not info.is_dir():
                yield ArchiveEntry(self, info, self._on_bytes)

    def close(self) -> None:
        """Close the archive; its entries cannot be opened any more."""
        self.zip.close()
        self._stream.close()

    def check_of(self, info: zipfile.ZipInfo) -> Callable[[int], str]:
        """Return the check of one pass over an entry: bytes inflated so far -> what is wrong."""

        def check(inflated: int) -> str:
            # Entries are read more than once, and only the furthest pass counts. They are told
            # apart as objects: entries that overlap share a place, but each comes out in full.
            before = self._inflated.get(id(info), 0)
            if inflated > before:
                self._inflated[id(info)] = inflated
                self._total += inflated - before
            if self._total > MOST_BYTES:
                return f"the archive unpacks to more than {MOST_BYTES // 1024**3} GB"
            if inflated > max(RATIO_FROM_BYTES, info.compress_size * MOST_RATIO):
                return f"unpacks to more than {MOST_RATIO} times its size"
            if self._total > max(RATIO_FROM_BYTES, self.size * MOST_RATIO):
                return f"the archive unpacks to more than {MOST_RATIO} times its size"
            return ""

        return check


@dataclass(frozen=True, slots=True)
class Gzipped:
    """A file packed with gzip. Its size is that of the packed bytes, which progress counts."""

    packed: SourceFile

    @property
    def name(self) -> str:
        return self.packed.name

    @property
    def size(self) -> int:
        return self.packed.size

    def open(self, *, counted: bool = True) -> IO[bytes]:
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=self.packed.open(counted=counted)))

        def check(unpacked: int) -> str:
            if unpacked > MOST_BYTES:
                return f"unpacks to more than {MOST_BYTES // 1024**3} GB"
            if unpacked > max(RATIO_FROM_BYTES, self.size * MOST_RATIO):
                return f"unpacks to more than {MOST_RATIO} times its size"
            return ""

        return buffered(stream, self.name, None, check)


def _count_entries(stream: IO[bytes]) -> int:
    """Return about how many entries the directory of a zip holds: not fewer than there are."""
    end_length, zip64_length = 22, 20 + 56
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    tail_length = min(size, end_length + 0xFFFF)
    stream.seek(size - tail_length)
    tail = stream.read(tail_length)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < end_length:
        return 0  # zipfile will say what is wrong
    (length,) = struct.unpack_from("<L", tail, place + 12)
    end = size - tail_length + place
    if tail[place - 20 : place - 16] == b"PK\x06\x07" and end >= zip64_length:
        end -= zip64_length
        stream.seek(end + 40)
        (length,) = struct.unpack("<Q", stream.read(8))
    length = min(length, end)
    stream.seek(end - length)
    count, before = 0, b""
    while length > 0 and (chunk := stream.read(min(length, BUFFER_BYTES))):
        count += (before + chunk).count(b"PK\x01\x02")
        before = chunk[-3:]
        length -= len(chunk)
    stream.seek(0)
    return count
