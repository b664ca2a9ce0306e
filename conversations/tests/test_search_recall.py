"""Every search finds all that a reader of every text would find, and nothing else."""

from __future__ import annotations

import random
import shutil
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

import pytest

from conversations import search
from conversations.tests import search_corpus as corpus
from conversations.tests import search_oracle as oracle
from conversations.tests.search_oracle import Document, Test
from sessionsite.manager import SessionManager

EACH = 40  # queries of a class
MORE = 60  # of one that has no end of them
PARTS = ["text", "tools", "title", "description", "system", "tags", "notes"]
KIND_OF_PART = {"notes": "note"} | dict.fromkeys(
    ["title", "description", "system", "tags"], "session"
)


@dataclass
class Query:
    """What is typed, and what it must find; `letters`, where its words stand nowhere."""

    typed: str
    test: Test
    letters: Test | None = None
    parts: set[str] = field(default_factory=set)
    is_shown: bool = True  # what was found stands in the text

    def among(self, documents: list[Document], *, by: str = "session") -> Counter:
        """Return what must be found, by name; of messages a session is a row of its own only if
        none of its messages is found."""
        if self.parts:
            documents = [document.within(self.parts) for document in documents]
        for test in (self.test, self.letters or self.test):
            if found := [document for document in documents if test(document)]:
                break
        if by == "message":
            said = {document.session for document in found if document.kind == "message"}
            found = [some for some in found if some.kind != "session" or some.session not in said]
        return Counter((document.kind, document.uuid) for document in found)


class Corpus:
    """A filled database, all its documents, and what can be picked from their texts."""

    def __init__(self, alias: str, file: str) -> None:
        self.alias = alias
        self.documents = oracle.documents(file)
        texts = [text for document in self.documents for text in document.parts.values() if text]
        self.short = sorted(texts, key=len)[:-1]
        self.sessions = {(some.kind, some.uuid): some.session for some in self.documents}

    def mismatches(self, queries: list[Query]) -> list[str]:
        """Return what a search finds otherwise than a reader does."""
        wrong = []
        for number, query in enumerate(queries):
            order = search.ORDERS[number % len(search.ORDERS)]
            found = search.find(query.typed, limit=5000, order=order, using=self.alias)
            rows = Counter(map(named, found.rows))
            wanted = query.among(self.documents, by="message")
            if rows != wanted:
                wrong.append(
                    f"{query.typed!r} ({found.reading.says}): "
                    f"missed {self.told(wanted - rows)}, denied {self.told(rows - wanted)}"
                )
            elif query.is_shown and (
                dark := [r for r in found.rows if "<mark>" not in r["snippet"]]
            ):
                wrong.append(f"{query.typed!r}: nothing is marked in {dark[0]['snippet']!r}")
            elif found.total != len(found.rows) or found.has_more:
                wrong.append(f"{query.typed!r}: {found.total} of {len(found.rows)}")
        return wrong

    def told(self, names: Counter) -> str:
        texts = [
            (document.kind, {part: text[:300] for part, text in document.parts.items() if text})
            for document in self.documents
            if (document.kind, document.uuid) in names
        ]
        return f"{len(texts)}: {texts[:1]}"


def named(row: dict) -> tuple[str, str]:
    """Return what a row is a hit of, as documents are named."""
    kind = KIND_OF_PART.get(row["found_in"], "message" if row["message_uuid"] else "session")
    return kind, row["session_uuid"] if kind == "session" else row["message_uuid"] or row[
        "session_uuid"
    ]


@pytest.fixture(scope="module")
def stored(empty_database, tmp_path_factory, django_db_blocker):
    file = shutil.copy(empty_database, tmp_path_factory.mktemp("corpus") / "sessions.db")
    with django_db_blocker.unblock(), SessionManager(file) as manager:
        corpus.store(manager.alias, file)
        yield Corpus(manager.alias, file)


# -- queries of each class ------------------------------------------------------------------------


def word(chance: random.Random, stored: Corpus) -> Query:
    """A word of a text, in this form or another, with and without accents."""
    scripts = ["latin", "latin", "latin", "cyrillic", "arabic", "hebrew"]
    one = chance.choice(corpus.SPOKEN[chance.choice(scripts)])
    one = chance.choice([one, one.upper(), oracle.folded(one, of_all=False)])
    if one.isascii() and one.isalpha():
        one += chance.choice(["", "", "s", "ing", "ed"])
    return Query(one, oracle.has_word(one), oracle.has_letters(one) if len(one) > 2 else None)


def part_of_name(chance: random.Random, stored: Corpus) -> Query:
    one = chance.choice(
        ["get", "Element", "by", "Id", "html", "parse", "XML", "request", "use", "state", "inner"]
    )
    return Query(one, oracle.has_word(one), oracle.has_letters(one) if len(one) > 2 else None)


