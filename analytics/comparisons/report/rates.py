"""Shares of a pair: votes, and answers that pass or fail."""

from __future__ import annotations

import math
from dataclasses import replace

from analytics.comparisons.data import VOTES, Metric
from analytics.comparisons.stats import means, votes
from analytics.comparisons.verdicts import Evidence

from .pairs import Measured, Pair, add_clusters, detail, new_row, of_means, sequence


def of_votes(pair: Pair) -> Measured | None:
    """Return what the votes say of a pair; None without any."""
    ballots = pair.frame.ballots(pair.a, pair.b)
    if not ballots.by_prompt:
        return None
    settings = pair.frame.comparison.settings
    row = new_row(VOTES, None, settings.alpha)
    means_of = ballots.means
    signs = list(means_of.values())
    prompts = list(means_of)
    wins, losses = sum(s > 0 for s in signs), sum(s < 0 for s in signs)
    n = row["n"] = len(signs)
    is_plain = set(signs) <= {-1.0, 0.0, 1.0}
    row["effect_kind"], row["effect"] = "net win rate", math.fsum(signs) / n
    clusters = add_clusters(pair, row, prompts)
    _add_vote_details(row, ballots, wins, losses, n, settings.alpha)
    e, share = votes.e_value(wins, losses), votes.always_valid_share(wins, losses, settings.alpha)
    evidence = Evidence(
        "votes", pair.label_a, pair.label_b, n, row["effect"], None, None,
        (-settings.vote_margin, settings.vote_margin), alpha=settings.alpha,
        decisive=wins + losses, wins=wins, losses=losses,
        straight=_straight(settings.alpha), needed=_more_votes(wins, losses, n),
    )  # fmt: skip
    if is_plain and not clusters:
        row["low"], row["high"] = votes.tango(wins, losses, n, settings.alpha)
        row["p"], row["p_kind"] = votes.sign_test(wins, losses)[1], "sign test, mid-p"
        row["always_valid"] |= {"of": "share", "low": share[0], "high": share[1], "e": e}
        evidence = replace(evidence, low=row["low"], high=row["high"], share=share)
        return Measured(row, evidence, e, row["p"])
    # Several votes on a prompt are one observation of their mean, groups of prompts one cluster.
    return of_means(pair, row, evidence, signs, clusters)


def _add_vote_details(row: dict, ballots, wins: int, losses: int, n: int, alpha: float) -> None:
    said = [vote for votes_of in ballots.by_prompt.values() for vote in votes_of]
    each = [sum(vote > 0 for vote in said), sum(vote < 0 for vote in said)]
    ties = len(said) - sum(each)
    exact, mid = votes.sign_test(wins, losses)
    decisive = wins + losses
    row["points"] = {
        "wins": wins, "losses": losses, "ties": n - decisive, "votes": len(said),
        "vote_wins": each[0], "vote_losses": each[1], "vote_ties": ties, "failed": ballots.failed,
    }  # fmt: skip
    details = row["details"]
    details.append(detail("win score, ties half", (wins + (n - decisive) / 2) / n))
    details.append(detail("tie rate", (n - decisive) / n))
    details.append(
        detail(
            "decisive share", wins / decisive if decisive else None,
            votes.exact_share(wins, decisive, alpha), "Clopper-Pearson",
        )
    )  # fmt: skip
    details.append(detail("sign test, exact p", exact))
    details.append(detail("sign test, mid-p", mid))
    details.append(
        detail("discrete win rate", (each[0] + ties / 2) / len(said), note="of all votes")
    )
    if ballots.scores:
        graded = means.paired(ballots.scores)
        details.append(
            detail(
                "weighted win rate", graded.mean, (graded.low, graded.high), "graded preferences"
            )
        )
        details.append(detail("weighted standard error", graded.se))


def _straight(alpha: float) -> int:
    return next(n for n in range(1, 200) if votes.wins_needed(n, alpha) == n)


def _more_votes(wins: int, losses: int, n: int) -> str:
    from analytics.comparisons.stats.planning import decisive_votes

    share_of_decisive = (wins + losses) / n if n else 1.0
    needed = decisive_votes(0.6) / max(share_of_decisive, 0.05) - n
    if needed <= 0:
        return ""
    return f"About {math.ceil(needed):,} more prompts would separate a 60:40 preference."


def of_pass_fail(
    pair: Pair, metric: Metric, row: dict, a: list[float], b: list[float], prompts: list[str] | None
) -> Measured:
    """Return what answers that pass or fail, 1 or 0, say of a pair; unpaired without prompts."""
    settings = pair.frame.comparison.settings
    row["effect_kind"] = "difference of rates"
    margin = (-settings.vote_margin, settings.vote_margin)
    evidence = Evidence(
        "votes", pair.label_a, pair.label_b, 0, None, None, None, margin, better=metric.better,
        alpha=settings.alpha, straight=_straight(settings.alpha),
    )  # fmt: skip
    passed_a, passed_b = int(sum(a)), int(sum(b))
    for label, passed, n in (("rate of A", passed_a, len(a)), ("rate of B", passed_b, len(b))):
        row["details"].append(
            detail(label, passed / n, votes.wilson(passed, n, settings.alpha), "Wilson")
        )
    if prompts is not None:
        wins = sum(y > x for x, y in zip(a, b, strict=True))
        losses = sum(y < x for x, y in zip(a, b, strict=True))
        row["n"] = n = len(a)
        clusters = add_clusters(pair, row, prompts)
        share = votes.always_valid_share(wins, losses, settings.alpha)
        e = votes.e_value(wins, losses)
        row["effect"] = (wins - losses) / n
        evidence = replace(
            evidence, n=n, effect=row["effect"], decisive=wins + losses, wins=wins, losses=losses,
            share=share if metric.better >= 0 else None, needed=_more_votes(wins, losses, n),
        )  # fmt: skip
        if clusters:
            differences = [y - x for x, y in zip(a, b, strict=True)]
            evidence = replace(evidence, decisive=None, share=None)
            return of_means(pair, row, evidence, differences, clusters)
        row["low"], row["high"] = votes.tango(wins, losses, n, settings.alpha)
        row["p"], row["p_kind"] = votes.sign_test(wins, losses)[1], "McNemar, mid-p"
        row["always_valid"] |= {"of": "share", "low": share[0], "high": share[1], "e": e}
        return Measured(row, replace(evidence, low=row["low"], high=row["high"]), e, row["p"])
    row["n"] = len(a) + len(b)
    row["effect"] = passed_b / len(b) - passed_a / len(a)
    row["low"], row["high"] = votes.newcombe(passed_a, len(a), passed_b, len(b), settings.alpha)
    row["p"], row["p_kind"] = votes.fisher(passed_a, len(a), passed_b, len(b)), "Fisher"
    evidence = replace(
        evidence,
        n=min(len(a), len(b)),
        effect=row["effect"],
        low=row["low"],
        high=row["high"],
        noun="answer",
    )
    moments = [(len(side), sum(side) / len(side)) for side in (a, b)]
    spread = [rate * (1 - rate) for _, rate in moments]
    found = means.welch_of_moments(
        moments[0][0], moments[0][1], spread[0], moments[1][0], moments[1][1], spread[1],
        alpha=settings.alpha,
    )  # fmt: skip
    return Measured(row, *sequence(row, evidence, found, row["n"], settings), row["p"])
