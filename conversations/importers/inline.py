"""Pictures and documents inside a conversation: what they were, never their bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w=.+-]*)*;base64,")


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


def without_bytes(value: Any) -> Any:
    """Return a JSON value in which inline base64 is replaced by its description."""
    if isinstance(value, str):
        url = DATA_URL.match(value, 0, 200)
        if url is None:
            return value
        return digest(value[url.end() :], type="data", media_type=url[1])
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    if isinstance(value, dict):
        encoded = "base64" if "base64" in value else "data"
        content = value.get(encoded)
        if isinstance(content, str) and (encoded == "base64" or value.get("type") == "base64"):
            media_type = value.get("media_type") or value.get("mime_type") or value.get("type")
            media_type = media_type if isinstance(media_type, str) else ""
            return digest(content, type="data", media_type=media_type)
        return {key: without_bytes(item) for key, item in value.items()}
    return value
