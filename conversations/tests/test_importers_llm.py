"""The log of the command llm becomes sessions, from the tables before 0.32, after it, or both."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conversations.importers import find, llm_logs, read
from conversations.importers.reading.files import PlainFile
from conversations.importers.records import Rejected, SessionRecord, Skipped

TIME = "2026-03-01T10:00:0{}+00:00"

OLDER = """
    CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
    CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
        prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT,
        conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT, input_tokens INTEGER,
        output_tokens INTEGER, token_details TEXT, schema_id TEXT, resolved_model TEXT,
        reasoning TEXT);
    CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
    CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
    CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
    CREATE TABLE tool_responses (tool_id INTEGER, response_id TEXT);
    CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT,
        arguments TEXT, tool_call_id TEXT);
    CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER,
        name TEXT, output TEXT, tool_call_id TEXT, instance_id INTEGER, exception TEXT);
"""
SHARED = """
    CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
    CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT, source TEXT);
    CREATE TABLE schemas (id TEXT PRIMARY KEY, content TEXT);
    CREATE TABLE tools (id INTEGER PRIMARY KEY, name TEXT);
"""
NEWER = """
    CREATE TABLE threads (id TEXT PRIMARY KEY, name TEXT, tip_message_hash TEXT, forked_from TEXT,
        datetime_utc TEXT);
    CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT,
        tip_message_hash TEXT, model TEXT, resolved_model TEXT, options_json TEXT, schema_id TEXT,
        input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, duration_ms INTEGER,
        datetime_utc TEXT, response_json TEXT);
    CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT,
        provider_metadata TEXT);
    CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT,
        tool_name TEXT, text TEXT, payload TEXT);
    CREATE TABLE turn_tools (turn_id TEXT, tool_id INTEGER);
"""


class Log:
    """A database to be read, which is written row by row."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {schema} COMMIT")

    def add(self, table: str, **row: Any) -> None:
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()]
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)

    def response(self, id: str, prompt: str = "Hm?", response: str = "Yes.", **row: Any) -> None:
        number = self.connection.execute("SELECT count(*) FROM responses").fetchone()[0]
        row = {
            "model": "gpt-4o-mini",
            "conversation_id": "c1",
            "duration_ms": 1500,
            "datetime_utc": TIME.format(number),
        } | row
        self.add("responses", id=id, prompt=prompt, response=response, **row)

    def message(self, hash: str, parent: str | None, role: str, *parts: Any) -> None:
        """A message of parts: text, or (type, payload)."""
        self.add("messages", hash=hash, parent_hash=parent, role=role)
        for position, part in enumerate(parts):
            row = {"message_hash": hash, "position": position}
            if isinstance(part, str):
                self.add("parts", type="text", text=part, **row)
            else:
                self.add("parts", type=part[0], payload=part[1], **row)

    def turn(self, id: str, sent: str | None, tip: str, thread: str = "t1", **row: Any) -> None:
        number = self.connection.execute("SELECT count(*) FROM turns").fetchone()[0]
        row = {"model": "gpt-4o-mini", "datetime_utc": TIME.format(number)} | row
        self.add(
            "turns", id=id, thread_id=thread, parent_message_hash=sent, tip_message_hash=tip, **row
        )

    def items(self) -> list[Any]:
        return list(llm_logs.read([PlainFile(self.path, self.path.stat().st_size)]))

    def session(self) -> SessionRecord:
        [session] = self.items()
        assert isinstance(session, SessionRecord), session
        return session


@pytest.fixture
def log(tmp_path):
    found = Log(tmp_path / "logs.db", OLDER + SHARED + NEWER)
    yield found
    found.connection.close()


def said(session: SessionRecord) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in session.messages]


# -- the tables before 0.32 ------------------------------------------------------------------------


