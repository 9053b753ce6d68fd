"""Ids, table and output side by side: each id names a row of the table, which goes to a row of the output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from manim import Animation, Mobject, VGroup

from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, Look
from torchreel.scenes.parts.shapes import Box
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Element = tuple[str, Index]

_ROOM, _MIDDLE = 4.7, 0.22
_IDS_X, _TABLE_X, _OUTPUT_X = -5.4, -0.9, 4.6
_TABLE_WIDTH, _OUTPUT_WIDTH = 4.2, 3.6
_GAP, _BAG_GAP, _SIDE = 0.14, 0.34, 0.7
_HIGHEST, _MOST_LOOKUPS = 0.72, 8
_NAME = 0.18


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
        numbers = self.row_numbers(self.table)
        return VGroup(
            *self.ids, self.table, *self.rows, *labels, *numbers, *self._brackets(), *self._weights()
        )

    def row_numbers(self, grid: Grid) -> list[Text]:
        """The index of each row, left of a table."""
        if grid.cells.height < MIN_TEXT * 1.15:
            return []
        left = grid.origin[0] - 0.16
        return [
            self.label(str(row), (left, grid.center((row, 0))[1]), MIN_TEXT, font="sans", align="right")
            for row in range(grid.cells.rows)
        ]

    def involved(self, lookups: Sequence[int]) -> list[Element]:
        """Some ids with the rows of the table that they name, as far as they are drawn."""
        found: list[Element] = []
        for number in lookups:
            one = self.lookups[number]
            found.append(("input", one.index))
            if one.row < self.table.cells.rows:
                found += [(self.table.tensor, (one.row, col)) for col in range(self.table.cells.cols)]
            if "per_sample_weights" in self.trace.tensors:
                found.append(("per_sample_weights", one.index))
        return found

    def row(self, number: int) -> list[Element]:
        """The elements of a row of the output."""
        grid = self.rows[number]
        return [("output", tuple(grid.index(cell))) for cell in grid.positions()]

    def write(self, number: int) -> list[Animation]:
        """A row of the output as torch has it."""
        grid = self.rows[number]
        return [move for cell in grid.positions() for move in grid.write(cell)]

    def beside(self, tensor: str) -> Grid:
        """Another tensor of the table's shape, in the place of the output."""
        return self._table(tensor, _OUTPUT_X)

    def _lines(self) -> list[float]:
        """The middle of each lookup's line, groups a gap apart."""
        gap, gaps = (_BAG_GAP if self.bags else _GAP), self.lookups[-1].group
        self.height = min(_HIGHEST, (_ROOM - gap * gaps) / len(self.lookups))
        whole = self.height * len(self.lookups) + gap * gaps
        top = _MIDDLE + whole / 2 - self.height / 2
        return [top - self.height * k - gap * one.group for k, one in enumerate(self.lookups)]

    def _id(self, number: int) -> Grid:
        digits = max(len(str(self.lookups[number].row)), 1)
        size = min(0.34, (_SIDE - 0.15) / 0.6 / digits, self.height * 0.6)
        cells = Cells(_SIDE, self.height, max(size, MIN_NUMBER), 1, 1)
        at = (_IDS_X, self.tops[number])
        return self.grid("input", (), cells, at, index=lambda cell: self.lookups[number].index, plain=True)

    def _table(self, tensor: str, x: float) -> Grid:
        rows, cols = self.trace.shape(tensor)
        width = _TABLE_WIDTH if x == _TABLE_X else _OUTPUT_WIDTH
        cells = Cells.fit(rows, cols, width, _ROOM, self.texts(tensor), 1.1)
        return self.grid(tensor, (), cells, (x, _MIDDLE))

    def _output(self, number: int) -> Grid:
        cells = self.table.cells
        height = min(_HIGHEST, max(cells.height, 0.4)) if self.bags else self.height
        own = Cells.fit(1, cells.cols, _OUTPUT_WIDTH, height, self.texts("output"), 1.1)
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
        """A box round the ids of each bag in its colour, with its number, which stands beside its output too."""
        if not self.bags:
            return []
        parts: list[Mobject] = []
        for group in sorted({one.group for one in self.lookups}):
            lines = [top for top, one in zip(self.tops, self.lookups, strict=True) if one.group == group]
            middle, color = (lines[0] + lines[-1]) / 2, self.look.theme.channel(group)
            size = _SIDE + 0.22, lines[0] - lines[-1] + self.height + 0.14
            parts.append(Box(*size, (_IDS_X, middle), 0.06, stroke=color, stroke_width=3.0))
            ids, output = (
                (_IDS_X - _SIDE / 2 - 0.26, middle),
                (self.rows[group].origin[0] - 0.2, self.line(group)),
            )
            parts += [self.label(str(group), at, 0.28, color, "bold", align="right") for at in (ids, output)]
        return parts

    def _weights(self) -> list[Mobject]:
        """The weight of each id beside it, where ids have weights."""
        name, x = "per_sample_weights", _IDS_X + 1.15
        if name not in self.trace.tensors:
            return []
        cells = Cells.fit(1, 1, 0.85, self.height, self.texts(name))
        grids = [
            self.grid(name, (), cells, (x, top), index=lambda _, one=one: one.index)
            for top, one in zip(self.tops, self.lookups, strict=True)
        ]
        at = (x - 1.6, self.tops[-1] - self.height / 2 - 0.36)
        return [*grids, self.title(name, at, size=MIN_TEXT, shape=False, align="left")]

    def _name(self, tensor: str, top: tuple[float, float]) -> VGroup:
        return self.title(tensor, (top[0], top[1] + _NAME))
