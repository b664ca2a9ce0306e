"""What stands in the search indexes, to compare with what should."""

from __future__ import annotations

from django.db import connections

from conversations.search import index

OF_WORDS = ("messages_fts", "sessions_fts", "annotations_fts")
OF_CHARACTERS = ("unspaced_fts", "symbols_fts")


def indexed(alias: str) -> dict[str, list[tuple]]:
    """Return every term of each index with how many texts have it and how often."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT document, json_text, parts FROM search_extras ORDER BY document")
        found = {
            # Which of several words comes first depends on who took them apart.
            "extras": [
                (document, json_text, parts and sorted(parts.split()))
                for document, json_text, parts in cursor.fetchall()
            ]
        }
        for name in (*OF_WORDS, *OF_CHARACTERS):
            kind = "col" if name in OF_WORDS else "row"
            cursor.execute(
                f"CREATE VIRTUAL TABLE temp.terms USING fts5vocab (main, {name}, {kind})"
            )
            cursor.execute("SELECT * FROM temp.terms ORDER BY 1, 2")
            found[name] = cursor.fetchall()
            cursor.execute("DROP TABLE temp.terms")
    return found


def assert_exact(alias: str) -> None:
    """Assert that the indexes are what they would be if they were made anew."""
    assert index.check(using=alias) == []
    before = indexed(alias)
    index.rebuild(using=alias)
    assert indexed(alias) == before
    assert index.check(using=alias) == []
