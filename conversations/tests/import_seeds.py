"""One small valid file of every format that can be imported, written by hand.

`seeds(number)` gives files about other conversations for each number, so that a folder of them may
be as large as a test needs; `turns` is how often something is asked and answered in each.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import sqlite3
import zipfile
from itertools import pairwise
from typing import Any, NamedTuple

from . import otlp_requests as otlp
from .otlp_protobuf import protobuf, varint_framed

START = 1_740_000_000  # 2025-02-19T21:20:00Z


class Seed(NamedTuple):
    """A file: the format that takes it, its name, what is in it."""

    format: str
    name: str
    content: bytes


def seeds(number: int = 0, turns: int = 2) -> list[Seed]:
    """Return a valid file of every format, and of every kind of file that a format may come in."""
    said = _Said(number, turns)
    in_zip = {"users.json": b"[]", "conversations.json": as_json([_claude_ai(said, "zipped")])}
    requests = [_helicone(said, place) for place in range(turns)]
    found = {
        "own": [("own.jsonl", as_lines(*_own(said)))],
        "claude-code": [("claude-code.jsonl", as_lines(*_claude_code(said)))],
        "codex": [("rollout.jsonl", as_lines(*_codex(said)))],
        "gemini-cli": [
            ("gemini.json", as_json(_gemini(said, "document"))),
            ("gemini.jsonl", as_lines(*_gemini_lines(said))),
        ],
        "chatgpt": [
            ("conversations.json", as_json([_chatgpt(said)])),
            ("chatgpt.json.gz", packed(as_json([_chatgpt(said, "packed")]))),
        ],
        "claude-ai": [
            ("claude.json", as_json([_claude_ai(said)])),
            ("claude.zip", zipped(in_zip)),
        ],
        "librechat": [
            ("librechat.json", as_json(_librechat(said))),
            ("librechat-tree.json", as_json(_librechat_tree(said))),
        ],
        "open-webui": [("open-webui.json", as_json([_open_webui(said)]))],
        "llm": [("llm-older.db", _llm_older(said)), ("llm.db", _llm_newer(said))],
        "openai-batch": [
            ("openai-requests.jsonl", as_lines(_openai_request(said))),
            ("openai-batch.jsonl", as_lines(_openai_answer(said))),
        ],
        "anthropic-batch": [
            ("anthropic-requests.json", as_json({"requests": [_anthropic_request(said)]})),
            ("anthropic-batch.jsonl", as_lines(_anthropic_answer(said))),
        ],
        "otlp": [
            ("otlp.json", as_json(otlp.request(*_spans(said)))),
            ("otlp.pb", protobuf(otlp.request(*_spans(said, "5d")))),
            ("otlp.pb.framed", varint_framed(protobuf(otlp.request(*_spans(said, "5e"))))),
            ("otlp-logs.json", as_json(otlp.logs_request(*_log_records(said)))),
        ],
        "langfuse": [
            ("langfuse.json", as_json([_langfuse(said)])),
            ("langfuse.csv", as_csv(_langfuse(said, "table")["observations"])),
        ],
        "langsmith": [
            ("langsmith.jsonl", as_lines(*_langsmith(said))),
            ("langsmith.csv", as_csv(_langsmith(said, "table"))),
        ],
        "helicone": [
            ("helicone.jsonl", as_lines(*requests)),
            ("helicone.csv", as_csv([_helicone(said, 0, "helicone-table")])),
        ],
        "openassistant": [("oasst.jsonl", as_lines(_openassistant(said)))],
        "chat-rows": [
            ("lmsys.jsonl", as_lines(_lmsys(said))),
            ("wildchat.json", as_json([_wildchat(said)])),
            ("arena.jsonl", as_lines(*_arena(said))),
        ],
        "sharegpt": [("sharegpt.json", as_json([_sharegpt(said)]))],
        "messages": [
            ("fine-tuning.jsonl", as_lines(_fine_tuning(said))),
            ("requests.jsonl", as_lines(*_logged(said))),
            ("preferences.jsonl", as_lines(_preference(said))),
        ],
    }
    return [Seed(format, *file) for format, files in found.items() for file in files]


# -- files -----------------------------------------------------------------------------------------


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def as_lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        nested = {n: json.dumps(v) for n, v in row.items() if isinstance(v, dict | list)}
        writer.writerow(row | nested)
    return text.getvalue().encode()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


# -- what is said ----------------------------------------------------------------------------------


class _Said:
    """The words of one conversation: a question and an answer for each turn."""

    def __init__(self, number: int, turns: int) -> None:
        self.number = number
        self.turns = turns

    def __iter__(self):
        return (
            (place, f"Question {place} of {self.number}: tea?", f"Answer {place}: 95 °C, né? 茶")
            for place in range(self.turns)
        )

    def id(self, name: str) -> str:
        return f"{name}-{self.number}"

    def uuid(self, name: str) -> str:
        return hashlib.sha256(f"{name} {self.number}".encode()).hexdigest()[:32]

    def messages(self) -> list[dict[str, Any]]:
        return [
            {"role": role, "content": text}
            for _, *texts in self
            for role, text in zip(("user", "assistant"), texts, strict=True)
        ]


def _at(second: int) -> str:
    minutes, seconds = divmod(second, 60)
    return f"2025-03-01T{10 + minutes // 60:02}:{minutes % 60:02}:{seconds:02}.000Z"


# -- our own export --------------------------------------------------------------------------------


def _own(said: _Said) -> list[dict[str, Any]]:
    model = ["anthropic", "claude-sonnet-4-5", ""]
    session, branch = said.uuid("own"), said.uuid("branch")
    found = [
        {"record": "export", "format": "llm-sessions", "version": 1},
        {"record": "project", "name": "Kettle", "description": "Tea", "created_at": _at(0)},
        {"record": "model", "provider": model[0], "model_name": model[1]},
        {
            "record": "session", "session_uuid": session, "title": said.id("Tea"),
            "temperature": 0.5, "max_tokens": 100, "status": "completed", "started_at": _at(0),
            "completed_at": _at(50), "tags": ["hot", "green"], "metadata": {"pot": {"size": 2}},
            "project": "Kettle", "model": model,
        },
    ]  # fmt: skip
    parent = None
    for place, question, answer in said:
        for role, text in (("user", question), ("assistant", answer)):
            uuid = said.uuid(f"own {place} {role}")
            message = {
                "record": "message", "session": session, "message_uuid": uuid,
                "sequence_number": 2 * place + (2 if role == "assistant" else 1), "role": role,
                "content": text, "timestamp": _at(place),
            }  # fmt: skip
            if role == "assistant":
                message |= {
                    "input_tokens": 10, "output_tokens": 5, "cost": 0.001, "latency_ms": 700,
                    "tool_calls": [{"id": "t", "name": "boil", "arguments": {"l": 1}}],
                    "metadata": {"kettle": 1}, "model": model,
                }  # fmt: skip
            found.append(message | ({"parent": parent} if parent else {}))
            parent = uuid
    note = {"record": "annotation", "session": session, "annotation_type": "rating", "rating": 4}
    return [
        *found,
        note | {"annotation_uuid": said.uuid("note"), "created_at": _at(60)},
        note | {"annotation_uuid": said.uuid("remark"), "message": parent, "created_at": _at(60)},
        {
            "record": "snapshot", "session": session, "sequence_number": 1,
            "session_state": {"pot": "full"}, "created_at": _at(60),
        },
        {"record": "session", "session_uuid": branch, "started_at": _at(90), "parent": session},
        {
            "record": "message", "session": branch, "message_uuid": said.uuid("own branch"),
            "sequence_number": 1, "role": "user", "content": "Else?", "timestamp": _at(90),
        },
    ]  # fmt: skip


# -- tools on the command line ---------------------------------------------------------------------


def _claude_code(said: _Said) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"type": "summary", "summary": "Tea", "leafUuid": "none"}]
    parent = None
    common = {
        "sessionId": said.id("cc"), "isSidechain": False, "userType": "external",
        "cwd": "/home/someone/kettle", "version": "2.0.0",
    }  # fmt: skip
    for place, question, answer in said:
        call = [
            {"type": "thinking", "thinking": "Hm.", "signature": "x"},
            {"type": "text", "text": answer},
            {"type": "tool_use", "id": f"call-{place}", "name": "Bash", "input": {"command": "ls"}},
        ]
        result = {"type": "tool_result", "tool_use_id": f"call-{place}", "content": "a.txt"}
        usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 5}
        for kind, message in (
            ("user", {"role": "user", "content": question}),
            ("assistant", {
                "id": said.id(f"msg-{place}"), "role": "assistant", "model": "claude-sonnet-4-5",
                "content": call, "stop_reason": "tool_use", "usage": usage,
            }),
            ("user", {"role": "user", "content": [result]}),
        ):  # fmt: skip
            uuid = said.uuid(f"cc {place} {len(found)}")
            found.append(
                {**common, "type": kind, "uuid": uuid, "parentUuid": parent,
                 "timestamp": _at(place), "message": message}
            )  # fmt: skip
            parent = uuid
    side = {"isSidechain": True, "agentId": "ag", "type": "user", "parentUuid": None}
    side |= {"uuid": said.uuid("side"), "timestamp": _at(1), "message": {"content": "Look."}}
    return [*found, common | side]


def _codex(said: _Said) -> list[dict[str, Any]]:
    def record(type: str, place: int, /, **payload: Any) -> dict[str, Any]:
        return {"timestamp": _at(place), "type": type, "payload": payload}

    def message(place: int, role: str, kind: str, text: str) -> dict[str, Any]:
        content = [{"type": kind, "text": text}]
        return record("response_item", place, type="message", role=role, content=content)

    found = [
        record(
            "session_meta",
            0,
            id=said.uuid("codex"),
            cwd="/home/ada/clock",
            cli_version="1",
            forked_from_id=_Said(said.number - 1, 1).uuid("codex"),
        ),
        record("turn_context", 0, model="gpt-5-codex", effort="high"),
    ]
    for place, question, answer in said:
        total = {"input_tokens": 10 * (place + 1), "output_tokens": 5 * (place + 1)}
        call = {"name": "shell", "call_id": f"c{place}", "arguments": '{"command": ["ls"]}'}
        found += [
            message(place, "user", "input_text", question),
            record("response_item", place, type="function_call", **call),
            record(
                "response_item", place, type="function_call_output", call_id=f"c{place}", output="a"
            ),
            message(place, "assistant", "output_text", answer),
            record(
                "event_msg", place, type="token_count",
                info={"total_token_usage": total, "last_token_usage": total},
            ),
        ]  # fmt: skip
    return found


def _gemini(said: _Said, name: str) -> dict[str, Any]:
    head = {"sessionId": said.id(f"gemini-{name}"), "projectHash": "c" * 64, "startTime": _at(0)}
    messages: list[dict[str, Any]] = []
    for place, question, answer in said:
        tokens = {"input": 10, "output": 5, "cached": 2, "thoughts": 1, "tool": 0, "total": 16}
        result = [{"functionResponse": {"id": "c", "name": "ls", "response": {"output": "a"}}}]
        call = {"id": "c", "name": "ls", "args": {"path": "."}, "result": result, "status": "ok"}
        messages += [
            {"id": f"u{place}", "timestamp": _at(place), "type": "user", "content": question},
            {
                "id": f"g{place}", "timestamp": _at(place), "type": "gemini", "content": answer,
                "model": "gemini-2.5-pro", "tokens": tokens, "toolCalls": [call],
                "thoughts": [{"subject": "Tea", "description": "Hot.", "timestamp": _at(place)}],
            },
        ]  # fmt: skip
    return {**head, "lastUpdated": _at(100), "messages": messages}


def _gemini_lines(said: _Said) -> list[dict[str, Any]]:
    whole = _gemini(said, "lines")
    return [{name: whole[name] for name in whole if name != "messages"}, *whole["messages"]]


# -- exports of chats ------------------------------------------------------------------------------


def _chatgpt(said: _Said, name: str = "chatgpt") -> dict[str, Any]:
    root: dict[str, Any] = {"id": "root", "message": None, "parent": None, "children": []}
    mapping, parent = {"root": root}, root
    for place, *texts in said:
        for role, text in zip(("user", "assistant"), texts, strict=True):
            id = said.uuid(f"{name} {place} {role}")
            message = {
                "id": id, "author": {"role": role, "name": None, "metadata": {}},
                "create_time": START + place + 0.5, "weight": 1.0, "recipient": "all",
                "content": {"content_type": "text", "parts": [text]},
                "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
            }  # fmt: skip
            mapping[id] = {"id": id, "message": message, "parent": parent["id"], "children": []}
            parent["children"].append(id)
            parent = mapping[id]
    other = said.uuid(f"{name} other")
    first = mapping[root["children"][0]]
    message = mapping[first["children"][0]]["message"]
    mapping[other] = {"id": other, "parent": first["id"], "children": []}
    mapping[other]["message"] = message | {"id": other}
    first["children"].insert(0, other)
    return {
        "conversation_id": said.uuid(name), "id": said.uuid(name), "title": "Tea",
        "create_time": START + 0.25, "update_time": START + 99, "current_node": parent["id"],
        "default_model_slug": "gpt-4o", "mapping": mapping,
    }  # fmt: skip


def _claude_ai(said: _Said, name: str = "claude") -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    parent = "00000000-0000-4000-8000-000000000000"
    for place, *texts in said:
        for sender, text in zip(("human", "assistant"), texts, strict=True):
            uuid = said.uuid(f"{name} {place} {sender}")
            content: list[Any] = [{"type": "text", "text": text, "citations": []}]
            if sender == "assistant":
                content += [
                    {"type": "tool_use", "id": f"t{place}", "name": "boil", "input": {"l": 1}},
                    {"type": "tool_result", "tool_use_id": f"t{place}", "content": []},
                ]
            messages.append(
                {
                    "uuid": uuid, "text": text, "content": content, "sender": sender,
                    "created_at": _at(place), "updated_at": _at(place), "attachments": [],
                    "files": [], "parent_message_uuid": parent,
                }
            )  # fmt: skip
            parent = uuid
    return {
        "uuid": said.uuid(name), "name": "Tea", "summary": "", "created_at": _at(0),
        "updated_at": _at(90), "account": {"uuid": "a"}, "chat_messages": messages,
    }  # fmt: skip


def _librechat(said: _Said, name: str = "librechat") -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    parent = "00000000-0000-0000-0000-000000000000"
    for place, *texts in said:
        for is_user, text in zip((True, False), texts, strict=True):
            id = said.uuid(f"{name} {place} {is_user}")
            messages.append(
                {
                    "messageId": id, "parentMessageId": parent, "conversationId": said.id(name),
                    "createdAt": _at(place), "sender": "User" if is_user else "GPT-4",
                    "isCreatedByUser": is_user, "text": text, "error": False, "tokenCount": 5,
                    "model": None if is_user else "gpt-4o",
                }
            )  # fmt: skip
            parent = id
    return {
        "conversationId": said.id(name), "endpoint": "openAI", "title": "Tea", "branches": True,
        "recursive": False, "options": {"model": "gpt-4o"}, "messages": messages,
    }  # fmt: skip


def _librechat_tree(said: _Said) -> dict[str, Any]:
    # Nested as far as the turns go, but not deeper than any product would show.
    flat = _librechat(_Said(said.number, min(said.turns, 10)), "nested")
    *above, last = flat.pop("messages")
    tree = last | {"children": []}
    for message in reversed(above):
        tree = message | {"children": [tree]}
    return flat | {"recursive": True, "messagesTree": [tree]}


def _open_webui(said: _Said) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    parent = None
    for place, *texts in said:
        for role, text in zip(("user", "assistant"), texts, strict=True):
            id = said.uuid(f"open-webui {place} {role}")
            messages[id] = {
                "id": id, "parentId": parent, "childrenIds": [], "role": role, "content": text,
                "timestamp": START + place, "model": "llama3.1:latest", "done": True,
                "usage": {"prompt_eval_count": 10, "eval_count": 5},
            }  # fmt: skip
            if parent:
                messages[parent]["childrenIds"].append(id)
            parent = id
    return {
        "id": said.uuid("open-webui"), "user_id": "u", "title": "Tea", "created_at": START,
        "updated_at": START + 60, "archived": False, "meta": {"tags": ["hot"]},
        "chat": {
            "title": "Tea", "models": ["llama3.1:latest"], "timestamp": START * 1000,
            "history": {"messages": messages, "currentId": parent},
        },
    }  # fmt: skip


# -- the log of llm --------------------------------------------------------------------------------

SMALL = "PRAGMA page_size = 512;"
OLDER = """
    CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
    CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT,
        prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT,
        conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT, input_tokens INTEGER,
        output_tokens INTEGER, token_details TEXT, resolved_model TEXT);
    CREATE TABLE attachments (id TEXT PRIMARY KEY, type TEXT, path TEXT, url TEXT, content BLOB);
    CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
    CREATE TABLE tools (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE tool_responses (tool_id INTEGER, response_id TEXT);
    CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT,
        arguments TEXT, tool_call_id TEXT);
    CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER,
        name TEXT, output TEXT, tool_call_id TEXT, exception TEXT);
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
"""


def _rows(db: sqlite3.Connection, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def _llm_older(said: _Said) -> bytes:
    db = sqlite3.connect(":memory:")
    db.executescript(SMALL + OLDER)
    chat = said.id("llm")
    _rows(db, "conversations", {"id": chat, "name": "Tea", "model": "gpt-4o"})
    _rows(db, "attachments", {"id": "a", "type": "image/png", "content": b"\x89PNG\0"})
    _rows(db, "tools", {"id": 1, "name": "boil"})
    for place, question, answer in said:
        id = said.id(f"llm-{place}")
        _rows(
            db, "responses",
            {
                "id": id, "model": "gpt-4o", "prompt": question, "system": "Be brief.",
                "options_json": '{"temperature": 1}', "response": answer, "conversation_id": chat,
                "response_json": '{"finish_reason": "stop"}', "duration_ms": 900,
                "datetime_utc": _at(place), "input_tokens": 10, "output_tokens": 5,
            },
        )  # fmt: skip
        call = {"response_id": id, "tool_id": 1, "name": "boil", "tool_call_id": f"k{place}"}
        _rows(db, "prompt_attachments", {"response_id": id, "attachment_id": "a", "order": 0})
        _rows(db, "tool_responses", {"tool_id": 1, "response_id": id})
        _rows(db, "tool_calls", call | {"arguments": '{"l": 1}'})
        _rows(db, "tool_results", call | {"output": "hot"})
    db.commit()
    return db.serialize()


def _llm_newer(said: _Said) -> bytes:
    db = sqlite3.connect(":memory:")
    db.executescript(SMALL + OLDER + NEWER)
    thread, parent = said.id("thread"), None
    for place, *texts in said:
        for role, text in zip(("user", "assistant"), texts, strict=True):
            hash = said.uuid(f"thread {place} {role}")
            _rows(db, "messages", {"hash": hash, "parent_hash": parent, "role": role})
            part = {"message_hash": hash, "position": 0, "type": "text", "text": text}
            _rows(db, "parts", part)
            parent, before = hash, parent
        _rows(
            db, "turns",
            {
                "id": said.id(f"turn-{place}"), "thread_id": thread, "parent_message_hash": before,
                "tip_message_hash": parent, "model": "gpt-4o", "input_tokens": 10,
                "output_tokens": 5, "duration_ms": 900, "datetime_utc": _at(place),
            },
        )  # fmt: skip
    tip = {"tip_message_hash": parent, "datetime_utc": _at(0)}
    _rows(db, "threads", {"id": thread, "name": "Tea", **tip})
    db.commit()
    return db.serialize()


# -- batches ---------------------------------------------------------------------------------------


def _completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "chatcmpl", "object": "chat.completion", "created": START, "model": "gpt-4o",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
    }  # fmt: skip


def _openai_request(said: _Said) -> dict[str, Any]:
    body = {"model": "gpt-4o", "messages": said.messages()[:-1], "temperature": 0}
    return {
        "custom_id": said.id("o"), "method": "POST", "url": "/v1/chat/completions", "body": body,
    }  # fmt: skip


def _openai_answer(said: _Said) -> dict[str, Any]:
    body = _completion(said.messages()[-1]["content"])
    return {
        "id": said.id("batch_req"), "custom_id": said.id("o"), "error": None,
        "response": {"status_code": 200, "request_id": "r", "body": body},
    }  # fmt: skip


def _anthropic_request(said: _Said) -> dict[str, Any]:
    params = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": said.messages()[:-1]}
    return {"custom_id": said.id("a"), "params": params}


def _anthropic_answer(said: _Said) -> dict[str, Any]:
    message = {
        "id": said.id("msg"), "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": said.messages()[-1]["content"]}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 5},
    }  # fmt: skip
    return {"custom_id": said.id("a"), "result": {"type": "succeeded", "message": message}}


# -- traces ----------------------------------------------------------------------------------------


def _spans(said: _Said, kind: str = "5c") -> list[dict[str, Any]]:
    trace = {"traceId": kind + said.uuid("trace")[2:]}
    work = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "kettle"}
    spans = [otlp.span(1, work, **trace)]
    history: list[dict[str, Any]] = []
    for place, question, answer in said:
        history = [*history[-4:], otlp.message("user", question)]
        called = otlp.chat(history, answer, **otlp.usage(10, 5))
        spans.append(otlp.span(2 + place, called, parent=1, **trace))
        history.append(otlp.message("assistant", answer))
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "boil"}
    return [*spans, otlp.span(2 + said.turns, tool | {"temperature": 95.5}, parent=1, **trace)]


def _log_records(said: _Said) -> list[dict[str, Any]]:
    trace = {"traceId": "5f" + said.uuid("trace")[2:]}
    found = []
    for place, question, answer in said:
        choice = {"index": 0, "message": {"content": answer}, "finish_reason": "stop"}
        found += [
            otlp.log("gen_ai.user.message", {"content": question}, on=place + 1) | trace,
            otlp.log("gen_ai.choice", choice, on=place + 1) | trace,
        ]
    return found


def _langfuse(said: _Said, name: str = "trace") -> dict[str, Any]:
    trace = said.id(f"langfuse-{name}")
    common = {"traceId": trace, "projectId": "p", "parentObservationId": None, "level": "DEFAULT"}
    observations: list[dict[str, Any]] = []
    for place, question, answer in said:
        observations.append(
            common | {
                "id": f"{trace}-{place}", "type": "GENERATION", "name": "chat",
                "startTime": _at(place), "endTime": _at(place + 1), "latency": 1000,
                "model": "gpt-4o", "input": [{"role": "user", "content": question}],
                "output": {"role": "assistant", "content": answer}, "totalCost": 0.01,
                "usageDetails": {"input": 10, "output": 5, "total": 15},
            }
        )  # fmt: skip
    return {
        "id": trace, "projectId": "p", "name": "Tea", "timestamp": _at(0), "tags": ["hot"],
        "environment": "default", "userId": "u", "sessionId": None, "input": None, "output": None,
        "metadata": {"pot": 1}, "observations": observations,
    }  # fmt: skip


def _langsmith(said: _Said, name: str = "trace") -> list[dict[str, Any]]:
    trace = said.id(f"langsmith-{name}")
    root = {"id": trace, "name": "agent", "run_type": "chain", "start_time": _at(0)}
    root |= {"end_time": _at(99), "trace_id": trace, "parent_run_id": None, "error": None}
    root |= {"session_id": "project", "dotted_order": f"20250301T100000000000Z{trace}"}
    root |= {"extra": {}, "inputs": {"input": "in"}, "outputs": {"output": "out"}}
    runs: list[dict[str, Any]] = [root | {"total_cost": None, "tags": []}]
    above = root["dotted_order"]
    for place, question, answer in said:
        message = {"role": "assistant", "content": answer}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        asked = [{"role": "user", "content": question}]
        runs.append(
            {
                "id": f"{trace}-{place}", "name": "ChatOpenAI", "run_type": "llm",
                "start_time": _at(place), "end_time": _at(place + 1), "trace_id": trace,
                "parent_run_id": trace, "session_id": "project",
                "dotted_order": f"{above}.20250301T10{place:04}000000Z{trace}-{place}",
                "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o"}},
                "inputs": {"messages": asked, "model": "gpt-4o"},
                "outputs": {
                    "choices": choices, "usage_metadata": {"input_tokens": 10, "output_tokens": 5},
                },
                "error": None, "total_cost": "0.0001", "tags": ["hot"],
            }
        )  # fmt: skip
    return runs


def _helicone(said: _Said, place: int, name: str = "helicone") -> dict[str, Any]:
    messages = said.messages()
    return {
        "request_id": said.id(f"{name}-{place}"), "response_id": said.id(f"{name}-said-{place}"),
        "request_created_at": _at(place), "response_created_at": _at(place + 1),
        "response_status": 200, "provider": "OPENAI", "model": "gpt-4o", "delay_ms": 950,
        "request_body": {"model": "gpt-4o", "messages": messages[2 * place : 2 * place + 1]},
        "response_body": _completion(messages[2 * place + 1]["content"]),
        "properties": {"Helicone-Session-Id": said.id(name), "pot": "1"},
        "prompt_tokens": 10, "completion_tokens": 5, "costUSD": 0.5, "request_user_id": "u",
    }  # fmt: skip


# -- data sets -------------------------------------------------------------------------------------


def _openassistant(said: _Said) -> dict[str, Any]:
    tree = said.id("tree")
    messages = [
        {
            "message_id": f"{tree}-{place}-{role}", "parent_id": None, "text": text, "role": role,
            "lang": "en", "rank": 0, "deleted": False, "created_date": _at(place), "replies": [],
        }
        for place, *texts in _Said(said.number, min(said.turns, 10))
        for role, text in zip(("prompter", "assistant"), texts, strict=True)
    ]  # fmt: skip
    for above, below in pairwise(messages):
        above["replies"].append(below | {"parent_id": above["message_id"]})
        below["replies"] = above["replies"][-1]["replies"]
    other = {"message_id": f"{tree}-other", "parent_id": messages[0]["message_id"], "rank": 1}
    messages[0]["replies"].append(messages[-1] | other | {"replies": []})
    return {
        "message_tree_id": messages[0]["message_id"], "tree_state": "ready_for_export",
        "prompt": messages[0],
    }  # fmt: skip


def _lmsys(said: _Said) -> dict[str, Any]:
    return {
        "conversation_id": said.uuid("lmsys"), "model": "wizardlm-13b", "turn": said.turns,
        "conversation": said.messages(), "language": "English", "redacted": False,
        "openai_moderation": [{"flagged": False}],
    }  # fmt: skip


def _wildchat(said: _Said) -> dict[str, Any]:
    messages = [
        message | {"timestamp": _at(place), "turn_identifier": said.number, "country": "Peru"}
        for place, message in enumerate(said.messages())
    ]
    return {
        "conversation_hash": said.uuid("wildchat"), "model": "gpt-4", "timestamp": _at(0),
        "conversation": messages, "turn": said.turns, "hashed_ip": "ab", "country": "Peru",
    }  # fmt: skip


def _arena(said: _Said) -> list[dict[str, Any]]:
    messages = said.messages()
    return [
        {
            "question_id": said.id("q"), "model_a": "alpha", "model_b": "beta", "winner": "tie",
            "conversation_a": messages, "conversation_b": messages, "tstamp": START + 0.5,
        },
        {
            "question_id": said.number, "answer_id": said.id("an"), "model_id": "gpt-3.5-turbo",
            "choices": [{"index": 0, "turns": [message["content"] for message in messages[1::2]]}],
            "tstamp": START + 0.5,
        },
    ]  # fmt: skip


def _sharegpt(said: _Said) -> dict[str, Any]:
    turns = [
        {"from": "human" if message["role"] == "user" else "gpt", "value": message["content"]}
        for message in said.messages()
    ]
    call = {"from": "function_call", "value": '{"name": "boil", "arguments": {"l": 1}}'}
    observed = {"from": "observation", "value": '{"temperature": 95}'}
    return {
        "id": said.id("sharegpt"), "conversations": [*turns, call, observed], "system": "Be brief.",
        "tools": '[{"name": "boil"}]', "model": "vicuna-13b",
    }  # fmt: skip


def _fine_tuning(said: _Said) -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": "boil", "arguments": '{"l": 1}'}}
    return {
        "messages": [
            *said.messages(),
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "hot"},
        ],
        "tools": [{"type": "function", "function": {"name": "boil"}}],
    }


def _logged(said: _Said) -> list[dict[str, Any]]:
    messages = said.messages()
    return [
        {
            "session_id": said.id("logged"), "timestamp": _at(place),
            "request": {"model": "gpt-4o", "messages": messages[: 2 * place + 1]},
            "response": _completion(messages[2 * place + 1]["content"]),
        }
        for place in range(min(said.turns, 10))
    ]  # fmt: skip


def _preference(said: _Said) -> dict[str, Any]:
    asked, answered = said.messages()[:2]
    worse = {"role": "assistant", "content": "No."}
    return {"prompt": [asked], "chosen": [asked, answered], "rejected": [asked, worse]}
