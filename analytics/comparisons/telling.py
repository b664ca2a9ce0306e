"""A report in words, for a terminal: in the order in which it is to be read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from .verdicts import number, percent, points

WIDTH = 100
MOST_PROMPTS = 10


def told(report: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a report: may it be compared, how big and how sure, is it decided."""
    primary = report["primary"]
    yield report["name"]
    yield f"Decides: {primary['label']}{'' if primary['is_chosen'] else ' (taken by rule)'}"
    for variant in report["variants"]:
        yield (
            f"  {variant['letter']}  {variant['label']}: {variant['prompts']:,} prompts,"
            f" {variant['votes']:,} votes, {variant['observations']:,} values,"
            f" {variant['failures']:,} failed"
        )
    yield ""
    for finding in report["comparable"]["findings"] or [{"text": "These may be compared."}]:
        yield from _wrapped(finding["text"])
    for pair in report["pairs"]:
        yield ""
        yield f"{pair['b_label']} against {pair['a_label']}, {pair['prompts']['text']}"
        yield from _wrapped(pair["verdict"]["text"])
        for metric in pair["metrics"]:
            yield from _wrapped(
                f"{metric['label']}: {effect(metric)}; {metric['verdict']['short']}"
                f"{'; ' + metric['caption'] if metric['caption'] else ''}"
            )
        for strata in (pair["strata"], *pair["strata"]["more"]):
            if strata["text"]:
                yield from _wrapped(strata["text"])
        for sentence in pair["planning"]["sentences"]:
            yield from _wrapped(sentence)
    if report["ranking"]["rows"]:
        yield ""
        yield report["ranking"]["reason"] or "Ranking (Bradley-Terry):"
        for row in report["ranking"]["rows"]:
            strength = "" if row["strength"] is None else f", strength {row['strength']:.3f}"
            yield f"  {row['label']}: wins {(row['win_rate'] or 0) * 100:.1f} %{strength}"
    yield ""
    yield "Checks"
    for check in report["checks"]:
        yield from _wrapped(f"[{check['level']}] {check['title']}: {check['text']}")


def effect(metric: dict[str, Any]) -> str:
    """Return effect, interval and p of a metric in words: effect first, p last."""
    if metric["effect"] is None:
        return metric["excluded"] or "no estimate"
    low, high = metric["low"], metric["high"]
    if metric["effect_kind"] in ("net win rate", "difference of rates"):
        said = f"{_signed(metric['effect'])} points"
        ends = None if low is None else f"{_signed(low)} to {_signed(high)}"
    elif metric["effect_kind"] == "ratio":
        said = f"{number(metric['effect'])} times"
        ends = None if low is None else f"{number(low)} to {number(high)}"
    else:
        said = number(metric["effect"], metric["unit"])
        ends = None if low is None else f"{number(low)} to {number(high)}"
    if ends is None:
        return f"{said} (no interval, {chance(metric['p'])})"
    return f"{said} ({percent(metric['alpha'])}: {ends}, {chance(metric['p'])})"


def chance(p: float | None) -> str:
    """Return a p-value in words, never as 0."""
    if p is None:
        return "no p"
    return "p < 0.0001" if p < 1e-4 else f"p {p:.4f}"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+' if value > 0 else ''}{points(value)}"


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, subsequent_indent="  ") or [""]
