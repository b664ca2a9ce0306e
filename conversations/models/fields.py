"""Column types whose promises stand in the database, for writers that are not Django."""

from __future__ import annotations

from typing import Any

from django.db import models

ON_DELETE = {
    models.CASCADE: "CASCADE",
    models.SET_NULL: "SET NULL",
    models.PROTECT: "RESTRICT",
    models.DO_NOTHING: "NO ACTION",
}

# SQLite takes any value in any column. What its date functions cannot read, or Python's datetime
# cannot hold (years before 1 and after 9999, Julian day numbers), would break every page that
# shows the row, so the column refuses it. Other databases have a type for it.
READABLE_TIME = {
    "sqlite": "{column} IS NULL OR"
    " ({column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'"
    " AND {column} NOT GLOB '0000*' AND julianday({column}) IS NOT NULL)",
}


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


class TextField(models.TextField):
    """Text which the database guarantees to be text."""

    def db_check(self, connection):
        check = IS_TEXT.get(connection.vendor)
        return check and check.format(column=connection.ops.quote_name(self.column))
