"""Writers, backups and restores are killed; scripts in benchmarks/ kill many more of them."""

from __future__ import annotations

import os

import pytest

from .kills import DELETED, kills_of_writers, lost
from .kills_of_copies import kills_of_backups, kills_of_restores

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


@pytest.fixture
def empty(empty_database, settings, tmp_path, django_db_blocker):
    settings.DATA_DIR = tmp_path / "data"
    with django_db_blocker.unblock():
        yield empty_database


def wrong(rounds) -> list[str]:
    return [f"{one.moment:.3f} s: {text}" for one in rounds for text in one.wrong]


def test_writers_that_are_killed_lose_nothing_they_acknowledged(empty, tmp_path):
    assert wrong(kills_of_writers(tmp_path, empty, rounds=6, writers=2, longest=0.3, seed=1)) == []


def test_a_backup_that_is_killed_leaves_nothing_or_a_whole_one(empty, tmp_path):
    assert wrong(kills_of_backups(tmp_path, empty, rounds=10, messages=500, seed=1)) == []


def test_a_restore_that_is_killed_leaves_the_old_database_or_the_new_one(empty, tmp_path):
    assert wrong(kills_of_restores(tmp_path, empty, rounds=10, messages=500, seed=1)) == []


def test_what_was_acknowledged_and_is_gone_is_found():
    said = ["begin a 2", "done a 2", "begin a 5", "done a 5", "begin b 1"]
    assert lost(said, {}, {"a": 5, "b": 1}) == []
    assert lost(said, {}, {"a": 5}) == []  # nobody was told that b is stored
    assert lost(said, {}, {"a": 2}) == ["a: 5 messages were stored, 2 are there"]
    assert lost(said, {}, {"a": 5, "b": 3}) == ["b: None messages were stored, 3 are there"]


def test_what_had_begun_may_be_there_or_not_but_not_by_half():
    said = ["begin a 2", "done a 2", f"begin a {DELETED}"]
    assert lost(said, {}, {"a": 2}) == []
    assert lost(said, {}, {}) == []
    assert lost(said, {}, {"a": 1}) == ["a: 2 messages were stored, 1 are there"]
