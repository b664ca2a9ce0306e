"""From what a user typed to a tree of what must be in a text.

    python error            both words, in any form (errors) and with or without accents
    "exact phrase"          these words in this order
    -word, NOT word         not the word
    a OR b, (a b) OR c      implicit AND binds tightest, then NOT, AND, OR: as in FTS5
    begin*                  words that begin so
    *part*                  these characters anywhere, within words too
    node.js, foo_bar, c++   what is not letters and digits alone stands there to the letter
    role:user, cost:>0.5    fields; outside of brackets they hold for everything

What FTS5 has beside that is read as FTS5 reads it: `NEAR(a b, 5)`, `^first`, `"one" + "two"`,
`content : word`. What cannot be read is searched for word by word, to the letter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LONGEST = 10_000  # characters
MOST_TERMS = 100
DEEPEST = 50  # brackets within brackets
NEAR_DISTANCE = 10  # words, as FTS5 has it

FIELDS = (
    "model", "project", "role", "tag", "status", "source", "type", "session", "title", "before",
    "after", "cost", "tokens", "latency", "has", "in",
)  # fmt: skip
CONTENT = re.compile(r"content\s*:\s*(?=\S)")
FIELD = re.compile(r"([A-Za-z_]+):")
WORD = re.compile(r'[^\s"()]+')
ATTACHED = re.compile(r'[^\s"()]*')
PHRASE = re.compile(r'"((?:[^"]|"")*)("?)')
STAR = re.compile(r"\s*\*(?![^\s)])")
NEAR = re.compile(r'NEAR\(((?:"[^"]*"|[^"()])*?)(?:,\s*(\d{1,4})\s*)?\)')
NEAR_TERM = re.compile(r'"([^"]*)"|([^\s",]+)')
# Around a word in a sentence, and not meant.
OPENING, CLOSING = "([{'\u2018\u201c\u00ab\u00bf\u00a1", ")]},.;!?'\u2019\u201d\u00bb\u2026"


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a name such as `node.js` or `foo_bar`."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order; with `begins` the last one is the beginning of one."""

    text: str
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words, or names, that begin so."""

    text: str


@dataclass(frozen=True, slots=True)
class Substring:
    """Characters anywhere, within a word too."""

    text: str


@dataclass(frozen=True, slots=True)
class First:
    """A word with which a text begins."""

    text: str


@dataclass(frozen=True, slots=True)
class Near:
    """Phrases with at most `distance` words between them."""

    phrases: tuple[str, ...]
    distance: int


@dataclass(frozen=True, slots=True)
class Field:
    """`name:value`, and where it stands in what was typed."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class And:
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    of: Node


@dataclass(frozen=True, slots=True)
class Within:
    """What must be in one part: `text` of a message, or the `title` of its session."""

    part: str
    of: Node


TextNode = Word | Phrase | Prefix | Substring | First | Near
Node = TextNode | Field | Within | And | Or | Not


@dataclass(slots=True)
class Parsed:
    """The tree, None if nothing is left of what was typed; and what is to be said of the reading.

    `fields` are those that nothing knows, with where they stand.
    """

    tree: Node | None
    notes: list[str] = field(default_factory=list)
    unknown: list[Field] = field(default_factory=list)


class CannotRead(Exception):
    """What was typed is no query."""


def parse(typed: str) -> Parsed:
    """Return the tree of what was typed. There is no text that cannot be parsed."""
    notes = []
    if len(typed) > LONGEST:
        typed = typed[:LONGEST]
        notes.append(f"Only the first {LONGEST:,} characters were read.")
    parser = _Parser(typed)
    try:
        tree = parser.parse()
    except CannotRead as error:
        words = [word for text in typed.split()[:MOST_TERMS] if (word := _word(text))]
        notes.append(f"This could not be read as a query ({error}): its words are searched for.")
        return Parsed(_and(words), notes)
    return Parsed(tree, notes + parser.notes, parser.unknown)


def _and(nodes: list[Node]) -> Node | None:
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes)) if nodes else None


