"""Finding the files of an import and opening them: folders, single files, standard input."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from ..records import Rejected, Skipped
from ..values.text import clean_text

SAMPLE_BYTES = 64 * 1024
BUFFER_BYTES = 128 * 1024
STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "standard input"
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_SIGNATURE = b"\x1f\x8b"

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
class MemoryFile:
    """A file that lies nowhere: its content is at hand."""

    name: str
    content: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self, *, counted: bool = True) -> IO[bytes]:
        return io.BufferedReader(io.BytesIO(self.content))  # as of every other file


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file on disk.

    A folder may have a hundred thousand: as text, its path takes a fifth of what a Path does.
    """

    path: Path | str
    size: int = 0
    on_bytes: ByteCount | None = field(default=None, repr=False, compare=False)
    label: str = ""
    # The temporary file at `path`, which goes when nothing refers to it any more.
    spooled: IO[bytes] | None = field(default=None, repr=False, compare=False)
    inode: int | None = None  # tells that two paths lead to one file

    @property
    def name(self) -> str:
        # A file name that is no UTF-8 holds surrogates, which could not be stored or printed.
        return self.label or clean_text(str(self.path))

    def open(self, *, counted: bool = True) -> IO[bytes]:
        try:
            stream = Path(self.path).open("rb", buffering=0)  # noqa: SIM115 - given away
        except OSError as error:
            raise UnreadableFile(self.name, reason_of(error)) from error
        return buffered(stream, self.name, self.on_bytes if counted else None)


class _Reading(io.RawIOBase):
    """Reads a stream, reports the bytes, and gives every failure the name of the file."""

    def __init__(
        self,
        stream: io.FileIO | IO[bytes],
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
            raise UnreadableFile(self._name, reason_of(error)) from error
        self._done += count
        if self._check and (problem := self._check(self._done)):
            raise UnreadableFile(self._name, problem)
        if self._on_bytes and count:
            self._on_bytes(count)
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def buffered(
    stream: io.FileIO | IO[bytes],
    name: str,
    on_bytes: ByteCount | None,
    check: Callable[[int], str] | None = None,
) -> IO[bytes]:
    return io.BufferedReader(_Reading(stream, name, on_bytes, check), BUFFER_BYTES)


def reason_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return clean_text(str(error)) or type(error).__name__


def sample_of(file: SourceFile) -> bytes:
    """Return the first 64 kB of a file; raises UnreadableFile."""
    with file.open(counted=False) as stream:
        return stream.read(SAMPLE_BYTES)


def walk(
    path: Path | str | SourceFile, *, on_bytes: ByteCount | None = None
) -> Iterator[SourceFile | Rejected | Skipped]:
    """Yield the files at `path`: itself, all files below it in sorted order, or standard input.

    `-` is standard input. What cannot be read comes as Rejected, what is no file to read as
    Skipped. Links to folders are not followed.
    """
    if not isinstance(path, Path | str):
        yield path
        return
    if str(path) == STANDARD_INPUT:
        yield spool(sys.stdin.buffer, on_bytes=on_bytes)
        return
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        yield Rejected(clean_text(str(path)), reason_of(error))
        return
    if stat.S_ISREG(mode):
        status = path.stat()
        yield PlainFile(path, status.st_size, on_bytes, inode=_inode(status))
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
            file = os.path.join(folder, name)  # noqa: PTH118 - see PlainFile
            try:
                status = os.stat(file)  # noqa: PTH116
            except OSError as error:
                # A link to nowhere is common in a tree of logs and loses nobody a conversation.
                missing = isinstance(error, FileNotFoundError)
                yield (Skipped if missing else Rejected)(clean_text(str(file)), reason_of(error))
                continue
            if stat.S_ISREG(status.st_mode):
                yield PlainFile(file, status.st_size, on_bytes, inode=_inode(status))
            else:
                # Reading a pipe or a device might never end.
                yield Skipped(clean_text(str(file)), "not a regular file")
    for problem in problems:
        yield Rejected(clean_text(str(problem.filename)), reason_of(problem))


def _inode(status: os.stat_result) -> int:
    return status.st_dev << 64 | status.st_ino


def spool(stream: IO[bytes], *, on_bytes: ByteCount | None = None) -> PlainFile | Rejected:
    """Copy a stream that can be read only once to a temporary file, which can be read again."""
    size = 0
    try:
        copy = tempfile.NamedTemporaryFile(prefix="import-")  # noqa: SIM115 - outlives this function
        while chunk := stream.read(BUFFER_BYTES):
            size += copy.write(chunk)
        copy.flush()
    except OSError as error:
        return Rejected(STANDARD_INPUT_NAME, reason_of(error))
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
