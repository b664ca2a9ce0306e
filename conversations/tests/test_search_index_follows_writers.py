"""Whoever writes, and however much at once, the search indexes have what the tables have."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from django.db import connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import changes, organising, search, storing
from conversations.importers.records import MessageRecord, SessionRecord
from conversations.models import Annotation, Message, Session
from conversations.search import index
from conversations.search.text import parts
from conversations.tests import search_corpus as corpus
from conversations.tests.factories import add_message, make_session
from conversations.tests.search_indexed import assert_exact, indexed
from maintenance import backups, restoring
from sessionsite.manager import SessionManager

WORDS = "getElementById 日本語 ภาษาไทย 🥰done c++ running"


@pytest.fixture
def manager(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        yield manager


@pytest.fixture
def filled(manager, database_file):
    """A file with what an import, the ORM and plain SQL wrote."""
    corpus.store(manager.alias, str(database_file), seed=3, size=9)
    return manager


def record(number: int, **fields) -> tuple[str, SessionRecord]:
    messages = [
        MessageRecord(
            key=f"{number}-{place}",
            role="user",
            content=f"{WORDS} {number} {place}",
            tool_calls=[{"name": "parseHTML", "arguments": ["東京", {"x": "innerHTML"}]}],
            metadata={"thinking": ["わからない camelCase"]},
        )
        for place in range(3)
    ]
    fields = {"title": f"{WORDS} {number}", "tags": ["été", "ταγ"], **fields}
    return "test", SessionRecord(str(number), place="", messages=messages, **fields)


def hits(typed: str, alias: str) -> int:
    return len(search.find(typed, limit=1000, using=alias).rows)


def test_an_import_indexes_as_single_rows_are_indexed(filled):
    with connections[filled.alias].cursor() as cursor:
        by_all_of_them = indexed(filled.alias)
        # Each row is written anew, so the triggers have the word.
        for table, column in (("messages", "content"), ("sessions", "title"),
                              ("annotations", "content")):  # fmt: skip
            cursor.execute(f"UPDATE {table} SET {column} = {column} || ' changedByOne'")
            cursor.execute(f"UPDATE {table} SET {column} = replace({column}, ' changedByOne', '')")
        assert indexed(filled.alias) == by_all_of_them
    assert_exact(filled.alias)


def test_an_import_that_is_taken_back_leaves_nothing(filled):
    before = indexed(filled.alias)
    storing.store([record(99)], using=filled.alias, dry_run=True)
    assert indexed(filled.alias) == before


def test_after_bulk_deletes(filled):
    alias = filled.alias
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM messages WHERE id % 3 = 0")
        assert_exact(alias)
        cursor.execute("DELETE FROM annotations WHERE id % 2 = 0")
        cursor.execute("DELETE FROM sessions WHERE id % 3 = 0")
    assert_exact(alias)
    Message.objects.using(alias).filter(pk__in=range(0, 200, 2)).delete()
    Session.with_trash.using(alias).order_by("pk").first().delete()
    assert_exact(alias)
    organising.purge(Session.with_trash.using(alias))
    with connections[alias].cursor() as cursor:
        cursor.execute("DELETE FROM sessions")
        cursor.execute("DELETE FROM annotations")
    assert all(terms == [] for terms in indexed(alias).values())


def test_after_many_rows_are_changed_at_once(filled):
    alias = filled.alias
    Message.objects.using(alias).filter(pk__lt=50).update(content=WORDS, tool_calls=[WORDS])
    Message.objects.using(alias).filter(pk__lt=20).update(tool_calls=None, metadata={})
    Session.with_trash.using(alias).update(tags=["oneTag", "と"], system_prompt=WORDS)
    Annotation.objects.using(alias).update(content=WORDS)
    assert_exact(alias)


def test_what_sqlite_has_to_replace_is_written_by_a_conflict_clause(filled):
    with connections[filled.alias].cursor() as cursor:
        cursor.execute(
            "INSERT INTO sessions (session_uuid, title) SELECT session_uuid, 'plain' FROM sessions"
            " WHERE true ON CONFLICT (session_uuid) DO UPDATE SET title = 'newlyNamed ' || title"
        )
    assert_exact(filled.alias)


def test_after_the_indexes_are_made_anew_or_merged(filled):
    before = indexed(filled.alias)
    seen = []
    texts = index.rebuild(using=filled.alias, on_progress=seen.append)
    assert seen[-1] == texts
    assert indexed(filled.alias) == before
    index.optimize(using=filled.alias)
    assert indexed(filled.alias) == before
    assert_exact(filled.alias)


def test_after_a_backup_is_put_back(filled, tmp_path):
    alias = filled.alias
    before, found = indexed(alias), hits("element", alias)
    backups.backup(tmp_path / "copy.db", using=alias)
    Message.objects.using(alias).update(content="all the same")
    storing.store([record(5)], using=alias)
    assert indexed(alias) != before
    restoring.restore(tmp_path / "copy.db", using=alias)
    assert indexed(alias) == before
    assert hits("element", alias) == found > 0
    assert_exact(alias)


@pytest.mark.django_db
def test_after_a_deletion_is_taken_back(reader):
    session = make_session(f"{WORDS} title", f"{WORDS} first", "わからない second", tags=["myTag"])
    message = add_message(session, 9, "third", tool_calls=[{"a": "東京", "name": "parseHTML"}])
    Annotation.objects.create(
        annotation_uuid="n", entity_type="message", entity_id=message.pk, annotation_type="note",
        content=f"{WORDS} note",
    )  # fmt: skip
    before = indexed("default")
    change = changes.delete_and_keep(message, "deleted", user=reader)
    assert hits("html", "default") == hits("note", "default") == 0
    changes.undo(change)
    assert indexed("default") == before
    assert hits("html", "default") == hits("note", "default") == 1
    assert_exact("default")


@pytest.mark.django_db
def test_what_lies_in_the_trash_is_not_found_until_it_is_brought_back(reader):
    make_session("Untitled", "getElementById", "日本語")
    sessions = Session.objects.all()
    change = organising.trash(sessions, user=reader)
    assert [hits(typed, "default") for typed in ("element", "日本", "*Element*")] == [0, 0, 0]
    changes.undo(change)
    assert [hits(typed, "default") for typed in ("element", "日本", "*Element*")] == [1, 1, 1]
    assert_exact("default")


@pytest.mark.django_db
def test_a_change_that_is_rolled_back_leaves_the_indexes_as_they_were():
    session = make_session("Untitled", WORDS)
    before = indexed("default")
    with transaction.atomic():
        session.messages.update(content="other parseHTML 東京 🎉")
        session.delete()
        assert indexed("default") != before
        transaction.set_rollback(True)
    assert indexed("default") == before


@pytest.mark.parametrize("damage", [
    "INSERT INTO messages_fts (messages_fts) VALUES ('delete-all')",
    "INSERT INTO unspaced_fts (rowid, text) VALUES (99999, '余計な')",
    "INSERT INTO symbols_fts (symbols_fts) VALUES ('delete-all')",
    "UPDATE search_extras SET json_text = 'other' WHERE json_text IS NOT NULL",
    "DELETE FROM search_extras WHERE parts IS NOT NULL",
])  # fmt: skip
def test_a_damaged_index_is_told_and_mended(filled, damage):
    before = indexed(filled.alias)
    with connections[filled.alias].cursor() as cursor:
        cursor.execute(damage)
    assert index.check(using=filled.alias) != []
    index.rebuild(using=filled.alias)
    assert indexed(filled.alias) == before
    assert index.check(using=filled.alias) == []


PIECES = st.sampled_from(
    [*"abAB01+#_-.:/\\'\"`{}[]()<>=,;? \t\r\n\x01\x0b\x1f\x7f\x85é日🙂\u2028\u00a0", "get", "HTML",
     "Id", "c++", "C#", "x" * 61, "\\u0041", '","', "Éc", "ßB"]
)  # fmt: skip


def test_triggers_and_python_take_names_apart_in_the_same_way(database_file):
    with closing(sqlite3.connect(database_file, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.execute("INSERT INTO sessions (id, session_uuid) VALUES (1, 's')")

        @given(st.lists(PIECES, max_size=25).map("".join))
        @settings(max_examples=1500, deadline=None)
        def check(text):
            database.execute("SAVEPOINT one")
            id = database.execute(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content)"
                " VALUES ('m', 1, 1, 'user', ?)",
                [text],
            ).lastrowid
            row = database.execute("SELECT parts FROM search_extras WHERE document = ?", [id])
            [by_triggers] = row.fetchone() or [None]
            database.execute("ROLLBACK TO one")
            assert sorted((by_triggers or "").split()) == sorted((parts(text) or "").split())

        check()
