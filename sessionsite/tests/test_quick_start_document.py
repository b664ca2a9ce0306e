"""Every command, Python example and SQL statement of the original system's quick start runs.

The document itself lies beside the checkout; without it, this test is skipped.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLE_ID = "a1b2c3d4e5f6g7h8"
# What the Python examples take as given: they are parts of a longer program.
BEFORE_BATCHES = "import json\nreviews = ['Good.', 'Bad.']\n"
BEFORE_COMPARISONS = """
import sqlite3
conn = sqlite3.connect('llm_sessions.db', isolation_level=None)
conn.row_factory = sqlite3.Row
"""


@pytest.fixture
def document(shared) -> list[tuple[str, str]]:
    """(language, text) of each fenced block of the quick start."""
    text = (shared / "seed" / "quick_start.md").read_text(encoding="utf-8")
    return FENCED.findall(text)


def commands(blocks) -> list[str]:
    """Return the `python ...` lines of the shell blocks, continued lines joined."""
    lines = []
    for language, text in blocks:
        if language == "bash":
            lines += text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("python ")]


def test_every_command_python_example_and_statement_of_the_quick_start_runs(program, document):
    lines = commands(document)
    assert len(lines) >= 20
    outputs = {}
    for line in lines:
        if EXAMPLE_ID in line and EXAMPLE_ID not in outputs:
            # The document goes on with an id it made up: give the session that id.
            outputs[EXAMPLE_ID] = rename_newest_session(program.database)
        outputs[line] = program.ok(line)

    said = {line.split("#")[0].strip(): text for line, text in outputs.items()}
    assert said["python session_db_setup.py init"].splitlines() == [
        "Initializing database at llm_sessions.db...",
        "Database initialized successfully",
        "Database optimized",
    ]
    info = said["python session_db_setup.py info"]
    for expected in ("Path: llm_sessions.db", "Journal Mode: wal", "sessions: 0", "projects: 0"):
        assert expected in info
    assert re.search(r"^Created session: \w+$", "".join(outputs.values()), re.MULTILINE)
    assert re.search(r"^Backup created: llm_sessions_backup_\d{8}_\d{6}\.db \(\d\.\d MB\)$",
                     said["python session_db_setup.py backup"])  # fmt: skip
    assert (program.home / "backups" / "sessions.db").exists()
    assert (program.folder / "session.json").exists()
    assert (program.folder / "session.md").exists()
    assert said[f"python session_manager.py delete {EXAMPLE_ID} --confirm"].startswith("Deleted")

    run_python_examples(program, document)
    run_sql_statements(program.database, document)


def rename_newest_session(database) -> str:
    with closing(sqlite3.connect(database)) as plain:
        plain.execute(
            "UPDATE sessions SET session_uuid = ? WHERE id = (SELECT MAX(id) FROM sessions)",
            [EXAMPLE_ID],
        )
        plain.commit()
    return EXAMPLE_ID


def run_python_examples(program, document) -> None:
    examples = [text for language, text in document if language == "python"]
    integration, batches, comparisons, locked = examples
    program.ok("python session_manager.py create Second --provider anthropic --model claude")
    script = integration + BEFORE_BATCHES + batches + BEFORE_COMPARISONS + comparisons + locked
    (program.folder / "example.py").write_text(script, encoding="utf-8")
    printed = program.ok("python example.py")
    assert "[user]: Review this Python code..." in printed
    assert "Total cost: $0.0120\nTotal tokens: 650\n" in printed
    with closing(sqlite3.connect(program.database)) as plain:
        count = lambda table: plain.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: E731
        assert (count("batch_jobs"), count("batch_items")) == (1, 2)
        assert (count("comparison_groups"), count("comparison_sessions")) == (1, 2)


def run_sql_statements(database, document) -> None:
    statements = [text for language, text in document if language == "sql"]
    assert len(statements) == 4
    with closing(sqlite3.connect(database)) as plain:
        plain.execute(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content)"
            " SELECT 'sql', MAX(id), 99, 'user', 'a python error' FROM sessions"
        )
        dearest, daily, by_model, search = (
            plain.execute(statement).fetchall() for statement in statements
        )
    assert dearest[0][2] == 0.012
    assert daily[0][1] == len(dearest)
    assert by_model
    assert search[0][3] == "a <mark>python</mark> <mark>error</mark>"


def test_the_layout_of_show_and_list_is_that_of_the_document(with_database):
    program = with_database
    program.ok('python session_manager.py create "My First Chat" --model gpt-4 --provider openai')
    rename_newest_session(program.database)
    program.ok(f'python session_manager.py add {EXAMPLE_ID} user "Help me write a Python function"')
    program.ok(
        f'python session_manager.py add {EXAMPLE_ID} assistant "Here\'s a Python function..."'
        " --tokens 150 --cost 0.005 --latency 1200"
    )
    rule = "=" * 80
    shown = program.ok(f"python session_manager.py show {EXAMPLE_ID}")
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", shown).rstrip() == (
        f"{rule}\n[USER] <time>\n{rule}\nHelp me write a Python function\n\n"
        f"{rule}\n[ASSISTANT] <time>\n{rule}\nHere's a Python function...\n\n"
        "  Tokens: 150 in / 150 out\n  Cost: $0.0050\n  Latency: 1200ms"
    )
    head, line, row = program.ok("python session_manager.py list --limit 10").splitlines()
    gap = " " * 18
    assert head == f"UUID{' ' * 33}Title{' ' * 26}Status     Msgs   Cost"
    assert line == "-" * 95
    assert row == f"{EXAMPLE_ID}{gap}   My First Chat{gap}active     2      $0.0050"


def test_a_python_without_django_says_how_to_get_it(program):
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c",
         f"import sys; sys.path.insert(0, {str(program.folder)!r}); import session_manager"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "has no Django. Run `python3 " in done.stderr
    assert "pip install -r" in done.stderr
