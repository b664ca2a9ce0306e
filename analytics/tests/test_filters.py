"""Which messages a page counts, as its address says it."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict

from analytics.filters import AnalyticsFilter, Where
from analytics.ranges import Range
from conversations.tests.factories import (
    add_message,
    make_model,
    make_project,
    make_session,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 26)


def filters(query: str, **options) -> AnalyticsFilter:
    data = QueryDict(query)
    return AnalyticsFilter(data, Range.of(data, today=TODAY), **options)


def test_nothing_asked_is_everything():
    assert filters("").where == Where()


def test_each_filter_says_which_messages_count():
    project, model = make_project("Tea"), make_model()
    asked = filters(
        f"project={project.pk}&model={model.pk}&source=demo&tag=green&role=assistant"
    ).where
    assert asked == Where(project.pk, False, model.pk, "demo", "green", "assistant")
    assert filters("project=none").where == Where(no_project=True)
    assert filters("source=here").where == Where(source="")


@pytest.mark.parametrize(
    "query",
    ["project=99", "project=x", "model=-1", "source=moon", "role=king", f"tag={'x' * 2000}"],
)
def test_what_cannot_be_meant_counts_all_and_is_said(query):
    asked = filters(f"{query}&from=soon")
    assert asked.where == Where()
    assert len(asked.ignored()) == 2
    assert set(asked.query()) == {"from", "to"}


def test_a_chip_takes_off_its_filter_and_keeps_the_range():
    make_project("Tea")
    chips = filters("role=user&project=none&from=now-7d&by=model", kept={"by": "model"}).chips()
    assert [(chip.label, chip.value, chip.without) for chip in chips] == [
        ("Project", "None", "?role=user&from=now-7d&to=now&by=model"),
        ("Role", "User", "?project=none&from=now-7d&to=now&by=model"),
    ]


def test_the_periods_around_keep_the_filters():
    asked = filters("role=user&from=2026-01-01&to=2026-01-31")
    assert asked.previous_address() == "?role=user&from=2025-12-01&to=2025-12-31"
    assert asked.next_address() == "?role=user&from=2026-02-01&to=2026-02-28"
    assert filters("from=now-7d").next_address() == ""


def test_each_form_sends_along_what_the_other_asks():
    asked = filters("role=user&from=now-7d&grain=hour&by=model", kept={"by": "model"})
    assert asked.beside_range() == [("role", "user"), ("by", "model")]
    assert asked.beside_filters() == [
        ("from", "now-7d"), ("to", "now"), ("grain", "hour"), ("by", "model")
    ]  # fmt: skip
    assert asked.query_with(by="tag") == "?role=user&from=now-7d&to=now&grain=hour&by=tag"


def test_a_number_leads_to_the_sessions_behind_it(client, alice):
    client.force_login(alice)
    model = make_model()
    session = make_session("Green", model=model, started_at="2026-01-05 12:00:00+00:00")
    add_message(session, 1, "Two minutes.", role="assistant")
    make_session("Black", started_at="2026-01-05 12:00:00+00:00")
    make_session("Late", model=model, started_at="2026-02-05 12:00:00+00:00")
    asked = filters(f"model={model.pk}&role=assistant&from=2026-01-01&to=2026-01-31")
    link = asked.sessions_url()
    assert parse_qs(urlsplit(link).query) == {
        "model": [str(model.pk)], "q": ["role:assistant"],
        "since": ["2026-01-01"], "until": ["2026-01-31"],
    }  # fmt: skip
    page = client.get(link).content.decode()
    assert "Green" in page
    assert "Black" not in page
    assert "Late" not in page
    week = asked.range.periods()[4]
    assert "since=2026-01-05&until=2026-01-05&tag=a+b" in asked.sessions_url(week, tag="a b")
