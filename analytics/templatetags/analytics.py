"""How pages write the numbers of charts, and draw the small ones."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.charts import Cell, Chart
from analytics.comparisons.verdicts import number
from analytics.figures import Number, Unit, in_words, shown, written
from analytics.tables import Line
from conversations.rendering import Entry, render_cells, render_rows

register = template.Library()

WIDTH, HEIGHT = 100, 24  # of a sparkline, in its own units; it is stretched to its place
EDGE = 2  # units that no line goes into, so that none is cut off


@register.filter
def figure(value: Number | None, unit: Unit) -> str:
    """Return a number with its unit."""
    return shown(value, unit)


@register.filter
def figure_of(value: float) -> str:
    """Return a figure of a report with three significant digits."""
    return number(value)


@register.simple_tag
def chart_rows(chart: Chart) -> SafeString:
    """Return the rows of a chart's table."""
    return render_rows(
        [Entry(row.label, address=row.link or ""), *map(_entry, row.cells)] for row in chart.rows
    )


@register.simple_tag
def number_cells(line: Line) -> SafeString:
    """Return the cells of a line of a table, those that are best marked in a word."""
    return render_cells(map(_entry, line.cells))


def _entry(cell: Cell) -> Entry:
    text, title = written(cell.value, cell.unit)
    if cell.low is not None and cell.high is not None:
        low, high = written(cell.low, cell.unit)[0], written(cell.high, cell.unit)[0]
        text = f"{text} ({low} to {high})"
    link = (cell.link or "") if cell.value is not None else ""
    return Entry(text, title, link, "best" if cell.is_best else "")


@register.simple_tag
def sparkline(values: Sequence[Number | None], unit: Unit = "count") -> SafeString | str:
    """Return a small line of these values, and in words how it goes; "" for fewer than two."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    words = (
        f"From {in_words(known[0], unit)} to {in_words(known[-1], unit)};"
        f" between {in_words(min(known), unit)} and {in_words(max(known), unit)}."
    )
    return format_html(
        '<svg class="sparkline" role="img" viewBox="0 0 {} {}" preserveAspectRatio="none">'
        '<title>{}</title><path d="{}" vector-effect="non-scaling-stroke"/></svg>',
        WIDTH,
        HEIGHT,
        words,
        _path(values, float(min(*known, 0)), float(max(known))),
    )


def _path(values: Sequence[Number | None], low: float, high: float) -> str:
    step, span = WIDTH / (len(values) - 1), (high - low) or 1
    steps, is_drawing = [], False
    for index, value in enumerate(values):
        if value is not None:
            x = index * step
            y = HEIGHT - EDGE - (float(value) - low) / span * (HEIGHT - 2 * EDGE)
            # A value between two gaps is a dot: a line to where it is, with round ends.
            steps.append(
                f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}" + ("" if is_drawing else "h0")
            )
        is_drawing = value is not None
    return "".join(steps)