def test_a_response_is_a_question_and_an_answer(log):
    log.add("conversations", id="c1", name="Kettles", model="gpt-4o-mini")
    log.response(
        "r1",
        system="Be brief.",
        resolved_model="gpt-4o-mini-2024-07-18",
        options_json={"temperature": 0.5},
        response_json={"id": "x", "content": "Yes.", "finish_reason": "stop"},
        input_tokens=12,
        output_tokens=3,
        token_details={"prompt_tokens_details": {"cached_tokens": 8}},
    )
    session = log.session()
    system, user, answer = session.messages
    assert (session.external_id, session.title) == ("c1", "Kettles")
    assert session.place == f"{log.path}, conversation c1"
    assert session.system_prompt == "Be brief."
    assert session.started_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert said(session) == [("system", "Be brief."), ("user", "Hm?"), ("assistant", "Yes.")]
    assert [m.key for m in session.messages] == ["c1/r1/system", "c1/r1/prompt", "c1/r1"]
    assert [user.parent_key, answer.parent_key] == [system.key, user.key]
    assert (answer.provider, answer.model) == ("openai", "gpt-4o-mini-2024-07-18")
    assert (answer.input_tokens, answer.output_tokens, answer.cache_read_tokens) == (12, 3, 8)
    assert (answer.latency_ms, answer.finish_reason) == (1500, "stop")
    assert answer.metadata["extra"] == {
        "requested_model": "gpt-4o-mini",
        "options": {"temperature": 0.5},
        "response": {"id": "x"},
    }


def test_a_conversation_reads_on_and_repeats_no_system_prompt(log):
    log.response("r1", "One?", system="Be brief.")
    log.response("r2", "Two?", system="Be brief.")
    log.response("r3", "Three?", system="Be long.")
    session = log.session()
    assert [m.content for m in session.messages if m.role != "assistant"] == [
        *("Be brief.", "One?", "Two?", "Be long.", "Three?")
    ]
    assert session.title == "One?"
    keys = [m.key for m in session.messages]
    assert [m.parent_key for m in session.messages] == [None, *keys[:-1]]


def test_a_response_outside_any_conversation_is_a_session_of_its_own(log):
    log.response("r1", conversation_id=None)
    assert log.session().external_id == "r1"


def test_what_a_tool_gave_back_stands_between_its_call_and_the_next_answer(log):
    log.response("r1", "Boil", "")
    log.add("tools", id=1, name="kettle")
    log.add("tool_responses", tool_id=1, response_id="r1")
    log.add("tool_calls", response_id="r1", name="kettle", arguments={"l": 1}, tool_call_id="k1")
    log.response("r2", "", "Done.")
    log.add(
        "tool_results",
        response_id="r2",
        name="kettle",
        output="Error: dry",
        tool_call_id="k1",
        exception="ValueError: dry",
    )
    _, call, result, answer = log.session().messages
    assert call.content_type == "tool_call"
    assert call.tool_calls == [{"id": "k1", "name": "kettle", "arguments": {"l": 1}}]
    assert call.metadata["extra"]["tools"] == ["kettle"]
    assert (result.role, result.content_type) == ("tool", "tool_result")
    assert result.metadata["tool_call_ids"] == ["k1"]
    assert result.metadata["is_error"] is True
    assert result.error_message == "ValueError: dry"
    assert answer.content == "Done."


def test_fragments_come_before_the_prompt_and_attachments_without_bytes(log):
    log.response("r1", "Sum it up", system="Be brief.")
    log.add("fragments", id=1, hash="h1", content="A long book", source="book.txt")
    log.add("fragments", id=2, hash="h2", content="Rules ", source=None)
    log.add("prompt_fragments", response_id="r1", fragment_id=1, order=0)
    log.add("system_fragments", response_id="r1", fragment_id=2, order=0)
    log.add("attachments", id="abc", type="image/png", path="/x/cup.png", content=b"\x89PNG")
    log.add("attachments", id="def", type="audio/wav", url="https://example.org/a.wav?x")
    log.add("prompt_attachments", response_id="r1", attachment_id="abc", order=1)
    log.add("prompt_attachments", response_id="r1", attachment_id="def", order=0)
    system, user, _ = log.session().messages
    assert system.content == "Rules\n\nBe brief."
    assert user.content == "A long book\nSum it up"
    assert user.metadata["extra"]["fragments"] == [{"hash": "h1", "source": "book.txt"}]
    sound, picture = user.metadata["attachments"]
    assert (sound["type"], sound["pointer"]) == ("audio", "https://example.org/a.wav?x")
    assert "sha256" not in sound
    assert picture == {
        **{"type": "image", "media_type": "image/png", "name": "cup.png"},
        **{"pointer": "/x/cup.png", "size": 4, "sha256": "abc"},
    }


