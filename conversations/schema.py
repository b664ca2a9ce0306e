"""Triggers, views and the search index: what the schema needs and the ORM cannot say.

They live as SQL in each app's `sql/<vendor>/` folder. Django rebuilds a SQLite table to change it,
and drops its triggers in doing so without a word. So before migrations that change something they
are all taken down, and after every `migrate` whatever is missing or differs is put up again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import AppConfig, apps
from django.core.checks import Tags, Warning, register
from django.db import connections, transaction
from django.db.migrations import AddIndex, RemoveIndex
from django.db.models.signals import post_migrate, pre_migrate

from . import databases

CREATES = re.compile(
    r"CREATE (?P<kind>TRIGGER|VIEW|VIRTUAL TABLE|TABLE) (?:IF NOT EXISTS )?(?P<name>\w+)"
)

DERIVED = "rollup_"  # what the names of tables begin with that may be dropped at any time


class KeptApp(AppConfig):
    """An app with definitions in its `sql/` folder."""

    filled_by_triggers: tuple[str, ...] = ()

    def ready(self) -> None:
        keep_installed(self)

    def rebuild(self, cursor) -> None:
        """Fill what is derived from other tables."""

    def is_outdated(self, cursor) -> bool:
        """Say whether what is derived must be made anew, though its tables are there."""
        return False

    def check(self, cursor) -> list[str]:
        """Return what is derived and differs from what it is derived from, in words."""
        return []

    def forget(self, cursor, session_ids: list[int]) -> None:
        """Delete what the app keeps of sessions about to be erased, and no cascade reaches."""

    def drop_empty(self, cursor) -> None:
        """Delete rows of what is derived that count nothing any more, but still name something."""


@dataclass(frozen=True)
class Definition:
    """One statement that creates something."""

    kind: str  # trigger, view, table, virtual table
    name: str
    sql: str

    @property
    def is_derived(self) -> bool:
        """Whether it holds nothing but what can be made anew from other tables."""
        return self.kind == "virtual table" or (
            self.kind == "table" and self.name.startswith(DERIVED)
        )


def definitions(app: AppConfig, connection) -> Iterator[Definition]:
    """Yield what `app` wants installed in the connection's database, tables and views first."""
    found = []
    for file in sorted(Path(app.path, "sql", connection.vendor).glob("*.sql")):
        for sql in databases.of(connection).split(file.read_text(encoding="utf-8")):
            creates = CREATES.match(sql)
            found.append(Definition(creates["kind"].lower(), creates["name"], sql))
    # A trigger may name a table that another file creates.
    yield from sorted(found, key=lambda definition: definition.kind == "trigger")


def missing(connection) -> list[str]:
    """Return the names of definitions that are not in the database, or not as they should be.

    A database without tables, before its first `migrate`, lacks nothing.
    """
    with connection.cursor() as cursor:
        there = databases.of(connection).installed(cursor)
    if "messages" not in there:
        return []
    return [
        definition.name
        for app in apps.get_app_configs()
        for definition in definitions(app, connection)
        if not _same(definition, there)
    ]


def _same(definition: Definition, there: dict[str, str]) -> bool:
    # SQLite keeps the text as it was given, less IF NOT EXISTS.
    return there.get(definition.name) == definition.sql.replace("IF NOT EXISTS ", "")


def take_down(app: AppConfig, connection) -> None:
    """Drop the app's triggers and views; tables and the search index stay."""
    database = databases.of(connection)
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        for definition in reversed(list(definitions(app, connection))):
            if definition.kind in {"trigger", "view"}:
                database.drop(cursor, definition.kind, definition.name)


def put_up(app: KeptApp, connection, *, rebuild: bool = False) -> None:
    """Create what is missing or differs, and have the app fill what it derives if need be."""
    database = databases.of(connection)
    with transaction.atomic(connection.alias), connection.cursor() as cursor:
        there = database.installed(cursor)
        wanted = list(definitions(app, connection))
        # All down: a migration ended before they were up again, and who wrote since had none.
        rebuild = rebuild or not any(
            definition.name in there for definition in wanted if definition.kind == "trigger"
        )
        for definition in wanted:
            is_kept = definition.kind == "table" and not definition.is_derived
            if _same(definition, there) or (is_kept and definition.name in there):
                continue
            database.drop(cursor, definition.kind, definition.name)
            cursor.execute(definition.sql)
            rebuild = rebuild or definition.is_derived
        if rebuild or app.is_outdated(cursor):
            app.rebuild(cursor)


def keep_installed(app: KeptApp) -> None:
    """Take the app's definitions down and put them up around every `migrate`."""
    pre_migrate.connect(_before_migrate, sender=app)
    post_migrate.connect(_after_migrate, sender=app)


def _changes_tables(plan) -> bool:
    """Say whether a migration plan touches tables of an app that has definitions.

    Then those of all apps come down: a view of one app that reads a table of another would stop
    SQLite from renaming that table. To make an index, no table is touched.
    """
    with_sql = {app.label for app in apps.get_app_configs() if Path(app.path, "sql").is_dir()}
    return any(
        not isinstance(operation, (AddIndex, RemoveIndex))
        for migration, _ in plan
        if migration.app_label in with_sql
        for operation in migration.operations
    )


def _before_migrate(sender, using, plan=(), **_):
    # With nothing to migrate they stay up: a server may be writing at this moment.
    if _changes_tables(plan):
        take_down(sender, connections[using])


def empty(app: KeptApp, connection) -> None:
    """Empty the tables that the app's triggers write into when others are emptied."""
    with connection.cursor() as cursor:
        for table in app.filled_by_triggers:
            cursor.execute(f"DELETE FROM {table}")


def _after_migrate(sender, using, plan=None, **_):
    connection = connections[using]
    if plan is None:  # `flush`, which empties the tables in any order
        empty(sender, connection)
    elif "messages" in connection.introspection.table_names():  # not when migrated back to zero
        put_up(sender, connection, rebuild=_changes_tables(plan))


@register(Tags.database)
def check_definitions(databases, **_):
    """Say which triggers, views or indexes a database lacks: totals and search would go wrong."""
    return [
        # A warning: as an error it would keep `migrate`, which is the cure, from running.
        Warning(
            f"The database {alias!r} lacks: {', '.join(names)}.",
            hint="Run: manage.py migrate (it puts them back and changes nothing else).",
            id="conversations.W001",
        )
        for alias in databases or []
        if (names := missing(connections[alias]))
    ]
