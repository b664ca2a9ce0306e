"""Reports of linked sessions: when they are old, and what the projects of the sessions explain."""

from __future__ import annotations

import pytest

from analytics.comparisons import making, storing
from conversations import writing
from conversations.models import Message, Session
from conversations.tests.factories import make_project

pytestmark = pytest.mark.django_db


def asked(prompt: str, *, latency: int, **columns) -> str:
    uuid = writing.create_session("One question", **columns)
    writing.add_message(uuid, "user", prompt)
    writing.add_message(uuid, "assistant", "So it is.", latency_ms=latency)
    return uuid


@pytest.fixture
def group(db):
    group = making.create_group("Speed", primary_metric="latency_ms")
    for name, latency in (("slow", 900), ("quick", 300)):
        uuids = [asked(f"Question {n}?", latency=latency + n) for n in range(3)]
        making.link_sessions(group, name, uuids)
    return group


@pytest.mark.parametrize(
    "change",
    [
        lambda: Message.objects.filter(role="user").order_by("pk").first(),
        lambda: Message.objects.filter(role="assistant").order_by("pk").last(),
    ],
    ids=["prompt", "answer"],
)
def test_a_text_that_is_edited_makes_a_report_old(group, change):
    before = storing.report_of(group)
    assert storing.report_of(group).computed_at == before.computed_at
    message = change()
    Message.objects.filter(pk=message.pk).update(content="Something else")
    after = storing.report_of(group)
    assert after.computed_at > before.computed_at
    assert after.report["method"]["input_hash"] != before.report["method"]["input_hash"]


def test_latencies_that_change_places_make_a_report_old(group):
    before = storing.report_of(group)
    one, other = Message.objects.filter(role="assistant").order_by("pk")[1:3]
    for message, latency in ((one, other.latency_ms), (other, one.latency_ms)):
        Message.objects.filter(pk=message.pk).update(latency_ms=latency)
    assert storing.report_of(group).computed_at > before.computed_at


def test_sessions_of_other_comparisons_leave_a_report_as_it_is(group):
    stranger = asked("Who?", latency=5)
    before = storing.report_of(group)
    Message.objects.filter(session__session_uuid=stranger).update(content="I")
    Session.objects.filter(session_uuid=stranger).update(temperature=0.5)
    assert storing.report_of(group).computed_at == before.computed_at


def test_a_session_that_differs_otherwise_now_is_told_of_at_once(group):
    assert "temperature" not in str(storing.report_of(group).report["checks"])
    Session.objects.filter(comparisons__variant_name="quick").update(temperature=0.2)
    assert "temperature" in str(storing.report_of(group).report["checks"])


def test_prompts_of_several_projects_are_told_apart_by_them():
    group = making.create_group("Two projects", primary_metric="latency_ms")
    slower = {"Kitchen": {"a": 100, "b": 200}, "Garden": {"a": 900, "b": 400}}
    for name, latencies in slower.items():
        make_project(name)
        for variant, latency in latencies.items():
            making.link_sessions(
                group, variant,
                [asked(f"{name} {n}?", latency=latency + 7 * n, project=name) for n in range(12)],
            )  # fmt: skip
    strata = storing.report_of(group).report["pairs"][0]["strata"]
    assert (strata["by"], strata["withheld"]) == ("project", False)
    assert [(row["name"], row["n"], round(row["estimate"])) for row in strata["rows"]] == [
        ("Garden", 12, -500), ("Kitchen", 12, 100),
    ]  # fmt: skip
    assert "differ in which variant" in strata["text"]


def test_a_whole_that_its_projects_contradict_is_withheld():
    # Both are quicker in either project with b, which was mostly given the hard one.
    group = making.create_group("Turned round", primary_metric="latency_ms", is_paired=False)
    counts = {("Easy", "a"): (30, 200), ("Easy", "b"): (6, 150),
              ("Hard", "a"): (6, 1000), ("Hard", "b"): (30, 900)}  # fmt: skip
    for name in ("Easy", "Hard"):
        make_project(name)
    for (name, variant), (count, latency) in counts.items():
        uuids = [
            asked(f"{name}, {variant}, {n}?", latency=latency + n % 5, project=name)
            for n in range(count)
        ]
        making.link_sessions(group, variant, uuids)
    [pair] = storing.report_of(group).report["pairs"]
    assert (pair["strata"]["by"], pair["strata"]["pooled"]) == ("project", None)
    assert pair["strata"]["stratified"]["estimate"] < 0
    assert "b is better" in pair["verdict"]["text"]
