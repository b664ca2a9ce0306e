"""Comparisons through `SessionManager`, as programs use them."""

from __future__ import annotations

import pytest

from conversations.errors import InvalidValue, UnknownId
from sessionsite.manager import SessionManager


@pytest.fixture
def db(database_file, django_db_blocker):
    with django_db_blocker.unblock(), SessionManager(database_file) as manager:
        yield manager


def test_a_program_makes_a_comparison_and_reads_its_verdict(db):
    group = db.create_comparison_group("Tea", comparison_type="prompt", primary_metric="votes")
    for variant in ("short", "long"):
        for number in range(8):
            session = db.create_session(f"{variant} {number}")
            db.add_message(session, "user", f"Question {number}?")
            db.add_message(session, "assistant", "Yes." * (1 + (variant == "long")), latency_ms=100)
            db.link_comparison(group, session, variant, temperature=0.5)
            db.record_result(group, "quality", 3, session=session, low=1, high=5, rater="ada")
    for number in range(8):
        db.record_vote(group, f"p{number}", "short", "long", "long", rater="ada")
    report = db.get_comparison_results(group)
    assert report["pairs"][0]["verdict"]["short"] == "decided: long"
    names = {row["name"] for row in report["pairs"][0]["metrics"]}
    assert names == {"votes", "quality", "latency_ms"}
    assert report["variants"][0]["label"] == "short"


def test_what_is_not_there_is_named(db):
    with pytest.raises(UnknownId, match="no comparison “x”"):
        db.get_comparison_results("x")
    group = db.create_comparison_group("Tea")
    session = db.create_session("a")
    with pytest.raises(InvalidValue, match="no part of this comparison"):
        db.record_result(group, "quality", 3, session=session)
