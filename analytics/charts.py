"""Charts as data: what is drawn, the sentence under it, the table beside it and its download.

Reports fill them, `templates/analytics/_chart.html` shows them and `static/js/charts.js` draws
them from the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, get_args

from django.http import HttpRequest, StreamingHttpResponse

from conversations import downloads
from conversations.errors import InvalidValue

from .figures import Number, Unit, in_words

Kind = Literal["bar", "stacked", "line", "area", "heatmap", "distribution", "scatter", "intervals"]
KINDS: tuple[str, ...] = get_args(Kind)
UNITS: tuple[str, ...] = get_args(Unit)
STACKS = {"stacked", "area"}
ADDABLE = {"usd", "tokens", "count"}  # a sum of percentages or of latencies means nothing
Values = Sequence[Number | None]  # None is a gap: nothing is known there, which is not 0
Links = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Series:
    """A line, a colour of a stack, or a row of a heat map: a value for each label of the chart.

    `low` and `high` are the ends of an interval around each value.
    """

    name: str
    values: Values
    low: Values | None = None
    high: Values | None = None
    links: Links | None = None  # of each value, to what is behind it
    is_forecast: bool = False
    is_rest: bool = False  # all that have no series of their own, in grey


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the chart at a value, such as a budget."""

    name: str
    value: Number


@dataclass(frozen=True, slots=True)
class Mark:
    """A line at one of the labels, such as the bucket that holds the median."""

    name: str
    label: int  # index


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the table."""

    value: Number | None
    unit: Unit
    link: str | None = None
    low: Number | None = None
    high: Number | None = None
    is_best: bool = False  # of those it stands beside


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    link: str | None
    cells: list[Cell]


@dataclass(frozen=True)
class Chart:
    """What a figure shows.

    `kind` is how: bars, bars or areas that add up (`stacked`, `area`), lines, a `heatmap` (the
    series are its rows), a `distribution` (labels are buckets in order), a `scatter` (a point for
    each label, at `x` and the value) or `intervals` (values with low and high, a row each).
    `unit` is USD, tokens, ms, a count, percent (0 to 100) or a rate per second.
    """

    key: str  # unique on its page; names the chart in addresses and files
    title: str
    kind: Kind
    labels: Sequence[str]
    series: Sequence[Series]
    unit: Unit
    summary: str = ""  # one sentence; made from the numbers if it is empty
    links: Links | None = None  # of each label, to what is behind its numbers
    note: str = ""  # what one has to know of the numbers, such as how many are unpriced
    label_name: str = "Day"  # what the labels are
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    x: Values | None = None  # of a scatter, for each label
    x_name: str = ""
    x_unit: Unit = "count"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.unit not in UNITS or self.x_unit not in UNITS:
            raise InvalidValue(
                f"chart {self.key}: {self.kind}, {self.unit} or {self.x_unit} is not known"
            )
        if (self.kind == "scatter") != (self.x is not None):
            raise InvalidValue(f"chart {self.key}: a scatter has x, and nothing else has")
        for name, values in self._columns():
            if values is not None and len(values) != len(self.labels):
                raise InvalidValue(
                    f"chart {self.key}: {name} has {len(values)} values for"
                    f" {len(self.labels)} labels"
                )

    def _columns(self) -> Iterator[tuple[str, Sequence[Any] | None]]:
        yield "links", self.links
        yield "x", self.x
        for series in self.series:
            for name in ("values", "low", "high", "links"):
                yield f"{series.name}, {name},", getattr(series, name)

    @property
    def is_empty(self) -> bool:
        """Return whether there is not one value to draw."""
        return all(value is None for series in self.series for value in series.values)

    @property
    def caption(self) -> str:
        return self.summary or summary_of(self)

    def as_json(self) -> str:
        """Return what the drawing needs; words and links of its points are those of the table."""
        drawn = {
            "kind": self.kind,
            "title": self.title,
            "unit": self.unit,
            "labels": list(self.labels),
            "labelName": self.label_name,
            "series": [_drawn(series) for series in self.series],
            "levels": [{"name": level.name, "value": _plain(level.value)} for level in self.levels],
            "marks": [{"name": mark.name, "label": mark.label} for mark in self.marks],
        }
        if self.x is not None:
            drawn |= {"x": _plains(self.x), "xName": self.x_name, "xUnit": self.x_unit}
        return json.dumps(drawn, ensure_ascii=False, separators=(",", ":"))

    # -- the table ----------------------------------------------------------------------------

    @cached_property
    def headers(self) -> list[str]:
        """Return what stands over the columns of the table."""
        return [self.label_name, *([self.x_name] if self.x is not None else []), *self._names()]

    def _names(self) -> list[str]:
        return [f"{s.name} (forecast)" if s.is_forecast else s.name for s in self.series]

    @cached_property
    def rows(self) -> list[Row]:
        """Return the rows of the table: the numbers of each label, and their links."""
        return [self._row(index, label) for index, label in enumerate(self.labels)]

    def _row(self, index: int, label: str) -> Row:
        link = self.links[index] if self.links else None
        cells = [] if self.x is None else [Cell(self.x[index], self.x_unit, link)]
        for series in self.series:
            cells.append(
                Cell(
                    series.values[index],
                    self.unit,
                    series.links[index] if series.links else link,
                    series.low[index] if series.low else None,
                    series.high[index] if series.high else None,
                )
            )
        return Row(label, link, cells)

    # -- the download -------------------------------------------------------------------------

    @cached_property
    def columns(self) -> list[str]:
        """Return the names of the columns of a download, each once."""
        names = [self.label_name] if self.x is None else [self.label_name, self.x_name]
        for name, series in zip(self._names(), self.series, strict=True):
            names.append(f"{name}, {self.unit}")
            names += [f"{name}, {end}" for end in ("low", "high") if getattr(series, end)]
        return each_once(names)

    def csv(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of a download under `columns`, each number as exact as it is known."""
        for index, label in enumerate(self.labels):
            values: list[Any] = [label] if self.x is None else [label, self.x[index]]
            for series in self.series:
                values.append(series.values[index])
                values += [end[index] for end in (series.low, series.high) if end]
            yield dict(zip(self.columns, values, strict=True))

    def download(self, format: str, *, name: str = "") -> StreamingHttpResponse:
        """Return the numbers as a file, `format` one of `conversations.downloads.FORMATS`."""
        return downloads.download(name or self.key, format, self.csv(), self.columns)


