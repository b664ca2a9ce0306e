"""Reading values of a foreign record by the type they must have."""

from __future__ import annotations

from typing import Any

MAX_COUNT = 2**63 - 1  # the greatest integer that the database keeps
MAX_DEPTH = 64
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


class Unusable(Exception):
    """A record cannot be read by the rules of its format; the message says why, for the report."""


def kind(value: Any) -> str:
    """Return the JSON type of `value` in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "no JSON value"


# Called a few dozen times for each message, so each is one `get` and one look at the type.


def text_in(record: dict[str, Any], key: str) -> str:
    """Return the text under `key`, "" if it is null or missing; raises Unusable otherwise."""
    value = record.get(key)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise Unusable(f"{key} is {kind(value)}, not text")


def flag_in(record: dict[str, Any], key: str) -> bool:
    """Return the boolean under `key`, False if it is null or missing; raises Unusable otherwise."""
    value = record.get(key)
    if value is None or isinstance(value, bool):
        return value is True
    raise Unusable(f"{key} is {kind(value)}, not true or false")


def object_in(record: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the object under `key`, {} if it is null or missing; raises Unusable otherwise."""
    value = record.get(key)
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise Unusable(f"{key} is {kind(value)}, not an object")


def list_in(record: dict[str, Any], key: str) -> list[Any]:
    """Return the list under `key`, [] if it is null or missing; raises Unusable otherwise."""
    value = record.get(key)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    raise Unusable(f"{key} is {kind(value)}, not a list")


def count_of(value: Any) -> int | None:
    """Return a count that can be stored, or None for what is no count: text, negative, huge."""
    if type(value) is float and value.is_integer():
        value = int(value)
    # The exact type: True is an int too, and no count.
    return value if type(value) is int and 0 <= value <= MAX_COUNT else None


def number_of(value: Any) -> Any:
    """Return the number that text holds, as tables and careful JSON have it, else `value`."""
    if not isinstance(value, str):
        return value
    try:
        return int(value) if value.isascii() and value.isdigit() else float(value)
    except ValueError:  # also for digits by the thousand
        return value


def seconds_as_ms(value: Any) -> int | None:
    """Return a number of seconds as whole milliseconds, or None if it is no usable number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value * 1000) if 0 <= value < MAX_COUNT / 1000 else None


def present(record: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of `record` that say something: neither null nor empty."""
    return {
        key: value
        for key, value in record.items()
        if value is not None and value not in ("", [], {})
    }
