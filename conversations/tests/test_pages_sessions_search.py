"""Sessions that a search finds: in their list, with its verbs, files and views; in the admin."""

from __future__ import annotations

import csv
import json
import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import filters, organising, writing
from conversations.asking import Asked, field
from conversations.models import SavedView, Session
from conversations.tests.factories import (
    add_message,
    make_messages,
    make_project,
    make_session,
    make_sessions,
)
from conversations.tests.pages import LIST, page
from conversations.tests.test_pages_sessions import titles

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea():
    make_session("Green", "How long does sencha steep?", project=make_project())
    make_session("Black", "And assam?", "Assam is no sencha.")
    make_session("Sencha", status="completed")
    make_session("Coffee", "Two minutes")


def test_sessions_are_found_by_messages_and_titles_and_narrowed_by_the_other_filters(client, tea):
    assert sorted(titles(page(client, f"{LIST}?q=sencha"))) == ["Black", "Green", "Sencha"]
    assert titles(page(client, f"{LIST}?q=sencha&status=completed")) == ["Sencha"]
    assert titles(page(client, f"{LIST}?q=sencha+role:user&title=e")) == ["Green"]
    html = page(client, f"{LIST}?q=sencha&sort=title")
    assert titles(html) == ["Black", "Green", "Sencha"]
    assert "<strong>3</strong> sessions" in html


def test_the_search_is_the_first_filter_and_a_chip_takes_it_off(client, tea):
    html = page(client, f"{LIST}?q=sencha&status=active")
    assert re.findall(r'name="(\w+)"', html.partition('id="filters"')[2])[0] == "q"
    assert 'href="/sessions/?status=active"' in html


def test_what_asks_nothing_leaves_the_list_whole_and_the_page_says_so(client, tea):
    html = page(client, f'{LIST}?q=""')
    assert len(titles(html)) == 4
    assert "There is nothing between quotes: ignored." in html


def test_all_that_a_search_finds_are_changed_at_once_and_no_other(client, tea):
    response = client.post("/sessions/bulk/?q=sencha", {"verb": "archive", "all": "3"})
    assert response.url == "/sessions/?q=sencha"
    archived = Session.objects.filter(status="archived").values_list("title", flat=True)
    assert sorted(archived) == ["Black", "Green", "Sencha"]
    make_session("Late", "sencha")
    html = client.post("/sessions/bulk/?q=sencha", {"verb": "trash", "all": "3"}, follow=True)
    assert "4 sessions match now, and not 3" in html.content.decode()
    assert Session.objects.count() == 5


def test_files_and_views_of_the_list_keep_the_search(client, tea):
    response = client.get(f"{LIST}?q=sencha&format=csv&sort=title")
    rows = csv.DictReader(response.getvalue().decode().splitlines())
    assert [row["title"] for row in rows] == ["Black", "Green", "Sencha"]
    client.post("/sessions/views/", {"name": "Tea", "query": "q=sencha&sort=title"})
    assert SavedView.objects.get().query == "q=sencha&sort=title"


def test_a_session_in_the_trash_is_not_found(client, tea):
    organising.trash(Session.objects.filter(title="Green"), user=None)
    assert sorted(titles(page(client, f"{LIST}?q=sencha"))) == ["Black", "Sencha"]


@pytest.mark.parametrize(
    "typed",
    ["sencha", "sencha OR coffee", "senc*", "*ench*", "“no sencha”", "role:user", "note:steep",
     "sencha -assam", "project:x sencha", "title:sencha", "c++", "茶", "status:completed"],
)  # fmt: skip
@pytest.mark.parametrize("has_trash", [False, True])
def test_sessions_are_those_of_the_messages_that_are_found(tea, typed, has_trash):
    noted = make_session("Noted", "茶 in c++")
    writing.annotate("session", noted.session_uuid, "note", content="steep, no sencha")
    make_session("Sencha again", "c++")
    if has_trash:
        organising.trash(Session.objects.filter(title="Green"), user=None)
    rows = filters.search.find(typed, by="session", order="newest", limit=100).rows
    assert filters.search.matching_sessions(typed) == (
        sorted(row["session_id"] for row in rows),
        True,
    )


def test_a_list_that_is_not_whole_says_so(client, tea, monkeypatch):
    def some(typed, **options):
        return list(Session.objects.filter(title="Green").values_list("pk", flat=True)), False

    monkeypatch.setattr(filters.search, "matching_sessions", some)
    html = page(client, f"{LIST}?q=sencha")
    assert titles(html) == ["Green"]
    assert "those with the newest hits: 1 session." in html
    monkeypatch.setattr(filters.search, "matching_sessions", lambda typed, **options: ([], False))
    html = page(client, f"{LIST}?q=sencha+role:assistant")
    assert titles(html) == ["Black"]
    assert "those with the newest hits: 1 session." in html
    html = page(client, f"{LIST}?q=other")
    assert "was given up" in html


def test_a_hundred_thousand_sessions_are_one_parameter(client, monkeypatch):
    make_sessions(30)
    keys = [*range(-100_000, 0), *Session.objects.values_list("pk", flat=True)]
    monkeypatch.setattr(filters.search, "matching_sessions", lambda typed, **options: (keys, True))
    assert len(titles(page(client, f"{LIST}?q=x&page=2"))) == 5


