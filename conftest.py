"""What all tests share. Tests run on a database file, as the product does."""

from __future__ import annotations

import compileall
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
SHARED = ROOT.parent / "shared"
LEFT_OUT = shutil.ignore_patterns(
    # Of compiled modules those that another process is writing at this moment.
    *(".git", ".venv", "data", "*.db*", "*.pyc.*", ".hypothesis", ".*_cache", "tests")
)


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    """Static files by their own names: the hashed ones exist only after `collectstatic`."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    """Hash passwords in no time: the slowness of the real hash is Django's to test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(django_user_model):
    """Alice has signed up and is no one special."""
    return django_user_model.objects.create_user("alice", password="correct horse battery")


@pytest.fixture
def shared() -> Path:
    """The folder of real samples beside the checkout; a test that needs it is skipped without."""
    if not SHARED.is_dir():
        pytest.skip(f"no {SHARED}: real samples are not here")
    return SHARED


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory, django_db_blocker) -> Path:
    from sessionsite.manager import SessionManager

    file = tmp_path_factory.mktemp("database") / "empty.db"
    with django_db_blocker.unblock(), SessionManager(file):
        pass
    return file


@pytest.fixture
def database_file(empty_database, tmp_path) -> Path:
    """A database file of its own, empty."""
    return Path(shutil.copy(empty_database, tmp_path / "sessions.db"))


@pytest.fixture(scope="session")
def compiled_program(tmp_path_factory) -> Path:
    """A copy of the program with all modules compiled: a process would take a second for that."""
    folder = tmp_path_factory.mktemp("compiled") / "program"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    assert compileall.compile_dir(folder, quiet=1)
    return folder


@pytest.fixture
def program_folder(compiled_program, tmp_path) -> Path:
    """The program in a folder of its own, with nothing made yet."""
    # Links, since the program writes into none of its own files.
    return Path(shutil.copytree(compiled_program, tmp_path / "program", copy_function=os.link))