def requested(request: HttpRequest, charts: Iterable[Chart]) -> StreamingHttpResponse | None:
    """Return the download that the address asks for (`chart`, `format`), None if it asks none."""
    key, format = request.GET.get("chart"), request.GET.get("format")
    for chart in charts if format in downloads.FORMATS else ():
        if chart.key == key:
            return chart.download(format)
    return None


def summary_of(chart: Chart) -> str:
    """Return one sentence on a chart: the total where the numbers add up, the peak and where."""
    points = _points(chart)
    if not points:
        return "There is nothing to show."
    top, where = max(points, key=lambda point: point[0])
    peak = f"{in_words(top, chart.unit)} ({where})"
    if chart.unit in ADDABLE:
        total = in_words(_total(value for value, _ in points), chart.unit)
        return f"{total} in all; the most is {peak}."
    least, there = min(points, key=lambda point: point[0])
    return f"From {in_words(least, chart.unit)} ({there}) to {peak}."


def _points(chart: Chart) -> list[tuple[Number, str]]:
    """Return what is known and where it is: the sums of stacks, else each value."""
    known = [series for series in chart.series if not series.is_forecast]
    columns = zip(chart.labels, *(series.values for series in known), strict=True)
    if chart.kind in STACKS:
        sums = ((label, [v for v in values if v is not None]) for label, *values in columns)
        return [(_total(values), label) for label, values in sums if values]
    return [
        (value, label if len(known) == 1 else f"{label}, {series.name}")
        for label, *values in columns
        for series, value in zip(known, values, strict=True)
        if value is not None
    ]


def _total(values: Iterable[Number]) -> Number:
    return sum(Decimal(str(value)) if isinstance(value, float) else value for value in values)


def _drawn(series: Series) -> dict[str, Any]:
    drawn: dict[str, Any] = {"name": series.name, "values": _plains(series.values)}
    for end in ("low", "high"):
        if values := getattr(series, end):
            drawn[end] = _plains(values)
    drawn |= {"isForecast": True} if series.is_forecast else {}
    return drawn | ({"isRest": True} if series.is_rest else {})


def _plains(values: Values) -> list[int | float | None]:
    return [_plain(value) for value in values]


def _plain(value: Number | None) -> int | float | None:
    return float(value) if isinstance(value, Decimal) else value


def each_once(names: Sequence[str]) -> list[str]:
    """Return names of columns, a number behind those that have been there before."""
    counts = (names[:index].count(name) for index, name in enumerate(names))
    return [
        f"{name} ({count + 1})" if count else name
        for name, count in zip(names, counts, strict=True)
    ]
