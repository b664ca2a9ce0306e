"""Making comparisons, recording votes and results, and reading them back as plain values."""

from __future__ import annotations

import sqlite3

import pytest
from django.db import IntegrityError, connection, transaction

from analytics.comparisons import balloting, loading, recording
from analytics.comparisons.data import Kind, prompt_hash
from analytics.models import ComparisonVote
from conversations import writing
from conversations.errors import AmbiguousId, InvalidValue, UnknownId

pytestmark = pytest.mark.django_db

PROMPTS = ("What is tea?", "Name three cheeses.", "Why is the sky blue?")


def session(*turns: tuple[str, str], **columns) -> str:
    uuid = writing.create_session("A title that tells the variant")
    for prompt, answer in turns:
        writing.add_message(uuid, "user", prompt)
        writing.add_message(uuid, "assistant", answer, **columns)
    return uuid


@pytest.fixture
def group(db):
    group = recording.create_group("Tea", planned_prompts=100, primary_metric="quality")
    a = session(*((p, f"Short {n}") for n, p in enumerate(PROMPTS)), latency_ms=100)
    recording.link_sessions(group, "small", [a])
    many = [session((p, f"Rather long {n}"), latency_ms=300) for n, p in enumerate(PROMPTS)]
    recording.link_sessions(group, "large", many)
    return group


def test_sessions_of_one_prompt_and_of_many_are_paired_by_the_text_of_the_prompt(group):
    comparison = loading.comparison_of(group)
    assert [variant.key for variant in comparison.variants] == ["small", "large"]
    assert [prompt.text for prompt in comparison.prompts.values()] == [
        text for _, text in sorted((prompt_hash(text), text) for text in PROMPTS)
    ]
    pairs = {(answer.prompt, answer.variant) for answer in comparison.answers}
    assert len(pairs) == 6
    latencies = {
        (row.variant, row.value) for row in comparison.observations if row.metric == "latency_ms"
    }
    assert latencies == {("small", 100.0), ("large", 300.0)}


def test_the_first_variant_that_gets_sessions_is_the_baseline(group):
    assert group.baseline == "small"


def test_a_session_cannot_be_part_of_two_variants(group):
    uuid = group.variants.filter(variant_name="small").get().session.session_uuid
    with pytest.raises(InvalidValue, match="part of the variant “small” already"):
        recording.link_sessions(group, "large", [uuid])
    assert recording.link_sessions(group, "small", [uuid]) == 0


def test_when_the_primary_metric_and_the_plan_were_set_is_noted(group):
    first = group.primary_set_at
    assert first
    assert group.planned_at
    recording.change_group(group, primary_metric="quality")
    assert group.primary_set_at == first
    recording.change_group(group, primary_metric="speed")
    assert group.primary_set_at > first


def test_voting_again_takes_the_place_of_the_first_vote_of_a_rater(group):
    for winner in ("a", "large"):
        recording.record_vote(group, prompt="p1", a="small", b="large", winner=winner, rater="ada")
    recording.record_vote(group, prompt="p1", a="large", b="small", winner="tie", rater="ada")
    recording.record_vote(group, prompt="p1", a="small", b="large", winner="tie", rater="bob")
    votes = ComparisonVote.objects.order_by("rater").values_list("rater", "outcome")
    assert list(votes) == [("ada", "tie"), ("bob", "tie")]


def test_a_judge_that_is_asked_in_both_orders_gives_two_votes(group):
    for first in ("a", "b"):
        recording.record_vote(
            group, prompt="p1", a="small", b="large", winner="a", first=first,
            evaluator="llm_judge", judge_version="judge-1",
        )  # fmt: skip
    assert ComparisonVote.objects.count() == 2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"winner": "c"}, "winner must be"),
        ({"a": "large"}, "the same variant"),
        ({"a": " "}, "needs a name"),
        ({"score": 1.5}, "score"),
        ({"first": "left"}, "first must be"),
        ({"prompt": ""}, "prompt"),
        ({"rater": "x" * 201}, "rater"),
        ({"evaluator": "crowd"}, "evaluator"),
    ],
)
def test_a_vote_that_cannot_be_is_refused_by_name_and_nothing_is_written(group, given, reason):
    vote = {"prompt": "p1", "a": "small", "b": "large", "winner": "a"} | given
    with pytest.raises(InvalidValue, match=reason):
        recording.record_vote(group, **vote)
    assert not ComparisonVote.objects.exists()
    assert not group.prompts.exists()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"value": float("nan")}, "must be a number"),
        ({"value": "4"}, "must be a number"),
        ({"value": -1e300}, "must be at most 1e"),
        ({"low": -1e19, "high": 1}, "low must be at most 1e"),
        ({"value": None}, "or the error"),
        ({"low": 5, "high": 1}, "low must be below high"),
        ({"variant": ""}, "give the variant"),
        ({"metric_name": "errors"}, "cannot be called"),
    ],
)
def test_a_result_that_cannot_be_is_refused_by_name(group, given, reason):
    result = {"metric_name": "quality", "value": 4.0, "variant": "small", "prompt": "p1"} | given
    with pytest.raises(InvalidValue, match=reason):
        recording.record_result(group, result.pop("metric_name"), result.pop("value"), **result)
    assert not group.results.exists()