def test_thoughts_stand_beside_the_answer(log):
    log.response("r1", reasoning="Water boils.")
    assert log.session().messages[-1].metadata["thinking"] == ["Water boils."]


def test_a_schema_is_kept(log):
    log.add("schemas", id="s", content={"type": "object"})
    log.response("r1", schema_id="s")
    assert log.session().messages[-1].metadata["extra"]["schema"] == {"type": "object"}


def test_an_old_table_lacks_columns_and_tables(tmp_path):
    log = Log(
        tmp_path / "old.db",
        """CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
            response TEXT, response_json TEXT, conversation_id TEXT, datetime_utc TEXT,
            duration_ms INTEGER);""",
    )
    usage = {"prompt_tokens": 9, "completion_tokens": 2}
    log.response("r1", response_json={"usage": usage})
    session = log.session()
    assert said(session) == [("user", "Hm?"), ("assistant", "Yes.")]
    assert (session.messages[1].input_tokens, session.messages[1].output_tokens) == (9, 2)


def test_the_table_before_0_4_is_read_too(tmp_path):
    log = Log(
        tmp_path / "oldest.db",
        """CREATE TABLE logs (id INTEGER PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
            response TEXT, chat_id INTEGER, datetime_utc TEXT);""",
    )
    for id, chat_id in ((1, None), (2, None), (3, 1)):
        log.add("logs", id=id, model="gpt-4", prompt=f"{id}?", response=f"{id}!", chat_id=chat_id)
    first, second = log.items()
    assert (first.external_id, second.external_id) == ("logs/1", "logs/2")
    assert [m.content for m in first.messages] == ["1?", "1!", "3?", "3!"]


# -- tokens and models -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "generated", "details", "expected"),
    [
        (None, None, None, (None, None, None, None)),
        (5, 0, None, (5, 0, None, None)),
        (5, 7, {"completion_tokens_details": {"reasoning_tokens": 4}}, (5, 7, None, 4)),
        (5, 7, {"input_tokens_details": {"cached_tokens": 3}}, (5, 7, 3, None)),
        # Anthropic counts what was cached beside the input.
        (
            *(5, 7, {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}),
            (125, 7, 100, None),
        ),
        # The plugin for Gemini has added the thoughts, an older one had not.
        (5, 7, {"candidatesTokenCount": 3, "thoughtsTokenCount": 4}, (5, 7, None, 4)),
        (5, 3, {"thoughtsTokenCount": 4}, (5, 7, None, 4)),
        (5, 4, {"thoughtsTokenCount": 4}, (5, 4, None, 4)),
        (50, 4, {"cachedContentTokenCount": 30}, (50, 4, 30, None)),
    ],
)
def test_each_plugin_counts_tokens_in_its_own_words(log, sent, generated, details, expected):
    log.response("r1", input_tokens=sent, output_tokens=generated, token_details=details)
    answer = log.session().messages[-1]
    found = (answer.input_tokens, answer.output_tokens)
    assert (*found, answer.cache_read_tokens, answer.reasoning_tokens) == expected


@pytest.mark.parametrize(
    ("alias", "resolved", "provider", "model"),
    [
        ("gpt-4o", None, "openai", "gpt-4o"),
        ("claude-opus-4", "claude-opus-4-0", "anthropic", "claude-opus-4-0"),
        ("anthropic/claude-opus-4-0", None, "anthropic", "claude-opus-4-0"),
        ("gemini/gemini-2.5-pro", None, "google", "gemini-2.5-pro"),
        ("openrouter/qwen/qwen3", None, "openrouter", "qwen/qwen3"),
        ("mine", None, "", "mine"),
    ],
)
def test_the_name_of_a_model_tells_its_provider(log, alias, resolved, provider, model):
    log.response("r1", model=alias, resolved_model=resolved)
    answer = log.session().messages[-1]
    assert (answer.provider, answer.model) == (provider, model)


# -- the tables since 0.32 -------------------------------------------------------------------------


