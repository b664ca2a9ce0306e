"""The list of sessions, as a browser gets it."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import pytest

from conversations.models import Message, Session
from conversations.tests.factories import (
    NOON,
    add_message,
    make_model,
    make_project,
    make_session,
    make_sessions,
)
from conversations.tests.pages import LIST, page, plan_for_keys, queries

pytestmark = pytest.mark.django_db
AS_PART = {"HX-Request": "true", "HX-Target": "sessions-table"}


def titles(html: str) -> list[str]:
    return [unescape(title) for title in re.findall(r'<bdi class="clamped">(.*?)</bdi>', html)]


def test_the_front_page_leads_to_the_list(client):
    assert client.get("/").url == LIST


def test_without_sessions_the_page_says_how_to_get_some(client):
    html = page(client, LIST)
    assert "No sessions yet" in html
    for door in ("Import files", "Add demo data", "Show me how"):
        assert door in html


def test_the_newest_session_comes_first(client):
    make_sessions(3)
    assert titles(page(client, LIST)) == ["Session 0", "Session 1", "Session 2"]


def test_a_row_shows_what_is_known_of_the_session(client):
    session = make_session("Tea", project=make_project(), model=make_model(), status="failed")
    add_message(session, 1, input_tokens=12_000, output_tokens=345, cost=0.005)
    html = page(client, LIST)
    assert f'href="/sessions/{session.session_uuid}/"' in html
    for shown in (
        "Kitchen",
        "claude-sonnet-4-5",
        "Failed",
        "12.3k",
        "$0.0050",
        "1 Mar 2026, 12:00",
    ):
        assert shown in html
    assert 'title="12,345 tokens"' in html


def test_a_session_without_title_shows_the_start_of_its_id(client):
    session = make_session("")
    assert f'Untitled</i> <span class="quiet">{session.session_uuid[:8]}<' in page(client, LIST)


def test_what_is_not_known_is_shown_as_a_dash(client):
    make_session("Tea")
    assert page(client, LIST).count("data-unknown") == 4  # project, model, tokens, cost


@pytest.mark.parametrize(
    "column", ["title", "project", "model", "status", "messages", "tokens", "cost", "started"]
)
def test_the_list_can_be_sorted_by_each_column_both_ways(client, column):
    first = make_session("apple", project=make_project("A"), model=make_model("a"), status="active")
    second = make_session(
        "Banana",
        project=make_project("B"),
        model=make_model("b"),
        status="failed",
        started_at=first.started_at.replace(hour=13),
    )
    add_message(second, 1, input_tokens=5, cost=0.5)
    html = page(client, f"{LIST}?sort={column}")
    assert titles(html) == ["apple", "Banana"]
    assert html.count("aria-sort") == html.count('aria-sort="ascending"') == 1
    html = page(client, f"{LIST}?sort=-{column}")
    assert titles(html) == ["Banana", "apple"]
    assert html.count("aria-sort") == html.count('aria-sort="descending"') == 1


@pytest.mark.parametrize(
    "column", ["title", "project", "model", "status", "messages", "tokens", "cost", "started"]
)
@pytest.mark.parametrize("direction", ["", "-"])
def test_pages_never_overlap_where_all_rows_are_equal(client, column, direction):
    make_sessions(60)
    Session.objects.update(title="", started_at=NOON)
    seen: list[str] = []
    for number in (1, 2, 3):
        html = page(client, f"{LIST}?sort={direction}{column}&page={number}")
        seen += re.findall(r'class="title" href="/sessions/([^"]+)/"', html)
    assert len(seen) == len(set(seen)) == 60


@pytest.mark.parametrize(
    "sort",
    ["", "-", "--title", "id", "session_uuid", "project__name", "messages__content", "title,cost",
     "?", "password", "title\x00", "\ud800", "a.b", "x" * 20_000],
)  # fmt: skip
def test_an_order_that_is_no_column_is_left_out(client, sort):
    make_sessions(3)
    html = page(client, f"{LIST}?sort={quote(sort, errors='surrogatepass')}")
    assert titles(html) == ["Session 0", "Session 1", "Session 2"]


@pytest.mark.parametrize(
    ("number", "first"),
    [("1", 0), ("2", 25), ("3", 50), ("4", 50), ("0", 50), ("-1", 50), ("x", 0), ("", 0),
     ("1.5", 0), ("٣", 50), ("9" * 400, 50), ("9" * 5000, 0), ("\x00", 0), ("\ud800", 0)],
)  # fmt: skip
def test_any_page_number_leads_to_a_page(client, number, first):
    make_sessions(60)
    html = page(client, f"{LIST}?page={quote(number, errors='surrogatepass')}")
    assert titles(html)[0] == f"Session {first}"


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [("25", 25), ("50", 50), ("100", 100), ("26", 50), ("-1", 25), ("0", 25), ("1000000", 100),
     ("x", 25), ("", 25), ("9" * 5000, 25)],
)  # fmt: skip
def test_a_page_has_25_50_or_100_rows(client, wanted, rows):
    make_sessions(120)
    assert len(titles(page(client, f"{LIST}?per_page={wanted}"))) == rows


@pytest.mark.parametrize("name", ["sort", "page", "per_page", "message", "q", "anything"])
@pytest.mark.parametrize(
    "value", ["%00", "%ED%A0%80", "%FF", "x" * 20_000, "%0d%0aX: y", "[]", "%"]
)
def test_no_query_string_is_an_error(client, name, value):
    make_sessions(30)
    page(client, f"{LIST}?{name}={value}")
    page(client, f"{LIST}?{name}={value}&{name}={value}")


def test_more_parameters_than_a_form_can_have_are_refused(client):
    assert client.get(LIST, {f"p{n}": "" for n in range(1001)}).status_code == 400


def test_links_keep_the_other_parameters(client):
    make_sessions(60)
    html = unescape(page(client, f"{LIST}?sort=title&per_page=25&theirs=kept&page=2"))
    links = re.findall(r' href="(\?[^"]*)"', html)
    assert links
    assert all("theirs=kept" in link for link in links)
    [sort_link] = [link for link in links if "sort=-title" in link and "page=" not in link[1:9]]
    assert "per_page=25" in sort_link
    [next_link] = set(re.findall(r'rel="next" href="([^"]*)"', html))
    assert {"page=3", "sort=title", "per_page=25"} <= set(next_link.lstrip("?").split("&"))


def test_the_list_costs_the_same_for_ten_and_for_a_thousand_sessions(client):
    project, model = make_project(), make_model()
    make_sessions(10, project=project, model=model)
    for_ten = queries(client, LIST)
    Session.objects.all().delete()
    make_sessions(1000, project=project, model=model)
    assert queries(client, LIST) == for_ten == 10
    assert queries(client, f"{LIST}?per_page=100&page=7&sort=-project") == for_ten


@pytest.mark.parametrize("sort", ["started", "-started", "status", "-status"])
def test_the_orders_that_have_an_index_use_it(client, sort):
    make_sessions(30)
    plan = plan_for_keys(client, f"{LIST}?sort={sort}&page=2")
    assert "INDEX sessions_by_" in plan
    assert "TEMP B-TREE" not in plan


def test_htmx_gets_the_table_alone_at_the_same_address(client):
    make_sessions(60)
    response = client.get(f"{LIST}?page=2", headers=AS_PART)
    html = response.content.decode()
    assert titles(html)[0] == "Session 25"
    assert "<html" not in html
    assert "Page 2 of 3" in html  # said to who cannot see the page change
    assert "HX-Target" in response["Vary"]


@pytest.mark.parametrize("target", ["", "main", "conversations/session.html", "messages"])
def test_any_other_target_gets_the_whole_page(client, target):
    headers = {"HX-Request": "true", "HX-Target": target}
    assert "<html" in client.get(LIST, headers=headers).content.decode()


def test_a_history_restore_gets_the_whole_page(client):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(LIST, headers=headers).content.decode()


def test_an_id_that_cannot_stand_in_an_address_breaks_no_list(client):
    make_session("Odd", session_uuid="a/b")
    html = page(client, LIST)
    assert titles(html) == ["Odd"]
    assert "a/b" not in html


@pytest.mark.parametrize("address", [LIST, "/sessions/x/"])
def test_pages_are_for_reading(client, address):
    assert client.post(address).status_code == 405


def test_every_total_says_how_many_of_its_messages_are_unpriced(client):
    session = make_session("Tea", project=make_project("Kitchen"))
    add_message(session, 1, input_tokens=5, cost=0.25)
    add_message(session, 2, input_tokens=5)
    add_message(session, 3, output_tokens=7)
    add_message(session, 4, "No tokens, nothing to pay.")
    session.refresh_from_db()
    assert session.total_unpriced == 2
    for address in ("/sessions/", "/projects/", session.get_absolute_url()):
        assert "+ 2 unpriced" in client.get(address).text, address
    Message.objects.filter(sequence_number=1).update(cost=None)
    assert ">3 unpriced<" in client.get("/sessions/").text
    Message.objects.update(cost=0)
    assert "unpriced" not in client.get("/sessions/").text
