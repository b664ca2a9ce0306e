"""What pages show of a report beside its figures: words for them, and where intervals are drawn."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from .telling import chance, effect
from .verdicts import number

WIDTH, PAD = 240, 6  # of the drawn line, in units of the picture
WIDEST_RATIO = 8.0


def shown(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report with `words`, `chance` and `drawn` for each metric of each pair."""
    pairs = []
    for pair in report["pairs"]:
        metrics = [
            metric | {
                "words": effect(metric), "chance": chance(metric["p"]), "drawn": drawn(metric),
                "is_guardrail": metric["name"] in pair["guardrails"],
            }
            for metric in pair["metrics"]
        ]  # fmt: skip
        primary = [one for one in metrics if one["name"] == report["primary"]["name"]]
        pairs.append(
            pair | {
                "metrics": metrics, "primary": primary[0] if primary else None,
                "guarding": [one for one in metrics if one["is_guardrail"]],
            }
        )  # fmt: skip
    return report | {"pairs": pairs}


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
