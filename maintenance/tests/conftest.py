"""A small database of its own, and a backup of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from maintenance import backups
from sessionsite.manager import SessionManager


@pytest.fixture
def own_data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def manager(database_file, own_data_folder, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        session = manager.create_session("Keep me")
        manager.add_message(session, "user", "precious words", cost=0.25)
        yield manager


@pytest.fixture
def copy(manager, tmp_path) -> Path:
    """A backup of the database with one session in it."""
    return backups.backup(tmp_path / "copies" / "copy.db", using=manager.alias).path
