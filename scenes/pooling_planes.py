"""One channel of a tensor as grids: a single plane, or the slices of a volume beside one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.formula import Index
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Point, as_point
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling_geometry import Position
from torchreel.scenes.pooling_layout import LABEL, Sheet
from torchreel.scenes.trace import Trace

_HEAD = 0.09


class Planes(VGroup):
    """The grids of a `Sheet`, asked by position: `(row, column)`, or `(depth, row, column)` for a volume.

    `sheet` is the room of the slices with all that is round them, `cells` the tensor in it. `pad` is the drawn
    padding (top, bottom, left, right) of each slice; slices that are all padding are not drawn.
    """

    def __init__(
        self,
        look: Look,
        trace: Trace,
        tensor: str,
        lead: Index,
        sheet: Sheet,
        center: Point,
        cells: Cells | None = None,
        *,
        blank: bool = False,
        pad: tuple[int, int, int, int] = (0, 0, 0, 0),
        pad_text: str = "0",
        plain: bool = False,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        self.look, self.tensor, self.sheet, self.pad, self.plain = look, tensor, sheet, pad, plain
        self.cells = cells or sheet.cells
        self.grids: dict[Position, Grid] = {
            slice_: Grid(
                look, trace, tensor, (*lead, *slice_), self.cells, at,
                blank=blank, pad=pad, pad_text=pad_text, plain=plain, scale=scale,
            )
            for slice_, at in sheet.slices(as_point(center))
        }  # fmt: skip
        paths = np.concatenate([grid.outline(*_ends(grid)) for grid in self.grids.values()])
        (left, bottom, _), (right, top, _) = paths.min(0), paths.max(0)
        self.edges = (float(left), float(bottom), float(right), float(top))
        self.middle = np.array([(left + right) / 2, (bottom + top) / 2, 0.0])
        self.add(*self.grids.values(), *self._heads())

    @property
    def shape(self) -> Position:
        """What is shown, as a position's sizes."""
        plane = (self.cells.rows, self.cells.cols)
        return (self.sheet.depth, *plane) if self.sheet.depth else plane

    def positions(self) -> Iterator[Position]:
        """Every shown position in torch's order."""
        return ((*slice_, *cell) for slice_, grid in self.grids.items() for cell in grid.positions())

    def shows(self, position: Position) -> bool:
        """Whether the position is drawn."""
        return position[:-2] in self.grids and self.grids[position[:-2]].shows(_cell(position))

    def center(self, position: Position) -> np.ndarray:
        """The middle of a position's cell, also of one outside its slice."""
        return self._of(position).center(_cell(position))

    def outline(self, first: Position, last: Position, grow: float = 0.0) -> np.ndarray:
        """The path round a block of cells: in a volume, one round in each of its slices."""
        if len(first) == 2:
            return self._of(first).outline(_cell(first), _cell(last), grow)
        rounds = [
            self.grids[(depth,)].outline(_cell(first), _cell(last), grow)
            for depth in range(first[0], last[0] + 1)
        ]
        return np.concatenate(rounds)

    def value(self, position: Position) -> float:
        """The element at a position."""
        return self._of(position).value(_cell(position))

    def text(self, position: Position) -> str:
        """The element as drawn."""
        return self._of(position).text(_cell(position))

    def fill(self, position: Position) -> str:
        """The colour of a written cell."""
        return self._of(position).fill(_cell(position))

    def index(self, position: Position) -> Index:
        """A position as torch's index."""
        return self._of(position).index(_cell(position))

    def write(self, position: Position, start: Point | None = None) -> list[Animation]:
        """The cell takes its colour and its number, which flies in from `start` or pops up in place."""
        return self._of(position).write(_cell(position), start) if self.shows(position) else []

    def paint(self, position: Position, fill: str) -> list[Animation]:
        """A cell's colour changes; nothing if it is not shown."""
        return self._of(position).paint(_cell(position), fill=fill) if self.shows(position) else []

    def number(self, position: Position) -> Number | None:
        """The number in a cell, if it is written."""
        return self._of(position).numbers.get(_cell(position)) if self.shows(position) else None

    def caption(self, text: str, size: float = LABEL) -> Text:
        """A label centred above all slices."""
        over = self.edges[3] + self.pad[0] * self.cells.height + (0.2 if self.sheet.depth == 0 else 0.42)
        color = self.look.theme.muted
        return Text(text, size, color, "mono").place((self.middle[0], over), vertical="baseline")

    def _of(self, position: Position) -> Grid:
        return self.grids[position[:-2]]

    def _heads(self) -> list[Text]:
        """The depth of each slice, written above it."""
        return [
            grid.caption(f"d={slice_[0]}", MIN_TEXT, gap=_HEAD)
            for slice_, grid in self.grids.items()
            if slice_
        ]


def _cell(position: Position) -> Cell:
    return cast(Cell, position[-2:])


def _ends(grid: Grid) -> tuple[Cell, Cell]:
    rows, cols = grid.shape
    return (0, 0), (rows - 1, cols - 1)
