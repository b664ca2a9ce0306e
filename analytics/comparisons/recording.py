"""Writing down what was found of answers, row by row: votes, ratings, metrics, failures.

Values are checked before anything is written. A vote or a result of the same rater about the same
answer takes the place of the former; what has no rater and no answer to hang on is a row each time.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from analytics.models import (
    ComparisonGroup,
    ComparisonPrompt,
    ComparisonResult,
    ComparisonSession,
    ComparisonVote,
    Evaluator,
    Outcome,
)
from analytics.models.comparisons import MOST_REPETITIONS, MOST_VALUE
from conversations import reading, values
from conversations.errors import InvalidValue
from conversations.models import Message

from .data import ERRORS, VOTES, prompt_hash
from .making import (
    change_group,
    create_group,
    find_group,
    link_query,
    link_sessions,
    name_variant,
    unlink_sessions,
    variant_key,
)

__all__ = [
    "change_group",
    "create_group",
    "digest_of",
    "find_group",
    "finite",
    "key_of",
    "link_query",
    "link_sessions",
    "metric_of",
    "name_variant",
    "new_prompt",
    "outcome_of",
    "prompt_for",
    "record_result",
    "record_vote",
    "side_of",
    "take_back",
    "unlink_sessions",
    "vote_key",
]

LONGEST_KEY = 300


def prompt_for(
    group: ComparisonGroup,
    key: str = "",
    *,
    text: str = "",
    inputs: Any = None,
    prompt_group: str = "",
) -> ComparisonPrompt:
    """Return the prompt of this key, else the one of this text and inputs; made if it is new."""
    made = new_prompt(group, key, text=text, inputs=inputs, prompt_group=prompt_group)
    prompts = ComparisonPrompt.objects.using(group._state.db).filter(comparison_group=group)
    with transaction.atomic(group._state.db):
        if key:
            found = prompts.filter(prompt_key=key).first()
        else:
            found = prompts.filter(prompt_hash=made.prompt_hash).order_by("pk").first()
        if found is None:
            made.save(using=group._state.db, force_insert=True)
            return made
        if (text and not found.text) or (prompt_group and not found.prompt_group):
            if not found.text:
                found.text, found.prompt_hash, found.inputs = text, made.prompt_hash, made.inputs
            found.prompt_group = found.prompt_group or prompt_group
            found.save()
    return found


def new_prompt(
    group: ComparisonGroup, key: str, *, text: str, inputs: Any, prompt_group: str
) -> ComparisonPrompt:
    """Return a prompt of checked values that is not saved. Raises `InvalidValue`."""
    if not key and not text:
        raise InvalidValue("prompt: give its key or its text")
    values.field_text(ComparisonPrompt, "prompt_key", key)
    inputs = values.as_json("inputs", inputs or {}, (dict, list))
    digest = prompt_hash(values.text("prompt text", text), inputs) if text else ""
    return ComparisonPrompt(
        comparison_group=group,
        prompt_key=key or key_of(digest),
        prompt_hash=digest,
        text=text,
        inputs=inputs,
        prompt_group=values.field_text(ComparisonPrompt, "prompt_group", prompt_group),
    )


def key_of(digest: str) -> str:
    """Return the key of a prompt that is known by its hash alone."""
    return digest[:16]


def record_vote(
    group: ComparisonGroup,
    *,
    prompt: str | ComparisonPrompt,
    a: str,
    b: str,
    winner: str,
    score: float | None = None,
    first: str = "",
    rater: str = "",
    evaluator: str = Evaluator.HUMAN,
    judge_version: str = "",
    message_a: Message | None = None,
    message_b: Message | None = None,
    repetition: int = 0,
    notes: str = "",
    external_key: str | None = None,
) -> ComparisonVote:
    """Write down a vote; `winner` is a, b, tie, failed, or the name of a variant.

    `first` is the side or the variant that was shown first. One vote counts for each prompt, pair,
    rater, judge and repetition: voting again takes its place.
    """
    a, b = variant_key("a", a), variant_key("b", b)
    if a == b:
        raise InvalidValue(f"a and b are the same variant, “{a}”")
    values.choice("evaluator", evaluator, Evaluator)
    columns = {
        "outcome": outcome_of(winner, a, b),
        "score": values.number("score", score, most=1),
        "first_shown": side_of("first", first, a, b),
        "evaluator": evaluator,
        "message_a": message_a,
        "message_b": message_b,
        "notes": values.text("notes", notes),
        "rater": values.field_text(ComparisonVote, "rater", rater),
        "judge_version": values.field_text(ComparisonVote, "judge_version", judge_version),
        "repetition": values.integer("repetition", repetition, most=MOST_REPETITIONS) or 0,
        "variant_a": a,
        "variant_b": b,
    }
    with transaction.atomic(group._state.db):
        if isinstance(prompt, str):
            prompt = prompt_for(group, prompt)
        key = external_key or vote_key(prompt.prompt_key, **columns)
        votes = ComparisonVote.objects.using(group._state.db)
        if key is None:
            return votes.create(comparison_group=group, prompt=prompt, **columns)
        vote, _ = votes.update_or_create(
            comparison_group=group,
            external_key=values.text("external_key", key, longest=LONGEST_KEY),
            defaults={"prompt": prompt, "voted_at": now(), **columns},
        )
    return vote


def outcome_of(winner: str | None, a: str, b: str) -> str:
    """Return the `Outcome` that a winner means; None is a judge that gave no verdict."""
    if winner is None:
        return Outcome.FAILED
    named = {a: Outcome.A, b: Outcome.B}
    if winner in named:  # a variant may be called "tie", or "b"
        return named[winner]
    try:
        return Outcome(winner)
    except ValueError:
        raise InvalidValue(
            f"winner must be a, b, tie, failed, “{a}” or “{b}”, not {winner!r:.50}"
        ) from None


def side_of(what: str, given: str, a: str, b: str) -> str:
    """Return "a" or "b" for a side or a variant's name, "" for none."""
    if not given:
        return ""
    side = {"a": "a", "b": "b", a: "a", b: "b"}.get(given)
    if side is None:
        raise InvalidValue(f"{what} must be a, b, “{a}” or “{b}”, not {given!r:.50}")
    return side


