#!/usr/bin/env python3
"""Measure an import beside the raw limit of SQLite, in one run.

    python benchmarks/import.py --messages 1000000 --sessions 100000

The raw limit is what plain `sqlite3` needs to write the same rows with the same indexes and the
same search indexes in chunks of 10,000, read from memory: no parsing, no look-ups, no identity.
What the roll-ups cost is found by the same import into another file without them. Also timed, on
the database that the import made: listing sessions, reading a conversation, adding a message,
through `SessionManager`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sessionsite.settings")
django.setup()

from conversations.search.sqlite import indexing  # noqa: E402
from conversations.search.text import is_unspaced  # noqa: E402

CHUNK = 10_000
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-16000")
COLUMNS = {
    "sessions": "id, session_uuid, project_id, title, model_id, system_prompt, status, started_at,"
    " completed_at, tags, metadata, source, external_id, parent_external_id",
    "messages": "id, message_uuid, session_id, parent_message_id, sequence_number, role, content,"
    " content_type, model_id, timestamp, input_tokens, output_tokens, cache_read_tokens,"
    " cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, cost, latency_ms,"
    " finish_reason, tool_calls, error_message, metadata, external_id, is_active_path,"
    " is_hidden, is_sidechain, cost_basis_id",
}

WITHOUT_ROLLUPS = """
import sys
import django
django.setup()
from django.core.management import call_command
from conversations import bulk
bulk.keepers.clear()
call_command("import", sys.argv[1], verbosity=0)
"""


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which the program works on a database in `folder`."""
    folder.mkdir(exist_ok=True)
    return {
        **os.environ,
        "SESSIONS_DATA": str(folder / "data"),
        "DATABASE_URL": f"sqlite:///{folder / 'import.db'}",
    }


def run(*command: str, folder: Path) -> dict[str, float]:
    """Run a command of the program; return its wall and CPU seconds and its peak memory in MB."""
    os.sync()  # what others have written is not flushed at this one's cost
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment(folder), stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:2])} ended with {process.returncode}")
    return {
        "wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "memory_mb": used.ru_maxrss / 1024
    }  # fmt: skip


def raw_limit(source: Path, empty: Path) -> dict[str, float]:
    """Write the rows of `source` into the empty database with plain sqlite3, chunk by chunk."""
    wall = cpu = 0.0
    marks = {table: ", ".join("?" * len(names.split(","))) for table, names in COLUMNS.items()}
    with closing(sqlite3.connect(source)) as rows, closing(sqlite3.connect(empty)) as raw:
        raw.isolation_level = None
        for pragma in PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")
        for name in triggers(raw):
            raw.execute(f"DROP TRIGGER {name}")
        for table in ("models", "projects"):
            copy_table(rows, raw, table)
        last_session = 0
        for chunk in chunks(rows):
            sessions = rows.execute(
                f"SELECT {COLUMNS['sessions']} FROM sessions WHERE id > ? AND id <= ?",
                [last_session, max(row[2] for row in chunk)],
            ).fetchall()
            last_session = max([last_session, *(row[0] for row in sessions)])
            extras = rows.execute(
                "SELECT * FROM search_extras WHERE document BETWEEN ? AND ?",
                (chunk[0][0], chunk[-1][0]),
            ).fetchall()
            unspaced = [(row[0], row[6] + "\n\n") for row in chunk if is_unspaced(row[6])]
            started, used = time.perf_counter(), time.process_time()
            raw.execute("BEGIN IMMEDIATE")
            for table, values in (("sessions", sessions), ("messages", chunk)):
                raw.executemany(
                    f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({marks[table]})", values
                )
            span = (chunk[0][0], chunk[-1][0])
            raw.execute(
                "UPDATE sessions SET total_messages = n, total_input_tokens = i,"
                " total_output_tokens = o, total_cost_nanos = c"
                " FROM (SELECT session_id, COUNT(*) n, TOTAL(input_tokens) i,"
                " TOTAL(output_tokens) o, TOTAL(cost_nanos) c FROM messages"
                " WHERE id BETWEEN ? AND ? GROUP BY 1) t WHERE t.session_id = sessions.id",
                span,
            )
            raw.executemany("INSERT INTO search_extras VALUES (?, ?, ?)", extras)
            for sql in indexing_sql("messages"):
                raw.execute(sql, span)
            raw.executemany("INSERT INTO unspaced_fts (rowid, text) VALUES (?, ?)", unspaced)
            if sessions:
                raw.execute(indexing_sql("sessions")[0], (sessions[0][0], sessions[-1][0]))
            raw.execute("COMMIT")
            wall += time.perf_counter() - started
            cpu += time.process_time() - used
    return {"wall_s": wall, "cpu_s": cpu}


