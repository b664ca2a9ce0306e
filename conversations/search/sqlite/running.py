"""Asking the indexes: which texts are hits, in which order, and how far one looked.

To rank what stands in most texts, or to sort it by time, takes SQLite seconds. So first it is
counted how many texts an index lets through. Few are all looked at. Of many, the newest texts
there are ("the window") are looked up in the index, as many as may be expected to hold enough hits.
What no index knows is looked for in the texts themselves, the newest first.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from functools import cached_property

from django.db import OperationalError

from conversations.search import text
from conversations.search.reading import Reading

from .compiling import Asked, Sql, compiled
from .hits import Hit, Hits
from .kinds import KINDS, MESSAGES, NOTES, SESSIONS, Kind
from .rows import readable_rows

FEW = 10_000  # hits that are all looked at, whatever the order
RANKED = 20_000  # hits that are all ranked
RANKED_OF_MANY = 3_000  # of more hits the newest, about so many, are ranked
PROBE = 1_500  # texts that are met in an index in the time in which one is looked up in it
IN_MANY = 100  # what begins a word in one text of so many is not ranked: the index is slow then
MANY_TEXTS = 3_000  # that are looked at before an index of beginnings is asked
FIRST_LOOK = 1_000  # texts, the newest, that are looked at before an index of beginnings is asked
LOOKED_AT_AGAIN = 3_000  # texts that are looked at to count the hits in some sessions
FIRST_WINDOW, WIDEST, WIDER = 2_000, 50_000, 8


class Search:
    """One query against one database."""

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

    # -- in an order ------------------------------------------------------------------------------

    def newest(self, wanted: int) -> Hits:
        """Return the newest hits, at least `wanted` of them if there are."""
        return self._merged(
            [self._newest(kind, asked, wanted) for kind, asked in self.asked.values()],
            key=lambda hit: (hit.time, hit.kind, hit.key),
        )

    def counted(self, wanted: int) -> Hits:
        """Return all hits there are if they are few, else at least `wanted` of the newest."""
        return self._merged(
            [
                self._newest(kind, asked, wanted, all_of_few=True)
                for kind, asked in self.asked.values()
            ],
            key=lambda hit: (hit.time, hit.kind, hit.key),
        )

    def costliest(self, wanted: int) -> Hits:
        """Return hits whose messages cost most: of very many hits, the newest are put in order."""
        return self._merged(
            [self._newest(kind, asked, RANKED_OF_MANY) for kind, asked in self.asked.values()],
            key=lambda hit: (hit.nanos or -1, hit.time, hit.kind, hit.key),
        )

    def best(self, wanted: int) -> Hits:
        """Return the hits that match best, at least `wanted` if there are."""
        return self._merged(
            [self._best(kind, asked, wanted) for kind, asked in self.asked.values()],
            key=lambda hit: (hit.score, hit.time, hit.kind, hit.key),
        )

    def _merged(self, found: list[Hits], key) -> Hits:
        merged = Hits(sorted((hit for some in found for hit in some.hits), key=key, reverse=True))
        merged.is_all = all(some.is_all for some in found)
        merged.is_ranked = all(some.is_ranked for some in found)
        for some in found:
            merged.ranked = merged.ranked or some.ranked
            merged.looked_at = merged.looked_at or some.looked_at
        return merged

    # -- of one kind ------------------------------------------------------------------------------

    def _newest(self, kind: Kind, asked: Asked, wanted: int, *, all_of_few: bool = False) -> Hits:
        if asked.match is None and asked.numbers is None:
            return self._walk(kind, asked, wanted)
        if asked.is_weak:
            first = self._walk(kind, asked, wanted, most=FIRST_LOOK)
            if first.is_all or len(first.hits) >= wanted:
                return first
            if len(first.hits) * MANY_TEXTS > wanted * FIRST_LOOK:
                return self._walk(kind, asked, wanted)
        # To count beginnings takes as long whether to the end or not.
        count = self._count(kind, asked, None if asked.is_weak else FEW)
        if count <= FEW or asked.match is None:
            limit = None if all_of_few else self._at_hand(asked, wanted)
            hits = self._found(kind, asked, order=f"{kind.time} DESC", limit=limit)
            return Hits(hits, is_all=limit is None or len(hits) < limit)
        return self._in_windows(kind, asked, wanted, self._count(kind, asked))

    def _best(self, kind: Kind, asked: Asked, wanted: int) -> Hits:
        if asked.match is None:
            hits = self._newest(kind, asked, wanted)
            hits.is_ranked = False
            return hits
        if asked.is_weak:
            first = self._walk(kind, asked, wanted, most=FIRST_LOOK)
            if not first.is_all and len(first.hits) * IN_MANY > FIRST_LOOK:
                first = self._newest(kind, asked, wanted)
                first.is_ranked = False
                return first
        count = self._count(kind, asked, RANKED)
        if count <= RANKED:
            limit = self._at_hand(asked, max(wanted, 1))
            hits = self._found(kind, asked, order="score DESC", limit=limit, with_score=True)
            return Hits(hits, is_all=len(hits) < limit)
        count = self._count(kind, asked)
        window = math.ceil(RANKED_OF_MANY / count * self._texts(kind))
        hits = self._found(
            kind, asked, order="score DESC", limit=wanted, with_score=True, window=window
        )
        return Hits(hits, is_all=False, ranked=RANKED_OF_MANY)

    def _at_hand(self, asked: Asked, wanted: int) -> int:
        """Return how many hits to ask an index for that has not many."""
        return wanted if asked.looks_at_texts else max(wanted, self.at_hand)

    def _in_windows(self, kind: Kind, asked: Asked, wanted: int, count: int) -> Hits:
        """Return the newest hits of many: those among the newest texts, ever more of them."""
        texts = self._texts(kind)
        window = math.ceil(1.5 * wanted / count * texts) + 10
        hits: list[Hit] = []
        order, before = f"{kind.time} DESC", 0
        try:
            while window < texts:
                hits = self._found(kind, asked, order=order, window=window)
                if len(hits) >= wanted:
                    return Hits(hits, is_all=False)
                window, before = window * WIDER, window
            return Hits(self._found(kind, asked, order=order))
        except OperationalError as error:
            if str(error) != "interrupted" or not before:
                raise
            return Hits(hits, is_all=False, looked_at=before)

    def _walk(self, kind: Kind, asked: Asked, wanted: int, *, most: int | None = None) -> Hits:
        """Look at the texts themselves, the newest first, until there are enough hits.

        Ends where the time of `until` is up: then it says how far it came.
        """
        found, window, start = Hits(is_all=False), FIRST_WINDOW, 0
        texts = self._texts(kind)
        while True:
            window = min(window, (most or texts) - start)
            try:
                hits = self._looked_at(kind, asked, start, window)
            except OperationalError as error:
                if str(error) != "interrupted" or not start:
                    raise
                found.looked_at = start
                return found
            found.hits += hits
            start += window
            if start >= texts:
                found.is_all = True
                return found
            if len(found.hits) >= wanted or (most and start >= most):
                return found
            window = min(2 * window, WIDEST)

    # -- statements -------------------------------------------------------------------------------

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
        index, rows = kind.index, kind.joined.partition(" CROSS JOIN")[0]
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

    # -- how many ---------------------------------------------------------------------------------

    def total(self, hits: Hits) -> tuple[int, bool]:
        """Return how many messages and notes are hits, and whether there may be more."""
        total, is_least = 0, False
        for kind, asked in self.asked.values():
            if kind is SESSIONS:
                continue
            found = sum(hit.kind == kind.name for hit in hits.hits)
            if (asked.match is None and asked.numbers is None) or asked.is_weak:
                total, is_least = total + found, True
                continue
            count = self._count(kind, asked, RANKED)
            if asked.looks_at_texts and count > LOOKED_AT_AGAIN // 10:
                total, is_least = total + found, True
            elif count > RANKED:
                total, is_least = total + RANKED, True
            elif count == 0 or (asked.says_all and not self.has_trash):
                total += count
            else:
                through = self._let_through(kind, asked, [])
                total += self.one(Sql(f"SELECT COUNT(*) {through.text}", through.values))
        return total, is_least

    @cached_property
    def has_trash(self) -> bool:
        return bool(
            self.one(Sql("SELECT EXISTS (SELECT 1 FROM sessions WHERE deleted_at IS NOT NULL)"))
        )

    def hits_of(self, sessions: list[int], hits: Hits) -> tuple[Counter[int], bool]:
        """Return how many hits each of these sessions has, and whether there may be more."""
        others = Counter(hit.session for hit in hits.hits if hit.kind != MESSAGES.name)
        messages = self.messages_of(sessions, hits)
        return others + messages, not self._is_counted(sessions)

    def messages_of(self, sessions: list[int], hits: Hits) -> Counter[int]:
        """Return how many messages of each of these sessions are hits; where that would take too
        long, how many of them are among `hits`."""
        if hits.is_all or not self._is_counted(sessions):
            return Counter(hit.session for hit in hits.hits if hit.kind == MESSAGES.name)
        if MESSAGES.name not in self.asked:
            return Counter()
        kind, asked = self.asked[MESSAGES.name]
        listed = f"({', '.join(['%s'] * len(sessions))})"
        theirs = Sql(f"SELECT id FROM messages WHERE session_id IN {listed}", sessions)
        by_index = (asked.match or asked.numbers) and not asked.is_weak
        if by_index and asked.match:
            inside = self._is_one_of(kind, asked, theirs, self._messages(sessions))
        else:
            inside = Sql(f"message.session_id IN {listed}", sessions)
        if by_index and asked.match and asked.says_all and not self.has_trash:
            # With the LIMIT within, what they belong to is read of hits alone.
            through = Sql(
                f"FROM (SELECT rowid AS place_key FROM {kind.index} WHERE {kind.index} MATCH %s"
                f" AND {inside.text} LIMIT -1) AS place CROSS JOIN {kind.joined}"
                f" WHERE {kind.key} = place.place_key",
                [asked.match, *inside.values],
            )
        elif by_index:
            through = self._let_through(kind, asked, [inside])
        else:
            where = [
                Sql("session.deleted_at IS NULL"),
                Sql(f"{kind.key} IN ({theirs.text})", sessions),
            ]
            condition = Sql.joined(" AND ", [*where, asked.where] if asked.where else where)
            through = Sql(f"FROM {kind.joined} WHERE {condition.text}", condition.values)
        counted = f"SELECT session.id, COUNT(*) {through.text} GROUP BY 1"
        return Counter(dict(self.rows(Sql(counted, through.values))))

    def _is_counted(self, sessions: list[int]) -> bool:
        """Say whether the messages of these sessions can be counted: not if all must be read."""
        _, asked = self.asked.get(MESSAGES.name, (None, None))
        by_index = asked is None or ((asked.match or asked.numbers) and not asked.is_weak)
        return bool(by_index) or self._messages(sessions) <= LOOKED_AT_AGAIN

    def _messages(self, sessions: list[int]) -> int:
        listed = ", ".join(["%s"] * len(sessions))
        total = f"SELECT TOTAL(total_messages) FROM sessions WHERE id IN ({listed})"
        return int(self.one(Sql(total, sessions)))
