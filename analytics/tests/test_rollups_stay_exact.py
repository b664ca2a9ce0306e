"""Thousands of random changes by two programs; then every sum is what the rows add up to."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from analytics import rollups

BERLIN = ZoneInfo("Europe/Berlin")
# Around both changes of the clocks, at the ends of days, and far away.
START = datetime(2026, 3, 28, 21, tzinfo=UTC)
TIMES = st.one_of(
    st.integers(0, 60 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
    st.integers(0, 60 * 8).map(
        lambda minutes: datetime(2026, 10, 24, 21, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.just(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
).map(lambda time: time.strftime("%Y-%m-%d %H:%M:%S.%f"))
TOKENS = st.none() | st.integers(0, 10**9)
COSTS = st.none() | st.integers(0, 10**15).map(lambda nanos: nanos / 1e9)
LATENCIES = st.none() | st.integers(0, 300) | st.integers(0, 10**10)
ROLES = st.sampled_from(["user", "assistant", "tool"])
NAMES = st.sampled_from(["Read", "Bash", "grep"])
CALLS = st.one_of(
    st.none(),
    st.lists(st.builds(lambda name: {"name": name}, NAMES), max_size=3),
    st.builds(lambda name: [{"function": {"name": name}}, "odd", {"id": 1}], NAMES),
    st.just({"name": "not a list"}),
).map(lambda calls: None if calls is None else json.dumps(calls))
TAGS = st.one_of(
    st.lists(st.sampled_from(["hot", "cold", "hot", "", "ünï"]), max_size=3),
    st.just({"no": "list"}),
    st.just(["hot", 7, None, "\ufffd"]),
).map(json.dumps)
KEYS = st.none() | st.integers(1, 3)
METADATA = st.sampled_from(["{}", '{"is_error": true}', '{"is_error": false}', "[]"])
SUMMED = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_5m_tokens",
          "cache_write_1h_tokens", "reasoning_tokens", "cost_nanos")  # fmt: skip


def machine(template: Path) -> type[RuleBasedStateMachine]:
    class Writers(RuleBasedStateMachine):
        """Two connections, one with foreign keys and one without, change the same file."""

        sessions = Bundle("sessions")
        messages = Bundle("messages")
        changes = 0

        def __init__(self):
            super().__init__()
            self.folder = tempfile.TemporaryDirectory()
            self.file = shutil.copy(template, Path(self.folder.name, "random.db"))
            self.connections = [sqlite3.connect(self.file, isolation_level=None) for _ in range(2)]
            for number, connection in enumerate(self.connections):
                connection.execute(f"PRAGMA foreign_keys = {number}")
                connection.execute("PRAGMA synchronous = OFF")
            self.number = 0
            for number in (1, 2, 3):
                self.execute("INSERT INTO projects (id, name) VALUES (?, ?)", number, f"p{number}")
                self.execute(
                    "INSERT INTO models (id, provider, model_name) VALUES (?, 'acme', ?)",
                    number, f"m{number}",
                )  # fmt: skip

        def execute(self, sql, *parameters):
            Writers.changes += 1
            self.number += 1
            return self.connections[self.number % 2].execute(sql, parameters)

        @rule(
            target=sessions, project=KEYS, model=KEYS, tags=TAGS, time=TIMES, end=TIMES | st.none()
        )
        def add_session(self, project, model, tags, time, end):
            return self.execute(
                "INSERT INTO sessions (session_uuid, project_id, model_id, tags, source,"
                " started_at, completed_at, status) VALUES (hex(randomblob(16)),"
                " (SELECT id FROM projects WHERE id = ?), (SELECT id FROM models WHERE id = ?),"
                " ?, ?, ?, ?, ?)",
                project, model, tags, "chatgpt" if self.number % 3 else "", time, end,
                "failed" if self.number % 5 == 0 else "active",
            ).lastrowid  # fmt: skip

        @rule(
            target=messages, session=sessions, model=KEYS, role=ROLES, time=TIMES, tokens=TOKENS,
            output=TOKENS, cost=COSTS, latency=LATENCIES, calls=CALLS, metadata=METADATA,
        )  # fmt: skip
        def add_message(
            self, session, model, role, time, tokens, output, cost, latency, calls, metadata
        ):
            return self.execute(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, model_id,"
                " timestamp, input_tokens, cache_read_tokens, output_tokens, reasoning_tokens,"
                " cost, latency_ms, tool_calls, metadata, finish_reason, error_message,"
                " cost_basis_id) SELECT hex(randomblob(16)), id, ?, ?,"
                " (SELECT id FROM models WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
                " FROM sessions WHERE id = ?",
                self.number, role, model, time, tokens, tokens, output, output, cost, latency,
                calls, metadata, ("", "stop", "length")[self.number % 3],
                "boom" if self.number % 7 == 0 else "",
                (None, 1, 3, 4)[self.number % 4], session,
            ).lastrowid  # fmt: skip

        @rule(message=messages, tokens=TOKENS, output=TOKENS, cost=COSTS, latency=LATENCIES)
        def change_usage(self, message, tokens, output, cost, latency):
            self.execute(
                "UPDATE messages SET input_tokens = ?, output_tokens = ?, cost = ?, latency_ms = ?"
                " WHERE id = ?",
                tokens, output, cost, latency, message,
            )  # fmt: skip

        @rule(message=messages, role=ROLES, model=KEYS, time=TIMES, calls=CALLS, metadata=METADATA)
        def change_message(self, message, role, model, time, calls, metadata):
            self.execute(
                "UPDATE messages SET role = ?, model_id = (SELECT id FROM models WHERE id = ?),"
                " timestamp = ?, tool_calls = ?, metadata = ?, finish_reason = ?,"
                " error_message = ? WHERE id = ?",
                role, model, time, calls, metadata, "stop" if self.number % 2 else "",
                "boom" if self.number % 3 else "", message,
            )  # fmt: skip

        @rule(session=sessions, project=KEYS, model=KEYS, tags=TAGS, time=TIMES)
        def change_session(self, session, project, model, tags, time):
            self.execute(
                "UPDATE sessions SET project_id = (SELECT id FROM projects WHERE id = ?),"
                " model_id = (SELECT id FROM models WHERE id = ?), tags = ?, started_at = ?"
                " WHERE id = ?",
                project, model, tags, time, session,
            )  # fmt: skip

        @rule(session=sessions, end=TIMES | st.none())
        def complete(self, session, end):
            self.execute(
                "UPDATE sessions SET completed_at = ?, status = ?, source = ? WHERE id = ?",
                end, "completed" if end else "failed", "demo" if self.number % 2 else "", session,
            )  # fmt: skip

        @rule(session=sessions)
        def move_to_trash(self, session):
            self.execute(
                "UPDATE sessions SET deleted_at = CASE WHEN deleted_at IS NULL"
                " THEN CURRENT_TIMESTAMP END WHERE id = ?",
                session,
            )

        @rule(message=messages, session=sessions)
        def move(self, message, session):
            self.execute(
                "UPDATE OR IGNORE messages SET session_id = ?, sequence_number = ? WHERE id = ?"
                " AND EXISTS (SELECT 1 FROM sessions WHERE id = ?)",
                session, self.number % 5, message, session,
            )  # fmt: skip

        @rule(message=consumes(messages))
        def delete_message(self, message):
            self.execute("DELETE FROM messages WHERE id = ?", message)

        @rule(session=consumes(sessions))
        def delete_session(self, session):
            self.execute("DELETE FROM sessions WHERE id = ?", session)

        @rule(key=st.integers(1, 3), table=st.sampled_from(["projects", "models"]))
        def delete_what_sessions_refer_to(self, key, table):
            if self.number % 3 == 0:
                self.execute(f"DELETE FROM {table} WHERE id = ?", key)

        @rule(cost=COSTS)
        def change_many(self, cost):
            self.execute("UPDATE messages SET cost = ? WHERE id % 3 = 0", cost)
            self.execute("UPDATE sessions SET project_id = NULL WHERE id % 4 = 0")

        @rule(cost=COSTS)
        def take_back(self, cost):
            """A transaction that is rolled back leaves nothing behind."""
            connection = self.connections[self.number % 2]
            connection.execute("BEGIN IMMEDIATE")
            self.number += 2
            connection.execute("UPDATE messages SET cost = ?", [cost])
            connection.execute("DELETE FROM sessions WHERE id % 2 = 1")
            connection.execute("ROLLBACK")

        @invariant()
        def rollups_are_right(self):
            connection = self.connections[0]
            for table, counted in expected(connection).items():
                keys, width = counted
                kept = {
                    row[:width]: row[width:]
                    for row in connection.execute(f"SELECT * FROM {table}")
                    if any(row[width:])
                }
                assert kept == keys, table
            for table in ("rollup_message_changes", "rollup_session_changes"):
                assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)

        def teardown(self):
            for connection in self.connections:
                connection.close()
            self.folder.cleanup()

    return Writers


def rows(connection: sqlite3.Connection, table: str) -> list[dict]:
    cursor = connection.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(text: str) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(BERLIN)
    return (local.date() - datetime(1970, 1, 1).date()).days


def week(day: int) -> int:
    """Return how many Mondays have been since 1970, the one before it included."""
    monday = datetime(1969, 12, 29).date()
    return (datetime(1970, 1, 1).date() + timedelta(days=day) - monday).days // 7


def low(value: int) -> int:
    return rollups.LOWS[bisect_right(rollups.LOWS, value) - 1]


def tags_of(session: dict) -> set[str]:
    tags = json.loads(session["tags"])
    names = tags if isinstance(tags, list) else []
    return {""} | {name for name in names if isinstance(name, str) and "\ufffd" not in name}


def tools_of(message: dict) -> list[str]:
    calls = json.loads(message["tool_calls"] or "[]")
    return [
        call.get("name") or call.get("function", {}).get("name", "")
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, dict)
    ]


def expected(connection: sqlite3.Connection) -> dict[str, tuple[dict, int]]:
    """Return what each roll-up must hold, added up in Python, and how many columns are its key."""
    sums: dict[str, dict[tuple, list[int]]] = {
        name: {}
        for name in (
            *("rollup_days", "rollup_day_facets", "rollup_hours", "rollup_hour_facets"),
            *("rollup_sessions", "rollup_session_facets"),
        )
    }
    histograms, weeks, projects = Counter(), Counter(), Counter()
    tools, finishes = Counter(), Counter()

    def add(table: str, key: tuple, values: list) -> None:
        held = sums[table].setdefault(key, [0] * len(values))
        sums[table][key] = [a + int(b or 0) for a, b in zip(held, values, strict=True)]

    sessions = {row["id"]: row for row in rows(connection, "sessions") if not row["deleted_at"]}
    for message in rows(connection, "messages"):
        session = sessions.get(message["session_id"])
        if session is None:
            continue
        model = message["model_id"] or session["model_id"] or 0
        project, source = session["project_id"] or 0, session["source"]
        tokens, output = message["input_tokens"], message["output_tokens"]
        basis, latency = message["cost_basis_id"] or 0, message["latency_ms"]
        unpriced = message["cost"] is None and (
            (tokens or 0) > 0 or (output or 0) > 0 or basis == 3
        )
        metadata = json.loads(message["metadata"])
        failed = isinstance(metadata, dict) and metadata.get("is_error") is True
        error = bool(message["error_message"]) or (message["role"] == "tool" and failed)
        at, on = seconds(message["timestamp"]), day(message["timestamp"])
        nanos = None if message["cost"] is None else round(message["cost"] * 1e9)
        assert nanos == message["cost_nanos"]
        tail = [nanos, unpriced, error, latency is not None, latency]
        of_day = [1, *(message[name] for name in SUMMED[:-1]), *tail,
                  output if latency else 0, latency if output is not None else 0]  # fmt: skip
        of_hour = [1, tokens, output, *tail]
        role, hour = message["role"], at // 3600
        for tag in tags_of(session):
            add("rollup_days", (tag, on, model, project, source, role, basis), of_day)
            for facet, one, other in (
                ("source", source, 0),
                ("project_id", project, 0),
                ("model_id, role", model, role),
                ("model_id, basis_id", model, basis),
                ("project_id, model_id", project, model),
            ):
                add("rollup_day_facets", (tag, facet, on, one, other), of_day)
            add("rollup_hours", (tag, hour, model, project, source), of_hour)
            for facet, one in (("", 0), ("model_id", model), ("project_id", project)):
                add("rollup_hour_facets", (tag, facet, hour, one), of_hour)
        if latency is not None:
            histograms["latency_ms", on, model, low(latency)] += 1
            weeks["latency_ms", week(on), model, low(latency)] += 1
            projects["latency_ms", project, on, model, low(latency)] += 1
        for tool in tools_of(message):
            tools[project, on, model, tool] += 1
            tools[-1, on, model, tool] += 1
        if message["finish_reason"]:
            finishes[project, on, model, message["finish_reason"]] += 1
            finishes[-1, on, model, message["finish_reason"]] += 1
    for session in sessions.values():
        on, model = day(session["started_at"]), session["model_id"] or 0
        project = session["project_id"] or 0
        for tag in tags_of(session):
            key = (tag, on, model, project, session["source"])
            counts = [1, session["status"] == "failed"]
            add("rollup_sessions", key, counts)
            for facet, one in (
                ("source", session["source"]),
                ("model_id", model),
                ("project_id", project),
            ):
                add("rollup_session_facets", (tag, facet, on, one), counts)
        values = {
            "tokens": session["total_input_tokens"] + session["total_output_tokens"] or -1,
            "cost_nanos": session["total_cost_nanos"] or -1,
            "seconds": seconds(session["completed_at"]) - seconds(session["started_at"])
            if session["completed_at"]
            else -1,
        }
        for metric, value in values.items():
            if value >= 0:
                histograms[metric, on, model, low(value)] += 1
                weeks[metric, week(on), model, low(value)] += 1
                projects[metric, project, on, model, low(value)] += 1
    counted = {
        "rollup_histograms": histograms,
        "rollup_histogram_weeks": weeks,
        "rollup_project_histograms": projects,
        "rollup_tools": tools,
        "rollup_finishes": finishes,
    }
    return {
        table: ({key: tuple(row) for key, row in held.items() if any(row)}, width)
        for (table, held), width in zip(sums.items(), (7, 5, 5, 4, 5, 4), strict=True)
    } | {
        table: ({key: (count,) for key, count in held.items()}, width)
        for (table, held), width in zip(counted.items(), (4, 4, 5, 4, 4), strict=True)
    }


def in_berlin(template: Path, folder: Path) -> Path:
    """Return a copy of an empty database whose days are those of Berlin."""
    file = Path(shutil.copy(template, folder / "berlin.db"))
    connection = sqlite3.connect(file)
    connection.execute("DELETE FROM rollup_zone")
    connection.executemany(
        "INSERT INTO rollup_zone VALUES (?, ?, 'Europe/Berlin')", rollups.offsets(BERLIN)
    )
    connection.commit()
    connection.close()
    return file


def test_rollups_are_exact_after_thousands_of_random_changes(empty_database, tmp_path):
    writers = machine(in_berlin(empty_database, tmp_path))
    run_state_machine_as_test(
        writers,
        settings=settings(
            max_examples=25,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert writers.changes >= 1_000