@pytest.fixture
def thread(log):
    """A thread of two turns."""
    log.message("m1", None, "user", "One?")
    log.message("m2", "m1", "assistant", "1!")
    log.message("m3", "m2", "user", "Two?")
    log.message("m4", "m3", "assistant", "2!")
    log.add("threads", id="t1", name="Counting", tip_message_hash="m4")
    log.turn("n1", "m1", "m2", input_tokens=5, output_tokens=1, duration_ms=0)
    log.turn("n2", "m3", "m4", input_tokens=9, output_tokens=1, duration_ms=20)
    return log


def test_a_thread_is_the_chain_up_from_its_tip(thread):
    session = thread.session()
    assert (session.external_id, session.title) == ("t1", "Counting")
    assert said(session) == [
        *(("user", "One?"), ("assistant", "1!"), ("user", "Two?"), ("assistant", "2!"))
    ]
    assert [m.key for m in session.messages] == ["t1/m1", "t1/m2", "t1/m3", "t1/m4"]
    assert [m.input_tokens for m in session.messages] == [None, 5, None, 9]
    assert [m.latency_ms for m in session.messages] == [None, 0, None, 20]
    assert [m.timestamp.second for m in session.messages] == [0, 0, 1, 1]


def test_two_turns_with_one_parent_are_a_branch(thread):
    thread.message("m5", "m3", "assistant", "Two!")
    thread.turn("n3", "m3", "m5")
    session = thread.session()
    off = [m.content for m in session.messages if not m.is_active_path]
    assert off == ["Two!"]
    assert session.messages[-1].content == "2!"


def test_the_same_answer_to_two_calls_is_two_messages(thread):
    thread.turn("n3", "m3", "m4", input_tokens=9, output_tokens=1)
    session = thread.session()
    answers = [m for m in session.messages if m.content == "2!"]
    assert [m.key for m in answers] == ["t1/n3", "t1/m4"]
    assert sum(m.input_tokens or 0 for m in session.messages) == 23


def test_a_call_that_was_answered_by_nothing_is_kept_for_what_it_took(thread):
    thread.turn("n3", "m4", "m4", input_tokens=30, output_tokens=0)
    last = thread.session().messages[-1]
    assert (last.key, last.content, last.input_tokens) == ("t1/n3", "", 30)
    assert last.parent_key == "t1/m4"


def test_a_fork_repeats_what_it_went_on_from_without_its_tokens(thread):
    thread.add("threads", id="t2", tip_message_hash="m2", forked_from="t1")
    _, fork = thread.items()
    assert (fork.external_id, fork.parent_external_id) == ("t2", "t1")
    assert said(fork) == [("user", "One?"), ("assistant", "1!")]
    assert [m.input_tokens for m in fork.messages] == [None, None]
    assert fork.title == "One?"


def test_parts_are_text_thoughts_calls_results_and_attachments(log):
    log.add("fragments", id=7, hash="h", content="A book.", source="book.txt")
    log.add("attachments", id="abc", type="image/png", path="cup.png")
    log.message(
        *("m1", None, "user"),
        ("text", {"text_ref": [{"fragment": 7}, {"literal": "\nSum it up"}]}),
        ("attachment", {"attachment": {"id": "abc"}}),
    )
    call = {"arguments": {"l": 1}}
    log.message(
        *("m2", "m1", "assistant"),
        ("reasoning", {"redacted": True}),
        ("tool_call", {"name": "boil", "tool_call_id": "k1", **call}),
        ("tool_call", {"name": "pour", "tool_call_id": "k2", **call}),
    )
    log.message(
        *("m3", "m2", "tool"),
        ("tool_result", {"name": "boil", "output": "hot", "tool_call_id": "k1"}),
        ("tool_result", {"output": "", "tool_call_id": "k2", "exception": "Spilt"}),
    )
    log.message("m4", "m3", "assistant", "Tea.")
    log.turn("n1", "m1", "m2")
    log.turn("n2", "m3", "m4")
    user, called, hot, spilt, answer = log.session().messages
    assert user.content == "A book.\nSum it up"
    assert user.metadata["attachments"][0]["name"] == "cup.png"
    assert user.metadata["extra"]["fragments"] == [{"hash": "h", "source": "book.txt"}]
    assert called.content_type == "tool_call"
    assert [c["name"] for c in called.tool_calls] == ["boil", "pour"]
    assert called.metadata["extra"]["parts"] == [{"type": "reasoning", "redacted": True}]
    assert (hot.content, hot.metadata["tool_call_ids"]) == ("hot", ["k1"])
    assert (spilt.metadata["is_error"], spilt.error_message) == (True, "Spilt")
    assert [m.parent_key for m in (hot, spilt, answer)] == ["t1/m2", "t1/m3", "t1/m3/1"]


