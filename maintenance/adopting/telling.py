"""The report of an adoption as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maintenance.repairing import aside_in_words
from maintenance.setting_aside import TABLE

if TYPE_CHECKING:
    from .adoption import Adopted

SHOWN = 5  # sessions whose totals were wrong


def lines(report: Adopted) -> list[str]:
    """Return what an adoption did, line by line, for people."""
    verb = "Would be adopted" if report.dry_run else "Adopted"
    result = [f"{verb}: {report.file}"]
    if report.copy:
        result.append(f"As it was it is kept: {report.copy}")
    result += [f"Damage that was found: {text}" for text in report.damage]
    result += ["", f"{'Table':<30} {'Rows':>12} {'Kept':>12} {'Set aside':>12}"]
    for table, copied in report.tables.items():
        if copied.rows:
            counts = f"{copied.rows:>12,} {copied.kept:>12,} {copied.set_aside:>12,}"
            result.append(f"{table:<30} {counts}")
    for table, kept in report.other_tables.items():
        name = table if kept.name == table else f"{table}, now {kept.name}"
        result.append(f"{name:<30} {kept.rows:>12,} {kept.rows:>12,} {0:>12,}")
    result += ["", *_totals(report)]
    if report.set_aside:
        result += ["", f"Set aside, in the table {TABLE} with its reason:"]
        result += [f"  {line}" for line in aside_in_words(report.set_aside)]
    result += [f"Kept as it was: {problem}" for problem in report.left]
    if report.left_out:
        result += ["", "Did not come along:"]
        by_reason: dict[str, list[str]] = {}
        for entry in report.left_out:
            by_reason.setdefault(entry.reason, []).append(f"{entry.kind} {entry.name}")
        result += [f"  {', '.join(names)}: {reason}" for reason, names in by_reason.items()]
    return result


def _totals(report: Adopted) -> list[str]:
    totals = report.totals
    if not totals.corrected:
        result = [f"The totals of all {totals.sessions:,} sessions were right."]
    else:
        result = [
            f"Totals of {totals.corrected:,} of {totals.sessions:,} sessions corrected:"
            f" {totals.messages:+,} messages, {totals.input_tokens:+,} input tokens,"
            f" {totals.output_tokens:+,} output tokens, {totals.cost:+,.6f} USD"
        ]
        for wrong in totals.examples[:SHOWN]:
            result.append(
                f"  {wrong['session_uuid']}: {wrong['messages']:+,} messages,"
                f" {wrong['input_tokens']:+,} and {wrong['output_tokens']:+,} tokens,"
                f" {wrong['cost']:+,.6f} USD"
            )
        if totals.corrected > SHOWN:
            result.append(f"  and {totals.corrected - SHOWN:,} more")
    if report.jobs_corrected:
        result.append(f"Counters of {report.jobs_corrected:,} batch jobs corrected")
    return result