def vote_key(
    prompt_key: str,
    *,
    variant_a: str,
    variant_b: str,
    rater: str,
    judge_version: str,
    evaluator: str,
    repetition: int,
    first_shown: str,
    **_: Any,
) -> str | None:
    """Return what makes a vote the same as another, None for one that nobody signed.

    A judge that is asked in both orders gives two votes; a person who votes again corrects one.
    """
    if not rater and not judge_version:
        return None
    order = ""
    if evaluator != Evaluator.HUMAN and first_shown:
        order = variant_a if first_shown == "a" else variant_b
    pair = sorted((variant_a, variant_b))
    return digest_of("vote", prompt_key, *pair, rater, judge_version, repetition, order)


def digest_of(*parts: Any) -> str:
    """Return a short name for these values, the same on every machine."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:40]


def record_result(
    group: ComparisonGroup,
    metric_name: str,
    value: float | None,
    *,
    variant: str = "",
    prompt: str | ComparisonPrompt | None = None,
    session: str = "",
    message: str = "",
    unit: str = "",
    evaluator: str = Evaluator.AUTOMATED,
    rater: str = "",
    repetition: int = 0,
    error: str = "",
    low: float | None = None,
    high: float | None = None,
    higher_is_better: bool | None = None,
    notes: str = "",
    external_key: str | None = None,
) -> ComparisonResult:
    """Write down one value of one answer, or the `error` that stands in its place.

    The answer is that of a session, a message, or a variant to a prompt. The same metric of the
    same answer by the same rater takes the place of the former value.
    """
    using = group._state.db
    values.choice("evaluator", evaluator, Evaluator)
    columns = {
        "metric_name": metric_of(metric_name),
        "metric_value": finite(metric_name, value),
        "metric_unit": values.field_text(ComparisonResult, "metric_unit", unit),
        "evaluator": evaluator,
        "rater": values.field_text(ComparisonResult, "rater", rater),
        "repetition": values.integer("repetition", repetition, most=MOST_REPETITIONS) or 0,
        "error": values.field_text(ComparisonResult, "error", error),
        "scale_low": finite("low", low),
        "scale_high": finite("high", high),
        "higher_is_better": higher_is_better,
        "notes": values.text("notes", notes),
        "variant_name": variant_key("variant", variant) if variant else "",
    }
    if value is None and not error:
        raise InvalidValue(f"{metric_name}: give a value, or the error that there is instead")
    if low is not None and high is not None and low >= high:
        raise InvalidValue(f"low must be below high, not {low} and {high}")
    with transaction.atomic(using):
        if message:
            columns["message"] = reading.find_message(message, using=using)
            columns["session"] = columns["message"].session
        elif session:
            columns["session"] = reading.find_session(session, using=using)
        if prompt:
            columns["prompt"] = prompt_for(group, prompt) if isinstance(prompt, str) else prompt
        _has_variant(group, columns)
        key = external_key or _result_key(columns)
        results = ComparisonResult.objects.using(using)
        if key is None:
            return results.create(comparison_group=group, **columns)
        result, _ = results.update_or_create(
            comparison_group=group,
            external_key=values.text("external_key", key, longest=LONGEST_KEY),
            defaults={"evaluated_at": now(), **columns},
        )
    return result


def metric_of(name: Any) -> str:
    """Return a metric's name if it can be one."""
    values.field_text(ComparisonResult, "metric_name", name)
    if not name.strip() or name in (VOTES, ERRORS):
        raise InvalidValue(f"a metric cannot be called {name!r:.50}")
    return name


def finite(name: str, value: Any) -> float | None:
    """Return a number as a float. Raises `InvalidValue` for text, NaN and what is beyond 1e18."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue(f"{name} must be a number, not {value!r:.50}")
    if abs(number) > MOST_VALUE:
        raise InvalidValue(f"{name} must be at most {MOST_VALUE:.0e}, not {value!r:.50}")
    return number


def _has_variant(group: ComparisonGroup, columns: dict[str, Any]) -> None:
    if columns["variant_name"]:
        return
    if session := columns.get("session"):
        links = ComparisonSession.objects.using(group._state.db)
        if links.filter(comparison_group=group, session=session).exists():
            return
        raise InvalidValue(
            f"session {session.session_uuid} is no part of this comparison:"
            " link it, or give the variant"
        )
    raise InvalidValue("give the variant, or a session or message of one")


def _result_key(columns: dict[str, Any]) -> str | None:
    if not any(columns.get(name) for name in ("prompt", "session", "message")):
        return None
    prompt, session, message = (columns.get(name) for name in ("prompt", "session", "message"))
    return digest_of(
        "result",
        columns["metric_name"],
        columns["variant_name"],
        prompt and prompt.prompt_key,
        session and session.session_uuid,
        message and message.message_uuid,
        columns["rater"],
        columns["evaluator"],
        columns["repetition"],
    )


def take_back(vote: ComparisonVote) -> None:
    """Delete a vote, as if it had not been given."""
    vote.delete()
