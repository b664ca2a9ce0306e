"""A copy of the program in a folder of its own, run as a user runs it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest


class Program:
    """A folder with the program in it, and a shell whose `python` is this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder.parent / "home"
        self.home.mkdir()
        commands = folder.parent / "bin"
        commands.mkdir()
        (commands / "python").symlink_to(sys.executable)
        # Python finds the packages of a virtual environment by the place it is started from.
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{commands}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
        }

    @property
    def database(self) -> Path:
        return self.folder / "llm_sessions.db"

    def shell(self, line: str, *, input: str | None = None, **environment: str):
        """Run a line in the shell; return the completed process with its text output."""
        return subprocess.run(
            line,
            shell=True,
            cwd=self.folder,
            env={**self.environment, **environment},
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def rows(self, sql: str) -> list[tuple]:
        """Return what a query of the database finds, without starting the program for it."""
        with closing(sqlite3.connect(self.database)) as plain:
            return plain.execute(sql).fetchall()

    def ok(self, line: str, **options) -> str:
        """Run a line that must succeed; return what it printed."""
        done = self.shell(line, **options)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def program(program_folder) -> Program:
    """The program, freshly copied, with nothing made yet."""
    return Program(program_folder)


@pytest.fixture(scope="session")
def static_files(tmp_path_factory, compiled_program) -> Path:
    """The static files as a first start collects them, which takes longer than a test."""
    folder = tmp_path_factory.mktemp("collected") / "program"
    shutil.copytree(compiled_program, folder)
    Program(folder).ok("python manage.py quickstart --check --port 18900")
    return folder / "data" / "static"


@pytest.fixture
def with_static_files(program, static_files) -> Program:
    """The program with its static files collected, and nothing else made."""
    shutil.copytree(static_files, program.folder / "data" / "static")
    return program


@pytest.fixture
def with_database(program, empty_database) -> Program:
    """The program with an empty database: as after `init`, in less time."""
    shutil.copy(empty_database, program.database)
    return program
