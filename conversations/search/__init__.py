"""Search over what was said, what it is called, and what people wrote beside it.

`find` is the one way in: pages, command line and `SessionManager` show what it returns. What a
query may say is told in `query.py` and docs/search.md.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType

from django.db import connections

from conversations.errors import InvalidValue, TooSlow
from conversations.importers.values.text import clean_text
from conversations.models import Annotation, LanguageModel, Message, Project, Session
from conversations.reading import Row

from .excerpts import Text, excerpt
from .reading import Reading, Suggestion, read

__all__ = [
    "GROUPS", "ORDERS", "Facet", "Found", "Reading", "Suggestion", "TooSlow", "facets", "find",
    "matching_messages", "matching_sessions", "search_messages",
]  # fmt: skip

ORDERS = ("relevance", "newest", "cost")
GROUPS = ("message", "session")
HITS_OF_A_SESSION = 8  # at a guess: how many hits are fetched for one row of a session
AT_HAND = 1_000  # hits that an index gives as quickly as a few: then all their sessions are known
MOST_HITS = 100_000
MORE_SECONDS = 1.0  # for the newest hits, where there was no time for those asked for
COUNTED_OF_MANY = 1_000  # hits that facets count, the newest, where there are very many
MOST_VALUES = 12  # of a facet
ORDER_OF_PARTS = ("title", "text", "tags", "notes", "tools", "description", "system")


@dataclass(slots=True)
class Found:
    """A page of hits, and what is to be said of it.

    `rows` have the columns of `row_of`. `total` is None where it was not counted. `order` is the
    one they are in. `ranked`: only the newest so many hits were ranked. `looked_at`: only the
    newest so many messages were looked through. `within_words`: the words were found nowhere, and
    the rows hold their letters. `given_up`: the time was up before anything was found.
    """

    reading: Reading
    order: str
    rows: list[Row] = field(default_factory=list)
    total: int | None = None
    total_is_least: bool = False
    has_more: bool = False
    ranked: int | None = None
    looked_at: int | None = None
    within_words: bool = False
    given_up: bool = False


def search_messages(typed: str, **options) -> list[Row]:
    """Return the hits alone; see `find`, whose options these are. Raises `TooSlow`."""
    found = find(typed, **options)
    if found.given_up:
        raise TooSlow(f"The search took longer than {options['seconds']:g} seconds.")
    return found.rows


def find(
    typed: str,
    *,
    limit: int = 20,
    offset: int = 0,
    order: str = "relevance",
    by: str = "message",
    marks: tuple[str, str] = ("<mark>", "</mark>"),
    seconds: float | None = None,
    using: str = "default",
) -> Found:
    """Return a page of the hits for what a user typed.

    `order` is `relevance`, `newest` (latest said first) or `cost` (dearest message first); `by` is
    `message`, a row each, or `session`, a row each with its best hit and how many it has. Rows have
    a `snippet` in which `marks` enclose what was found; it is text, not HTML. A search that would
    take longer than `seconds` says how far it came. Raises `InvalidValue`.
    """
    for name, value, known in (("order", order, ORDERS), ("by", by, GROUPS)):
        if value not in known:
            raise InvalidValue(f"{name} must be one of {', '.join(known)}, not {value!r:.50}")
    reading = read(clean_text(typed), using=using)
    finder = _Finder(reading, seconds, using)
    found = finder.page(order, by, limit, offset, marks)
    letters = reading.as_substrings()
    if not found.rows and not offset and not found.given_up and letters:
        within = _Finder(letters, seconds, using).page("newest", by, limit, offset, marks)
        if within.rows or within.looked_at:
            within.reading, within.within_words = reading, True
            return within
    return found


@dataclass(slots=True)
class Facet:
    """How many hits have each value of a field; `counts` are (value, label, hits)."""

    name: str
    counts: list[tuple[str, str, int]]


def facets(
    typed: str, *, seconds: float | None = None, using: str = "default"
) -> tuple[list[Facet], int | None]:
    """Return the hits counted by model, project, role and month, and of how many newest hits that
    is, None if of all. Empty where nothing is found in time."""
    finder = _Finder(read(clean_text(typed), using=using), seconds, using)
    hits = finder.hits("counted", COUNTED_OF_MANY)
    if hits is None:
        return [], None
    counted = hits.hits
    fields = {
        "model": Counter(hit.model for hit in counted if hit.model),
        "project": Counter(hit.project for hit in counted if hit.project),
        "role": Counter(hit.role for hit in counted if hit.role),
        "month": Counter(hit.time[:7] for hit in counted),
    }
    names = {
        "model": _model_names(fields["model"], using),
        "project": dict(
            Project.objects.using(using).filter(pk__in=fields["project"]).values_list("pk", "name")
        ),
    }
    return [
        Facet(
            name,
            [
                (label, label, count)
                for value, count in counts.most_common(MOST_VALUES)
                if (label := names[name].get(value) if name in names else value)
            ],
        )
        for name, counts in fields.items()
        if counts
    ], (None if hits.is_all else len(counted))


def _model_names(keys, using: str) -> dict[int, str]:
    models = LanguageModel.objects.using(using).filter(pk__in=keys)
    return {
        pk: f"{provider}/{name}"
        for pk, provider, name in models.values_list("pk", "provider", "model_name")
    }


def matching_messages(
    typed: str, *, limit: int, seconds: float | None = None, using: str = "default"
) -> list[int]:
    """Return the keys of messages that match, the newest first."""
    finder = _Finder(read(clean_text(typed), using=using), seconds, using)
    hits = finder.hits("newest", limit)
    return [hit.key for hit in hits.hits if hit.kind == "message"][:limit] if hits else []


def matching_sessions(
    typed: str, *, seconds: float | None = None, using: str = "default"
) -> tuple[list[int], bool]:
    """Return the keys of sessions that match or have something that does, and whether all.

    What is not all are those with the newest hits, or nothing where there was no time for any.
    """
    finder = _Finder(read(clean_text(typed), using=using), seconds, using)
    keys, is_all = finder.sessions() or ((), False)
    return sorted(keys), is_all


class _Finder:
    """Runs one reading of a query."""

    def __init__(self, reading: Reading, seconds: float | None, using: str) -> None:
        self.reading = reading
        self.end = None if seconds is None else time.monotonic() + seconds
        self.using = using
        self.connection = connections[using]
        self.backend: ModuleType = import_module(f"{__name__}.{self.connection.vendor}")

    def hits(self, order: str, wanted: int, *, at_hand: int = 0):
        """Return hits in an order, None if there was no time for any; `at_hand` of them if they
        cost next to nothing."""

        def ask(search):
            asking: Callable = {
                "relevance": search.best,
                "newest": search.newest,
                "counted": search.counted,
                "cost": search.costliest,
            }[order]
            search.at_hand = at_hand
            return asking(wanted)

        return self.asked(ask)

    def sessions(self) -> tuple[set[int], bool] | None:
        """Return the keys of sessions with hits and whether all, None if there was no time."""
        return self.asked(lambda search: search.sessions(MOST_HITS))

    def asked(self, ask: Callable):
        """Return what a search answers; None if nothing is asked, or the time is up."""
        if self.reading.tree is None:
            return None
        try:
            with self.backend.until(self.connection, self.end):
                self.search = self.backend.Search(self.connection, self.reading)
                return ask(self.search)
        except TooSlow:
            return None

    def page(self, order: str, by: str, limit: int, offset: int, marks) -> Found:
        found = Found(self.reading, order)
        if self.reading.tree is None or limit <= 0:
            return found
        for possible in dict.fromkeys([order, "newest"]):
            # To rank what stands in most messages may take too long; the newest come at once.
            if possible != order and self.end is not None:
                self.end = time.monotonic() + MORE_SECONDS
            if (hits := self.gathered(possible, by, offset + limit + 1)) is not None:
                break
        else:
            found.given_up = True
            return found
        found.order = possible if hits.is_ranked or possible != "relevance" else "newest"
        found.ranked, found.looked_at = hits.ranked, hits.looked_at
        if by == "session":
            rows = [some[0] for some in _by_session(hits.hits).values()]
        else:
            rows = self.without_titles_of_hits(hits)
        found.has_more = len(rows) > offset + limit
        if hits.is_all:
            found.total = len(rows)
        shown = rows[offset : offset + limit]
        found.rows = self.described(shown, marks)
        if by == "session":
            self.count_hits(found.rows, hits)
        elif found.total is None:
            found.total, found.total_is_least = self.search.total(hits)
        return found

    def gathered(self, order: str, by: str, wanted: int):
        """Return hits enough for `wanted` rows."""
        if by == "message":
            return self.hits(order, wanted)
        fetched, before = wanted * HITS_OF_A_SESSION, None
        while True:
            hits = self.hits(order, fetched, at_hand=AT_HAND)
            if hits is None:  # the time is up: what was found before is better than nothing
                return before
            enough = hits.is_all or hits.looked_at or fetched >= MOST_HITS
            if enough or len({hit.session for hit in hits.hits}) >= wanted:
                return hits
            fetched, before = fetched * HITS_OF_A_SESSION, hits

    def without_titles_of_hits(self, hits) -> list:
        """Return hits without those of sessions as such, but for those of which no message is one.

        Of messages a list is asked for, and who looks for a title finds its session too.
        """
        sessions = [hit.session for hit in hits.hits if hit.kind == "session"]
        if not sessions:
            return hits.hits
        counts = self.search.messages_of(sessions, hits)
        return [hit for hit in hits.hits if hit.kind != "session" or not counts[hit.session]]

    def count_hits(self, rows: list[Row], hits) -> None:
        """Add how many hits each session has."""
        if hits.is_all:
            counts = Counter(hit.session for hit in hits.hits)
            is_least = False
        else:
            counts, is_least = self.search.hits_of([row["session_id"] for row in rows], hits)
        for row in rows:
            row["hits"] = counts[row["session_id"]]
            row["hits_is_least"] = is_least

    # -- rows -------------------------------------------------------------------------------------

    def described(self, hits: list, marks: tuple[str, str]) -> list[Row]:
        """Return hits as rows, with the text that was found."""
        texts = self.backend.texts_of(self.search, hits)
        messages = self.messages_of(hits)
        sessions = self.sessions_of({hit.session for hit in hits})
        rows = []
        for hit in hits:
            message = messages.get((hit.kind, hit.key), {})
            part, snippet = _snippet(texts.get((hit.kind, hit.key), []), marks)
            rows.append(
                {
                    **sessions[hit.session],
                    "message_uuid": message.get("message_uuid"),
                    "sequence_number": message.get("sequence_number"),
                    "role": message.get("role"),
                    "timestamp": hit.time,
                    "cost": None if hit.nanos is None else hit.nanos / 1e9,
                    "found_in": part,
                    "snippet": snippet,
                    "score": hit.score,
                }
            )
        return rows

    def messages_of(self, hits) -> dict[tuple[str, int], Row]:
        """Return the messages that hits are, or are notes on."""
        notes = dict(
            Annotation.objects.using(self.using)
            .filter(pk__in=[hit.key for hit in hits if hit.kind == "note"], entity_type="message")
            .values_list("pk", "entity_id")
        )
        keys = [hit.key for hit in hits if hit.kind == "message"] + list(notes.values())
        columns = ("message_uuid", "sequence_number", "role")
        messages = Message.objects.using(self.using).filter(pk__in=keys)
        found = {row.pop("pk"): row for row in messages.values("pk", *columns)}
        by_hit = {("message", key): row for key, row in found.items()}
        by_hit |= {("note", note): found[key] for note, key in notes.items() if key in found}
        return by_hit

    def sessions_of(self, keys: set[int]) -> dict[int, Row]:
        sessions = Session.objects.using(self.using).filter(pk__in=keys)
        columns = sessions.values("pk", "session_uuid", "title", "project__name", "total_messages")
        return {
            row["pk"]: {
                "session_uuid": row["session_uuid"],
                "session_id": row["pk"],
                "title": row["title"],
                "project_name": row["project__name"],
                "total_messages": row["total_messages"],
            }
            for row in columns
        }


def _by_session(hits: list) -> dict[int, list]:
    grouped: dict[int, list] = {}
    for hit in hits:
        grouped.setdefault(hit.session, []).append(hit)
    return grouped


def _snippet(texts: list[Text], marks: tuple[str, str]) -> tuple[str, str]:
    """Return the part of a text that shows best why it was found, and an excerpt of it."""
    if not texts:
        return "text", ""
    first = sorted(texts, key=lambda text: (not text.spans, ORDER_OF_PARTS.index(text.part)))[0]
    return first.part, excerpt(first.text, first.spans, marks)


def hits_in_batches(typed: str, *, most: int, at_once: int = 500, **options) -> Iterator[Row]:
    """Yield up to `most` hits as rows, for a file."""
    for offset in range(0, most, at_once):
        found = find(typed, limit=min(at_once, most - offset), offset=offset, **options)
        yield from found.rows
        if not found.has_more:
            return
