"""Words that begin with some letters, in an index that has the stems of words.

The index takes endings off (M. F. Porter, "An algorithm for suffix stripping", Program 14, 1980),
so "generalization" stands in it as "gener", which does not begin with "generali".
"""

from __future__ import annotations

from functools import cache

# All that the algorithm takes off, or puts a shorter ending in place of.
WRITTEN = """
    s es ies sses ed eed ing y e l ational tional enci anci izer bli abli alli entli eli ousli
    ization ation ator or alism iveness fulness ousness aliti iviti biliti logi icate ative alize
    iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive
    ize ility ibility ability ality ivity icity ity ably ibly bly ly ily logy ancy ency
"""
ENDINGS = WRITTEN.split()
ENDINGS += [f"{ending[:-1]}i" for ending in ENDINGS if ending.endswith("y")]
ENDINGS += [ending[:-1] for ending in ENDINGS if ending.endswith("e") and len(ending) > 1]
LEFT = ("", "i", "e", "l")  # what may stand where an ending was


def stems_of_words_that_begin(letters: str) -> list[str]:
    """Return what may stand in the index for words that begin with `letters` but whose stem does
    not: more than there are, and every one that there is."""
    found = {}
    # A stem of one letter is a vowel.
    for end in range(1 if letters[0] in "aeiouy" else 2, len(letters) + 1):
        head, rest = letters[:end], letters[end:]
        if _follows(head[-1], rest):
            found |= dict.fromkeys(head + left for left in LEFT)
    return [stem for stem in found if not stem.startswith(letters)]


@cache
def _begins_endings(letters: str) -> bool:
    """Say whether `letters` is the beginning of one or more endings, of which the letter before
    may be doubled: "stopping"."""
    return any(
        ending.startswith(letters)
        or (letters.startswith(ending) and _follows(ending[-1], letters[len(ending) :]))
        for ending in ENDINGS
    )


def _follows(last: str, letters: str) -> bool:
    return _begins_endings(letters) or (letters[:1] == last and _begins_endings(letters[1:]))
