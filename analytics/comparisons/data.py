"""What a comparison is made of, as plain values: what a report is computed from.

The unit is the prompt. A variant is known by its key, the name that sessions, results and votes
give it; labels may repeat.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter

VOTES = "votes"
ERRORS = "errors"


class Kind(StrEnum):
    """How a metric is compared."""

    VOTES = "votes"
    SCORE = "score"  # ratings and other bounded or signed numbers: difference of means
    POSITIVE = "positive"  # latency, cost, tokens: ratio of geometric means
    PASS_FAIL = "pass_fail"  # 0 or 1


@dataclass(frozen=True, slots=True)
class Variant:
    """One side of a comparison; `share` is the part of the traffic it was planned to get."""

    key: str
    label: str
    share: float | None = None
    config: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What variants answer; `group` is its template or suite, or empty.

    `project` is that of the sessions it was asked in, empty if there are several.
    """

    key: str
    text: str = ""
    group: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured quantity. `better` is +1 if more is better, -1 if less is, 0 if nobody said."""

    name: str
    kind: Kind
    unit: str = ""
    better: int = 0
    low: float | None = None
    high: float | None = None
    is_automated: bool = False  # taken from the messages of the linked sessions


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of a metric for one answer; None with an `error` is a failure."""

    variant: str
    prompt: str  # key; empty where it is not known (unpaired)
    metric: str
    value: float | None
    error: str = ""
    repetition: int = 0
    rater: str = ""
    evaluator: str = "automated"
    time: str = ""  # UTC, ISO, of the answer or the measurement
    unit: str = ""  # what was assigned (a session), where prompts are not known


@dataclass(frozen=True, slots=True)
class Vote:
    """One rater's preference between `a` and `b`; outcome is a, b, tie or failed."""

    prompt: str
    a: str
    b: str
    outcome: str
    score: float | None = None  # graded preference for b, 0 to 1
    first: str = ""  # "a", "b", or "" where nobody noted it
    rater: str = ""
    evaluator: str = "human"
    judge: str = ""
    repetition: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a variant said to a prompt: length in characters, and where it can be read."""

    variant: str
    prompt: str
    length: int
    session: str = ""
    message: str = ""


@dataclass(frozen=True)
class Settings:
    """How a comparison is to be judged."""

    primary: str = ""  # VOTES, a metric's name, or "" to choose
    primary_set_at: str = ""  # UTC, ISO
    planned: int | None = None  # prompts
    planned_at: str = ""
    is_paired: bool = True
    mode: str = "always_valid"  # or "fixed": once, on the first planned prompts
    alpha: float = 0.05
    vote_margin: float = 0.10  # net win rate
    score_margin: float = 0.05  # of the scale
    ratio_margin: float = 0.10


@dataclass(frozen=True)
class Comparison:
    """Everything a report is computed from. The first variant is the baseline.

    Lists are sorted by their content, so that the same rows in any order make the same comparison.
    """

    name: str
    kind: str  # model, prompt, parameter, mixed
    variants: tuple[Variant, ...]
    prompts: Mapping[str, Prompt]
    metrics: Mapping[str, Metric]
    observations: tuple[Observation, ...]
    votes: tuple[Vote, ...]
    answers: tuple[Answer, ...] = ()
    settings: Settings = field(default_factory=Settings)
    duplicates: int = 0  # rows that said again what another had said
    notes: tuple[str, ...] = ()  # differences other than the tested one, found on loading

    def input_hash(self) -> str:
        """Return the SHA-256 of all that the report depends on, as hex."""
        parts = [
            self.name, self.kind, [asdict(v) for v in self.variants],
            [asdict(p) for _, p in sorted(self.prompts.items())],
            [asdict(m) for _, m in sorted(self.metrics.items())],
            [values_of(row) for row in self.observations], [values_of(row) for row in self.votes],
            [values_of(row) for row in self.answers], asdict(self.settings), self.notes,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def values_of(row: Observation | Vote | Answer) -> tuple:
    """Return the values of a row, in the order of its fields."""
    return _getter(type(row))(row)


@cache
def _getter(kind: type) -> attrgetter:
    return attrgetter(*kind.__slots__)


def prompt_hash(text: str, inputs: object = None) -> str:
    """Return what identifies a prompt: the SHA-256 of its exact text and inputs, as hex."""
    said = json.dumps([text, inputs or {}], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def iso(time: datetime | None) -> str:
    """Return a time as text, empty for none."""
    return time.isoformat(timespec="seconds") if time else ""
