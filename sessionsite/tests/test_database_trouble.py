"""A database that cannot be used is said in plain words, whoever finds out."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, OperationalError, connection

from conversations.views import sessions

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, django_user_model):
    client.force_login(django_user_model.objects.create(username="reader"))
    client.raise_request_exception = False
    return client


def raiser(error: Exception):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("database is locked", "is locked: another program is writing to it"),
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "cannot be opened"),
        ("file is not a database", "is not a SQLite database"),
        ("database disk image is malformed", "Restore a backup"),
        ("database or disk is full", "is full"),
        ("no such table: sessions", "session_db_setup.py migrate"),
        ("Could not decode to UTF-8 column 'title' with text 'x'", "that is not UTF-8"),
    ],
)
def test_a_view_that_meets_trouble_answers_with_what_it_is(client, monkeypatch, said, shown):
    monkeypatch.setattr(sessions, "totals", raiser(OperationalError(said)))
    response = client.get("/sessions/")
    html = response.content.decode()
    assert response.status_code == 503
    assert shown in html
    assert "<h1>Not available now</h1>" in html
    assert response["Retry-After"] == "5"


def test_a_part_of_a_page_gets_the_sentence_alone(client, monkeypatch):
    monkeypatch.setattr(sessions, "totals", raiser(OperationalError("database is locked")))
    response = client.get("/sessions/", headers={"HX-Request": "true"})
    assert response.status_code == 503
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    said = response.content.decode()
    assert said.endswith(f"Try again in a moment. (Request {response['X-Request-ID']})")


def test_trouble_in_reading_the_sign_in_is_said_too(client, monkeypatch):
    monkeypatch.setattr(SessionStore, "load", raiser(OperationalError("database is locked")))
    response = client.get("/sessions/")
    assert response.status_code == 503
    assert "is locked" in response.content.decode()


def test_trouble_in_a_page_that_is_not_there_is_said_too(client, monkeypatch):
    monkeypatch.setattr(SessionStore, "load", raiser(OperationalError("database is locked")))
    assert client.get("/nothing/").status_code == 503


def test_an_error_without_an_explanation_is_a_defect(client, monkeypatch):
    for error in (DatabaseError("what is this"), ZeroDivisionError("a secret")):
        monkeypatch.setattr(sessions, "totals", raiser(error))
        response = client.get("/sessions/")
        assert response.status_code == 500
        html = response.content.decode()
        assert "Something went wrong" in html
        assert str(error) not in html
        assert "Traceback" not in html


def test_strangers_are_told_no_folder_names(client, monkeypatch):
    monkeypatch.setattr(sessions, "totals", raiser(OperationalError("database is locked")))
    html = client.get("/sessions/", REMOTE_ADDR="203.0.113.9").content.decode()
    assert "is locked" in html
    assert "/test" not in html.partition("<h1>")[2].partition(" is locked")[0]


def test_text_that_is_not_utf_8_is_named(client):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sessions (session_uuid, title) VALUES ('x', CAST(x'ff41' AS TEXT))"
        )
    response = client.get("/sessions/")
    assert response.status_code == 503
    assert b"not UTF-8" in response.content