def test_results_of_sessions_by_raw_sql_find_their_variant_and_their_prompt(group):
    link = group.variants.filter(variant_name="large").order_by("pk").first()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO comparison_results (comparison_group_id, session_id, metric_name,"
            " metric_value, evaluator) VALUES (%s, %s, 'quality', 4, 'human')",
            [group.pk, link.session_id],
        )
    comparison = loading.comparison_of(group)
    [row] = [row for row in comparison.observations if row.metric == "quality"]
    assert (row.variant, row.value) == ("large", 4.0)
    assert comparison.prompts[row.prompt].text == PROMPTS[0]
    assert comparison.metrics["quality"].kind == Kind.SCORE


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("comparison_results", ("metric_value", "scale_low", "scale_high", "repetition")),
        ("comparison_votes", ("repetition", "score")),
        ("comparison_groups", ("planned_prompts",)),
    ],
)
def test_what_is_no_number_is_refused_whoever_writes_it(group, table, columns):
    recording.record_result(group, "quality", 4, variant="small", prompt="p1")
    recording.record_vote(group, prompt="p1", a="small", b="large", winner="a")
    for column in columns:
        for value in ("many", "", b"\xff", float("inf"), -1e300):
            with (
                pytest.raises(IntegrityError, match=column),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(f"UPDATE {table} SET {column} = %s", [value])


def test_a_configuration_that_is_no_object_is_none(group):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE comparison_sessions SET variant_config = '[1]'")
    assert [dict(one.config) for one in loading.comparison_of(group).variants] == [{}, {}]


def test_an_answer_with_an_error_is_a_failure_and_no_measurement(group):
    failed = writing.create_session("failed")
    writing.add_message(failed, "user", PROMPTS[0])
    writing.add_message(failed, "assistant", "", error_message="overloaded", latency_ms=9)
    silent = session()
    writing.add_message(silent, "user", PROMPTS[1])
    recording.link_sessions(group, "broken", [failed, silent])
    rows = [row for row in loading.comparison_of(group).observations if row.variant == "broken"]
    assert {(row.value, row.error) for row in rows} == {(None, "overloaded"), (None, "no answer")}


def test_what_lies_in_the_trash_is_no_part_of_a_comparison(group):
    before = loading.comparison_of(group)
    link = group.variants.filter(variant_name="large").first()
    writing.trash_session(link.session.session_uuid)
    after = loading.comparison_of(group)
    assert len(after.answers) == len(before.answers) - 1


def test_the_same_rows_in_another_order_make_the_same_comparison(group):
    votes = [
        {"prompt": f"p{n}", "a": "small", "b": "large", "winner": "ab"[n % 2], "rater": "ada"}
        for n in range(10)
    ]
    hashes = []
    for order in (votes, votes[::-1]):
        ComparisonVote.objects.all().delete()
        group.prompts.all().delete()
        for vote in order:
            recording.record_vote(group, **vote)
        hashes.append(loading.comparison_of(group).input_hash())
    assert hashes[0] == hashes[1]


def test_every_change_by_any_program_counts_as_a_revision(group):
    def revision():
        group.refresh_from_db()
        return group.revision

    seen = [revision()]
    recording.record_vote(group, prompt="p1", a="small", b="large", winner="a")
    seen.append(revision())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE comparison_votes SET outcome = 'b'")
        seen.append(revision())
        cursor.execute("DELETE FROM comparison_prompts")
        seen.append(revision())
        cursor.execute("UPDATE comparison_groups SET name = 'Coffee'")
        seen.append(revision())
    assert seen == sorted(set(seen))
    assert not ComparisonVote.objects.exists()


def test_a_comparison_is_found_by_its_id_its_beginning_and_its_name(group):
    recording.create_group("Coffee")
    for identifier in (group.group_uuid, group.group_uuid[:12], "Tea"):
        assert recording.find_group(identifier) == group
    with pytest.raises(UnknownId, match="no comparison “Cocoa”"):
        recording.find_group("Cocoa")
    recording.create_group("Tea")
    with pytest.raises(AmbiguousId, match="Several comparisons"):
        recording.find_group("Tea")


# -- ballots ------------------------------------------------------------------------------------


def test_a_ballot_says_nothing_of_whose_answers_it_shows(group):
    ballot = balloting.next_ballot(group, rater="ada")
    said = f"{ballot!r} {balloting.signing.loads(ballot.token, salt=balloting.SALT)}"
    for name in ("small", "large", "title that tells"):
        assert name not in said


def test_all_pairs_are_voted_on_once_and_the_side_is_written_down(group):
    for done in range(3):
        ballot = balloting.next_ballot(group, rater="ada")
        assert (ballot.done, ballot.total) == (done, 3)
        vote = balloting.vote_on(group, token=ballot.token, choice="left", rater="ada")
        left_is_small = ballot.left.text.startswith("Short")
        assert vote.first_shown == ("a" if left_is_small else "b") == vote.outcome
        assert vote.message_a.content.startswith("Short")
        again = balloting.vote_on(group, token=ballot.token, choice="left", rater="ada")
        assert again.pk == vote.pk
    assert balloting.next_ballot(group, rater="ada") is None
    assert balloting.progress(group, "ada") == (3, 3)
    assert balloting.progress(group, "bob") == (0, 3)


def test_sides_are_shuffled_over_prompts_and_raters(group):
    sides = set()
    for rater in map(str, range(20)):
        sides.add(balloting.next_ballot(group, rater=rater).left.text.split()[0])
    assert sides == {"Short", "Rather"}


def test_a_skipped_ballot_comes_last(group):
    first = balloting.next_ballot(group, rater="ada")
    second = balloting.next_ballot(group, rater="ada", skipped={first.prompt_key})
    assert second.prompt_key != first.prompt_key


def test_a_ballot_that_is_forged_or_anothers_or_without_its_answers_is_refused(group):
    ballot = balloting.next_ballot(group, rater="ada")
    for token in ("", "x", ballot.token[:-2], "\x00"):
        with pytest.raises(balloting.BadBallot, match="not given out here"):
            balloting.vote_on(group, token=token, choice="left", rater="ada")
    with pytest.raises(balloting.BadBallot, match="somebody else"):
        balloting.vote_on(group, token=ballot.token, choice="left", rater="bob")
    other = recording.create_group("Other")
    with pytest.raises(balloting.BadBallot, match="another comparison"):
        balloting.vote_on(other, token=ballot.token, choice="left", rater="ada")
    with pytest.raises(InvalidValue, match="choice must be"):
        balloting.vote_on(group, token=ballot.token, choice="up", rater="ada")
    group.variants.all().delete()
    with pytest.raises(balloting.BadBallot, match="no longer part"):
        balloting.vote_on(group, token=ballot.token, choice="left", rater="ada")
    assert not ComparisonVote.objects.exists()


def test_a_vote_is_taken_back(group):
    ballot = balloting.next_ballot(group, rater="ada")
    balloting.vote_on(group, token=ballot.token, choice="tie", rater="ada")
    recording.take_back(balloting.last_vote_of(group, "ada"))
    assert balloting.next_ballot(group, rater="ada").prompt_key == ballot.prompt_key
    assert balloting.last_vote_of(group, "ada") is None


def test_deleting_a_comparison_from_any_program_leaves_no_row_of_it(group):
    recording.record_vote(group, prompt="p1", a="small", b="large", winner="a")
    recording.record_result(group, "quality", 3, variant="small", prompt="p1")
    recording.name_variant(group, "small", label="Small one")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA defer_foreign_keys = OFF")
        cursor.execute("DELETE FROM comparison_groups")
        for table in ("votes", "results", "prompts", "variants", "sessions"):
            cursor.execute(f"SELECT COUNT(*) FROM comparison_{table}")
            assert cursor.fetchone() == (0,), table
    assert sqlite3.sqlite_version  # the triggers of this library were at work
