"""The pages of comparisons: making one, its report, voting blind, and what people try with them."""

from __future__ import annotations

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from analytics.comparisons import recording
from analytics.models import ComparisonGroup, ComparisonVote
from conversations import writing

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def client(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ada", password="x"))
    return client


def ask(prompt: str, answer: str, **columns) -> str:
    uuid = writing.create_session("the title that tells")
    writing.add_message(uuid, "user", prompt)
    writing.add_message(uuid, "assistant", answer, **columns)
    return uuid


def made(count: int = 3, name: str = "Tea") -> ComparisonGroup:
    group = recording.create_group(name)
    for variant, words in (("small-model", "Short"), ("large-model", "Rather long and **bold**")):
        sessions = [ask(f"Prompt {n}?", f"{words} {n}", latency_ms=100 + n) for n in range(count)]
        recording.link_sessions(group, variant, sessions)
    return group


def page(client, name: str, *args, **query):
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_list_says_how_to_make_one(client):
    assert "manage.py compare create" in page(client, "comparisons")


def test_a_comparison_is_made_filled_and_read_in_the_browser(client):
    response = client.post(
        reverse("comparison-new"),
        {"name": "Tea", "comparison_type": "model", "is_paired": "on", "primary_metric": "votes"},
    )
    group = ComparisonGroup.objects.get()
    assert response.url == reverse("comparison-add", args=[group.group_uuid])
    assert group.primary_set_at
    for variant in ("one", "other"):
        ids = "\n".join(ask(f"Prompt {n}?", variant) for n in range(3))
        assert client.post(response.url, {"variant": variant, "sessions": ids}).status_code == 302
    rows = "\n".join(
        json.dumps({"prompt": f"Prompt {n}?", "a": "one", "b": "other", "winner": "b"})
        for n in range(3)
    )
    file = SimpleUploadedFile("votes.jsonl", rows.encode())
    html = client.post(response.url, {"upload": "1", "file": file}).content.decode()
    assert "3 new, 0 known already, 0 wrong" in html
    html = page(client, "comparison", group.group_uuid)
    assert "Too early: 3 votes. 8 straight wins" in html
    assert "read<span" in html
    assert "too little data" in page(client, "comparisons")


def test_a_filter_of_the_list_fills_a_variant(client):
    group = recording.create_group("Tea")
    uuid = ask("Prompt", "Answer")
    writing.create_session("other")
    from conversations.models import Session

    Session.objects.filter(session_uuid=uuid).update(tags=["tea"])
    address = reverse("comparison-add", args=[group.group_uuid])
    client.post(address, {"variant": "one", "query": "?tag=tea"})
    assert group.variants.get().session.session_uuid == uuid


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"variant": "", "sessions": "x"}, "required"),
        ({"variant": "a"}, "Give the ids of sessions, or a filter"),
        ({"variant": "a", "sessions": "nobody"}, "there is no session"),
        ({"variant": "a", "query": "since=2026-02-30"}, "filter"),
    ],
)
def test_what_cannot_be_added_is_named_and_nothing_is(client, form, reason):
    group = recording.create_group("Tea")
    html = client.post(reverse("comparison-add", args=[group.group_uuid]), form).content.decode()
    assert reason in html
    assert not group.variants.exists()


def test_a_file_with_wrong_lines_names_them(client):
    group = recording.create_group("Tea")
    address = reverse("comparison-add", args=[group.group_uuid])
    text = b'{"prompt_id": "p", "a": "x", "b": "y", "winner": "z"}\nnot json\n'
    file = SimpleUploadedFile("votes.jsonl", text)
    html = client.post(address, {"upload": "1", "file": file}).content.decode()
    assert "0 new, 0 known already, 2 wrong" in html
    assert "Line 1" in html
    file = SimpleUploadedFile("votes.jsonl", b"\xff\xfe")
    html = client.post(address, {"upload": "1", "file": file}).content.decode()
    assert "not UTF-8" in html


def test_ballots_hide_names_and_every_choice_is_kept_once(client):
    group = made()
    for n in range(3):
        html = page(client, "comparison-vote", group.group_uuid)
        body = html.partition("<main")[2]
        assert f"{n} of 3" in body
        for name in ("small-model", "large-model", "title that tells"):
            assert name not in body
        token = re.search(r'name="ballot" value="([^"]+)"', html)[1]
        for _ in range(2):  # sent twice in haste
            client.post(
                reverse("comparison-vote", args=[group.group_uuid]),
                {"ballot": token, "choice": "left"},
            )
    assert ComparisonVote.objects.count() == 3
    assert "All voted on" in page(client, "comparison-vote", group.group_uuid)
    assert set(ComparisonVote.objects.values_list("rater", flat=True)) == {"ada"}


