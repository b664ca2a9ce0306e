"""The piece of a text that shows why it was found, with what was found in it marked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .text import folded_in_place

LENGTH = 240  # characters of an excerpt, about
LEAD = 60  # of them in front of what was found
ELLIPSIS = "..."
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Text:
    """One part of what was searched, and where in it something was found."""

    part: str
    text: str
    spans: tuple[Span, ...] = ()


def read_marks(marked: str, start: str, stop: str) -> tuple[str, list[Span]]:
    """Return a text without the marks in it, and the spans that stood between them."""
    if start not in marked:
        return marked, []
    before, *rest = marked.split(start)
    pieces, spans, length = [before], [], len(before)
    for piece in rest:
        found, _, after = piece.partition(stop)
        spans.append((length, length + len(found)))
        pieces += [found, after]
        length += len(found) + len(after)
    return "".join(pieces), spans


def find_spans(text: str, patterns: Iterable[re.Pattern[str]], *, most: int = 200) -> list[Span]:
    """Return where patterns for folded text (`text.pattern`) match, the first ones of each."""
    spans: list[Span] = []
    folded = folded_in_place(text)
    for pattern in patterns:
        for count, found in enumerate(pattern.finditer(folded)):
            if count == most:
                break
            spans.append(found.span())
    return spans


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that touch as one."""
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def excerpt(text: str, spans: Iterable[Span], marks: tuple[str, str]) -> str:
    """Return the stretch of `text` with the most spans, each between `marks`."""
    spans = merged(spans)
    start = _best_start(spans)
    end = min(len(text), start + LENGTH)
    start, end = _at_words(text, start, end)
    pieces, at = [], start
    for first, last in spans:
        if last <= start or first >= end:
            continue
        first, last = max(first, start), min(last, end)
        pieces += [text[at:first], marks[0], text[first:last], marks[1]]
        at = last
    pieces.append(text[at:end])
    before, after = ELLIPSIS if start else "", ELLIPSIS if end < len(text) else ""
    return before + "".join(pieces).strip() + after


def _best_start(spans: list[Span]) -> int:
    """Return where the stretch begins that holds the most spans, the first one of them."""
    best, most, last = 0, 0, 0
    for number, (first, _) in enumerate(spans):
        last = max(last, number)
        while last < len(spans) and spans[last][1] <= first + LENGTH - LEAD:
            last += 1
        if last - number > most:
            best, most = first, last - number
    return max(0, (best if most else spans[0][0] if spans else 0) - LEAD)


def _at_words(text: str, start: int, end: int) -> Span:
    """Move the ends of a stretch to the spaces beside it, if there are some nearby."""
    if start and (space := text.find(" ", start, start + LEAD // 2)) >= 0:
        start = space + 1
    if end < len(text) and (space := text.rfind(" ", end - LEAD // 2, end)) >= 0:
        end = space
    return start, end
