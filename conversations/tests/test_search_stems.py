"""Beginnings of words are found though the index has their stems."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from conversations.search.stems import stems_of_words_that_begin

WRITTEN_ROOTS = """
    act actual adapt agre allow analog arrang author capab cell char commun compat conclud condition
    conform conn creat decis defens depend digit electr fall feed form formal gener happ hop instab
    irrit libr motor oper plaster pon predict radic rational rel respons run sens stop sky trad
    triplic try vale vietnam vulner
"""
WRITTEN_ENDINGS = """
    s es ed ing y ies ional ization izations izer ation ator alism iveness fulness ousness ality
    ivity ability abilities icate ative alize ical ful ness al ance ence er ic able ible ement ment
    ent ion ou ism ate ous ive ize ically logy ping ning ated ating ators ly
"""
ROOTS, ENDINGS = WRITTEN_ROOTS.split(), WRITTEN_ENDINGS.split()


@pytest.fixture(scope="module")
def stems():
    """The stem of each word, as FTS5 has it."""
    words = sorted({root + ending for root, ending in itertools.product(ROOTS, ["", *ENDINGS])})
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (word, tokenize = 'porter unicode61')")
    db.execute("CREATE VIRTUAL TABLE terms USING fts5vocab (words, instance)")
    db.executemany("INSERT INTO words (rowid, word) VALUES (?, ?)", enumerate(words, 1))
    found = {words[row - 1]: stem for stem, row in db.execute("SELECT term, doc FROM terms")}
    db.close()
    return found


def test_every_stem_of_a_word_that_begins_so_is_asked_for(stems):
    assert len(stems) > 2000
    missed = [
        (word[:end], stem)
        for word, stem in stems.items()
        for end in range(3, len(word) + 1)
        if not stem.startswith(word[:end]) and stem not in stems_of_words_that_begin(word[:end])
    ]
    assert missed == []


def test_few_stems_are_asked_for(stems):
    assert max(len(stems_of_words_that_begin(word)) for word in stems) < 100
