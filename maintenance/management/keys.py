"""What locks and unlocks a backup, from the command line: never the secret itself in a command."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from conversations import commands


def add_locking(parser) -> None:
    """Add the ways to encrypt."""
    parser.add_argument(
        "--encrypt", action="store_true", help="by a passphrase: BACKUP_PASSPHRASE, or it asks"
    )
    parser.add_argument("--passphrase-file", metavar="FILE", help="encrypt by its first line")
    parser.add_argument(
        "--recipient", action="append", default=[], metavar="KEY",
        help="encrypt for this public key (age1... or ssh-ed25519 ...); may be repeated",
    )  # fmt: skip


def add_unlocking(parser) -> None:
    """Add the ways to decrypt."""
    parser.add_argument("--passphrase-file", metavar="FILE", help="decrypt by its first line")
    parser.add_argument(
        "--identity", action="append", default=[], metavar="FILE",
        help="a file with the private key (age or SSH); may be repeated",
    )  # fmt: skip


def locking(options: dict[str, Any]) -> dict[str, Any]:
    """Return `passphrase` and `recipients` as `backups.backup` takes them."""
    file, recipients = options["passphrase_file"], options["recipient"]
    passphrase = None
    if file or options["encrypt"]:
        passphrase = _first_line(file) if file else settings.BACKUP_PASSPHRASE or _asked(twice=True)
    return {"passphrase": passphrase, "recipients": recipients}


def unlocking(options: dict[str, Any], *, is_asked: bool = False) -> dict[str, Any]:
    """Return `passphrase` and `identities` as `backups.opened` takes them."""
    file = options.get("passphrase_file")
    passphrase = _first_line(file) if file else settings.BACKUP_PASSPHRASE or None
    if passphrase is None and is_asked:
        passphrase = _asked(twice=False)
    return {"passphrase": passphrase, "identities": _identities(options.get("identity") or ())}


def _identities(names) -> list[str]:
    found: list[str] = []
    for name in names:
        text = _text(name)
        if "PRIVATE KEY" in text:
            found.append(text)
            continue
        lines = [line.strip() for line in text.splitlines()]
        found += [line for line in lines if line and not line.startswith("#")]
    return found


def _first_line(name: str) -> str:
    line = next(iter(_text(name).splitlines()), "")
    if not line:
        raise CommandError(f"{name}: the first line is empty.", returncode=commands.USAGE)
    return line


def _text(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} is no text.", returncode=commands.USAGE) from error


def _asked(*, twice: bool) -> str:
    if not sys.stdin.isatty():
        raise CommandError(
            "There is no terminal to ask for the passphrase on: set BACKUP_PASSPHRASE,"
            " or give --passphrase-file.",
            returncode=commands.USAGE,
        )
    said = getpass.getpass("Passphrase: ")
    if not said or (twice and said != getpass.getpass("Once more: ")):
        raise CommandError("The passphrases differ, or are empty.", returncode=commands.USAGE)
    return said
