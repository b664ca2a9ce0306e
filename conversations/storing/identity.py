"""Ids that follow from where a record comes from: the same on every import, in every database."""

from __future__ import annotations

from hashlib import blake2b

OWN = "own"  # our own export, whose records bring their ids along


def session_uuid(source: str, external_id: str) -> str:
    """Return the id of the session that `source` calls `external_id`: 32 hexadecimal digits."""
    if source == OWN:
        return external_id
    return _digest(f"session\0{source}\0{external_id}")


def message_uuid(source: str, key: str) -> str:
    """Return the id of the message that `source` calls `key`: 32 hexadecimal digits."""
    if source == OWN:
        return key
    return _digest(f"message\0{source}\0{key}")


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
