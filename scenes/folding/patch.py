"""The window that a column of a Fold turns back into, on its way to the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from manim import Animation, VGroup

from torchreel.scenes.folding.blocks import Blocks
from torchreel.scenes.folding.canvas import FoldCanvas
from torchreel.scenes.folding.motion import carry, lagged
from torchreel.scenes.folding.parts import ColumnMatrix, number_of
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.text import measure
from torchreel.scenes.trace.formula import Index


class Patch(Desk):
    """One grid `(kH, kW)` for each drawn channel, beside that channel's plane."""

    def __init__(self, canvas: FoldCanvas, matrix: ColumnMatrix, cells: Cells, x: float) -> None:
        super().__init__(canvas.look, canvas.trace)
        self.canvas, self.matrix, self.blocks, self.x = canvas, matrix, matrix.blocks, x
        rows, cols = (min(n, m) for n, m in zip(self.blocks.kernel, (cells.rows, cells.cols), strict=True))
        self.cells = replace(cells, rows=rows, cols=cols)
        self.grids: dict[int, Grid] = {}
        self.numbers: list[Number] = []

    @staticmethod
    def name(blocks: Blocks, batched: bool, column: int) -> str:
        """The torch call that turns a column into its window."""
        sizes = [str(n) for n in ([blocks.channels] if blocks.channels > 1 else []) + list(blocks.kernel)]
        return f"input[{'0, ' if batched else ''}:, {column}].view({', '.join(sizes)})"

    @classmethod
    def name_width(cls, blocks: Blocks, batched: bool) -> float:
        """The room that the call takes."""
        return measure(cls.name(blocks, batched, blocks.columns - 1), MIN_TEXT, "mono")

    def draw(self, column: int, blank: bool) -> VGroup:
        """The window of a column, still empty or with its values, under the call that makes it."""
        self.numbers = []
        theme = self.look.theme
        for c, plane in self.canvas.planes.items():
            place, plain = (self.x, plane.middle[1]), bool(self.cells.text_size)
            self.grids[c] = self.grid(
                "input", self.matrix.lead, self.cells, place,
                index=self._index(c, column), blank=blank, plain=plain,
            )  # fmt: skip
            if self.cells.text_size:
                for box in self.grids[c].boxes.values():
                    box.set_fill(theme.tint(theme.channel(column)), opacity=1)
        name = self.name(self.blocks, bool(self.matrix.lead), column)
        return VGroup(*self.grids.values(), self.grids[0].caption(name, MIN_TEXT))

    def _index(self, channel: int, column: int) -> Callable[[Cell], Index]:
        return lambda cell: (*self.matrix.lead, self._row(channel, cell), column)

    def _row(self, channel: int, cell: Cell) -> int:
        return channel * self.blocks.taps + cell[0] * self.blocks.kernel[1] + cell[1]

    def receive(self, column: int, share: float) -> list[Animation]:
        """The column's values travel into the empty window, in the order of its rows."""
        animations: list[Animation] = []
        source, theme = self.matrix.grid, self.look.theme
        fill = theme.tint(theme.channel(column))
        places = [(c, grid, cell) for c, grid in self.grids.items() for cell in grid.positions()]
        for count, (c, grid, cell) in enumerate(places if self.cells.text_size else []):
            number = number_of(grid, cell, fill)
            self.numbers.append(number)
            start = (self._row(c, cell), column)
            if source.shows(start) and source.cells.text_size:
                easing = lagged(count, len(places), share)
                spot, size = source.center(start), source.cells.text_size
                animations += carry(self.look, column, number, spot, size, easing)
            else:
                animations.append(Appear(number))
        return animations
