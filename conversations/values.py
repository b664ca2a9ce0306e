"""Checks of the values that programs and people hand in, before anything is written."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, TextChoices

from .errors import InvalidValue
from .importers.values.text import UNSTORABLE, clean

LONGEST_TEXT = 100_000_000  # characters; SQLite refuses a billion bytes


def text(name: str, value: Any, *, longest: int = LONGEST_TEXT) -> str:
    """Return `value` if it is text that can be stored and found again."""
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be text, not {type(value).__name__}")
    if len(value) > longest:
        raise InvalidValue(f"{name} has {len(value):,} characters; the limit is {longest:,}")
    if found := UNSTORABLE.search(value):
        kind = "a NUL character" if found[0] == "\x00" else "half a character (a lone surrogate)"
        raise InvalidValue(f"{name} holds {kind} at position {found.start():,}")
    return value


def field_text(model: type[Model], name: str, value: Any) -> str:
    """Return `value` if it is text that fits the column `name` of `model`."""
    return text(name, value, longest=model._meta.get_field(name).max_length or LONGEST_TEXT)


def integer(name: str, value: Any, *, most: int) -> int | None:
    """Return `value` if it is None or a whole number from 0 to `most`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"{name} must be a whole number, not {value!r:.50}")
    if not 0 <= value <= most:
        raise InvalidValue(f"{name} must be from 0 to {most:,}, not {value!r:.50}")
    return value


def number(name: str, value: Any, *, most: float) -> float | None:
    """Return `value` as a float if it is None or a number from 0 to `most`."""
    if value is None:
        return None
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    if isinstance(value, bool | str) or not 0 <= result <= most:  # NaN is neither
        raise InvalidValue(f"{name} must be a number from 0 to {most:,}, not {value!r:.50}")
    return result


def choice(name: str, value: Any, choices: type[TextChoices]) -> str:
    """Return `value` if it is one of `choices`."""
    known = _known(choices)
    if not isinstance(value, str) or value not in known:
        raise InvalidValue(f"{name} must be one of {', '.join(known)}, not {value!r:.50}")
    return str(value)


@cache
def _known(choices: type[TextChoices]) -> dict[str, None]:
    return dict.fromkeys(choices.values)  # `values` makes its list anew each time


def as_json(name: str, value: Any, kind: type | tuple[type, ...]) -> Any:
    """Return `value` if it is of `kind` and JSON can say it (no NaN, no NUL, no surrogates)."""
    if not isinstance(value, kind):
        raise InvalidValue(f"{name} cannot be a {type(value).__name__}")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"{name} cannot be written as JSON: {error}") from error
    if clean(value) != value:
        raise InvalidValue(f"{name} holds a NUL character or half a character")
    return value


def time(name: str, value: Any) -> datetime:
    """Return a datetime, or ISO 8601 text, as a UTC datetime; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError) as error:
        raise InvalidValue(f"{name} must be a time such as 2025-01-31 12:00:00") from error


def validated(instance: Model) -> Model:
    """Return `instance` if its fields pass their validators, else say which does not.

    References are left out: Django would look for them in the default database.
    """
    references = {field.name for field in instance._meta.concrete_fields if field.is_relation}
    try:
        instance.clean_fields(exclude=references)
    except ValidationError as error:
        name, [reason, *_] = next(iter(error.message_dict.items()))
        raise InvalidValue(f"{name}: {reason}") from error
    return instance
