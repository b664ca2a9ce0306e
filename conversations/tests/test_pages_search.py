"""The search page, and the search in the list of sessions and in the admin."""

from __future__ import annotations

import csv
import html as markup
import io
import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from conversations.models import SavedView, Session
from conversations.tests.factories import (
    NOON,
    add_message,
    make_model,
    make_project,
    make_session,
)
from conversations.tests.pages import page
from conversations.tests.test_pages_forms import undo_last

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}
EVIL = "<img src=x onerror=alert(1)>"
LONG_TEXT = f"{'Other words stand here. ' * 30} needle"


def search(client, typed: str, rest: str = "", **headers: str) -> str:
    return page(client, f"/search/?q={quote(typed)}{rest}", **headers)


def excerpts(html: str) -> list[str]:
    found = re.findall(r'<p class="excerpt" dir="auto">(.*?)</p>', html, re.DOTALL)
    return [markup.unescape(re.sub("<.*?>", "", each)) for each in found]


def links(html: str) -> list[str]:
    return [markup.unescape(address) for address in re.findall(r'href="(.*?)"', html)]


@pytest.fixture
def green():
    """A session with two hits; the user's is dearest, and the assistant's is about nothing else."""
    session = make_session("Green", project=make_project(), model=make_model())
    add_message(session, 1, LONG_TEXT, role="user", cost=0.5)
    add_message(session, 2, "needle needle", cost=0.25)
    return session


@pytest.fixture
def black():
    """A session with one hit, the newest."""
    session = make_session("Black")
    later = NOON + timedelta(days=40)
    add_message(session, 1, "the latest needle", role="user", timestamp=later, cost=0.1)
    return session


# -- how a query is read --------------------------------------------------------------------------


def test_the_page_says_how_a_query_was_read(client, green):
    html = search(client, "needle role:user")
    assert "Read as: <bdi>“needle” and the role is user</bdi>" in markup.unescape(html)


def test_the_page_says_what_was_ignored(client, green):
    html = search(client, 'needle ""')
    assert "There is nothing between quotes: ignored." in html
    assert "2 hits" in html


def test_a_query_that_is_too_long_is_cut_and_the_page_says_so(client):
    assert "Only the first 1,000 characters were read." in search(client, "needle " * 200)


def test_a_field_that_nearly_exists_is_offered_as_a_link(client, green):
    html = search(client, "needle rol:user", "&order=newest")
    assert "Did you mean" in html
    assert "?q=needle+role%3Auser&order=newest" in links(html)


# -- rows and orders ------------------------------------------------------------------------------


def test_each_session_is_a_row_with_a_link_to_its_other_hits(client, green, black):
    html = search(client, "needle")
    assert html.count("data-row>") == 2
    assert "<strong>2 sessions</strong>" in html
    inside = f"/search/?q=needle+session%3A{green.session_uuid}"
    assert inside in links(html)
    assert f"/search/?q=needle+session%3A{black.session_uuid}" not in links(html)
    html = page(client, inside)
    assert html.count("data-row>") == 2
    assert "Assistant, message 2</bdi>" in html


def test_each_message_is_a_row_if_that_is_asked_for(client, green, black):
    html = search(client, "needle", "&by=message")
    assert "<strong>3 hits</strong>" in html
    assert len(excerpts(html)) == 3
    for message in green.messages.all():
        at = f"/sessions/{green.session_uuid}/?message={message.message_uuid}"
        assert f"{at}#m-{message.message_uuid}" in links(html)


def test_hits_come_in_the_order_that_is_asked_for(client, green, black):
    def endings(order: str) -> list[str]:
        return [text[-13:] for text in excerpts(search(client, "needle", f"&by=message{order}"))]

    assert endings("")[0] == endings("&order=relevance")[0] == "needle needle"
    assert endings("&order=newest") == ["latest needle", "needle needle", "here.  needle"]
    assert endings("&order=cost") == ["here.  needle", "needle needle", "latest needle"]
    assert endings("&order=evil") == endings("")


