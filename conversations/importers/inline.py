"""Pictures and documents inside a conversation: what they were, never their bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

from .fields import MAX_DEPTH, TOO_DEEP, Unusable

DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w=.+-]*)*;base64,")

LONGEST_HEAD = 200
# A notebook's outputs stand under their media types.
BINARY = ("image/", "audio/", "video/")
TEXTUAL = ("image/svg",)


def digest(encoded: str, *, type: str, media_type: str = "") -> dict[str, Any]:
    """Describe base64 text: type, media type, size in bytes and SHA-256 of what it encodes."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        content = encoded.encode("utf-8", errors="replace")
    return {
        "type": type,
        "media_type": media_type,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def attachment(block: dict[str, Any]) -> dict[str, Any]:
    """Describe an Anthropic image or document block by its source, without the bytes."""
    kind = block.get("type")
    kind = kind if isinstance(kind, str) else ""
    source = block.get("source")
    if not isinstance(source, dict):
        return {"type": kind}
    media_type = source.get("media_type")
    media_type = media_type if isinstance(media_type, str) else ""
    content = source.get("data")
    if isinstance(content, str) and source.get("type") != "text":
        found = digest(content, type=kind, media_type=media_type)
    else:
        # A text document or an address: nothing in it is encoded.
        found = {"type": kind, "media_type": media_type, **without_bytes(source)}
        found["type"] = kind
    title = block.get("title")
    return {**found, "name": title} if isinstance(title, str) and title else found


def without_bytes(value: Any, room: int = MAX_DEPTH) -> Any:
    """Return a JSON value in which inline base64 is replaced by its description.

    Raises Unusable if lists and objects are nested in it more than `room` levels.
    """
    if isinstance(value, str):
        return _described(value) if value.startswith("data:") else value
    if isinstance(value, dict):
        if not room:
            raise Unusable(TOO_DEEP)
        if "base64" in value or value.get("type") == "base64":
            content = value.get("base64", value.get("data"))
            if isinstance(content, str):
                return digest(content, type="data", media_type=_media_type(value))
        return {
            key: _described(item, key)
            if isinstance(item, str)
            else item
            if item is None or item is True or item is False
            else without_bytes(item, room - 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        if not room:
            raise Unusable(TOO_DEEP)
        return [without_bytes(item, room - 1) for item in value]
    return value


def _described(text: str, key: str = "") -> Any:
    """Return `text`, or what it encodes if it is a data URL or stands under a media type."""
    if text.startswith("data:") and (url := DATA_URL.match(text, 0, LONGEST_HEAD)):
        return digest(text[url.end() :], type="data", media_type=url[1])
    if "/" in key and key.startswith(BINARY) and not key.startswith(TEXTUAL):
        return digest(text, type="data", media_type=key)
    return text


def _media_type(value: dict[str, Any]) -> str:
    media_type = value.get("media_type") or value.get("mime_type") or value.get("type")
    return media_type if isinstance(media_type, str) else ""
