"""The pages of models, sessions, tools, errors, projects and tags."""

from __future__ import annotations

import csv
import re
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Message, Session
from conversations.tests.factories import add_message, make_model, make_project, make_session
from conversations.tests.pages import page
from conversations.tests.test_pages_hostile_values import HOSTILE

pytestmark = pytest.mark.django_db
PAGES = ("models", "sessions", "tools", "errors", "projects", "tags")


@pytest.fixture(autouse=True)
def signed_in(client, alice):
    client.force_login(alice)


def fill(count: int, **fields) -> None:
    """Store a session of today with so many answers, one of which failed."""
    now = timezone.now()
    session = make_session(
        model=fields.pop("model", None) or make_model(name=f"model-{count}"),
        project=make_project(f"Project {count}"),
        started_at=now,
        tags=[f"tag-{count}"],
    )
    for number in range(1, count + 1):
        said = {
            "latency_ms": 100 * number,
            "output_tokens": 10,
            "cost": 0.01,
            "tool_calls": [{"name": "Bash"}],
            "finish_reason": "stop",
            "error_message": "Overloaded" if number == 1 else "",
        }
        add_message(session, number, timestamp=now, **said, **fields)


def asked_sql(client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    return [query["sql"] for query in captured]


def reads_messages(sql: str) -> bool:
    """Return whether a query reads the table of messages, and not just the greatest id in it."""
    is_newest = sql == "SELECT COALESCE(MAX(id), 0) FROM messages"
    return not is_newest and bool(re.search(r'(FROM|JOIN)\s+"?messages\b', sql))


# What may read messages, each by key or over an index made for it.
NAMED = {
    "models": ("FROM annotations AS remark",),
    "errors": ("WHERE error_message > ''", 'WHERE "messages"."id" IN'),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_the_roll_ups_and_as_often_for_many_messages_as_for_few(client, name):
    fill(2)
    address = f"/analytics/{name}/"
    page(client, address)
    few = asked_sql(client, address)
    fill(30)
    many = asked_sql(client, address)
    assert len(many) <= len(few) + 1
    for sql in many:
        assert not reads_messages(sql) or any(part in sql for part in NAMED.get(name, ())), sql


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_any_message_says_so(client, name):
    assert "There is nothing to show." in page(client, f"/analytics/{name}/")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_no_value_in_an_address_makes_a_page_fail(client, name, value):
    fill(2)
    value = quote(value.encode("utf-8", "surrogatepass"))
    names = "from to grain project model source tag role measure compare table format chart by"
    address = f"/analytics/{name}/?" + "&".join(f"{each}={value}" for each in names.split())
    assert "<script>alert" not in page(client, address)


@pytest.mark.parametrize("name", PAGES)
def test_every_table_and_chart_of_a_page_is_a_file_too(client, name):
    fill(3)
    html = page(client, f"/analytics/{name}/")
    links = re.findall(r'href="(\?(?:table|chart)=[^"]+)"', html)
    assert links
    for link in links:
        response = client.get(f"/analytics/{name}/{link.replace('&amp;', '&')}")
        assert response["Content-Type"].startswith("text/csv"), link
        rows = list(csv.reader(response.getvalue().decode().splitlines()))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("name", PAGES)
def test_who_has_not_signed_in_sees_no_page(client, name):
    client.logout()
    assert client.get(f"/analytics/{name}/").status_code == 302


@pytest.mark.parametrize("name", ["models", "tools", "errors"])
def test_a_page_whose_numbers_are_kept_by_day_says_so_where_hours_are_asked_for(client, name):
    fill(2)
    html = page(client, f"/analytics/{name}/?from=now/d&to=now&grain=hour")
    assert "it is shown by day" in html
    assert "it is shown by day" not in page(client, f"/analytics/{name}/?from=now/d&to=now")


# -- models ---------------------------------------------------------------------------------------


def test_models_that_are_picked_stand_side_by_side_in_the_order_of_the_address(client):
    one, other = make_model(name="one"), make_model(name="other")
    fill(2, model=one)
    fill(3, model=other)
    first, second = other.pk, one.pk
    for address in (f"compare={first}&compare={second}", f"compare={first},{second}"):
        html = page(client, f"/analytics/models/?{address}")
        assert "2 models side by side" in html
        head = re.search(r"<thead>.*?</thead>", html, re.S)[0]
        assert re.findall(r"<bdi>(.*?)</bdi>", head) == ["anthropic/other", "anthropic/one"]
        assert ">best</span>" in html
        # The form of the trend keeps what is compared.
        assert f'name="compare" value="{first},{second}"' in html


@pytest.mark.parametrize(
    ("compare", "says"),
    [
        ("compare=1", "Pick two models or more"),
        ("compare=99999", "there is no model “99999”"),
        ("compare=x&compare=-1", "there is no model “x”"),
    ],
)
def test_what_cannot_be_compared_is_said_and_all_models_are_shown(client, compare, says):
    fill(2)
    html = page(client, f"/analytics/models/?{compare}")
    assert says in html
    assert 'id="compare-form"' in html


def test_no_more_than_six_models_stand_side_by_side(client):
    ids = [make_model(name=f"m{number}").pk for number in range(8)]
    html = page(client, f"/analytics/models/?compare={','.join(map(str, ids))}")
    assert "6 models side by side" in html
    assert "No more than 6 models" in html


def test_the_name_of_a_model_is_text_whatever_it_is(client):
    fill(2, model=make_model(name="<script>alert(1)</script>"))
    html = page(client, "/analytics/models/")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


# -- the others -----------------------------------------------------------------------------------


def test_tags_say_that_a_message_counts_for_each_tag_of_its_session(client):
    fill(2)
    assert "A message counts for each tag of its session" in page(client, "/analytics/tags/")
    assert "A message counts for each tag" not in page(client, "/analytics/projects/")


def test_the_text_of_an_error_is_text_and_has_a_link_to_its_message(client):
    fill(2)
    message = Message.objects.get(sequence_number=1)
    Message.objects.update(error_message="<script>alert(1)</script>")
    html = page(client, "/analytics/errors/")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert f"#m-{message.message_uuid}" in html


def test_a_session_without_an_address_is_listed_without_a_link(client):
    fill(2)
    Session.objects.update(session_uuid="", title="Nameless", completed_at=timezone.now())
    for name in ("sessions", "errors"):
        assert "Nameless" in page(client, f"/analytics/{name}/")
