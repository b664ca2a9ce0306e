"""Percentiles are within one per cent of the exact ones; bins are readable and lose nothing."""

from __future__ import annotations

import random
from bisect import bisect_right
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import histograms, rollups
from analytics.filters import Where
from analytics.reports import spread


def buckets_of(values) -> spread.Buckets:
    """Return what the roll-ups would keep of these values."""
    buckets: spread.Buckets = {}
    for value in values:
        low = rollups.LOWS[bisect_right(rollups.LOWS, value) - 1]
        buckets[low] = buckets.get(low, 0) + 1
    return buckets


def exact(values, share: float) -> int:
    """Return the percentile by nearest rank."""
    return sorted(values)[max(ceil(share * len(values)), 1) - 1]


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
def test_percentiles_are_within_one_per_cent_of_the_exact_ones(share):
    pick = random.Random(5)
    values = [round(pick.lognormvariate(7, 1.5)) for _ in range(5_000)]
    found = histograms.percentile(buckets_of(values), share)
    assert found == pytest.approx(exact(values, share), rel=0.01)


VALUES = st.lists(st.integers(0, 10**15), min_size=1, max_size=50)


@given(st.lists(VALUES, min_size=1, max_size=4), st.sampled_from(sorted(spread.LADDERS)))
def test_every_value_is_in_one_of_the_bins_of_which_there_are_not_too_many(series, kind):
    histograms = [buckets_of(values) for values in series]
    bins = spread.bins(histograms, kind)
    assert 1 <= len(bins) <= spread.MOST_BINS
    assert [one.high for one in bins[:-1]] == [one.low for one in bins[1:]]
    assert len({one.label for one in bins}) == len(bins)
    for values, histogram in zip(series, histograms, strict=True):
        assert sum(spread.counted(histogram, bins)) == len(values)
    together = spread.added(histograms)
    assert sum(spread.counted(together, bins)) == sum(map(len, series))


@given(VALUES)
def test_a_bin_holds_what_lies_in_it_but_for_one_per_cent_at_its_edges(values):
    bins = spread.bins([buckets_of(values)], "ms")
    for value in values:
        counts = spread.counted(buckets_of([value]), bins)
        one = bins[counts.index(1)]
        assert one.low * 0.99 - 1 <= value <= one.high * 1.01 + 1


def test_bins_begin_and_end_where_the_values_do_and_are_named_in_round_numbers():
    labels = [one.label for one in spread.bins([buckets_of([900, 4_000])], "ms")]
    assert labels == [
        "700 ms to 1 s", "1 s to 1.5 s", "1.5 s to 2 s", "2 s to 3 s", "3 s to 5 s",
    ]  # fmt: skip
    assert [one.label for one in spread.bins([{0: 1}], "tokens")] == ["under 1"]
    [dollar] = spread.bins([buckets_of([120_000_000])], "cost_nanos")
    assert dollar.label == "$0.1 to $0.15"
    [century] = spread.bins([{rollups.LOWS[-1]: 1}], "seconds")
    assert century.label == "3650 d and more"


def test_nothing_has_no_bins_and_no_marks():
    assert spread.bins([{}], "ms") == []
    assert spread.marks({}, [], (50,)) == []


def test_marks_stand_at_the_bins_of_their_percentiles_and_share_one_if_they_must():
    buckets = buckets_of([100] * 60 + [1_200] * 40)
    bins = spread.bins([buckets], "ms")
    found = {
        mark.name: bins[mark.label].label for mark in spread.marks(buckets, bins, (50, 95, 99))
    }
    assert found == {"p50": "100 ms to 150 ms", "p95, p99": "1 s to 1.5 s"}


def test_a_filter_that_cannot_be_meant_is_said_beside_the_numbers():
    assert spread.not_told_apart(Where(project_id=1), "Latencies are of") == ""
    said = spread.not_told_apart(Where(tag="x", source="", role="user"), "Latencies are of")
    assert said == "Latencies are of all tags, sources and roles, whatever is filtered by."
    assert "all tags, whatever" in spread.not_told_apart(Where(tag="x"), "Latencies are of")
