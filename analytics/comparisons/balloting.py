"""Blind voting: which two answers a rater sees next, on which sides, and what comes of the choice.

The order of the prompts and the side of each answer come from a keyed hash of prompt, pair and
rater: they look random, are the same when the page is loaded again, and a ballot need not carry
them. So nothing that a page holds says which answer is whose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import combinations

from django.core import signing
from django.utils.crypto import salted_hmac

from analytics.models import ComparisonGroup, ComparisonVote, Evaluator
from conversations.errors import InvalidValue
from conversations.models import Message

from .answers import Turn, turns_of
from .recording import record_vote

SALT = "analytics.comparisons.ballot"
LONGEST_ANSWER = 200_000  # characters that a ballot shows


class BadBallot(InvalidValue):
    """A ballot that was not given out to this rater, or whose answers are gone."""


@dataclass(frozen=True, slots=True)
class AnswerText:
    """An answer as a ballot shows it."""

    text: str
    length: int  # characters of the whole

    @property
    def is_cut(self) -> bool:
        return self.length > len(self.text)


@dataclass(frozen=True, slots=True)
class Ballot:
    """Two answers to one prompt, nothing in it saying whose they are."""

    token: str
    prompt_key: str
    prompt_text: str
    left: AnswerText
    right: AnswerText
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Pair:
    prompt: str
    a: Turn
    b: Turn

    def key(self, group: ComparisonGroup, rater: str) -> bytes:
        said = "\0".join((group.group_uuid, self.prompt, self.a.variant, self.b.variant, rater))
        return salted_hmac(SALT, said.encode("utf-8", "surrogatepass"), algorithm="sha256").digest()

    def name(self) -> str:
        """Return what a ballot calls the pair: a hash, since names would tell."""
        said = "\0".join((self.prompt, *sorted((self.a.variant, self.b.variant))))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _pairs(group: ComparisonGroup) -> Iterator[_Pair]:
    """Yield every two answers of different variants to one prompt; of repetitions the first."""
    by_prompt: dict[str, dict[str, Turn]] = {}
    for turn in turns_of(group):
        if turn.answer_id and not turn.error:
            by_prompt.setdefault(turn.prompt, {}).setdefault(turn.variant, turn)
    for prompt, turns in by_prompt.items():
        ordered = sorted(turns, key=lambda name: (name != group.baseline, name))
        for a, b in combinations(ordered, 2):
            yield _Pair(prompt, turns[a], turns[b])


def _voted(group: ComparisonGroup, rater: str) -> set[tuple[str, frozenset[str]]]:
    votes = group.votes.filter(rater=rater)
    rows = votes.values_list("prompt__prompt_key", "variant_a", "variant_b")
    return {(prompt, frozenset((a, b))) for prompt, a, b in rows}


def progress(group: ComparisonGroup, rater: str) -> tuple[int, int]:
    """Return how many pairs this rater has voted on, and how many there are."""
    pairs, voted = list(_pairs(group)), _voted(group, rater)
    return sum(_is_in(pair, voted) for pair in pairs), len(pairs)


def _is_in(pair: _Pair, voted: set) -> bool:
    return (pair.prompt, frozenset((pair.a.variant, pair.b.variant))) in voted


def next_ballot(
    group: ComparisonGroup, *, rater: str, skipped: Container[str] = ()
) -> Ballot | None:
    """Return the next two answers for this rater, None when there are no more.

    `skipped` are the `skip_name`s of ballots to leave for later: they come when no others are left.
    """
    voted = _voted(group, rater)
    pairs = list(_pairs(group))
    open_pairs = [pair for pair in pairs if not _is_in(pair, voted)]
    if not open_pairs:
        return None
    pair = min(open_pairs, key=lambda pair: (pair.name() in skipped, pair.key(group, rater)))
    sides = [pair.a, pair.b] if _a_is_left(pair, group, rater) else [pair.b, pair.a]
    left, right = (_text(turn, group) for turn in sides)
    token = signing.dumps([group.group_uuid, pair.name(), rater], salt=SALT)
    done = len(pairs) - len(open_pairs)
    return Ballot(token, pair.name(), pair.a.text, left, right, done, len(pairs))


def _a_is_left(pair: _Pair, group: ComparisonGroup, rater: str) -> bool:
    return pair.key(group, rater)[-1] % 2 == 0


def _text(turn: Turn, group: ComparisonGroup) -> AnswerText:
    said = Message.objects.using(group._state.db).filter(pk__in=turn.message_ids, role="assistant")
    text = "\n\n".join(said.order_by("sequence_number").values_list("content", flat=True))
    return AnswerText(text[:LONGEST_ANSWER], len(text))


def vote_on(group: ComparisonGroup, *, token: str, choice: str, rater: str) -> ComparisonVote:
    """Write down a choice (left, right or tie) on a ballot; sent twice, it counts once.

    Raises `BadBallot` for a ballot of another comparison or rater, a forged one, and one whose
    answers are no longer there.
    """
    try:
        group_uuid, name, owner = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadBallot("This ballot was not given out here. Take the next one.") from error
    if group_uuid != group.group_uuid:
        raise BadBallot("This ballot belongs to another comparison.")
    if owner != rater:
        raise BadBallot("This ballot was given to somebody else. Take the next one.")
    if choice not in ("left", "right", "tie"):
        raise InvalidValue(f"choice must be left, right or tie, not {choice!r:.50}")
    pair = next((pair for pair in _pairs(group) if pair.name() == name), None)
    if pair is None:
        raise BadBallot("The answers of this ballot are no longer part of the comparison.")
    a_is_left = _a_is_left(pair, group, rater)
    winner = "tie" if choice == "tie" else ("a" if (choice == "left") == a_is_left else "b")
    prompt = _prompt(group, pair)
    return record_vote(
        group,
        prompt=prompt,
        a=pair.a.variant,
        b=pair.b.variant,
        winner=winner,
        first="a" if a_is_left else "b",
        rater=rater,
        evaluator=Evaluator.HUMAN,
        message_a=_message(pair.a, group),
        message_b=_message(pair.b, group),
    )


def _prompt(group: ComparisonGroup, pair: _Pair):
    row, _ = group.prompts.get_or_create(
        comparison_group=group,
        prompt_key=pair.prompt,
        defaults={"text": pair.a.text, "prompt_hash": pair.a.digest},
    )
    return row


def _message(turn: Turn, group: ComparisonGroup) -> Message | None:
    return Message.objects.using(group._state.db).filter(pk=turn.answer_id).first()


def last_vote_of(group: ComparisonGroup, rater: str) -> ComparisonVote | None:
    """Return the vote that this rater gave last, to be taken back."""
    return group.votes.filter(rater=rater).order_by("-voted_at", "-pk").first()
