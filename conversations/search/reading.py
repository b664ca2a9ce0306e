"""How a query is read: its tree with what its fields mean, and the sentences that say so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .fields import PARTS, Condition, NotMeant, Scope, Unknown, close_names, resolve
from .query import (
    And,
    Field,
    First,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Substring,
    TextNode,
    Within,
    Word,
    parse,
)
from .text import is_symbol, is_word_character

SHORTEST_SUBSTRING = 3  # characters that a text is looked through for where words find nothing


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What may be meant, and the query that says it."""

    label: str
    query: str


@dataclass(slots=True)
class Reading:
    """A query as it is searched for; `tree` has a `Condition` for every field."""

    tree: Node | Condition | None
    parts: frozenset[str] = frozenset(PARTS)
    notes: list[str] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)

    @property
    def says(self) -> str:
        """Return in words what is searched for, such as `“python” and the role is user`."""
        said = says(self.tree) if self.tree else ""
        if self.parts != frozenset(PARTS):
            where = " and ".join(label for part, label in PARTS.items() if part in self.parts)
            said = f"{said}, in {where or 'nothing'}"
        return said

    @property
    def has_text(self) -> bool:
        """Say whether texts are searched, and not fields alone."""
        return any(True for _ in texts(self.tree))

    def as_substrings(self) -> Reading | None:
        """Return the query with each word anywhere, within words too; None if that is the same."""
        tree = _as_substrings(self.tree)
        return None if tree == self.tree else replace(self, tree=tree)


def read(typed: str, *, using: str) -> Reading:
    """Return how `typed` is read."""
    parsed = parse(typed)
    reading = Reading(None, notes=parsed.notes)
    reader = _Reader(typed, reading, using)
    for unknown in parsed.unknown:
        for name in close_names(unknown.name):
            reader.suggest(unknown, f"{name}:{unknown.value}")
    reading.tree = reader.resolved(parsed.tree) if parsed.tree else None
    if not reading.tree and reader.parts_wanted:
        reading.notes.append("There is nothing to look for in these parts.")
    reading.parts = frozenset(reader.parts_wanted or PARTS) - reader.parts_left_out
    return reading


class _Reader:
    """Puts conditions in place of fields, and takes away what says nothing."""

    def __init__(self, typed: str, reading: Reading, using: str) -> None:
        self.typed = typed
        self.reading = reading
        self.using = using
        self.parts_wanted: set[str] = set()
        self.parts_left_out: set[str] = set()

    def suggest(self, field: Field, instead: str) -> None:
        query = f"{self.typed[: field.start]}{instead}{self.typed[field.end :]}"
        self.reading.suggestions.append(Suggestion(instead, query))

    def resolved(self, node: Node) -> Node | Condition | None:
        match node:
            case Field():
                return self.field(node)
            case And(of=nodes):
                found = self.without_marks([self.resolved(inner) for inner in nodes])
                return found[0] if len(found) == 1 else And(tuple(found)) if found else None
            case Or(of=nodes):
                found = [kept for inner in nodes if (kept := self.resolved(inner))]
                return found[0] if len(found) == 1 else Or(tuple(found)) if found else None
            case Not(of=Field(name="in") as field):
                scope = self.field(field, left_out=True)
                return scope and Not(scope)
            case Not(of=inner) | Within(of=inner):
                kept = self.resolved(inner)
                return kept and replace(node, of=kept)
            case Phrase(text=text) if not text.strip():
                self.reading.notes.append("There is nothing between quotes: ignored.")
                return None
        return node

    def without_marks(self, nodes: list[Node | Condition | None]) -> list[Node | Condition]:
        """Take away single marks between words, such as a dash."""
        found = [node for node in nodes if node]
        kept = [node for node in found if not _is_mark(node)]
        if not kept:
            return found
        for node in found:
            if _is_mark(node):
                self.reading.notes.append(f"“{node.text}” is ignored.")
        return kept

    def field(self, field: Field, *, left_out: bool = False) -> Node | Condition | None:
        try:
            answer = resolve(field, using=self.using)
        except NotMeant as reason:
            self.reading.notes.append(f"{field.name}: {reason}. It is searched for as text.")
            return Word(self.typed[field.start : field.end])
        if isinstance(answer, Scope):
            (self.parts_left_out if left_out else self.parts_wanted).update(answer.parts)
            return None
        if isinstance(answer, Unknown):
            for name in answer.close:
                quoted = f'"{name}"' if any(c.isspace() for c in name) else name
                self.suggest(field, f"{field.name}:{quoted}")
            return answer.condition
        return answer


def _is_mark(node: Node | Condition) -> bool:
    return (
        isinstance(node, Word)
        and len(node.text) == 1
        and not is_word_character(node.text)
        and not is_symbol(node.text)
    )


def texts(node: Node | Condition | None, *, wanted: bool = True):
    """Yield what is searched for in texts: what must be there, or with `wanted` off, must not."""
    match node:
        case And(of=nodes) | Or(of=nodes):
            for inner in nodes:
                yield from texts(inner, wanted=wanted)
        case Not(of=inner):
            yield from texts(inner, wanted=not wanted)
        case Within(part=part, of=inner) if part != "title":
            yield from texts(inner, wanted=wanted)
        case Word() | Phrase() | Prefix() | Substring() | First() | Near() if wanted:
            yield node


def _as_substrings(node: Node | Condition | None) -> Node | Condition | None:
    match node:
        case And(of=nodes) | Or(of=nodes):
            return replace(node, of=tuple(map(_as_substrings, nodes)))
        case Within(of=inner):
            return replace(node, of=_as_substrings(inner))
        case Word(text=text) | Prefix(text=text) if len(text) >= SHORTEST_SUBSTRING:
            return Substring(text)
    return node


# -- in words -------------------------------------------------------------------------------------


def says(node: Node | Condition | TextNode, *, inside: bool = False) -> str:
    """Return what a tree asks for, in words; with `inside`, in brackets where that matters."""
    match node:
        case Condition():
            return node.says
        case And(of=nodes) | Or(of=nodes):
            between = " and " if isinstance(node, And) else " or "
            said = between.join(says(inner, inside=True) for inner in nodes)
            return f"({said})" if inside else said
        case Not(of=inner):
            return f"not {says(inner, inside=True)}"
        case Within(part=part, of=inner):
            where = "in the title" if part == "title" else "in the text"
            return f"{says(inner, inside=True)} {where}"
        case Word(text=text):
            return f"“{text}”"
        case Phrase(text=text, begins=begins):
            return f"the phrase “{text}{'…' if begins else ''}”"
        case Prefix(text=text):
            return f"words that begin with “{text}”"
        case Substring(text=text):
            return f"“{text}” anywhere, within words too"
        case First(text=text):
            return f"“{text}” as the first word"
        case Near(phrases=phrases, distance=distance):
            said = " and ".join(f"“{phrase}”" for phrase in phrases)
            return f"{said} with at most {distance} words between them"
    raise TypeError(f"{node!r} is no part of a query")
