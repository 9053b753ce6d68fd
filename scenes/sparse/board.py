"""Ids, table and output side by side: each id points to a row of the table, which goes to a row of the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Fly, Morph
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Box, Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_ROOM, _MIDDLE = 5.1, 0.02
_IDS_X, _TABLE_X, _OUTPUT_X = -5.3, -0.9, 4.5
_TABLE_WIDTH, _OUTPUT_WIDTH = 4.2, 3.6
_GAP, _BAG_GAP, _SIDE = 0.16, 0.36, 0.5
_MOST_LOOKUPS = 10


@dataclass(frozen=True)
class Lookup:
    """One id: where it stands in the input, which row of the table it names, and the group (sample or bag) it is in."""

    index: Index
    row: int
    group: int


class TableBoard(Board):
    """The grids of a trace: `lookups` down the left, in groups, and the rows of the output, whose leads are `outputs`.

    With `bags` a group has one row of the output, otherwise each lookup has its own.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        table: str,
        lookups: Sequence[Lookup],
        outputs: Sequence[Index],
        bags: bool,
    ) -> None:
        super().__init__(look, trace)
        self.bags = bags
        self.lookups = lookups[:_MOST_LOOKUPS]
        self.outputs = outputs[: self.lookups[-1].group + 1] if bags else outputs[: len(self.lookups)]
        self.tops = self._lines()
        self.ids = [self._id(number) for number in range(len(self.lookups))]
        self.table = self._table(table, _TABLE_X)
        self.rows = [self._output(number) for number in range(len(self.outputs))]
        self.pointers = [self.frame(z_index=0) for _ in range(3)]

    @property
    def has_numbers(self) -> bool:
        """Whether the table's cells hold numbers; otherwise they are colours."""
        return bool(self.table.cells.text_size)

    def is_cropped(self, lookups: int) -> bool:
        """Whether some of the table or of the `lookups` there are is left out."""
        rows, cols = self.trace.shape(self.table.tensor)
        return lookups > len(self.lookups) or self.table.shape != (rows, cols)

    def scenery(self) -> VGroup:
        """Everything that stands from the start."""
        ids_top = max(grid.center((0, 0))[1] for grid in self.ids) + self.ids[0].cells.height / 2
        rows_top = max(grid.origin[1] for grid in self.rows)
        self.output_label = self._name("output", (_OUTPUT_X, rows_top))
        labels = [
            self._name("input", (_IDS_X, ids_top)),
            self._name(self.table.tensor, (_TABLE_X, self.table.origin[1])),
            self.output_label,
        ]
        return VGroup(
            *self.ids,
            self.table,
            *self.rows,
            *labels,
            *self.row_numbers(self.table),
            *self._brackets(),
            *self._weights(),
        )

    def row_numbers(self, grid: Grid) -> list[Text]:
        """The index of each row, left of a table."""
        if grid.cells.height < MIN_TEXT * 1.15:
            return []
        left = grid.origin[0] - 0.14
        return [
            self.label(str(row), (left, grid.center((row, 0))[1]), MIN_TEXT, align="right")
            for row in range(grid.cells.rows)
        ]

    def point(self, lookup: int) -> list[Animation]:
        """The frames go to an id and to the row it names; the first time they appear there."""
        row = self.lookups[lookup].row
        paths = [self.ids[lookup].outline((0, 0), (0, 0), 0.02)]
        if row < self.table.cells.rows:
            paths.append(self._row_outline(self.table, row))
        return self._lead(paths, 0)

    def target(self, number: int) -> list[Animation]:
        """The third frame goes to a row of the output."""
        return self._lead([self._row_outline(self.rows[number], 0)], 2)

    def copy(self, lookup: int, number: int, flies: bool) -> list[Animation]:
        """The row of an id is written to row `number` of the output, flying over if it is looked at."""
        row, grid = self.lookups[lookup].row, self.rows[number]
        moves: list[Animation] = []
        for cell in grid.positions():
            start = self.table.center((row, cell[1])) if flies and self.table.shows((row, cell[1])) else None
            moves += grid.write(cell, start, run_time=0.5 if flies else 0.3)
        return moves

    def write(self, number: int) -> list[Animation]:
        """A row of the output as torch has it."""
        grid = self.rows[number]
        return [move for cell in grid.positions() for move in grid.write(cell)]

    def gathered(self, lookup: int, bag: int, place: int) -> tuple[list[Animation], list[Number]]:
        """A looked-up row flies to its bag, where what has come together so far is written as the numbers returned."""
        moves: list[Animation] = []
        numbers: list[Number] = []
        row, grid = self.lookups[lookup].row, self.rows[bag]
        for cell in grid.positions():
            value = self.trace.value("running", (bag, place, cell[1]))
            fill = self.look.theme.fill(value, self.trace.range(self.table.tensor).scale)
            moves += grid.paint(cell, fill)
            if grid.cells.text_size:
                number = self._running_number(grid, (bag, place, cell[1]), value, fill).place(
                    grid.center(cell)
                )
                numbers.append(number)
                seen = self.table.shows((row, cell[1]))
                moves.append(Fly(number, start=self.table.center((row, cell[1]))) if seen else Appear(number))
        return moves, numbers

    def _running_number(self, grid: Grid, index: Index, value: float, fill: str) -> Number:
        ink, text = self.look.theme.ink(fill), self.text("output", value)
        return self.number("running", index, grid.cells.text_size, ink, text=text, value=value)

    def frames(self, row: int, *tables: Grid) -> list[Shape]:
        """A frame round the same row of some tables, where it is drawn."""
        shown = [table for table in tables if row < table.cells.rows]
        return [self.frame(self._row_outline(table, row), z_index=0) for table in shown]

    def beside(self, tensor: str) -> Grid:
        """Another tensor of the table's shape, in the place of the output."""
        return self._table(tensor, _OUTPUT_X)

    def _lead(self, paths: Sequence[np.ndarray], first: int) -> list[Animation]:
        moves: list[Animation] = []
        for pointer, path in zip(self.pointers[first:], paths, strict=False):
            if len(pointer.points):
                moves.append(Morph(pointer, path, quick=0.2))
            else:
                pointer.points = path
                moves.append(Appear(pointer))
        return moves

    def _row_outline(self, grid: Grid, row: int) -> np.ndarray:
        return grid.outline((row, 0), (row, grid.cells.cols - 1), 0.03)

    def _lines(self) -> list[float]:
        """The middle of each lookup's line, groups a gap apart."""
        gap, gaps = (_BAG_GAP if self.bags else _GAP), self.lookups[-1].group
        self.height = min(0.62, (_ROOM - gap * gaps) / len(self.lookups))
        whole = self.height * len(self.lookups) + gap * gaps
        top = _MIDDLE + whole / 2 - self.height / 2
        return [top - self.height * k - gap * one.group for k, one in enumerate(self.lookups)]

    def _id(self, number: int) -> Grid:
        at = (_IDS_X, self.tops[number])
        size = min(0.26, (_SIDE - 0.1) / 0.6 / max(len(str(self.lookups[number].row)), 1), self.height * 0.6)
        cells = Cells(_SIDE + 0.1, self.height, max(size, MIN_TEXT), 1, 1)
        return self.grid("input", (), cells, at, index=lambda cell: self.lookups[number].index, plain=True)

    def _table(self, tensor: str, x: float) -> Grid:
        rows, cols = self.trace.shape(tensor)
        width = _TABLE_WIDTH if x == _TABLE_X else _OUTPUT_WIDTH
        return self.grid(tensor, (), Cells.fit(rows, cols, width, _ROOM, self.texts(tensor)), (x, _MIDDLE))

    def _output(self, number: int) -> Grid:
        cells = self.table.cells
        height = min(0.62, max(cells.height, 0.4)) if self.bags else self.height
        own = Cells.fit(1, cells.cols, _OUTPUT_WIDTH, height, self.texts("output"))
        scale = self.trace.range(self.table.tensor).scale
        at = (_OUTPUT_X, self.line(number))
        return self.grid("output", self.outputs[number], own, at, blank=True, scale=scale)

    def line(self, number: int) -> float:
        """The height on stage of a row of the output: of its own id, or of the middle of its bag."""
        if not self.bags:
            return self.tops[number]
        lines = [top for top, one in zip(self.tops, self.lookups, strict=True) if one.group == number]
        return sum(lines) / len(lines) if lines else self._between(number)

    def _between(self, number: int) -> float:
        """Where an empty bag stands: between the ids before it and after it."""
        before = [top for top, one in zip(self.tops, self.lookups, strict=True) if one.group < number]
        after = [top for top, one in zip(self.tops, self.lookups, strict=True) if one.group > number]
        return (min(before, default=_ROOM / 2) + max(after, default=-_ROOM / 2)) / 2

    def _brackets(self) -> list[Mobject]:
        """A box round the ids of each bag with its number, which stands beside its row of the output too."""
        if not self.bags:
            return []
        parts: list[Mobject] = []
        for group in sorted({one.group for one in self.lookups}):
            lines = [top for top, one in zip(self.tops, self.lookups, strict=True) if one.group == group]
            middle = (lines[0] + lines[-1]) / 2
            color = self.look.theme.channel(group)
            parts.append(Box(_SIDE + 0.28, lines[0] - lines[-1] + self.height + 0.12, (_IDS_X, middle), 0.06,
                             stroke=color, stroke_width=3.0))  # fmt: skip
            for place in (
                (_IDS_X - _SIDE / 2 - 0.26, middle),
                (self.rows[group].origin[0] - 0.2, self.line(group)),
            ):
                parts.append(self.label(str(group), place, 0.24, color, "bold", align="right"))
        return parts

    def _weights(self) -> list[Mobject]:
        """The weight of each id beside it, where ids have weights."""
        if "per_sample_weights" not in self.trace.tensors:
            return []
        name, x = "per_sample_weights", _IDS_X + 1.0
        cells = Cells.fit(1, 1, 0.8, self.height, self.texts(name))
        parts: list[Mobject] = [
            self.grid(name, (), cells, (x, top), index=lambda _, one=one: one.index)
            for top, one in zip(self.tops, self.lookups, strict=True)
        ]
        at = (x + 0.45, self.tops[-1] - self.height / 2 - 0.3)
        return [*parts, self.label(name, at, MIN_TEXT, vertical="baseline")]

    def _name(self, tensor: str, top: tuple[float, float]) -> Text:
        return self.label(self.shape(tensor), (top[0], top[1] + 0.2), vertical="baseline")
