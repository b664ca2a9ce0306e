"""What is looked at in every comparison before its figures are believed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

from analytics.comparisons.data import VOTES
from analytics.comparisons.stats import agreement, means, planning, votes

from .frame import Frame
from .metrics import TOO_MANY_FAILURES
from .pairs import Pair

SRM_ALARM = 0.001  # GrowthBook's default
FEWEST_ORDERED = 5
MOST_RATERS = 8  # whose agreement is shown, two by two


def check(level: str, code: str, title: str, text: str) -> dict[str, str]:
    """Return one finding: level is ok, warning or stop."""
    return {"level": level, "code": code, "title": title, "text": text}


def comparable(frame: Frame) -> list[dict[str, str]]:
    """Return what speaks against comparing at all, the worst first; empty if nothing does."""
    found = []
    settings = frame.comparison.settings
    if len(frame.variants) < 2:
        return [check("stop", "variants", "Variants", "There are not two variants yet.")]
    for variant in frame.variants:
        if not frame.prompts_of[variant.key] and not _has_loose(frame, variant.key):
            text = f"{frame.labels[variant.key]} has no results yet."
            found.append(check("stop", "empty", "Results", text))
    if p := _srm(frame):
        level = "stop" if p < SRM_ALARM else "ok"
        if level == "stop":
            text = (
                f"The variants did not get the shares that were planned (p {_small(p)}):"
                " whatever lost them may explain any difference."
            )
            found.append(check(level, "srm", "Planned split", text))
    if settings.is_paired and not found:
        base = frame.variants[0].key
        for variant in frame.variants[1:]:
            if is_disjoint(frame, base, variant.key):
                text = (
                    f"{frame.labels[base]} and {frame.labels[variant.key]} answered no prompt in"
                    " common: how hard the prompts were cannot be told from how good they are."
                )
                found.append(check("warning", "disjoint", "Same prompts", text))
    for variant in frame.variants:
        failed, count = frame.failures.get(variant.key, (0, 0))
        if count and failed / count > TOO_MANY_FAILURES:
            text = (
                f"{frame.labels[variant.key]} failed {failed:,} of {count:,} times: other metrics"
                " are of answered requests alone."
            )
            found.append(check("warning", "failures", "Failures", text))
    return found


def _has_loose(frame: Frame, key: str) -> bool:
    return any(values.get(key) for values in frame.loose.values())


def is_disjoint(frame: Frame, a: str, b: str) -> bool:
    """Return whether two variants both have results and share no prompt."""
    has = [frame.prompts_of[key] or _has_loose(frame, key) for key in (a, b)]
    return all(has) and not frame.prompts_of[a] & frame.prompts_of[b]


def _srm(frame: Frame) -> float | None:
    shares = [variant.share for variant in frame.variants]
    if frame.comparison.settings.is_paired or None in shares:
        return None
    counts = [len(frame.attempts.get(variant.key, ())) for variant in frame.variants]
    return planning.srm(counts, shares)


def _small(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.4f}"


def was_order_varied(pair: Pair) -> bool:
    """Return False if all votes that note an order showed the same side first."""
    sides = Counter(side for _, side, _ in pair.frame.ballots(pair.a, pair.b).first)
    return sides.total() < FEWEST_ORDERED or len(sides) > 1


def position(pair: Pair) -> dict[str, Any]:
    """Return how often the answer that was shown first was preferred, clustered by prompt."""
    ballots = pair.frame.ballots(pair.a, pair.b)
    rows = ballots.first
    found: dict[str, Any] = {"votes": len(rows), "a_first": 0, "b_first": 0, "text": ""}
    if not rows:
        found["text"] = "Nobody noted which answer was shown first."
        return found
    by_prompt, by_side = defaultdict(list), defaultdict(list)
    for prompt, side, said in rows:
        by_prompt[prompt].append(said if side == "b" else -said)
        by_side[side].append(said)
    found |= {f"{side}_first": len(by_side[side]) for side in "ab"}
    found["rates"] = {
        side: math.fsum(by_side[side]) / len(by_side[side]) if by_side[side] else None
        for side in "ab"
    }
    if all(by_side.values()) and len(by_side) == 2:
        found["balanced"] = sum(found["rates"].values()) / 2
    effect = means.paired([sum(each) / len(each) for _, each in sorted(by_prompt.items())])
    found |= {"effect": effect.mean, "low": effect.low, "high": effect.high, "p": effect.p}
    is_clear = effect.low is not None and (effect.low > 0 or effect.high < 0)
    direction = "first" if effect.mean > 0 else "second"
    if is_clear and len(by_prompt) >= FEWEST_ORDERED:
        found["level"] = "warning"
        found["text"] = (
            f"The answer shown {direction} is preferred by {abs(effect.mean) * 100:.0f} points"
            f" over {len(by_prompt):,} prompts: see the rates of each order."
        )
    else:
        found["level"] = "ok"
        found["text"] = f"No preference for the answer shown first on {len(by_prompt):,} prompts."
    return found


def length(pair: Pair) -> dict[str, Any]:
    """Return the share of decisive votes that the longer answer won."""
    of_a, of_b = (pair.frame.lengths.get(key, {}) for key in (pair.a, pair.b))
    longer = decisive = 0
    for prompt, mean in pair.frame.ballots(pair.a, pair.b).means.items():
        if mean and prompt in of_a and prompt in of_b and of_a[prompt] != of_b[prompt]:
            decisive += 1
            longer += (mean > 0) == (of_b[prompt] > of_a[prompt])
    if not decisive:
        return {"decisive": 0, "share": None, "level": "ok", "text": "No lengths to compare."}
    low, high = votes.wilson(longer, decisive)
    is_clear = low > 0.5 or high < 0.5
    return {
        "decisive": decisive, "share": longer / decisive, "low": low, "high": high,
        "level": "warning" if is_clear else "ok",
        "text": f"The longer answer won {longer:,} of {decisive:,} decisive votes"
        f" ({low * 100:.0f} to {high * 100:.0f} %).",
    }  # fmt: skip


def raters(pair: Pair) -> dict[str, Any]:
    """Return how far raters agree, two by two, on the prompts that both judged."""
    by_rater: dict[str, dict[tuple, float]] = defaultdict(dict)
    for name, said in pair.frame.ballots(pair.a, pair.b).raters.items():
        by_rater[name] |= {(VOTES, prompt): value for prompt, value in said.items()}
    primary = pair.frame.primary
    for row in pair.frame.comparison.observations:
        if row.metric == primary and row.rater and row.value is not None and row.prompt:
            by_rater[row.rater][row.variant, row.prompt] = row.value
    names = sorted(by_rater)[:MOST_RATERS]
    rows = []
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            shared = sorted(by_rater[one].keys() & by_rater[other].keys())
            if len(shared) < 2:
                continue
            sides = [[by_rater[name][item] for item in shared] for name in (one, other)]
            icc = agreement.icc_2(list(zip(*sides, strict=True)))
            rows.append(
                {
                    "a": one, "b": other, "n": len(shared),
                    "kappa": agreement.weighted_kappa(*sides),
                    "icc": icc and icc[0], "icc_mean": icc and icc[1],
                }
            )  # fmt: skip
    return {"rows": rows, "count": len(by_rater)}


def all_of(frame: Frame, pairs: list[Pair], rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return every check with its finding, those that are in order too."""
    comparison = frame.comparison
    found = comparable(frame)
    codes = {row["code"] for row in found}
    if "srm" not in codes:
        p = _srm(frame)
        text = "Shares were not planned." if p is None else f"As planned (p {_small(p)})."
        found.append(check("ok", "srm", "Planned split", text))
    if "disjoint" not in codes and comparison.settings.is_paired and rows:
        text = "; ".join(f"{row['b_label']}: {row['prompts']['text']}" for row in rows)
        found.append(check("ok", "prompts", "Same prompts", text))
    if "failures" not in codes:
        failed = sum(count for count, _ in frame.failures.values())
        found.append(check("ok", "failures", "Failures", f"{failed:,} answers failed."))
    for pair, row in zip(pairs, rows, strict=True):
        if row["position"]["votes"] or comparison.votes:
            level = row["position"].get("level", "warning")
            title = f"Order shown: {pair.label_b}"
            found.append(check(level, "position", title, row["position"]["text"]))
        if row["length"]["decisive"]:
            title = f"Length: {pair.label_b}"
            found.append(check(row["length"]["level"], "length", title, row["length"]["text"]))
    judges = sorted({vote.judge for vote in comparison.votes if vote.judge})
    if len(judges) > 1:
        text = f"Votes are of {len(judges)} versions of a judge: {', '.join(judges[:5])}."
        found.append(check("warning", "judges", "Judge", text))
    for note in comparison.notes:
        found.append(check("warning", "difference", "Other differences", note))
    if not comparison.notes:
        text = "No difference was found beside the one that is tested."
        found.append(check("ok", "difference", "Other differences", text))
    if comparison.duplicates:
        text = f"{comparison.duplicates:,} rows said again what another had said; they count once."
        found.append(check("warning", "duplicates", "Duplicates", text))
    found.append(_primary(frame))
    if len(frame.variants) > 3:
        text = (
            f"The best of {len(frame.variants)} variants looks better than it is: expect its lead"
            " to shrink."
        )
        found.append(check("warning", "best_of", "Many variants", text))
    order = {"stop": 0, "warning": 1, "ok": 2}
    return sorted(found, key=lambda row: order[row["level"]])


def changed_late(frame: Frame) -> bool:
    """Return whether the primary metric was set after the first answer or vote was there."""
    settings = frame.comparison.settings
    times = [row.time for row in frame.comparison.observations if row.time]
    return bool(settings.primary_set_at and times and settings.primary_set_at > min(times))


def _primary(frame: Frame) -> dict[str, str]:
    settings = frame.comparison.settings
    if not settings.primary:
        text = "The primary metric was not chosen: one was taken by rule. Choose it before looking."
        return check("warning", "primary", "Primary metric", text)
    text = f"Set {settings.primary_set_at or 'at an unknown time'}."
    if changed_late(frame):
        return check("warning", "primary", "Primary metric", f"{text} There were answers by then.")
    return check("ok", "primary", "Primary metric", text)
