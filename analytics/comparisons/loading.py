"""A comparison read from the database, as the plain values that a report is computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from analytics.models import ComparisonGroup, ComparisonType
from conversations.models import Annotation
from conversations.models.choices import AnnotatedEntity, AnnotationType

from .answers import Turn, turns_of
from .data import (
    Comparison,
    Kind,
    Metric,
    Observation,
    Prompt,
    Settings,
    Variant,
    Vote,
    iso,
    values_of,
)

AUTOMATED = {
    "latency_ms": Metric("latency_ms", Kind.POSITIVE, "ms", -1, is_automated=True),
    "cost": Metric("cost", Kind.POSITIVE, "USD", -1, is_automated=True),
    "input_tokens": Metric("input_tokens", Kind.POSITIVE, "tokens", -1, is_automated=True),
    "output_tokens": Metric("output_tokens", Kind.POSITIVE, "tokens", -1, is_automated=True),
}
STARS = Metric("stars", Kind.SCORE, "", 1, 1, 5, is_automated=True)
POSITIVE_UNITS = {"ms", "s", "sec", "seconds", "usd", "$", "tokens", "tok/s", "bytes", "chars"}
POSITIVE_WORDS = (
    "latency", "cost", "price", "token", "ttft", "seconds", "duration", "throughput", "length",
    "chars", "_ms", "_s", "_usd",
)  # fmt: skip
MORE_IS_WORSE = ("latency", "cost", "price", "ttft", "seconds", "duration", "error", "inter_token")
MORE_IS_BETTER = (
    "score", "rating", "quality", "accuracy", "correct", "pass", "throughput", "stars",
)  # fmt: skip
SETTINGS = ("mode", "alpha", "vote_margin", "score_margin", "ratio_margin")
LISTED = 3


def comparison_of(group: ComparisonGroup) -> Comparison:
    """Return what a comparison holds, every list in an order that its rows do not decide."""
    turns = turns_of(group)
    prompts = _prompts(group, turns)
    votes, duplicates = _votes(group)
    recorded, metrics = _results(group, turns)
    observations = [*recorded]
    taken = {row.metric for row in recorded}
    for turn in turns:
        observations.extend(
            row for row in turn.observations() if row.metric not in taken or row.error
        )
    observations.extend(_stars(group, turns))
    metrics |= {
        name: metric
        for name, metric in (AUTOMATED | {STARS.name: STARS}).items()
        if name not in metrics and any(row.metric == name for row in observations)
    }
    return Comparison(
        name=group.name,
        kind=group.comparison_type,
        variants=_variants(group, observations, votes),
        prompts=prompts,
        metrics=dict(sorted(metrics.items())),
        observations=tuple(sorted(observations, key=_order)),
        votes=tuple(sorted(votes, key=_order)),
        answers=tuple(sorted((turn.answer() for turn in turns if turn.answer_id), key=_order)),
        settings=_settings(group),
        duplicates=duplicates,
        notes=tuple(_differences(group)),
    )


def _order(row) -> tuple:
    # None and text in one column: by type first.
    return tuple([(False, "") if value is None else (True, value) for value in values_of(row)])


def _settings(group: ComparisonGroup) -> Settings:
    given = group.metadata if isinstance(group.metadata, dict) else {}
    settings = Settings(
        primary=group.primary_metric,
        primary_set_at=iso(group.primary_set_at),
        planned=group.planned_prompts,
        planned_at=iso(group.planned_at),
        is_paired=group.is_paired,
    )
    chosen = {name: given[name] for name in SETTINGS if name in given}
    for name, value in list(chosen.items()):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (
            value in ("always_valid", "fixed") if name == "mode" else is_number and 0 < value < 1
        ):
            del chosen[name]  # a script wrote it: the usual value holds
    return replace(settings, **chosen)


def _variants(
    group: ComparisonGroup, observations: Iterable[Observation], votes: Iterable[Vote]
) -> tuple[Variant, ...]:
    rows = {row.variant_name: row for row in group.variant_rows.all()}
    configs = {
        name: config
        for name, config in group.variants.values_list("variant_name", "variant_config")
        if isinstance(config, dict)  # a script may have written anything
    }
    names = set(group.variants.values_list("variant_name", flat=True))
    names |= {row.variant for row in observations} | set(rows)
    names |= {name for vote in votes for name in (vote.a, vote.b)}
    ordered = sorted(names, key=lambda name: (name != group.baseline, name))
    return tuple(
        Variant(
            name,
            (row.label if (row := rows.get(name)) else "") or name or "(no name)",
            row.planned_share if row else None,
            (row.config if row else None) or configs.get(name) or {},
        )
        for name in ordered
    )


def _prompts(group: ComparisonGroup, turns: list[Turn]) -> dict[str, Prompt]:
    found = {
        key: Prompt(key, text, prompt_group)
        for key, text, prompt_group in group.prompts.values_list(
            "prompt_key", "text", "prompt_group"
        )
    }
    for turn in turns:
        known = found.get(turn.prompt)
        if known is None or not known.text:
            found[turn.prompt] = Prompt(turn.prompt, turn.text, known.group if known else "")
    projects: dict[str, set[str]] = defaultdict(set)
    for turn in turns:
        projects[turn.prompt].add(turn.project)
    for key, names in projects.items():
        if len(names) == 1:
            found[key] = replace(found[key], project=names.pop())
    return dict(sorted(found.items()))


def _votes(group: ComparisonGroup) -> tuple[list[Vote], int]:
    rows = group.votes.values_list(
        "prompt__prompt_key", "variant_a", "variant_b", "outcome", "score", "first_shown", "rater",
        "evaluator", "judge_version", "repetition",
    )  # fmt: skip
    votes, seen, duplicates = [], set(), 0
    for row in rows.iterator(chunk_size=5000):
        vote = Vote(*row)
        if vote.rater and row in seen:  # a program without a key wrote it twice
            duplicates += 1
            continue
        seen.add(row)
        votes.append(vote)
    return votes, duplicates


def _results(
    group: ComparisonGroup, turns: list[Turn]
) -> tuple[list[Observation], dict[str, Metric]]:
    variant_of = dict(group.variants.values_list("session_id", "variant_name"))
    by_message = {id: turn for turn in turns for id in turn.message_ids}
    by_session: dict[int, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_session[turn.session_id].append(turn)
    rows = group.results.values_list(
        "metric_name", "metric_value", "metric_unit", "evaluator", "variant_name",
        "prompt__prompt_key", "session_id", "message_id", "repetition", "rater", "error",
        "scale_low", "scale_high", "higher_is_better", "session__session_uuid",
        "metadata__unit",
    )  # fmt: skip
    found, about = [], defaultdict(list)
    for row in rows.iterator(chunk_size=5000):
        name, value, unit, evaluator, variant, prompt, session, message = row[:8]
        repetition, rater, error, low, high, higher, session_uuid, unit_of = row[8:]
        turn = by_message.get(message)
        if turn is None and len(by_session.get(session, ())) == 1:
            turn = by_session[session][0]
        variant = variant or variant_of.get(session)
        if variant is None or (value is None and not error):
            continue
        found.append(
            Observation(
                variant, prompt or (turn.prompt if turn else ""), name, value, error,
                repetition or (turn.repetition if turn else 0), rater, evaluator,
                # When it was written says nothing of the answer, where that has a time of its own.
                (turn.time if turn else ""), session_uuid or str(unit_of or ""),
            )
        )  # fmt: skip
        about[name].append((value, unit, low, high, higher))
    return found, {name: _metric(name, given) for name, given in about.items()}


def _metric(name: str, given: list[tuple]) -> Metric:
    """Return what a metric is, from what its rows say, and where they do not, from its name."""
    values = [row[0] for row in given if row[0] is not None]
    units = sorted({row[1] for row in given if row[1]})
    lows, highs = ({row[at] for row in given if row[at] is not None} for at in (2, 3))
    signs = {row[4] for row in given if row[4] is not None}
    lowered, unit = name.lower(), units[0] if len(units) == 1 else ""
    low, high = min(lows, default=None), max(highs, default=None)
    if unit in ("pass", "bool") or (low is None and set(values) <= {0.0, 1.0}):
        kind = Kind.PASS_FAIL
    elif low is None and min(values, default=-1) >= 0 and _is_positive(lowered, unit.lower()):
        kind = Kind.POSITIVE
    else:
        kind = Kind.SCORE
    if len(signs) == 1:
        better = 1 if signs.pop() else -1
    elif any(word in lowered for word in MORE_IS_WORSE):
        better = -1
    elif any(word in lowered for word in MORE_IS_BETTER) or kind == Kind.PASS_FAIL:
        better = 1
    else:
        # A rating has a scale, and its upper end is the good one.
        better = 1 if low is not None and high is not None else 0
    return Metric(name, kind, unit, better, low, high)


def _is_positive(name: str, unit: str) -> bool:
    return unit in POSITIVE_UNITS or any(
        name.endswith(word) if word.startswith("_") else word in name for word in POSITIVE_WORDS
    )


def _stars(group: ComparisonGroup, turns: list[Turn]) -> Iterable[Observation]:
    """Yield the ratings that people gave these sessions and messages on their own pages."""
    if not turns:
        return
    using = group._state.db
    by_message = {id: turn for turn in turns for id in turn.message_ids}
    by_session: dict[int, list[Turn]] = defaultdict(list)
    for turn in turns:
        by_session[turn.session_id].append(turn)
    ratings = Annotation.objects.using(using).filter(
        annotation_type=AnnotationType.RATING, rating__isnull=False
    )
    for entity, found in (
        (AnnotatedEntity.MESSAGE, {id: [turn] for id, turn in by_message.items()}),
        (AnnotatedEntity.SESSION, by_session),
    ):
        ids = sorted(found)
        for at in range(0, len(ids), 500):
            rows = ratings.filter(entity_type=entity, entity_id__in=ids[at : at + 500])
            for id, rating, annotator in rows.values_list("entity_id", "rating", "annotator"):
                for turn in found[id]:
                    yield Observation(
                        turn.variant, turn.prompt, STARS.name, float(rating), "", turn.repetition,
                        annotator, "human", turn.time, turn.session,
                    )  # fmt: skip


def _differences(group: ComparisonGroup) -> Iterable[str]:
    """Yield in words what differs between the variants and is not what the comparison tests."""
    tested = {
        ComparisonType.MODEL: {"model"},
        ComparisonType.PROMPT: {"system prompt"},
        ComparisonType.PARAMETER: {"temperature", "top_p", "max_tokens"},
    }.get(group.comparison_type, {"model", "system prompt", "temperature", "top_p", "max_tokens"})
    columns = {
        "model": "session__model__model_name",
        "system prompt": "session__system_prompt",
        "temperature": "session__temperature",
        "top_p": "session__top_p",
        "max_tokens": "session__max_tokens",
    }
    rows = group.variants.filter(session__deleted_at__isnull=True)
    for what, column in columns.items():
        if what in tested:
            continue
        sets: dict[str, set] = defaultdict(set)
        for variant, value in rows.values_list("variant_name", column).distinct():
            sets[variant].add(value)
        if len({frozenset(values) for values in sets.values()}) > 1:
            yield f"The variants also differ in their {what}{_shown(what, sets)}."


def _shown(what: str, sets: dict[str, set]) -> str:
    if what == "system prompt":  # as long as it likes
        return ""
    parts = (
        f"{name}: {', '.join(sorted(map(str, values))[:LISTED])}"
        for name, values in sorted(sets.items())
    )
    return f" ({'; '.join(parts)})"
