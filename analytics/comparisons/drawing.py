"""What pages show of a report beside its figures: words for them, and where intervals are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from .telling import chance, effect
from .verdicts import number

WIDTH, PAD = 240, 6  # of the drawn line, in units of the picture
WIDEST_RATIO = 8.0
LONGEST = 60  # characters of a label within a sentence
SHARES = ("net win rate", "difference of rates")


def shown(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report with words for its figures, and with where its intervals are drawn."""
    pairs = []
    for pair in report["pairs"]:
        metrics = [
            metric | {
                "words": effect(metric), "said": _said(metric), "drawn": drawn(metric),
                "chance": _chance(metric, len(report["pairs"])), "sides": _sides(metric),
                "details": _always_valid(metric) + metric["details"],
                "is_guardrail": metric["name"] in pair["guardrails"],
            }
            for metric in pair["metrics"]
        ]  # fmt: skip
        primary = [one for one in metrics if one["name"] == report["primary"]["name"]]
        pairs.append(
            pair | {
                "metrics": metrics, "primary": primary[0] if primary else None,
                "guarding": [one for one in metrics if one["is_guardrail"]],
                "orders": _orders(pair),
                "strata": [
                    {**one, "rows": _groups(one, primary[0] if primary else None)}
                    for one in (pair["strata"], *pair["strata"]["more"]) if one["rows"]
                ],
            }
        )  # fmt: skip
    return report | {"pairs": pairs, "whole": _whole(report)}


def _said(metric: dict[str, Any]) -> tuple[str, str]:
    """Return effect and interval in words, without p; "" for what there is not."""
    if metric["effect"] is None:
        return effect(metric), ""
    said, _, ends = effect(metric).removesuffix(f", {chance(metric['p'])})").rpartition(" (")
    return said, ends


def _chance(metric: dict[str, Any], pairs: int) -> str:
    """Return p, what it is of, and what is left of it when all that was tried is counted."""
    if metric["p"] is None:
        return ""
    said = f"{chance(metric['p'])}, {metric['p_kind']}" if metric["p_kind"] else chance(metric["p"])
    if pairs > 1 and metric["p_holm"] is not None:
        said += f"; {chance(metric['p_holm'])} after Holm"
    if metric["q"] is not None:
        said += f"; {chance(metric['q']).replace('p', 'q', 1)} (Benjamini-Hochberg)"
    return said


def _sides(metric: dict[str, Any]) -> list[str]:
    """Return what each side has by itself, A first: a mean, or how many prompts it won."""
    found = metric["points"]
    if "wins" in found:
        return [f"{found['losses']:,} won", f"{found['wins']:,} won"]
    means = (found.get("mean_a"), found.get("mean_b"))
    return ["" if mean is None else number(mean, metric["unit"]) for mean in means]