def test_pages_of_hits_lead_to_each_other(client):
    make_session("Many", *["needle"] * 25)
    first = search(client, "needle", "&by=message")
    assert "?q=needle&by=message&page=2" in links(first)
    second = search(client, "needle", "&by=message&page=2")
    assert 'start="21"' in second
    assert second.count("data-row>") == 5
    assert "?q=needle&by=message" in links(second)


# -- narrower and wider ---------------------------------------------------------------------------


def test_facets_are_counted_without_javascript(client, green, black):
    assert "?q=needle&facets=1#facets" in links(search(client, "needle"))
    html = search(client, "needle", "&facets=1")
    assert "?q=needle+role%3Auser&facets=1" in links(html)
    assert "?q=needle+project%3AKitchen&facets=1" in links(html)
    assert "?q=needle+after%3A2026-03+before%3A2026-04&facets=1" in links(html)
    assert "Counted are all hits." in html


def test_facets_come_as_a_part_and_what_is_on_is_taken_off(client, green, black):
    part = search(client, "needle role:user", **PART, **{"HX-Target": "facets"})
    assert "<form" not in part
    assert 'aria-current="true"' in part
    assert "?q=needle&facets=1" in links(part)
    month = search(client, "needle after:2026-03 before:2026-04", "&facets=1")
    assert "?q=needle&facets=1" in links(month)


def test_a_chip_takes_its_field_off(client, green):
    html = search(client, "needle -role:tool project:Kitchen", "&order=newest")
    assert "/search/?q=needle+project%3AKitchen&order=newest" in links(html)
    assert "/search/?q=needle+-role%3Atool&order=newest" in links(html)
    assert "Not role" in html


def test_only_the_hits_come_as_a_part_while_one_types(client, green):
    part = search(client, "needle", **PART, **{"HX-Target": "hits"})
    assert "<title>needle " in part
    assert "<form" not in part
    assert excerpts(part)


# -- nothing --------------------------------------------------------------------------------------


def test_without_a_query_the_page_shows_what_can_be_typed(client):
    html = page(client, "/search/")
    assert "Search all that was said" in html
    assert "/search/?q=tea%20OR%20coffee" in links(html)
    assert "role:user" in html


def test_where_nothing_is_found_the_page_offers_what_finds_more(client, green):
    html = search(client, "needle zzz role:tool")
    assert "<h2>Nothing was found</h2>" in html
    assert "/search/?q=needle+OR+zzz+role%3Atool" in links(html)
    assert "/search/?q=needle+zzz" in links(html)
    assert "not even within a word" in search(client, "zzz")


def test_a_page_that_there_is_not_leads_to_the_first(client, green):
    html = search(client, "needle", "&page=9")
    assert "There is no such page" in html
    assert "/search/?q=needle" in links(html)
    assert "<h2>Nothing was found" not in html


def test_letters_within_words_are_found_where_no_word_is(client, green):
    html = search(client, "eedl")
    assert "No text has these words; these hold the letters." in html
    assert "<mark>eedl</mark>" in html


# -- within one session ---------------------------------------------------------------------------


def test_the_search_form_of_a_session_finds_what_is_in_it_alone(client, green, black):
    head = page(client, green.get_absolute_url())
    assert f'name="session" value="{green.session_uuid}"' in head
    response = client.get("/search/", {"session": green.session_uuid, "q": "needle"})
    assert (response.status_code, response.url) == (
        302,
        f"/search/?q=session%3A{green.session_uuid}+needle",
    )
    html = page(client, response.url)
    assert html.count("data-row>") == 2
    assert green.get_absolute_url() in links(html)
    assert "Open the session" in html


# -- files ----------------------------------------------------------------------------------------


def test_hits_are_exported_a_row_for_each_message(client, green, black):
    response = client.get("/search/?q=needle&order=newest&format=csv")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert [row["title"] for row in rows] == ["Black", "Green", "Green"]
    assert rows[1]["excerpt"] == "needle needle"
    response = client.get("/search/?q=needle&order=newest&format=json")
    rows = json.loads(response.getvalue())
    assert [row["number"] for row in rows] == [1, 2, 1]
    assert [row["project"] for row in rows] == [None, "Kitchen", "Kitchen"]