def triggers(db: sqlite3.Connection) -> list[str]:
    """Return the names of the triggers that the raw limit does without."""
    return [
        name
        for [name] in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            " AND tbl_name IN ('messages', 'sessions')"
        )
    ]


def indexing_sql(table: str) -> list[str]:
    """Return the statements that index rows of `table` by words and by symbols."""
    symbols = indexing.SYMBOLS.format(texts=indexing.INDEXED_TEXT[table])
    return [sql.replace("%s", "?") for sql in (indexing.WORDS[table], symbols)]


def copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> None:
    rows = source.execute(f"SELECT * FROM {table}").fetchall()
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def chunks(rows: sqlite3.Connection) -> Iterator[list[tuple]]:
    cursor = rows.execute(f"SELECT {COLUMNS['messages']} FROM messages ORDER BY id")
    while chunk := cursor.fetchmany(CHUNK):
        yield chunk


def latencies(call: Callable[[int], object], count: int) -> str:
    """Return median and 95th percentile of `count` calls, in milliseconds."""
    times = []
    for number in range(count):
        started = time.perf_counter()
        call(number)
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return f"p50 {statistics.median(times):.2f} ms, p95 {times[int(count * 0.95)]:.2f} ms"


def api_latencies(file: Path) -> dict[str, str]:
    """Time the calls of `SessionManager` that people wait for."""
    from session_manager import SessionManager

    with SessionManager(file) as db, closing(sqlite3.connect(file)) as plain:
        uuids = [
            uuid
            for [uuid] in plain.execute(
                "SELECT session_uuid FROM sessions ORDER BY substr(session_uuid, 5) LIMIT 500"
            )
        ]
        text = "A message of the usual length. " * 45
        return {
            "list_sessions(20)": latencies(lambda _: db.list_sessions(20), 200),
            "list_sessions(100)": latencies(lambda _: db.list_sessions(100), 100),
            "get_session": latencies(lambda n: db.get_session(uuids[n]), 200),
            "get_conversation": latencies(lambda n: db.get_conversation(uuids[n]), 500),
            "add_message": latencies(lambda n: db.add_message(uuids[n], "user", text), 500),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--logs", type=Path, help="a folder that generate.py has written")
    parser.add_argument("--keep", type=Path, help="keep the imported database under this name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="import-benchmark-") as name:
        folder = Path(name)
        logs = options.logs or folder / "logs"
        if options.logs is None:
            subprocess.run(
                [sys.executable, ROOT / "benchmarks" / "generate.py", logs,
                 "--messages", str(options.messages), "--sessions", str(options.sessions)],
                check=True,
            )  # fmt: skip
        run("session_db_setup.py", "init", folder=folder)
        shutil.copy(folder / "import.db", folder / "raw.db")
        imported = run("manage.py", "import", str(logs), "-v", "0", folder=folder)
        bare = folder / "bare"
        run("session_db_setup.py", "init", folder=bare)
        without = run("-c", WITHOUT_ROLLUPS, str(logs), folder=bare)
        shutil.rmtree(bare)
        raw = raw_limit(folder / "import.db", folder / "raw.db")
        again = run("manage.py", "import", str(logs), "-v", "0", folder=folder)
        with closing(sqlite3.connect(folder / "import.db")) as db:
            [messages] = db.execute("SELECT COUNT(*) FROM messages").fetchone()
        result = {
            "messages": messages,
            "database_mb": round((folder / "import.db").stat().st_size / 1e6),
            "import": rounded(imported, messages),
            "import_without_rollups": rounded(without, messages),
            "rollups_cost_cpu": f"{imported['cpu_s'] / without['cpu_s'] - 1:.1%}",
            "rollups_cost_wall": f"{imported['wall_s'] / without['wall_s'] - 1:.1%}",
            "raw": rounded(raw, messages),
            "ratio_cpu": round(imported["cpu_s"] / raw["cpu_s"], 2),
            "ratio_wall": round(imported["wall_s"] / raw["wall_s"], 2),
            "import_again": rounded(again, messages),
            "api": api_latencies(folder / "import.db"),
        }
        print(json.dumps(result, indent=2))
        if options.keep:
            shutil.move(folder / "import.db", options.keep)


def rounded(measured: dict[str, float], messages: int) -> dict[str, float]:
    """Return the figures for printing, with rows per CPU second."""
    return {
        **{name: round(value, 1) for name, value in measured.items()},
        "rows_per_cpu_s": round(messages / measured["cpu_s"]),
    }


if __name__ == "__main__":
    main()
