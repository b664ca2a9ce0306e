"""Sessions picked in their list become variants of a comparison."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analytics.models import ComparisonGroup
from conversations.models import Session
from conversations.tests.factories import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ada", password="x"))
    return client


@pytest.fixture
def sessions() -> list[Session]:
    return [make_session(f"Session {n}", source="codex" if n % 2 else "chatgpt") for n in range(4)]


def pick(client, query: str = "", **fields):
    return client.post(reverse("comparison-pick") + query, fields)


def add(client, **fields):
    return client.post(reverse("comparison-variant"), fields)


def variants() -> dict[str, int]:
    links = ComparisonGroup.objects.get().variants
    names = links.values_list("variant_name", flat=True)
    return {name: links.filter(variant_name=name).count() for name in names}


def test_picked_sessions_make_a_new_comparison_and_the_next_its_other_variant(client, sessions):
    assert pick(client, selected=[sessions[0].pk]).url == reverse("comparison-variant")
    shown = client.get(reverse("comparison-variant")).content.decode()
    assert "1 session is selected" in shown
    made = add(client, variant="small", name="Tea")
    group = ComparisonGroup.objects.get(name="Tea")
    assert (made.url, group.baseline) == (group.get_absolute_url(), "small")
    pick(client, selected=[sessions[1].pk, sessions[2].pk])
    shown = client.get(reverse("comparison-variant")).content.decode()
    assert f'<option value="{group.pk}" selected>' in shown
    add(client, variant="large", comparison=group.pk)
    assert variants() == {"small": 1, "large": 2}


def test_all_that_match_a_filter_are_one_variant(client, sessions):
    pick(client, "?source=codex", all="2")
    add(client, variant="of codex", name="By source")
    assert variants() == {"of codex": 2}


def test_all_sessions_without_a_filter_are_no_variant(client, sessions):
    refused = pick(client, all="4")
    assert refused.url == reverse("sessions")
    assert "filter the list" in client.get(refused.url).content.decode()


@pytest.mark.parametrize("fields", [{}, {"selected": ["0"]}, {"selected": ["x"]}, {"all": "7"}])
def test_nothing_picked_or_another_number_than_was_shown_goes_back_to_the_list(
    client, sessions, fields
):
    assert pick(client, "?source=codex", **fields).url == reverse("sessions") + "?source=codex"
    assert add(client, variant="a", name="b").url == reverse("sessions")
    assert not ComparisonGroup.objects.exists()


def test_htmx_is_sent_to_the_next_page(client, sessions):
    address = reverse("comparison-pick")
    sent = client.post(address, {"selected": sessions[0].pk}, headers={"hx-request": "true"})
    assert sent.headers["HX-Redirect"] == reverse("comparison-variant")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"variant": "a"}, "Choose a comparison, or name a new one"),
        ({"name": "b"}, "This field is required"),
        ({"variant": "a", "comparison": "999"}, "Select a valid choice"),
        ({"variant": "a", "name": "n" * 301}, "at most 300 characters"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_made(client, sessions, fields, reason):
    pick(client, selected=[sessions[0].pk])
    answer = add(client, **fields)
    assert answer.status_code == 200
    assert reason in answer.content.decode()
    assert not ComparisonGroup.objects.exists()


def test_a_session_of_another_variant_is_refused_by_name(client, sessions):
    pick(client, selected=[sessions[0].pk])
    add(client, variant="a", name="Tea")
    pick(client, selected=[session.pk for session in sessions])
    group = ComparisonGroup.objects.get()
    refused = add(client, variant="b", comparison=group.pk).content.decode()
    assert "is part of the variant “a” already" in refused
    assert variants() == {"a": 1}
