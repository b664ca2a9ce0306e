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
# What is shorter is no picture, and may be a word in a field that happens to have the name.
SHORTEST_BASE64 = 64
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


def pointed(address: Any) -> dict[str, Any]:
    """Describe what is at an address: what a data URL encodes, else the address as a pointer."""
    found = without_bytes(address)
    return found if isinstance(found, dict) else {"pointer": found} if found else {}


def without_bytes(value: Any, room: int = MAX_DEPTH) -> Any:
    """Return a JSON value in which inline base64 is replaced by its description.

    Raises Unusable if lists and objects are nested in it more than `room` levels.
    """
    if isinstance(value, str):
        return _described(value)
    if not isinstance(value, dict | list):
        return value
    if not room:
        raise Unusable(TOO_DEEP)
    if isinstance(value, list):
        return [without_bytes(item, room - 1) for item in value]
    is_source = value.get("type") == "base64"
    return {
        key: _described(item, _media_type_of(value, key, is_source))
        if isinstance(item, str)
        else without_bytes(item, room - 1)
        for key, item in value.items()
    }


def _media_type_of(value: dict[str, Any], key: str, is_source: bool) -> str | None:
    """Return the media type of what `key` holds in base64, None if it should hold no base64."""
    if key == "base64" or (is_source and key == "data"):
        media_type = value.get("media_type") or value.get("mime_type") or value.get("type")
        return media_type if isinstance(media_type, str) else ""
    if "/" in key and key.startswith(BINARY) and not key.startswith(TEXTUAL):
        return key
    return None


def _described(text: str, media_type: str | None = None) -> Any:
    """Return `text`, or the description of what it encodes."""
    if media_type is not None and len(text) >= SHORTEST_BASE64:
        return digest(text, type="data", media_type=media_type)
    if text.startswith("data:") and (url := DATA_URL.match(text, 0, LONGEST_HEAD)):
        return digest(text[url.end() :], type="data", media_type=url[1])
    return text
