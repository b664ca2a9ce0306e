"""What a field of a query asks: `model:gpt-4`, `cost:>0.5`, `after:7d`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from typing import Any

from django.utils import timezone

from conversations.models import LanguageModel, Project, SessionTag
from conversations.models.choices import Role, SessionStatus, SessionType
from conversations.models.sessions import NANO
from conversations.sources import HERE, SOURCES

from .query import FIELDS, Field
from .text import fold

MOST_NAMES = 10_000  # that are looked through for one that is meant
MOST_MEANT = 500  # models or projects that one value may name
LARGEST = 2**63 - 1  # that a column holds
PARTS = {
    "text": "what was said",
    "tools": "tool calls, their results and thoughts",
    "title": "titles",
    "description": "descriptions",
    "system": "system prompts",
    "tags": "tags",
    "notes": "notes",
}
COMPARISON = re.compile(r"(>=|<=|>|<|=)?\s*((?!\.\.)\S.*?)(?:\.\.(.+))?")
NUMBER = re.compile(r"\$?(\d{1,15}(?:\.\d{0,12})?|\.\d{1,12})\s*([a-z]*)", re.IGNORECASE)
AGO = re.compile(r"(\d{1,5})\s*(h|d|w|m|mo|y)", re.IGNORECASE)
HOURS = {"h": 1, "d": 24, "w": 168, "m": 730, "mo": 730, "y": 8760}
DAY = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must be, as SQL over `message` and `session`.

    `of_session` is the same of a session alone, None where only a message can be it. `narrows`:
    it is about the session, of which there are few.
    """

    of_message: str
    of_session: str | None
    values: tuple[Any, ...]
    says: str
    narrows: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which parts of texts are searched: `in:title`."""

    parts: frozenset[str]
    says: str


class NotMeant(Exception):
    """The value of a field cannot be read: the field is searched for as text."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that names nothing there is, and what may be meant instead."""

    condition: Condition
    close: tuple[str, ...]


Answer = Condition | Scope | Unknown


def resolve(field: Field, *, using: str) -> Answer:
    """Return what a field asks. Raises `NotMeant`, with the reason."""
    if not field.value.strip():
        raise NotMeant("there is nothing behind it")
    return READERS[field.name](field.value.strip(), using)


def close_names(name: str) -> list[str]:
    """Return the fields that may be meant by an unknown one."""
    return get_close_matches(name.lower(), FIELDS, n=1, cutoff=0.7)


def never(says: str) -> Condition:
    return Condition("1 = 0", "1 = 0", (), says)


# -- names ----------------------------------------------------------------------------------------


def _named(wanted: str, names: dict[Any, tuple[str, ...]]) -> tuple[list[Any], list[str]]:
    """Return the keys whose names are `wanted`, else those that hold it; else names like it."""
    folded = fold(wanted)
    known = {key: [fold(name) for name in held] for key, held in names.items()}
    keys = [key for key, held in known.items() if folded in held]
    keys = keys or [key for key, held in known.items() if any(folded in name for name in held)]
    if keys:
        return keys, []
    spelled = {fold(name): name for held in names.values() for name in reversed(held)}
    close = get_close_matches(folded, spelled, n=3, cutoff=0.6)
    return [], [spelled[name] for name in close]


def _any_of(column: str, keys: Iterable[Any]) -> str:
    return f"{column} IN ({', '.join(['%s'] * len(list(keys)))})"


def _model(value: str, using: str) -> Answer:
    rows = LanguageModel.objects.using(using).values_list("pk", "provider", "model_name")
    names = {pk: (model, f"{provider}/{model}") for pk, provider, model in rows[:MOST_NAMES]}
    keys, close = _named(value, names)
    if not keys:
        return Unknown(never(f"the model is “{value}”, which is none"), tuple(close))
    keys = keys[:MOST_MEANT]
    says = " or ".join(names[key][0] for key in keys[:3]) + (" or others" if keys[3:] else "")
    of_session = _any_of("session.model_id", keys)
    of_message = _any_of("COALESCE(message.model_id, session.model_id)", keys)
    return Condition(of_message, of_session, tuple(keys), f"the model is {says}")


