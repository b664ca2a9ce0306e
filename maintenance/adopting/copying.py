"""Rows of the fifteen tables: copied as they are, or as near to it as the columns let them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Field, Model
from django.db.models.fields import NOT_PROVIDED

from maintenance.setting_aside import Aside, as_json

TABLES = (
    "projects",
    "models",
    "sessions",
    "messages",
    "comparison_groups",
    "comparison_sessions",
    "comparison_results",
    "batch_jobs",
    "batch_items",
    "workflows",
    "workflow_executions",
    "workflow_steps",
    "performance_metrics",
    "session_snapshots",
    "annotations",
)
NUMBERS = (models.IntegerField, models.FloatField, models.BooleanField)
TEXTS = (models.CharField, models.TextField)
LATEST_SECONDS = 10**11  # of a time as a number; beyond, it counts milliseconds
REFUSED = re.compile(r"^(CHECK|NOT NULL|UNIQUE) constraint failed: (.*)$", re.DOTALL)
UNREADABLE = re.compile("[\ud800-\udfff]")


@dataclass
class Copied:
    """How many rows a table had, and what became of them."""

    rows: int = 0
    kept: int = 0
    set_aside: int = 0


def copy(table: str, source: sqlite3.Connection, aside: Aside) -> Copied:
    """Copy the rows of a table, if there is such a table, into the database of `aside`.

    What a column refuses is put aside, and the row kept with the column's default; a row that
    cannot be without it, or that is there twice, is put aside as a whole.
    """
    copied = Copied()
    for row in _rows(table, source):
        copied.rows += 1
        _insert(table, row, aside)
    sequence = source.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")
    if copied.rows and sequence.fetchone():
        for [last] in source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]):
            # An id that a deleted row had is not given to another.
            aside.database.execute(
                "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = ?", [last, table]
            )
    return copied


def _rows(table: str, source: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    described = source.execute(f"PRAGMA table_xinfo({table})").fetchall()
    columns = [row[1] for row in described if row[6] == 0]  # not computed from others
    if columns:
        named = ", ".join('"{}"'.format(column.replace('"', '""')) for column in columns)
        # Not by an index, which may lack some of them.
        for row in source.execute(f"SELECT {named} FROM {table} NOT INDEXED"):
            yield dict(zip(columns, row, strict=True))


def _insert(table: str, row: dict[str, Any], aside: Aside) -> None:
    fields = _fields(table)
    row_id = row.get("id")
    values, noted = {}, []
    for column, value in row.items():
        if column not in fields or value is None:
            continue
        values[column], reason = _readable(fields[column], value)
        if reason:
            noted.append((column, reason))
    noted += _move_unknown(table, row, values)
    while True:
        values = {name: value for name, value in values.items() if value is not None}
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        try:
            aside.database.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())
            )
        except sqlite3.IntegrityError as error:
            column, reason = _refusal(table, str(error))
            if column in values and _is_optional(fields[column]):
                del values[column]
                noted.append((column, reason))
                continue
            aside.keep(table, row_id, None, reason, row)
            return
        for column, reason in noted:
            aside.keep(table, row_id, column, reason, row[column], _session(table, row))
        return


def _session(table: str, row: dict[str, Any]) -> Any:
    return row.get("id") if table == "sessions" else row.get("session_id")


def _readable(field: Field, value: Any) -> tuple[Any, str]:
    """Return a value as the column can have it, and why it is not the same one; "" if it is."""
    if isinstance(field, models.DateTimeField) and isinstance(value, (int, float)):
        seconds = value if abs(value) < LATEST_SECONDS else value / 1000
        try:
            time = datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return None, "it is no time"
        return time.replace(tzinfo=None).isoformat(" "), "it is a number: read as a Unix time"
    if isinstance(field, NUMBERS) and not _is_number(value):
        return None, "it is no number"
    if isinstance(value, bytes) and isinstance(field, (*TEXTS, models.JSONField)):
        try:
            return value.decode(), "it is bytes: read as text"
        except UnicodeDecodeError:
            return value.decode("utf-8", "replace"), "it is bytes that are no UTF-8"
    if isinstance(value, str) and UNREADABLE.search(value):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), "it is no UTF-8"
    return value, ""


def _is_number(value: Any) -> bool:
    if isinstance(value, (int, float)):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return isinstance(value, str)


def _move_unknown(table: str, row: dict[str, Any], values: dict[str, Any]) -> list[tuple[str, str]]:
    """Move values of columns that are unknown here into the metadata; return those left over."""
    fields = _fields(table)
    unknown = {
        column: value for column, value in row.items() if column not in fields and value is not None
    }
    if unknown and "metadata" in fields:
        try:
            metadata = json.loads(values.get("metadata", "{}"))
        except (ValueError, TypeError, RecursionError):
            metadata = None
        if isinstance(metadata, dict) and "original" not in metadata:
            metadata["original"] = json.loads(as_json(unknown))
            values["metadata"] = json.dumps(metadata)
            return []
    return [(column, "there is no such column any more") for column in unknown]


def _refusal(table: str, error: str) -> tuple[str | None, str]:
    """Return which column a constraint is about that was broken, and the reason in words."""
    refused = REFUSED.match(error)
    if not refused:
        return None, f"it cannot be stored: {error}"
    kind, what = refused.groups()
    if kind == "UNIQUE":
        columns = ", ".join(name.partition(".")[2] for name in what.split(", "))
        return None, f"another row has the same {columns}"
    if kind == "NOT NULL":
        return None, f"it has no {what.partition('.')[2]}"
    column = _constrained(table).get(what)
    if column:
        return column, _in_words(column, what)
    for name, field in _fields(table).items():
        # SQLite names the expression, or of one that begins with a quoted name, that name alone.
        if what == name or f'"{name}"' in what:
            return name, _in_words(name, what, field)
    return None, f"it breaks {what[:200]}"


def _in_words(column: str, constraint: str, field: Field | None = None) -> str:
    if constraint.endswith("_known"):
        return f"{column} has a value that is not one of those known here"
    if constraint.endswith(("_in_range", "_to_5")):
        return f"{column} is out of range"
    if isinstance(field, models.DateTimeField):
        return f"{column} is no time that can be read"
    if isinstance(field, models.JSONField):
        return f"{column} is no JSON"
    return f"{column} is refused by the database"


def _is_optional(field: Field) -> bool:
    return field.null or field.db_default is not NOT_PROVIDED


@cache
def _fields(table: str) -> dict[str, Field]:
    """Return the columns that can be written, by name."""
    return {
        field.column: field
        for field in _model(table)._meta.concrete_fields
        if not isinstance(field, models.GeneratedField)
    }


@cache
def _constrained(table: str) -> dict[str, str]:
    """Return the column that each named constraint of a table is about."""
    return {
        constraint.name: _model(table)._meta.get_field(constraint.condition.children[0][0]
                                                      .partition("__")[0]).column
        for constraint in _model(table)._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
        and len({child[0].partition("__")[0] for child in constraint.condition.children}) == 1
    }  # fmt: skip


def _model(table: str) -> type[Model]:
    return next(model for model in apps.get_models() if model._meta.db_table == table)
