"""The price book as a file, CSV or JSON, and back: the same rows, to the last character."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from conversations import downloads
from conversations.errors import InvalidValue
from conversations.importers.values.text import UNSTORABLE
from conversations.models import Price

# What a column of the file is called, and the field of `Price` that it holds.
COLUMNS = {
    "provider": "provider",
    "model_pattern": "model_pattern",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "kind": "kind",
    "input": "input_price",
    "cache_read": "cache_read_price",
    "cache_write_5m": "cache_write_5m_price",
    "cache_write_1h": "cache_write_1h_price",
    "output": "output_price",
    "reasoning": "reasoning_price",
    "batch_factor": "batch_factor",
    "service_tier": "service_tier",
    "above_input_tokens": "above_input_tokens",
    "note": "note",
}
NAMES = {field: name for name, field in COLUMNS.items()}
# A row is the newer version of the one that says the same of these, where that is one alone.
KEY = ("provider", "model_pattern", "valid_from", "service_tier", "above_input_tokens")
FORMATS = ("csv", "json")
MOST_ROWS = 20_000
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """What an import of prices did: how many rows are new, changed, and as they were."""

    new: int
    changed: int
    same: int


def write(format: str, *, using: str = "default") -> Iterator[str]:
    """Yield the price book as a file; prices in USD per million tokens, days in UTC."""
    rows = Price.objects.using(using).order_by(*Price._meta.ordering)
    named = map(as_text, rows)
    if format == "json":
        yield from downloads.as_json(named, list(COLUMNS))
        return
    line = io.StringIO()
    writer = csv.writer(line)
    for cells in [list(COLUMNS), *(row.values() for row in named)]:
        writer.writerow(map(_as_cell, cells))
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def as_text(price: Price) -> dict[str, str]:
    """Return a price as a file has it: what is not given is empty."""
    return {name: text_of_value(getattr(price, field)) for name, field in COLUMNS.items()}


def format_of(name: str) -> str:
    """Return the format that a file's name says; raises `InvalidValue` if it says none."""
    ending = name.lower().rpartition(".")[2]
    if ending not in FORMATS:
        raise InvalidValue(f"{name!r:.100} is neither .csv nor .json")
    return ending


def text_of(content: bytes) -> str:
    """Return a file as text; raises `InvalidValue` if it is none."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"it is not UTF-8 at byte {error.start:,}") from error


def read(text: str, format: str, *, using: str = "default") -> list[Price]:
    """Return the rows of a file, unsaved. Raises `InvalidValue`, which names the first bad line."""
    prices = []
    for place, values in (_from_json if format == "json" else _from_csv)(
        text.removeprefix("\ufeff")
    ):
        if len(prices) == MOST_ROWS:
            raise InvalidValue(f"{place}: a price book has at most {MOST_ROWS:,} rows")
        try:
            prices.append(_price(values, using))
        except ValueError as error:
            raise InvalidValue(f"{place}: {error}") from error
    return prices


def store(prices: list[Price], *, using: str = "default") -> Stored:
    """Add these rows to the book, all of them or none.

    What is there already stays as it is. A row that differs in its prices, end or note alone from
    one of the book takes its place.
    """
    with transaction.atomic(using):
        known = list(Price.objects.using(using))
        same = Counter(map(_row, known))
        wanted = []
        for price in prices:
            row = _row(price)
            if same[row]:
                same[row] -= 1
            else:
                wanted.append(price)
        by_key: dict[Row, list[Price]] = {}
        for price in known:
            row = _row(price)
            if same[row]:
                same[row] -= 1
                by_key.setdefault(_key(price), []).append(price)
        changed = 0
        for price in wanted:
            others = by_key.get(_key(price), [])
            if len(others) == 1:
                price.pk = others.pop().pk
                price.save(using=using, force_update=True, update_fields=COLUMNS.values())
                changed += 1
            else:
                price.save(using=using, force_insert=True)
    return Stored(len(wanted) - changed, changed, len(prices) - len(wanted))


def _row(price: Price) -> Row:
    return tuple(getattr(price, field) for field in COLUMNS.values())


def _key(price: Price) -> Row:
    return tuple(getattr(price, field) for field in KEY)


# -- text of values -----------------------------------------------------------------------------


def text_of_value(value: Any) -> str:
    """Return a value of a price as a file has it: all digits, no zeros behind them."""
    if value is None:
        return ""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _as_cell(text: str) -> str:
    return f"'{text}" if _is_formula(text) else text


def _from_cell(text: str) -> str:
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    # An apostrophe in front of a formula counts as one too, so that each comes back as it was.
    bare = text.lstrip("'")
    return bool(downloads.FORMULA.match(bare) and not downloads.NUMBER.match(bare))


def _from_csv(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_names(head, "line 1")
        line = reader.line_num + 1
        for cells in reader:
            if any(cells):
                if len(cells) != len(head):
                    raise InvalidValue(f"line {line}: {len(cells)} cells, but {len(head)} columns")
                yield f"line {line}", dict(zip(head, map(_from_cell, cells), strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidValue(f"line {line}: {error}") from error


def _from_json(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        rows = json.loads(text, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise InvalidValue(f"this is no JSON: {error}") from error
    if not isinstance(rows, list):
        raise InvalidValue("this is no JSON array of prices")
    for number, row in enumerate(rows, 1):
        place = f"row {number}"
        if not isinstance(row, dict):
            raise InvalidValue(f"{place}: this is no object")
        _check_names(list(row), place)
        yield place, row


def _check_names(names: list[str], place: str) -> None:
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            raise InvalidValue(
                f"{place}: {name!r:.50} is no column, or one twice; the columns are"
                f" {', '.join(COLUMNS)}"
            )
    if "model_pattern" not in names:
        raise InvalidValue(f"{place}: the column model_pattern is missing")


def _price(values: dict[str, Any], using: str) -> Price:
    columns = {}
    for name, value in values.items():
        field = Price._meta.get_field(COLUMNS[name])
        if isinstance(value, bool | list | dict):
            raise ValueError(f"{name}: {value!r:.50} is no text or number")
        text = "" if value is None else str(value)
        if UNSTORABLE.search(text):
            raise ValueError(f"{name}: it holds a character that cannot be stored")
        if field.name != "note":
            text = text.strip()
        if text or field.name in ("provider", "service_tier", "note"):
            columns[field.name] = _value(name, field, text)
        elif not field.null:
            continue  # the default
    price = Price(**{"kind": "per_token", "batch_factor": Decimal("0.5"), **TEXTLESS, **columns})
    try:
        price.full_clean(validate_unique=False)
    except ValidationError as error:
        raise ValueError(_said(error)) from error
    return price


TEXTLESS = {"provider": "", "service_tier": "", "note": "", "above_input_tokens": 0}


def _value(name: str, field: Any, text: str) -> Any:
    kind = field.get_internal_type()
    try:
        if kind == "DateField":
            return date.fromisoformat(text)
        if field.name == "above_input_tokens":
            return int(text)
        if field.name == "batch_factor" or field.name.endswith("_price"):
            number = Decimal(text)
            if not number.is_finite():
                raise ValueError
            return number
    except (ValueError, InvalidOperation) as error:
        wanted = "day such as 2026-01-31" if kind == "DateField" else "number"
        raise ValueError(f"{name}: {text!r:.50} is no {wanted}") from error
    return text


def _said(error: ValidationError) -> str:
    parts = []
    for field, messages in error.message_dict.items():
        name = f"{NAMES[field]}: " if field in NAMES else ""
        parts += [f"{name}{message}" for message in messages]
    return " ".join(parts)
