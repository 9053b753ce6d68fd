"""What stands on the stage when a shape changes: planes of the samples, and rows in which they lie end to end."""

from __future__ import annotations

import math
from collections.abc import Iterator

from manim import Animation, VGroup

from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.shape.layout import DrawnPart, ShapeLayout
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_TINT = 0.34
_GAP, _BELOW = 0.12, 0.16
Element = tuple[int, int, int, int]
"""Sample, plane, row and column of a drawn element."""


class PlaneGrid(Grid):
    """Cells that have the colour of the plane that they belong to, whatever their value."""

    def __init__(
        self,
        board: ShapeBoard,
        tensor: str,
        cells: Cells,
        at: tuple[float, float],
        elements: dict[Cell, Element],
    ) -> None:
        self.elements = elements
        index = {cell: board.index(tensor, element) for cell, element in elements.items()}
        super().__init__(
            board.look, board.trace, tensor, (), cells, at, index=index.__getitem__, blank=tensor == "output"
        )

    def fill(self, cell: Cell) -> str:
        theme = self.look.theme
        return theme.tint(theme.channel(self.elements[cell][1]), _TINT)


class ShapeBoard(Board):
    """Both tensors, the input above; `apart` is the one whose axes are apart."""

    def __init__(self, look: Look, trace: Trace, part: DrawnPart, apart: str) -> None:
        super().__init__(look, trace)
        self.part, self.apart_name = part, apart
        self.flat_name = "output" if apart == "input" else "input"
        self.layout = ShapeLayout.fit(part, self.texts("input"), apart == "input")
        self._cells: dict[tuple[str, Element], tuple[PlaneGrid, Cell]] = {}
        self.grids = [*self._apart(), *self._flat()]

    @property
    def is_cropped(self) -> bool:
        """Whether some of the call is left out."""
        drawn = len(self.part.samples) * math.prod(self.part.sizes)
        return drawn != math.prod(self.trace.shape(self.apart_name))

    def index(self, tensor: str, element: Element) -> Index:
        """The index of a drawn element in one of the tensors."""
        return self.part.apart(*element) if tensor == self.apart_name else self.part.flat(*element)

    def scenery(self) -> VGroup:
        """What stands from the first frame on: grids and their names, and the places in a flat row."""
        return VGroup(*self.grids, *self._names(), *self._places())

    def write(self, element: Element) -> list[Animation]:
        """One element of the output is written."""
        grid, cell = self._cells["output", element]
        return grid.write(cell)

    def _apart(self) -> Iterator[PlaneGrid]:
        part = self.part
        for sample, placed in enumerate(self.layout.apart):
            for plane, at in enumerate(placed.at):
                elements = {
                    (row, col): (sample, plane, row, col)
                    for row in range(part.rows)
                    for col in range(part.cols)
                }
                yield self._grid(self.apart_name, placed.cells, at, elements)

    def _flat(self) -> Iterator[PlaneGrid]:
        part = self.part
        for sample, placed in enumerate(self.layout.flat):
            lines = [(plane, row) for plane in range(len(part.planes)) for row in range(part.rows)]
            pieces = [lines] if part.is_whole else [[line] for line in lines]
            for piece, at in zip(pieces, placed.at, strict=True):
                places = [(sample, *line, col) for line in piece for col in range(part.cols)]
                elements = {(0, place): element for place, element in enumerate(places)}
                yield self._grid(self.flat_name, placed.cells, at, elements)

    def _grid(
        self, tensor: str, cells: Cells, at: tuple[float, float], elements: dict[Cell, Element]
    ) -> PlaneGrid:
        grid = PlaneGrid(self, tensor, cells, at, elements)
        self._cells |= {(tensor, element): (grid, cell) for cell, element in elements.items()}
        return grid

    def _names(self) -> Iterator[VGroup]:
        for tensor in ("input", "output"):
            grids = [grid for grid in self.grids if grid.tensor == tensor]
            left = min(grid.origin[0] for grid in grids)
            top = max(grid.origin[1] for grid in grids)
            yield self.title(tensor, (left, top + _GAP), align="left")

    def _places(self) -> Iterator[VGroup]:
        """Under a flat row the place that each of its rows begins at, counted from 0."""
        for grid in self.grids:
            if grid.tensor != self.flat_name:
                continue
            for cell, (_, plane, row, col) in grid.elements.items():
                if col == 0:
                    x, y, _ = grid.center(cell)
                    text = str(self.part.place(plane, row, col))
                    yield self.label(text, (x, y - grid.cells.height / 2 - _BELOW), MIN_TEXT)
