"""From the tree of a query to SQL with parameters, for one kind of text.

An index of words answers most of it: words, phrases and what AND, OR and NOT make of them are one
FTS5 expression. What it cannot tell (`node.js` to the letter, scripts without spaces, fields) is
a condition on each text that the indexes let through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conversations.search.fields import PARTS, Condition
from conversations.search.query import (
    And,
    First,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Substring,
    Within,
    Word,
)
from conversations.search.stems import stems_of_words_that_begin
from conversations.search.text import (
    fold,
    is_symbol,
    is_unspaced,
    is_word_character,
    taken_apart,
    unspaced_runs,
    words,
)

from .kinds import SESSIONS, Kind, condition_for

SHORTEST_PREFIX = 3  # letters: the index would have to read through half of its words for less
LONGEST_RUNS = 5_000  # terms of one, as which symbols and pairs of characters are asked for
# Looks like the beginning of a UUID or of a commit: digits and letters up to f.
IS_ID = re.compile(r"(?=[0-9a-f-]*[0-9])(?=[0-9-]*[a-f])[0-9a-f]{4,}[0-9a-f-]*", re.IGNORECASE)
SHORTEST_ID = 6


@dataclass(slots=True)
class Sql:
    """Part of a statement, and the values of its parameters."""

    text: str
    values: list = field(default_factory=list)

    @classmethod
    def joined(cls, between: str, parts: list[Sql]) -> Sql:
        return cls(
            "(" + between.join(part.text for part in parts) + ")",
            [value for part in parts for value in part.values],
        )


@dataclass(slots=True)
class Asked:
    """What a part of a query asks of a text.

    `match` is an FTS5 expression that every hit matches, and `where` what is asked beyond it; None
    each, if there is nothing. `numbers` is a SELECT of the documents among which the hits are, by
    another index. `is_weak`: the match costs more than looking at texts, and is left out where
    another is there.
    """

    match: str | None = None
    where: Sql | None = None
    numbers: Sql | None = None
    is_weak: bool = False

    @property
    def looks_at_texts(self) -> bool:
        """Say whether texts themselves are read, and not columns alone."""
        return self.where is not None and "text_" in self.where.text

    @property
    def says_all(self) -> bool:
        return self.where is None and self.numbers is None


def compiled(tree: Node | Condition, kind: Kind, parts: frozenset[str], terms) -> Asked | None:
    """Return what a query asks of texts of one kind, or None if none can be a hit.

    `terms(table, beginning, holds)` returns terms of the index of characters or of symbols.
    """
    columns = [column for part, column in kind.columns.items() if part in parts]
    if not columns:
        return None
    return _Compiler(kind, columns, parts == frozenset(PARTS), terms).asked(tree)


class _Compiler:
    def __init__(self, kind: Kind, columns: list[str], is_whole: bool, terms) -> None:
        self.kind = kind
        self.columns = columns
        self.is_whole = is_whole
        # Parts of camelCase words are not kept apart by where they stand.
        self.with_parts = [*columns, "parts"] if is_whole else columns
        self.terms = terms

    def asked(self, node: Node | Condition) -> Asked:
        match node:
            case Condition():
                return Asked(where=Sql(*condition_for(self.kind, node)))
            case And(of=nodes):
                return self.all_of(nodes)
            case Or(of=nodes):
                return self.any_of([self.asked(inner) for inner in nodes])
            case Not(of=inner):
                return Asked(where=_not(self.in_full(self.asked(inner))))
            case Within(part="title", of=inner):
                return Asked(where=self.in_title(inner))
            case Within(part=part, of=inner):
                column = self.kind.columns.get(part)
                if column is None:
                    return Asked(where=Sql("1 = 0"))
                return _Compiler(self.kind, [column], False, self.terms).asked(inner)
            case Word(text=text):
                return self.word(text)
            case Phrase(text=text, begins=begins):
                return self.phrase(text, begins)
            case Prefix(text=text):
                return self.prefix(text)
            case Substring(text=text):
                return self.characters(text, "text_contains")
            case First(text=text):
                return Asked(match=f"{{{self.columns[0]}}} : ^{quoted(text)}")
            case Near(phrases=phrases, distance=distance):
                near = " ".join(map(quoted, phrases))
                return Asked(match=self.within(f"NEAR({near}, {distance})"))
        raise TypeError(f"{node!r} is no part of a query")

    # -- and, or, not -----------------------------------------------------------------------------

    def all_of(self, nodes: tuple[Node | Condition, ...]) -> Asked:
        asked = [self.asked(node) for node in nodes if not isinstance(node, Not)]
        matches = [one for one in asked if one.match]
        strong = [one for one in matches if not one.is_weak]
        match = " AND ".join(f"({one.match})" for one in strong or matches) or None
        rest = [one.where for one in asked if one.where]
        for node in nodes:
            if isinstance(node, Not):
                wrong = self.asked(node.of)
                if strong and wrong.match and wrong.says_all:
                    match = f"({match}) NOT ({wrong.match})"
                else:
                    rest.append(_not(self.in_full(wrong)))
        numbers = [one.numbers for one in asked if one.numbers]
        if numbers and not strong:
            match = None
        return Asked(
            match,
            Sql.joined(" AND ", rest) if rest else None,
            _combined("INTERSECT", numbers) if numbers else None,
            is_weak=bool(match) and not strong,
        )

    def any_of(self, asked: list[Asked]) -> Asked:
        matches = [one.match for one in asked if one.match]
        match = " OR ".join(f"({match})" for match in matches)
        if len(matches) == len(asked) and all(one.says_all for one in asked):
            return Asked(match)
        where = Sql.joined(" OR ", [self.in_full(one) for one in asked])
        if len(matches) == len(asked):
            return Asked(match, where, is_weak=any(one.is_weak for one in asked))
        if all(one.match or one.numbers for one in asked):
            found = [self.candidates(one) for one in asked]
            return Asked(None, where, _combined("UNION", found))
        return Asked(None, where)

    def candidates(self, asked: Asked) -> Sql:
        """Return a SELECT of the documents among which the hits are."""
        if asked.numbers:
            return asked.numbers
        index, document = self.kind.index, self.kind.document.replace(self.kind.key, "rowid")
        return Sql(
            f"SELECT {document} AS document FROM {index} WHERE {index} MATCH %s", [asked.match]
        )

    def in_full(self, asked: Asked) -> Sql:
        """Return all that is asked as one condition."""
        parts = []
        if asked.match:
            index, key = self.kind.index, self.kind.key
            parts.append(
                Sql(
                    f"EXISTS (SELECT 1 FROM {index} WHERE {index} MATCH %s"
                    f" AND {index}.rowid = {key})",
                    [asked.match],
                )
            )
        if asked.numbers:
            parts.append(
                Sql(
                    f"{self.kind.document} IN ({asked.numbers.text})",
                    asked.numbers.values,
                )
            )
        if asked.where:
            parts.append(asked.where)
        return Sql.joined(" AND ", parts or [Sql("1 = 1")])

    def in_title(self, node: Node) -> Sql:
        """Return what is asked of the title of the session that a text belongs to."""
        inner = _Compiler(SESSIONS, ["title"], False, self.terms)
        if self.kind is SESSIONS:
            return inner.in_full(inner.asked(node))
        asked = inner.asked(node)
        if asked.match and asked.says_all:
            return Sql(
                "session.id IN (SELECT rowid FROM sessions_fts WHERE sessions_fts MATCH %s)",
                [asked.match],
            )
        return inner.in_full(asked)

    # -- texts ------------------------------------------------------------------------------------

    def within(self, expression: str, *, with_parts: bool = False) -> str:
        if with_parts and self.is_whole:
            return expression  # all columns: to name them makes FTS5 read every place in a text
        columns = self.with_parts if with_parts else self.columns
        return f"{{{' '.join(columns)}}} : {expression}"

    def holds(self, test: str, needle: str) -> Sql:
        """Return the condition that a text itself is looked at for `needle`."""
        source, key = self.kind.source, self.kind.key
        # As bytes: a text may hold half a character, at which its reading would end.
        columns = ", ".join(f"CAST({column} AS BLOB)" for column in self.columns)
        return Sql(
            f"(SELECT {test}(%s, {columns}) FROM {source} WHERE {source}.id = {key})", [needle]
        )

    def word(self, text: str) -> Asked:
        found = words(text)
        if is_unspaced(text) or not found:
            return self.characters(text, "text_contains")
        if len(text) >= SHORTEST_ID and IS_ID.fullmatch(text):
            return self.any_of([self.prefix(text), *self.by_id(text)])
        if found == [text]:
            # A letter alone is no part that anybody looks for, but the start of many.
            return Asked(self.within(quoted(text), with_parts=len(text) > 1))
        if re.search(r"[A-Za-z0-9][+#]", text) and "parts" in self.with_parts:
            name = re.search(r"[^\t\n\r \"'(),./:;<=>\[\\\]`{}]*[A-Za-z0-9][+#]+", text)[0]
            return Asked(f"{{parts}} : {quoted(taken_apart(name))}", self.holds("text_holds", text))
        return Asked(self.within(quoted(" ".join(found))), self.holds("text_holds", text))

    def by_id(self, text: str) -> list[Asked]:
        """Ask for the message or session whose own id begins so."""
        tables = {"message": "messages", "session": "sessions"}
        if self.kind.name not in tables or not self.is_whole:
            return []
        table, id = tables[self.kind.name], f"{self.kind.name}_uuid"
        document = self.kind.document.replace(self.kind.key, "id")
        span = [text.lower(), f"{text.lower()}\U0010ffff"]
        return [
            Asked(
                None,
                Sql(f"{self.kind.name}.{id} >= %s AND {self.kind.name}.{id} < %s", span),
                Sql(
                    f"SELECT {document} AS document FROM {table} WHERE {id} >= %s AND {id} < %s",
                    span,
                ),
            )
        ]

    def phrase(self, text: str, begins: bool) -> Asked:
        found = words(text)
        if is_unspaced(text) or not found:
            return self.characters(text, "text_contains")
        if begins:
            return self.prefix(text)
        match = self.within(quoted(" ".join(found)))
        if all(is_word_character(c) or c.isspace() for c in text):
            return Asked(match)
        return Asked(match, self.holds("text_holds", text))

    def prefix(self, text: str) -> Asked:
        """Ask for words, names or phrases that begin so."""
        found = words(text)
        if is_unspaced(text) or not found:
            return self.characters(text, "text_contains")
        where = self.holds("text_begins", text)
        *before, last = found
        ends_open = not is_word_character(text[-1])  # nothing more is to come to its last word
        if before or ends_open:
            whole = found if ends_open else before
            return Asked(self.within(quoted(" ".join(whole))), where)
        if len(last) < SHORTEST_PREFIX:
            return Asked(None, where)
        others = (quoted(stem) for stem in stems_of_words_that_begin(fold(last)))
        match = " OR ".join([f"{quoted(last)} *", *others])
        return Asked(self.within(f"({match})"), where, is_weak=True)

    def characters(self, text: str, test: str) -> Asked:
        """Ask for characters that an index of words does not have, or not as words."""
        where = self.holds(test, text)
        if runs := unspaced_runs(fold(text)):
            match = self.of_characters(max(runs, key=len))
            return Asked(None, where, self.among("unspaced_fts", match))
        symbols = "".join(c for c in text if is_symbol(c))
        if symbols:
            runs = self.terms("symbols_terms", "", symbols[:1])
            return Asked(None, where, self.among("symbols_fts", _any(runs)))
        return Asked(None, where)

    def of_characters(self, text: str) -> str | None:
        """Return the expression for texts that have these characters one after the other."""
        if len(text) >= 3:
            threes = dict.fromkeys(text[at : at + 3] for at in range(len(text) - 2))
            return " AND ".join(map(quoted, threes))
        return _any(self.terms("unspaced_terms", text, ""))

    def among(self, index: str, match: str | None) -> Sql:
        kinds = {"message": "rowid > 0", "session": "rowid < 0 AND rowid % 2 = 0"}
        of_kind = kinds.get(self.kind.name, "rowid < 0 AND rowid % 2 <> 0").replace("%", "%%")
        if not match:
            return Sql("SELECT NULL AS document WHERE 1 = 0")
        return Sql(
            f"SELECT rowid AS document FROM {index} WHERE {index} MATCH %s AND {of_kind}", [match]
        )


def _not(condition: Sql) -> Sql:
    # What comes to NULL is not the case.
    return Sql(f"NOT COALESCE({condition.text}, 0)", condition.values)


def _combined(operator: str, selects: list[Sql]) -> Sql:
    """Return one SELECT of documents, made of several."""
    if len(selects) == 1:
        return selects[0]
    return Sql(
        f" {operator} ".join(f"SELECT document FROM ({select.text})" for select in selects),
        [value for select in selects for value in select.values],
    )


def _any(terms: list[str]) -> str | None:
    return " OR ".join(map(quoted, terms[:LONGEST_RUNS])) or None


def quoted(text: str) -> str:
    """Return a string of FTS5, in which nothing is an operator."""
    return '"' + text.replace('"', '""') + '"'
