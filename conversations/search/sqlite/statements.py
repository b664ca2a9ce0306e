"""The statements of a search: which texts the indexes let through, and what is told of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from conversations.search import text
from conversations.search.reading import Reading

from .compiling import Asked, Sql, compiled
from .hits import Hit
from .kinds import KINDS, MESSAGES, NOTES, Kind
from .rows import readable_rows

RANKED = 20_000  # hits that are all ranked
PROBE = 1_500  # texts that are met in an index in the time in which one is looked up in it


class Statements:
    """What one query asks of one database, statement by statement."""

    def __init__(self, connection, reading: Reading) -> None:
        connection.ensure_connection()
        for name in ("holds", "begins", "contains"):
            connection.connection.create_function(
                f"text_{name}", -1, getattr(text, name), deterministic=True
            )
        self.connection = connection
        self.reading = reading
        self.at_hand = 0  # hits that may be given beyond those that are wanted
        self.counts: dict[tuple[str, int | None], int] = {}
        self.asked: dict[str, tuple[Kind, Asked]] = {}
        # What only a message can be is asked of messages alone.
        for kind in KINDS if reading.has_text else KINDS[:1]:
            asked = reading.tree and compiled(reading.tree, kind, reading.parts, self.terms)
            if asked:
                self.asked[kind.name] = (kind, asked)

    def rows(self, sql: Sql) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql.text, sql.values)
            return cursor.fetchall()

    def texts(self, sql: Sql) -> list[tuple]:
        with self.connection.cursor() as cursor:
            return readable_rows(cursor, sql.text, sql.values)

    def one(self, sql: Sql):
        return self.rows(sql)[0][0]

    def terms(self, table: str, beginning: str, holds: str) -> list[str]:
        """Return terms of the index of characters or of symbols."""
        beginning, holds = text.fold(beginning), text.fold(holds)
        sql = Sql(f"SELECT term FROM {table} WHERE term >= %s AND term < %s",
                  [beginning, f"{beginning}\U0010ffff"])  # fmt: skip
        return [term for (term,) in self.rows(sql) if holds in term]

    @cached_property
    def has_trash(self) -> bool:
        return bool(
            self.one(Sql("SELECT EXISTS (SELECT 1 FROM sessions WHERE deleted_at IS NOT NULL)"))
        )

    def _texts(self, kind: Kind) -> int:
        """Return about how many texts of a kind there are: at the most as many."""
        tables = {"message": "messages", "session": "sessions", "note": "annotations"}
        return self.one(Sql(f"SELECT COALESCE(MAX(id), 0) FROM {tables[kind.name]}"))

    def _is_one_of(self, kind: Kind, asked: Asked, keys: Sql, count: int) -> Sql:
        """Return the condition that a text is one of these, of which there are so many."""
        matches = self._count(kind, asked, RANKED)
        if matches > RANKED:
            matches = self._count(kind, asked)
        # With the plus SQLite meets them while it reads the index, else it looks up each.
        plus = "" if count * PROBE < matches else "+"
        return Sql(f"{plus}{kind.index}.rowid IN ({keys.text})", keys.values)

    def _count(self, kind: Kind, asked: Asked, most: int | None = None) -> int:
        """Return how many texts the indexes let through, counted to one more than `most`."""
        if (kind.name, most) not in self.counts:
            limit = "" if most is None else f"LIMIT {most + 1}"
            self.counts[kind.name, most] = self.one(self._counted(kind, asked, limit))
        return self.counts[kind.name, most]

    def _counted(self, kind: Kind, asked: Asked, limit: str) -> Sql:
        if asked.match:
            index = kind.index
            return Sql(
                f"SELECT COUNT(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH %s {limit})",
                [asked.match],
            )
        return Sql(f"SELECT COUNT(*) FROM ({asked.numbers.text} {limit})", asked.numbers.values)

    def _found(
        self, kind: Kind, asked: Asked, *, order: str, limit: int | None = None,
        with_score: bool = False, window: int | None = None,
    ) -> list[Hit]:  # fmt: skip
        """Return hits by what the indexes let through."""
        score = f"-bm25({kind.index}, {kind.weights})" if with_score and asked.match else "0.0"
        more = []
        if window is not None:
            newest = Sql(f"SELECT id FROM ({kind.newest} LIMIT {window})")
            more.append(self._is_one_of(kind, asked, newest, window))
        limited = "" if limit is None else f" LIMIT {limit}"
        if limit and asked.match and asked.says_all and kind is not NOTES and not self.has_trash:
            return self._first(kind, asked, order, score, more, limit)
        if not asked.looks_at_texts:
            found = self._let_through(kind, asked, more)
            sql = Sql(
                f"SELECT {kind.key}, {score} AS score, {kind.facts} {found.text}"
                f" ORDER BY {order}, {kind.key} DESC{limited}",
                found.values,
            )
            return [Hit(kind.name, *row) for row in self.rows(sql)]
        # The texts are looked at in the order that is asked for, until there are enough: hence the
        # LIMIT within, without which SQLite would look at all of them first.
        through = self._let_through(kind, replace(asked, where=None), more)
        sql = Sql(
            f"SELECT {kind.key}, place.score, {kind.facts} FROM (SELECT {kind.key} AS place_key,"
            f" {score} AS score {through.text} ORDER BY {order}, {kind.key} DESC LIMIT -1) AS place"
            f" CROSS JOIN {kind.joined} WHERE {kind.key} = place.place_key"
            f" AND {asked.where.text}{limited}",
            [*through.values, *asked.where.values],
        )
        return [Hit(kind.name, *row) for row in self.rows(sql)]

    def _first(
        self, kind: Kind, asked: Asked, order: str, score: str, more: list[Sql], limit: int
    ) -> list[Hit]:
        """Return the first hits where the index says all: what they belong to is read of them
        alone."""
        index, rows = kind.index, kind.rows
        where = [Sql(f"{index} MATCH %s", [asked.match]), *more]
        if order.startswith("score"):
            tables = index
        else:
            tables = f"{index} CROSS JOIN {rows}"
            where.append(Sql(f"{kind.key} = {index}.rowid"))
        condition = Sql.joined(" AND ", where)
        sql = Sql(
            f"SELECT {kind.key}, place.score, {kind.facts} FROM (SELECT {index}.rowid AS place_key,"
            f" {score} AS score FROM {tables} WHERE {condition.text}"
            f" ORDER BY {order}, {index}.rowid DESC LIMIT {limit}) AS place"
            f" CROSS JOIN {kind.joined} WHERE {kind.key} = place.place_key"
            f" ORDER BY {order}, {kind.key} DESC",
            condition.values,
        )
        return [Hit(kind.name, *row) for row in self.rows(sql)]

    def _let_through(self, kind: Kind, asked: Asked, more: list[Sql]) -> Sql:
        """Return the statement from FROM on: texts that an index lets through and that are hits."""
        index, key = kind.index, kind.key
        if asked.match:
            tables = Sql(f"FROM {index} CROSS JOIN {kind.joined}")
            where = [Sql(f"{index} MATCH %s", [asked.match]), Sql(f"{key} = {index}.rowid")]
        else:
            numbers = asked.numbers
            tables = Sql(
                f"FROM ({numbers.text}) AS number CROSS JOIN {kind.joined}", numbers.values
            )
            where = [Sql(f"{key} = {kind.key_of_document}")]
        where += [*more, Sql("session.deleted_at IS NULL")]
        if asked.match and asked.numbers:
            where.append(Sql(f"{kind.document} IN ({asked.numbers.text})", asked.numbers.values))
        if asked.where:
            where.append(asked.where)
        condition = Sql.joined(" AND ", where)
        return Sql(f"{tables.text} WHERE {condition.text}", [*tables.values, *condition.values])

    def _sessions(self, kind: Kind, asked: Asked) -> Sql:
        """Return the statement for the sessions of all hits: unsorted, which is much quicker."""
        if kind is MESSAGES and asked.match and asked.says_all and not self.has_trash:
            return Sql(
                f"SELECT DISTINCT message.session_id FROM {kind.index} CROSS JOIN {kind.rows}"
                f" WHERE {kind.index} MATCH %s AND {kind.key} = {kind.index}.rowid",
                [asked.match],
            )
        if asked.match or asked.numbers:
            through = self._let_through(kind, asked, [])
        else:
            kept = Sql("session.deleted_at IS NULL")
            condition = Sql.joined(" AND ", [kept, asked.where] if asked.where else [kept])
            through = Sql(f"FROM {kind.joined} WHERE {condition.text}", condition.values)
        return Sql(f"SELECT DISTINCT session.id {through.text}", through.values)

    def _looked_at(self, kind: Kind, asked: Asked, start: int, count: int) -> list[Hit]:
        """Return the hits among some texts, which are all looked at."""
        kept = Sql("session.deleted_at IS NULL")
        condition = Sql.joined(" AND ", [kept, asked.where] if asked.where else [kept])
        sql = Sql(
            f"SELECT {kind.key}, 0.0, {kind.facts}"
            f" FROM ({kind.newest} LIMIT {count} OFFSET {start}) AS place"
            f" CROSS JOIN {kind.joined}"
            f" WHERE {kind.key} = place.id AND {condition.text}"
            f" ORDER BY {kind.time} DESC, {kind.key} DESC",
            condition.values,
        )
        return [Hit(kind.name, *row) for row in self.rows(sql)]