@pytest.mark.django_db(transaction=True)
def test_a_search_is_run_once_while_nothing_changes(client, tea, monkeypatch):
    asked, find = [], filters.search.matching_sessions

    def counted(typed, **options):
        asked.append(typed)
        return find(typed, **options)

    monkeypatch.setattr(filters.search, "matching_sessions", counted)
    now = filters.timezone.now()
    monkeypatch.setattr(filters.timezone, "now", lambda: now)
    for address in ("?q=sencha", "?q=sencha&page=2", "?q=sencha&sort=title&status=active"):
        page(client, LIST + address)
    assert asked == ["sencha"]
    make_session("Late", "sencha")
    assert "Late" in titles(page(client, f"{LIST}?q=sencha"))
    assert asked == ["sencha", "sencha"]


def test_the_list_without_a_search_asks_no_index(client, tea):
    with CaptureQueriesContext(connection) as captured:
        page(client, LIST)
    assert not any("_fts" in query["sql"] for query in captured)


# -- the admin ------------------------------------------------------------------------------------


@pytest.fixture
def admin(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    return client


def found(admin, table: str, typed: str) -> int:
    html = page(admin, f"/admin/conversations/{table}/?q={typed}")
    return html.count('class="action-select"')


def test_the_admin_takes_the_same_language(admin, tea):
    assert found(admin, "session", "sencha") == 3
    assert found(admin, "session", "sencha+role:user") == 1
    assert found(admin, "session", "project:kitchen") == 1
    assert found(admin, "message", "sencha") == 2
    assert found(admin, "message", "sencha+-role:user") == 1
    assert found(admin, "message", "session:zzz") == 0
    html = unescape(page(admin, "/admin/conversations/session/"))
    assert "what the search page takes" in html


def test_the_admin_lists_the_newest_messages_of_very_many(admin, monkeypatch):
    monkeypatch.setattr("conversations.admin.MOST_FOUND", 7)
    session = make_session("Many")
    make_messages(session, 30)
    html = page(admin, "/admin/conversations/message/?q=message")
    assert html.count('class="action-select"') == 7
    assert f"{session.id}-29" in html
    assert f"{session.id}-22" not in html


# -- what the address of a search says ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "typed"),
    [
        ("role", "user", "role:user"),
        ("project", "My kitchen", 'project:"My kitchen"'),
        ("project", 'the "new" one', 'project:"the ""new"" one"'),
        ("project", "a)b", 'project:"a)b"'),
        ("tag", "x,", 'tag:"x,"'),
        ("project", '"', 'project:""""'),
    ],
)
def test_a_field_is_written_so_that_it_is_read_again(name, value, typed):
    assert field(name, value) == typed
    [given] = Asked(f"tea {typed} -coffee").fields
    assert (given.name, given.value) == (name, value)
    assert Asked(f"tea {typed} -coffee").without(given).typed == "tea -coffee"


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("role:user", ""),
        ("tea role:user", "tea"),
        ("role:user tea", "tea"),
        ("tea -role:user milk", "tea milk"),
        ("tea NOT role:user", "tea"),
        ("tea AND role:user", "tea"),
        ("role:user AND tea", "tea"),
        ("a OR b role:user", "a OR b"),
        ('tea project:"My kitchen" milk', "tea milk"),
    ],
)
def test_a_field_is_taken_off_with_what_belongs_to_it(typed, left):
    asked = Asked(typed)
    assert asked.without(*asked.fields).typed == left


def test_a_field_within_brackets_or_beside_an_or_stays(client):
    assert Asked("(tea role:user) OR milk").fields == []
    assert Asked("tea OR role:user").fields == []


def test_a_project_of_any_name_is_narrowed_to_by_its_facet(client):
    names = ['the "new" one', "a) OR (b", "-x", "role:user", "<b>", "*", "مطبخ"]
    for name in names:
        add_message(make_session(name, project=make_project(name)), 1, "sencha")
    html = unescape(page(client, "/search/?q=sencha&facets=1"))
    links = set(re.findall(r'href="(\?q=sencha\+project[^"]*)"', html))
    assert len(links) == len(names)
    for link in links:
        assert "<strong>1 session</strong>" in page(client, f"/search/{link}")


def test_a_search_goes_into_a_file_in_the_order_that_is_asked_for_and_no_further(
    client, monkeypatch
):
    monkeypatch.setattr("conversations.views.results.MOST_IN_FILE", 12)
    monkeypatch.setattr("conversations.views.results.IN_A_BATCH", 5)
    session = make_session("Many")
    make_messages(session, 30)
    response = client.get("/search/?q=message&order=newest&by=session&format=json")
    rows = json.loads(response.getvalue())
    assert [row["number"] for row in rows] == list(range(29, 17, -1))
    rows = json.loads(client.get("/search/?q=essag&format=json").getvalue())
    assert len(rows) == 12
    assert "at most 12" in page(client, "/search/?q=message")
