"""`manage.py budgets`, for people, programs and cron."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics.models import Budget
from conversations.tests.factories import add_message, make_model, make_project, make_session

from .test_budgets import make_budget

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str, str]:
    """Return the exit code, standard output, and what was said of an error."""
    output = StringIO()
    try:
        call_command("budgets", *arguments, stdout=output, stderr=StringIO())
    except CommandError as error:
        return error.returncode, output.getvalue(), str(error)
    return 0, output.getvalue(), ""


def spend_now(cost: float | None, title: str = "Tea", **fields):
    add_message(make_session(title), 1, cost=cost, timestamp=timezone.now(), **fields)


def test_the_exit_code_is_that_of_the_furthest_budget():
    assert run() == (0, "", "")
    make_budget("Ample", hard_limit=Decimal(1000))
    spend_now(12.5)
    assert run()[0] == 0
    make_budget("Warned", soft_limit=Decimal("12.5"), hard_limit=Decimal(20))
    code, output, error = run()
    assert (code, error) == (3, "1 budget reached a line: Warned (soft).")
    make_budget("Gone", hard_limit=Decimal("12.5"))
    code, output, error = run()
    assert (code, error) == (4, "2 budgets reached a line: Gone (hard), Warned (soft).")
    assert [line.partition(":")[0] for line in output.splitlines()] == ["Ample", "Gone", "Warned"]
    assert run("--name", "Warned")[0] == 3
    assert run("--name", "Ample")[0] == 0


def test_a_line_says_what_is_spent_of_what_and_what_is_not_known():
    make_budget("Tea", tag="", hard_limit=Decimal(50), project=make_project())
    project = Budget.objects.get().project
    session = make_session(project=project)
    add_message(session, 1, cost=12.5, timestamp=timezone.now())
    add_message(session, 2, input_tokens=10, timestamp=timezone.now())
    output = run()[1]
    assert output.startswith("Tea: $12.50 of $50.00 (25.0 %); below its lines; month ")
    assert "; project Kitchen; " in output
    assert output.endswith("1 message unpriced\n")


def test_a_budget_that_is_switched_off_is_looked_at_by_name_alone():
    make_budget("Off", is_active=False, hard_limit=Decimal(1))
    spend_now(2)
    assert run() == (0, "", "")
    assert run("--name", "Off")[0] == 4


def test_the_sessions_that_explain_it_are_named():
    make_budget(hard_limit=Decimal(1))
    spend_now(9, "A dear\n\x1b one")
    spend_now(0.5, "A cheap one")
    output = run("--explain")[1]
    assert "1 session of $9.00 accounts for 80 % or more of the $8.50" in output
    assert "A dear one\n" in output  # no line end, and nothing that a terminal obeys
    assert "A cheap one" not in output


def test_programs_get_all_digits():
    make_budget(soft_limit=Decimal("0.5"), hard_limit=Decimal(1), model=make_model())
    make_budget("Empty", tag="nobody has it")
    spend_now(0.123456789, model=Budget.objects.get(name="All").model)
    code, output, _ = run("--json", "--explain")
    found = json.loads(output)
    assert (code, found["schema"]) == (0, 1)
    one, empty = found["budgets"]
    assert one["spent"] == one["explained"]["cost"] == "0.123456789"
    assert (one["soft_limit"], one["hard_limit"]) == ("0.500000", "1.000000")
    assert (one["model"], one["project"], one["tag"]) == ("anthropic/claude-sonnet-4-5", None, None)
    assert one["level"] == "ok"
    assert one["explained"]["listed"][0]["title"] == "Tea"
    assert Decimal(empty["spent"]) == 0
    assert "E" not in empty["spent"]


def test_budgets_are_set_and_removed_by_name():
    make_project()
    make_model()
    code, output, _ = run(
        "--set", "Tea", "--period", "week", "--hard", "50", "--soft", "40", "--project", "Kitchen",
        "--model", "anthropic/claude-sonnet-4-5", "--tag", "tea",
    )  # fmt: skip
    assert (code, output) == (
        0,
        "Budget Tea made: $50.00 a week for project Kitchen,"
        " model anthropic/claude-sonnet-4-5, tag tea.\n",
    )
    assert run("--set", "Tea", "--hard", "9.5")[1] == (
        "Budget Tea changed: $9.50 a month for all messages.\n"
    )
    assert run("--remove", "Tea")[1] == "Budget Tea removed.\n"
    assert not Budget.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--name", "None such"], 1, "no budget “None such”"),
        (["--remove", "None such"], 1, "no budget “None such”"),
        (["--set", "Tea"], 2, "--set needs --hard USD"),
        (["--hard", "5"], 2, "--hard goes with --set NAME"),
        (["--name", "Tea", "--tag", "x"], 2, "--tag goes with --set NAME"),
        (["--set", "Tea", "--hard", "0"], 1, "hard_limit: "),
        (["--set", "Tea", "--hard", "5", "--soft", "6"], 1, "must not be above the hard line"),
        (["--set", "Tea", "--hard", "5", "--model", "x"], 1, "no model “x”"),
        (["--set", "Tea", "--hard", "much"], 1, "'much' is no amount"),
        (["--set", "Tea", "--hard", "inf"], 1, "'inf' is no amount"),
        (["--set", "Tea", "--hard", "5", "--period", "year"], 1, "invalid choice: 'year'"),
        (["--set", "\udcff", "--hard", "5"], 1, "name holds half a character"),
        (["--name", "\udcff"], 1, "name holds half a character"),
    ],
)
def test_what_cannot_be_meant_is_said(arguments, code, reason):
    found, _, error = run(*arguments)
    assert reason in error
    assert found == code  # as from a shell, but for argparse, which exits with 2 there
    assert not Budget.objects.exists()
