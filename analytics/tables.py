"""Tables of numbers as data: a line for each model, tool or measure, and what is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .charts import Cell, Values, each_once
from .figures import Unit

MOST_LINES = 200  # that a page shows; its file has all


@dataclass(frozen=True, slots=True)
class Line:
    """A row: what it is about, its numbers, and how the foremost of them went."""

    label: str
    link: str | None
    cells: Sequence[Cell]
    trend: Values = ()
    pick: int | None = None  # what the form sends if the line is picked
    is_picked: bool = False


@dataclass(frozen=True)
class Table:
    """A table; the unit of a column is None where its cells differ in theirs."""

    key: str  # unique on its page; names the table in addresses and files
    title: str
    label_name: str
    heads: Sequence[tuple[str, Unit | None]]
    lines: Sequence[Line]
    note: str = ""  # what one has to know of the numbers
    trend_name: str = ""
    trend_unit: Unit = "count"

    @property
    def shown(self) -> Sequence[Line]:
        return self.lines[:MOST_LINES]

    @property
    def left_out(self) -> int:
        """Return how many lines only the file has."""
        return max(0, len(self.lines) - MOST_LINES)

    @cached_property
    def columns(self) -> list[str]:
        """Return the names of the columns of a download."""
        return each_once(
            [
                self.label_name,
                *(
                    f"{name}, {unit}" if unit and unit != "count" else name
                    for name, unit in self.heads
                ),
            ]
        )

    def csv(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of a download, each number as exact as it is known."""
        for line in self.lines:
            values = (self._with_unit(line), *(cell.value for cell in line.cells))
            yield dict(zip(self.columns, values, strict=True))

    def _with_unit(self, line: Line) -> str:
        """Return what a line is about, and the unit of its numbers if no column has said it."""
        pairs = zip(line.cells, self.heads, strict=True)
        units = {cell.unit for cell, (_, unit) in pairs if unit is None} - {"count"}
        return ", ".join([line.label, *units])