def test_a_vote_is_taken_back_and_its_answers_come_again(client):
    group = made(1)
    address = reverse("comparison-vote", args=[group.group_uuid])
    token = re.search(r'name="ballot" value="([^"]+)"', client.get(address).content.decode())[1]
    client.post(address, {"ballot": token, "choice": "tie"})
    client.post(reverse("comparison-vote-undo", args=[group.group_uuid]))
    assert not ComparisonVote.objects.exists()
    assert "0 of 1" in client.get(address).content.decode()


def test_a_skipped_ballot_makes_room_for_another(client):
    group = made(2)
    address = reverse("comparison-vote", args=[group.group_uuid])
    html = client.get(address).content.decode()
    name = re.search(r'name="skip" value="([^"]+)"', html)[1]
    client.post(address, {"skip": name})
    assert name not in client.get(address).content.decode()


def test_answers_are_compared_line_by_line(client):
    html = page(client, "comparison-vote", made(1).group_uuid, view="diff")
    assert 'data-side="left"' in html
    assert 'data-side="right"' in html


@pytest.mark.parametrize("form", [{}, {"ballot": "x"}, {"ballot": "x", "choice": "left"}])
def test_a_forged_ballot_gets_a_sentence(client, form):
    group = made(1)
    address = reverse("comparison-vote", args=[group.group_uuid])
    response = client.post(address, form, follow=True)
    assert "not given out here" in response.content.decode()
    assert not ComparisonVote.objects.exists()


def test_hostile_names_prompts_and_answers_run_on_no_page(client):
    group = recording.create_group(HOSTILE, description=HOSTILE)
    for variant in (HOSTILE, "b" + HOSTILE):
        recording.link_sessions(group, variant, [ask(HOSTILE, HOSTILE)])
        recording.record_result(group, HOSTILE, 1, variant=variant, prompt="p", rater=HOSTILE)
    recording.record_vote(group, prompt="p", a=HOSTILE, b="b" + HOSTILE, winner="a", rater=HOSTILE)
    addresses = [
        reverse(name, args=[group.group_uuid])
        for name in ("comparison", "comparison-edit", "comparison-add", "comparison-vote")
    ]
    addresses.append(reverse("comparison-report", args=[group.group_uuid, "html"]))
    for address in [*addresses, addresses[3] + "?view=diff", reverse("comparisons")]:
        response = client.get(address)
        assert response.status_code == 200
        assert "<script>alert(1)" not in response.content.decode()


def test_the_report_is_sent_as_html_json_and_csv_and_twice_the_same(client):
    group = made()
    for format in ("html", "json", "csv"):
        address = reverse("comparison-report", args=[group.group_uuid, format])
        one, other = client.get(address), client.get(address)
        assert one.status_code == 200
        assert one.content == other.content
        assert f".{format}" in one["Content-Disposition"]
    assert json.loads(client.get(address.replace(".csv", ".json")).content)["name"] == "Tea"
    missing = reverse("comparison-report", args=[group.group_uuid, "exe"])
    assert client.get(missing).status_code == 404


@pytest.mark.parametrize("uuid", ["nobody", "%00", "x" * 500, "..%2f"])
def test_a_comparison_that_is_not_there_is_not_found(client, uuid):
    for part in ("", "edit/", "add/", "vote/", "report.json"):
        assert client.get(f"/comparisons/{uuid}/{part}").status_code == 404


def test_queries_do_not_grow_with_the_prompts(client, django_assert_max_num_queries):
    few, many = made(2, "few"), made(40, "many")
    for group in (few, many):
        page(client, "comparison", group.group_uuid)
        with django_assert_max_num_queries(14):
            page(client, "comparison", group.group_uuid)
        with django_assert_max_num_queries(14):
            page(client, "comparison-vote", group.group_uuid)


def test_prompts_are_in_the_order_that_is_asked_for(client):
    group = made(3)
    for n, winner in enumerate(("a", "b", "tie")):
        recording.record_vote(
            group, prompt=recording.prompt_for(group, text=f"Prompt {n}?"),
            a="small-model", b="large-model", winner=winner,
        )  # fmt: skip

    def order(sort):
        html = page(client, "comparison", group.group_uuid, sort=sort)
        return re.findall(r"Prompt \d\?", html.partition('id="prompts-title"')[2])

    assert order("worst")[0] == "Prompt 0?"
    assert order("best")[0] == "Prompt 1?"
    assert order("nonsense") == order("worst")


