"""Backups in a wrapping: compressed (zstd), encrypted (age), or both.

* zstd: a frame with its checksum, and a skippable frame with the SHA-256 of all bytes before, since
  a frame has bits that no decoder looks at. `zstd -d` reads it.
* age, for recipients (`age1...`): as `age -d -i KEY` reads it. It authenticates every byte.
* age, by a passphrase: a line, the length of what follows, a key that is encrypted by the
  passphrase, and the backup encrypted for that key. So a file of any size takes little memory.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyrage
from backports import zstd

from conversations.errors import SessionsError

from .manifest import AT_ONCE, DIGEST, UnusableBackup, hashed

ZSTD = b"\x28\xb5\x2f\xfd"
AGE = b"age-encryption.org/v1\n"
LOCKED = b"llm-sessions passphrase v1\n"
LENGTH = 4  # bytes in which the length of the locked key is written
SKIPPABLE = b"\x50\x2a\x4d\x18" + DIGEST.to_bytes(4, "little")
MOST_KEY = 10_000  # bytes of a locked key
LEVEL = 3
ENDINGS = {"zstd": ".zst", "recipients": ".age", "passphrase": ".locked"}


def is_encrypted(file: Path) -> bool:
    """Say whether a file begins as an encrypted backup does."""
    return _kind(file) in (AGE, LOCKED)


def is_locked(file: Path) -> bool:
    """Say whether a file begins as a backup does that takes a passphrase."""
    return _kind(file) == LOCKED


def compress(source: Path, target: Path) -> None:
    """Write a compressed copy of a file."""
    options = {
        zstd.CompressionParameter.compression_level: LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    with source.open("rb") as plain, target.open("wb") as packed:
        with zstd.ZstdFile(packed, "w", options=options) as stream:
            shutil.copyfileobj(plain, stream, AT_ONCE)
        packed.write(SKIPPABLE)
        packed.flush()
        digest = hashed(target).digest()
        packed.write(digest)


def encrypt(
    source: Path, target: Path, *, passphrase: str | None, recipients: Sequence[str]
) -> None:
    """Write an encrypted copy of a file; raises `SessionsError` for a recipient that is none."""
    with source.open("rb") as plain, target.open("wb") as packed:
        if passphrase is not None:
            key = pyrage.x25519.Identity.generate()
            locked = pyrage.passphrase.encrypt(str(key).encode(), passphrase)
            packed.write(LOCKED + len(locked).to_bytes(LENGTH, "big") + locked)
            pyrage.encrypt_io(plain, packed, [key.to_public()])
        else:
            pyrage.encrypt_io(plain, packed, [_recipient(text) for text in recipients])


@contextmanager
def unpacked(
    file: Path, folder: Path, *, passphrase: str | None = None, identities: Sequence[str] = ()
) -> Iterator[Path]:
    """Yield the plain backup in a file, itself or unpacked into `folder`; it goes in the end.

    Raises `UnusableBackup` for anything that is not as it was written.
    """
    steps: list[Path] = []

    def unpack(how: Callable[[BinaryIO, BinaryIO], None], source: Path) -> Path:
        target = folder / f"unpacked-{os.getpid()}-{len(steps)}.db"
        steps.append(target)
        target.touch(mode=0o600)
        with source.open("rb") as packed, target.open("wb") as plain:
            how(packed, plain)
        return target

    path = file
    try:
        while kind := _kind(path):
            if kind == ZSTD:
                _check_end(path, file)
                path = unpack(partial(_decompress, file=file), path)
            else:
                keys = _keys(path, file, kind, passphrase, identities)
                path = unpack(partial(_decrypt, file=file, keys=keys), path)
            if len(steps) > 2:
                raise UnusableBackup(f"{file} is wrapped in more than any backup is.")
        yield path
    finally:
        for step in steps:
            step.unlink(missing_ok=True)


def _kind(file: Path) -> bytes | None:
    with file.open("rb") as stream:
        begins = stream.read(len(LOCKED))
    return next((kind for kind in (ZSTD, AGE, LOCKED) if begins.startswith(kind)), None)


def _check_end(packed: Path, file: Path) -> None:
    size = packed.stat().st_size
    with packed.open("rb") as stream:
        stream.seek(max(0, size - len(SKIPPABLE) - DIGEST))
        end = stream.read()
    if len(end) != len(SKIPPABLE) + DIGEST or not end.startswith(SKIPPABLE):
        raise UnusableBackup(f"{file} is damaged: its end is missing or changed.")
    if _digest(packed, size - DIGEST) != end[-DIGEST:]:
        raise UnusableBackup(f"{file} is damaged: it is not as it was written (SHA-256).")


def _decompress(packed: BinaryIO, plain: BinaryIO, file: Path) -> None:
    try:
        with zstd.ZstdFile(packed) as stream:
            shutil.copyfileobj(stream, plain, AT_ONCE)
    except (zstd.ZstdError, EOFError) as error:
        raise UnusableBackup(f"{file} cannot be unpacked: {error}.") from error


def _keys(path: Path, file: Path, kind: bytes, passphrase, identities) -> list:
    if kind == LOCKED:
        if passphrase is None:
            raise UnusableBackup(f"{file} is encrypted by a passphrase, and none was given.")
        with path.open("rb") as stream:
            stream.seek(len(LOCKED))
            length = int.from_bytes(stream.read(LENGTH), "big")
            locked = stream.read(min(length, MOST_KEY))
        try:
            text = pyrage.passphrase.decrypt(locked, passphrase).decode("ascii")
            return [pyrage.x25519.Identity.from_str(text)]
        except (pyrage.DecryptError, pyrage.IdentityError, ValueError) as error:
            raise UnusableBackup(
                f"{file} is damaged, or this is not its passphrase ({error})."
            ) from error
    if not identities:
        raise UnusableBackup(f"{file} is encrypted, and no identity (a key file) was given.")
    return [_identity(text) for text in identities]


def _decrypt(packed: BinaryIO, plain: BinaryIO, file: Path, keys: list) -> None:
    if packed.read(len(LOCKED)) == LOCKED:
        packed.seek(int.from_bytes(packed.read(LENGTH), "big"), os.SEEK_CUR)
    else:
        packed.seek(0)
    try:
        pyrage.decrypt_io(packed, plain, keys)
    except (pyrage.DecryptError, OSError, ValueError) as error:
        raise UnusableBackup(f"{file} cannot be decrypted: {error}.") from error


def _recipient(text: str):
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except (pyrage.RecipientError, ValueError) as error:
        raise SessionsError(
            f"{text!r:.100} is no recipient; age's begin with age1, SSH's with ssh-ed25519."
        ) from error


def _identity(text: str):
    try:
        if "PRIVATE KEY" in text:
            return pyrage.ssh.Identity.from_buffer(text.encode())
        return pyrage.x25519.Identity.from_str(text)
    except (pyrage.IdentityError, ValueError) as error:
        raise SessionsError("This is no identity; age's begin with AGE-SECRET-KEY-.") from error


def _digest(file: Path, length: int) -> bytes:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while length > 0 and (block := stream.read(min(AT_ONCE, length))):
            length -= len(block)
            digest.update(block)
    return digest.digest()
