"""What the address says of a search, and the addresses of searches that ask for more or less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from django.http import QueryDict

from .filters import LONGEST
from .importers.values.text import clean_text
from .search import GROUPS, ORDERS
from .search.query import And, Field, Node, Not, Word, parse

DEEPEST_PAGE = 50
DENIES = re.compile(r"(?:-|\bNOT\s+)$")  # what stands in front of it
DANGLING = re.compile(r"(?:^|\s)AND\s*$"), re.compile(r"^\s*AND(?=\s|$)")
NEEDS_QUOTES = re.compile(r'[\s"(),;]|^$')


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: what was typed, the order, a row for each session or message, and the page."""

    typed: str
    order: str = "relevance"
    by: str = "session"
    page: int = 1
    is_cut: bool = False

    @classmethod
    def of(cls, address: QueryDict) -> Asked:
        """Return what the address asks; what it cannot mean is as if it did not stand there."""
        typed = clean_text(address.get("q", "")).strip()
        order, by = address.get("order", ""), address.get("by", "")
        asked = cls(typed[:LONGEST].strip(), is_cut=len(typed) > LONGEST)
        # Within one session there is nothing to put together.
        usual = "message" if asked.session else asked.by
        return replace(
            asked,
            order=order if order in ORDERS else asked.order,
            by=by if by in GROUPS else usual,
            page=_page(address.get("page", "")),
        )

    def query(self) -> QueryDict:
        """Return the search as the address says it, without what is usual."""
        usual = {"order": "relevance", "by": "message" if self.session else "session", "page": 1}
        query = QueryDict(mutable=True)
        for name, value in (("q", self.typed), *((name, getattr(self, name)) for name in usual)):
            if value and value != usual.get(name):
                query[name] = str(value)
        return query

    def address(self, **more: str) -> str:
        """Return the address, relative to the page's, with more parameters."""
        query = self.query()
        query.update(more)
        return f"?{query.urlencode()}"

    def asking(self, typed: str) -> Asked:
        """Return the search for something else, from its first page on."""
        asked = replace(self, typed=typed, page=1)
        if bool(asked.session) == bool(self.session):
            return asked
        return replace(asked, by="message" if asked.session else "session")

    # -- fields -----------------------------------------------------------------------------------

    @property
    def fields(self) -> list[Given]:
        """Return the fields that hold for everything, as they stand in what was typed."""
        return list(_fields(self.typed))

    @property
    def session(self) -> str:
        """Return the id, or the beginning of one, of the session that is searched, or ""."""
        given = [f.value for f in self.fields if f.name == "session" and not f.is_denied]
        return given[0] if len(given) == 1 else ""

    def narrowed(self, *fields: tuple[str, str]) -> Asked:
        """Return the search with more fields."""
        return self.asking(" ".join([self.typed, *(field(*one) for one in fields)]).strip())

    def without(self, *fields: Given) -> Asked:
        """Return the search without some of its fields."""
        typed = self.typed
        for one in sorted(fields, key=lambda one: one.start, reverse=True):
            before, after = typed[: one.start], typed[one.end :]
            before, after = DANGLING[0].sub("", before), after.lstrip()
            if not before.strip():
                after = DANGLING[1].sub("", after)
            typed = f"{before.rstrip()} {after.lstrip()}".strip()
        return self.asking(typed)

    def any_of_its_words(self) -> Asked | None:
        """Return the search for texts with one of the words; None if there is only one."""
        tree = parse(self.typed).tree
        words = [node for node in _all_of(tree) if not _is_filter(node)]
        if len(words) < 2 or not all(isinstance(node, Word) for node in words):
            return None
        fields = [self.typed[given.start : given.end] for given in self.fields]
        return self.asking(" ".join([" OR ".join(word.text for word in words), *fields]))


@dataclass(frozen=True, slots=True)
class Given:
    """A field in what was typed, from `start` to `end`, with the minus in front of it."""

    name: str
    value: str
    is_denied: bool
    start: int
    end: int


def field(name: str, value: str) -> str:
    """Return a field as one types it."""
    if NEEDS_QUOTES.search(value):
        value = '"{}"'.format(value.replace('"', '""'))
    return f"{name}:{value}"


def _page(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) < 9
    return min(max(int(text), 1), DEEPEST_PAGE) if is_number else 1


def _all_of(node: Node | None) -> Iterator[Node]:
    """Yield what must all be the case."""
    if isinstance(node, And):
        for inner in node.of:
            yield from _all_of(inner)
    elif node:
        yield node


def _of_all(tree: Node | None) -> Iterator[tuple[Field, bool]]:
    """Yield the fields that hold for everything, and whether they are denied."""
    for node in _all_of(tree):
        if isinstance(node, Field):
            yield node, False
        elif isinstance(node, Not) and isinstance(node.of, Field):
            yield node.of, True


def _is_filter(node: Node) -> bool:
    return isinstance(node.of if isinstance(node, Not) else node, Field)


@lru_cache(100)  # asked for with every link of a page
def _fields(typed: str) -> tuple[Given, ...]:
    return tuple(
        Given(field.name, field.value, is_denied, _before(typed, field.start, is_denied), field.end)
        for field, is_denied in _of_all(parse(typed).tree)
    )


def _before(typed: str, start: int, is_denied: bool) -> int:
    """Return where a field starts, together with what denies it."""
    found = DENIES.search(typed, 0, start) if is_denied else None
    return found.start() if found else start