def name(chance: random.Random, stored: Corpus) -> Query:
    """An identifier, path, address or the like as it stands."""
    one = chance.choice([n for n in corpus.NAMES if is_literal(n)])
    one = chance.choice([one, one, one.upper()])
    letters = oracle.has_letters(one)
    if not any(map(oracle.is_of_words, one)):
        return Query(one, letters)
    if all(map(oracle.is_of_words, one)):
        return Query(one, oracle.has_word(one), letters)
    return Query(one, oracle.has_name(one), letters)


def is_literal(name: str) -> bool:
    """Say whether nothing in a name is an operator of the query language."""
    marks = '"*^' if name.endswith(")") else '"*^()'
    return (
        name.strip(",.;!?'()[]{}") == name.rstrip("()")
        and not set(name) & set(marks)
        and (name[0] != "-" or name[1] == "-")
    )


def id(chance: random.Random, stored: Corpus) -> Query:
    """A UUID or its beginning: of a message or session, or in a text."""
    one = chance.choice([document.id for document in stored.documents if document.id])
    if chance.random() < 0.5:
        one = next(
            piece
            for text in chance.sample(stored.short, len(stored.short))
            for piece in text.split()
            if len(piece) == 36 and piece.count("-") == 4
        )
    one = one[: chance.choice([6, 8, 13, 20, 36])].rstrip("-")
    if one.isdigit() or one.isalpha():
        return Query(one, oracle.has_word(one), oracle.has_letters(one))
    test = oracle.has_id(one)
    return Query(chance.choice([one, one.upper()]), test, oracle.has_letters(one), is_shown=False)


def unspaced(chance: random.Random, stored: Corpus) -> Query:
    """Characters of a script without spaces, two and more, out of the middle of a text."""
    script = chance.choice(corpus.UNSPACED)
    letters = set("".join(corpus.SPOKEN[script]))
    while True:
        text = chance.choice(stored.short)
        start = chance.randrange(len(text))
        piece = text[start : start + chance.randint(2, 6)]
        if len(piece) > 1 and set(piece) <= letters:
            return Query(piece, oracle.has_letters(piece))


def emoji(chance: random.Random, stored: Corpus) -> Query:
    one = chance.choice(["🙂", "🤔", "🎉", "❤️", "👩‍💻", "✅", "🥰", "☕", "👍🏽", "👍", "🦘"])
    return Query(one, oracle.has_letters(one))


def sign(chance: random.Random, stored: Corpus) -> Query:
    """A mark alone. Beside words it would be one of a sentence, and not meant."""
    one = chance.choice(["→", "€", "₿", "½", "—", "$", "%", "%d", "->", "==", "&", "~", "|", "@"])
    return Query(one, oracle.has_letters(one) if one != "½" else oracle.has_word(one))


def substring(chance: random.Random, stored: Corpus) -> Query:
    """Three characters and more from anywhere, within words and across their ends."""
    while True:
        text = chance.choice(stored.short)
        start = chance.randrange(len(text))
        piece = text[start : start + chance.randint(3, 8)]
        if len(piece) > 2 and not set(piece) & set(' "()*\n'):
            break
    if chance.random() < 0.3:  # found by itself, where no text has it as a word
        piece = piece + "q"
    return Query(f"*{piece}*", oracle.has_letters(piece))


def prefix(chance: random.Random, stored: Corpus) -> Query:
    one = chance.choice([*corpus.SPOKEN["latin"], *corpus.SPOKEN["cyrillic"], "node.js", "foo_bar"])
    one = one[: chance.randint(2, len(one))].rstrip(".")
    test = oracle.has_name(one, is_beginning=True)
    return Query(f"{one}*", test, oracle.has_letters(one) if len(one) > 2 else None)


def phrase(chance: random.Random, stored: Corpus) -> Query:
    """Words of a text in a row; with marks between them they are meant to the letter."""
    while True:
        words = chance.choice(stored.short).split()
        start = chance.randrange(len(words) + 1)
        some = words[start : start + chance.randint(2, 4)]
        joined = " ".join(some)
        if len(some) < 2 or set(joined) & set('"“”'):
            continue
        if has_unspaced(joined):
            return Query(f'"{joined}"', oracle.has_letters(joined))
        if all(map(oracle.is_of_words, "".join(some))):
            return Query(f'"{joined}"', oracle.has_phrase(joined))
        if any(map(oracle.is_of_words, joined)):
            return Query(f'"{joined}"', oracle.has_name(joined))


def has_unspaced(text: str) -> bool:
    letters = set("".join(word for script in corpus.UNSPACED for word in corpus.SPOKEN[script]))
    return bool(letters & set(text))


def near(chance: random.Random, stored: Corpus) -> Query:
    one, other = chance.sample(["kettle", "boil", "leaf", "error", "database", "index", "tea"], 2)
    distance = chance.randint(0, 12)
    return Query(f"NEAR({one} {other}, {distance})", oracle.has_near(one, other, distance))


def end_of_long_text(chance: random.Random, stored: Corpus) -> Query:
    one = chance.choice(corpus.END_OF_LONG.split())
    if chance.random() < 0.3:
        return Query(f"*{one[1:]}*", oracle.has_letters(one[1:]))
    if has_unspaced(one) or not any(map(oracle.is_of_words, one)):
        return Query(one, oracle.has_letters(one))
    if chance.random() < 0.3:
        return Query(f"{one[:-1]}*", oracle.has_name(one[:-1], is_beginning=True))
    is_word = all(map(oracle.is_of_words, one))
    return Query(one, oracle.has_word(one) if is_word else oracle.has_name(one))