def _always_valid(metric: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the row of details that says what holds however often one looks."""
    found = metric["always_valid"]
    if found["e"] is None:
        return []
    of = "of B's share of what is decided" if found["of"] == "share" else "of the effect"
    return [
        {
            "label": f"always-valid interval {of}", "value": None, "low": found["low"],
            "high": found["high"], "note": f"evidence e {number(found['e'])}",
        }
    ]  # fmt: skip


def _in_points(value: float) -> str:
    return f"{'+' if value > 0 else ''}{value * 100:.0f} points"


def _span(low: float | None, high: float | None, say: Callable[[float], str]) -> str:
    return "" if low is None or high is None else f"95 %: {say(low)} to {say(high)}"


def _orders(pair: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how B did when A was shown first, when B was, and on the average of both."""
    position, b = pair["position"], pair["b_label"][:LONGEST]
    labels = {side: pair[f"{side}_label"][:LONGEST] for side in "ab"}
    if not position["votes"]:
        return []
    rows = [
        (
            f"Lead of {b} with {labels[side]} shown first",
            f"{_in_points(rate)}, {position[f'{side}_first']:,} votes",
        )
        for side, rate in position["rates"].items() if rate is not None
    ]  # fmt: skip
    if position.get("balanced") is not None:
        rows.append((f"Lead of {b}, average of both orders", _in_points(position["balanced"])))
    span = _span(position["low"], position["high"], _in_points)
    first = _in_points(position["effect"]) + (f" ({span})" if span else "")
    return [*rows, ("Lead of the answer shown first", first)]


def _groups(strata: dict[str, Any], primary: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the estimate of each group of prompts in words, and that of all groups together."""
    is_share = primary is not None and primary["effect_kind"] in SHARES
    unit = primary["unit"] if primary else ""

    def say(value: float) -> str:
        return _in_points(value) if is_share else number(value, unit)

    rows = [*strata["rows"], {"name": "All groups, stratified", "n": None, **strata["stratified"]}]
    if strata["pooled"] and strata["pooled"] != strata["stratified"]:
        rows.append({"name": "Pooled", "n": None, **strata["pooled"]})
    return [
        {
            "name": row["name"], "n": row["n"], "said": say(row["estimate"]),
            "ends": _span(row["low"], row["high"], say),
        }
        for row in rows
    ]  # fmt: skip


def _whole(report: dict[str, Any]) -> list[str]:
    """Return sentences on all variants at once, none where there are but two."""
    if len(report["variants"]) < 3:
        return []
    said, found = [], report["overview"]
    if test := found["friedman"]:
        said.append(
            f"Friedman test of all variants on {test['n']:,} prompts: {chance(test['p'])},"
            f" Kendall's W {number(test['kendall_w'])}."
        )
    if best := found["best_on"]:
        labels = {variant["key"]: variant["label"] for variant in report["variants"]}
        counts = ", ".join(
            f"{labels[key]} on {n:,}"
            for key, n in sorted(best["wins"].items(), key=lambda row: (-row[1], row[0]))
        )
        said.append(f"Best alone: {counts}; tied on {best['ties']:,} of {best['n']:,} prompts.")
    if found["best_of"]:
        said.append(found["best_of"])
    if (order := report["ranking"]["order_effect"]) is not None:
        said.append(f"Being shown first changes the odds to win {number(math.exp(order))} times.")
    if (tie := report["ranking"]["tie_parameter"]) is not None:
        said.append(f"Tie parameter (Davidson) {number(tie)}.")
    return said


def drawn(metric: dict[str, Any]) -> dict[str, float] | None:
    """Return where an interval lies on its line: x of its ends, of the effect and of no effect.

    Votes and rates lie between -100 and 100 points, ratios on a logarithmic scale, differences on
    one as wide as they are themselves.
    """
    if metric["effect"] is None:
        return None
    numbers = [metric["effect"], metric["low"], metric["high"]]
    low, mid, high = numbers[1], numbers[0], numbers[2]
    low, high = (mid if end is None else end for end in (low, high))
    if metric["effect_kind"] == "ratio":
        places = [math.log(min(max(v, 1 / WIDEST_RATIO), WIDEST_RATIO)) for v in (low, mid, high)]
        widest = math.log(WIDEST_RATIO)
    elif metric["effect_kind"] == "difference":
        places = [low, mid, high]
        widest = max(abs(low), abs(high), abs(mid)) * 1.1 or 1.0
    else:
        places, widest = [low, mid, high], 1.0

    def at(value: float) -> float:
        share = min(max(value / widest, -1.0), 1.0)
        return round(WIDTH / 2 + share * (WIDTH / 2 - PAD), 1)

    left, middle, right = map(at, places)
    return {
        "low": left, "mid": middle, "high": right, "null": WIDTH / 2,
        "length": round(max(right - left, 0.5), 1),
    }  # fmt: skip


def prompt_rows(report: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of prompts for a page: a cell for each variant, in order."""
    name = report["primary"]["name"]
    return [
        {
            "key": row["key"], "group": row["group"], "text": row["text"],
            "delta": None if row["delta"] is None else _delta(report, row["delta"]),
            "outcome": row["outcome"],
            "cells": [
                _cell(variant, row["cells"][variant["key"]], name) for variant in report["variants"]
            ],
        }
        for row in rows
    ]  # fmt: skip


def _delta(report: dict[str, Any], delta: float) -> str:
    sign = "+" if delta > 0 else ""
    if report["primary"]["name"] == "votes":
        return f"{sign}{delta * 100:.0f} points"
    return sign + number(delta, report["primary"]["unit"])


def _cell(variant: dict[str, Any], cell: dict[str, Any], name: str) -> dict[str, Any]:
    value = cell["values"].get(name)
    said = "" if value is None else number(value)
    if name == "votes" and cell["votes"]:
        wins, losses, ties = cell["votes"]
        said = f"{wins} won, {losses} lost" + (f", {ties} tied" if ties else "")
    return {
        "label": variant["label"], "letter": variant["letter"], "said": said,
        "is_failed": cell["error"], "link": _link(cell["session"], cell["message"]),
    }  # fmt: skip


def _link(session: str, message: str) -> str:
    """Return the address of an answer, "" where an id can stand in none."""
    with suppress(NoReverseMatch):
        if session:
            address = reverse("session", args=[session])
            return f"{address}?{urlencode({'message': message})}" if message else address
    return ""
