"""A softmax's whole input and output beside the slice that is being worked on: which elements share one sum."""

from __future__ import annotations

from itertools import product

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.gates import Cursors
from torchreel.scenes.parts.grid import Cell, Cells, Grid
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

LEFT, RIGHT = -6.8, -2.75
_MOST_PLANES = 3
_CENTERS = {"input": 1.5, "output": -1.5}
_TALL = 1.9
_GAP = 0.16


class SoftmaxPlanes(Desk):
    """The first plane of the last two axes of `input` and `output`; where `dim` lies across it, one plane a place."""

    def __init__(self, look: Look, trace: Trace, dim: int) -> None:
        super().__init__(look, trace)
        self.dim = dim
        shape = trace.shape("input")
        self.across = dim < len(shape) - 2
        self.count = min(_MOST_PLANES, shape[dim]) if self.across else 1
        width = (RIGHT - LEFT - (self.count - 1) * _GAP) / self.count
        self.cells = Cells.fit(shape[-2], shape[-1], width, _TALL, self.texts("input", "output"), 0.8)
        self.grids = {name: [self._grid(name, k) for k in range(self.count)] for name in _CENTERS}
        self.cursors = Cursors(look)
        self.scenery = VGroup(*(grid for grids in self.grids.values() for grid in grids), *self._names())

    @property
    def owners(self) -> list[Index]:
        """The slices that are shown, each by its element at place 0 along `dim`."""
        rows, cols = self.cells.rows, self.cells.cols
        axes = len(self.trace.shape("input"))
        lead = (0,) * (axes - 2)
        if self.across:
            return [(*lead, row, col) for row, col in product(range(rows), range(cols))]
        return (
            [(*lead, row, 0) for row in range(rows)]
            if self.dim == axes - 1
            else [(*lead, 0, c) for c in range(cols)]
        )

    @property
    def is_partial(self) -> bool:
        """Whether planes or places are left out."""
        shape = self.trace.shape("input")
        shown = self.count * self.cells.rows * self.cells.cols
        return shown < int(np.prod(shape))

    def point(self, owner: Index) -> list[Animation]:
        """The cursors go round a slice, in the input and in the output."""
        first, last = self._ends(owner)
        frames = [grid.outline(first, last, 0.02) for grids in self.grids.values() for grid in grids]
        return self.cursors.glide(*frames)

    def write(self, owner: Index, start: np.ndarray | None = None) -> list[Animation]:
        """A slice's output comes into its cells."""
        (top, left), (bottom, right) = self._ends(owner)
        cells = list(product(range(top, bottom + 1), range(left, right + 1)))
        return [move for grid in self.grids["output"] for cell in cells for move in grid.write(cell, start)]

    def _ends(self, owner: Index) -> tuple[Cell, Cell]:
        row, col = owner[-2:]
        if self.across:
            return (row, col), (row, col)
        if self.dim == len(owner) - 1:
            return (row, 0), (row, self.cells.cols - 1)
        return (0, col), (self.cells.rows - 1, col)

    def _grid(self, name: str, number: int) -> Grid:
        shape = self.trace.shape("input")
        lead = [0] * (len(shape) - 2)
        if self.across:
            lead[self.dim] = number
        width = self.cells.cols * self.cells.width
        whole = self.count * width + (self.count - 1) * _GAP
        x = (LEFT + RIGHT - whole) / 2 + width / 2 + number * (width + _GAP)
        at = (x, _CENTERS[name] - 0.15)
        return self.grid(name, tuple(lead), self.cells, at, blank=name == "output")

    def _names(self) -> list[Text]:
        shape = str(self.trace.shape("input")).replace(" ", "")
        top = _CENTERS["input"] - 0.15 + self.cells.rows * self.cells.height / 2 + 0.2
        low = _CENTERS["output"] - 0.15 + self.cells.rows * self.cells.height / 2 + 0.2
        x = (LEFT + RIGHT) / 2
        return [
            self.label(f"input {shape}", (x, top), vertical="baseline"),
            self.label("output", (x, low), vertical="baseline"),
        ]
