"""Asking the indexes: which texts are hits, in which order, and how far one looked.

To rank what stands in most texts, or to sort it by time, takes SQLite seconds. So first it is
counted how many texts an index lets through. Few are all looked at. Of many, the newest texts
there are ("the window") are looked up in the index, as many as may be expected to hold enough hits.
What no index knows is looked for in the texts themselves, the newest first.
"""

from __future__ import annotations

import math
from collections import Counter

from django.db import OperationalError

from .compiling import Asked, Sql
from .hits import Hit, Hits
from .kinds import MESSAGES, SESSIONS, Kind
from .statements import RANKED, Statements

FEW = 10_000  # hits that are all looked at, whatever the order
RANKED_OF_MANY = 3_000  # of more hits the newest, about so many, are ranked
IN_MANY = 100  # what begins a word in one text of so many is not ranked: the index is slow then
MANY_TEXTS = 3_000  # that are looked at before an index of beginnings is asked
FIRST_LOOK = 1_000  # texts, the newest, that are looked at before an index of beginnings is asked
LOOKED_AT_AGAIN = 3_000  # texts that are looked at to count the hits in some sessions
FIRST_WINDOW, WIDEST, WIDER = 2_000, 50_000, 8


class Search(Statements):
    """One query against one database."""

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

    def sessions(self, wanted: int) -> tuple[set[int], bool]:
        """Return the keys of sessions that have hits, and whether all; else those of the newest
        hits, about `wanted`."""
        keys: set[int] = set()
        is_all = True
        for kind, asked in self.asked.values():
            if asked.looks_at_texts:
                hits = self._newest(kind, asked, wanted)
                keys.update(hit.session for hit in hits.hits)
                is_all = is_all and hits.is_all
            else:
                keys.update(key for (key,) in self.rows(self._sessions(kind, asked)))
        return keys, is_all

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
        texts = self._texts(kind)
        window = math.ceil(RANKED_OF_MANY / count * texts)
        ranked = {"order": "score DESC", "limit": wanted, "with_score": True}
        # The newest texts may be about something else: then one looks further back.
        while len(hits := self._found(kind, asked, **ranked, window=window)) < wanted < count:
            if window > texts:
                break
            window *= WIDER
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
