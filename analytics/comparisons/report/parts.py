"""The parts of a report beside its verdicts: variants, strata, ranking, forest, prompts."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from analytics.comparisons.data import ERRORS, VOTES, Kind
from analytics.comparisons.stats import means, ranking
from analytics.comparisons.stats.strata import Stratum, disagrees, stratified_difference

from .frame import Frame, seed_of
from .pairs import Pair

MOST_STRATA = 50
LONGEST_TEXT = 300
FEWEST_IN_STRATUM = 2
PLURAL = {"prompt group": "groups of prompts", "project": "projects"}


def variants(frame: Frame) -> list[dict[str, Any]]:
    """Return a row for each variant."""
    counts = defaultdict(lambda: [0, 0, 0])
    for row in frame.comparison.observations:
        counts[row.variant][0] += row.value is not None
    for vote in frame.comparison.votes:
        counts[vote.a][1] += 1
        counts[vote.b][1] += 1
    for answer in frame.comparison.answers:
        counts[answer.variant][2] += 1
    rows = []
    for place, variant in enumerate(frame.variants):
        failed, attempts = frame.failures.get(variant.key, (0, 0))
        lengths = list(frame.lengths.get(variant.key, {}).values())
        observations, votes, answers = counts[variant.key]
        rows.append(
            {
                "key": variant.key, "label": frame.labels[variant.key],
                "letter": frame.letters[variant.key], "is_baseline": place == 0,
                "prompts": len(frame.prompts_of[variant.key]), "answers": answers,
                "observations": observations, "votes": votes, "failures": failed,
                "failure_rate": failed / attempts if attempts else None,
                "mean_length": sum(lengths) / len(lengths) if lengths else None,
                "config": dict(variant.config),
            }
        )  # fmt: skip
    return rows


def coverage(pair: Pair) -> dict[str, Any]:
    """Return on how many prompts both answered, and why not on others."""
    frame = pair.frame
    of_a, of_b = frame.prompts_of[pair.a], frame.prompts_of[pair.b]
    failed_a, failed_b = (
        frame.failed_on.get(key, set()) - done for key, done in ((pair.a, of_a), (pair.b, of_b))
    )
    asked = of_a | of_b | failed_a | failed_b
    common = of_a & of_b
    parts = [
        f"{name} failed on {len(failed):,}"
        for name, failed in (("A", failed_a), ("B", failed_b)) if failed
    ]  # fmt: skip
    for name, only in (("A", of_a - of_b - failed_b), ("B", of_b - of_a - failed_a)):
        if only:
            parts.append(f"only {name} answered {len(only):,}")
    text = f"{len(common):,} of {len(asked):,} prompts"
    if not pair.is_paired:
        counts = [frame.failures.get(key, (0, 0))[1] for key in (pair.a, pair.b)]
        text, parts = f"{counts[0]:,} and {counts[1]:,} answers, not paired", []
    return {
        "common": len(common), "complete": len(common), "asked": len(asked),
        "a_only": len(of_a - of_b), "b_only": len(of_b - of_a), "a_failed": len(failed_a),
        "b_failed": len(failed_b), "text": "; ".join([text, ", ".join(parts)]) if parts else text,
    }  # fmt: skip


# -- strata -------------------------------------------------------------------------------------


def strata(pair: Pair) -> dict[str, Any]:
    """Return the primary metric within each group of prompts, and whether the whole misleads.

    Groups are those that were given, and the projects of the sessions, under `more` if there are
    both; those about which the whole misleads come first.
    """
    prompts = pair.frame.comparison.prompts
    none = {
        "by": None, "rows": [], "stratified": None, "pooled": None, "withheld": False, "text": "",
        "more": [],
    }  # fmt: skip
    found = []
    for by, attribute in (("prompt group", "group"), ("project", "project")):
        groups = {key: getattr(prompt, attribute) for key, prompt in prompts.items()}
        names = {name for name in groups.values() if name}
        if 1 < len(names) <= MOST_STRATA:
            found.append(none | _by(groups, pair, PLURAL[by]) | {"by": by})
    shown = [one for one in found if one["rows"]]
    first, *more = sorted(shown, key=lambda one: not one["withheld"]) or [none]
    return first | {"more": more}


def _by(groups: dict[str, str], pair: Pair, called: str) -> dict[str, Any]:
    frame, name = pair.frame, pair.frame.primary
    if name == VOTES:
        return _of_differences(frame.ballots(pair.a, pair.b).means, groups, called)
    values = frame.values.get(name, {})
    of_a, of_b = values.get(pair.a, {}), values.get(pair.b, {})
    if pair.is_paired:
        shared = sorted(of_a.keys() & of_b.keys())
        differences = {key: of_b[key] - of_a[key] for key in shared}
        return _of_differences(differences, groups, called)
    return _of_sides(of_a, of_b, groups, called)


def _of_sides(
    of_a: dict[str, float], of_b: dict[str, float], groups: dict[str, str], called: str
) -> dict[str, Any]:
    parts = []
    for group in sorted({name for name in groups.values() if name}):
        sides = [
            [value for key, value in side.items() if groups.get(key) == group]
            for side in (of_a, of_b)
        ]
        if all(len(side) >= FEWEST_IN_STRATUM for side in sides):
            a, b = (means.paired(side) for side in sides)
            parts.append(Stratum(group, a.n, a.mean, a.sd**2, b.n, b.mean, b.sd**2))
    found = stratified_difference(parts) if len(parts) > 1 else None
    if found is None:
        return {}
    pooled = means.welch(list(of_a.values()), list(of_b.values()))
    is_withheld = disagrees(pooled.mean, found[0])
    rows = []
    for part in parts:
        one = means.welch_of_moments(
            part.n_a, part.mean_a, part.var_a, part.n_b, part.mean_b, part.var_b
        )
        rows.append(_row(part.name, part.n_a + part.n_b, one))
    text = (
        f"The {called} say one thing and all prompts together the other: the {called} are right."
        if is_withheld
        else f"The {called} and the whole point the same way."
    )
    return {
        "rows": rows, "withheld": is_withheld, "text": text,
        "stratified": dict(zip(("estimate", "low", "high"), found, strict=True)),
        "pooled": None if is_withheld else _ends(pooled),
    }  # fmt: skip


def _of_differences(
    differences: dict[str, float], groups: dict[str, str], called: str
) -> dict[str, Any]:
    by_group = defaultdict(list)
    for key, value in differences.items():
        by_group[groups.get(key, "")].append(value)
    if len(by_group) < 2:
        return {}
    rows = []
    for group, each in sorted(by_group.items()):
        found = means.paired(each)
        rows.append(_row(group or "(none)", found.n, found))
    # Every prompt has both sides, so the whole is the weighted mean of its parts.
    whole = _ends(means.paired(list(differences.values())))
    signs = {row["estimate"] > 0 for row in rows if row["estimate"]}
    text = (
        f"The {called} differ in which variant they are for."
        if len(signs) > 1
        else f"The {called} point the same way."
    )
    return {"rows": rows, "stratified": whole, "pooled": whole, "text": text}


def _ends(found) -> dict[str, Any]:
    return {"estimate": found.mean, "low": found.low, "high": found.high}


def _row(name: str, n: int, found) -> dict[str, Any]:
    return {"name": name, "n": n, **_ends(found)}


# -- more than two ------------------------------------------------------------------------------


def overview(frame: Frame) -> dict[str, Any]:
    """Return what is said of three and more variants at once, on prompts that all answered."""
    found: dict[str, Any] = {"friedman": None, "best_of": None, "best_on": None}
    metric = frame.metrics.get(frame.primary)
    keys = [variant.key for variant in frame.variants]
    if metric is None or metric.kind == Kind.PASS_FAIL or len(keys) < 2:
        return found
    values = frame.values.get(frame.primary, {})
    shared = sorted(set.intersection(*(set(values.get(key, ())) for key in keys)))
    rows = [[values[key][prompt] for key in keys] for prompt in shared]
    if not rows:
        return found
    sign = metric.better or 1
    best = dict.fromkeys(keys, 0)
    ties = 0
    for row in rows:
        most = max(sign * value for value in row)
        tops = [key for key, value in zip(keys, row, strict=True) if sign * value == most]
        if len(tops) == 1:
            best[tops[0]] += 1
        else:
            ties += 1
    found["best_on"] = {"wins": best, "ties": ties, "n": len(rows)}
    if test := means.friedman(rows):
        found["friedman"] = {
            "chi2": test[0], "p": max(test[1], 1e-300), "kendall_w": test[2], "n": len(rows),
        }  # fmt: skip
    if len(keys) > 2:
        found["best_of"] = f"Best of {len(keys)}: expect the lead to shrink."
    return found


def ranking_of(frame: Frame) -> dict[str, Any]:
    """Return the Bradley-Terry ranking of three and more variants from votes on any pairs."""
    keys = [variant.key for variant in frame.variants]
    found: dict[str, Any] = {
        "shown": False, "reason": "", "rows": [], "tie_parameter": None, "order_effect": None,
        "method": "Bradley-Terry by I-LSR, ties half; intervals by resampling prompts",
    }  # fmt: skip
    votes = [vote for vote in frame.comparison.votes if vote.outcome != "failed"]
    if len(keys) < 3 or not votes:
        return found
    place = {key: index for index, key in enumerate(keys)}
    prompts = {key: index for index, key in enumerate(sorted({vote.prompt for vote in votes}))}
    wins = np.zeros((len(prompts), len(keys), len(keys)))
    counts = np.zeros((len(keys), 3), dtype=int)
    rows: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for vote in votes:
        a, b = place[vote.a], place[vote.b]
        share = {"a": 1.0, "b": 0.0, "tie": 0.5}[vote.outcome]
        wins[prompts[vote.prompt], a, b] += share
        wins[prompts[vote.prompt], b, a] += 1 - share
        outcome = {"a": (0, 1), "b": (1, 0), "tie": (2, 2)}[vote.outcome]
        counts[a, outcome[0]] += 1
        counts[b, outcome[1]] += 1
        if vote.first:
            one, other = (a, b) if vote.first == "a" else (b, a)
            said = 2 if vote.outcome == "tie" else int((vote.outcome == "a") != (one == a))
            rows[one, other][said] += 1
    ranked = ranking.ranked(wins, [frame.labels[key] for key in keys], seed=seed_of(prompts))
    rates = ranking.win_rates(wins.sum(axis=0))
    found["shown"], found["reason"] = ranked.worths is not None, ranked.reason
    for key, at in place.items():
        found["rows"].append(
            {
                "key": key, "label": frame.labels[key], "win_rate": rates[at],
                "strength": ranked.worths and ranked.worths[at],
                "low": ranked.lows[at] if ranked.lows else None,
                "high": ranked.highs[at] if ranked.highs else None,
                "wins": counts[at, 0], "losses": counts[at, 1], "ties": counts[at, 2],
            }
        )  # fmt: skip
    found["rows"].sort(key=lambda row: (-(row["strength"] or row["win_rate"] or 0), row["key"]))
    if ranked.worths is not None and rows:
        table = [(i, j, *said) for (i, j), said in sorted(rows.items())]
        has_ties = any(row[4] for row in table)
        try:
            fitted = ranking.fit(table, len(keys), ties=has_ties, order=True)
        except np.linalg.LinAlgError:  # the order was the same for each pair, or decided all
            return found
        found["order_effect"] = fitted.order
        found["tie_parameter"] = None if fitted.log_tie is None else float(np.exp(fitted.log_tie))
    return found


# -- rows ---------------------------------------------------------------------------------------


def forest(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return an interval to draw for every metric of every pair."""
    rows = []
    for pair in pairs:
        for metric in pair["metrics"]:
            if metric["effect"] is None:
                continue
            is_ratio = metric["effect_kind"] == "ratio"
            is_share = metric["effect_kind"] in ("net win rate", "difference of rates")
            rows.append(
                {
                    "pair": f"{pair['b_label']} against {pair['a_label']}", "b": pair["b"],
                    "metric": metric["name"], "label": metric["label"],
                    "scale": "ratio" if is_ratio else "points" if is_share else "unit",
                    "unit": metric["unit"], "effect": metric["effect"], "low": metric["low"],
                    "high": metric["high"], "null": 1 if is_ratio else 0,
                    "state": metric["verdict"]["state"], "favours": metric["favours"],
                }
            )  # fmt: skip
    return rows


