#!/usr/bin/env python3
"""Measure searches in a large database, beside the bare FTS5 query in the same run.

    python benchmarks/search.py --database FILE

FILE is a database such as `benchmarks/import.py --messages 1000000 --sessions 100000 --keep FILE`
leaves. Its words are put into classes by how many messages have them; of each class queries are
drawn, the same for the same seed, and timed in this process: the time that the server needs for the
first 20 hits with excerpts and how many there are, without the page around them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CLASSES = {  # messages that have a word: from, to
    "rare": (1, 100),
    "medium": (3_000, 7_000),
    "frequent": (10_000, 20_000),
    "common": (80_000, 150_000),
}
BARE = {
    "relevance": "SELECT rowid, snippet(messages_fts, 2, '[', ']', '...', 32) FROM messages_fts"
    " WHERE messages_fts MATCH ? ORDER BY rank LIMIT 20",
    "newest": "SELECT message.id, snippet(messages_fts, 2, '[', ']', '...', 32) FROM messages_fts"
    " JOIN messages AS message ON message.id = messages_fts.rowid"
    " WHERE messages_fts MATCH ? ORDER BY message.timestamp DESC LIMIT 20",
}


def words_by_class(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Return words of the indexed texts by how many messages have them, most frequent last."""
    db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab (main, messages_fts, row)")
    sample = {
        word
        for (text,) in db.execute("SELECT content FROM messages WHERE id % 997 = 0")
        for word in re.findall(r"[a-z]{3,14}", text.lower())
    }
    count = "SELECT COUNT(*) FROM (SELECT 1 FROM messages_fts WHERE messages_fts MATCH ? LIMIT ?)"
    counted = sorted(
        (db.execute(count, [f'"{word}"', 1_000_000]).fetchone()[0], word)
        for word in random.Random(1).sample(sorted(sample), min(3000, len(sample)))
    )
    found = {
        name: [word for count, word in counted if low <= count <= high]
        for name, (low, high) in CLASSES.items()
    }
    found["most"] = [word for _, word in counted[-1:]]
    return found


def queries(words: dict[str, list[str]], rng: random.Random, count: int) -> dict[str, list[str]]:
    """Return `count` queries of each class."""

    def some(*names: str) -> list[str]:
        return [" ".join(rng.choice(words[name]) for name in names) for _ in range(count)]

    drawn = {name: some(name) for name in words}
    return drawn | {
        "two words": some("frequent", "common"),
        "two common words": some("common", "common"),
        "phrase": [f'"{query}"' for query in some("common", "frequent")],
        "one without another": [query.replace(" ", " -") for query in some("frequent", "common")],
        "one or another": [query.replace(" ", " OR ") for query in some("medium", "frequent")],
        "beginning": [f"{query[:4]}*" for query in some("medium")],
        "letters within words": [f"*{query[1:4]}*" for query in some("common")],
        "names": rng.choices(["node.js", "c++", "foo_bar", "src/main.py", "TypeError:"], k=count),
        "with a role": [f"{query} role:user" for query in some("common")],
        "with a project": [f"{query} project:apollo" for query in some("common")],
        "since a day": [f"{query} after:2025-11" for query in some("frequent")],
    }  # fmt: skip


def timed(call: Callable[[str], object], asked: list[str], times: int) -> list[float]:
    """Return milliseconds of each call, a first one for each query left out."""
    found = []
    for query in asked:
        call(query)
        for _ in range(times):
            started = time.perf_counter()
            call(query)
            found.append((time.perf_counter() - started) * 1000)
    return found


def summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "most": round(ordered[-1], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=10, help="of each class")
    parser.add_argument("--times", type=int, default=2, help="that each is asked")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    os.environ["DATABASE_URL"] = f"sqlite:///{options.database.resolve()}"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessionsite.settings")
    import django

    django.setup()
    from conversations import search
    from conversations.search import index

    with closing(sqlite3.connect(options.database)) as db:
        words = words_by_class(db)
        asked = queries(words, random.Random(options.seed), options.queries)
        result: dict = {"sqlite": sqlite3.sqlite_version, "classes": {}}
        for name, some in asked.items():
            row = {}
            for order in ("newest", "relevance"):
                for by in ("message", "session"):
                    row[f"{order} by {by}"] = summary(
                        timed(
                            lambda query, order=order, by=by: search.find(
                                query, order=order, by=by, seconds=2.0
                            ),
                            some,
                            options.times,
                        )
                    )
            row["facets"] = summary(timed(lambda query: search.facets(query, seconds=2.0), some, 1))
            if name in words:
                for order, sql in BARE.items():
                    if order == "relevance" or name in {"rare", "medium"}:
                        bare = timed(
                            lambda query, sql=sql: db.execute(sql, [query]).fetchall(), some, 1
                        )
                        row[f"bare {order}"] = summary(bare)
            result["classes"][name] = row
            print(json.dumps({name: row}), file=sys.stderr, flush=True)
        [text] = db.execute("SELECT SUM(length(CAST(content AS BLOB))) FROM messages").fetchone()
        result["index_mb"] = {name: round(size / 1e6) for name, size in index.size().items()}
        result["index_to_text"] = round(sum(index.size().values()) / text, 2)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
