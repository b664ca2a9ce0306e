"""Triggers index single rows, an import and a rebuild index many: both ways come to the same."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import pytest

from conversations import storing
from conversations.importers.records import MessageRecord, SessionRecord
from conversations.models import Annotation, Message, Session
from conversations.search import index
from conversations.search.text import parts
from conversations.tests.search_indexed import assert_exact
from conversations.writing import delete_session
from sessionsite.manager import SessionManager

PIECES = [
    "aB", "XMLHttp", "getId", "c++", "C#", "+", "#", "a", "Z", "9", " ", " ", "\n", "\t", "\r", '"',
    "'", "\\", "\\n", "\\u0041", *"/.(){}[]`<>=,:;*?%", "\u00e9", "\u00c9a", "\ud55c",
    "\u65e5\u672c", "\u0e20\u0e32\u0e29\u0e32", "\U0001f642", "\u2028", "\x01", "\x1f", "\x7f",
    "\x85", "\xa0", "x" * 62, "\u0130", "\ufeff", "\uff71", "\U00020bb7", "\ue02b", "\u17a0",
]  # fmt: skip


def said(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randint(1, 14)))


@pytest.fixture
def alias(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        yield manager.alias


def add_by_sql(file, texts: list[str]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO sessions (session_uuid) VALUES ('by-sql')")
        connection.executemany(
            "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content)"
            " SELECT 'm-' || ?1, id, ?1, 'user', ?2 FROM sessions WHERE session_uuid = 'by-sql'",
            enumerate(texts, 1),
        )


def records(chance: random.Random, sessions: int, messages: int) -> list[tuple[str, SessionRecord]]:
    return [
        (
            "demo",
            SessionRecord(
                external_id=str(number),
                place="",
                title=said(chance),
                system_prompt=said(chance),
                tags=[said(chance)],
                messages=[
                    MessageRecord(
                        key=f"{number}-{place}",
                        role="user",
                        content=said(chance),
                        tool_calls=[{"arguments": {"deep": [said(chance)]}}],
                        metadata={"tool_results": [said(chance)]},
                        error_message=said(chance) if place % 3 == 0 else "",
                    )
                    for place in range(messages)
                ],
            ),
        )
        for number in range(sessions)
    ]


def test_triggers_and_an_import_take_words_apart_alike(alias, database_file):
    chance = random.Random(3)
    texts = [said(chance) for _ in range(1500)]
    add_by_sql(database_file, texts)
    with closing(sqlite3.connect(database_file)) as connection:
        kept = dict(
            connection.execute(
                "SELECT content, parts FROM messages"
                " LEFT JOIN search_extras ON document = messages.id"
            )
        )
    assert sum(found is not None for found in kept.values()) > 500
    different = [
        text
        for text, found in kept.items()
        if sorted((found or "").split()) != sorted((parts(text) or "").split())
    ]
    assert different == []
    assert_exact(alias)


def test_indexes_are_exact_after_imports_deletes_and_a_rebuild(alias):
    chance = random.Random(4)
    report = storing.store(records(chance, 20, 10), using=alias)
    assert report.new == 20
    assert_exact(alias)
    grown = records(chance, 25, 14)
    storing.store(grown, using=alias)
    assert Message.objects.using(alias).count() == 25 * 14
    assert index.check(using=alias) == []

    sessions = list(Session.objects.using(alias).order_by("pk"))
    for session in sessions[:3]:
        Annotation.objects.using(alias).create(
            annotation_uuid=session.session_uuid, entity_type="session", entity_id=session.pk,
            annotation_type="note", content=said(chance),
        )  # fmt: skip
    for session in sessions[::4]:
        delete_session(session.session_uuid, using=alias)
    Message.objects.using(alias).filter(pk__in=range(1, 200, 3)).delete()
    assert index.check(using=alias) == []
    assert_exact(alias)


@pytest.mark.parametrize(
    "behind",
    ["\u0e20\u0e32\u0e29\u0e32", "\u65e5\u672c\u8a9e", "\u1780\u1781", "\U00020bb7", "\U0001f642"],
)
def test_what_stands_behind_a_nul_is_taken_out_of_the_indexes_again(alias, database_file, behind):
    add_by_sql(database_file, [f"before\0{behind}", f"\u65e5\u672c\0{behind}", f"{behind}\0a"])
    assert index.check(using=alias) == []
    index.rebuild(using=alias)
    assert index.check(using=alias) == []
    with closing(sqlite3.connect(database_file)) as connection, connection:
        connection.execute("UPDATE messages SET content = 'plain' WHERE sequence_number = 1")
        connection.execute("DELETE FROM messages WHERE sequence_number > 1")
    assert index.check(using=alias) == []
