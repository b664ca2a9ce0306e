"""Column types whose promises stand in the database, for writers that are not Django."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from django.db import models

from conversations.importers.values.text import clean

ON_DELETE = {
    models.CASCADE: "CASCADE",
    models.SET_NULL: "SET NULL",
    models.PROTECT: "RESTRICT",
    models.DO_NOTHING: "NO ACTION",
}

# SQLite takes any value in any column. What its date functions cannot read, or Python's datetime
# cannot hold (years before 1 and after 9999, the 30th of February, the hour 24, Julian days), would
# break every page that shows the row, so the column refuses it. Other databases have a type for it.
READABLE_TIME = {
    # A CHECK that comes to NULL lets the row pass: hence COALESCE.
    "sqlite": "{column} IS NULL OR COALESCE("
    "{column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
    " AND date(substr({column}, 1, 10), '+0 days') = substr({column}, 1, 10)"
    " AND (length({column}) = 10"
    " OR substr({column}, 11, 1) IN (' ', 'T') AND substr({column}, 12, 2) BETWEEN '00' AND '23')"
    " AND {column} NOT GLOB '*[^0-9TZ:+. -]*' AND {column} NOT GLOB '* '"
    " AND instr({column}, char(0)) = 0"
    " AND julianday({column}) BETWEEN 1721425.5 AND 5373484.5, 0)",
}
MOST_DIGITS = 1_000  # of a number in JSON
DEEPEST = 100  # levels of JSON; what walks through it has 1,000 calls, and has spent many already
ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")  # a character that clean() may have to replace

READABLE_DATE = {
    "sqlite": "{column} IS NULL OR COALESCE(date({column}, '+0 days') = {column}"
    " AND {column} >= '0001-01-01', 0)",
}
MILLIONTH = Decimal("0.000001")
# Bytes in a text column would be no text anywhere.
IS_TEXT = {"sqlite": "typeof({column}) = 'text'"}


class ForeignKey(models.ForeignKey):
    """A foreign key whose `on_delete` is an ON DELETE clause in the schema as well.

    Django 5.2 writes the reference without the clause. So the reference that Django would write
    is switched off, and this field writes its own behind the column's type. (Django 6.1 has
    `DB_CASCADE` for it: then this class can go.)
    """

    def __init__(self, to: Any, on_delete: Any, **options: Any) -> None:
        super().__init__(to, on_delete, **{**options, "db_constraint": False})

    def deconstruct(self):
        name, path, args, options = super().deconstruct()
        options.pop("db_constraint", None)
        return name, path, args, options

    def db_type_suffix(self, connection):
        target = self.remote_field.model._meta
        column = target.get_field(self.remote_field.field_name).column
        quote = connection.ops.quote_name
        return (
            f"REFERENCES {quote(target.db_table)} ({quote(column)})"
            f" ON DELETE {ON_DELETE[self.remote_field.on_delete]} DEFERRABLE INITIALLY DEFERRED"
        )


class DateTimeField(models.DateTimeField):
    """A UTC time which the database guarantees to be one that DATE() and Python can read."""

    def db_check(self, connection):
        check = READABLE_TIME.get(connection.vendor)
        return check and check.format(column=connection.ops.quote_name(self.column))


class DateField(models.DateField):
    """A day which the database guarantees to be one that Python can read."""

    def db_check(self, connection):
        check = READABLE_DATE.get(connection.vendor)
        return check and check.format(column=connection.ops.quote_name(self.column))


class MillionthsField(models.DecimalField):
    """An exact number of six decimals. The database holds it as an integer of millionths."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_digits": 13, "decimal_places": 6, **options})

    def deconstruct(self):
        name, path, args, options = super().deconstruct()
        del options["max_digits"], options["decimal_places"]
        return name, path, args, options

    def get_internal_type(self):
        return "BigIntegerField"

    def get_db_prep_value(self, value, connection, prepared=False):
        value = value if prepared else self.get_prep_value(value)
        return value if value is None or hasattr(value, "as_sql") else int(value / MILLIONTH)

    def from_db_value(self, value, expression, connection):
        return None if value is None else Decimal(value) * MILLIONTH  # a script may write 2.5


class TextField(models.TextField):
    """Text which the database guarantees to be text."""

    def db_check(self, connection):
        check = IS_TEXT.get(connection.vendor)
        return check and check.format(column=connection.ops.quote_name(self.column))


class JSONField(models.JSONField):
    """JSON that can be handled and written again.

    Databases take more than Python does: numbers of 5,000 digits or beyond all floats, half
    characters, a thousand levels. Such a number comes as text, and what is too deep as text whole.
    """

    def from_db_value(self, value, expression, connection):
        if not isinstance(value, str):
            return value
        try:
            found = DECODER.decode(value)
        except (ValueError, RecursionError):
            return value
        if value.count("[") + value.count("{") > DEEPEST and _is_deep(found):
            return value
        return clean(found) if ESCAPED.search(value) else found

    def deconstruct(self):
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.JSONField", args, options


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        held = (item.values() if isinstance(item, dict) else item for item in level)
        level = [item for items in held for item in items if isinstance(item, (dict, list))]
    return bool(level)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < MOST_DIGITS else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_float)
