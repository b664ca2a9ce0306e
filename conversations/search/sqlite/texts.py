"""The texts of hits, with where in them something was found."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from conversations.search.excerpts import Text, find_spans, read_marks
from conversations.search.query import First, Near, Phrase, Prefix, Substring, TextNode, Word
from conversations.search.reading import texts
from conversations.search.text import is_unspaced, pattern, words

from .compiling import IS_ID, SHORTEST_ID, Sql, quoted
from .hits import Hit
from .kinds import KINDS, Kind
from .running import Search

LONGEST_MARKED = 300_000  # characters: FTS5 needs 30 ms for a million
STEM = 3  # letters that an ending may have


def texts_of(search: Search, hits: Iterable[Hit]) -> dict[tuple[str, int], list[Text]]:
    """Return the parts of the text of each hit, by kind and key, those that are asked for."""
    found: dict[tuple[str, int], list[Text]] = {}
    sought = list(texts(search.reading.tree))
    expression = " OR ".join(filter(None, map(_expression, sought)))
    exact = list(filter(None, map(_pattern, sought)))
    hits = list(hits)
    for kind in KINDS:
        keys = [hit.key for hit in hits if hit.kind == kind.name]
        if not keys:
            continue
        columns = {
            part: column for part, column in kind.columns.items() if part in search.reading.parts
        }
        marked = _marked(search, kind, columns, expression, keys) if expression else {}
        plain = _plain(search, kind, columns, [key for key in keys if key not in marked])
        for key, parts in {**plain, **marked}.items():
            parts = [
                Text(part, text, (*spans, *find_spans(text, exact))) for part, text, spans in parts
            ]
            if not any(text.spans for text in parts):
                parts = _found_otherwise(parts, sought)
            found[kind.name, key] = parts
    return found


def _expression(node: TextNode) -> str | None:
    """Return what FTS5 can mark, as one of its expressions."""
    match node:
        case Word(text=text) if words(text) == [text] and not is_unspaced(text):
            return quoted(text)
        case Phrase(text=text, begins=False) if words(text) and not is_unspaced(text):
            return quoted(text)
        case Near(phrases=phrases, distance=distance):
            return f"NEAR({' '.join(map(quoted, phrases))}, {distance})"
        case First(text=text):
            return quoted(text)
    return None


def _pattern(node: TextNode) -> re.Pattern[str] | None:
    """Return what finds the rest."""
    match node:
        case Word(text=text) if len(text) >= SHORTEST_ID and IS_ID.fullmatch(text):
            return pattern(text, begins=True)
        case Word(text=text) | Phrase(text=text) if is_unspaced(text) or not words(text):
            return pattern(text, anywhere=True)
        case Word(text=text) if words(text) != [text]:
            return pattern(text)
        case Phrase(text=text, begins=begins) if begins:
            return pattern(text, begins=True)
        case Prefix(text=text):
            anywhere = is_unspaced(text) or not words(text)
            return pattern(text, begins=not anywhere, anywhere=anywhere)
        case Substring(text=text):
            return pattern(text, anywhere=True)
    return None


def _found_otherwise(parts: list[Text], sought: list[TextNode]) -> list[Text]:
    """Mark words within camelCase words, and in texts that are too long for FTS5 to mark."""
    plain = list(dict.fromkeys(word for node in sought for word in _words(node)))
    # As it is, or less one letter of its ending after the other; else so within words.
    stems = [[word[: max(STEM, len(word) - cut)] for word in plain] for cut in range(STEM + 1)]
    tries = [
        [pattern(word) for word in plain],
        *([pattern(stem, begins=True) for stem in some] for some in stems[1:]),
        *([pattern(stem, anywhere=True) for stem in some] for some in stems),
    ]
    for patterns in tries:
        found = [
            Text(text.part, text.text, tuple(find_spans(text.text, patterns))) for text in parts
        ]
        if any(text.spans for text in found):
            return found
    return parts


def _words(node: TextNode) -> list[str]:
    match node:
        case Near(phrases=phrases):
            return [word for phrase in phrases for word in words(phrase)]
        case Word(text=text) | Phrase(text=text) | First(text=text) if not is_unspaced(text):
            return words(text)
    return []


def _marked(search: Search, kind: Kind, columns, expression: str, keys: list[int]):
    """Return the texts with what FTS5 marks, of those rows that the expression matches."""
    nonce = secrets.token_hex(8)  # no text can hold marks that nobody knows beforehand
    start, stop = f"\ue000{nonce}", f"\ue001{nonce}"
    index = kind.index
    selected = ", ".join(
        f"CASE WHEN length({column}) < {LONGEST_MARKED}"
        f" THEN highlight({index}, {kind.places[column]}, %s, %s) ELSE {column} END"
        for column in columns.values()
    )
    marks = ", ".join(["%s"] * len(keys))
    rows = search.texts(
        Sql(
            f"SELECT rowid, {selected} FROM {index} WHERE {index} MATCH %s AND rowid IN ({marks})",
            [*[start, stop] * len(columns), expression, *keys],
        )
    )
    return {
        key: [
            (part, *read_marks(text, start, stop))
            for part, text in zip(columns, found, strict=True)
            if text
        ]
        for key, *found in rows
    }


def _plain(search: Search, kind: Kind, columns, keys: list[int]):
    if not keys:
        return {}
    marks = ", ".join(["%s"] * len(keys))
    rows = search.texts(
        Sql(
            f"SELECT id, {', '.join(columns.values())} FROM {kind.source} WHERE id IN ({marks})",
            keys,
        )
    )
    return {
        key: [(part, text, []) for part, text in zip(columns, found, strict=True) if text]
        for key, *found in rows
    }
