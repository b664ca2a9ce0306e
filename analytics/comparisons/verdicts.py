"""What may be said of a comparison: one state of a fixed list, and the sentence for it.

Decided means what stays true however often one looks: an always-valid rule, adjusted for as many
variants as there are. "Not significant" is never called equal, and every sentence is about the
prompts that were asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CANNOT, EARLY, DECIDED, LEADING, EQUAL, OPEN = (
    "cannot compare", "too little data", "decided", "leading", "practically equal",
    "can't tell yet",
)  # fmt: skip
TONES = {
    CANNOT: "stop",
    EARLY: "wait",
    DECIDED: "win",
    LEADING: "open",
    EQUAL: "equal",
    OPEN: "open",
}
FEWEST_DECISIVE, FEWEST_PROMPTS, FEWEST_EQUAL = 5, 10, 20
BY_CHANCE = "repeated looking shows leads like this by chance far more often than 1 time in 20"
AS_A_PAIR = "cannot compare as a pair; unpaired estimate with a warning"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one metric of a pair, b against a, in the unit of the effect."""

    kind: str  # "votes", "difference", "ratio"
    a: str  # labels
    b: str
    n: int
    effect: float | None
    low: float | None
    high: float | None
    margin: tuple[float, float]
    null: float = 0.0
    better: int = 1  # +1: a greater effect is for b; -1: for a; 0: nobody said
    e: float | None = None  # adjusted for the number of variants
    is_settled: bool = False  # by the planned number of prompts, once (fixed mode)
    decisive: int | None = None  # of votes
    wins: int = 0  # of b
    losses: int = 0
    share: tuple[float, float] | None = None  # always-valid, of b among the decisive
    sequence: tuple[float, float] | None = None  # always-valid, of the effect
    by_sign: bool = False
    alpha: float = 0.05
    unit: str = ""
    needed: str = ""  # a sentence: how much more would tell
    noun: str = "prompt"  # what n counts
    straight: int | None = None  # fewest straight wins that settle it


def favoured(evidence: Evidence) -> str | None:
    """Return "a" or "b", whichever the effect is for (the greater where nobody said)."""
    if evidence.effect is None or evidence.effect == evidence.null:
        return None
    is_b = (evidence.effect > evidence.null) == ((evidence.better or 1) > 0)
    return "b" if is_b else "a"


def judge(evidence: Evidence) -> dict[str, Any]:
    """Return the verdict on one metric: state, winner ("a", "b" or None), short, text, tone."""
    winner = favoured(evidence)
    low, high = evidence.low, evidence.high
    inside = (
        evidence.n >= FEWEST_EQUAL and low is not None and high is not None
        and evidence.margin[0] <= low and high <= evidence.margin[1]
    )  # fmt: skip
    excludes = (
        low is not None and high is not None and (low > evidence.null or high < evidence.null)
    )
    enough = (
        evidence.decisive >= FEWEST_DECISIVE
        if evidence.decisive is not None
        else evidence.n >= FEWEST_PROMPTS
    )
    if not enough and not inside:
        return made(EARLY, None, EARLY, _early(evidence))
    decided = evidence.is_settled or (evidence.e is not None and evidence.e >= 1 / evidence.alpha)
    if enough and decided and winner:
        return made(
            DECIDED,
            winner,
            f"decided: {_who(evidence, winner)}",
            _decided(evidence, winner, inside),
        )
    if inside:
        return made(EQUAL, None, EQUAL, _equal(evidence))
    if excludes and winner:
        return made(
            LEADING, winner, f"leading: {_named(evidence, winner)}", _leading(evidence, winner)
        )
    return made(OPEN, None, OPEN, _open(evidence))


def made(state: str, winner: str | None, short: str, text: str) -> dict[str, Any]:
    """Return a verdict of these parts."""
    return {"state": state, "winner": winner, "short": short, "text": text, "tone": TONES[state]}


def cannot(reason: str, short: str = CANNOT) -> dict[str, Any]:
    """Return the verdict that there is none, with the reason."""
    return made(CANNOT, None, short, f"Cannot compare: {reason}")


def by_strata(label: str, by: str) -> dict[str, Any]:
    """Return the verdict where the pooled figure points the other way than every part of it."""
    short = (
        f"direction from the stratified estimate ({label} better),"
        " pooled figure withheld or flagged"
    )
    return made(
        OPEN, None, short,
        f"Within each {by} {label} is better, and thrown together the other one seems to be: they"
        " were not asked alike. The pooled figure is withheld.",
    )  # fmt: skip


# -- sentences ----------------------------------------------------------------------------------


def number(value: float, unit: str = "") -> str:
    """Return a value with three significant digits and its unit."""
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if "e" in shown:
        shown = f"{value:.2g}" if abs(value) < 1e-4 else f"{value:.6f}".rstrip("0")
    return f"{shown} {unit}".strip()


def points(value: float) -> str:
    """Return a fraction as percentage points without a sign."""
    shown = abs(value) * 100
    return f"{shown:.1f}" if shown < 10 and round(shown, 1) % 1 else f"{shown:.0f}"


def percent(alpha: float) -> str:
    """Return the share that an interval covers, in words: `95 %`."""
    return f"{(1 - alpha) * 100:g} %"


def _named(evidence: Evidence, side: str) -> str:
    return evidence.b if side == "b" else evidence.a


