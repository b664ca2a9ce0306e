"""The content of a message: text or a list of blocks, taken apart by kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from ..values.fields import Unusable, flag_in, kind, present, text_in
from ..values.inline import attachment, without_bytes
from ..values.text import joined

# A richer copy of a tool's result may stand beside the text the model saw; one larger than this is
# mostly that text again, or a whole file.
MAX_EXTRA_BYTES = 4096


@dataclass(slots=True)
class Blocks:
    """What a message holds, each kind of block in the order of the source."""

    types: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text blocks, with a blank line between them."""
        return self.texts[0] if len(self.texts) == 1 else joined(self.texts)

    @property
    def is_only_results(self) -> bool:
        """Whether a tool speaks here and nobody else."""
        return bool(self.results) and len(self.results) == len(self.types)

    def describe(self, metadata: dict[str, Any]) -> None:
        """Add to the metadata of a message what it has no field for."""
        if self.types:
            metadata["blocks"] = self.types
        if self.thinking:
            metadata["thinking"] = self.thinking
        if self.attachments:
            metadata["attachments"] = self.attachments
        if self.others:
            metadata["other_blocks"] = self.others


@dataclass(slots=True)
class Result:
    """What a tool gave back, as the model saw it."""

    tool_call_id: str
    text: str
    is_error: bool

    def as_metadata(self) -> dict[str, Any]:
        return {"id": self.tool_call_id, "text": self.text, "is_error": self.is_error}


def read_blocks(content: Any) -> Blocks:
    """Return the parts of `message.content`; raises Unusable if it is neither text nor a list."""
    if isinstance(content, str):
        return Blocks(texts=[content])
    if not isinstance(content, list):
        raise Unusable(f"content is {kind(content)}, neither text nor a list")
    blocks = Blocks()
    for block in content:
        if isinstance(block, dict):
            _add(blocks, block)
        elif isinstance(block, str):
            blocks.types.append("text")
            blocks.texts.append(block)
        else:
            raise Unusable(f"a block of content is {kind(block)}, not an object")
    return blocks


def _add(blocks: Blocks, block: dict[str, Any]) -> None:
    type = text_in(block, "type")
    blocks.types.append(type)
    match type:
        case "text":
            blocks.texts.append(text_in(block, "text"))
            if block.get("citations"):
                blocks.others.append(without_bytes({**block, "text": None}))
        case "thinking":
            if thought := text_in(block, "thinking"):
                blocks.thinking.append(thought)
        case "redacted_thinking":
            pass  # encrypted: `types` says that it was there
        case "tool_result":
            blocks.results.append(_result(blocks, block))
        case "image" | "document":
            blocks.attachments.append(attachment(block))
        case _ if type.endswith("tool_use"):
            blocks.tool_calls.append(_tool_call(block))
        case _:
            blocks.others.append(without_bytes(block))


def _tool_call(block: dict[str, Any]) -> dict[str, Any]:
    call = {
        "id": text_in(block, "id"),
        "name": text_in(block, "name"),
        "arguments": without_bytes(block.get("input")),
    }
    if block["type"] != "tool_use":
        call["type"] = block["type"]  # run by the provider, not on the user's machine
    return call


def _result(blocks: Blocks, block: dict[str, Any]) -> Result:
    content = block.get("content")
    texts: list[str] = []
    if isinstance(content, str):
        texts.append(content)
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                texts.append(part)
            elif not isinstance(part, dict):
                raise Unusable(f"a part of a tool result is {kind(part)}, not an object")
            elif (type := text_in(part, "type")) == "text":
                texts.append(text_in(part, "text"))
            elif type in ("image", "document"):
                blocks.attachments.append(attachment(part))
            else:
                blocks.others.append(without_bytes(part))
    elif content is not None:
        raise Unusable(f"content of a tool result is {kind(content)}, neither text nor a list")
    return Result(
        text_in(block, "tool_use_id"),
        joined(texts),
        flag_in(block, "is_error"),
    )


def extra_result(result: Any, text: str) -> Any:
    """Return what `toolUseResult` says beyond `text`, within reason; None if that is nothing.

    Of an object that is too large the entries that are not are kept, and the others named.
    """
    if result in (None, "", [], {}, text, f"Error: {text}"):
        return None
    if isinstance(result, dict):
        result = {key: value for key, value in present(result).items() if value != text}
    result = without_bytes(result)
    if not _is_large(result):
        return result or None
    if not isinstance(result, dict):
        return None
    kept = {key: value for key, value in result.items() if not _is_large(value)}
    return {**kept, "omitted": sorted(result.keys() - kept.keys())}


def _is_large(value: Any) -> bool:
    return len(value if isinstance(value, str) else orjson.dumps(value)) > MAX_EXTRA_BYTES
