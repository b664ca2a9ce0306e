"""A search that takes too long is given up, and the page says so."""

from __future__ import annotations

import pytest
from django.db import connection

from conversations import search
from conversations.models import Message
from conversations.search.sqlite import hits, running
from conversations.tests.factories import make_messages, make_session
from conversations.tests.pages import page
from conversations.views import results

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(monkeypatch):
    session = make_session("Tea")
    make_messages(session, 3000)
    Message.objects.update(content="the same words in every one of them")
    monkeypatch.setattr(hits, "STEPS", 1)
    return session


def test_a_search_ends_when_its_time_is_up(many):
    with pytest.raises(search.TooSlow, match="longer than 0 seconds"):
        search.search_messages("same", order="newest", seconds=0)
    assert len(search.search_messages("same", seconds=60)) == 20


def test_the_connection_is_as_it_was_afterwards(many):
    assert search.find("same", order="newest", seconds=0).given_up
    assert len(search.search_messages("same")) == 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM messages AS a, (SELECT 1 FROM messages LIMIT 300)")
        assert cursor.fetchone() == (900_000,)


def test_the_newest_are_shown_where_ranking_takes_too_long(client, many, monkeypatch):
    monkeypatch.setattr(results, "SEARCH_SECONDS", 0)
    html = page(client, "/search/?q=same&by=message")
    assert "These are the newest" in html
    assert html.count("data-row>") == 20


def test_the_page_says_it_where_nothing_was_found_in_time(client, many, monkeypatch):
    monkeypatch.setattr(results, "SEARCH_SECONDS", 0)
    html = page(client, "/search/?q=same&order=newest")
    assert "was given up" in html
    assert "<h2>Nothing was found" not in html


def test_what_no_index_has_is_looked_for_in_all_texts(many):
    Message.objects.filter(sequence_number=1).update(content="odd: zqx~~zqx")
    found = search.find("*zqx~~zqx*")
    assert (len(found.rows), found.looked_at) == (1, None)


def test_of_very_many_hits_the_newest_are_ranked_and_newest_first_stays_exact(many, monkeypatch):
    monkeypatch.setattr(running, "RANKED", 100)
    monkeypatch.setattr(running, "RANKED_OF_MANY", 50)
    monkeypatch.setattr(running, "FEW", 10)
    ranked = search.find("same", limit=5)
    newest = search.find("same", limit=5, offset=3, order="newest")
    everything = Message.objects.order_by("-timestamp", "-id").values_list(
        "message_uuid", flat=True
    )
    assert (ranked.ranked, len(ranked.rows), ranked.total_is_least) == (50, 5, True)
    assert [row["message_uuid"] for row in newest.rows] == list(everything[3:8])


@pytest.mark.parametrize("typed", ["same", "same role:user", "“the same words”"])
def test_where_the_newest_say_nothing_of_it_one_looks_further_back(many, monkeypatch, typed):
    monkeypatch.setattr(running, "RANKED", 100)
    monkeypatch.setattr(running, "RANKED_OF_MANY", 50)
    Message.objects.filter(sequence_number__gte=1000).update(content="something else")
    make_session("The same words", "nothing of it")
    found = search.find(typed, limit=5)
    assert not found.within_words
    assert [row["sequence_number"] < 1000 for row in found.rows] == [True] * 5
