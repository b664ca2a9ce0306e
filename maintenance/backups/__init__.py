"""Copies of the database: making them, opening them, proving them, keeping enough of them."""

from .making import Copy, backup, default_path
from .manifest import Manifest, UnusableBackup
from .opening import opened, verify
from .proving import Proof, known, last_proven, prove
from .rotation import keep_newest, rotate

__all__ = [
    "Copy",
    "Manifest",
    "Proof",
    "UnusableBackup",
    "backup",
    "default_path",
    "keep_newest",
    "known",
    "last_proven",
    "opened",
    "prove",
    "rotate",
    "verify",
]