SIMPLE = [word, word, word, name, part_of_name, unspaced, emoji, substring]


def combined(chance: random.Random, stored: Corpus) -> Query:
    """Two or three of these with AND, OR, NOT, a minus, brackets."""
    a, b, c = (chance.choice(SIMPLE)(chance, stored) for _ in range(3))
    tests = a.test, b.test, c.test

    def letters(query: Query) -> Test:
        return query.letters or query.test

    shapes = {
        "{a} {b}": lambda a, b, c: a and b,
        "{a} AND {b}": lambda a, b, c: a and b,
        "{a} OR {b}": lambda a, b, c: a or b,
        "{a} -{b}": lambda a, b, c: a and not b,
        "{a} NOT {b}": lambda a, b, c: a and not b,
        "{a} {b} OR {c}": lambda a, b, c: (a and b) or c,
        "{a} ({b} OR {c})": lambda a, b, c: a and (b or c),
        "({a} OR {b}) -{c}": lambda a, b, c: (a or b) and not c,
        "{a} OR {b} AND {c}": lambda a, b, c: a or (b and c),
        "{a} AND {b} NOT {c}": lambda a, b, c: a and b and not c,
        "{a} NOT {b} {c}": lambda a, b, c: a and not (b and c),
        "{a} -({b} OR {c})": lambda a, b, c: a and not (b or c),
    }
    shape = chance.choice(list(shapes))
    told = shapes[shape]
    negated = {
        n for n in "abc" if any(f"{no}{n}" in shape.replace("{", "") for no in ("-", "NOT "))
    }
    if shape == "{a} NOT {b} {c}" or shape == "{a} -({b} OR {c})":
        negated = {"b", "c"}
    by_letters = [
        query.test if name in negated else letters(query)
        for name, query in zip("abc", (a, b, c), strict=True)
    ]
    return Query(
        shape.format(a=a.typed, b=b.typed, c=c.typed),
        lambda document: told(*(test(document) for test in tests)),
        lambda document: told(*(test(document) for test in by_letters)),
    )


def scoped(chance: random.Random, stored: Corpus) -> Query:
    """Anything, in some of the parts alone, or in all others."""
    query = chance.choice(SIMPLE)(chance, stored)
    parts = set(chance.sample(PARTS, chance.randint(1, 2)))
    minus = chance.random() < 0.5
    scope = " ".join(f"{'-' * minus}in:{part}" for part in sorted(parts))
    query.typed = f"{scope} {query.typed}"
    query.parts = set(PARTS) - parts if minus else parts
    return query


def titled(chance: random.Random, stored: Corpus) -> Query:
    query = chance.choice(SIMPLE)(chance, stored)
    one = chance.choice(corpus.SPOKEN["latin"])
    test, letters, title = query.test, query.letters or query.test, oracle.is_titled(one)
    letters_of_title = oracle.has_letters(one) if len(one) > 2 else None
    query.typed = f"title:{one} {query.typed}"
    query.test = lambda document: title(document) and test(document)
    query.letters = lambda document: (
        letters(document)
        and (
            letters_of_title(Document("", "", {"title": document.title}))
            if letters_of_title
            else title(document)
        )
    )
    query.is_shown = False
    return query


CLASSES = [
    word, part_of_name, name, id, unspaced, emoji, sign, substring, prefix, phrase, near, combined,
    scoped, titled, end_of_long_text,
]  # fmt: skip


ENDLESS = [id, unspaced, substring, phrase, combined, scoped]
SCRIPTS = {"LATIN", "CYRILLIC", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "HANGUL", "THAI"}


def queries(kind, stored: Corpus) -> list[Query]:
    chance = random.Random(kind.__name__)
    return [kind(chance, stored) for _ in range(MORE if kind in ENDLESS else EACH)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_search_finds_what_a_reader_of_every_text_finds(stored, kind):
    wrong = stored.mismatches(queries(kind, stored))
    assert not wrong, "\n".join(wrong)


def test_these_are_five_hundred_different_queries_in_eight_scripts(stored):
    typed = {query.typed for kind in CLASSES for query in queries(kind, stored)}
    assert len(typed) >= 500
    letters = {letter for text in typed for letter in text if letter.isalpha()}
    assert {unicodedata.name(letter, "").split(" ")[0] for letter in letters} >= SCRIPTS


def test_sessions_are_found_by_their_best_hits(stored):
    chance = random.Random("sessions")
    for query in (chance.choice(SIMPLE)(chance, stored) for _ in range(EACH)):
        rows = search.find(query.typed, limit=5000, by="session", using=stored.alias).rows
        wanted = Counter()
        for name, count in query.among(stored.documents).items():
            wanted[stored.sessions[name]] += count
        assert {row["session_uuid"]: row["hits"] for row in rows} == wanted, query.typed