def _project(value: str, using: str) -> Answer:
    if value.lower() == "none":
        where = "session.project_id IS NULL"
        return Condition(where, where, (), "there is no project", narrows=True)
    rows = Project.objects.using(using).values_list("pk", "name")[:MOST_NAMES]
    names = {pk: (name,) for pk, name in rows}
    keys, close = _named(value, names)
    if not keys:
        return Unknown(never(f"the project is “{value}”, which is none"), tuple(close))
    keys = keys[:MOST_MEANT]
    says = " or ".join(names[key][0] for key in keys[:3]) + (" or others" if keys[3:] else "")
    where = _any_of("session.project_id", keys)
    return Condition(where, where, tuple(keys), f"the project is {says}", narrows=True)


def _tag(value: str, using: str) -> Answer:
    rows = SessionTag.objects.using(using).order_by("name").values_list("name", flat=True)
    names = {name: (name,) for name in rows.distinct()[:MOST_NAMES]}
    keys, close = _named(value, names)
    if not keys:
        return Unknown(never(f"a tag is “{value}”, which is none"), tuple(close))
    keys = keys[:MOST_MEANT]
    where = (
        "session.id IN (SELECT session_id FROM session_tags WHERE "
        f"{_any_of('session_tags.name', keys)})"
    )
    says = " or ".join(keys[:3]) + (" or others" if keys[3:] else "")
    return Condition(where, where, tuple(keys), f"a tag is {says}", narrows=True)


def _choice(
    says: str, column: str, choices: dict[str, str], *, of_message: bool = False
) -> Callable[[str, str], Answer]:
    """Return a reader of a column that holds one of a few words."""

    def read(value: str, using: str) -> Answer:
        keys, close = _named(value, {key: (key, label) for key, label in choices.items()})
        if not keys:
            return Unknown(never(f"{says} is “{value}”, which is none"), tuple(close))
        where = _any_of(column, keys)
        shown = " or ".join(choices[key].lower() for key in keys)
        return Condition(
            where, None if of_message else where, tuple(keys), f"{says} is {shown}",
            narrows=not of_message,
        )  # fmt: skip

    return read


def _source(value: str, using: str) -> Answer:
    answer = _choice("the source", "session.source", dict(SOURCES))(value, using)
    if isinstance(answer, Condition):  # "made here" is kept as no source
        values = tuple("" if key == HERE else key for key in answer.values)
        return Condition(answer.of_message, answer.of_session, values, answer.says, narrows=True)
    return answer


def _session(value: str, using: str) -> Answer:
    where = "session.session_uuid >= %s AND session.session_uuid < %s"
    values = (value, f"{value}\U0010ffff")
    return Condition(where, where, values, f"the session is {value}", narrows=True)


# -- amounts --------------------------------------------------------------------------------------


def _amount(says: str, column: str, units: dict[str, float], unit: str, factor: int = 1):
    """Return a reader of `>0.5`, `<=10k`, `1..5`, `3`."""

    def number(text: str) -> float:
        found = NUMBER.fullmatch(text.strip())
        if not found or found[2].lower() not in units:
            known = ", ".join(name for name in units if name)
            raise NotMeant(f"“{text}” is no amount; units are {known}" if known
                           else f"“{text}” is no amount")  # fmt: skip
        return float(found[1]) * units[found[2].lower()]

    def stored(number: float) -> int:
        return min(round(number * factor), LARGEST)

    def read(value: str, using: str) -> Answer:
        found = COMPARISON.fullmatch(value)
        if not found:
            raise NotMeant(f"“{value}” is no amount")
        operator, first, last = found.groups()
        low = number(first)
        if last is not None:
            high = number(last)
            where = f"{column} BETWEEN %s AND %s"
            values = (stored(low), stored(high))
            said = f"{says} is from {low:,g} to {high:,g}{unit}"
        else:
            operator = operator or "="
            where = f"{column} {operator} %s"
            values = (stored(low),)
            said = f"{says} is {SAID[operator]}{low:,g}{unit}"
        return Condition(where, None, values, said)

    return read


SAID = {">": "above ", ">=": "at least ", "<": "below ", "<=": "at most ", "=": ""}
THOUSANDS = {"": 1, "k": 1e3, "m": 1e6}
TOKENS = "COALESCE(message.input_tokens, 0) + COALESCE(message.output_tokens, 0)"


# -- times ----------------------------------------------------------------------------------------


