"""The page of a session with its messages, as a browser gets it."""

from __future__ import annotations

import re

import pytest

from conversations.rendering import LONGEST
from conversations.tests.factories import (
    add_message,
    make_messages,
    make_model,
    make_project,
    make_session,
)
from conversations.tests.pages import page, plan_for_keys, queries

pytestmark = pytest.mark.django_db


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
    assert f'href="{child.get_absolute_url()}"' in page(
        client, f"{parent.get_absolute_url()}branches/"
    )
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
    assert queries(client, short.get_absolute_url()) == 10
    assert queries(client, f"{long.get_absolute_url()}?page=60") == 10
    assert queries(client, f"{long.get_absolute_url()}?message={long.id}-2999") == 12


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
