"""Damaged import files, made from small valid ones, and what must hold whatever they hold.

`Damage(seed)` gives files without end, the same for the same seed. `checked` imports one through
the way that pages and commands take; `inconsistencies` looks at the whole database afterwards.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import random
import signal
import sqlite3
import time
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from conversations import importing
from conversations.importers import FORMATS
from conversations.models import ImportStatus

from .import_seeds import Seed, packed, seeds, zipped

ZIP, GZIP, SQLITE = b"PK", b"\x1f\x8b", b"SQLite format 3\0"


class Damaged(NamedTuple):
    """A file and what was done to it."""

    format: str  # of the file that it was
    name: str
    content: bytes
    damage: str

    def __str__(self) -> str:
        return f"{self.name} ({self.damage})"


# -- values ----------------------------------------------------------------------------------------

# JSON that no encoder writes stands in the texts of these values until the file is written.
RAW = [
    "1e999", "-1e999", "NaN", "Infinity", "-Infinity", str(10**400), str(-(10**400)), "9" * 5000,
    "1e-400", "-0", "0.1e+5", "1" + "0" * 19, "9223372036854775808", "1E308", "tru", "", "'x'",
    '"\\ud83d"', '"\\udc00 x"', '"a\\u0000b"', '"\\u0000"', '"\\ud83d\\u0000\\ude00"', '"\\x"',
    "[" * 70 + "]" * 70, "[" * 3000 + "]" * 3000, '{"a":' * 500 + "1" + "}" * 500, "[" * 5000,
]  # fmt: skip
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30, 1e308,
    "", " ", "x", "0", "-1", "1e999", "NaN", "nan", "inf", "x" * 400, "y" * 70_000, "\u2028\ufeff",
    "\U0001f600", "{}", "[]", '{"a": 1}', "null", '[{"role": "user", "content": "x"}]', "user",
    "assistant", "system", "tool", "function", "text", "tool_result", "message", "session",
    "2026-05-01T10:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2025-03-01", "2025-02-30T10:00:00Z", "2025-03-01T10:00:00.123456789+05:30", "1740000000",
    [], {}, [[]], [{}], [None], {"": ""}, {"type": None}, ["a", "b"], [1, 2, 3], {"a": {"a": {}}},
    [["a", 1]], {"role": "user", "content": "x"}, [{"type": "text", "text": 5}],
    {"type": "tool_use", "id": [], "name": {}, "input": "x"}, ["anthropic", "x", ""],
]  # fmt: skip
BYTES = [
    b"", b"\0", b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\xc3", b"\xf0\x9f", b'"', b"\\", b"{",
    b"}", b"[", b"]", b",", b":", b"\n", b"\r", b"\\u0000", b"\\ud800", b"\\udc00", b"NaN",
    b"1e999", b"9" * 5000, b"[" * 2000, b"{" * 2000, b"-", b"\x1a", b"\xef\xbb\xbf", b"<script>",
    b"\x80" * 9,
]  # fmt: skip
ENCODINGS = [
    "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252", "cp037",
    "utf-7", "shift_jis",
]  # fmt: skip
IDS = ("id", "uuid", "hash", "key", "parent", "node", "tip")


class Damage:
    """An endless supply of damaged files; the same `seed` gives the same files."""

    def __init__(self, seed: int = 0, formats: Collection[str] = FORMATS.keys()) -> None:
        self.chance = random.Random(seed)
        self.places = [n for n, seed in enumerate(seeds()) if seed.format in formats]
        self.number = 0

    def __iter__(self) -> Iterator[Damaged]:
        """Yield files of all formats in turn; some repeat the ids of those before."""
        while True:
            for place in self.places:
                # Few numbers, so that files meet what is stored already and change it.
                seed = seeds(self.chance.randrange(40), self.chance.choice((1, 2, 3)))[place]
                self.number += 1
                yield self.damaged(seed)

    def damaged(self, seed: Seed) -> Damaged:
        """Return the file with one or several kinds of damage done to it."""
        content, done = seed.content, []
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            kinds = self.kinds_for(content)
            kind = self.chance.choice(kinds)
            content = kind(content)
            done.append(kind.__name__)
        return Damaged(seed.format, f"{self.number}-{seed.name}", content, ", ".join(done))

    def kinds_for(self, content: bytes) -> list[Callable[[bytes], bytes]]:
        on_bytes = [self.cut, self.flipped, self.with_bytes, self.moved]
        if content.startswith(ZIP):
            return [*on_bytes, self.inside_zip, self.inside_zip, self.odd_zip]
        if content.startswith(GZIP):
            return [*on_bytes, self.inside_gzip, self.inside_gzip]
        if content.startswith(SQLITE):
            return [*on_bytes, *[self.other_cells] * 6, self.other_tables]
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return [*on_bytes, self.flipped, self.wrapped]
        on_bytes += [self.other_encoding, self.wrapped]
        if not text.lstrip().startswith(("{", "[")):
            return [*on_bytes, *[self.other_table] * 6]
        return [*on_bytes, *[self.other_values] * 8, self.circles, self.circles, self.repeated]

    # -- bytes ------------------------------------------------------------------------------

    def cut(self, content: bytes) -> bytes:
        end = self.chance.randrange(len(content) + 1)
        return content[:end] if self.chance.random() < 0.8 else content[end:]

    def flipped(self, content: bytes) -> bytes:
        found = bytearray(content)
        for _ in range(self.chance.choice((1, 1, 2, 5, 20, 100)) if found else 0):
            found[self.chance.randrange(len(found))] ^= 1 << self.chance.randrange(8)
        return bytes(found)

    def with_bytes(self, content: bytes) -> bytes:
        found = bytearray(content)
        for _ in range(self.chance.randint(1, 3)):
            place = self.chance.randrange(len(found) + 1)
            found[place : place + self.chance.randrange(6)] = self.chance.choice(BYTES)
        return bytes(found)

    def moved(self, content: bytes) -> bytes:
        """Let a piece of the file stand somewhere else as well, or instead."""
        start, end = sorted(self.chance.randrange(len(content) + 1) for _ in range(2))
        piece, rest = content[start:end], content
        if self.chance.random() < 0.5:
            rest = content[:start] + content[end:]
        place = self.chance.randrange(len(rest) + 1)
        return rest[:place] + piece + rest[place:]

    def other_encoding(self, content: bytes) -> bytes:
        text = content.decode(errors="replace")
        return codecs.encode(text, self.chance.choice(ENCODINGS), "replace")

    def wrapped(self, content: bytes) -> bytes:
        """Pack the file, or pack it twice."""
        for _ in range(self.chance.choice((1, 1, 2))):
            name = self.chance.choice(("a.json", "../../a.json", "a\0b", "/etc/x", "é\ud83d", "a/"))
            if self.chance.random() < 0.5:
                content = packed(content)
            else:
                content = zipped({name.encode(errors="replace").decode(): content, "b": content})
        return content

    # -- archives ---------------------------------------------------------------------------

    def inside_gzip(self, content: bytes) -> bytes:
        try:
            return packed(self.again(gzip.decompress(content)))
        except (OSError, EOFError, ValueError, zipfile.zlib.error):
            return self.flipped(content)

    def inside_zip(self, content: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, zipfile.zlib.error, EOFError, ValueError, NotImplementedError):
            return self.flipped(content)
        except (RuntimeError, OSError):  # encrypted, or places before the beginning
            return self.flipped(content)
        return zipped({name: self.again(inner) for name, inner in files.items()})

    def odd_zip(self, content: bytes) -> bytes:
        """Change the directory at the end of an archive: sizes, places, flags, methods."""
        found = bytearray(content)
        start = found.rfind(b"PK\x01\x02")
        for _ in range(self.chance.randint(1, 3)):
            if 0 <= start < len(found):
                place = self.chance.randrange(start + 4, max(start + 5, len(found)))
                found[min(place, len(found) - 1)] = self.chance.choice((0, 1, 9, 12, 0x7F, 0xFF))
        return bytes(found)

    def again(self, content: bytes) -> bytes:
        return self.chance.choice(self.kinds_for(content))(content)

    # -- JSON -------------------------------------------------------------------------------

    def other_values(self, content: bytes) -> bytes:
        """Exchange, drop, move and repeat values: wrong types, missing and doubled names."""
        return self.rewritten(content, self.change_value, self.chance.choice((1, 1, 2, 4, 10)))

    def circles(self, content: bytes) -> bytes:
        """Let ids stand where other ids stood, so that links run in circles or nowhere."""
        return self.rewritten(content, self.change_link, self.chance.choice((1, 2, 5, 20)))

    def repeated(self, content: bytes) -> bytes:
        """Repeat and mix whole lines or entries."""

        def mix(whole: list[Any]) -> None:
            lists = [whole, *(value for value in inner_values(whole) if isinstance(value, list))]
            entries = self.chance.choice(lists)
            entries += self.chance.choices(entries, k=self.chance.randrange(4)) if entries else []
            self.chance.shuffle(entries)

        return self.rewritten(content, mix, 1)

    def rewritten(self, content: bytes, change: Callable[[list[Any]], None], times: int) -> bytes:
        try:
            text = content.decode(errors="replace")
            try:
                whole, is_lines = [json.loads(text)], False
            except ValueError:
                whole, is_lines = [json.loads(line) for line in text.splitlines()], True
            for _ in range(times):
                change(whole)
            written = [json.dumps(value, ensure_ascii=self.odds(0.5)) for value in whole]
        except (ValueError, RecursionError):
            return self.with_bytes(content)
        text = ("\n" if is_lines or len(written) > 1 else "").join(written)
        text += "\n" if is_lines else ""
        for number, raw in enumerate(RAW):
            text = text.replace(f'"@raw{number}@"', raw)
        return text.replace("@again@", "").encode("utf-8", "surrogatepass")

    def change_value(self, whole: list[Any]) -> None:
        places = list(places_in(whole))
        if not places:
            return
        at, key = self.chance.choice(places)
        match self.chance.randrange(8):
            case 0 | 1:
                at[key] = f"@raw{self.chance.randrange(len(RAW))}@"
            case 2 | 3:
                at[key] = copied(self.chance.choice(STRANGE))
            case 4:
                del at[key]
            case 5:
                other, there = self.chance.choice(places)
                if not is_inside(at[key], other) and not is_inside(other[there], at):
                    at[key], other[there] = other[there], at[key]
            case 6 if isinstance(at, dict):
                # The same name twice, or the value under a name that stood elsewhere.
                names = [k for o, k in places if isinstance(o, dict)]
                name = f"{key}@again@" if self.odds(0.5) else self.chance.choice(names)
                at[name] = copied(self.chance.choice([at[key], None, "x", 5, {}]))
            case 6:
                at.insert(key, copied(at[key]))
            case 7:
                for _ in range(self.chance.choice((1, 5, 100))):
                    at[key] = [at[key]] if self.odds(0.5) else {"content": at[key]}

    def change_link(self, whole: list[Any]) -> None:
        links = [
            (at, key)
            for at, key in places_in(whole)
            if isinstance(at, list) or key.lower().endswith(IDS)
        ]
        ids = [at[key] for at, key in links if isinstance(at[key], str | int)]
        links = [(at, key) for at, key in links if not isinstance(at[key], dict | list)]
        if links and ids:
            at, key = self.chance.choice(links)
            at[key] = self.chance.choice(ids)

    def odds(self, part: float) -> bool:
        return self.chance.random() < part

    # -- tables -----------------------------------------------------------------------------

    def other_table(self, content: bytes) -> bytes:
        """Change the cells and columns of a CSV file, or how it is written."""
        try:
            rows = list(csv.reader(io.StringIO(content.decode(errors="replace"))))
        except csv.Error:
            return self.with_bytes(content)
        for _ in range(self.chance.randint(1, 4)):
            cells = [(row, place) for row in rows for place in range(len(row))]
            if not cells:
                break
            row, place = self.chance.choice(cells)
            match self.chance.randrange(6):
                case 0:
                    row[place] = self.chance.choice(RAW)
                case 1:
                    value = self.chance.choice(STRANGE)
                    row[place] = value if isinstance(value, str) else json.dumps(value)
                case 2:
                    row[place] = self.again(row[place].encode() or b"x").decode(errors="replace")
                case 3:
                    del row[place]
                case 4:
                    row.insert(place, row[place])
                case 5:
                    other, there = self.chance.choice(cells)
                    if there < len(other):
                        row[place], other[there] = other[there], row[place]
        text = io.StringIO()
        dialect = {"delimiter": self.chance.choice(",,,,;\t"), "lineterminator": "\n"}
        csv.writer(text, escapechar="\\", **dialect).writerows(rows)
        return text.getvalue().encode("utf-8", "surrogatepass")

    def other_cells(self, content: bytes) -> bytes:
        """Put other values into a database: of other types, no UTF-8, links in circles."""
        with closing(sqlite3.connect(":memory:")) as db:
            try:
                db.deserialize(content)
                tables = names_in(db, "SELECT name FROM sqlite_master WHERE type = 'table'")
                for _ in range(self.chance.choice((1, 2, 5, 10))):
                    self.change_cell(db, self.chance.choice(tables))
                db.commit()
                return db.serialize()
            except (sqlite3.Error, IndexError, ValueError, OverflowError):
                return self.flipped(content)

    def change_cell(self, db: sqlite3.Connection, table: str) -> None:
        columns = names_in(db, f"SELECT name FROM pragma_table_info('{table}')")
        column, other = self.chance.choice(columns), self.chance.choice(columns)
        values = [v for v in STRANGE if not isinstance(v, dict | list | int) or v in (0, -1)]
        new = self.chance.choice([*values, *RAW[:9], 2**62, b"\xff\0", float("inf")])
        how = self.chance.choice(("?", "?", "CAST(? AS BLOB)", f'"{other}"', "x'00ff'"))
        how = self.chance.choice((how, how, "CAST(x'ff41ed' AS TEXT)", "'a' || char(0) || 'b'"))
        where = self.chance.choice(("", "WHERE rowid = 1"))
        db.execute(
            f'UPDATE OR IGNORE "{table}" SET "{column}" = {how} {where}', [new] * how.count("?")
        )

    def other_tables(self, content: bytes) -> bytes:
        """Drop tables and columns of a database, or make views of them."""
        with closing(sqlite3.connect(":memory:")) as db:
            try:
                db.deserialize(content)
                tables = names_in(db, "SELECT name FROM sqlite_master WHERE type = 'table'")
                table = self.chance.choice(tables)
                columns = names_in(db, f"SELECT name FROM pragma_table_info('{table}')")
                circle = f'CREATE VIEW "{table}" AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL'
                steps = self.chance.choice(
                    (
                        [f'DROP TABLE "{table}"'],
                        [f'ALTER TABLE "{table}" DROP "{self.chance.choice(columns)}"'],
                        [f'DROP TABLE "{table}"', f"{circle} SELECT x + 1 FROM n) SELECT * FROM n"],
                        [f'INSERT INTO "{table}" DEFAULT VALUES'],
                    )
                )
                for step in steps:
                    db.execute(step)
                db.commit()
                return db.serialize()
            except (sqlite3.Error, IndexError, ValueError):
                return self.flipped(content)


def names_in(db: sqlite3.Connection, query: str) -> list[str]:
    return [str(name) for [name] in db.execute(query)]


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield all (object or list, name or position) inside a value."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places_in(value[key])


def inner_values(value: Any) -> Iterator[Any]:
    return (at[key] for at, key in places_in(value))


def is_inside(outer: Any, inner: Any) -> bool:
    return outer is inner or (
        isinstance(outer, dict | list) and any(value is inner for value in inner_values(outer))
    )


def copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


# -- what must hold --------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What became of one file; `problem` is empty if nothing is wrong."""

    seconds: float
    is_found: bool  # some session was stored, or was there already
    problem: str = ""


