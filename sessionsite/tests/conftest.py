"""A copy of the program in a folder of its own, run as a user runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    # Of compiled modules those that another process is writing at this moment.
    *(".git", ".venv", "data", "*.db*", "*.pyc.*", ".hypothesis", ".*_cache", "tests")
)


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

    def ok(self, line: str, **options) -> str:
        """Run a line that must succeed; return what it printed."""
        done = self.shell(line, **options)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def program(tmp_path) -> Program:
    """The program, freshly copied, with nothing made yet."""
    folder = tmp_path / "program"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    return Program(folder)


@pytest.fixture(scope="session")
def static_files(tmp_path_factory) -> Path:
    """The static files as a first start collects them, which takes longer than a test."""
    folder = tmp_path_factory.mktemp("collected") / "program"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
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
