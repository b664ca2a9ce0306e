"""Figures that lead a page, beside those of the period before."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.template.loader import render_to_string

from analytics.figures import Figure, in_words

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "before", "words", "verdict"),
    [
        (Decimal(12), Decimal(10), "+20 %", "bad"),
        (Decimal(9), Decimal(10), f"{MINUS}10 %", "good"),
        (1001, 1000, "+0.1 %", "bad"),
        (10, 10, "as before", ""),
        (3, 0, "none before", "bad"),
        (0, 0, "as before", ""),
        (None, 10, "", ""),
        (10, None, "", ""),
        (-5, -10, "+50 %", "bad"),
    ],
)
def test_a_change_is_told_by_a_sign_or_a_word(value, before, words, verdict):
    figure = Figure("Cost", value, "usd", before, is_good="less")
    assert (figure.change_in_words, figure.verdict) == (words, verdict)


def test_a_change_that_is_neither_good_nor_bad_has_no_verdict():
    assert Figure("Sessions", 5, "count", 3).verdict == ""
    assert Figure("Rating", 5, "count", 3, is_good="more").verdict == "good"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (Decimal("0.000123"), "usd", "$0.000123"),
        (12_400_000, "tokens", "12.4M tokens"),
        (2410.4, "ms", "2.4 s"),
        (1234, "count", "1,234"),
        (61.27, "percent", "61.3 %"),
        (1234.56, "per_second", "1,234.6/s"),
        (None, "usd", "\N{EN DASH}"),
    ],
)
def test_numbers_are_said_with_their_units(value, unit, words):
    assert in_words(value, unit) == words


def test_a_figure_links_to_what_is_behind_it_and_says_what_is_unpriced():
    figure = Figure("Cost", Decimal(2), "usd", Decimal(1), "/sessions/", (1, 2), 1, "/unpriced/")
    page = render_to_string("analytics/_figures.html", {"figures": [figure]})
    assert '<a href="/sessions/"><data value="2" title="$2">$2.00</data></a>' in page
    assert '<a href="/unpriced/">1 message unpriced</a>' in page
    assert "+100 %</span> from <data" in page
    assert "<svg" in page
    plain = render_to_string("analytics/_figures.html", {"figures": [Figure("Cost", None, "usd")]})
    assert "unpriced" not in plain
    assert "<svg" not in plain