def test_a_missing_message_is_reported_and_loses_no_other(thread):
    thread.connection.execute("DELETE FROM messages WHERE hash = 'm2'")
    rejected, session = thread.items()
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "the message is missing"
    assert rejected.place.endswith("conversation t1, message m2")
    assert said(session) == [
        *(("user", "One?"), ("assistant", ""), ("user", "Two?"), ("assistant", "2!"))
    ]
    assert sum(m.input_tokens or 0 for m in session.messages) == 14


def test_messages_in_a_circle_come_once_each(thread):
    thread.connection.execute("UPDATE messages SET parent_hash = 'm4' WHERE hash = 'm1'")
    assert len(thread.session().messages) == 4


# -- both ------------------------------------------------------------------------------------------


def test_a_conversation_that_went_on_after_0_32_is_one_session(log):
    log.add("conversations", id="c1", name="Counting")
    log.response("r1", "One?", "1!", system="Be brief.", input_tokens=5)
    log.message("m0", None, "system", "Be brief.")
    log.message("m1", "m0", "user", "One?")
    log.message("m2", "m1", "assistant", "1!")
    log.message("m3", "m2", "user", "One?")
    log.message("m4", "m3", "assistant", "Again: 1!")
    log.add("threads", id="c1", name="Two?", tip_message_hash="m4")
    log.turn("n1", "m3", "m4", thread="c1", input_tokens=9)
    session = log.session()
    assert session.title == "Counting"
    assert [m.key for m in session.messages] == [
        *("c1/r1/system", "c1/r1/prompt", "c1/r1", "c1/m3", "c1/m4")
    ]
    assert session.messages[3].parent_key == "c1/r1"
    assert all(m.is_active_path for m in session.messages)


def test_what_was_written_to_both_logs_counts_once(log):
    log.response("r1", "One?", "1!", input_tokens=5)
    log.message("m1", None, "user", "One?")
    log.message("m2", "m1", "assistant", "1!")
    log.add("threads", id="c1", tip_message_hash="m2")
    log.turn("r1", "m1", "m2", thread="c1", input_tokens=5)
    assert [m.key for m in log.session().messages] == ["c1/r1/prompt", "c1/r1"]


# -- files -----------------------------------------------------------------------------------------


def test_any_sqlite_database_is_taken_and_a_foreign_one_rejected_by_its_tables(tmp_path):
    foreign = Log(tmp_path / "other.db", "CREATE TABLE places (id); CREATE TABLE bookmarks (id);")
    assert llm_logs.recognises(foreign.path.read_bytes())
    assert not llm_logs.recognises(b"SQLite format 3")
    [rejected] = foreign.items()
    assert isinstance(rejected, Rejected)
    assert rejected.reason.endswith("it has bookmarks, places")
    assert "`responses` or `turns`" in rejected.reason


def test_a_view_is_no_table(tmp_path):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"
    columns = "i AS id, i AS prompt, i AS response, i AS conversation_id"
    view = f"CREATE VIEW responses AS {endless} AS i, {columns} FROM n;"
    [rejected] = Log(tmp_path / "view.db", view).items()
    assert "no tables" in rejected.reason


def test_a_log_without_conversations_is_skipped(log):
    [skipped] = log.items()
    assert isinstance(skipped, Skipped)
    log.add("conversations", id="c1", name="Nothing yet")
    [skipped] = log.items()
    assert (skipped.place[-2:], skipped.reason) == ("c1", "a conversation without messages")


@pytest.mark.parametrize("packing", ["zip", "gzip"])
def test_a_packed_database_is_read(log, tmp_path, packing):
    log.response("r1")
    packed = tmp_path / "packed"
    if packing == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(log.path, "llm/logs.db")
    else:
        packed.write_bytes(gzip.compress(log.path.read_bytes()))
    found = find([packed])
    [(format, session)] = read(found)
    assert (format, said(session)) == ("llm", [("user", "Hm?"), ("assistant", "Yes.")])


