"""What a text holds, to the letter: where an index of words alone cannot tell.

Pure functions. Letters count the same in both cases and with or without accents, and typographic
quotes and dashes are those of the keyboard.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST_NAME = 64  # characters of a word that may be camelCase; longer ones are data
# What camelCase words stand between. sql/sqlite/search.sql has the same.
SEPARATORS = "\t\n\r \"'(),./:;<=>[\\]`{}"
SPACED = bytes.maketrans(SEPARATORS.encode(), b" " * len(SEPARATORS))
# Where a word is camelCase, or a name that ends in + or #. What it looks for comes first, which is
# twice as quick as what stands before it.
IS_MADE_OF_PARTS = re.compile(
    r"[A-Z+#](?:(?<=[a-z0-9][A-Z])|(?<=[A-Z][A-Z])(?=[a-z])|(?<=[A-Za-z0-9][+#]))"
)
PART_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Scripts without spaces between words; Korean has some, but joins its particles to the words.
# sql/sqlite/search.sql has the same.
UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3000-\ud7ff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003fffd]"
)
SAME = str.maketrans("\u2018\u2019\u201b\u02bc\u201c\u201d\u2010\u2011\u2013\u2014", "''''\"\"----")


class Folding(dict):
    """Maps a character to the one that it counts as; filled as characters are met.

    With `as_indexed` the letters A to Z alone lose their accents, as in an index of words: there,
    a Russian й is no и.
    """

    def __init__(self, *, as_indexed: bool) -> None:
        super().__init__(SAME)
        self.as_indexed = as_indexed

    def __missing__(self, number: int) -> int:
        character = chr(number)
        small = character.casefold()  # not lower(): that leaves the other small sigma
        base = unicodedata.normalize("NFD", small)
        # Of a letter with marks the letter stays. Hangul is made of letters, and stays whole.
        is_marked = len(base) > 1 and all(unicodedata.combining(mark) for mark in base[1:])
        if is_marked and number < 0x3000 and (base[0].isascii() or not self.as_indexed):
            small = base[0]
        # ß is no ss: as many characters must come out as go in.
        self[number] = ord(small if len(small) == 1 else character.lower()[0])
        return self[number]


FOLDING, FOLDING_AS_INDEXED = Folding(as_indexed=False), Folding(as_indexed=True)
NOT_ASCII = re.compile("[^\x00-\x7f]+")
MARKS = re.compile("[\u0300-\u036f]+")
# Those that an index of words takes for a part of a letter. Any other ends the word.
MARKS_IN_WORDS = re.compile(
    "[\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d\u032e\u0330\u0331]+"
)


def fold(text: str, *, as_indexed: bool = False) -> str:
    """Return `text` as it is compared: small letters, no accents, plain quotes and dashes."""
    if text.isascii():
        return text.lower()
    return MARKS.sub("", folded_in_place(text, as_indexed=as_indexed))


def folded_in_place(text: str, *, as_indexed: bool = False) -> str:
    """Return `text` with each character as it is compared; marks that stand alone stay."""
    table = FOLDING_AS_INDEXED if as_indexed else FOLDING
    # Of most texts little is not ASCII, and lower() is a hundred times as quick as translate().
    return NOT_ASCII.sub(lambda found: found[0].translate(table), text).lower()


def is_word_character(character: str) -> bool:
    """Say whether an index of words takes `character` for a part of a word."""
    return unicodedata.category(character)[0] in "LN" or "\ue000" <= character <= "\uf8ff"


def is_symbol(character: str) -> bool:
    """Say whether `character` is an emoji or the like, which the index of symbols has."""
    return unicodedata.category(character) == "So"


def is_unspaced(text: str) -> bool:
    """Say whether `text` has a character of a script that puts no spaces between words."""
    return not text.isascii() and UNSPACED.search(text) is not None


def unspaced_runs(text: str) -> list[str]:
    """Return the stretches of `text` that are of such scripts alone, without white space."""
    return "".join(c if UNSPACED.match(c) else " " for c in text).split()


def words(text: str) -> list[str]:
    """Return the words of `text` as an index of words has them, as they are written."""
    return "".join(c if is_word_character(c) else " " for c in MARKS_IN_WORDS.sub("", text)).split()


def parts(text: str) -> str | None:
    """Return the parts of the camelCase words of `text`, and names that end in + or #, or None.

    Each word once, its parts with spaces between them; + and # are words of private characters.
    """
    spaced, end, found = b"", 0, {}
    for place in IS_MADE_OF_PARTS.finditer(text):
        if place.start() < end:  # in the same word
            continue
        # As ASCII, with a byte for each character: twenty times as quick as str.translate.
        spaced = spaced or text.encode("ascii", "replace").translate(SPACED)
        start = spaced.rfind(b" ", 0, place.start()) + 1
        end = spaced.find(b" ", place.start())
        end = len(text) if end < 0 else end
        if end - start <= LONGEST_NAME:
            found[text[start:end]] = None
    return " ".join(map(taken_apart, found)) or None


@lru_cache(maxsize=10_000)
def taken_apart(word: str) -> str:
    """Return one word as its parts: `parse HTML Text` of parseHTMLText."""
    parts = PART_ENDS.sub(" ", word)
    head, rest = parts[:1], parts[1:]
    return head + rest.replace("+", " \ue02b ").replace("#", " \ue023 ")


@lru_cache(maxsize=1000)
def pattern(
    needle: str, *, begins: bool = False, anywhere: bool = False, as_indexed: bool = False
) -> re.Pattern[str]:
    """Return what finds `needle` in text that is folded in this way.

    Where it begins or ends with a letter or digit, no other stands beside it; with `begins`, one
    may stand behind it, with `anywhere`, on both sides. White space in it is any white space.
    """
    folded = r"\s+".join(map(re.escape, fold(needle, as_indexed=as_indexed).split()))
    before = r"(?<![^\W_])" if not anywhere and _is_alphanumeric(needle[:1]) else ""
    after = r"(?![^\W_])" if not (anywhere or begins) and _is_alphanumeric(needle[-1:]) else ""
    return re.compile(before + folded + after)


def _is_alphanumeric(character: str) -> bool:
    return re.fullmatch(r"[^\W_]", fold(character)) is not None


def holds(needle: str, *texts: str | bytes | None) -> bool:
    """Say whether one of the texts has `needle` as it stands, not within a longer word."""
    return _found(needle, texts, as_indexed=True)


def begins(needle: str, *texts: str | bytes | None) -> bool:
    """Say whether a word of one of the texts begins with `needle`."""
    return _found(needle, texts, begins=True, as_indexed=True)


def contains(needle: str, *texts: str | bytes | None) -> bool:
    """Say whether one of the texts has `needle` anywhere, within a word too."""
    return _found(needle, texts, anywhere=True)


def _found(
    needle: str, texts: tuple[str | bytes | None, ...], *, as_indexed: bool = False, **how: bool
) -> bool:
    sought = pattern(needle, as_indexed=as_indexed, **how)
    anchor = _anchor(needle, as_indexed)
    is_whole = anchor == fold(needle, as_indexed=as_indexed)
    for text in texts:
        if text is None:
            continue
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        # Mostly it stands there as it was typed, and then nothing has to be folded.
        for spelled in _spellings(needle) if is_whole else ():
            place = text.find(spelled)
            around = text[max(0, place - 1) : place + len(spelled) + 1]
            if place >= 0 and sought.search(fold(around, as_indexed=as_indexed)):
                return True
        folded = fold(text, as_indexed=as_indexed)
        if not is_whole:
            if anchor in folded and sought.search(folded):
                return True
            continue
        place = folded.find(anchor)
        while place >= 0:
            if sought.search(folded[max(0, place - 1) : place + len(anchor) + 1]):
                return True
            place = folded.find(anchor, place + 1)
    return False


@lru_cache(maxsize=1000)
def _spellings(needle: str) -> tuple[str, ...]:
    small = needle.lower()
    return tuple(dict.fromkeys((needle, small, small[:1].upper() + small[1:], small.upper())))


@lru_cache(maxsize=1000)
def _anchor(needle: str, as_indexed: bool) -> str:
    """Return what every text with `needle` has: looked for first, since that is quicker."""
    return max(fold(needle, as_indexed=as_indexed).split(), key=len, default="")
