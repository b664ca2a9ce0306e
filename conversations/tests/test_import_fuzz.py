"""Some hundred damaged files of every format are imported: benchmarks/fuzz_import.py does more."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from conversations import importers
from conversations.importers import FORMATS
from conversations.search import index

from . import import_damage
from .import_seeds import seeds

pytestmark = pytest.mark.django_db(transaction=True)
FILES = 300


def test_there_is_a_small_valid_file_of_every_format(tmp_path):
    assert {seed.format for seed in seeds()} == FORMATS.keys()
    for seed in seeds():
        path = tmp_path / seed.name
        path.write_bytes(seed.content)
        assert list(importers.find([path]).files) == [seed.format], seed.name
        outcome = import_damage.checked(path, seconds=20)
        # Requests alone are no conversation yet.
        assert outcome.is_found or "requests" in seed.name, seed.name
        assert not outcome.problem, seed.name


def test_damaged_files_end_in_a_report_and_leave_the_database_sound(tmp_path, settings):
    damaged = list(islice(import_damage.Damage(seed=2025), FILES))
    assert {file.format for file in damaged} == FORMATS.keys()
    wrong, stored = [], 0
    for file in damaged:
        path = tmp_path / file.name
        path.write_bytes(file.content)
        outcome = import_damage.checked(path, seconds=20)
        stored += outcome.is_found
        if outcome.problem:
            wrong.append(f"{file}: {outcome.problem}")
    assert not wrong
    assert FILES / 5 < stored < FILES, "too much damage, or too little"
    assert import_damage.inconsistencies(settings.DATABASES["default"]["NAME"]) == []
    assert index.check() == []


def test_the_same_seed_gives_the_same_damage():
    assert [*islice(import_damage.Damage(7), 50)] == [*islice(import_damage.Damage(7), 50)]


def test_what_is_inconsistent_is_found(database_file):
    assert import_damage.inconsistencies(database_file) == []
    import sqlite3

    with sqlite3.connect(database_file) as db:
        columns = "(id, session_uuid, tags, temperature, total_messages, parent_session_id)"
        db.execute(f"INSERT INTO sessions {columns} VALUES (1, 's', '[]', 'hot', 0, 1)")
        db.execute("UPDATE sessions SET total_messages = 5")
    found = json.dumps(import_damage.inconsistencies(database_file))
    for wrong in ("totals of session 1", "session 1 is its own parent", "is text in 1 rows"):
        assert wrong in found
