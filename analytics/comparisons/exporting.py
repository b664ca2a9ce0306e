"""A report as a file: JSON for programs, HTML for people, CSV of the prompts.

The same data give the same bytes: no file holds the time at which it was made.
"""

from __future__ import annotations

import json
from typing import Any

from django.template.loader import render_to_string

from conversations import downloads
from conversations.exporters import html

from .drawing import prompt_rows, shown

FORMATS = {"json": "application/json", "html": "text/html; charset=utf-8", "csv": "text/csv"}
VOTED = ("wins", "losses", "ties")
MOST_PROMPTS = 5_000  # rows of prompts in a page


def export(report: dict[str, Any], format: str) -> str:
    """Return a report in one of `FORMATS`."""
    return {"json": as_json, "html": as_html, "csv": as_csv}[format](report)


def as_json(report: dict[str, Any]) -> str:
    """Return the report whole: data, figures and method."""
    return json.dumps(report, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def as_html(report: dict[str, Any]) -> str:
    """Return the report as one page that needs no other file."""
    rows = prompt_rows(report, report["prompts"][:MOST_PROMPTS])
    context = {"report": shown(report), "prompts": rows}
    body = render_to_string("exports/comparison.html", context)
    return "".join((html.head(report["name"]), body, html.foot()))


def as_csv(report: dict[str, Any]) -> str:
    """Return a line for each prompt: its text, votes, and the values of each variant."""
    names = sorted(
        {
            name
            for row in report["prompts"]
            for cell in row["cells"].values()
            for name in cell["values"]
        }
    )
    columns, rows = ["prompt", "group", "text", "difference"], []
    for variant in report["variants"]:
        columns += [f"{variant['key']}: {what}" for what in (*VOTED, "failed", *names)]
    for row in report["prompts"]:
        values = [row["key"], row["group"], row["text"], row["delta"]]
        for variant in report["variants"]:
            cell = row["cells"][variant["key"]]
            values += [*(cell["votes"] or [None] * 3), int(cell["error"])]
            values += [cell["values"].get(name) for name in names]
        rows.append(dict(enumerate(values)))
    places = list(range(len(columns)))
    _, *lines = downloads.as_csv([dict(enumerate(columns)), *rows], places)
    return "".join(lines)
