"""How one channel of a tensor is drawn, before anything is: the cells of a plane, or the slices of a volume."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.slices import Slices

Position = tuple[int, ...]
"""A cell of a channel: `(row, column)`, or `(depth, row, column)` in a volume. A line is a single row."""
Interval = tuple[int, int]
"""Cells along one axis, from the first up to, but without, the last."""


@dataclass(frozen=True)
class Sheet:
    """How a channel is drawn: the `cells` of a plane with its padding, or the `slices` of a volume."""

    cells: Cells
    slices: Slices | None = None

    @classmethod
    def of(cls, slices: Slices) -> Sheet:
        """The sheet of a volume."""
        return cls(slices.cells, slices)

    @property
    def shape(self) -> Position:
        """What is shown, as a position's sizes."""
        plane = (self.cells.rows, self.cells.cols)
        return (self.slices.depth, *plane) if self.slices else plane

    @property
    def width(self) -> float:
        """Of everything drawn, in scene units."""
        return self.slices.extent[0] if self.slices else self.cells.width * self.cells.cols

    @property
    def height(self) -> float:
        """Of everything drawn, in scene units."""
        return self.slices.extent[1] if self.slices else self.cells.height * self.cells.rows

    def with_cells(self, cells: Cells) -> Sheet:
        """The same arrangement of other cells."""
        return Sheet(cells, replace(self.slices, cells=cells) if self.slices else None)

    def middles(self, center: np.ndarray) -> list[np.ndarray]:
        """The middles of all cells round `center`, slice by slice, row by row."""
        cells = self.cells
        planes = (
            [center + self.slices.place(depth) for depth in range(self.slices.depth)]
            if self.slices
            else [center]
        )
        rows = [(cells.rows - 1) / 2 - row for row in range(cells.rows)]
        cols = [col - (cells.cols - 1) / 2 for col in range(cells.cols)]
        return [at + np.array([col * cells.width, row * cells.height, 0.0])
                for at in planes for row in rows for col in cols]  # fmt: skip
