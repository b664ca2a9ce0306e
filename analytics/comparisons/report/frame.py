"""The rows of a comparison put in order: by metric, variant and prompt."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from analytics.comparisons.data import ERRORS, VOTES, Comparison, Kind, Metric, Variant

SIGNS = {"a": -1.0, "tie": 0.0, "b": 1.0}


@dataclass(frozen=True, slots=True)
class Ballots:
    """The votes on one pair, seen from b: by prompt, and each by itself."""

    by_prompt: dict[str, list[float]]  # +1 b, 0 tie, -1 a
    scores: list[float]  # graded preferences for b, 0 to 1
    graded: dict[str, list[float]]  # the same by prompt
    first: list[tuple[str, str, float]]  # prompt, side shown first, +1 / 0 / -1
    raters: dict[str, dict[str, float]]  # by rater, the mean of each prompt
    failed: int

    @property
    def means(self) -> dict[str, float]:
        """The mean vote of each prompt, from -1 to 1."""
        return {prompt: sum(said) / len(said) for prompt, said in self.by_prompt.items()}


@dataclass
class Frame:
    """A comparison with its values looked up by what they are about."""

    comparison: Comparison
    _votes: dict[tuple[str, str], Ballots] = field(default_factory=dict)

    @property
    def variants(self) -> tuple[Variant, ...]:
        return self.comparison.variants

    @cached_property
    def letters(self) -> dict[str, str]:
        """A, B, C and so on for each variant; beyond Z its number."""
        return {
            variant.key: chr(65 + place) if place < 26 else str(place + 1)
            for place, variant in enumerate(self.variants)
        }

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each variant is called; one whose label is another's too has its letter behind."""
        labels = [variant.label for variant in self.variants]
        return {
            v.key: v.label if labels.count(v.label) == 1 else f"{v.label} [{self.letters[v.key]}]"
            for v in self.variants
        }

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """All metrics, `errors` among them if anything was answered or failed."""
        found = dict(self.comparison.metrics)
        if any(row.error for row in self.comparison.observations):
            found[ERRORS] = Metric(ERRORS, Kind.PASS_FAIL, "", -1, is_automated=True)
        return dict(sorted(found.items()))

    @cached_property
    def values(self) -> dict[str, dict[str, dict[str, float]]]:
        """The mean of each metric, variant and prompt (those that have a prompt)."""
        gathered = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for row in self.comparison.observations:
            if row.value is not None and row.prompt:
                gathered[row.metric][row.variant][row.prompt].append(row.value)
        found = {
            metric: {
                variant: {key: sum(rows) / len(rows) for key, rows in sorted(prompts.items())}
                for variant, prompts in variants.items()
            }
            for metric, variants in gathered.items()
        }
        found[ERRORS] = {
            variant: {key: failed / all_ for key, (failed, all_) in sorted(prompts.items())}
            for variant, prompts in self.attempts.items()
        }
        return found

    @cached_property
    def attempts(self) -> dict[str, dict[str, tuple[int, int]]]:
        """How many answers of each variant and prompt failed, and how many there are."""
        seen = defaultdict(lambda: defaultdict(dict))
        for number, row in enumerate(self.comparison.observations):
            key = row.prompt or f"\0{row.unit or number}"
            answers = seen[row.variant][key]
            place = (row.repetition, row.unit)
            answers[place] = answers.get(place, False) or bool(row.error)
        return {
            variant: {
                prompt: (sum(answers.values()), len(answers)) for prompt, answers in prompts.items()
            }
            for variant, prompts in seen.items()
        }

    @cached_property
    def loose(self) -> dict[str, dict[str, list[float]]]:
        """All values of each metric and variant, by what was assigned: unpaired."""
        gathered = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for place, row in enumerate(self.comparison.observations):
            if row.value is not None:
                unit = row.prompt or row.unit or f"\0{place}"
                gathered[row.metric][row.variant][unit].append(row.value)
        found = {
            metric: {
                variant: [sum(rows) / len(rows) for _, rows in sorted(units.items())]
                for variant, units in variants.items()
            }
            for metric, variants in gathered.items()
        }
        found[ERRORS] = {
            variant: [failed / all_ for _, (failed, all_) in sorted(prompts.items())]
            for variant, prompts in self.attempts.items()
        }
        return found

    @cached_property
    def failures(self) -> dict[str, tuple[int, int]]:
        """How many answers of each variant failed, and how many there are."""
        return {
            variant: (
                sum(failed for failed, _ in prompts.values()),
                sum(count for _, count in prompts.values()),
            )
            for variant, prompts in self.attempts.items()
        }

    @cached_property
    def prompts_of(self) -> dict[str, set[str]]:
        """The prompts that each variant answered, or was voted on for."""
        found: dict[str, set[str]] = {variant.key: set() for variant in self.variants}
        for row in self.comparison.observations:
            if row.prompt and row.value is not None:
                found[row.variant].add(row.prompt)
        for vote in self.comparison.votes:
            if vote.outcome != "failed":
                found[vote.a].add(vote.prompt)
                found[vote.b].add(vote.prompt)
        for answer in self.comparison.answers:
            found[answer.variant].add(answer.prompt)
        return found

    @cached_property
    def failed_on(self) -> dict[str, set[str]]:
        """The prompts that each variant failed on every time."""
        return {
            variant: {key for key, (failed, count) in prompts.items() if failed == count and failed}
            for variant, prompts in self.attempts.items()
        }

    @cached_property
    def lengths(self) -> dict[str, dict[str, float]]:
        """The mean length of the answers of each variant and prompt, in characters."""
        gathered = defaultdict(lambda: defaultdict(list))
        for answer in self.comparison.answers:
            gathered[answer.variant][answer.prompt].append(answer.length)
        return {
            variant: {key: sum(rows) / len(rows) for key, rows in prompts.items()}
            for variant, prompts in gathered.items()
        }

    @cached_property
    def _by_pair(self) -> dict[frozenset, list]:
        found = defaultdict(list)
        for vote in self.comparison.votes:
            found[frozenset((vote.a, vote.b))].append(vote)
        return found

    def ballots(self, a: str, b: str) -> Ballots:
        """Return the votes on a pair, as b sees them, whichever side each calls a."""
        if (a, b) in self._votes:
            return self._votes[a, b]
        by_prompt, graded = defaultdict(list), defaultdict(list)
        raters = defaultdict(lambda: defaultdict(list))
        scores, first, failed = [], [], 0
        for vote in self._by_pair.get(frozenset((a, b)), ()):
            if vote.outcome == "failed":
                failed += 1
                continue
            is_turned = vote.a == b
            said = SIGNS[vote.outcome] * (-1 if is_turned else 1) or 0.0
            by_prompt[vote.prompt].append(said)
            if vote.score is not None:
                score = 1 - vote.score if is_turned else vote.score
                scores.append(score)
                graded[vote.prompt].append(score)
            if vote.first:
                shown = vote.a if vote.first == "a" else vote.b
                first.append((vote.prompt, "b" if shown == b else "a", said))
            if name := vote.rater or vote.judge:
                raters[name][vote.prompt].append(said)
        found = Ballots(
            dict(sorted(by_prompt.items())), scores, dict(sorted(graded.items())), sorted(first),
            {
                name: {prompt: sum(rows) / len(rows) for prompt, rows in prompts.items()}
                for name, prompts in sorted(raters.items())
            },
            failed,
        )  # fmt: skip
        self._votes[a, b] = found
        return found

    def clusters(self, prompts: Iterable[str]) -> list[str] | None:
        """Return the group of each prompt; None if none has one, or each its own."""
        known = self.comparison.prompts
        groups = [known[key].group if key in known else "" for key in prompts]
        if not any(groups) or len(set(groups)) == len(groups):
            return None
        # Prompts without a group stand for themselves.
        return [group or f"\0{place}" for place, group in enumerate(groups)]

    @cached_property
    def primary(self) -> str:
        """The metric that decides: the chosen one, else votes, else the first that was judged."""
        chosen = self.comparison.settings.primary
        if chosen:
            return chosen
        if self.comparison.votes:
            return VOTES
        names = [name for name in self.metrics if name != ERRORS]
        judged = [name for name in names if not self.metrics[name].is_automated]
        return next(iter([*judged, *names]), VOTES)


def seed_of(prompts: Iterable[str]) -> int:
    """Return a seed that does not depend on which variant is called a, or on other variants."""
    said = json.dumps(sorted(prompts))
    return int(hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16)