def _word(text: str) -> Word | None:
    """Return what is meant of a piece of text: without quotes and the marks of a sentence."""
    text = text.replace('"', "")
    inner = text.lstrip(OPENING).rstrip(CLOSING)
    # A bracket or quote that has its other half within belongs to the word: `main()`.
    if inner and text.rstrip(",.;!?").endswith(")") and "(" in inner:
        inner = text.lstrip(OPENING).rstrip(",.;!?")
    return Word(inner or text) if text else None


class _Parser:
    """Recursive descent over the text itself."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.notes: list[str] = []
        self.unknown: list[Field] = []
        self.filters: list[Node] = []  # those that hold for everything

    def parse(self) -> Node | None:
        tree = self.any_of()
        self.space()
        if self.at < len(self.text):
            raise CannotRead("a bracket is closed that was not opened")
        return _and([*([tree] if tree else []), *self.filters])

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, operator: str) -> bool:
        """Go past an operator, if it stands here."""
        self.space()
        end = self.at + len(operator)
        after = self.text[end : end + 1]
        if self.text.startswith(operator, self.at) and (
            not after or after.isspace() or after in '("'
        ):
            self.at = end
            return True
        return False

    def sides(self, operator: str, side) -> list[Node]:
        found = [side()]
        while self.take(operator):
            found.append(side())
        if len(found) > 1 and None in found:
            raise CannotRead(f"{operator} has nothing on one side")
        return [node for node in found if node]

    # -- from the loosest to the tightest ---------------------------------------------------------

    def any_of(self) -> Node | None:
        found = self.sides("OR", self.all_of)
        return Or(tuple(found)) if len(found) > 1 else _and(found)

    def all_of(self) -> Node | None:
        return _and(self.sides("AND", self.one_without))

    def one_without(self) -> Node | None:
        if self.take("NOT"):
            first = self.sequence()
            if first is None:
                raise CannotRead("NOT has nothing behind it")
            found: list[Node] = [Not(first)]
        else:
            first = self.sequence()
            found = [first] if first else []
        while self.take("NOT"):
            wrong = self.sequence()
            if wrong is None or not found:
                raise CannotRead("NOT has nothing on one side")
            found.append(Not(wrong))
        return _and(found)

    def sequence(self) -> Node | None:
        """Read what stands side by side. Of it, fields outside of brackets hold for everything."""
        found: list[Node] = []
        while (node := self.item()) is not None:
            found.append(node)
        if self.depth == 0:
            fields = [node for node in found if _is_field(node)]
            if len(fields) < len(found):
                self.filters += fields
                found = [node for node in found if not _is_field(node)]
        return _and(found)

    # -- one thing --------------------------------------------------------------------------------

    def item(self) -> Node | None:
        self.space()
        start, text = self.at, self.text
        if start >= len(text) or text[start] == ")":
            return None
        if any(self.is_operator(operator) for operator in ("OR", "AND", "NOT")):
            return None
        # Not of -- and ->, which are code.
        if text[start] == "-" and text[start + 1 : start + 2].strip("->= \t\r\n"):
            self.at += 1
            inner = self.item()
            if inner is None:
                raise CannotRead("a minus has nothing behind it")
            return Not(inner)
        if text[start] == "(":
            return self.brackets()
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise CannotRead(f"more than {MOST_TERMS} words; the first are searched for")
        if text[start] == '"':
            return self.joined(self.phrase())
        if found := NEAR.match(text, start):
            return self.near(found)
        return self.word()

    def is_operator(self, operator: str) -> bool:
        at = self.at
        is_one = self.take(operator)
        self.at = at
        return is_one

    def brackets(self) -> Node | None:
        self.nest()
        self.at += 1
        inner = self.any_of()
        self.space()
        if self.text[self.at : self.at + 1] != ")":
            raise CannotRead("a bracket is not closed")
        self.at += 1
        self.depth -= 1
        if inner is None:
            raise CannotRead("there is nothing between brackets")
        return inner

    def phrase(self) -> Phrase:
        found = PHRASE.match(self.text, self.at)
        self.at = found.end()
        if not found[2]:
            self.notes.append("A quote is not closed: it was read to the end.")
        star = STAR.match(self.text, self.at)
        self.at = star.end() if star else self.at
        return Phrase(found[1].replace('""', '"'), star is not None)

    def joined(self, phrase: Phrase) -> Node:
        """Read `"one" + "two"`, which is one phrase."""
        while self.take("+"):
            self.space()
            if self.text[self.at : self.at + 1] == '"':
                more = self.phrase()
            elif found := WORD.match(self.text, self.at):
                self.at = found.end()
                more = Phrase(found[0].rstrip("*"), found[0].endswith("*"))
            else:
                raise CannotRead("+ has nothing behind it")
            phrase = Phrase(f"{phrase.text} {more.text}", more.begins)
        return phrase

    def near(self, found: re.Match[str]) -> Node:
        self.at = found.end()
        phrases = tuple(a or b for a, b in NEAR_TERM.findall(found[1]) if a or b)
        if not phrases:
            raise CannotRead("NEAR has nothing in its brackets")
        return Near(phrases, int(found[2] or NEAR_DISTANCE))

    def word(self) -> Node | None:
        start, text = self.at, self.text
        if column := CONTENT.match(text, start):
            self.at = column.end()
            return self.within("text")
        if (named := FIELD.match(text, start)) and (node := self.field(named)) is not None:
            return node
        self.at = WORD.match(text, start).end()
        self.attached_brackets()
        piece = text[start : self.at]
        if piece == "+":
            raise CannotRead("+ has nothing before it")
        node = _meant(piece)
        if isinstance(node, Word) and self.is_operator("+"):
            return self.joined(Phrase(node.text))
        return node

    def attached_brackets(self) -> None:
        """Go past brackets that belong to a word: `main()`, `f(g(x))`."""
        while self.text[self.at : self.at + 1] == "(":
            depth, at = 0, self.at
            for at in range(self.at, len(self.text)):
                character = self.text[at]
                depth += (character == "(") - (character == ")")
                if character.isspace() or character == '"' or depth == 0:
                    break
            if depth or self.text[at] != ")":
                return
            self.at = ATTACHED.match(self.text, at + 1).end()

    # -- fields -----------------------------------------------------------------------------------

    def field(self, named: re.Match[str]) -> Node | None:
        """Read `name:value`, or return None if it is a word with a colon."""
        start, name = self.at, named[1].lower()
        after = self.text[named.end() : named.end() + 1]
        if not after or after.isspace() or after in ")":
            return None
        if name not in FIELDS:
            if after != "/":  # an address
                end = WORD.match(self.text, start).end()
                self.unknown.append(Field(named[1], self.text[named.end() : end], start, end))
            return None
        self.at = named.end()
        if name == "title":
            return self.within(name)
        if after == '"':
            value = self.phrase().text
        else:
            self.at = ATTACHED.match(self.text, self.at).end()
            self.attached_brackets()
            value = self.text[named.end() : self.at].rstrip(",;")
        return Field(name, value, start, self.at)

    def within(self, part: str) -> Node:
        """Read what must be in one part of a text alone."""
        self.nest()
        inner = self.item()
        self.depth -= 1
        if inner is None:
            raise CannotRead(f"{part}: has nothing behind it")
        return Within(part, inner)

    def nest(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise CannotRead(f"more than {DEEPEST} brackets within each other")


def _is_field(node: Node) -> bool:
    node = node.of if isinstance(node, Not) else node
    return isinstance(node, Field) or (isinstance(node, Within) and node.part == "title")


def _meant(piece: str) -> Node | None:
    """Return what a piece without spaces means, by its stars and its first mark."""
    bare = piece.strip("*")
    if not bare:
        return Word(piece)
    if piece.startswith("*") and piece.endswith("*"):
        return Substring(bare)
    if piece.endswith("*") and not piece.startswith("*"):
        return Prefix(piece.rstrip("*").lstrip(OPENING) or bare)
    if piece.startswith("^") and len(piece) > 1 and piece[1].isalnum():
        return First(piece[1:])
    return _word(piece)
