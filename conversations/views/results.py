"""What the search page shows: hits, what is to be said of them, and how to narrow them down."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.utils.functional import cached_property

from conversations import downloads, organising, search
from conversations.asking import DEEPEST_PAGE, Asked, Given, field
from conversations.filters import LONGEST, SEARCH_SECONDS, Chip
from conversations.models import Message, Session
from conversations.models.choices import Role
from conversations.reading import Row
from conversations.rendering import render_excerpt
from conversations.templatetags import conversations as show
from conversations.values import time

from .messages import address

PER_PAGE = 20
MOST_IN_FILE = 10_000  # rows
IN_A_BATCH = 500
MOST_BY_COST = 5_000  # hits, the newest, that are sorted by cost where there are more
COLUMNS = {
    "session": "session_uuid",
    "title": "title",
    "project": "project_name",
    "message": "message_uuid",
    "number": "sequence_number",
    "role": "role",
    "time": "timestamp",
    "cost": "cost",
    "found_in": "found_in",
    "excerpt": "snippet",
}
FOUND_IN = {
    "title": "in the title",
    "tags": "in the tags",
    "notes": "in a note",
    "tools": "in a tool call, its result or thoughts",
    "description": "in the description",
    "system": "in the system prompt",
}
LABELS = {
    "after": "From", "before": "Before", "in": "In", "has": "Has", "id": "ID",
    "session": "In the session", "month": "Month",
}  # fmt: skip
NOT_IN_ORDER = {
    "relevance": "So many texts match that ranking them takes too long. These are the newest.",
    "cost": "So many texts match that sorting them by cost takes too long. These are the newest.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet: how many hits have it, and the address that asks for these or for all."""

    id: str
    label: str
    count: int
    address: str
    is_on: bool