def test_what_is_no_search_is_no_file(client):
    assert "Search all that was said" in page(client, "/search/?format=csv")
    assert "<h1>Search</h1>" in page(client, "/search/?q=needle&format=evil")


# -- saved searches -------------------------------------------------------------------------------


def save(client, name: str, query: str, page: str = "search"):
    return client.post("/sessions/views/", {"name": name, "query": query, "page": page})


def test_a_saved_search_is_listed_among_searches_alone_and_comes_back(client, green):
    response = save(client, "Mine", "q=needle+role%3Auser&order=newest&page=3&facets=1&evil=1")
    kept = "/search/?q=needle+role%3Auser&order=newest"
    assert response.url == kept
    assert kept in links(page(client, "/search/"))
    assert ">Mine<" not in page(client, "/sessions/")
    view = SavedView.objects.get()
    assert (view.page, view.query) == ("search", kept.partition("?")[2])
    client.post(f"/sessions/views/{view.pk}/delete/")
    assert ">Mine<" not in page(client, "/search/")
    undo_last(client)
    assert ">Mine<" in page(client, "/search/")


def test_a_list_and_a_search_may_have_the_same_name(client):
    save(client, "Mine", "q=needle")
    save(client, "Mine", "title=needle", page="sessions")
    assert sorted(SavedView.objects.values_list("page", "query")) == [
        ("search", "q=needle"),
        ("sessions", "title=needle"),
    ]


def test_no_search_is_saved_where_nothing_is_searched_for(client):
    assert save(client, "Empty", "order=newest").url == "/search/"
    assert "There is no search to be kept yet." in page(client, "/search/")
    assert not SavedView.objects.exists()


# -- elsewhere ------------------------------------------------------------------------------------


def test_the_list_of_sessions_is_narrowed_by_a_search(client, green, black):
    html = page(client, "/sessions/?q=needle+role%3Aassistant")
    assert green.get_absolute_url() in links(html)
    assert black.get_absolute_url() not in links(html)
    assert "Read as: <bdi>“needle” and the role is assistant</bdi>" in markup.unescape(html)
    assert "No session matches" in page(client, "/sessions/?q=zzz")
    html = page(client, "/sessions/?q=needle+rol%3Auser&status=active")
    assert "?q=needle+role%3Auser&status=active" in links(html)


def test_the_admin_finds_sessions_and_messages_by_words_and_by_id(client, admin_user, green, black):
    client.force_login(admin_user)

    def found(kind: str, typed: str) -> set[str]:
        html = page(client, f"/admin/conversations/{kind}/?q={quote(typed)}")
        return set(re.findall(rf"/{kind}/(\d+)/change/", html))

    for typed in ("needle role:assistant", green.session_uuid, green.session_uuid[:10]):
        assert found("session", typed) == {str(green.pk)}
    answer = green.messages.get(role="assistant")
    for typed in ("needle role:assistant", answer.message_uuid):
        assert found("message", typed) == {str(answer.pk)}
    trashed = make_session("Old leaves", deleted_at=NOON)
    assert found("session", "leaves") == {str(trashed.pk)}


# -- hostile text ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", ["", "&by=message", "&facets=1", "&order=newest"])
def test_nothing_that_is_sought_or_found_is_markup(client, rest):
    session = make_session(EVIL, f"needle {EVIL} <mark>no</mark>", project=make_project(EVIL))
    save(client, EVIL, f"q={quote(EVIL)}")
    for typed in ("needle", f"needle {EVIL}", f'project:"{EVIL}"', f"rol:{EVIL}", EVIL):
        html = search(client, typed, rest)
        assert "<img src=x" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<mark>needle</mark> &lt;img" in search(client, "needle", rest)
    assert "<mark>no</mark>" not in search(client, "needle", rest)
    assert Session.objects.get() == session
