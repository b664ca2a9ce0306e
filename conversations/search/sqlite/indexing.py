"""The search indexes in bulk: filling, rebuilding, checking, merging.

Single rows are indexed by triggers (sql/sqlite/search.sql). For thousands at once a statement for
all of them takes a third of the time, and Python takes camelCase words apart quicker than SQL.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

from django.db import DatabaseError, OperationalError

from conversations.search.text import is_unspaced, parts

from .rows import readable_rows

AT_ONCE = 10_000
FILLED = ("messages_fts", "sessions_fts", "annotations_fts", "unspaced_fts", "symbols_fts")
WITH_SOURCE, WITHOUT_SOURCE = FILLED[:3], FILLED[3:]

# The texts of each kind: number of the document, text to look for camelCase in, text in JSON.
TEXTS = {
    "messages": "SELECT document, text, json_text FROM messages_search_text"
    " WHERE document BETWEEN %s AND %s",
    "sessions": "SELECT document, text, json_text FROM sessions_search_text"
    " WHERE id BETWEEN %s AND %s",
    "annotations": "SELECT -2 * id - 1, content, NULL FROM annotations WHERE id BETWEEN %s AND %s",
}
KEEP_EXTRAS = "INSERT INTO search_extras (document, json_text, parts) VALUES (%s, %s, %s)"
WORDS = {
    "messages": "INSERT INTO messages_fts (rowid, content, tools, parts)"
    " SELECT id, content, tools, parts FROM messages_search_source WHERE id BETWEEN %s AND %s",
    "sessions": "INSERT INTO sessions_fts (rowid, title, description, system_prompt, tags, parts)"
    " SELECT id, title, description, system_prompt, tags, parts"
    " FROM sessions_search_source WHERE id BETWEEN %s AND %s",
    "annotations": "INSERT INTO annotations_fts (rowid, content, parts)"
    " SELECT id, content, parts FROM annotations_search_source WHERE id BETWEEN %s AND %s",
}
# As the triggers have it. With its LIMIT it is read once, and not anew for each byte looked for.
INDEXED_TEXT = {
    "messages": "SELECT id AS document, content || COALESCE(char(10) || tools, '') AS text"
    " FROM messages_search_source WHERE id BETWEEN %s AND %s",
    "sessions": "SELECT -2 * id AS document, title || char(10) || description || char(10)"
    " || system_prompt || COALESCE(char(10) || tags, '') AS text"
    " FROM sessions_search_source WHERE id BETWEEN %s AND %s",
    "annotations": "SELECT -2 * id - 1 AS document, content AS text"
    " FROM annotations WHERE id BETWEEN %s AND %s",
}
SYMBOLS = """
    INSERT INTO symbols_fts (rowid, text)
    SELECT document, text FROM ({texts} LIMIT -1)
    WHERE length(text) < length(CAST(text AS BLOB))
"""
UNSPACED = """
    INSERT INTO unspaced_fts (rowid, text)
    SELECT document, text || char(10, 10) FROM ({texts})
