"""A search that takes too long is given up, and the page says so."""

from __future__ import annotations

import pytest
from django.db import connection

from conversations import search
from conversations.models import Message
from conversations.search import sqlite
from conversations.tests.factories import make_messages, make_session
from conversations.tests.pages import page
from conversations.views import search as view

pytestmark = pytest.mark.django_db


@pytest.fixture
def many():
    session = make_session("Tea")
    make_messages(session, 3000)
    Message.objects.update(content="the same words in every one of them")
    return session


def test_a_search_ends_when_its_time_is_up(many):
    with pytest.raises(search.TooSlow, match="longer than 0 seconds"):
        search.search_messages("same", seconds=0)
    assert len(search.search_messages("same", seconds=60)) == 20


def test_the_connection_is_as_it_was_afterwards(many):
    with pytest.raises(search.TooSlow):
        search.search_messages("same", seconds=0)
    assert len(search.search_messages("same")) == 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM messages AS a, (SELECT 1 FROM messages LIMIT 300)")
        assert cursor.fetchone() == (900_000,)


def test_the_page_shows_the_newest_where_ranking_takes_too_long(client, many, monkeypatch):
    found = search.search_messages

    def slow_to_rank(*args, order, seconds, **options):
        return found(*args, order=order, seconds=0 if order == "relevance" else 60, **options)

    monkeypatch.setattr(view.search, "search_messages", slow_to_rank)
    html = page(client, "/search/?q=same")
    assert "These are the newest" in html
    assert html.count("data-row>") == 20


def test_the_page_says_it_where_nothing_was_found_in_time(client, many, monkeypatch):
    monkeypatch.setattr(view, "LONGEST_SECONDS", 0)
    monkeypatch.setattr(sqlite, "STEPS", 1)
    html = page(client, "/search/?q=same")
    assert "was given up" in html
    assert "Nothing was found" not in html.replace("Nothing was found.", "")
