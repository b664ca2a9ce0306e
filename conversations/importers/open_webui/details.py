"""Thoughts and calls of tools inside the text of an answer, written there as HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from ..chat.turns import Turn, arguments, as_text, parsed
from ..structure.threads import Said
from ..values.text import joined

OPENING = '<details type="'
CLOSING = "</details>"
KINDS = ("reasoning", "tool_calls", "code_interpreter")
CODE = "code_interpreter"
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
SUMMARY = re.compile(r"<summary>[^<]*</summary>")
QUOTE = re.compile(r"^> ?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Details:
    """One block: its attributes and the text in it."""

    attributes: dict[str, str]
    text: str

    @property
    def type(self) -> str:
        return self.attributes["type"]


def read_text(said: Said, text: str, call_id: str) -> None:
    """Add an answer to `said`, thoughts and calls apart from what is said.

    `call_id` is what the ids of calls begin with that have none.
    """
    pieces, blocks = _taken_apart(text)
    said.turn.texts += pieces
    for block in blocks:
        if block.type == "reasoning":
            said.turn.thinking.append(QUOTE.sub("", block.text))
        else:
            _read_call(said, block, f"{call_id}:{len(said.turn.tool_calls) + 1}")


def _taken_apart(text: str) -> tuple[list[str], list[Details]]:
    """Return the text around the blocks, and the blocks. One that is not closed stays text."""
    pieces: list[str] = []
    blocks: list[Details] = []
    place = 0
    start = text.find(OPENING)
    while start >= 0:
        end_of_tag = text.find(">", start)
        end = text.find(CLOSING, end_of_tag)
        if end_of_tag < 0 or end < 0:
            break
        attributes = {
            name: html.unescape(value) for name, value in ATTRIBUTE.findall(text, start, end_of_tag)
        }
        if attributes.get("type") in KINDS:
            blocks.append(Details(attributes, _inside(text[end_of_tag + 1 : end])))
            pieces.append(text[place:start].strip())
            place = end + len(CLOSING)
        start = text.find(OPENING, end)
    if not blocks:
        return [text], []
    return [joined([*pieces, text[place:].strip()])], blocks


def _inside(text: str) -> str:
    text = text.strip()
    if heading := SUMMARY.match(text):
        text = text[heading.end() :]
    return html.unescape(text).strip()


def _read_call(said: Said, block: Details, call_id: str) -> None:
    attributes = block.attributes
    id = attributes.get("id") or call_id
    name = attributes.get("name", "")
    if block.type == CODE:
        name = name or CODE
        given, result = block.text, attributes.get("output", "")
    else:
        given, result = attributes.get("arguments", ""), attributes.get("result") or block.text
    said.turn.tool_calls.append({"id": id, "name": name, "arguments": arguments(given)})
    if result:
        text = as_text(parsed(result))
        said.results.append(Turn("tool", [text], tool_call_ids=[id], name=name))
