"""The admin: every table is there, and no address breaks it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin

from conversations.tests.factories import make_messages, make_session, make_sessions

pytestmark = pytest.mark.django_db
MODELS = [
    model
    for app in ("conversations", "analytics")
    for model in apps.get_app_config(app).get_models()
]
VALUES = ["", "x", "-1", "9" * 400, "9" * 5000, "\x00", "\ud800", "x " * 3000, "x" * 20_000, "٣"]


@pytest.fixture
def client(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    return client


def address(model, rest: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_every_table_can_be_listed_searched_and_added_to(client, model):
    assert model in admin.site._registry
    assert client.get(address(model)).status_code == 200
    assert client.get(address(model, "?q=tea")).status_code == 200
    request = client.get(address(model)).wsgi_request
    can_add = admin.site._registry[model].has_add_permission(request)
    assert client.get(address(model, "add/")).status_code == (200 if can_add else 403)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_no_foreign_key_is_a_list_of_a_million_choices(model):
    keys = {field.name for field in model._meta.fields if field.is_relation}
    assert keys == set(admin.site._registry[model].raw_id_fields)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "name",
    ["q", "p", "o", "all", "e", "status__exact", "status", "started_at__year", "title__regex", "id",
     "project__name", "_facets", "_popup", "_to_field"],
)  # fmt: skip
def test_no_query_string_breaks_a_list(client, name, value):
    make_sessions(2)
    value = quote(value, errors="surrogatepass")
    response = client.get(f"/admin/conversations/session/?{name}={value}")
    assert response.status_code in {200, 302, 400}


@pytest.mark.parametrize("value", ["0", "x", "9" * 400, "9" * 5000, "%00", "_2F"])
def test_no_key_breaks_a_form(client, value):
    for rest in ("change/", "delete/", "history/"):
        response = client.get(f"/admin/conversations/session/{value}/{rest}")
        assert response.status_code in {200, 302, 404}


def test_totals_cannot_be_changed_by_hand(client):
    session = make_session("Tea", "hello")
    html = client.get(f"/admin/conversations/session/{session.id}/change/").content.decode()
    assert 'name="title"' in html
    assert 'name="total_messages"' not in html
    assert "Total messages" in html


def test_a_new_row_starts_with_the_values_of_the_database(client):
    html = client.get("/admin/conversations/session/add/").content.decode()
    assert '<option value="active" selected>' in html
    assert '<option value="single" selected>' in html


def test_a_list_costs_the_same_for_few_rows_and_for_many(client, django_assert_max_num_queries):
    session = make_session("Tea")
    make_messages(session, 300)
    make_sessions(300)
    for name in ("session", "message"):
        with django_assert_max_num_queries(6):
            client.get(f"/admin/conversations/{name}/")
