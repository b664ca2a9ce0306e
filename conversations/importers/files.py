"""Finding the files of an import and opening them: folders, single files, zip archives.

Nothing is ever unpacked to disk: the entries of an archive are read in place, and its limits are
held against the bytes that really come out, not against what its directory says.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, cast

from .records import Rejected, Skipped
from .text import clean_text

SAMPLE_BYTES = 64 * 1024
BUFFER_BYTES = 128 * 1024
STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard input"
# A conversation export holds thousands of entries and text that packs 5 to 20 fold; these limits
# are far above that and far below what fills a disk.
ZIP_MAX_ENTRIES = 100_000
ZIP_MAX_BYTES = 8 * 1024**3
ZIP_MAX_RATIO = 200
# Below this a high ratio is harmless, and short repetitive files do have one.
ZIP_RATIO_FROM_BYTES = 1024**2
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
# The other methods are not what any product writes; LZMA may ask for gigabytes of memory.
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

ByteCount = Callable[[int], None]


class UnreadableFile(Exception):
    """A file of the import cannot be read; the message names it and says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class SourceFile(Protocol):
    """A file to import, wherever it lies; `name` is for people, `size` in bytes."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def open(self, *, counted: bool = True) -> IO[bytes]:
        """Open for reading; raises UnreadableFile. Bytes read are reported unless not `counted`."""
        ...


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file on disk."""

    path: Path
    size: int = 0
    on_bytes: ByteCount | None = field(default=None, repr=False, compare=False)
    label: str = ""
    # The temporary file at `path`, which goes when nothing refers to it any more.
    spooled: IO[bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        # A file name that is no UTF-8 holds surrogates, which could not be stored or printed.
        return self.label or clean_text(str(self.path))

    def open(self, *, counted: bool = True) -> IO[bytes]:
        try:
            stream = self.path.open("rb", buffering=0)
        except OSError as error:
            raise UnreadableFile(self.name, _reason(error)) from error
        return _buffered(stream, self.name, self.on_bytes if counted else None)


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
            raise UnreadableFile(self.name, _reason(error)) from error
        return _buffered(
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
            if _count_entries(self._stream) > ZIP_MAX_ENTRIES:
                raise UnreadableFile(self.name, f"holds more than {ZIP_MAX_ENTRIES:,} entries")
            return zipfile.ZipFile(self._stream)
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            OSError,
            ValueError,
            struct.error,
        ) as error:
            raise UnreadableFile(self.name, _reason(error)) from error

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
            if self._total > ZIP_MAX_BYTES:
                return f"the archive unpacks to more than {ZIP_MAX_BYTES // 1024**3} GB"
            if inflated > max(ZIP_RATIO_FROM_BYTES, info.compress_size * ZIP_MAX_RATIO):
                return f"unpacks to more than {ZIP_MAX_RATIO} times its size"
            if self._total > max(ZIP_RATIO_FROM_BYTES, self.size * ZIP_MAX_RATIO):
                return f"the archive unpacks to more than {ZIP_MAX_RATIO} times its size"
            return ""

        return check


class _Reading(io.RawIOBase):
    """Reads a stream, reports the bytes, and gives every failure the name of the file."""

    def __init__(
        self,
        stream: io.FileIO | zipfile.ZipExtFile,
        name: str,
        on_bytes: ByteCount | None,
        check: Callable[[int], str] | None,
    ) -> None:
        self._stream = stream
        self._name = name
        self._on_bytes = on_bytes
        self._check = check
        self._done = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._check is None and self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._stream.readinto(buffer)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise UnreadableFile(self._name, _reason(error)) from error
        self._done += count
        if self._check and (problem := self._check(self._done)):
            raise UnreadableFile(self._name, problem)
        if self._on_bytes and count:
            self._on_bytes(count)
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def _buffered(
    stream: io.FileIO | zipfile.ZipExtFile,
    name: str,
    on_bytes: ByteCount | None,
    check: Callable[[int], str] | None = None,
) -> IO[bytes]:
    return io.BufferedReader(_Reading(stream, name, on_bytes, check), BUFFER_BYTES)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return clean_text(str(error)) or type(error).__name__


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


def sample_of(file: SourceFile) -> bytes:
    """Return the first 64 kB of a file; raises UnreadableFile."""
    with file.open(counted=False) as stream:
        return stream.read(SAMPLE_BYTES)


def walk(
    path: Path | str, *, on_bytes: ByteCount | None = None
) -> Iterator[SourceFile | Rejected | Skipped]:
    """Yield the files at `path`: itself, all files below it in sorted order, or standard input.

    `-` is standard input. What cannot be read comes as Rejected, what is no file to read as
    Skipped. Links to folders are not followed.
    """
    if str(path) == STANDARD_INPUT:
        yield spool(sys.stdin.buffer, on_bytes=on_bytes)
        return
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        yield Rejected(clean_text(str(path)), _reason(error))
        return
    if stat.S_ISREG(mode):
        yield PlainFile(path, path.stat().st_size, on_bytes)
    elif stat.S_ISDIR(mode):
        yield from _walk_folder(path, on_bytes)
    else:
        yield Rejected(clean_text(str(path)), "not a regular file; - reads standard input")


def _walk_folder(
    path: Path, on_bytes: ByteCount | None
) -> Iterator[SourceFile | Rejected | Skipped]:
    problems: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=problems.append):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            try:
                status = file.stat()
            except OSError as error:
                # A link to nowhere is common in a tree of logs and loses nobody a conversation.
                missing = isinstance(error, FileNotFoundError)
                yield (Skipped if missing else Rejected)(clean_text(str(file)), _reason(error))
                continue
            if stat.S_ISREG(status.st_mode):
                yield PlainFile(file, status.st_size, on_bytes)
            else:
                # Reading a pipe or a device might never end.
                yield Skipped(clean_text(str(file)), "not a regular file")
    for problem in problems:
        yield Rejected(clean_text(str(problem.filename)), _reason(problem))


def spool(stream: IO[bytes], *, on_bytes: ByteCount | None = None) -> PlainFile | Rejected:
    """Copy a stream that can be read only once to a temporary file, which can be read again."""
    size = 0
    try:
        copy = tempfile.NamedTemporaryFile(prefix="import-")  # noqa: SIM115 - outlives this function
        while chunk := stream.read(BUFFER_BYTES):
            size += copy.write(chunk)
        copy.flush()
    except OSError as error:
        return Rejected(STANDARD_INPUT_NAME, _reason(error))
    return PlainFile(Path(copy.name), size, on_bytes, STANDARD_INPUT_NAME, copy)


def describe(sample: bytes) -> str:
    """Return in a few words what a file seems to be, for the message that nobody recognises it."""
    if not sample.strip():
        return "an empty file"
    for signature, name in KINDS.items():
        if sample.startswith(signature):
            return name
    if b"\0" in sample:
        return "a binary file"
    start = sample.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"{": "JSON, an object or lines of objects", b"[": "JSON, a list"}.get(
        start, "a text file"
    )


KINDS = {
    b"SQLite format 3\0": "an SQLite database",
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd file; unpack it first",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"<": "HTML or XML",
    ZIP_SIGNATURES[0]: "a zip archive",
    ZIP_SIGNATURES[1]: "an empty zip archive",
}