"""
END = "\n\n"  # behind a text in unspaced_fts, as above
SEEN_BEHIND_NUL = re.compile("[\u3000-\ud7ff]")  # by their bytes alone


def index(cursor, table: str, first: int, last: int) -> None:
    """Index the rows of `table` with these ids, which are in no index yet."""
    span = (first, last)
    extras, unspaced = [], []
    for document, text, json_text in readable_rows(cursor, TEXTS[table], span):
        whole = f"{text}\n{json_text}" if json_text is not None else text
        found = parts(whole)
        if found or json_text is not None:
            extras.append((document, json_text, found))
        if _is_in_unspaced(whole):
            unspaced.append(document)
    cursor.executemany(KEEP_EXTRAS, extras)
    cursor.execute(WORDS[table], span)
    cursor.execute(SYMBOLS.format(texts=INDEXED_TEXT[table]), span)
    keys = [_key(table, document) for document in unspaced]
    cursor.executemany(UNSPACED.format(texts=INDEXED_TEXT[table]), [(key, key) for key in keys])


def _key(table: str, document: int) -> int:
    """Return the id of the row whose text has this number."""
    return {"messages": document, "sessions": -document // 2}.get(table, (-document - 1) // 2)


def _is_in_unspaced(text: str) -> bool:
    """Say whether the triggers put a text into unspaced_fts: for GLOB it ends at a NUL."""
    seen, _, behind = text.partition("\0")
    return is_unspaced(seen) or SEEN_BEHIND_NUL.search(behind) is not None


def rebuild(cursor, *, on_progress: Callable[[int], None] | None = None) -> int:
    """Make all indexes anew from the tables and return how many texts they have.

    Inside the caller's transaction: until it ends, others find what they found before.
    """
    for name in FILLED:
        cursor.execute(f"INSERT INTO {name} ({name}) VALUES ('delete-all')")
    cursor.execute("DELETE FROM search_extras")
    done = 0
    for table in WORDS:
        for first, last in _spans(cursor, table):
            index(cursor, table, first, last)
            done += last + 1 - first
            if on_progress:
                on_progress(done)
    return done


def optimize(cursor) -> None:
    """Merge each index into one segment, which is read a little quicker."""
    for name in FILLED:
        cursor.execute(f"INSERT INTO {name} ({name}) VALUES ('optimize')")


def check(connection) -> list[str]:
    """Return what is wrong with the indexes, empty if nothing is."""
    problems = []
    with connection.cursor() as cursor:
        for name in FILLED:
            # With 1, an index is compared with the texts that it was made of.
            compare = int(name in WITH_SOURCE)
            try:
                cursor.execute(
                    f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', {compare})"
                )
            except DatabaseError as error:
                problems.append(f"search index {name}: {error}")
    return problems or _differences(connection)


def _differences(connection) -> list[str]:
    """Compare the indexes that keep no text, and what stands in JSON, with ones made anew."""
    with closing(sqlite3.connect("")) as scratch, connection.cursor() as cursor:
        problems = _wrong_extras(cursor)
        for name in WITHOUT_SOURCE:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [name])
            scratch.execute(cursor.fetchone()[0])
        for table in INDEXED_TEXT:
            for first, last in _spans(cursor, table):
                for document, text in readable_rows(cursor, INDEXED_TEXT[table], (first, last)):
                    # As the triggers have it: SQLite's length of a text ends at a NUL.
                    if not text.isascii() or "\0" in text:
                        scratch.execute("INSERT INTO symbols_fts (rowid, text) VALUES (?, ?)",
                                        (document, text))  # fmt: skip
                    if _is_in_unspaced(text):
                        scratch.execute("INSERT INTO unspaced_fts (rowid, text) VALUES (?, ?)",
                                        (document, text + END))  # fmt: skip
        for name in WITHOUT_SOURCE:
            terms = name.replace("_fts", "_terms")
            scratch.execute(f"CREATE VIRTUAL TABLE {terms} USING fts5vocab ({name}, row)")
            asked = f"SELECT term, doc, cnt FROM {terms} ORDER BY term"
            cursor.execute(asked)
            if cursor.fetchall() != scratch.execute(asked).fetchall():
                problems.append(f"search index {name}: it differs from the texts")
    return problems


def _spans(cursor, table: str) -> Iterator[tuple[int, int]]:
    """Yield spans of ids that together have all rows of a table."""
    cursor.execute(f"SELECT COALESCE(MIN(id), 1), COALESCE(MAX(id), 0) FROM {table}")
    first, last = cursor.fetchone()
    for start in range(first, last + 1, AT_ONCE):
        yield start, min(start + AT_ONCE - 1, last)


def _wrong_extras(cursor) -> list[str]:
    """Compare what stands in JSON with what is kept of it."""
    wrong = 0
    for table in ("messages", "sessions"):
        texts = TEXTS[table].replace("%s AND %s", "-9e18 AND 9e18")
        differ = (
            f"SELECT now.json_text, kept.json_text FROM ({texts}) AS now"
            " LEFT JOIN search_extras AS kept USING (document)"
            " WHERE now.json_text IS NOT kept.json_text"
        )
        # Half a character is kept as the one that stands for what cannot be read.
        wrong += sum(now != kept for now, kept in readable_rows(cursor, differ, []))
    return [f"search index: {wrong} texts of tool calls and tags differ"] if wrong else []


def size(cursor) -> dict[str, int]:
    """Return the bytes of each index by name; empty where SQLite was built without dbstat."""
    sizes = "SELECT name, SUM(pgsize) FROM dbstat WHERE name GLOB %s GROUP BY 1"
    found: dict[str, int] = {}
    try:
        for pattern in ("*_fts_*", "search_extras", "messages_facts", "messages_by_time"):
            cursor.execute(sizes, [pattern])
            for name, size in cursor.fetchall():
                name = f"{name.partition('_fts_')[0]}_fts" if "_fts_" in name else name
                found[name] = found.get(name, 0) + size
    except OperationalError:
        return {}
    return found