def test_deleting_needs_a_tick_and_leaves_the_sessions(client):
    group = made(1)
    address = reverse("comparison-delete", args=[group.group_uuid])
    client.post(address)
    assert ComparisonGroup.objects.exists()
    client.post(address, {"confirm": group.group_uuid})
    assert not ComparisonGroup.objects.exists()
    from conversations.models import Session

    assert Session.objects.count() == 2


def test_editing_keeps_the_report_in_step(client):
    group = made(1)
    page(client, "comparison", group.group_uuid)
    form = {"name": "Coffee", "comparison_type": "prompt", "planned_prompts": "50", "is_done": "on"}
    client.post(reverse("comparison-edit", args=[group.group_uuid]), form)
    group.refresh_from_db()
    assert (group.name, group.planned_prompts, group.is_paired) == ("Coffee", 50, False)
    assert group.completed_at
    assert "Coffee" in page(client, "comparison", group.group_uuid)
    html = client.post(
        reverse("comparison-edit", args=[group.group_uuid]), form | {"name": ""}
    ).content.decode()
    assert "required" in html


def test_a_report_follows_what_is_said_and_is_not_computed_twice(client):
    group = made(1)
    page(client, "comparison", group.group_uuid)
    first = group.reports.get().computed_at
    page(client, "comparison", group.group_uuid)
    assert group.reports.get().computed_at == first
    uuid = group.variants.first().session.session_uuid
    writing.add_messages(
        uuid, [{"role": "user", "content": "More?"}, {"role": "assistant", "content": "Yes"}]
    )
    page(client, "comparison", group.group_uuid)
    assert group.reports.get().computed_at > first
    client.post(reverse("comparison-refresh", args=[group.group_uuid]))


def test_the_list_names_variants_primary_metric_and_what_was_counted(client):
    group = made(4)
    recording.change_group(group, primary_metric="votes")
    before = page(client, "comparisons")
    assert "not computed yet" in before
    page(client, "comparison", group.group_uuid)
    html = page(client, "comparisons")
    assert "cannot compare" in html
    for said in ("small-model", "large-model", ">Votes<"):
        assert said in html
    text = b"".join(client.get(reverse("comparisons"), {"format": "csv"}).streaming_content)
    assert group.group_uuid in text.decode()


@pytest.mark.parametrize("query", ["sort=nonsense", "sort=-title", "page=99", "per_page=x"])
def test_any_address_of_the_list_is_a_page(client, query):
    made(1)
    assert client.get(f"{reverse('comparisons')}?{query}").status_code == 200


def test_queries_of_the_list_do_not_grow_with_the_comparisons(
    client, django_assert_max_num_queries
):
    for number in range(30):
        recording.create_group(f"Comparison {number}")
    with django_assert_max_num_queries(12):
        page(client, "comparisons")


def test_an_id_that_no_session_has_is_named_with_its_line_at_its_field(client):
    group = recording.create_group("Tea")
    known = ask("Prompt?", "Answer")
    form = {"variant": "one", "sessions": f"{known}\n\nnobody\n"}
    html = client.post(reverse("comparison-add", args=[group.group_uuid]), form).content.decode()
    assert "Line 3: " in html
    assert re.search(r'<textarea[^>]*name="sessions"[^>]*aria-invalid="true"', html)
    assert not group.variants.exists()


def test_the_effect_comes_first_its_interval_second_and_p_last_and_small(client):
    group = recording.create_group(
        "Tea", primary_metric="votes", planned_prompts=50, baseline="short"
    )
    for n in range(30):
        recording.record_vote(
            group, prompt=f"p{n}", a="short", b="long", winner="b" if n % 4 else "a",
            first="ab"[n % 2], rater="ada",
        )  # fmt: skip
    html = page(client, "comparison", group.group_uuid).partition('id="pair-1"')[2]
    places = [html.index(said) for said in ("+47 points", "95 %:", "long is ahead", "mid-p")]
    assert places == sorted(places)
    whole = page(client, "comparison", group.group_uuid)
    assert "30 of 50 planned prompts" in whole
    for said in (
        "long with short shown first",
        "long with long shown first",
        "average of both orders",
    ):
        assert said in whole
    assert "always-valid interval of B&#x27;s share" in whole


def test_three_variants_are_told_of_at_once(client):
    group = recording.create_group("Tea", primary_metric="quality")
    for n in range(25):
        for place, variant in enumerate(("one", "two", "<b>three")):
            recording.record_result(
                group, "quality", n % 5 + place, variant=variant, prompt=f"p{n}", low=0, high=10
            )
    html = page(client, "comparison", group.group_uuid)
    assert "Friedman test of all variants on 25 prompts" in html
    assert "&lt;b&gt;three on 25" in html
    assert "after Holm" in html
