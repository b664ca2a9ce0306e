"""The list of sessions and the page of a session, as a browser gets them."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Session
from conversations.rendering import LONGEST
from conversations.tests.factories import (
    NOON,
    add_message,
    make_messages,
    make_model,
    make_project,
    make_session,
    make_sessions,
)

pytestmark = pytest.mark.django_db
LIST = "/sessions/"
AS_PART = {"HX-Request": "true", "HX-Target": "sessions-table"}


@pytest.fixture
def client(client, django_user_model):
    # Without a password: to hash one takes longer than most of these tests.
    client.force_login(django_user_model.objects.create(username="reader"))
    return client


def page(client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def titles(html: str) -> list[str]:
    return [unescape(title) for title in re.findall(r'<bdi class="clamped">(.*?)</bdi>', html)]


def plan_for_keys(client, address: str) -> str:
    """Return how the database finds the keys of a page."""
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    found = [re.search(r"IN \((SELECT .* LIMIT [\d OFSET]+)\)", query["sql"]) for query in captured]
    [keys] = [match[1] for match in found if match]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {keys}")
        return " ".join(str(row) for row in cursor.fetchall())


def queries(client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    return len(captured)


# -- the list ---------------------------------------------------------------------------------


def test_the_front_page_leads_to_the_list(client):
    assert client.get("/").url == LIST


def test_without_sessions_the_page_says_how_to_get_some(client):
    html = page(client, LIST)
    assert "No sessions yet" in html
    assert "manage.py import" in html


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
        seen += re.findall(r'href="/sessions/([^"]+)/"', html)
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
    assert queries(client, LIST) == for_ten == 4
    assert queries(client, f"{LIST}?per_page=100&page=7&sort=-project") == for_ten


@pytest.mark.parametrize("sort", ["started", "-started", "status", "-status"])
def test_the_orders_that_have_an_index_use_it(client, sort):
    make_sessions(30)
    plan = plan_for_keys(client, f"{LIST}?sort={sort}&page=2")
    assert "USING COVERING INDEX sessions_by_" in plan
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


# -- a session --------------------------------------------------------------------------------


def test_a_session_shows_its_facts_and_its_messages_in_order(client):
    session = make_session(
        "Tea",
        "How long?",
        "Three **minutes**.",
        project=make_project(),
        model=make_model(),
        system_prompt="Be brief.",
        source="chatgpt",
    )
    html = page(client, session.get_absolute_url())
    for shown in ("Kitchen", "anthropic/claude-sonnet-4-5", "Be brief.", "chatgpt", "Active"):
        assert shown in html
    assert session.session_uuid in html
    assert html.index("How long?") < html.index("<strong>minutes</strong>")


def test_a_message_shows_who_when_and_at_what_cost(client):
    session = make_session("Tea")
    add_message(
        session,
        1,
        "Three.",
        model=make_model(),
        input_tokens=1200,
        output_tokens=7,
        cost=0.005,
        latency_ms=2300,
        error_message="broken off",
    )
    html = page(client, session.get_absolute_url())
    for shown in ("Assistant", "claude-sonnet-4-5", "$0.0050", "2.3 s", "broken off"):
        assert shown in html
    assert 'datetime="2026-03-01T12:00:01.000+00:00"' in html
    assert re.search(r">1\.2k</data> in", html)
    assert re.search(r">7</data> out", html)


def test_a_missing_cost_is_left_out_and_a_cost_of_nothing_is_not(client):
    session = make_session("Tea")
    add_message(session, 1, "free", cost=0.0)
    assert "$0.00<" in page(client, session.get_absolute_url())
    session = make_session("Tea")
    add_message(session, 1, "unknown")
    assert "$" not in page(client, session.get_absolute_url()).partition("<article")[2]


def folds(html: str) -> list[str]:
    return re.findall(r'<span class="fold-label" dir="auto">(.*?)</span>', html)


def test_thinking_calls_and_results_are_folded(client):
    session = make_session("Tea")
    add_message(
        session,
        1,
        "Let me look.",
        metadata={"thinking": ["The user wants tea.", "Or coffee."]},
        tool_calls=[
            {"id": "1", "name": "Bash", "arguments": {"command": "ls\npwd", "timeout": 5}},
            {"type": "function", "function": {"name": "read", "arguments": '{"path": "a.txt"}'}},
        ],
    )
    add_message(session, 2, "a.txt\nb.txt", role="tool", content_type="tool_result")
    add_message(session, 3, "", function_call={"name": "old", "arguments": "not json {"})
    html = page(client, session.get_absolute_url())
    assert folds(html) == [
        "Thinking",
        "Thinking",
        "Tool call: Bash",
        "Tool call: read",
        "Result",
        "Tool call: old",
    ]
    assert html.index("Thinking") < html.index("Let me look.") < html.index("Tool call: Bash")
    assert "\nls\npwd</pre>" in html
    assert "\na.txt</pre>" in html
    assert "not json {" in html
    assert "<details open" not in html


@pytest.mark.parametrize(
    "value", [[], {}, "text", 5, True, [None], [[]], [5], ["x"], {"name": {}}, [{"function": 5}],
              [{"name": ["a"], "arguments": 5}], {"a": "\ud800"}, ["\x00"], [{"arguments": None}]]
)  # fmt: skip
def test_json_of_any_shape_is_shown(client, value):
    session = make_session("Tea")
    keys = ("thinking", "tool_results", "attachments")
    add_message(session, 1, "hello", tool_calls=value, metadata=dict.fromkeys(keys, value))
    add_message(session, 2, "hello", function_call=value, metadata=[value])
    assert page(client, session.get_absolute_url()).count("<article") == 2


def test_a_call_that_the_text_repeats_is_shown_once(client):
    session = make_session("Tea")
    add_message(session, 1, "print(1)", tool_calls=[{"name": "python", "arguments": "print(1)"}])
    html = page(client, session.get_absolute_url())
    assert html.count("print(1)</pre>") == 1
    assert '<div class="text"' not in html


def test_hidden_messages_are_folded_and_labelled(client):
    session = make_session("Tea")
    add_message(session, 1, "# context", is_hidden=True)
    html = page(client, session.get_absolute_url())
    assert "Hidden message" in html
    assert ">Hidden<" in html
    assert html.index("<details") < html.index("<h3>context</h3>")


def test_messages_off_the_path_and_of_sub_agents_are_labelled(client):
    session = make_session("Tea")
    add_message(session, 1, "a", is_active_path=False)
    assert "Other branch" in page(client, session.get_absolute_url())
    add_message(session, 2, "b", is_sidechain=True)
    assert "Sub-agent" in page(client, session.get_absolute_url())


def test_attachments_are_named(client):
    session = make_session("Tea")
    attached = [{"type": "image", "name": "cup.png"}, {"type": "file", "media_type": "text/csv"}]
    add_message(session, 1, "see", metadata={"attachments": attached})
    html = page(client, session.get_absolute_url())
    assert "cup.png" in html
    assert "text/csv" in html


def test_parent_and_sub_sessions_are_linked(client):
    parent = make_session("Parent")
    child = make_session("Child", parent_session=parent)
    assert f'href="{child.get_absolute_url()}"' in page(client, parent.get_absolute_url())
    assert f'href="{parent.get_absolute_url()}"' in page(client, child.get_absolute_url())


def test_an_unknown_session_is_not_found(client):
    assert client.get("/sessions/nothing/").status_code == 404
    assert client.get("/sessions/%00/").status_code == 404
    assert client.get("/sessions/%ED%A0%80/").status_code == 404


def test_a_long_session_is_shown_in_pages_of_fifty(client):
    session = make_session("Tea")
    make_messages(session, 120)
    for number, first, last in (("1", 0, 49), ("2", 50, 99), ("3", 100, 119), ("99", 100, 119)):
        html = page(client, f"{session.get_absolute_url()}?page={number}")
        shown = [int(found) for found in re.findall(r"<p>Message (\d+)</p>", html)]
        assert shown == list(range(first, last + 1))


def test_positions_count_and_not_the_numbers_of_messages(client):
    session = make_session("Tea")
    for number in range(60):
        add_message(session, number * 1000 + 7, f"text {number}")
    html = page(client, f"{session.get_absolute_url()}?page=2")
    assert re.findall(r"<p>text (\d+)</p>", html) == [str(number) for number in range(50, 60)]


def test_a_link_to_a_message_opens_the_page_that_holds_it(client):
    session = make_session("Tea")
    make_messages(session, 120)
    html = page(client, f"{session.get_absolute_url()}?message={session.id}-77")
    assert f'id="m-{session.id}-77"' in html
    assert f'href="?message={session.id}-77#m-{session.id}-77"' in html
    assert "message=" not in re.findall(r'rel="next" href="([^"]*)"', html)[0]
    elsewhere = make_session("Coffee", "hello")
    for unknown in ("x", elsewhere.messages.get().message_uuid, "%00", "x" * 5000):
        address = f"{session.get_absolute_url()}?message={unknown}"
        assert client.get(address).status_code == 404


@pytest.mark.parametrize("value", ["%00", "%ED%A0%80", "-1", "9" * 400, "9" * 5000, "x" * 20_000])
def test_any_page_of_a_session_is_a_page(client, value):
    session = make_session("Tea", "hello")
    assert "<p>hello</p>" in page(client, f"{session.get_absolute_url()}?page={value}")


def test_htmx_gets_the_messages_alone(client):
    session = make_session("Tea")
    make_messages(session, 60)
    headers = {"HX-Request": "true", "HX-Target": "messages"}
    html = client.get(f"{session.get_absolute_url()}?page=2", headers=headers).content.decode()
    assert "<p>Message 50</p>" in html
    assert "<html" not in html


def test_a_session_costs_the_same_for_one_message_and_for_thousands(client):
    short = make_session("Tea", "hello")
    long = make_session("Tea")
    make_messages(long, 3000)
    for number in range(30):
        make_session(f"Sub-session {number}", parent_session=long)
    assert queries(client, short.get_absolute_url()) == 5
    assert queries(client, f"{long.get_absolute_url()}?page=60") == 5
    assert queries(client, f"{long.get_absolute_url()}?message={long.id}-2999") == 7


def test_a_page_is_found_without_reading_the_messages_in_front_of_it(client):
    session = make_session("Tea")
    make_messages(session, 60)
    plan = plan_for_keys(client, f"{session.get_absolute_url()}?page=2")
    assert "USING COVERING INDEX" in plan
    assert "TEMP B-TREE" not in plan


def test_a_message_too_long_for_a_page_is_cut_and_can_be_had_whole(client):
    text = "**line**\n" * (LONGEST // 9 + 1000)
    session = make_session("Tea", text)
    message = session.messages.get()
    html = page(client, session.get_absolute_url())
    assert len(html) < LONGEST + 40_000
    assert "**line**" in html
    address = f"{session.get_absolute_url()}messages/{message.message_uuid}.txt"
    assert f'href="{address}"' in html
    response = client.get(address)
    assert response.content.decode() == text
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_text_of_a_message_is_found_in_its_own_session_alone(client):
    ours, other = make_session("Tea", "hello"), make_session("Coffee", "bye")
    uuid = ours.messages.get().message_uuid
    assert client.get(f"{other.get_absolute_url()}messages/{uuid}.txt").status_code == 404
    assert client.get(f"{ours.get_absolute_url()}messages/nothing.txt").status_code == 404


def test_a_page_of_long_messages_has_a_limit_to_its_markdown(client):
    session = make_session("Tea", *["**bold** " * 10_000] * 5)  # 90 kB each
    html = page(client, session.get_absolute_url())
    assert html.count("<article") == 5
    assert 2 * 10_000 <= html.count("<strong>bold") < 3 * 10_000
