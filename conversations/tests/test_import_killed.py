"""Imports that are killed lose and double nothing: benchmarks/kill_import.py kills more of them."""

from __future__ import annotations

import shutil

from .import_damage import inconsistencies
from .import_kills import Importing, by_session, half_stored, kills, write_files

SESSION = b'{"record":"session","session_uuid":"a","started_at":"2025-03-01T10:00:00Z"}\n'
NOW = b'{"record":"message","session":"a","timestamp":"2026-07-01T10:00:00Z"}\n'


def test_an_import_that_is_killed_is_completed_by_the_next(tmp_path):
    rounds = list(kills(tmp_path, rounds=5, copies=1, turns=1, seed=4))
    assert [done.wrong for done in rounds] == [[]] * 5
    assert all(done.stored <= done.total for done in rounds)
    assert any(done.was_killed for done in rounds)


def test_an_import_that_is_killed_between_two_chunks_goes_on_from_there(tmp_path, database_file):
    write_files(tmp_path / "files", copies=4, turns=1)
    importing = Importing(tmp_path, tmp_path / "files")
    shutil.copy(database_file, importing.database)
    assert importing.kill_when_something_is_stored()
    stored = importing.sessions()
    importing.complete()
    whole = importing.sessions()
    assert 0 < len(stored) < len(whole)
    assert half_stored(stored, whole) == []
    assert inconsistencies(importing.database) == []


def test_what_is_half_stored_is_found():
    whole = {b"a": [("one",), ("two",)], b"b": [("three",)]}
    assert half_stored({b"a": whole[b"a"]}, whole) == []
    [wrong] = half_stored({b"a": [("one",)], b"b": whole[b"b"]}, whole)
    assert "session a has 1 messages, not 2" in wrong


def test_exports_are_compared_session_by_session_without_the_time_of_the_import():
    other = SESSION.replace(b'"a"', b'"b"') + NOW.replace(b'"a"', b'"b"')
    later = NOW.replace(b"2026-07-01", b"2026-07-02")
    assert sorted(by_session(SESSION + NOW + other)) == sorted(by_session(other + SESSION + later))
    assert sorted(by_session(SESSION + NOW)) != sorted(by_session(SESSION))
