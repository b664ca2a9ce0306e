"""The wire format of protobuf, as far as it takes to find the requests in a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10  # bytes


class Malformed(ValueError):
    """These bytes are no protobuf."""


class Field(NamedTuple):
    """A field of a message; `content` is what a field of a length holds, as far as it is there."""

    number: int
    type: int
    content: bytes = b""
    size: int = 0


def fields(message: bytes) -> Iterator[Field]:
    """Yield the fields of a message that may be cut off; raises Malformed."""
    place, end = 0, len(message)
    while place < end:
        tag, place = _varint(message, place)
        if place > end:
            return
        number, type = tag >> 3, tag & 7
        size = 0
        if type == VARINT:
            _, place = _varint(message, place)
        elif type == FIXED64:
            place += 8
        elif type == FIXED32:
            place += 4
        elif type == LENGTH:
            size, place = _varint(message, place)
        else:
            raise Malformed(f"a field of type {type}")
        if not number:
            raise Malformed("a field without a number")
        if place > end:
            return
        yield Field(number, type, message[place : place + size], size)
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place and where it ends, beyond the message if it is cut off."""
    number = 0
    for shift, byte in enumerate(message[place : place + LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, place + shift + 1
    if len(message) - place >= LONGEST_VARINT:
        raise Malformed("a number without an end")
    return number, len(message) + 1


def read_varint(stream: IO[bytes]) -> int | None:
    """Return the next number of a stream, None at its end; raises Malformed, EOFError."""
    number = 0
    for shift in range(LONGEST_VARINT):
        byte = stream.read(1)
        if not byte:
            if shift:
                raise EOFError
            return None
        number |= (byte[0] & 0x7F) << 7 * shift
        if byte[0] < 0x80:
            return number
    raise Malformed("a number without an end")


def written_varint(number: int) -> bytes:
    """Return a number as the wire format has it."""
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
