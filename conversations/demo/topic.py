"""A topic: what people ask about it, and what they are told, with slots that vary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

DIRECTIVE = re.compile(r"^%% (ask|think|call|answer) ?(.*)\n", re.MULTILINE)
SLOT = re.compile(r"«(\w+)»")


@dataclass(slots=True)
class Call:
    """A tool that the model asks for: its arguments as JSON text, and what it gives back."""

    name: str
    arguments: str
    result: str


@dataclass(slots=True)
class Exchange:
    """A question and its answer."""

    ask: str
    answer: str = ""
    thinking: str = ""
    calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Topic:
    """Something to talk about. The first exchange opens; the others go on from there, in order.

    `text` holds the exchanges, each part under a line of its own: `%% ask`, then perhaps `%% think`
    and `%% call NAME ARGUMENTS`, then `%% answer`. A slot stands in it as its name in guillemets.
    """

    titles: tuple[str, ...]
    tags: tuple[str, ...]
    projects: tuple[str, ...]
    text: str
    slots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()  # system prompts that suit it
    is_paired: bool = False  # the words of its slots belong together, place by place

    @cached_property
    def exchanges(self) -> list[Exchange]:
        """The exchanges, their slots not filled yet."""
        return read(self.text)


def read(text: str) -> list[Exchange]:
    """Return the exchanges of a text."""
    found: list[Exchange] = []
    parts = DIRECTIVE.split(text)[1:]
    for kind, argument, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        body = body.strip()
        match kind:
            case "ask":
                found.append(Exchange(body))
            case "think":
                found[-1].thinking = body
            case "call":
                name, _, arguments = argument.partition(" ")
                found[-1].calls.append(Call(name, arguments, body))
            case "answer":
                found[-1].answer = body
    return found


def fill(text: str, words: dict[str, str]) -> str:
    """Put words into the slots of a text."""
    return SLOT.sub(lambda slot: words[slot[1]], text)