def _who(evidence: Evidence, side: str) -> str:
    name = _named(evidence, side)
    word = "" if evidence.better or evidence.kind == "votes" else " higher"
    return f"{name}{word}{' (sign rule)' if evidence.by_sign else ''}"


def _on(evidence: Evidence) -> str:
    if evidence.n == 1:
        return f"on this one {evidence.noun}"
    return f"on these {evidence.n:,} {evidence.noun}s"


def _early(evidence: Evidence) -> str:
    if evidence.decisive is None:
        return (
            f"Too early: {evidence.n} {evidence.noun}{'s' * (evidence.n != 1)}."
            f" {FEWEST_PROMPTS} are the least that a verdict takes."
        )
    n = evidence.decisive
    return (
        f"Too early: {n} {'decisive ' if evidence.n != n else ''}vote{'s' * (n != 1)}."
        f" {evidence.straight} straight wins would be the least that can settle it."
    )


def oriented(evidence: Evidence, side: str) -> tuple[float, float, float]:
    """Return effect, low and high as the side sees them: mirrored for a."""
    effect, low, high = evidence.effect, evidence.low, evidence.high
    if side == "b":
        return effect, low, high
    if evidence.kind == "ratio":
        return 1 / effect, 1 / high, 1 / low
    return -effect, -high, -low


def spoken(evidence: Evidence) -> str:
    """Return effect and interval in words, b against a: `+20 points (95 %: 0.4 to 38)`."""
    return _said(evidence, "b")


def _said(evidence: Evidence, side: str) -> str:
    if evidence.effect is None:
        return "no estimate"
    if evidence.low is None or evidence.high is None:
        effect, low, high = (
            (evidence.effect, None, None) if side == "b" else (_mirrored(evidence), None, None)
        )
    else:
        effect, low, high = oriented(evidence, side)
    if evidence.kind == "votes":
        shown, ends = f"{_signed(effect)} points", (low, high)
        written = None if low is None else " to ".join(_signed(end, plus=False) for end in ends)
    elif evidence.kind == "ratio":
        shown = f"{number(effect)} times"
        written = None if low is None else f"{number(low)} to {number(high)}"
    else:
        shown = f"{'+' if effect > 0 else ''}{number(effect, evidence.unit)}"
        written = None if low is None else f"{number(low)} to {number(high)}"
    return f"{shown} ({percent(evidence.alpha)}: {written})" if written else shown


def _mirrored(evidence: Evidence) -> float:
    return 1 / evidence.effect if evidence.kind == "ratio" else -evidence.effect


def _signed(value: float, plus: bool = True) -> str:
    shown = points(value)
    sign = "-" if value < 0 and shown != "0" else "+" if plus and value > 0 else ""
    return sign + shown


def _decided(evidence: Evidence, side: str, is_inside: bool) -> str:
    name = _named(evidence, side)
    word = "better" if evidence.better or evidence.kind == "votes" else "higher"
    if is_inside:
        _, low, high = oriented(evidence, side)
        if evidence.kind == "votes":
            span = f"{points(low)} to {points(high)} points"
        else:
            span = f"{number(low)} to {number(high, evidence.unit)}"
        return f"{name} is {word}, but by too little to matter ({span}) {_on(evidence)}."
    if evidence.kind == "votes" and evidence.share:
        wins = evidence.wins if side == "b" else evidence.losses
        low, high = (
            evidence.share if side == "b" else (1 - evidence.share[1], 1 - evidence.share[0])
        )
        proof = (
            f"{name} wins {wins:,} of {evidence.decisive:,} decided prompts"
            f" (always-valid {percent(evidence.alpha)}: {low * 100:.1f} to {high * 100:.1f} %)."
        )
    elif evidence.by_sign:
        wins = evidence.wins if side == "b" else evidence.losses
        proof = f"It is so on {wins:,} of {evidence.wins + evidence.losses:,} prompts that differ."
    else:
        proof = f"{_said(evidence, side)} {_on(evidence)}."
    if evidence.is_settled:
        return f"{name} is {word}. {proof} Looked at once, when the planned prompts were in."
    return f"{name} is {word}. {proof} This stays true however often you look."


def _leading(evidence: Evidence, side: str) -> str:
    said = f"{_said(evidence, side)} {_on(evidence)}"
    return f"{_named(evidence, side)} is ahead: {said}, but not settled: {BY_CHANCE}."


def _equal(evidence: Evidence) -> str:
    widest = max(abs(evidence.low - evidence.null), abs(evidence.high - evidence.null))
    if evidence.kind == "votes":
        span = f"within {points(widest)} points either way"
    elif evidence.kind == "ratio":
        span = f"{number(evidence.low)} to {number(evidence.high)} times"
    else:
        span = f"within {number(widest, evidence.unit)} either way"
    return f"No difference that matters: {span}, {_on(evidence)}."


def _open(evidence: Evidence) -> str:
    low, high = evidence.low, evidence.high
    if low is None or high is None:
        said = f"Can't tell: there is no interval yet {_on(evidence)}."
    elif evidence.kind == "votes":
        said = (
            f"Can't tell: {evidence.b} is between {points(low)} points worse"
            f" and {points(high)} better {_on(evidence)}."
            if low < 0 < high
            else f"Can't tell: {_said(evidence, 'b')} {_on(evidence)}."
        )
    else:
        said = (
            f"Can't tell: {evidence.b} against {evidence.a} {_said(evidence, 'b')} {_on(evidence)}."
        )
    return f"{said} {evidence.needed}".strip()
