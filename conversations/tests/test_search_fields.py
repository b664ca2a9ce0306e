"""What each field of a query asks, and what is said where it cannot be asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from conversations import search
from conversations.models import Annotation
from conversations.models.choices import Role, SessionStatus, SessionType
from conversations.search.fields import NotMeant, moment
from conversations.tests.factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db


def found(typed: str, **options) -> set[str]:
    """Return what the messages say that are found; of others, in which part something was."""
    rows = search.find(typed, limit=500, **options).rows
    return {row["snippet"].replace("<mark>", "").replace("</mark>", "") for row in rows}


def said(typed: str) -> str:
    return search.find(typed).reading.says


@pytest.fixture
def models():
    for provider, name in (("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("local", "Llama 3")):
        model = make_model(provider, name)
        make_session("Untitled", f"tea of {name}", model=model)
    other = make_session("Untitled", model=model)
    add_message(other, 1, "tea of its own", model=make_model("local", "qwen"))


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("gpt-4o", {"gpt-4o"}),
        ("GPT-4O", {"gpt-4o"}),
        ("gpt", {"gpt-4o", "gpt-4o-mini"}),
        ("openai/gpt-4o-mini", {"gpt-4o-mini"}),
        ("local/", {"Llama 3", "its own"}),
        ('"llama 3"', {"Llama 3"}),
        ("qwen", {"its own"}),
    ],
)
def test_a_model_is_that_of_the_message_else_of_its_session(models, value, names):
    assert found(f"tea model:{value}") == {f"tea of {name}" for name in names}
    assert found(f"model:{value}") == {f"tea of {name}" for name in names}


def test_a_project_is_named_by_its_name_or_a_part_of_it():
    for name in ("Kitchen", "Kitchen garden", "Büro"):
        make_session("Untitled", f"tea of {name}", project=make_project(name))
    make_session("Untitled", "tea of none")
    assert found("tea project:kitchen") == {"tea of Kitchen"}
    assert found("tea project:kit") == {"tea of Kitchen", "tea of Kitchen garden"}
    assert found("tea project:buro") == {"tea of Büro"}
    assert found('tea project:"kitchen garden"') == {"tea of Kitchen garden"}
    assert found("tea project:none") == {"tea of none"}
    assert found("tea -project:kit") == {"tea of Büro", "tea of none"}


@pytest.mark.parametrize("role", Role.values)
def test_a_role_is_that_of_a_message(role):
    session = make_session("tea")
    for number, each in enumerate(Role.values, 1):
        add_message(session, number, f"tea of {each}", role=each)
    assert found(f"role:{role}") == {f"tea of {role}"}
    assert found(f"tea role:{role.upper()}") == {f"tea of {role}"}
    assert found(f"tea -role:{role}") == {f"tea of {each}" for each in Role.values if each != role}


@pytest.mark.parametrize(
    ("field", "column", "values"),
    [
        ("status", "status", SessionStatus.values),
        ("type", "session_type", SessionType.values),
        ("source", "source", ["chatgpt", "claude-code", "here"]),
    ],
)
def test_status_type_and_source_are_those_of_a_session(field, column, values):
    for value in values:
        stored = "" if value == "here" else value
        make_session(f"tea of {value}", "milk", **{column: stored})
    for value in values:
        assert found(f"of {field}:{value}") == {f"tea of {value}"}
        assert len(search.find(f"milk -{field}:{value}", limit=9).rows) == len(values) - 1


def test_a_tag_is_one_of_those_of_a_session():
    make_session("Untitled", "tea one", tags=["green", "to drink"])
    make_session("Untitled", "tea two", tags=["greenish"])
    assert found("tea tag:green") == {"tea one"}
    assert found('tea tag:"to drink"') == {"tea one"}
    assert found("tea tag:gre -tag:green") == {"tea two"}
    assert found("tea tag:reen") == {"tea one", "tea two"}
    assert found("tea -tag:green") == {"tea two"}


def test_a_session_is_named_by_the_beginning_of_its_id():
    make_session("Untitled", "tea one", session_uuid="abc-1")
    make_session("Untitled", "tea two", session_uuid="abd-2")
    make_session("Untitled", "tea odd", session_uuid="a%_")
    assert found("tea session:abc") == {"tea one"}
    assert found("tea session:ab") == {"tea one", "tea two"}
    assert found("tea session:a%") == {"tea odd"}
    assert found("session:abd-2") == {"tea two"}


def test_a_title_is_that_of_the_session_of_a_message():
    make_session("Green things", "tea one")
    make_session("Grey", "tea two")
    assert found("tea title:green") == {"tea one"}
    assert found("tea title:gre*") == {"tea one", "tea two"}
    assert found('tea title:"green thing"') == {"tea one"}
    assert found("tea title:(grey OR green)") == {"tea one", "tea two"}
    assert found("title:grey") == {"tea two"}
    assert found("tea -title:grey") == {"tea one"}


# -- times ----------------------------------------------------------------------------------------


@pytest.fixture
def in_berlin():
    with timezone.override("Europe/Berlin"):
        yield


@pytest.fixture
def of_days():
    session = make_session("Untitled")
    times = {
        "new year": datetime(2024, 12, 31, 23, 30, tzinfo=UTC),  # in Berlin, in 2025
        "march": datetime(2025, 3, 15, 12, tzinfo=UTC),
        "last night": datetime(2025, 3, 31, 21, 59, tzinfo=UTC),
        "april": datetime(2025, 3, 31, 22, 0, tzinfo=UTC),
    }
    for number, (name, time) in enumerate(times.items(), 1):
        add_message(session, number, name, timestamp=time)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("after:2025 before:2026", {"new year", "march", "last night", "april"}),
        ("before:2025", set()),
        ("after:2025-03 before:2025-04", {"march", "last night"}),
        ("after:2025-04", {"april"}),
        ("after:2025-3-15 before:2025/03/16", {"march"}),
        ("after:2025-03-31T23:59", {"last night", "april"}),
        ('before:"2025-03-15 13:00"', {"new year"}),
        ("after:2025-03-15T12:00:00+00:00 before:2025-03-31", {"march"}),
        ("-after:2025-02", {"new year"}),
    ],
)
def test_days_begin_in_the_time_zone_of_the_reader(in_berlin, of_days, typed, names):
    assert found(typed) == names


@pytest.mark.parametrize(
    ("value", "ago"),
    [
        ("3h", timedelta(hours=3)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("1m", timedelta(hours=730)),
        ("1mo", timedelta(hours=730)),
        ("1y", timedelta(hours=8760)),
    ],
)
def test_a_time_may_be_said_as_how_long_ago(value, ago):
    session = make_session("Untitled")
    now = timezone.now()
    add_message(session, 1, "before it", timestamp=now - ago - timedelta(minutes=5))
    add_message(session, 2, "after it", timestamp=now - ago + timedelta(minutes=5))
    assert found(f"after:{value}") == {"after it"}
    assert found(f"before:{value}") == {"before it"}


def test_today_and_yesterday_begin_at_midnight():
    today, _ = moment("today")
    yesterday, _ = moment("Yesterday")
    assert today == timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    assert today.date() - yesterday.date() == timedelta(days=1)


@pytest.mark.parametrize(
    "value", ["2025-13", "2025-02-30", "0000", "0", "99999y", "9999-12-31x", "soon", "7 parsecs",
              "0001-01-01", "9999-12-31T23:59:59-14:00", "1e3", "٢٠٢٥"]
)  # fmt: skip
def test_what_is_no_time_is_searched_for_as_text(value):
    try:
        then, _ = moment(value)
    except NotMeant:
        read = search.find(f"after:{value} x").reading
        assert any("It is searched for as text" in note for note in read.notes)
    else:
        assert then.tzinfo is not None
        assert search.find(f"after:{value}").rows == []


# -- amounts --------------------------------------------------------------------------------------


@pytest.fixture
def figures():
    session = make_session("Untitled")
    costs = (None, 0, 0.1, 0.5, 2, 1500)
    for number, cost in enumerate(costs):
        add_message(
            session, number + 1, f"m{number}", cost=cost,
            input_tokens=None if cost is None else number * 1000, output_tokens=number or None,
            latency_ms=None if cost is None else number * 1000,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("cost:>0.5", "45"),
        ("cost:>=0.5", "345"),
        ("cost:<.5", "12"),
        ("cost:<=0.1", "12"),
        ("cost:0.5", "3"),
        ("cost:=0.5", "3"),
        ("cost:0", "1"),
        ("cost:$2", "4"),
        ("cost:>1k", "5"),
        ("cost:0.1..2", "234"),
        ("-cost:>0.5", "0123"),
        ("tokens:>2k", "2345"),
        ("tokens:2002", "2"),
        ("tokens:1..3.003K", "123"),
        ("tokens:0", "0"),
        ("tokens:<=1m tokens:>=4004", "45"),
        ("latency:>2s", "345"),
        ("latency:2000", "2"),
        ("latency:2000ms", "2"),
        ("latency:<1s", ""),
        ("latency:1s..0.05m", "123"),
        ("cost:>999999999999999", ""),
    ],
)
def test_figures_are_those_of_a_message(figures, typed, numbers):
    assert found(typed) == {f"m{number}" for number in numbers}


@pytest.mark.parametrize(
    "typed", ["cost:cheap", "cost:>", "cost:1..x", "cost:-1", "tokens:5q", "latency:3h", "cost:1..",
              "cost:..", "tokens:1e5", "cost:>>1", "cost:nan", "cost:" + "9" * 400, 'cost:" "']
)  # fmt: skip
def test_what_is_no_amount_is_searched_for_as_text(typed):
    make_session("Untitled", f"it says {typed} here", "it does not")
    read = search.find(f"{typed} here").reading
    assert any("It is searched for as text" in note for note in read.notes)
    if '"' not in typed:
        assert found(typed) == {f"it says {typed} here"} or len(typed) > 200


# -- what there is --------------------------------------------------------------------------------


def test_what_a_message_has_can_be_asked_for():
    session = make_session("Untitled", "plain", session_uuid="plain")
    add_message(session, 5, "failed", error_message="boom")
    add_message(session, 6, "ended", finish_reason="error")
    add_message(session, 7, "refused", metadata={"tool_results": [{"is_error": True}]})
    add_message(session, 8, "called", tool_calls=[{"name": "x"}])
    add_message(session, 9, "answered", role="tool")
    noted = add_message(session, 10, "noted")
    rated = make_session("Untitled", "of a rated session")
    for kind, entity in (("message", noted), ("session", rated)):
        Annotation.objects.create(
            annotation_uuid=kind, entity_type=kind, entity_id=entity.pk, annotation_type="rating",
            rating=5,
        )  # fmt: skip
    assert found("has:error") == {"failed", "ended", "refused"}
    assert found("has:tool") == {"called", "answered"}
    assert found("has:annotation") == {"noted", "of a rated session"}
    assert "plain" in found("-has:error -has:tool -has:annotation")


def test_each_part_can_be_asked_for_or_left_out():
    session = make_session(
        "tea title", system_prompt="tea system", tags=["tea tag"], description="tea description"
    )
    message = add_message(session, 1, "tea text", tool_calls=[{"arguments": "tea tool"}])
    Annotation.objects.create(
        annotation_uuid="n", entity_type="message", entity_id=message.pk, annotation_type="note",
        content="tea note",
    )  # fmt: skip
    parts = {
        "text": "tea text", "tools": "tea tool", "title": "tea title", "system": "tea system",
        "tags": "tea tag", "description": "tea description", "notes": "tea note",
    }  # fmt: skip
    for part, text in parts.items():
        word = text.split()[1]
        assert found(f"tea in:{part}") == {text}
        assert found(f"{word} in:{part}") == {text}
        assert found(f"{word} -in:{part}") == set()
        assert text not in found(f"tea -in:{part}")
    assert found("tea in:notes in:tools") == {"tea note", "tea tool"}
    assert found("tea in:notes -in:notes") == set()
    assert found("tea " + " ".join(f"-in:{part}" for part in parts)) == set()


def test_parts_without_words_are_nothing_to_look_for():
    make_session("Untitled", "tea")
    read = search.find("in:title").reading
    assert read.tree is None
    assert read.notes == ["There is nothing to look for in these parts."]


# -- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("tea model:gtp-4o", "tea model:gpt-4o"),
        ("tea project:Kitchin", "tea project:Kitchen"),
        ("project:kitchengarden tea", 'project:"Kitchen garden" tea'),
        ("tea role:asistant", "tea role:assistant"),
        ("tea status:actve x", "tea status:active x"),
        ("tea type:singel", "tea type:single"),
        ("tea source:chatgtp", "tea source:chatgpt"),
        ("tea tag:gren", "tea tag:green"),
        ("tea has:eror", "tea has:error"),
        ("tea in:titel", "tea in:title"),
        ("tea -role:asistant", "tea -role:assistant"),
    ],
)
def test_for_an_unknown_value_one_like_it_is_offered_and_nothing_found(typed, suggested):
    make_session(
        "Untitled", "tea x", model=make_model("openai", "gpt-4o"), project=make_project("Kitchen"),
        tags=["green"],
    )  # fmt: skip
    make_project("Kitchen garden")
    result = search.find(typed)
    assert suggested in {suggestion.query for suggestion in result.reading.suggestions}
    assert result.rows == [] or "-" in typed


def test_for_an_unknown_field_one_like_it_is_offered_and_it_is_searched_for_as_text():
    make_session("Untitled", "a modle:x b", "tea")
    result = search.find("a modle:x")
    assert len(result.rows) == 1
    assert [suggestion.query for suggestion in result.reading.suggestions] == ["a model:x"]


def test_a_value_like_nothing_there_is_offers_nothing():
    make_session("Untitled", "tea", model=make_model())
    result = search.find("tea model:zzzzzz")
    assert (result.rows, result.reading.suggestions) == ([], [])


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("a role:user", "“a” and the role is user"),
        ("a -role:user", "“a” and not the role is user"),
        ("a cost:>0.5", "“a” and the message's cost is above 0.5 USD"),
        ("tokens:1k..5k", "the message's tokens is from 1,000 to 5,000"),
        ("a before:2025-03-31", "“a” and it is before 2025-03-31"),
        ("a in:tools", "“a”, in tool calls, their results and thoughts"),
        ("title:a b", "“b” and “a” in the title"),
        ("a project:none", "“a” and there is no project"),
    ],
)
def test_it_is_said_what_was_understood(typed, sentence):
    assert said(typed) == sentence