class Results:
    """One search; each part of it is asked for when a template shows it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        # Marks that no text can hold: nobody knows them beforehand.
        nonce = secrets.token_hex(4)
        self.marks = (f"\ue000{nonce}", f"\ue001{nonce}")

    @cached_property
    def found(self) -> search.Found:
        asked = self.asked
        return search.find(
            asked.typed,
            limit=PER_PAGE,
            offset=(asked.page - 1) * PER_PAGE,
            order=asked.order,
            by=asked.by,
            marks=self.marks,
            seconds=SEARCH_SECONDS,
        )

    # -- rows -------------------------------------------------------------------------------------

    @cached_property
    def hits(self) -> list[Row]:
        """Return the rows of the page, with what a template shows of them."""
        rows = self.found.rows
        models = _models_of(rows)
        for hit in rows:
            session = Session(session_uuid=hit["session_uuid"])
            link, message = show.address(session), hit["message_uuid"]
            hit["address"] = address(session, message) if link and message else link
            hit["excerpt"] = render_excerpt(hit["snippet"], self.marks)
            hit["timestamp"] = time("timestamp", hit["timestamp"])
            hit["role"] = dict(Role.choices).get(hit["role"], hit["role"])
            hit["model"] = models.get(message or hit["session_uuid"])
            hit["where"] = FOUND_IN.get(hit["found_in"], "")
            if self.asked.by == "session":
                inside = self.asked.narrowed(("session", hit["session_uuid"]))
                hit["inside"] = replace(inside, by="message").address()
        return rows

    @property
    def next(self) -> str:
        has_next = self.found.has_more and self.asked.page < DEEPEST_PAGE
        return replace(self.asked, page=self.asked.page + 1).address() if has_next else ""

    @property
    def previous(self) -> str:
        page = self.asked.page - 1
        return replace(self.asked, page=page).address() if page else ""

    @property
    def first_page(self) -> str:
        return replace(self.asked, page=1).address()

    @property
    def first(self) -> int:
        return (self.asked.page - 1) * PER_PAGE + 1

    # -- what is said -----------------------------------------------------------------------------

    @property
    def count(self) -> str:
        """Return how many rows there are, in words."""
        found, kind = self.found, "session" if self.asked.by == "session" else "hit"
        total, is_least = found.total, found.total_is_least
        if total is None:
            total, is_least = self.first - 1 + len(found.rows) + found.has_more, True
        return f"{'at least ' if is_least else ''}{organising.counted(total, kind)}"

    @property
    def order(self) -> str:
        """Return the order that the rows are in, in words."""
        return {"relevance": "best first", "newest": "newest first", "cost": "dearest first"}[
            self.found.order
        ]

    @property
    def announcement(self) -> str:
        """Return what is said of the hits when they have been swapped in."""
        if self.found.given_up:
            return "The search was given up."
        return f"{self.count}, {self.order}." if self.found.rows else "Nothing was found."

    @property
    def notes(self) -> list[str]:
        cut = [f"Only the first {LONGEST:,} characters were read."] if self.asked.is_cut else []
        return [*cut, *self.found.reading.notes]

    @property
    def suggestions(self) -> list[tuple[str, str]]:
        """Return what may be meant instead, each with its address."""
        asked = self.asked
        return [(s.label, asked.asking(s.query).address()) for s in self.found.reading.suggestions]

    @property
    def notices(self) -> list[str]:
        """Return in how far these are not the hits that were asked for."""
        found, said = self.found, []
        if found.given_up:
            return ["This search takes too long and was given up. Another word beside it, or a"
                    " field such as after:7d, makes it quicker."]  # fmt: skip
        if found.within_words:
            said.append("No text has these words; these hold the letters.")
        elif found.order != self.asked.order and found.rows and found.reading.has_text:
            said.append(NOT_IN_ORDER[self.asked.order])
        if found.ranked:
            said.append(f"Very many match: the {found.ranked:,} newest were ranked.")
        if found.order == "cost" and (found.total is None or found.total >= MOST_BY_COST):
            said.append(f"Very many match: the {MOST_BY_COST:,} newest were sorted by cost.")
        if found.looked_at:
            said.append(
                f"Looked through the newest {found.looked_at:,} messages in the time there is;"
                " older ones may hold it too."
            )
        if self.asked.page == DEEPEST_PAGE and found.has_more:
            said.append("This is the last page. Another word or field finds what comes after it.")
        return said

    # -- narrower and wider -----------------------------------------------------------------------

    @property
    def chips(self) -> list[Chip]:
        """Return the fields that are asked for, each with the address without it."""
        return [
            Chip(_label(given), self._shown(given), self.asked.without(given).address())
            for given in self.asked.fields
        ]

    def _shown(self, given: Given) -> str:
        if given.name == "session" and self.session:
            return str(self.session)
        return given.value

    @cached_property
    def session(self) -> Session | None:
        """Return the session that the search stays within."""
        wanted = self.asked.session
        return Session.objects.whose_id_starts_with(wanted).first() if wanted else None

    @property
    def wider(self) -> list[tuple[str, str]]:
        """Return what would find more, each with its address."""
        asked = self.asked
        found = [
            (f"Without {asked.typed[given.start : given.end][:60]}", asked.without(given).address())
            for given in asked.fields
            if asked.without(given).typed
        ]
        if any_of := asked.any_of_its_words():
            found.insert(0, ("Any of the words", any_of.address()))
        return found

    @cached_property
    def facets(self) -> list[tuple[str, list[Choice]]]:
        """Return the facets by their labels."""
        return [
            (
                LABELS.get(facet.name, facet.name.title()),
                [self._choice(facet.name, *one) for one in facet.counts],
            )
            for facet in self._counted[0]
        ]

    @property
    def counted(self) -> int | None:
        """Return of how many hits, the newest, the facets are; None if of all."""
        return self._counted[1]

    @cached_property
    def _counted(self):
        return search.facets(self.asked.typed, seconds=SEARCH_SECONDS)

    def _choice(self, name: str, value: str, label: str, count: int) -> Choice:
        asks = _month(value) if name == "month" else [(name, value)]
        typed = {field(given.name, given.value).lower(): given for given in self.asked.fields
                 if not given.is_denied}  # fmt: skip
        on = [typed.get(field(*one).lower()) for one in asks]
        is_on = None not in on
        asked = self.asked.without(*on) if is_on else self.asked.narrowed(*asks)
        id = f"facet-{name}-{zlib.crc32(value.encode()):x}"
        return Choice(id, label, count, asked.address(facets="1"), is_on)

    # -- as a file --------------------------------------------------------------------------------

    @property
    def most_in_file(self) -> int:
        return MOST_IN_FILE

    def download(self, format: str):
        """Return the hits as a file, a row for each message in the order that is asked for."""
        return downloads.download("search", format, self._rows_out(), list(COLUMNS))

    def _rows_out(self) -> Iterator[Row]:
        # Letters within words are looked for by the first batch alone.
        at_once = MOST_IN_FILE if self.found.within_words else IN_A_BATCH
        for hit in search.hits_in_batches(
            self.asked.typed,
            most=MOST_IN_FILE,
            at_once=at_once,
            order=self.found.order,
            marks=("", ""),
            seconds=SEARCH_SECONDS,
        ):
            yield {name: hit[column] for name, column in COLUMNS.items()}


def _models_of(rows: list[Row]) -> dict[str, str]:
    """Return the names of models by the ids of messages, and of sessions where there is none."""
    messages = Message.objects.filter(message_uuid__in=[row["message_uuid"] for row in rows])
    sessions = Session.objects.filter(pk__in=[row["session_id"] for row in rows])
    names = dict(sessions.values_list("pk", "model__model_name"))
    known = {row["session_uuid"]: names.get(row["session_id"]) for row in rows}
    for uuid, session, role, model in messages.values_list(
        "message_uuid", "session_id", "role", "model__model_name"
    ):
        known[uuid] = model or (names.get(session) if role == Role.ASSISTANT else None)
    return known


def _label(given: Given) -> str:
    label = LABELS.get(given.name, given.name.title())
    return f"Not {label.lower()}" if given.is_denied else label


def _month(value: str) -> list[tuple[str, str]]:
    """Return the fields that ask for a month such as 2025-03."""
    year, month = int(value[:4]), int(value[5:7])
    end = f"{year + month // 12:04}-{month % 12 + 1:02}"
    return [("after", value), *([("before", end)] if len(end) == len(value) else [])]
