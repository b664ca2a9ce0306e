"""`manage.py reprice`."""

from __future__ import annotations

import json
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from conversations.models import CostBasis, Message, Price, RepriceRun

from .factories import add_message, make_model, make_project, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def history(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    session = make_session(model=make_model("acme", "m-1"), project=make_project("Kitchen"))
    for number in (1, 2, 3):
        add_message(session, number, input_tokens=1_000_000, output_tokens=0)
    add_message(session, 4, input_tokens=5, cost=0.25, cost_basis_id=CostBasis.RECORDED)
    Price.objects.create(model_pattern="m-1", input_price=D("1.5"), output_price=D(2))
    return session


def reprice(*options: str) -> str:
    out = StringIO()
    call_command("reprice", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def costs() -> list[float | None]:
    return list(Message.objects.order_by("id").values_list("cost", flat=True))


def test_a_dry_run_shows_each_month_and_model_and_changes_nothing():
    text = reprice("--dry-run")

    assert "2026-03  acme/m-1" in text
    assert "$4.50" in text
    assert "1 messages keep the cost that was recorded" in text
    assert costs() == [None, None, None, 0.25]


def test_a_dry_run_as_json_is_exact():
    plan = json.loads(reprice("--dry-run", "--json"))

    assert plan["recorded"] == 1
    assert plan["lines"] == [
        {
            "month": "2026-03", "model": "acme/m-1", "messages": 3, "changed": 3,
            "cost_before": "0", "cost_after": "4.5", "unpriced_before": 3, "unpriced_after": 0,
        }
    ]  # fmt: skip


def test_a_run_is_applied_listed_and_undone():
    run = json.loads(reprice("--apply", "--json"))
    assert costs() == [1.5, 1.5, 1.5, 0.25]
    assert (run["changed"], run["cost_after"]) == (3, "4.5")
    assert run["run"] in reprice("--list")

    said = reprice("--undo", run["run"][:8])

    assert "3 messages have the cost again that they had before; 0 were changed" in said
    assert costs() == [None, None, None, 0.25]
    [listed] = json.loads(reprice("--list", "--json"))
    assert (listed["status"], listed["scope"]) == ("undone", "")


def test_filters_choose_the_messages(history):
    other = make_session()
    add_message(other, 1, input_tokens=7)

    def checked(*options: str) -> int:
        return json.loads(reprice("--dry-run", "--json", *options))["total"]["messages"]

    assert checked() == 4
    assert checked("--project", "Kitchen") == 3
    assert checked("--project", "none") == 1
    assert checked("--model", "acme/m-1") == 3
    assert checked("--until", "2026-02-28") == 0
    assert checked("--session", other.session_uuid[:8]) == 1
    run = json.loads(reprice("--apply", "--json", "--project", "none", "--since", "2026-03-01"))
    assert (run["checked"], run["scope"]) == (1, "project none; from 2026-03-01")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dry-run", "--project", "Garage"], "no project 'Garage'"),
        (["--apply", "--model", "gpt-9"], "no model 'gpt-9'"),
        (["--dry-run", "--since", "yesterday"], "--since: 'yesterday' is no day"),
        (["--dry-run", "--since", "2026-02-02", "--until", "2026-02-01"], "--until: 2026-02-01 is"),
        (["--dry-run", "--session", "nope\x00"], "no session"),
        (["--undo", "0123456789"], "no run '0123456789'"),
        (["--list", "--tag", "bread"], "Filters go with"),
        ([], "one of the arguments"),
    ],
)
def test_what_cannot_be_meant_is_named(options, said):
    with pytest.raises(CommandError, match=said):
        reprice(*options)
    assert not RepriceRun.objects.exists()
