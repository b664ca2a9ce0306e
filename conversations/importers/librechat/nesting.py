"""Messages nested in the ones they answer, as many levels deep as a conversation is long.

No JSON parser follows that far, so the text is rearranged before one sees it.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import IO

from ..reading.json_values import MAX_LINE_BYTES, TOO_LONG
from ..values.fields import Unusable

# A string, with the colon if it is a name; a bracket.
TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"\s*(:?)|[\[\]{}]', re.DOTALL)
PAIRS = {"]": "[", "}": "{"}
LISTS = ("messages", "messagesTree")
CHILDREN = "children"
# What an open bracket holds.
CONVERSATION, MESSAGES, MESSAGE, OTHER = range(4)


@dataclass(slots=True)
class _Message:
    """The pieces of a message's text, without its children; the next one begins at `start`."""

    start: int
    pieces: list[str] = field(default_factory=list)


def unnested(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream with the same conversation, in which `children` follow their message.

    What is no sound JSON comes as it is. Raises Unusable if it is too long for a conversation.
    """
    content = stream.read(MAX_LINE_BYTES + 1)
    if len(content) > MAX_LINE_BYTES:
        raise Unusable(TOO_LONG)
    if f'"{CHILDREN}"'.encode() in content:
        text = content.decode("utf-8-sig", errors="replace")
        content = flattened(text).encode()
    return io.BytesIO(content)


def flattened(text: str) -> str:
    """Return a conversation with all messages in the outermost list; `text` if it is no JSON."""
    done: list[str] = []
    place = 0  # up to here the text is done
    brackets: list[tuple[str, int]] = []  # those that are open, and what each holds
    nested: list[_Message] = []  # the messages that are open, the outermost first
    found: list[_Message] = []  # all messages in the outermost, in the order they begin
    name = ""
    for token in TOKEN.finditer(text):
        bracket = token[0]
        if token[1] is not None:
            name = token[1] if token[2] else ""
        elif bracket in PAIRS:
            if not brackets or brackets[-1][0] != PAIRS[bracket]:
                return text
            _, held = brackets.pop()
            if held == MESSAGES and nested:
                nested[-1].start = token.start()
            elif held == MESSAGE:
                message = nested.pop()
                message.pieces.append(text[message.start : token.end()])
                if not nested:
                    done.append(",".join("".join(message.pieces) for message in found))
                    place = token.end()
        else:
            held = _held(bracket, brackets, name)
            brackets.append((bracket, held))
            name = ""
            if held == MESSAGES and nested:
                nested[-1].pieces.append(text[nested[-1].start : token.end()])
            elif held == MESSAGE:
                if not nested:
                    done.append(text[place : token.start()])
                    found = []
                nested.append(_Message(token.start()))
                found.append(nested[-1])
    return text if brackets else "".join(done) + text[place:]


def _held(bracket: str, brackets: list[tuple[str, int]], name: str) -> int:
    """Return what the bracket holds that opens under `name`, inside those that are open."""
    above = brackets[-1][1] if brackets else OTHER
    if bracket == "[":
        is_list = name in LISTS if above == CONVERSATION else name == CHILDREN and above == MESSAGE
        return MESSAGES if is_list else OTHER
    if above == MESSAGES:
        return MESSAGE
    return OTHER if brackets else CONVERSATION
