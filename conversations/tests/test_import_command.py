"""`manage.py import` and `export`: what they print, their exit codes, their bad days."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from sessionsite.tests.conftest import program, with_database  # noqa: F401  (fixtures)


def log(folder: Path, name: str, *texts: str) -> Path:
    """Write a Claude Code log by hand: a prompt and an answer for each text."""
    lines, parent = [], None
    for number, text in enumerate(texts):
        for kind in ("user", "assistant"):
            uuid = f"{name}-{kind}-{number}"
            record = {
                "type": kind,
                "uuid": uuid,
                "parentUuid": parent,
                "sessionId": name,
                "isSidechain": False,
                "userType": "external",
                "cwd": "/home/someone/apollo",
                "version": "2.0.0",
                "timestamp": f"2025-03-01T10:00:{number:02d}.000Z",
                "message": {"role": "user", "content": text},
            }
            if kind == "assistant":
                record["message"] = {
                    "id": f"msg_{name}_{number}",
                    "role": "assistant",
                    "model": "claude-sonnet-4-5",
                    "content": [{"type": "text", "text": f"Answer to {text}"}],
                    "usage": {"input_tokens": 10, "output_tokens": 5},
                }
            lines.append(json.dumps(record))
            parent = uuid
    file = folder / f"{name}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


CHAT = {
    "title": "Moon",
    "id": "chat-1",
    "create_time": 1740000000.0,
    "current_node": "b",
    "mapping": {
        "root": {"id": "root", "message": None, "parent": None, "children": ["a"]},
        "a": {
            "id": "a", "parent": "root", "children": ["b"],
            "message": {"id": "a", "author": {"role": "user"}, "create_time": 1740000001.0,
                        "content": {"content_type": "text", "parts": ["How far is the moon?"]}},
        },
        "b": {
            "id": "b", "parent": "a", "children": [],
            "message": {"id": "b", "author": {"role": "assistant"}, "create_time": 1740000002.0,
                        "content": {"content_type": "text", "parts": ["384,400 km."]},
                        "metadata": {"model_slug": "gpt-4o"}},
        },
    },
}  # fmt: skip


@pytest.fixture
def shell(with_database):  # noqa: F811
    return with_database


@pytest.fixture
def logs(shell) -> Path:
    folder = shell.folder / "logs"
    log(folder, "one", "first question", "second question")
    log(folder / "deeper", "two", "third question")
    return folder


def test_a_folder_is_imported_and_nothing_twice(shell, logs):
    first = shell.ok("python manage.py import logs")
    assert first.startswith("2 new, 0 updated, 0 unchanged, 0 skipped, 0 failed (6 messages new")
    again = shell.ok("python manage.py import logs")
    assert again.startswith("0 new, 0 updated, 2 unchanged")
    assert shell.rows(
        "SELECT project.name, total_input_tokens FROM sessions"
        " JOIN projects AS project ON project.id = project_id ORDER BY 2"
    ) == [("apollo", 10), ("apollo", 20)]


def test_a_zip_of_chats_is_imported(shell):
    with zipfile.ZipFile(shell.folder / "export.zip", "w") as archive:
        archive.writestr("conversations.json", json.dumps([CHAT]))
        archive.writestr("user.json", "{}")
    assert shell.ok("python manage.py import export.zip").startswith("1 new")
    [row] = json.loads(shell.ok("python session_manager.py search moon --json"))
    assert row["title"] == "Moon"


def test_an_import_may_come_from_standard_input(shell):
    assert shell.ok("python manage.py import -", input=json.dumps([CHAT])).startswith("1 new")


def test_a_dry_run_prints_the_same_counts_and_stores_nothing(shell, logs):
    rehearsed = shell.ok("python manage.py import logs --dry-run")
    assert shell.rows("SELECT title FROM sessions") == []
    assert rehearsed == "Would be stored: " + shell.ok("python manage.py import logs")


def test_a_project_may_be_named(shell, logs):
    shell.ok("python manage.py import logs --project Artemis")
    assert shell.rows(
        "SELECT DISTINCT project.name FROM sessions"
        " LEFT JOIN projects AS project ON project.id = project_id"
    ) == [("Artemis",)]


def test_the_report_may_be_json(shell, logs):
    done = shell.shell("python manage.py import logs --format json")
    report = json.loads(done.stdout)
    assert (report["schema"], report["new"], report["messages_new"]) == (1, 2, 6)
    assert done.stderr == ""


def test_rejected_records_are_named_and_the_rest_is_kept(shell, logs):
    with (logs / "one.jsonl").open("a") as file:
        file.write('{"type": "user", broken\n[1, 2]\n')
    done = shell.shell("python manage.py import logs")
    assert done.returncode == 3
    assert "one.jsonl, line 5" in done.stderr
    assert "one.jsonl, line 6" in done.stderr
    assert done.stdout.startswith(
        "2 new, 0 updated, 0 unchanged, 0 skipped, 2 failed (6 messages new"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.json", None, "missing.json"),
        ("empty.json", b"", "empty.json"),
        ("words.txt", b"just some words", "words.txt"),
        ("broken.json", b'[{"mapping": {"a": ', "broken.json"),
        ("not.zip", b"PK\x03\x04 no zip at all", "not.zip"),
    ],
)
def test_what_cannot_be_read_at_all_is_a_failure(shell, name, content, message):
    if content is not None:
        (shell.folder / name).write_bytes(content)
    done = shell.shell(f"python manage.py import {name}")
    assert done.returncode == 1
    assert message in done.stderr
    assert "No session was found" in done.stderr
    assert "Traceback" not in done.stderr


def test_nul_and_half_characters_are_replaced(shell):
    chat = json.dumps(CHAT).replace("How far", "How\\u0000 far \\ud83d")
    (shell.folder / "chat.json").write_text(f"[{chat}]")
    shell.ok("python manage.py import chat.json")
    [[text], _] = shell.rows("SELECT content FROM messages ORDER BY id")
    assert text == "How\ufffd far \ufffd is the moon?"


def test_everything_can_be_exported_again(shell, logs):
    shell.ok("python manage.py import logs")
    exported = json.loads(shell.ok("python manage.py export"))
    assert sorted(len(session["messages"]) for session in exported) == [2, 4]
    shell.ok("python manage.py export --format markdown --output all.md")
    assert "Answer to third question" in (shell.folder / "all.md").read_text()
    assert not list(shell.folder.glob(".*.part"))