def checked(path: Path, *, seconds: float) -> Outcome:
    """Import a file and say what is wrong: an exception, silence, or taking too long."""
    entry = importing.begin([path.name])
    started = time.perf_counter()
    problem = ""
    report = None
    try:
        with limited(seconds):
            report = importing.run([path], importing.Options(), entry=entry)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"[:300]
    taken = time.perf_counter() - started
    if taken > seconds:
        problem = f"took {taken:.1f} s"
    if report is None:
        return Outcome(taken, False, problem)
    reasons = [item.reason for item in (*report.skipped_records, *report.failed_records)]
    expected = ImportStatus.DONE if report.found else ImportStatus.FAILED
    if not report.found and not reasons:
        problem = problem or "nothing found, and no word why"
    elif not all(reasons):
        problem = problem or "a reason is empty"
    elif entry.status != expected or not (report.found or entry.error):
        problem = problem or f"{report.found} sessions, but {entry.status} {entry.error!r}"
    return Outcome(taken, bool(report.found), problem)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, where the system knows alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(*_: Any) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


TOTALS = """
    SELECT session.id FROM sessions AS session
    LEFT JOIN messages AS message ON message.session_id = session.id
    GROUP BY session.id
    HAVING total_messages IS NOT COUNT(message.id)
        OR total_input_tokens IS NOT COALESCE(SUM(input_tokens), 0)
        OR total_output_tokens IS NOT COALESCE(SUM(output_tokens), 0)
        OR total_cost_nanos IS NOT COALESCE(SUM(cost_nanos), 0)
        OR total_cost IS NOT COALESCE(SUM(cost_nanos), 0) / 1e9
"""
FAMILIES = """
    SELECT 'message ' || m.id FROM messages AS m JOIN messages AS p ON p.id = m.parent_message_id
    WHERE p.id = m.id
    UNION ALL
    SELECT 'session ' || id FROM sessions WHERE parent_session_id = id
"""


