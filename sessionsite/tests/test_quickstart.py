"""`manage.py quickstart`: from nothing to pages, and a second time without changing a thing."""

from __future__ import annotations

import hashlib
import re
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest


def state(program) -> dict[str, str]:
    """Return a digest of every file that a start may make, but the write-ahead log."""
    files = [program.database, *sorted((program.folder / "data").rglob("*"))]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file() and not file.name.endswith(("-wal", "-shm"))
    }


def users(database: Path) -> list[tuple]:
    with closing(sqlite3.connect(database)) as plain:
        return plain.execute("SELECT username, is_superuser FROM auth_user").fetchall()


def test_a_start_makes_everything_and_the_next_changes_nothing(program):
    first = program.ok("python manage.py quickstart --check --port 18000")
    for said in (
        "✓ Database",
        "✓ Static files",
        "✓ /readyz",
        "✓ the list of sessions",
        "All is well.",
    ):
        assert said in first
    assert users(program.database) == [("admin", 1)]
    assert program.database.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(program.database)) as plain:
        [[password]] = plain.execute("SELECT password FROM auth_user").fetchall()
        assert password.startswith("!")  # nobody can sign in with a password nobody gave
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        plain.execute("UPDATE auth_user SET last_login = NULL")
        plain.execute("DELETE FROM django_session")
        plain.commit()
    kept = {name: digest for name, digest in state(program).items() if "llm_sessions" not in name}
    program.ok("python manage.py quickstart --check --port 18000")
    again = {name: digest for name, digest in state(program).items() if "llm_sessions" not in name}
    assert again == kept
    assert users(program.database) == [("admin", 1)]


def test_the_check_works_with_the_settings_of_a_server_behind_a_proxy(with_static_files):
    program = with_static_files
    said = program.ok(
        "python manage.py quickstart --check --port 18030",
        HTTPS="1",
        ALLOWED_HOSTS="sessions.example.com",
    )
    assert "All is well." in said


def test_the_server_takes_the_next_free_port_and_its_link_signs_in_once(with_static_files):
    program = with_static_files
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = subprocess.Popen(
            ["python", "-u", "manage.py", "quickstart", "--port", str(port)],
            cwd=program.folder, env=program.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            for line in server.stdout:
                if found := re.search(r"http://127\.0\.0\.1:(\d+)(/sign-in/\S+)", line):
                    break
            assert int(found[1]) > port
            deadline = time.monotonic() + 30
            address = f"http://127.0.0.1:{found[1]}"
            with urllib.request.urlopen(f"{address}/readyz", timeout=30) as response:
                assert response.status == 200
            assert time.monotonic() < deadline
            with urllib.request.urlopen(address + found[2], timeout=30) as response:
                assert b"<form" in response.read()
        finally:
            server.terminate()
            assert server.wait(30) == 0
            server.stdout.close()


def test_the_only_user_gets_a_plain_address_no_question_and_every_answer(with_static_files):
    program = with_static_files
    server = subprocess.Popen(
        ["python", "-u", "manage.py", "quickstart", "--port", "18400"],
        cwd=program.folder, env={**program.environment, "SINGLE_USER": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        printed = ""
        for line in server.stdout:
            printed += line
            if found := re.search(r"Open +(http://127\.0\.0\.1:\d+/)$", line):
                break
        for line in server.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        assert "/sign-in/" not in printed
        with urllib.request.urlopen(found[1], timeout=30) as response:
            assert response.url == f"{found[1]}sessions/"
            assert "Set-Cookie" not in response.headers or "sessionid" not in str(response.headers)
        # What is refused unread must not keep the answer from its sender.
        large = b"theme=" + b"x" * 11_000_000
        for headers, status, said in (
            ({}, 403, "The form was not taken"),
            ({"Cookie": f"csrftoken={'x' * 32}"}, 413, "A form may hold 10.0"),
        ):
            headers["HX-Request"] = "true"
            request = urllib.request.Request(f"{found[1]}preferences/", large, headers)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=30)
            assert refused.value.code == status
            request_id = refused.value.headers["X-Request-ID"]
            answer = refused.value.read().decode()
            assert said.lower() in answer.lower()
            assert answer.endswith(f"(Request {request_id})")
    finally:
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert f" {request_id} django.security.RequestDataTooBig " in log


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        ("--host 0.0.0.0", {}, "set ALLOWED_HOSTS"),
        ("--host 0.0.0.0", {"DEBUG": "1", "ALLOWED_HOSTS": "x"}, "With DEBUG on"),
        ("--host 0.0.0.0", {"SINGLE_USER": "1", "ALLOWED_HOSTS": "x"}, "only this machine"),
        ("--host ::", {"SINGLE_USER": "1", "ALLOWED_HOSTS": "x"}, "only this machine"),
        ("", {"SINGLE_USER": "1", "HTTPS": "1"}, "unset one of the two"),
        ("", {"SINGLE_USER": "perhaps"}, "SINGLE_USER: 'perhaps' is not a yes or no"),
        ("--host example.com", {}, "is not an address"),
    ],
)
def test_an_unsafe_start_is_refused(program, options, environment, message):
    done = program.shell(f"python manage.py quickstart {options}", **environment)
    assert done.returncode in {1, 2}
    assert message in done.stderr
    assert not program.database.exists()


def test_other_machines_are_served_only_with_a_password(with_static_files):
    program = with_static_files
    done = program.shell("python manage.py quickstart --host 0.0.0.0", ALLOWED_HOSTS="example.com")
    assert done.returncode == 1
    assert "admin has no password" in done.stderr


def test_the_first_user_may_be_given(with_static_files):
    program = with_static_files
    given = {"SESSIONS_ADMIN_USER": "ada", "SESSIONS_ADMIN_PASSWORD": "correct horse battery"}
    program.ok("python manage.py quickstart --check --port 18100", **given)
    assert users(program.database) == [("ada", 1)]
    given["SESSIONS_ADMIN_USER"] = "eve"
    program.ok("python manage.py quickstart --check --port 18100", **given)
    assert users(program.database) == [("ada", 1)]


def test_a_copy_is_kept_before_a_migration(with_static_files):
    program = with_static_files
    program.ok("python manage.py quickstart --check --port 18200")
    with closing(sqlite3.connect(program.database)) as plain:
        plain.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        plain.execute("DROP TABLE django_session")
        plain.commit()
    printed = program.ok("python manage.py quickstart --check --port 18200")
    assert "A copy from before the migration is in" in printed
    [copy] = (program.folder / "data" / "backups").iterdir()
    assert users(copy) == [("admin", 1)]
