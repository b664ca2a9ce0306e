"""How values spread: percentiles of histograms, and their buckets joined to bins people can read.

A bucket of a histogram is two per cent wide, so a percentile that is read from it is within one per
cent of the exact one. A bin takes a bucket by its middle: what lies within one per cent of the edge
of a bin may stand in the one beside it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count, pairwise
from typing import Literal

from analytics import histograms, rollups
from analytics.charts import Mark
from analytics.filters import Where
from conversations.models.sessions import NANO

Buckets = dict[int, int]  # how many values, by the lowest value of each bucket
Kind = Literal["ms", "seconds", "tokens", "cost_nanos"]

HOW_PERCENTILES_ARE_MADE = (
    "Percentiles are read from buckets 2 % wide, so each is within 1 % of the exact one."
)
MOST_BINS = 24
END = 10 * rollups.GREATEST  # above every bucket
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000  # ms
SPANS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1, "ms"))
POWERS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (1_000, "k"), (1, ""))
WITHIN_SECONDS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700)
# Six steps to a decade; every second, third or sixth of them is a ladder that reads well too.
STEPS = (10, 15, 20, 30, 50, 70)


def _decades(last: int) -> Iterator[int]:
    yield from (0, 1, 2, 3, 5, 7)
    for power in range(last):
        yield from (step * 10**power for step in STEPS)


def _times() -> Iterator[int]:
    yield from (0, *WITHIN_SECONDS)
    yield from (round(number * SECOND) for number in (1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 45))
    yield from (number * MINUTE for number in (1, 2, 3, 5, 7, 10, 15, 20, 30, 45))
    yield from (round(number * HOUR) for number in (1, 1.5, 2, 3, 4, 6, 8, 12))
    yield from (number * DAY for number in (1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365, 730, 3_650))


@dataclass(frozen=True, slots=True)
class Bin:
    """Values from `low` on and below `high`."""

    low: int
    high: int
    label: str


def _scaled(value: int, units: Iterable[tuple[int, str]], gap: str) -> str:
    for size, unit in units:
        if value >= size:
            return f"{value / size:g}{gap}{unit}"
    return "0"


def _dollars(nanos: int) -> str:
    text = f"{Decimal(nanos) / NANO:f}"
    return f"${text.rstrip('0').rstrip('.') if '.' in text else text}"


# Of each kind of value: the edges that bins may have, and how one is written.
LADDERS: dict[str, tuple[tuple[int, ...], Callable[[int], str]]] = {
    "ms": (tuple(_times()), lambda ms: _scaled(ms, SPANS, " ")),
    "seconds": (
        (0, *(ms // SECOND for ms in _times() if ms >= SECOND and not ms % SECOND)),
        lambda seconds: _scaled(seconds * SECOND, SPANS, " "),
    ),
    "tokens": (tuple(_decades(12)), lambda tokens: _scaled(tokens, POWERS, "")),
    "cost_nanos": (tuple(_decades(15)), _dollars),
}


def bins(histograms: Iterable[Buckets], kind: Kind) -> list[Bin]:
    """Return bins that hold all of these values, no more than `MOST_BINS`; none of nothing."""
    middles = [rollups.middle(low) for buckets in histograms for low in buckets]
    if not middles:
        return []
    ladder, written = LADDERS[kind]
    for step in count(1):
        edges = _around((*ladder[::step], END), min(middles), max(middles))
        if len(edges) <= MOST_BINS + 1:
            break
    return [Bin(low, high, _label(low, high, written)) for low, high in pairwise(edges)]


def _around(ladder: tuple[int, ...], least: float, most: float) -> tuple[int, ...]:
    """Return the edges from the last one at or below `least` to the first one above `most`."""
    return ladder[bisect_right(ladder, least) - 1 : bisect_right(ladder, most) + 1]


def _label(low: int, high: int, written: Callable[[int], str]) -> str:
    if high == END:
        return f"{written(low)} and more"
    return f"{written(low)} to {written(high)}" if low else f"under {written(high)}"


def counted(buckets: Buckets, into: Sequence[Bin]) -> list[int]:
    """Return how many values fall into each bin; none is lost if the bins were made for them."""
    edges, counts = [one.low for one in into], [0] * len(into)
    for low, number in buckets.items():
        counts[bisect_right(edges, rollups.middle(low)) - 1] += number
    return counts


def added(histograms: Iterable[Buckets]) -> Buckets:
    """Return all values of several histograms in one."""
    result: Buckets = {}
    for buckets in histograms:
        for low, number in buckets.items():
            result[low] = result.get(low, 0) + number
    return result


def marks(buckets: Buckets, into: Sequence[Bin], shares: Sequence[int]) -> list[Mark]:
    """Return marks at the bins that hold these percentiles (50 is the median)."""
    edges = [one.low for one in into]
    found: dict[int, list[str]] = {}
    for share in shares:
        if (value := histograms.percentile(buckets, share / 100)) is not None:
            found.setdefault(bisect_right(edges, value) - 1, []).append(f"p{share}")
    return [Mark(", ".join(names), place) for place, names in found.items()]


def not_told_apart(
    where: Where, what: str, names: Sequence[str] = ("tag", "source", "role")
) -> str:
    """Return a sentence if filters are on that some roll-up does not keep, "" if none is.

    `what` begins the sentence: the numbers that are of all tags, sources or roles.
    """
    on = [f"{name}s" for name in names if getattr(where, name) is not None]
    if not on:
        return ""
    listed = on[0] if len(on) == 1 else f"{', '.join(on[:-1])} and {on[-1]}"
    return f"{what} all {listed}, whatever is filtered by."