def inconsistencies(file: Path) -> list[str]:
    """Return all that is wrong in a database: damage, links to nowhere, sums, types, circles."""
    found = []
    with closing(sqlite3.connect(file)) as db:
        db.text_factory = bytes
        found += [row[0].decode() for row in db.execute("PRAGMA integrity_check")]
        found.remove("ok") if "ok" in found else None
        found += [f"links to nowhere: {row}" for row in db.execute("PRAGMA foreign_key_check")]
        found += [f"totals of session {id} are not the sums" for [id] in db.execute(TOTALS)]
        found += [f"{name.decode()} is its own parent" for [name] in db.execute(FAMILIES)]
        for table in ("projects", "models", "sessions", "messages", "annotations"):
            found += wrong_types(db, table)
        found += [f"circle through message {id}" for id in in_circles(db, "messages", "message")]
        found += [f"circle through session {id}" for id in in_circles(db, "sessions", "session")]
        db.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
        db.rollback()
    return found


def wrong_types(db: sqlite3.Connection, table: str) -> Iterator[str]:
    """Yield the columns that hold values of another type than they are declared with."""
    for _, name, declared, *_ in db.execute(f"SELECT * FROM pragma_table_info('{table}')"):
        name, declared = name.decode(), declared.decode().lower()
        if declared.startswith(("integer", "bigint", "bool")):
            types = "'integer', 'null'"
        elif declared.startswith("real"):
            types = "'real', 'integer', 'null'"
        else:
            types = "'text', 'null'"
        wrong = f'SELECT typeof("{name}"), COUNT(*) FROM {table} WHERE typeof("{name}") NOT IN'
        for type, count in db.execute(f"{wrong} ({types}) GROUP BY 1"):
            yield f"{table}.{name} ({declared}) is {type.decode()} in {count} rows"
        if types.startswith("'text'"):
            for [id, text] in db.execute(
                f'SELECT id, "{name}" FROM {table} WHERE "{name}" IS NOT NULL'
            ):
                if isinstance(text, bytes) and not is_utf8(text):
                    yield f"{table}.{name} is no UTF-8 in row {id}"


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def in_circles(db: sqlite3.Connection, table: str, name: str) -> list[int]:
    """Return the rows from which the links to parents never end."""
    query = f"SELECT id, parent_{name}_id FROM {table} WHERE parent_{name}_id IS NOT NULL"
    parents = dict(db.execute(query).fetchall())
    ends: set[int] = set()
    circles = []
    for id in parents:
        seen: dict[int, None] = {}
        at = id
        while at in parents and at not in ends and at not in seen:
            seen[at] = None
            at = parents[at]
        circles += [id] if at in seen else []
        ends.update(seen)
    return circles
