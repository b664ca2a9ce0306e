"""Voting blind: what the page tells, what differs between answers, and what is sent in haste."""

from __future__ import annotations

import re
import time

import pytest
from django.urls import reverse

from analytics.comparisons import recording
from analytics.models import ComparisonGroup, ComparisonVote
from analytics.views.voting import LONGEST_DIFF, differences
from conversations import writing

NAMES = ("gpt-something", "claude-something")


def ask(prompt: str, answer: str) -> str:
    uuid = writing.create_session("title of the session")
    writing.add_message(uuid, "user", prompt)
    writing.add_message(uuid, "assistant", answer)
    return uuid


@pytest.fixture
def group(db) -> ComparisonGroup:
    group = recording.create_group(" against ".join(NAMES), description=NAMES[0])
    for variant, answer in zip(NAMES, ("One **bold** word", "One plain word"), strict=True):
        sessions = [ask(f"Prompt {n}?", f"{answer} {n}") for n in range(12)]
        recording.link_sessions(group, variant, sessions)
    return group


@pytest.fixture
def sign_in(client, django_user_model):
    def sign_in(name: str):
        client.force_login(django_user_model.objects.create_user(name, password="x"))
        return client

    return sign_in


def token_of(html: str) -> str:
    return re.search(r'name="ballot" value="([^"]+)"', html)[1]


@pytest.mark.parametrize("view", ["", "diff"])
def test_nothing_in_the_whole_page_says_whose_an_answer_is(sign_in, group, view):
    client = sign_in("ada")
    address = reverse("comparison-vote", args=[group.group_uuid])
    html = client.get(address, {"view": view}).content.decode()
    sessions = group.variants.values_list("session__session_uuid", flat=True)
    for name in (*NAMES, "title of the session", *sessions):
        assert name not in html


def test_sides_are_shuffled_by_prompt_and_rater_and_written_down(sign_in, group):
    address = reverse("comparison-vote", args=[group.group_uuid])
    for rater in ("ada", "bob"):
        client = sign_in(rater)
        for _ in range(12):
            html = client.get(address).content.decode()
            left_is_bold = "<strong>bold</strong>" in html.partition('id="right-title"')[0]
            client.post(address, {"ballot": token_of(html), "choice": "left"})
            vote = ComparisonVote.objects.order_by("pk").last()
            shown_first = getattr(vote, f"variant_{vote.first_shown}")
            assert shown_first == NAMES[not left_is_bold]
            assert getattr(vote, f"variant_{vote.outcome}") == shown_first
    votes = ComparisonVote.objects
    sides = {
        rater: list(
            votes.filter(rater=rater).order_by("prompt_id").values_list("first_shown", flat=True)
        )
        for rater in ("ada", "bob")
    }
    assert set(sides["ada"]) == {"a", "b"}
    assert sides["ada"] != sides["bob"]


def test_a_page_looks_the_same_when_it_is_loaded_again_and_reading_it_writes_nothing(
    sign_in, group
):
    client = sign_in("ada")
    address = reverse("comparison-vote", args=[group.group_uuid])
    first, again = (client.get(address).content.decode() for _ in range(2))
    main = [re.sub(r'value="[^"]{40,}"', "", html.partition("<main")[2]) for html in (first, again)]
    assert main[0] == main[1]
    assert not ComparisonVote.objects.exists()
    assert client.get(reverse("comparison-vote-undo", args=[group.group_uuid])).status_code == 405


def test_a_ballot_of_another_rater_or_of_answers_that_are_gone_gets_a_sentence(sign_in, group):
    address = reverse("comparison-vote", args=[group.group_uuid])
    token = token_of(sign_in("ada").get(address).content.decode())
    client = sign_in("bob")
    response = client.post(address, {"ballot": token, "choice": "left"}, follow=True)
    assert "given to somebody else" in response.content.decode()
    own = token_of(client.get(address).content.decode())
    group.variants.all().delete()
    response = client.post(address, {"ballot": own, "choice": "left"}, follow=True)
    assert "no longer part of the comparison" in response.content.decode()
    assert not ComparisonVote.objects.exists()


def test_only_the_own_last_vote_is_taken_back(sign_in, group):
    recording.record_vote(group, prompt="p", a=NAMES[0], b=NAMES[1], winner="a", rater="bob")
    client = sign_in("ada")
    client.post(reverse("comparison-vote-undo", args=[group.group_uuid]))
    assert ComparisonVote.objects.get().rater == "bob"


def test_skipped_ballots_come_back_when_no_others_are_left(sign_in, group):
    client = sign_in("ada")
    address = reverse("comparison-vote", args=[group.group_uuid])
    seen = []
    for _ in range(13):
        html = client.get(address).content.decode()
        seen.append(re.search(r'name="skip" value="([^"]+)"', html)[1])
        client.post(address, {"skip": seen[-1]})
    assert len(set(seen)) == 12


def test_words_that_differ_are_marked_within_their_lines():
    lines, is_cut = differences("Hello big world\nsame", "Hello small world\nsame")
    assert lines == [
        ("left", [("Hello ", False), ("big", True), (" world", False)]),
        ("right", [("Hello ", False), ("small", True), (" world", False)]),
        ("same", [("same", False)]),
    ]
    assert not is_cut


def test_lines_that_have_little_in_common_are_left_whole():
    lines, _ = differences("alpha beta gamma", "one, two; three!")
    assert lines == [
        ("left", [("alpha beta gamma", False)]),
        ("right", [("one, two; three!", False)]),
    ]


@pytest.mark.parametrize("texts", [("", ""), ("", "a"), ("a", ""), ("\n\n", "\r\n"), ("é̀", "é")])
def test_every_text_is_whole_in_the_differences(texts):
    lines, is_cut = differences(*texts)
    for side, text in zip(("left", "right"), texts, strict=True):
        shown = ["".join(t for t, _ in line) for kind, line in lines if kind in (side, "same")]
        assert shown == text.splitlines()
    assert not is_cut


def test_differences_of_long_answers_are_bounded_and_say_so():
    began = time.process_time()
    lines, is_cut = differences("a b " * 200_000, "b a " * 200_000)
    assert is_cut
    lines, is_cut = differences(
        *("\n".join(f"{n} {word} " * 50 for n in range(5_000)) for word in "ab")
    )
    assert is_cut
    assert len(lines) <= 2 * LONGEST_DIFF
    assert time.process_time() - began < 60  # without bounds it takes hours


def test_hostile_answers_are_text_among_the_differences(sign_in, db):
    group = recording.create_group("Tea")
    for variant, word in zip(NAMES, ("one", "two"), strict=True):
        said = f"<script>alert(1)</script> {word} <img src=x onerror=alert(1)>"
        recording.link_sessions(group, variant, [ask("Prompt?", said)])
    address = reverse("comparison-vote", args=[group.group_uuid])
    html = sign_in("ada").get(address, {"view": "diff"}).content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "<mark>" in html
