"""Damaging backups at random, and seeing that each damage is noticed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from maintenance import backups


def tried(file: Path, count: int, *, seed: int, **options) -> Iterator[tuple[str, bool]]:
    """Flip so many bits, and cut the file so often; yield each damage, and whether it is refused.

    The file is as it was in the end.
    """
    draw, content = random.Random(seed), file.read_bytes()
    try:
        for _ in range(count):
            place, bit = draw.randrange(len(content)), draw.randrange(8)
            with file.open("rb+") as stream:
                stream.seek(place)
                stream.write(bytes([content[place] ^ 1 << bit]))
            yield f"bit {bit} of byte {place:,}", _is_refused(file, **options)
            with file.open("rb+") as stream:
                stream.seek(place)
                stream.write(content[place : place + 1])
            length = draw.randrange(len(content))
            file.write_bytes(content[:length])
            yield f"cut to {length:,} bytes", _is_refused(file, **options)
            file.write_bytes(content)
    finally:
        file.write_bytes(content)


def _is_refused(file: Path, **options) -> bool:
    try:
        backups.verify(file, **options)
    except backups.UnusableBackup:
        return True
    return False


def tried_at_the_ends(file: Path, width: int, **options) -> Iterator[tuple[str, bool]]:
    """Flip every bit of the first and the last bytes, one at a time, as `tried` does."""
    content = file.read_bytes()
    places = [*range(min(width, len(content))), *range(max(0, len(content) - width), len(content))]
    try:
        for place in places:
            for bit in range(8):
                with file.open("rb+") as stream:
                    stream.seek(place)
                    stream.write(bytes([content[place] ^ 1 << bit]))
                yield f"bit {bit} of byte {place:,}", _is_refused(file, **options)
            with file.open("rb+") as stream:
                stream.seek(place)
                stream.write(content[place : place + 1])
    finally:
        file.write_bytes(content)