def prompts(frame: Frame) -> list[dict[str, Any]]:
    """Return a row for each prompt, the worst regressions of B first."""
    if len(frame.variants) < 2:
        return []
    a, b = frame.variants[0].key, frame.variants[1].key
    primary = frame.primary
    metric = frame.metrics.get(primary)
    sign = (metric.better or 1) if metric else 1
    answers = {(one.variant, one.prompt): one for one in reversed(frame.comparison.answers)}
    tally: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for vote in frame.comparison.votes:
        if vote.outcome == "tie":
            tally[vote.a, vote.prompt][2] += 1
            tally[vote.b, vote.prompt][2] += 1
        elif vote.outcome in ("a", "b"):
            won, lost = (vote.a, vote.b) if vote.outcome == "a" else (vote.b, vote.a)
            tally[won, vote.prompt][0] += 1
            tally[lost, vote.prompt][1] += 1
    votes = frame.ballots(a, b).means
    of = frame.values.get(primary, {})
    shown = {name: frame.values[name] for name in frame.metrics if name in frame.values}
    shown.pop(ERRORS, None)
    keys = set().union(*frame.prompts_of.values(), *frame.failed_on.values())
    rows = []
    for key in keys:
        known = frame.comparison.prompts.get(key)
        cells = {}
        for variant in frame.variants:
            answer = answers.get((variant.key, key))
            cells[variant.key] = {
                "votes": tally.get((variant.key, key)),
                "values": {
                    name: by_variant[variant.key][key]
                    for name, by_variant in shown.items()
                    if key in by_variant.get(variant.key, ())
                },
                "error": key in frame.failed_on.get(variant.key, ()),
                "session": answer.session if answer else "",
                "message": answer.message if answer else "",
            }  # fmt: skip
        if primary == VOTES:
            delta = votes.get(key)
        else:
            one, other = of.get(a, {}).get(key), of.get(b, {}).get(key)
            delta = None if one is None or other is None else sign * (other - one)
        rows.append(
            {
                "key": key, "group": known.group if known else "",
                "text": (known.text if known else "")[:LONGEST_TEXT], "cells": cells,
                "delta": delta, "outcome": _outcome(delta),
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row["delta"] is None, row["delta"] or 0, row["key"]))


def _outcome(delta: float | None) -> str:
    if delta is None:
        return ""
    return "b" if delta > 0 else "a" if delta < 0 else "tie"
