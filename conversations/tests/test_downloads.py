"""Lists as files."""

from __future__ import annotations

import csv
import json

import pytest

from conversations import downloads
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
    make_sessions,
)

pytestmark = pytest.mark.django_db


def rows(client, address: str) -> list[dict[str, str]]:
    response = client.get(address)
    assert response.status_code == 200
    return list(csv.DictReader(response.getvalue().decode().splitlines()))


def test_the_list_comes_as_csv_with_its_filters_its_order_and_all_its_rows(client):
    make_sessions(60)
    make_sessions_of_a_project()
    found = rows(client, "/sessions/?format=csv&sort=title&per_page=25&page=2")
    assert len(found) == 62
    assert [row["title"] for row in found][:2] == ["Coffee", "Session 0"]
    [one] = rows(client, "/sessions/?format=csv&title=coffee")
    assert one["project"] == "Kitchen"
    assert one["cost"] == "0.25"
    assert one["tags"] == "a, b"


def make_sessions_of_a_project():
    session = make_session("Coffee", project=make_project(), model=make_model(), tags=["a", "b"])
    add_message(session, 1, cost=0.25)
    make_session("Tea")


def test_the_list_comes_as_json(client):
    make_sessions_of_a_project()
    response = client.get("/sessions/?format=json&sort=title")
    assert response["Content-Type"].startswith("application/json")
    found = json.loads(response.getvalue())
    assert [row["title"] for row in found] == ["Coffee", "Tea"]
    assert found[0]["tags"] == ["a", "b"]
    assert "attachment" in response["Content-Disposition"]


@pytest.mark.parametrize("address", ["/projects/", "/models/", "/projects/{}/"])
def test_every_table_comes_as_a_file(client, address):
    make_sessions_of_a_project()
    from conversations.models import Project

    [row] = rows(client, address.format(Project.objects.get().pk) + "?format=csv")
    assert row["cost"] == "0.25"


def test_no_rows_are_a_head_alone_and_an_empty_array(client):
    assert rows(client, "/sessions/?format=csv") == []
    assert json.loads(client.get("/sessions/?format=json").getvalue()) == []


def test_a_format_that_is_none_shows_the_page(client):
    assert b"<html" in client.get("/sessions/?format=exe").content


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1-1", "-1+x", "@A1", "\t=1", " =1", "|x", "%x", "＝1", "\r=1"],  # noqa: RUF001
)
def test_no_cell_is_a_formula(text):
    assert downloads.cell(text).startswith("'")


@pytest.mark.parametrize("value", [-1, "-1.5", "plain", "a=b", None, 0.25])
def test_numbers_and_plain_text_stay_as_they_are(value):
    assert downloads.cell(value) == ("" if value is None else str(value))