@pytest.mark.parametrize("is_live", [True, False])
def test_what_stands_in_the_write_ahead_log_alone_is_read_and_stays_there(log, tmp_path, is_live):
    log.response("r1")
    log.connection.execute("PRAGMA journal_mode = WAL")
    log.response("r2", "Later?")
    folder = tmp_path
    if not is_live:
        folder = tmp_path / "copied"
        folder.mkdir()
        for name in ("logs.db", "logs.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    [session] = llm_logs.read([PlainFile(folder / "logs.db")])
    assert [m.content for m in session.messages if m.role == "user"] == ["Hm?", "Later?"]
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after.keys() == before.keys()
    assert after["logs.db"] == before["logs.db"]
    assert after["logs.db-wal"] == before["logs.db-wal"]


def test_a_database_with_a_finished_log_gets_no_files_beside_it(log, tmp_path):
    log.response("r1")
    log.connection.execute("PRAGMA journal_mode = WAL")
    log.connection.close()
    assert [path.name for path in tmp_path.iterdir()] == ["logs.db"]
    log.session()
    assert [path.name for path in tmp_path.iterdir()] == ["logs.db"]


def test_the_bytes_of_a_database_are_reported(log):
    log.response("r1")
    counts: list[int] = []
    size = log.path.stat().st_size
    list(llm_logs.read([PlainFile(log.path, size, counts.append)]))
    assert sum(counts) == size


# -- damage ----------------------------------------------------------------------------------------


def test_nul_and_bytes_that_are_no_text_are_replaced(log):
    log.response("r1", "a\0b")
    log.connection.execute("UPDATE responses SET response = CAST(x'41ff' AS TEXT)")
    assert [m.content for m in log.session().messages] == ["a\ufffdb", "A\ufffd"]


def test_a_response_that_cannot_be_read_loses_no_other(log):
    log.response("r1", "One?", "1!")
    log.response("r2", "Two?", "2!")
    log.add("prompt_fragments", response_id="r1", fragment_id=9)
    rejected, session = log.items()
    assert isinstance(rejected, Rejected)
    assert rejected.place == f"{log.path}, conversation c1, row 1"
    assert rejected.reason == "fragment 9 is missing"
    assert json.loads(rejected.content)["prompt"] == "One?"
    assert said(session) == [("user", "Two?"), ("assistant", "2!")]


@pytest.fixture
def whole(thread):
    thread.response("r1", system="Be brief.", token_details={"x": 1}, options_json={"y": 1})
    thread.add("tool_calls", response_id="r1", name="a", arguments={}, tool_call_id="k")
    thread.add("fragments", id=1, content="A book")
    thread.add("prompt_fragments", response_id="r1", fragment_id=1)
    return thread


def test_damaged_bytes_raise_nothing(whole, tmp_path):
    content, chance = whole.path.read_bytes(), random.Random(3)
    path = tmp_path / "damaged.db"
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 10, 300))):
            damaged[chance.randrange(16, len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice((len(damaged), chance.randrange(len(damaged))))])
        for item in llm_logs.read([PlainFile(path)]):
            assert isinstance(item, SessionRecord | Rejected | Skipped)


def test_swapped_values_raise_nothing(whole):
    chance = random.Random(5)
    values = (
        *(None, -1, 2**62, 1e308, b"\xff\0", "", "x", "[1]", '{"text_ref": [1]}'),
        *('{"text_ref": [{"fragment": 99999999999999999999}]}', '{"attachment": {"id": {}}}'),
        '{"a": ' + "[" * 200 + "]" * 200 + "}",
    )
    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    tables = [name for (name,) in whole.connection.execute(names)]
    columns = {
        table: [row[1] for row in whole.connection.execute(f"PRAGMA table_info({table})")]
        for table in tables
    }
    for _ in range(150):
        whole.connection.execute("BEGIN")
        for _ in range(chance.choice((1, 5, 30))):
            table = chance.choice(tables)
            column = chance.choice(columns[table])
            query = f'UPDATE OR IGNORE {table} SET "{column}" = ?'
            try:
                whole.connection.execute(query, (chance.choice(values),))
            except sqlite3.IntegrityError:
                continue  # an id is a number
        whole.connection.execute("COMMIT")
        for item in whole.items():
            assert isinstance(item, SessionRecord | Rejected | Skipped)
