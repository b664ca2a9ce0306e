#!/usr/bin/env python3
"""Measure comparisons: computing a big one, its page, importing votes, and how often it is wrong.

    python benchmarks/comparisons.py [--simulate 1000]

The big one has 1,000 prompts, 6 variants and 5 metrics. The simulation records votes through the
program's own verbs, into a database, and judges after each vote up to 200: how many comparisons
without a difference are ever called decided, and how many with a true 60:40 after 400 votes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from pages import ROOT, measure, served

PROMPTS, VARIANTS = 1_000, "ABCDEF"
VOTES = 100_000


def big_rows(pick: random.Random):
    """Yield the results of every variant on every prompt: five metrics."""
    for variant in VARIANTS:
        for prompt in range(PROMPTS):
            yield {
                "variant": variant, "prompt_id": f"p{prompt}",
                "latency_ms": round(pick.lognormvariate(7, 1), 1),
                "cost": round(pick.lognormvariate(-4, 1), 9),
                "output_tokens": round(pick.lognormvariate(5, 1), 1) + 1,
                "quality": round(pick.gauss(6, 2), 3), "helpful": round(pick.gauss(5, 2), 3),
            }  # fmt: skip


def vote_rows(pick: random.Random):
    for number in range(VOTES):
        yield {
            "prompt_id": f"p{number % 5_000}", "a": "A", "b": "B",
            "winner": pick.choice(["a", "b", "tie"]), "rater": f"r{number // 5_000}",
            "first": pick.choice("ab"),
        }  # fmt: skip


def set_up(path: Path) -> None:
    os.environ["DATABASE_URL"] = f"sqlite:///{path}"
    os.environ["SESSIONS_DATA"] = str(path.parent / "data")
    os.environ["DJANGO_SETTINGS_MODULE"] = "sessionsite.settings"
    (path.parent / "data").mkdir(exist_ok=True)
    sys.path.insert(0, str(ROOT))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def timed(say: str, budget: float | None, do):
    began = time.perf_counter()
    result = do()
    seconds = time.perf_counter() - began
    print(
        f"{say:<44} {seconds:7.2f} s" + (f"  of at most {budget} s" if budget else ""), flush=True
    )
    return result


def simulate(count: int) -> None:
    """Record votes one by one and judge each time, as somebody does who looks again and again."""
    from django.db import transaction

    from analytics.comparisons import loading, recording
    from analytics.comparisons.report import compute

    pick = random.Random(42)
    false = right = wrong = 0
    for number in range(count):
        with transaction.atomic():  # one file for all; what is recorded is rolled back with it
            group = recording.create_group(f"A/A {number}", primary_metric="votes")
            false += _is_ever_decided(group, pick, 200)
            transaction.set_rollback(True)
    for number in range(count):
        with transaction.atomic():
            group = recording.create_group(f"60:40 {number}", primary_metric="votes")
            _record(group, pick, 400, 0.6)
            verdict = compute(loading.comparison_of(group))["pairs"][0]["verdict"]
            right += verdict["short"] == "decided: B"
            wrong += verdict["short"] == "decided: A"
            transaction.set_rollback(True)
    print(f"no difference, looked at after each of 200 votes: {false / count:.1%} ever decided"
          f" ({false} of {count}; at most 5 %)")  # fmt: skip
    print(f"true 60:40, 400 votes: {right / count:.1%} decided for the better (at least 70 %),"
          f" {wrong / count:.1%} for the other (at most 1 %)")  # fmt: skip


def _record(group, pick: random.Random, votes: int, share: float) -> None:
    from analytics.comparisons import importing

    rows = "\n".join(
        json.dumps({
            "prompt_id": f"p{n}", "a": "A", "b": "B",
            "winner": "b" if pick.random() < share else "a",
        })
        for n in range(votes)
    )  # fmt: skip
    importing.import_text(group, rows, name="votes.jsonl")


def _is_ever_decided(group, pick: random.Random, votes: int) -> bool:
    """Record so many votes and judge every beginning of them, by the rule of the report."""
    from dataclasses import replace

    from analytics.comparisons import loading
    from analytics.comparisons.report.frame import Frame
    from analytics.comparisons.report.metrics import measure as measured
    from analytics.comparisons.report.pairs import pair_of
    from analytics.comparisons.verdicts import judge

    _record(group, pick, votes, 0.5)
    whole = loading.comparison_of(group)
    order = sorted(whole.votes, key=lambda vote: int(vote.prompt[1:]))
    for n in range(1, votes + 1):
        frame = Frame(replace(whole, votes=tuple(order[:n])))
        found = measured(pair_of(frame, "A", "B", True), "votes")
        evidence = replace(found.evidence, e=found.e)
        if judge(evidence)["state"] == "decided":
            return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulate", type=int, default=0, metavar="N")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "comparisons.db"
        set_up(path)
        from django.db import connection

        from analytics.comparisons import importing, recording, storing

        pick = random.Random(42)
        group = recording.create_group("Big", primary_metric="quality")
        file = path.parent / "big.jsonl"
        file.write_text("\n".join(map(json.dumps, big_rows(pick))))
        timed("import of 30,000 results", None, lambda: importing.import_file(group, file))
        timed("computed, the first time (imports scipy)", None, lambda: storing.report_of(group))
        timed("computed", 5, lambda: storing.report_of(group, refresh=True))
        other = recording.create_group("Votes")
        file.write_text("\n".join(map(json.dumps, vote_rows(pick))))
        timed("import of 100,000 votes", 10, lambda: importing.import_file(other, file))
        timed("import of the same again", None, lambda: importing.import_file(other, file))
        timed("100,000 votes computed", None, lambda: storing.report_of(other))
        if options.simulate:
            simulate(options.simulate)
        connection.close()
        with served(path, path.parent) as (host, port):
            for name, address in (
                ("report", f"/comparisons/{group.group_uuid}/"),
                ("report, last page of prompts", f"/comparisons/{group.group_uuid}/?page=20"),
                ("list", "/comparisons/"),
            ):
                found = measure(host, port, lambda address=address: address, 40)
                print(f"{name:<44} p50 {found['p50']:6.1f} ms  p95 {found['p95']:6.1f} ms  of 200")


if __name__ == "__main__":
    main()
