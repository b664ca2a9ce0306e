"""What a search must find, told a second time: by reading every text from end to end.

Nothing of `conversations.search` is used here. The stems alone come from FTS5, out of an index that
is made for them and holds nothing else.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, cached_property

Test = Callable[["Document"], bool]
DROPPED = frozenset(map(chr, [*range(0x300, 0x370)]))  # accents that stand behind their letter
PLAIN = dict(zip("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--", strict=True))
BETWEEN_NAMES = set("\t\n\r \"'(),./:;<=>[\\]`{}")
LONGEST_NAME = 64


def is_of_words(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


@cache
def without_accents(character: str, *, of_all: bool) -> str:
    """Return a letter without its accents; if not `of_all`, only a letter from A to Z loses them.

    For so does FTS5: to it, й is no и.
    """
    small = character.lower()[0]
    base, *marks = unicodedata.normalize("NFD", small)
    has_accents = marks and all(map(unicodedata.combining, marks)) and ord(character) < 0x3000
    return base if has_accents and (of_all or "a" <= base <= "z") else small


@cache
def folded(text: str, *, of_all: bool = True) -> str:
    """Return text as it is compared, with every white space as one blank."""
    if text.isascii():
        return " ".join(text.lower().split())
    small = (
        without_accents(PLAIN.get(character, character), of_all=of_all)
        for character in text
        if character not in DROPPED
    )
    return " ".join("".join(small).split())


def tokens(text: str) -> list[str]:
    """Return the words of a text: runs of letters and digits."""
    words, word = [], ""
    for character in (*text, " "):
        if character in DROPPED:
            continue
        if is_of_words(character):
            word += without_accents(character, of_all=False)
        elif word:
            words.append(word)
            word = ""
    return words


def parts_of_names(text: str) -> list[str]:
    """Return the parts of camelCase words: get, Element, By, Id of getElementById."""
    found, name = [], ""
    for character in (*text, " "):
        if character not in BETWEEN_NAMES:
            name += character
            continue
        if name and len(name) <= LONGEST_NAME:
            pieces = _pieces(name)
            if len(pieces) > 1:
                found += pieces
        name = ""
    return [token for piece in found for token in tokens(piece)]


def _pieces(name: str) -> list[str]:
    pieces = [name[0]]
    for before, this, after in zip(name, name[1:], f"{name[2:]} ", strict=False):
        small_before = before.isascii() and (before.islower() or before.isdigit())
        capital = "A" <= this <= "Z"
        starts_word = capital and "A" <= before <= "Z" and "a" <= after <= "z"
        if (capital and small_before) or starts_word:
            pieces.append(this)
        else:
            pieces[-1] += this
    return pieces


class Stems(dict):
    """The stems of words, as the Porter stemmer of FTS5 has them."""

    def __init__(self) -> None:
        self.index = sqlite3.connect("")
        self.index.execute(
            "CREATE VIRTUAL TABLE word USING fts5 (text, tokenize = 'porter unicode61')"
        )
        self.index.execute("CREATE VIRTUAL TABLE term USING fts5vocab (word, instance)")

    def add(self, words: Iterable[str]) -> None:
        new = [(word,) for word in {*words} - self.keys()]
        with closing(self.index.cursor()) as cursor:
            cursor.execute("DELETE FROM word")
            cursor.executemany("INSERT INTO word (text) VALUES (?)", new)
            cursor.execute("SELECT text, term FROM word JOIN term ON term.doc = word.rowid")
            self.update(cursor.fetchall())

    def __missing__(self, word: str) -> str:
        self.add([word])
        return self.setdefault(word, word)


STEMS = Stems()


@cache
def stems_of(text: str) -> list[str]:
    words = tokens(text)
    STEMS.add(words)
    return [STEMS[word] for word in words]


@dataclass
class Document:
    """A text that can be found: its parts, and the title of the session it belongs to."""

    kind: str
    uuid: str
    parts: dict[str, str]
    title: str = ""
    role: str = ""
    id: str = ""  # of its own, by which it can be found
    session: str = ""
    is_whole: bool = True

    def within(self, parts: set[str]) -> Document:
        """Return it as it is searched with `in:`."""
        kept = {part: text for part, text in self.parts.items() if part in parts}
        return replace(self, parts=kept, is_whole=False)

    @cached_property
    def stems(self) -> list[list[str]]:
        return [stems_of(text) for text in self.parts.values()]

    @cached_property
    def stem_set(self) -> set[str]:
        return {stem for some in self.stems for stem in some}

    @cached_property
    def stems_of_parts(self) -> set[str]:
        if not self.is_whole:
            return set()
        return {STEMS[word] for text in self.parts.values() for word in parts_of_names(text)}

    def texts(self, *, of_all: bool) -> list[str]:
        return [folded(text, of_all=of_all) for text in self.parts.values()]


# -- what a query asks of a document --------------------------------------------------------------


def has_word(word: str) -> Test:
    [token] = tokens(word)
    stem = STEMS[token]
    return lambda document: (
        stem in document.stem_set or (len(word) > 1 and stem in document.stems_of_parts)
    )


def has_phrase(words: str) -> Test:
    wanted = [STEMS[token] for token in tokens(words)]

    def test(document: Document) -> bool:
        return any(
            some[start : start + len(wanted)] == wanted
            for some in document.stems
            for start, stem in enumerate(some)
            if stem == wanted[0]
        )

    return test


def has_near(one: str, other: str, distance: int) -> Test:
    first, second = STEMS[tokens(one)[0]], STEMS[tokens(other)[0]]

    def test(document: Document) -> bool:
        for some in document.stems:
            others = {place for place, stem in enumerate(some) if stem == second}
            for place, stem in enumerate(some):
                close = range(place - distance - 1, place + distance + 2)
                if stem == first and not others.isdisjoint(close):
                    return True
        return False

    return test


def has_letters(letters: str) -> Test:
    """Anywhere, within words too."""
    wanted = folded(letters)
    return lambda document: any(wanted in text for text in document.texts(of_all=True))


def has_name(name: str, *, is_beginning: bool = False, of_all: bool = False) -> Test:
    """To the letter, with no letter or digit beside it that would make another word of it."""
    wanted = folded(name, of_all=of_all)
    is_word_at_start, is_word_at_end = wanted[0].isalnum(), wanted[-1].isalnum()

    def stands(text: str) -> bool:
        start = text.find(wanted)
        while start >= 0:
            end = start + len(wanted)
            free_before = not is_word_at_start or not text[max(0, start - 1) : start].isalnum()
            free_after = not is_word_at_end or is_beginning or not text[end : end + 1].isalnum()
            if free_before and free_after:
                return True
            start = text.find(wanted, start + 1)
        return False

    return lambda document: any(map(stands, document.texts(of_all=of_all)))


def has_id(beginning: str) -> Test:
    named = has_name(beginning, is_beginning=True)
    return lambda document: (
        (document.is_whole and document.id.startswith(beginning.lower())) or named(document)
    )


def is_titled(word: str) -> Test:
    stem = STEMS[tokens(word)[0]]
    return lambda document: stem in {STEMS[token] for token in tokens(document.title)}


# -- the documents of a database ------------------------------------------------------------------


def documents(file: str) -> list[Document]:
    """Return all that can be found in a database, read by plain SQL and Python's JSON."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        rows = {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()
            for table in ("sessions", "messages", "annotations")
        }
    sessions = {row["id"]: row for row in rows["sessions"] if row["deleted_at"] is None}
    messages = {row["id"]: row for row in rows["messages"] if row["session_id"] in sessions}
    found = []
    for session in sessions.values():
        parts = {
            "title": session["title"],
            "description": session["description"],
            "system": session["system_prompt"],
            "tags": "\n".join(_strings(json.loads(session["tags"]))),
        }
        uuid = session["session_uuid"]
        found.append(Document("session", uuid, parts, session["title"], "", uuid, uuid))
    for message in messages.values():
        session = sessions[message["session_id"]]
        parts = {"text": message["content"], "tools": "\n".join(_of_tools(message))}
        uuid = message["message_uuid"]
        found.append(
            Document(
                "message", uuid, parts, session["title"], message["role"], uuid,
                session["session_uuid"],
            )
        )  # fmt: skip
    for note in rows["annotations"]:
        of = {"session": sessions, "message": messages}.get(note["entity_type"], {})
        if (entity := of.get(note["entity_id"])) is None:
            continue
        session = entity if of is sessions else sessions[entity["session_id"]]
        uuid = entity[f"{note['entity_type']}_uuid"]
        found.append(
            Document(
                "note", uuid, {"notes": note["content"]}, session["title"],
                "" if of is sessions else entity["role"], "", session["session_uuid"],
            )
        )  # fmt: skip
    return found


def _of_tools(message: sqlite3.Row) -> list[str]:
    metadata = json.loads(message["metadata"])
    called = [json.loads(message[name] or "null") for name in ("tool_calls", "function_call")]
    came_back = [metadata.get("tool_results"), metadata.get("thinking")]
    return [*_strings([*called, *came_back]), *filter(None, [message["error_message"]])]


def _strings(value) -> list[str]:
    """Return the texts in a JSON value, at any depth; names are none."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _strings(one)]