def moment(value: str) -> tuple[datetime, str]:
    """Return the moment that a day, month, year, time or `7d` (ago) begins, and how it is said.

    Days are those of the reader's time zone. Raises `NotMeant`.
    """
    text, now = value.lower(), timezone.localtime()
    if text in {"today", "yesterday"}:
        day = now.date() - timedelta(days=text == "yesterday")
        return timezone.make_aware(datetime.combine(day, time.min)), text
    if found := AGO.fullmatch(text):
        try:
            then = now - timedelta(hours=int(found[1]) * HOURS[found[2]])
        except OverflowError:
            raise NotMeant(f"“{value}” is too long ago") from None
        return then, f"{then:%Y-%m-%d %H:%M}"
    try:
        if found := DAY.fullmatch(text):
            year, month, day = (int(number or 1) for number in found.groups())
            then = timezone.make_aware(datetime(year, month, day))
            then.astimezone(timezone.get_fixed_timezone(0))  # within what times can be
            return then, value
        then = datetime.fromisoformat(value)
        then = timezone.make_aware(then) if timezone.is_naive(then) else then
        then.astimezone(timezone.get_fixed_timezone(0))
    except (ValueError, OverflowError):
        raise NotMeant(f"“{value}” is no day; write 2025-03-31, 2025-03 or 7d") from None
    return then, f"{then:%Y-%m-%d %H:%M}"


def _time(operator: str, says: str) -> Callable[[str, str], Answer]:
    def read(value: str, using: str) -> Answer:
        then, said = moment(value)
        stored = then.astimezone(timezone.get_fixed_timezone(0)).replace(tzinfo=None)
        return Condition(
            f"message.timestamp {operator} %s",
            f"session.started_at {operator} %s",
            (stored.isoformat(" "),),
            f"it is {says} {said}",
        )

    return read


# -- the rest -------------------------------------------------------------------------------------

HAS = {
    "error": (
        "(message.error_message <> '' OR message.finish_reason = 'error'"
        " OR message.metadata LIKE '%%\"is_error\":true%%'"
        " OR message.metadata LIKE '%%\"is_error\": true%%')",
        None,
        "an error",
    ),
    "tool": (
        "(message.role IN ('tool', 'function') OR message.tool_calls IS NOT NULL"
        " OR message.function_call IS NOT NULL)",
        None,
        "a tool call or its result",
    ),
    "annotation": (
        "EXISTS (SELECT 1 FROM annotations AS remark WHERE"
        " (remark.entity_type = 'message' AND remark.entity_id = message.id)"
        " OR (remark.entity_type = 'session' AND remark.entity_id = session.id))",
        "EXISTS (SELECT 1 FROM annotations AS remark WHERE remark.entity_type = 'session'"
        " AND remark.entity_id = session.id)",
        "a rating, tag or note",
    ),
}


def _has(value: str, using: str) -> Answer:
    keys, close = _named(value, {key: (key,) for key in HAS})
    if not keys:
        return Unknown(never(f"it has “{value}”, which is nothing known"), tuple(close or HAS))
    of_message, of_session, says = HAS[keys[0]]
    return Condition(of_message, of_session, (), f"it has {says}")


def _in(value: str, using: str) -> Answer:
    keys, close = _named(value, {key: (key,) for key in PARTS})
    if not keys:
        return Unknown(never(f"it is in “{value}”, which is no part"), tuple(close or PARTS))
    return Scope(frozenset(keys), " and ".join(PARTS[key] for key in keys))


READERS: dict[str, Callable[[str, str], Answer]] = {
    "model": _model,
    "project": _project,
    "tag": _tag,
    "role": _choice("the role", "message.role", dict(Role.choices), of_message=True),
    "status": _choice("the status", "session.status", dict(SessionStatus.choices)),
    "type": _choice("the type", "session.session_type", dict(SessionType.choices)),
    "source": _source,
    "session": _session,
    "before": _time("<", "before"),
    "after": _time(">=", "after"),
    "cost": _amount("the message's cost", "message.cost_nanos", THOUSANDS, " USD", NANO),
    "tokens": _amount("the message's tokens", f"({TOKENS})", THOUSANDS, ""),
    "latency": _amount(
        "the latency", "message.latency_ms", {"": 1, "ms": 1, "s": 1e3, "m": 6e4}, " ms"
    ),
    "has": _has,
    "in": _in,
}
